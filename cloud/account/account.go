// Package account knows who may speak: the administrator by a token, devices and browsers by sessions, new devices by codes.
//
//	first start ──> administrator's token (shown once, kept as a hash) ──> Administrator.Check
//	device key, page's sign-in ──────────────────────────────────────────> Sessions.Begin ──> Check
//	new device ──> Codes.Offer ──code on its screen──> person: Look, Claim ──> device: Wait
//	all of them ──wrong tries──> Tries (by address)
//
// Secrets are random, of 128 bits or more, and are kept and looked up by their SHA-256 only.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Person is somebody who has proven who they are.
type Person struct {
	Name string
	// Key changes when the proof does: a session that was begun with an older one is over.
	Key string
}

// Administrator is the one person of a relay that has no other accounts. Its token's hash is in a file, which is read again
// when another process (the `token new` command) has replaced it.
type Administrator struct {
	path string

	mu    sync.Mutex
	hash  [sha256.Size]byte
	stamp time.Time
	inode fs.FileInfo
}

// kept is the file.
type kept struct {
	Hash string    `json:"sha256"`
	Made time.Time `json:"made"`
}

// OpenAdministrator reads the file if there is one.
func OpenAdministrator(path string) (*Administrator, error) {
	a := &Administrator{path: path}
	if err := a.read(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return a, nil
}

// Exists says whether there is a token.
func (a *Administrator) Exists() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hash != [sha256.Size]byte{}
}

func (a *Administrator) read() error {
	info, err := os.Stat(a.path)
	if err != nil {
		return err
	}
	if a.inode != nil && os.SameFile(a.inode, info) && info.ModTime().Equal(a.stamp) {
		return nil
	}
	raw, err := os.ReadFile(a.path)
	if err != nil {
		return err
	}
	var k kept
	hash, err := []byte(nil), json.Unmarshal(raw, &k)
	if err == nil {
		hash, err = hex.DecodeString(k.Hash)
	}
	if err != nil || len(hash) != sha256.Size {
		return fmt.Errorf("%s is damaged: make a new token with `vitrine-relay token new`", a.path)
	}
	a.hash, a.stamp, a.inode = [sha256.Size]byte(hash), info.ModTime(), info
	return nil
}

// Replace makes a new token, which is shown once; the old one and all sessions begun with it are over.
func (a *Administrator) Replace(now time.Time) (token string, err error) {
	token = "vitrine-" + rand.Text()
	hash := sha256.Sum256([]byte(token))
	raw, err := json.Marshal(kept{hex.EncodeToString(hash[:]), now.UTC()})
	if err != nil {
		return "", err
	}
	if err := replace(a.path, raw); err != nil {
		return "", fmt.Errorf("keep the token's hash: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return token, a.read()
}

// Check says whose token it is.
func (a *Administrator) Check(token string) (Person, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.read(); err != nil {
		return Person{}, false
	}
	hash := sha256.Sum256([]byte(token))
	if a.hash == [sha256.Size]byte{} || subtle.ConstantTimeCompare(hash[:], a.hash[:]) != 1 {
		return Person{}, false
	}
	return a.person(), true
}

// Current is the administrator as of now, to compare a session's Key with.
func (a *Administrator) Current() Person {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.read(); err != nil {
		return Person{}
	}
	return a.person()
}

func (a *Administrator) person() Person {
	key := sha256.Sum256(a.hash[:])
	return Person{Name: "administrator", Key: hex.EncodeToString(key[:])}
}

// replace writes a file so that after a power cut it is the old one or the new one.
func replace(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
