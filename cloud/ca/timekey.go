package ca

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TimeKey opens the key with which the relay signs its time, or makes it. It is the relay's own also where a proxy in front of
// it has the certificate; players are given its public half when they are claimed.
func TimeKey(path string) (ed25519.PrivateKey, error) {
	seed, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newTimeKey(path)
	case err != nil:
		return nil, fmt.Errorf("read the key that signs the time: %w", err)
	case len(seed) != ed25519.SeedSize:
		return nil, fmt.Errorf("%s is damaged: restore it from a backup, or players will not believe this relay's time until they are claimed again", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func newTimeKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key that signs the time: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the key that signs the time: %w", err)
	}
	_, err = f.Write(key.Seed())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, fmt.Errorf("keep the key that signs the time: %w", err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return key, errors.Join(d.Sync(), d.Close())
}
