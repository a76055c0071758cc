package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	bucketMeta      = "meta"      // active, previous, floor, settings
	bucketManifests = "manifests" // digest -> taken
	bucketBlobs     = "blobs"     // digest -> mark
	maxStarts       = 3           // starts without a good end, after which the index is no longer believed
)

// errDamaged is a record whose check sum does not fit.
var errDamaged = errors.New("the index is damaged")

// seal puts a check sum before a record: bbolt does not see flipped bits.
func seal(key string, v []byte) []byte {
	sum := crc32.Update(crc32.Checksum([]byte(key), crc32.MakeTable(crc32.Castagnoli)), crc32.MakeTable(crc32.Castagnoli), v)
	return append(binary.BigEndian.AppendUint32(nil, sum), v...)
}

func unseal(key string, v []byte) ([]byte, error) {
	if len(v) < 4 || !bytes.Equal(seal(key, v[4:]), v) {
		return nil, fmt.Errorf("%w: record %q", errDamaged, key)
	}
	return v[4:], nil
}

func putRecord(tx *bbolt.Tx, bucket, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write record %q: %w", key, err)
	}
	return tx.Bucket([]byte(bucket)).Put([]byte(key), seal(key, b))
}

func (s *Store) put(bucket, key string, v any) error {
	return s.update(func(tx *bbolt.Tx) error { return putRecord(tx, bucket, key, v) })
}

// get reads a record into v and says whether there is one.
func (s *Store) get(bucket, key string, v any) (found bool, err error) {
	err = s.withIndex(func(db *bbolt.DB) error {
		if db == nil { // it is just being rebuilt
			return nil
		}
		found, err = getRecord(db, bucket, key, v)
		return err
	})
	return found, err
}

func getRecord(db *bbolt.DB, bucket, key string, v any) (found bool, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket([]byte(bucket)).Get([]byte(key))
		if raw == nil {
			return nil
		}
		found = true
		b, err := unseal(key, raw)
		if err != nil {
			return err
		}
		return json.Unmarshal(b, v)
	})
	return found, err
}

// ProbeFile reads all of a database that this package wrote and says what is wrong with it. On a damaged file it may
// end the process with a fault that nothing can catch: call it in a process of its own.
func ProbeFile(path string) (err error) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := probePages(db, path); err != nil {
		return err
	}
	return probeWrite(path)
}

func probePages(db *bbolt.DB, path string) error {
	return db.View(func(tx *bbolt.Tx) error {
		st, err := os.Stat(path)
		if err != nil {
			return err
		}
		if st.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes of %d are there", errDamaged, st.Size(), tx.Size())
		}
		for err := range tx.Check() {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return probeBucket(b, inDiary(string(name))) })
	})
}

// probeWrite writes to a copy in memory, twice: what a reader does not see can end a writer (a list of free pages on which
// the list itself is).
func probeWrite(path string) error {
	b, err := readFile(path, 1<<30)
	if err != nil {
		return err
	}
	db, err := memoryDB(b)
	if err != nil {
		return err
	}
	defer db.Close()
	for range 2 {
		err := db.Update(func(tx *bbolt.Tx) error {
			trial := []byte("trial")
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				if err := b.Put(trial, trial); err != nil {
					return err
				}
				return b.Delete(trial)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inDiary says whether a bucket is one of the diary's: each of its records is checked when it is read, and one that is
// damaged must not take the others with it.
func inDiary(name string) bool {
	return slices.Contains([]string{bucketPlays, bucketChain, bucketRows, bucketMemos}, name)
}

func probeBucket(b *bbolt.Bucket, loose bool) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return probeBucket(b.Bucket(k), loose)
		}
		if _, err := unseal(string(k), v); err != nil && !loose {
			return err
		}
		return nil
	})
}

func (s *Store) probe(path string) error {
	if len(s.cfg.Probe) == 0 {
		return ProbeFile(path)
	}
	cmd := exec.Command(s.cfg.Probe[0], append(s.cfg.Probe[1:len(s.cfg.Probe):len(s.cfg.Probe)], path)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Start()
	if err == nil {
		if st, serr := os.Stat(path); serr == nil {
			bound(cmd.Process.Pid, st.Size())
		}
		err = cmd.Wait()
	}
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("%w: %s (%w)", errDamaged, line, err)
	}
	return nil
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.cfg.Dir}, parts...)...)
}

// openIndex opens the index, else its last good copy, else an empty one that is filled from the signed files. n is how
// often it was opened without a good end.
func (s *Store) openIndex(n int) (*bbolt.DB, error) {
	index, good := s.path("index.db"), s.path("index.good")
	whole := func(path string) bool {
		if _, err := os.Stat(path); err != nil {
			return false
		}
		if err := s.probe(path); err != nil {
			s.log.Warn("database found damaged", "file", filepath.Base(path), "error", err)
			return false
		}
		return true
	}
	_, missing := os.Stat(index)
	if n <= maxStarts && missing == nil && whole(index) {
		return s.openBolt(index)
	}
	if missing == nil {
		if err := os.Rename(index, s.path("index.damaged")); err != nil {
			return nil, fmt.Errorf("set the damaged index aside: %w", err)
		}
		s.log.Warn("index set aside", "as", "index.damaged", "starts", n)
	}
	if n <= 2*maxStarts && whole(good) {
		b, err := readFile(good, 1<<30)
		if err == nil {
			err = writeFile(index, b)
		}
		if err != nil {
			return nil, fmt.Errorf("bring the index's last good copy back: %w", err)
		}
		s.log.Warn("index brought back from its last good copy")
		return s.openBolt(index)
	}
	db, err := s.openBolt(index)
	if err != nil {
		return nil, err
	}
	if err := s.rebuild(db); err != nil {
		db.Close()
		return nil, fmt.Errorf("rebuild the index from the signed files: %w", err)
	}
	return db, nil
}

func (s *Store) openBolt(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	if err = makeBuckets(db); err == nil {
		err = syncDir(s.cfg.Dir)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("prepare %s: %w", filepath.Base(path), err)
	}
	return db, nil
}

func makeBuckets(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		for _, b := range []string{bucketMeta, bucketManifests, bucketBlobs} {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
}

// countStart counts this start until settle takes it back, so that an index that ends the player is given up.
func (s *Store) countStart() (int, error) {
	b, _ := readFile(s.path("starts"), 32) // absent or unreadable: this is the first
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	n = max(n, 0) + 1
	if err := writeFile(s.path("starts"), []byte(strconv.Itoa(n)+"\n")); err != nil {
		return n, fmt.Errorf("count this start: %w", err)
	}
	return n, nil
}

func (s *Store) settle() {
	if s.inMemory.Load() {
		return
	}
	if err := removeFile(s.path("starts")); err != nil {
		s.log.Warn("start counter not cleared", "error", err)
	}
}

// copyIndex keeps a copy of the index after a change; without one the next start can still rebuild.
func (s *Store) copyIndex() {
	s.copying.Lock()
	defer s.copying.Unlock()
	if s.inMemory.Load() {
		return
	}
	tmp := s.path("index.good.new")
	err := s.withIndex(func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error { return tx.CopyFile(tmp, 0o600) })
	})
	if err == nil {
		err = syncFile(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, s.path("index.good"))
	}
	if err == nil {
		err = syncDir(s.cfg.Dir)
	}
	if err != nil {
		s.log.Warn("index not copied", "error", err)
	}
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
