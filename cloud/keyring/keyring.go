// Package keyring keeps a publisher's keys and changes who may sign what.
//
//	FILE.key (age, passphrase) ─┐
//	ssh-agent ──────────────────┼─> Key ──Open──> signs ──> root/<n>.json
//	another machine ── request, signed ── Draft ──┘           ▲
//	root/<n-1>.json ── Add, Revoke, Rotate … ── next root ────┘
//
// A ring is a folder: the chain of roots, the public halves of keys, and those private ones that are meant to be on this
// machine. Nothing here replaces a key or a root; what waits for signatures waits in a file.
package keyring

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vitrine/agent/bundle"
)

// maxFiles bounds how many files of a ring are looked at.
const maxFiles = 256

// ErrNoKeys means that a folder is no ring.
var ErrNoKeys = errors.New("there are no keys")

// Ring is a folder of keys.
type Ring struct {
	Dir   string
	trust *bundle.Trust // nil: its first root is not signed yet
}

// Open reads and verifies the chain of a ring. A folder in which the first root still waits for signatures is one too.
func Open(dir string) (*Ring, error) {
	r := &Ring{Dir: dir}
	var chain [][]byte
	for n := 1; ; n++ {
		b, err := readBounded(filepath.Join(dir, bundle.RootPath(n)), bundle.MaxRoot)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the key chain: %w", err)
		}
		chain = append(chain, b)
	}
	if len(chain) == 0 {
		if _, err := os.Lstat(r.requestPath(1)); err == nil {
			return r, nil
		}
		return nil, fmt.Errorf("%w in %s: \"vitrine key new\" makes them, or --keys says where they are", ErrNoKeys, dir)
	}
	trust, err := bundle.NewTrust(chain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	r.trust = trust
	return r, nil
}

// Trust is the chain; nil while its first root waits for signatures.
func (r *Ring) Trust() *bundle.Trust { return r.trust }

// Signed gives the chain, or says that its first root waits.
func (r *Ring) Signed() (*bundle.Trust, error) {
	if r.trust == nil {
		return nil, fmt.Errorf("root 1 in %s still waits for signatures: \"vitrine key show\" says whose", r.Dir)
	}
	return r.trust, nil
}

// Keys are the private keys of the ring's folder and of the ssh-agent that runs here, files first. An agent that cannot be
// asked is none; the error is for a file that cannot be read.
func (r *Ring) Keys() ([]Key, error) {
	names, err := filepath.Glob(filepath.Join(glob(r.Dir), "*.key"))
	if err != nil {
		return nil, err
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%s has more than %d keys: move away what is not a key of these screens", r.Dir, maxFiles)
	}
	var keys []Key
	for _, path := range names {
		k, err := File(path)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	held, err := Agent()
	if err != nil {
		return keys, nil // none runs here, or it does not answer: what it holds is not here
	}
	for _, k := range held {
		if !slices.ContainsFunc(keys, func(have Key) bool { return have.ID == k.ID }) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// For are those keys of the ring, and of others given, that a role of the newest root names.
func (r *Ring) For(role string, others ...Key) ([]Key, error) {
	trust, err := r.Signed()
	if err != nil {
		return nil, err
	}
	all, err := r.Keys()
	if err != nil {
		return nil, err
	}
	var out []Key
	for _, k := range append(slices.Clone(others), all...) {
		if slices.Contains(trust.Root().Roles[role].Keys, k.ID) && !slices.ContainsFunc(out, func(o Key) bool { return o.ID == k.ID }) {
			out = append(out, k)
		}
	}
	return out, nil
}

// Publishers opens as many keys as must sign for a role, those of others first.
func (r *Ring) Publishers(role string, ask Ask, others ...Key) ([]bundle.PrivateKey, error) {
	keys, err := r.For(role, others...)
	if err != nil {
		return nil, err
	}
	need := r.trust.Root().Roles[role].Threshold
	if len(keys) < need {
		return nil, fmt.Errorf("%d of the %s keys of root %d must sign, and %d of them are here (in %s, or in an ssh-agent): bring the key, or let who has it sign",
			need, role, r.trust.Root().Version, len(keys), r.Dir)
	}
	var out []bundle.PrivateKey
	for _, k := range keys[:need] {
		open, err := k.Open(ask)
		if err != nil {
			return nil, err
		}
		out = append(out, open)
	}
	return out, nil
}

// glob writes a folder's name so that nothing in it is a pattern.
func glob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// readBounded reads a small file.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, err
}

// Public is the half of a key that may be shown, and what people call it.
type Public struct {
	ID   string
	Name string
	Key  ed25519.PublicKey
}

// Words are four words that two people compare.
func (p Public) Words() string { return strings.Join(bundle.Words(p.Key), " ") }
