package store

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"vitrine/cloud/api"
)

// ontoDisk leaves the memory for the disk that it stood in for. When that fails, the memory goes on standing in. The caller
// holds the token.
func (s *Store) ontoDisk() error {
	if err := s.makeFolders(); err != nil {
		return err
	}
	n, err := s.countStart()
	if err != nil {
		return err
	}
	if err := s.lockDisk(); err != nil {
		return err
	}
	index, err := s.openIndex(n)
	if err != nil {
		return err
	}
	fresh, err := s.openDiary()
	if err != nil {
		return errors.Join(err, index.Close())
	}
	changed, err := s.changePlaces(index, fresh)
	if !changed {
		return errors.Join(err, index.Close(), fresh.db.Close(), removeFile(s.path("starts")))
	}
	s.settle() // it was opened, read and written
	err = s.refresh()
	s.wrote(nil)
	return err
}

// lockDisk takes the lock that is its own, where it could only be read before.
func (s *Store) lockDisk() error {
	lock, err := lockFile(s.path("lock"))
	if errors.Is(err, ErrLocked) && s.lock != nil && s.lock.Name() == s.path("lock") {
		return nil // it is our own, opened for reading
	}
	if err == nil {
		s.lock = lock // one on the folder itself goes with the process
	}
	return err
}

// changePlaces puts what the memory has onto the disk and the disk's index and diary in the memory's place. Whoever uses
// those is waited for, and waits: nobody holds a database that is closed. Nothing has changed when it says false.
func (s *Store) changePlaces(index *bbolt.DB, fresh *diary) (changed bool, err error) {
	s.setting.Lock()
	defer s.setting.Unlock()
	s.flooring.Lock()
	defer s.flooring.Unlock()
	s.places.Lock()
	defer s.places.Unlock()
	if s.diary.busy() {
		return false, nil // the relay is just being told of plays; the next time
	}
	floor, err := s.keepInIndex(index)
	if err == nil {
		err = s.diary.moveTo(fresh)
	}
	if err != nil {
		return false, fmt.Errorf("what was kept in memory does not come onto the disk: %w", err)
	}
	oldIndex, oldDiary := s.index, s.diary
	s.index, s.diary = index, fresh
	s.inMemory.Store(false)
	s.mu.Lock()
	s.floor = floor
	s.mu.Unlock()
	s.writeFloor(floor)
	s.log.Info("data folder in use again", "plays", len(fresh.pending))
	if err := s.fault("memory left"); err != nil {
		s.log.Warn("after the change to the disk", "error", err)
	}
	if err := errors.Join(oldIndex.Close(), oldDiary.db.Close()); err != nil {
		s.log.Warn("memory not given back", "error", err)
	}
	return true, nil
}

// keepInIndex writes into the disk's index what has changed in memory meanwhile, and says what the floor is now.
func (s *Store) keepInIndex(index *bbolt.DB) (Floor, error) {
	var set api.Settings
	found, err := getRecord(s.index, bucketMeta, "settings", &set)
	if err != nil {
		return Floor{}, err
	}
	floor, err := s.readFloor(index)
	if err != nil {
		return Floor{}, err
	}
	floor = floor.merge(s.Floor())
	var memory, disk pointers
	for db, p := range map[*bbolt.DB]*pointers{s.index: &memory, index: &disk} {
		if _, err := getRecord(db, bucketMeta, "pointers", p); err != nil {
			return floor, err
		}
	}
	if memory.Held != "" && memory.Held == disk.Active { // Rollback left it
		disk = memory
		floor.Active, floor.Previous = disk.Active, disk.Previous
	}
	if found {
		if err := s.writeSettings(set); err != nil {
			return floor, err
		}
	}
	return floor, index.Update(func(tx *bbolt.Tx) error {
		if found {
			if err := putRecord(tx, bucketMeta, "settings", set); err != nil {
				return err
			}
		}
		if err := putRecord(tx, bucketMeta, "pointers", disk); err != nil {
			return err
		}
		return putRecord(tx, bucketMeta, "floor", floor)
	})
}

// moveTo gives a diary on the disk what this one in memory has. Plays that the relay has taken already stay behind.
func (d *diary) moveTo(fresh *diary) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketPlays))
		return b.ForEachBucket(func(boot []byte) error {
			return b.Bucket(boot).ForEach(func(k, v []byte) error {
				p, err := readRecord(boot, k, v)
				if err == nil {
					p.Chain, p.N, p.Prev = "", 0, ""
					fresh.pending = append(fresh.pending, p)
				}
				return nil
			})
		})
	})
	fresh.pending = slices.Concat(fresh.pending, d.pending)
	fresh.unwritten, fresh.dropped = d.unwritten, d.dropped
	return errors.Join(err, copyRecords(d.db, fresh.db))
}
