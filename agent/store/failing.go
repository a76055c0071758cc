package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// mendEvery is how often a disk that could not be written is tried again.
const mendEvery = 30 * time.Second

// DiskError means that the disk takes nothing now. What is on it is played; what is counted is kept in memory.
type DiskError struct{ Cause error }

// Error says why.
func (e *DiskError) Error() string {
	return fmt.Sprintf("the data folder cannot be written (%v): what is there goes on playing, and plays are kept in memory", e.Cause)
}

// Unwrap gives the system's error.
func (e *DiskError) Unwrap() error { return e.Cause }

// worn says whether an error is the disk's and not ours: read-only, full, or broken.
func worn(err error) bool {
	for _, e := range []error{unix.EROFS, unix.ENOSPC, unix.EDQUOT, unix.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return err != nil && strings.Contains(err.Error(), "file resize error") // bbolt wraps no cause there
}

// Failing says why the disk takes nothing now; nil = it does. It is a *DiskError.
func (s *Store) Failing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		return nil
	}
	return &DiskError{s.trouble}
}

// wrote hears how a write went. What is written in memory says nothing of the disk.
func (s *Store) wrote(err error) {
	if err != nil && !worn(err) || s.inMemory.Load() {
		return
	}
	s.mu.Lock()
	was := s.trouble
	s.trouble = err
	s.mu.Unlock()
	switch {
	case err != nil && was == nil:
		s.log.Error("data folder cannot be written; playing on", "error", err)
	case err == nil && was != nil:
		s.log.Info("data folder can be written again")
	}
}

func (s *Store) update(change func(*bbolt.Tx) error) error {
	return s.withIndex(func(db *bbolt.DB) error {
		err := db.Update(change)
		s.wrote(err)
		return err
	})
}

// Scratch makes a folder for files of a moment; the caller removes it. Where the disk takes nothing it is elsewhere.
func (s *Store) Scratch() (dir string, err error) {
	for _, place := range []string{s.cfg.Dir, "", "/dev/shm"} {
		if dir, err = os.MkdirTemp(place, "shot-"); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no folder for a picture can be made: %w", err)
}

// lockAny locks the folder as well as it can be: a file that is only read locks too, and so does the folder itself.
// cause is why its folders could not be made, nil = they could.
func (s *Store) lockAny(cause error) error {
	f, err := lockFile(s.path("lock"))
	if worn(err) || err != nil && cause != nil {
		if f, err = lockRead(s.path("lock")); errors.Is(err, fs.ErrNotExist) {
			f, err = lockRead(s.cfg.Dir)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is nothing that two could spoil
		}
	}
	s.lock = f
	return err
}

// openInMemory makes the store usable beside a disk that takes nothing: index and diary are copies in memory.
func (s *Store) openInMemory(cause error) error {
	s.inMemory.Store(true)
	s.trouble = cause
	s.log.Error("data folder cannot be written; playing what is there, counting in memory", "error", cause)
	index, err := s.copyOfIndex()
	if err != nil {
		return err
	}
	diary, err := s.diaryInMemory()
	if err != nil {
		return errors.Join(err, index.Close())
	}
	s.index, s.diary = index, diary
	return nil
}

// copyOfIndex is the index or its last good copy; else one that is filled from the signed files.
func (s *Store) copyOfIndex() (*bbolt.DB, error) {
	for _, name := range []string{"index.db", "index.good"} {
		if !exists(s.path(name)) || s.probe(s.path(name)) != nil {
			continue
		}
		b, err := readFile(s.path(name), 1<<30)
		if err != nil {
			continue
		}
		if db, err := memoryDB(b); err == nil {
			return db, makeBuckets(db)
		}
	}
	db, err := memoryDB(nil)
	if err == nil {
		err = makeBuckets(db)
	}
	if err != nil {
		return nil, err
	}
	if exists(s.path("m")) {
		err = s.rebuild(db)
	}
	return db, err
}

// diaryInMemory begins a chain of its own, with the rows and memos of the disk's diary.
func (s *Store) diaryInMemory() (*diary, error) {
	db, err := memoryDB(nil)
	if err != nil {
		return nil, err
	}
	d := &diary{db: db, limit: s.cfg.MaxPlays, now: s.cfg.Now, wrote: s.wrote}
	if err = d.begin(); err == nil {
		err = d.open(false)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare a diary in memory: %w", err)
	}
	path := s.path("diary.db")
	if !exists(path) || s.probe(path) != nil {
		return d, nil
	}
	old, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
	if err != nil {
		s.log.Warn("rows of sources not read", "error", err)
		return d, nil
	}
	defer old.Close()
	return d, copyRecords(old, d.db)
}

// copyRecords copies rows and memos.
func copyRecords(from, to *bbolt.DB) error {
	return to.Update(func(w *bbolt.Tx) error {
		return from.View(func(r *bbolt.Tx) error {
			for _, name := range []string{bucketRows, bucketMemos} {
				in, out := r.Bucket([]byte(name)), w.Bucket([]byte(name))
				if in == nil || out == nil {
					continue
				}
				if err := in.ForEach(out.Put); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// mend tries a disk that has failed again. A full one is cleared of what no bundle needs first.
func (s *Store) mend(ctx context.Context) error {
	var failing *DiskError
	if !errors.As(s.Failing(), &failing) {
		return nil
	}
	release, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	if errors.Is(failing, unix.ENOSPC) {
		if err := s.collect(); err != nil {
			s.log.Debug("garbage not collected", "error", err)
		}
	}
	if !s.inMemory.Load() {
		return s.withDiary((*diary).touch)
	}
	return s.ontoDisk()
}
