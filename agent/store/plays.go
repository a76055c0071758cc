package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"vitrine/cloud/api"
)

const (
	bucketPlays = "plays" // boot -> n (8 bytes, big endian) -> record
	bucketChain = "chain" // the end of the chain (see api.Gap and what is beside it)
	keyEnd      = "end"   // in bucketChain
	maxPlays    = 100_000 // kept; beyond, the oldest are dropped
	maxPending  = 5_000   // not yet written
	maxWhy      = 240     // bytes: six for each in JSON are less than a record may have
	dropShare   = 100     // a hundredth goes at once, so that one gap stands for many
	whyFull     = "the player keeps a bounded number of plays, and nobody took these"
	whyDamaged  = "the record was damaged on the player's disk"
	whyNoDisk   = "the player's disk could not be written for so long that these were given up"
	whyAnew     = "the player's diary was damaged and begun anew; which plays were in it is not known"
	whyOlder    = "records of an older version of the player, which had no chain"
	whyTooLarge = "the play cannot be written as a record"
)

// chainEnd is where the chain stands; it is written in one transaction with what it covers.
type chainEnd struct {
	Chain string `json:"chain"`
	N     uint64 `json:"n"`    // of the newest record; 0 = none yet
	Hash  string `json:"hash"` // of the newest record
	Taken uint64 `json:"taken"`
}

// Record keeps a play until the relay has it; its place in the chain is given when it reaches the disk with the next batch.
func (s *Store) Record(p api.Proof) {
	s.withDiary(func(d *diary) error { d.record(p); return nil })
}

func (d *diary) record(p api.Proof) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) >= maxPending { // the disk has refused for hours
		d.pending = d.pending[1:]
		d.unwritten++
		d.dropped++
	}
	d.pending = append(d.pending, p)
}

// Dropped is how many plays were given up since Open because nobody took them.
func (s *Store) Dropped() (n uint64) {
	s.withDiary(func(d *diary) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		n = d.dropped
		return nil
	})
	return n
}

// PlaysHead is the newest record on the disk, not signed; false = there is none yet.
func (s *Store) PlaysHead() (api.PlaysHead, bool) {
	var e chainEnd
	s.withDiary(func(d *diary) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		e = d.end
		return nil
	})
	return api.PlaysHead{Chain: e.Chain, N: e.N, Hash: e.Hash}, e.N > 0
}

// playSeal is what a record's check sum covers besides itself.
func playSeal(boot, key []byte) string { return string(boot) + "/" + string(key) }

func playKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// pen writes to the chain within one transaction.
type pen struct {
	plays   *bbolt.Bucket
	boot    string
	now     time.Time
	end     chainEnd
	kept    int
	dropped uint64
}

// write changes the chain in one transaction; on an error nothing has changed. mu is held.
func (d *diary) write(change func(w *pen) error) error {
	w := pen{boot: d.boot, now: d.now().UTC(), end: d.end, kept: d.kept, dropped: d.dropped}
	err := d.update(func(tx *bbolt.Tx) error {
		w.plays = tx.Bucket([]byte(bucketPlays))
		if err := change(&w); err != nil {
			return err
		}
		return putRecord(tx, bucketChain, keyEnd, w.end)
	})
	if err == nil {
		d.end, d.kept, d.dropped = w.end, w.kept, w.dropped
	}
	return err
}

// add puts a record at the end of the chain. One that cannot be a record is told as lost.
func (w *pen) add(p api.Proof) error {
	p.Chain, p.N, p.Prev = w.end.Chain, w.end.N+1, w.end.Hash
	raw, err := json.Marshal(p)
	if err != nil || len(raw) > api.MaxPlay {
		if p.Gap != nil {
			return fmt.Errorf("write a gap: %d bytes: %w", len(raw), err)
		}
		return w.gap(api.Gap{Plays: 1, Why: whyTooLarge})
	}
	b, err := w.plays.CreateBucketIfNotExists([]byte(w.boot))
	if err != nil {
		return err
	}
	key := playKey(p.N)
	if err := b.Put(key, seal(playSeal([]byte(w.boot), key), raw)); err != nil {
		return err
	}
	w.end.N, w.end.Hash = p.N, api.PlayHash(w.boot, raw)
	w.kept++
	return nil
}

// gap tells in the chain what was lost.
func (w *pen) gap(g api.Gap) error {
	if len(g.Why) > maxWhy { // a stranger's words
		g.Why = strings.ToValidUTF8(g.Why[:maxWhy], "") + " …"
	}
	return w.add(api.Proof{Start: w.now, End: w.now, Gap: &g})
}

// remove takes a record away; an empty boot goes with it.
func (w *pen) remove(boot, key []byte) error {
	b := w.plays.Bucket(boot)
	if err := b.Delete(key); err != nil {
		return err
	}
	w.kept--
	if k, _ := b.Cursor().First(); k == nil && string(boot) != w.boot {
		return w.plays.DeleteBucket(boot)
	}
	return nil
}

// oldest is the first record.
func (w *pen) oldest() (boot, key, value []byte) {
	for c, boot := bootsOf(w.plays); boot != nil; boot, _ = c.Next() {
		if k, v := w.plays.Bucket(boot).Cursor().First(); k != nil {
			return boot, k, v
		}
	}
	return nil, nil, nil
}

func bootsOf(plays *bbolt.Bucket) (*bbolt.Cursor, []byte) {
	c := plays.Cursor()
	boot, _ := c.First()
	return c, boot
}

