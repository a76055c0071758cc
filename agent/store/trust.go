package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"go.etcd.io/bbolt"

	"vitrine/agent/bundle"
)

// keepTrust takes a chain of which have roots are on the disk already: first into the files, then beside the floor.
func (s *Store) keepTrust(t *bundle.Trust, have int) error {
	chain := t.Chain()
	for i := have; i < len(chain); i++ {
		if err := writeFile(s.rootPath(i+1), chain[i]); err != nil {
			return fmt.Errorf("keep root %d: %w", i+1, err)
		}
	}
	if err := s.fault("keep roots"); err != nil {
		return err
	}
	if err := s.put(bucketMeta, "roots", chain); err != nil {
		return fmt.Errorf("keep root %d: %w", len(chain), err)
	}
	s.mu.Lock()
	s.trust = t
	s.floor.Root = max(s.floor.Root, t.Root().Version)
	s.mu.Unlock()
	if err := s.keepFloor(); err != nil {
		return fmt.Errorf("keep the root's version: %w", err)
	}
	s.log.Info("root taken", "version", t.Root().Version, "fingerprint", t.Fingerprint())
	return nil
}

func (s *Store) rootPath(n int) string { return s.path("root", strconv.Itoa(n)+".json") }

// loadTrust reads root/1.json and those after it, and what the index has of them: the longer chain wins, and mends the
// other. One that broke off by a power cut is as good as its whole part.
func (s *Store) loadTrust(db *bbolt.DB) error {
	var kept [][]byte
	if _, err := getRecord(db, bucketMeta, "roots", &kept); err != nil {
		s.log.Warn("roots of the index not read", "error", err)
	}
	t, err := s.readRoots()
	if inside := believe(kept); inside != nil && (t == nil || inside.Root().Version > t.Root().Version && inside.Fingerprint() == t.Fingerprint()) {
		s.log.Warn("roots brought back from the index", "version", inside.Root().Version, "error", err)
		t, err = inside, nil
		for i, root := range t.Chain() {
			if werr := writeFile(s.rootPath(i+1), root); werr != nil && !s.inMemory.Load() {
				s.log.Warn("root not written", "version", i+1, "error", werr)
			}
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.trust = t
	s.mu.Unlock()
	if t == nil || len(kept) == len(t.Chain()) {
		return nil
	}
	if err := db.Update(func(tx *bbolt.Tx) error { return putRecord(tx, bucketMeta, "roots", t.Chain()) }); err != nil {
		s.log.Warn("roots not copied into the index", "error", err)
	}
	return nil
}

// readRoots is the chain of the files; nil = nothing is pinned.
func (s *Store) readRoots() (*bundle.Trust, error) {
	first, err := readFile(s.rootPath(1), bundle.MaxRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the pinned root: %w", err)
	}
	t, err := bundle.NewTrust([][]byte{first})
	if err != nil {
		return nil, fmt.Errorf("the pinned root is damaged; remove %s and enrol this player again: %w", s.path("root"), err)
	}
	for n := 2; ; n++ {
		b, err := readFile(s.rootPath(n), bundle.MaxRoot)
		if errors.Is(err, fs.ErrNotExist) {
			return t, nil
		}
		next, err2 := t, err
		if err == nil {
			next, err2 = t.Extend(b)
		}
		if err2 != nil {
			s.log.Warn("root not believed", "version", n, "error", err2)
			return t, nil
		}
		t = next
	}
}

// believe is a chain, or nil.
func believe(chain [][]byte) *bundle.Trust {
	if len(chain) == 0 {
		return nil
	}
	t, err := bundle.NewTrust(chain)
	if err != nil {
		return nil
	}
	return t
}
