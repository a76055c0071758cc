package store

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"vitrine/cloud/api"
)

const (
	bucketPlays = "plays" // boot -> n (8 bytes, big endian) -> play
	bucketRows  = "rows"  // source -> rows
	bucketMemos = "memos" // name -> what a part of the player wants to know after a restart
	maxPlays    = 100_000 // kept; beyond, the oldest are dropped
	maxPending  = 5_000   // not yet written
)

// diary is what is written often: losing it loses records of a few seconds, never a picture.
type diary struct {
	db   *bbolt.DB
	boot string

	mu      sync.Mutex
	n       uint64
	pending []api.Proof
	kept    int // in the database
	dropped uint64
}

// openDiary opens the diary; a damaged one is set aside and begun anew.
func (s *Store) openDiary() (*diary, error) {
	path := s.path("diary.db")
	if _, err := os.Stat(path); err == nil {
		if err := s.probe(path); err != nil {
			s.log.Warn("diary set aside; plays in it that the relay had not taken are lost", "as", "diary.damaged", "error", err)
			if err := os.Rename(path, s.path("diary.damaged")); err != nil {
				return nil, fmt.Errorf("set the damaged diary aside: %w", err)
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open diary: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("open diary: %w", err)
	}
	d := &diary{db: db}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range []string{bucketRows, bucketMemos} {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		plays, err := tx.CreateBucketIfNotExists([]byte(bucketPlays))
		if err != nil {
			return err
		}
		n, err := plays.NextSequence() // so that boots sort by age
		if err != nil {
			return err
		}
		d.boot = fmt.Sprintf("%08x-%s", n, strings.ToLower(rand.Text()[:12]))
		return plays.ForEachBucket(func(boot []byte) error {
			d.kept += plays.Bucket(boot).Stats().KeyN
			return nil
		})
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("prepare diary: %w", err)
	}
	return d, nil
}

// Record keeps a play until the relay has it; its N is given here. It reaches the disk with the next batch.
func (s *Store) Record(p api.Proof) {
	d := s.diary
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) >= maxPending { // the disk has refused for hours
		d.pending = d.pending[1:]
		d.dropped++
	}
	d.n++
	p.N = d.n
	d.pending = append(d.pending, p)
}

// Dropped is how many plays were given up since Open because nobody took them.
func (s *Store) Dropped() uint64 {
	s.diary.mu.Lock()
	defer s.diary.mu.Unlock()
	return s.diary.dropped
}

func playKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// flush writes pending plays in one transaction; on an error they stay pending.
func (d *diary) flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) == 0 {
		return nil
	}
	err := d.db.Update(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		b, err := plays.CreateBucketIfNotExists([]byte(d.boot))
		if err != nil {
			return err
		}
		for _, p := range d.pending {
			raw, err := json.Marshal(p)
			if err != nil {
				return err
			}
			if err := b.Put(playKey(p.N), seal(string(playKey(p.N)), raw)); err != nil {
				return err
			}
		}
		return d.bound(plays, d.kept+len(d.pending)-maxPlays)
	})
	if err != nil {
		return fmt.Errorf("write plays: %w", err)
	}
	d.kept = min(d.kept+len(d.pending), maxPlays)
	d.pending = d.pending[:0]
	return nil
}

// bound drops the first over plays, boot by boot.
func (d *diary) bound(plays *bbolt.Bucket, over int) error {
	for c := plays.Cursor(); over > 0; {
		boot, _ := c.First()
		if boot == nil {
			return nil
		}
		b := plays.Bucket(boot)
		in := b.Cursor()
		for k, _ := in.First(); k != nil && over > 0; k, _ = in.First() {
			if err := in.Delete(); err != nil {
				return err
			}
			over--
			d.dropped++
		}
		if k, _ := b.Cursor().First(); k == nil {
			if err := plays.DeleteBucket(boot); err != nil {
				return err
			}
		}
	}
	return nil
}

// Plays gives up to limit plays of one boot that the relay has not taken yet, oldest first; other boots come after. ok
// is false when there are none. Records that cannot be read are left out: Taken drops them with the rest.
func (s *Store) Plays(limit int) (run api.Proofs, ok bool, err error) {
	if err := s.diary.flush(); err != nil {
		return run, false, err
	}
	err = s.diary.db.View(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		return plays.ForEachBucket(func(boot []byte) error {
			if len(run.Plays) > 0 {
				return nil
			}
			run.Boot = string(boot)
			c := plays.Bucket(boot).Cursor()
			for k, v := c.First(); k != nil && len(run.Plays) < limit; k, v = c.Next() {
				var p api.Proof
				raw, err := unseal(string(k), v)
				if err != nil || json.Unmarshal(raw, &p) != nil {
					continue
				}
				run.Plays = append(run.Plays, p)
			}
			return nil
		})
	})
	return run, len(run.Plays) > 0, err
}

// Taken drops the plays of a boot up to n: the relay has them for good, or will never take them.
func (s *Store) Taken(boot string, n uint64) error {
	d := s.diary
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.db.Update(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		b := plays.Bucket([]byte(boot))
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= n; k, _ = c.First() {
			if err := c.Delete(); err != nil {
				return err
			}
			d.kept--
		}
		if k, _ := b.Cursor().First(); k == nil && boot != d.boot {
			return plays.DeleteBucket([]byte(boot))
		}
		return nil
	})
}

// KeepRows keeps a source's last good rows; key names the source and its configuration.
func (s *Store) KeepRows(key string, rows []byte) error { return s.diary.keep(bucketRows, key, rows) }

// Rows gives what KeepRows kept; false when there is nothing or it is damaged.
func (s *Store) Rows(key string) (rows []byte, ok bool) { return s.diary.read(bucketRows, key) }

// KeepMemo keeps what a part of the player wants to know after a restart. Losing it must do no harm.
func (s *Store) KeepMemo(name string, memo []byte) error {
	return s.diary.keep(bucketMemos, name, memo)
}

// Memo gives what KeepMemo kept; false when there is nothing or it is damaged.
func (s *Store) Memo(name string) (memo []byte, ok bool) { return s.diary.read(bucketMemos, name) }

func (d *diary) keep(bucket, key string, b []byte) error {
	return d.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), seal(key, b)) })
}

func (d *diary) read(bucket, key string) (b []byte, ok bool) {
	err := d.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket([]byte(bucket)).Get([]byte(key))
		if v == nil {
			return nil
		}
		raw, err := unseal(key, v)
		b, ok = append(b, raw...), err == nil
		return nil
	})
	return b, ok && err == nil
}

// DropRows forgets the rows of all sources but those of keys.
func (s *Store) DropRows(keep map[string]bool) error {
	return s.diary.db.Update(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucketRows)).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if keep[string(k)] {
				continue
			}
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}
