package store

import (
	"bytes"
	"crypto/rand"
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
	bucketRows  = "rows"  // source -> rows
	bucketMemos = "memos" // name -> what a part of the player wants to know after a restart
)

// diary is what is written often: losing it loses records of a few seconds, never a picture.
type diary struct {
	db    *bbolt.DB
	boot  string
	limit int // of plays
	now   func() time.Time
	wrote func(error) // hears how each write went

	mu        sync.Mutex
	end       chainEnd
	pending   []api.Proof
	unwritten uint64 // given up before they reached the disk
	kept      int    // in the database
	dropped   uint64
	lent      time.Time // plays were handed out to be told, and it is not known yet whether the relay has them
}

// lend notes that plays were handed out.
func (d *diary) lend(any bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lent = (time.Time{}); any {
		d.lent = time.Now()
	}
}

// busy says that plays are on their way to the relay: to move them now could tell them twice.
func (d *diary) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.lent.IsZero() && time.Since(d.lent) < 2*time.Minute
}

// touch writes a little, to see whether it can be done.
func (d *diary) touch() error {
	return d.update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketMemos)).Put([]byte("touched"), seal("touched", nil))
	})
}

// openDiary opens the diary; a damaged one is set aside and begun anew.
func (s *Store) openDiary() (*diary, error) {
	path, anew := s.path("diary.db"), false
	if _, err := os.Stat(path); err == nil {
		if err := s.probe(path); err != nil {
			s.log.Warn("diary set aside; plays in it that the relay had not taken are lost", "as", "diary.damaged", "error", err)
			anew = true
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
	d := &diary{db: db, limit: s.cfg.MaxPlays, now: s.cfg.Now, wrote: s.wrote}
	if err = d.begin(); err == nil {
		err = d.open(anew)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("prepare diary: %w", err)
	}
	return d, nil
}

// begin makes what is not there yet, and this boot's name.
func (d *diary) begin() error {
	return d.db.Update(func(tx *bbolt.Tx) error {
		for _, b := range []string{bucketRows, bucketMemos, bucketChain} {
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
		return nil
	})
}

// open finds the end of the chain, or begins one: the first record then says what is known to be lost.
func (d *diary) open(anew bool) error {
	found, broken := false, false
	var bad []place
	err := d.db.View(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		if v := tx.Bucket([]byte(bucketChain)).Get([]byte(keyEnd)); v != nil {
			raw, err := unseal(keyEnd, v)
			found = err == nil && json.Unmarshal(raw, &d.end) == nil && d.end.Chain != ""
			broken = !found
		}
		return plays.ForEachBucket(func(boot []byte) error {
			b := plays.Bucket(boot)
			d.kept += b.Stats().KeyN
			if found {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				if _, err := readRecord(boot, k, v); err != nil {
					bad = append(bad, place{bytes.Clone(boot), bytes.Clone(k)})
				}
				return nil
			})
		})
	})
	if err != nil || found {
		return err
	}
	d.end = chainEnd{Chain: strings.ToLower(rand.Text()[:16])}
	return d.write(func(w *pen) error {
		for _, b := range bad {
			if err := w.remove(b.boot, b.key); err != nil {
				return err
			}
		}
		switch {
		case anew || broken:
			return w.gap(api.Gap{Plays: uint64(len(bad)), Why: whyAnew})
		case len(bad) > 0:
			return w.gap(api.Gap{Plays: uint64(len(bad)), Why: whyOlder})
		}
		return nil
	})
}

// KeepRows keeps a source's last good rows; key names the source and its configuration.
func (s *Store) KeepRows(key string, rows []byte) error {
	return s.withDiary(func(d *diary) error { return d.keep(bucketRows, key, rows) })
}

// Rows gives what KeepRows kept; false when there is nothing or it is damaged.
func (s *Store) Rows(key string) (rows []byte, ok bool) { return s.recall(bucketRows, key) }

// KeepMemo keeps what a part of the player wants to know after a restart. Losing it must do no harm.
func (s *Store) KeepMemo(name string, memo []byte) error {
	return s.withDiary(func(d *diary) error { return d.keep(bucketMemos, name, memo) })
}

// Memo gives what KeepMemo kept; false when there is nothing or it is damaged.
func (s *Store) Memo(name string) (memo []byte, ok bool) { return s.recall(bucketMemos, name) }

func (s *Store) recall(bucket, key string) (b []byte, ok bool) {
	s.withDiary(func(d *diary) error { b, ok = d.read(bucket, key); return nil })
	return b, ok
}

func (d *diary) keep(bucket, key string, b []byte) error {
	return d.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), seal(key, b)) })
}

func (d *diary) update(change func(*bbolt.Tx) error) error {
	err := d.db.Update(change)
	d.wrote(err)
	return err
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
	return s.withDiary(func(d *diary) error {
		return d.update(func(tx *bbolt.Tx) error {
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
	})
}
