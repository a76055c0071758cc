// Package shelf keeps the relay's small records under keys, with revisions, on one machine.
//
//	depot, fleet ──Case──> Get, Put(if revision), PutAll, Delete, Each ──> one bbolt file, fsynced before it is acknowledged
//
// What a Case promises is what a replicated key-value store promises too (a revision for each record that only grows, and
// compare-and-swap on it), so that another engine can stand behind the interfaces of those who use it.
package shelf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Any is the revision that stands for whatever is there.
const Any = ^uint64(0)

// batchDelay is how long a write waits for others to share its fsync with.
const batchDelay = 2 * time.Millisecond

// Shelf is an open file of records.
type Shelf struct {
	db *bbolt.DB
}

// Open opens the file or makes it. It waits 2 s for another process that has it open, then says so.
func Open(path string) (*Shelf, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 2 * time.Second, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another relay has it open: stop that one first", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w: restore it from a backup", path, err)
	}
	db.MaxBatchDelay = batchDelay
	return &Shelf{db: db}, nil
}

// Close closes the file.
func (s *Shelf) Close() error { return s.db.Close() }

// Case opens the records of one kind.
func (s *Shelf) Case(name string) (*Case, error) {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open records of %s: %w", name, err)
	}
	return &Case{db: s.db, name: []byte(name)}, nil
}

// Case is the records of one kind. Its methods are safe for concurrent use.
type Case struct {
	db   *bbolt.DB
	name []byte
}

// Get reads a record; revision 0 = there is none.
func (c *Case) Get(key string) (value []byte, rev uint64, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		if raw := tx.Bucket(c.name).Get([]byte(key)); raw != nil {
			value, rev, err = open(raw)
		}
		return err
	})
	return value, rev, err
}

// Put writes a record if its revision is still want (0 = there must be none, Any = whatever is there), and gives its new
// revision; ok = false means that somebody else was first. It returns after the fsync.
func (c *Case) Put(key string, value []byte, want uint64) (rev uint64, ok bool, err error) {
	err = c.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(c.name)
		if ok, err = at(b, key, want); err != nil || !ok {
			return err
		}
		rev, err = put(b, key, value)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("write record %s of %s: %w", key, c.name, err)
	}
	return rev, ok, nil
}

// PutAll writes records whatever is there, in one transaction.
func (c *Case) PutAll(records map[string][]byte) error {
	err := c.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(c.name)
		for key, value := range records {
			if _, err := put(b, key, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %d records of %s: %w", len(records), c.name, err)
	}
	return nil
}

// Delete takes a record away if its revision is still want.
func (c *Case) Delete(key string, want uint64) (ok bool, err error) {
	err = c.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(c.name)
		if ok, err = at(b, key, want); err != nil || !ok {
			return err
		}
		return b.Delete([]byte(key))
	})
	if err != nil {
		return false, fmt.Errorf("delete record %s of %s: %w", key, c.name, err)
	}
	return ok, nil
}

// DeleteAll takes records away whatever is there, in one transaction.
func (c *Case) DeleteAll(keys []string) error {
	err := c.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(c.name)
		for _, key := range keys {
			if err := b.Delete([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete %d records of %s: %w", len(keys), c.name, err)
	}
	return nil
}

// Each calls f for the records whose keys have a prefix and are greater than after, in order of their bytes, until f says
// false. f must be short and may not write: what it holds up is the reuse of old pages.
func (c *Case) Each(prefix, after string, f func(key string, value []byte, rev uint64) bool) error {
	return c.db.View(func(tx *bbolt.Tx) error {
		cur := tx.Bucket(c.name).Cursor()
		for k, raw := cur.Seek([]byte(max(prefix, after))); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, raw = cur.Next() {
			if string(k) == after && after != "" {
				continue
			}
			value, rev, err := open(raw)
			if err != nil {
				return fmt.Errorf("read record %s of %s: %w", k, c.name, err)
			}
			if !f(string(k), value, rev) {
				return nil
			}
		}
		return nil
	})
}

// at says whether a record is still at a revision.
func at(b *bbolt.Bucket, key string, want uint64) (bool, error) {
	if want == Any {
		return true, nil
	}
	raw := b.Get([]byte(key))
	if raw == nil {
		return want == 0, nil
	}
	_, rev, err := open(raw)
	return rev == want, err
}

func put(b *bbolt.Bucket, key string, value []byte) (uint64, error) {
	rev, err := b.NextSequence()
	if err != nil {
		return 0, err
	}
	return rev, b.Put([]byte(key), append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), rev), value...))
}

// open takes a record apart and copies it: bbolt's bytes end with their transaction.
func open(raw []byte) ([]byte, uint64, error) {
	if len(raw) < 8 {
		return nil, 0, errors.New("the record is damaged: restore the file from a backup")
	}
	return bytes.Clone(raw[8:]), binary.BigEndian.Uint64(raw), nil
}
