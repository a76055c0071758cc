package store

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go.etcd.io/bbolt"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// rebuild fills an empty index from the signed files: which bundle is live by the second floor, else the newest that is
// whole. Every blob is read, since nothing else says any more that it is whole.
func (s *Store) rebuild(db *bbolt.DB) error {
	entries, err := os.ReadDir(s.path("m"))
	if err != nil {
		return err
	}
	_, noRoot := os.Lstat(s.path("root", "1.json"))
	if len(entries) == 0 && noRoot != nil && !exists(s.path("settings.json")) {
		return nil // a new player
	}
	if err := s.loadTrust(db); err != nil {
		return err
	}
	f, err := s.readFloor(db)
	if err != nil {
		return err
	}
	var best *bundle.Manifest
	var p pointers
	marks := map[bundle.Digest]mark{}
	for _, e := range entries {
		d, err := bundle.ParseDigest(strings.TrimSuffix(e.Name(), ".json"))
		if err != nil {
			continue
		}
		m, root, err := s.manifestUnder(d)
		if err != nil {
			s.log.Warn("manifest not believed", "manifest", d.Short(), "error", err)
			continue
		}
		whole := s.readBlobs(m, marks)
		if l := (Level{Root: m.Root, Under: root, Seq: m.Seq, Manifest: d}); whole && f.Streams[m.Stream].less(l) {
			f.Streams[m.Stream] = l
		}
		if whole {
			f.Issued[root] = later(f.Issued[root], m.Issued)
		}
		newer := best == nil || follows(m, best)
		if d == f.Active || whole && newer && (p.Active == "" || p.Active != f.Active) {
			p.Active, best = d, m
		}
		if d == f.Previous {
			p.Previous = d
		}
	}
	if p.Previous == p.Active {
		p.Previous = ""
	}
	return s.saveRebuilt(db, p, f, marks)
}

// follows says whether a bundle is to be live rather than another one. Publishers' clocks may leap; their numbers do not.
func follows(a, b *bundle.Manifest) bool {
	if a.Stream == b.Stream {
		return Level{Root: b.Root, Seq: b.Seq}.less(Level{Root: a.Root, Seq: a.Seq})
	}
	return a.Issued.After(b.Issued)
}

func (s *Store) saveRebuilt(db *bbolt.DB, p pointers, f Floor, marks map[bundle.Digest]mark) error {
	var set api.Settings
	if b, err := readFile(s.path("settings.json"), 1<<20); err == nil {
		if err := json.Unmarshal(b, &set); err != nil {
			s.log.Warn("settings lost", "error", err)
		}
	}
	f.Active, f.Previous = p.Active, p.Previous
	err := db.Update(func(tx *bbolt.Tx) error {
		for d, k := range marks {
			if err := putRecord(tx, bucketBlobs, string(d), k); err != nil {
				return err
			}
		}
		for key, v := range map[string]any{"pointers": p, "floor": f, "settings": set} {
			if err := putRecord(tx, bucketMeta, key, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	s.log.Warn("index rebuilt from the signed files", "live", p.Active.Short(), "blobs", len(marks))
	return nil
}

// readBlobs reads a manifest's blobs and says whether all are whole. What is not stays out of marks.
func (s *Store) readBlobs(m *bundle.Manifest, marks map[bundle.Digest]mark) bool {
	whole := true
	for _, b := range m.Blobs {
		if _, done := marks[b.Digest]; done {
			continue
		}
		k, ok, err := s.present(b, true)
		if err != nil || !ok {
			whole = false
			continue
		}
		marks[b.Digest] = k
	}
	return whole
}

// forget drops a blob's mark with its file.
func (s *Store) forget(digest string) {
	err := s.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucketBlobs)).Delete([]byte(digest)) })
	if err != nil {
		s.log.Warn("mark not dropped", "blob", digest, "error", err)
	}
}