// bound drops the oldest records beyond a number and tells so. The gap begins after what the relay has taken, so that it
// stands for the gaps that were dropped themselves too.
func (w *pen) bound(limit int) error {
	if w.kept <= limit {
		return nil
	}
	g := api.Gap{From: w.end.Taken + 1, Why: whyFull}
	for left := w.kept - limit + limit/dropShare + 1; left > 0; left-- {
		boot, key, v := w.oldest()
		if boot == nil {
			break
		}
		g.To = binary.BigEndian.Uint64(key)
		if p, err := readRecord(boot, key, v); err == nil && p.Gap != nil {
			g.Plays += p.Gap.Plays
			if p.Gap.From > 0 {
				g.From = min(g.From, p.Gap.From)
			}
		}
		if err := w.remove(bytes.Clone(boot), bytes.Clone(key)); err != nil {
			return err
		}
		w.dropped++
	}
	return w.gap(g)
}

func readRecord(boot, key, sealed []byte) (api.Proof, error) {
	raw, err := unseal(playSeal(boot, key), sealed)
	if err != nil {
		return api.Proof{}, err
	}
	p, err := api.ReadProof(raw)
	if err == nil && (p.Chain == "" || p.N != binary.BigEndian.Uint64(key)) {
		err = errDamaged
	}
	return p, err
}

// flush writes pending plays in one transaction; on an error they stay pending.
func (d *diary) flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) == 0 {
		return nil
	}
	err := d.write(func(w *pen) error {
		if d.unwritten > 0 {
			if err := w.gap(api.Gap{Plays: d.unwritten, Why: whyNoDisk}); err != nil {
				return err
			}
		}
		for _, p := range d.pending {
			if err := w.add(p); err != nil {
				return err
			}
		}
		return w.bound(d.limit)
	})
	if err != nil {
		return fmt.Errorf("write plays: %w", err)
	}
	d.pending, d.unwritten = d.pending[:0], 0
	return nil
}

// place is where a record stands.
type place struct{ boot, key []byte }

// Plays gives up to limit plays of one boot that the relay has not taken yet, oldest first, without a hole between them;
// others come after. ok is false when there are none. A record that cannot be read is taken out and told at the chain's end.
func (s *Store) Plays(limit int) (run api.Proofs, ok bool, err error) {
	err = s.withDiary(func(d *diary) error {
		run, err = s.lendPlays(d, limit)
		return err
	})
	return run, len(run.Plays) > 0, err
}

func (s *Store) lendPlays(d *diary, limit int) (api.Proofs, error) {
	for {
		if err := d.flush(); err != nil {
			return api.Proofs{}, err
		}
		run, bad, err := d.scan(limit)
		if err != nil {
			return api.Proofs{}, fmt.Errorf("read plays: %w", err)
		}
		if len(bad) == 0 {
			d.lend(len(run.Plays) > 0)
			return run, nil
		}
		s.log.Warn("records of plays damaged; told the relay as lost", "records", len(bad))
		if err := d.lose(bad, whyDamaged); err != nil {
			return api.Proofs{}, err
		}
	}
}

// scan gives a run, or the places of damaged records that it came across.
func (d *diary) scan(limit int) (run api.Proofs, bad []place, err error) {
	err = d.db.View(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		return plays.ForEachBucket(func(boot []byte) error {
			if len(run.Plays) > 0 {
				return nil
			}
			run.Boot = string(boot)
			c := plays.Bucket(boot).Cursor()
			for k, v := c.First(); k != nil && len(run.Plays) < limit; k, v = c.Next() {
				p, err := readRecord(boot, k, v)
				if err != nil {
					bad = append(bad, place{bytes.Clone(boot), bytes.Clone(k)})
					continue
				}
				if n := len(run.Plays); n > 0 && p.N != run.Plays[n-1].N+1 {
					return nil // so that the run's signature covers all of it
				}
				run.Plays = append(run.Plays, p)
			}
			return nil
		})
	})
	return run, bad, err
}

// lose takes records out and tells so, neighbours in one gap.
func (d *diary) lose(bad []place, why string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.write(func(w *pen) error {
		var gaps []api.Gap
		for _, b := range bad {
			if in := w.plays.Bucket(b.boot); in == nil || in.Get(b.key) == nil {
				continue // dropped meanwhile, and told
			}
			n := binary.BigEndian.Uint64(b.key)
			if last := len(gaps) - 1; last >= 0 && gaps[last].To+1 == n {
				gaps[last].To = n
			} else {
				gaps = append(gaps, api.Gap{From: n, To: n, Why: why})
			}
			if err := w.remove(b.boot, b.key); err != nil {
				return err
			}
		}
		for _, g := range gaps {
			if err := w.gap(g); err != nil {
				return err
			}
		}
		return nil
	})
}

// Lose gives up one play that the relay will never take, and tells so in the chain; why is a sentence.
func (s *Store) Lose(boot string, n uint64, why string) error {
	return s.withDiary(func(d *diary) error { return d.lose([]place{{[]byte(boot), playKey(n)}}, why) })
}

// Taken drops the plays of a boot up to n: the relay has them for good.
func (s *Store) Taken(boot string, n uint64) error {
	return s.withDiary(func(d *diary) error { return d.taken(boot, n) })
}

func (d *diary) taken(boot string, n uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lent = time.Time{}
	return d.write(func(w *pen) error {
		b := w.plays.Bucket([]byte(boot))
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= n; k, _ = c.First() {
			w.end.Taken = max(w.end.Taken, binary.BigEndian.Uint64(k))
			if err := c.Delete(); err != nil {
				return err
			}
			w.kept--
		}
		if k, _ := b.Cursor().First(); k == nil && boot != d.boot {
			return w.plays.DeleteBucket([]byte(boot))
		}
		return nil
	})
}
