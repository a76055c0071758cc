// Package identity keeps who the player is: the keys that are made on it and never leave it.
//
//	identity.json (mode 0600) ──Ed25519──> requests, plays, exports are signed
//	                          └─age──────> secrets are sealed for this player, the vault is locked
package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"vitrine/cloud/api"
)

// Identity is who the player is. What it holds of relays belongs to the uplink, which alone changes and saves it.
type Identity struct {
	Seed []byte `json:"key"`  // Ed25519
	Seal string `json:"seal"` // age X25519 identity, for secrets meant for this player alone
	// ID is the name that each relay has given, by its address; a person's claim is in it.
	ID map[string]string `json:"id,omitempty"`
	// Time is the key that signs each relay's time, and Root the publisher's first root that whoever claimed the player named.
	Time map[string][]byte `json:"time,omitempty"`
	Root map[string]string `json:"root,omitempty"`

	path string
}

// Key is what the player signs with.
func (i *Identity) Key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(i.Seed) }

// Public is the half of Key that may be shown.
func (i *Identity) Public() ed25519.PublicKey { return i.Key().Public().(ed25519.PublicKey) }

// Recipient is what secrets are sealed to for this player: age1….
func (i *Identity) Recipient() (string, error) {
	id, err := age.ParseX25519Identity(i.Seal)
	if err != nil {
		return "", err
	}
	return id.Recipient().String(), nil
}

const hidden = "(identity)"

// String keeps the keys out of logs.
func (*Identity) String() string { return hidden }

// Format keeps the keys out of logs, whatever the verb.
func (*Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// ErrIdentity means that the player cannot be who it is to its relays: its identity is damaged, or cannot be kept.
var ErrIdentity = errors.New("the player has no identity for its relay")

// Remember notes what a relay has told at the claim. A player that is claimed again believes whoever claims it anew.
func (i *Identity) Remember(base string, e api.Enrolled) {
	for _, m := range []*map[string]string{&i.ID, &i.Root} {
		if *m == nil {
			*m = map[string]string{}
		}
	}
	if i.Time == nil {
		i.Time = map[string][]byte{}
	}
	i.ID[base] = e.Settings.ID
	delete(i.Root, base)
	delete(i.Time, base)
	if e.Root != "" {
		i.Root[base] = e.Root
	}
	if len(e.Time) > 0 {
		i.Time[base] = e.Time
	}
}

// Load reads identity.json in a folder or makes it. A damaged one is not replaced: the player would be a stranger to its relay.
func Load(dir string) (*Identity, error) {
	i := &Identity{path: filepath.Join(dir, "identity.json")}
	b, err := ReadPrivate(i.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := i.make(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
		}
		return i, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read it: %w", ErrIdentity, err)
	}
	if err := json.Unmarshal(b, i); err != nil || len(i.Seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s is damaged: remove it, and claim the player again", ErrIdentity, i.path)
	}
	if _, err := i.Recipient(); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged (%w): remove it, and claim the player again", ErrIdentity, i.path, err)
	}
	return i, nil
}

// ReadPrivate reads a small file that nobody but its owner may read; one that others may is an error.
func ReadPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Mode().Perm()&0o077 != 0 {
		return nil, errors.Join(err, fmt.Errorf("others than its owner may read %s: chmod 600 it", path))
	}
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// Beside is the place of another file in the identity's folder.
func (i *Identity) Beside(name string) string { return filepath.Join(filepath.Dir(i.path), name) }

func (i *Identity) make() error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the player's key: %w", err)
	}
	seal, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the player's key: %w", err)
	}
	i.Seed, i.Seal = key.Seed(), seal.String()
	return i.Save()
}

// Save replaces the file: write, fsync, rename, fsync folder.
func (i *Identity) Save() error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	if err := WritePrivate(i.path, b); err != nil {
		return fmt.Errorf("keep the player's identity: %w", err)
	}
	return nil
}

// WritePrivate replaces a file that only its owner may read: write, fsync, rename, fsync folder.
func WritePrivate(path string, b []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
