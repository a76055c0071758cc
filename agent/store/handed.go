package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"vitrine/cloud/api"
)

// PlaysAfter gives up to limit plays of one boot that come after record n of a chain, oldest first, without a hole between
// them; with n = 0 from the first that is kept. Unlike with Plays nothing is lent and nothing need be given back: they stay
// until the relay has taken them or newer ones need their place. ok is false when there are none.
func (s *Store) PlaysAfter(chain string, n uint64, limit int) (run api.Proofs, ok bool, err error) {
	err = s.withDiary(func(d *diary) error {
		run, err = s.playsAfter(d, chain, n, limit)
		return err
	})
	return run, len(run.Plays) > 0, err
}

func (s *Store) playsAfter(d *diary, chain string, n uint64, limit int) (api.Proofs, error) {
	for {
		if err := d.flush(); err != nil {
			return api.Proofs{}, err
		}
		run, bad, err := d.after(chain, n, limit)
		if err != nil {
			return api.Proofs{}, fmt.Errorf("read plays: %w", err)
		}
		if len(bad) == 0 {
			return run, nil
		}
		s.log.Warn("records of plays damaged; told as lost", "records", len(bad))
		if err := d.lose(bad, whyDamaged); err != nil {
			return api.Proofs{}, err
		}
	}
}

// after gives a run, or the places of damaged records that it came across.
func (d *diary) after(chain string, n uint64, limit int) (run api.Proofs, bad []place, err error) {
	err = d.db.View(func(tx *bbolt.Tx) error {
		plays := tx.Bucket([]byte(bucketPlays))
		return plays.ForEachBucket(func(boot []byte) error {
			if len(run.Plays) > 0 {
				return nil
			}
			run.Boot = string(boot)
			c := plays.Bucket(boot).Cursor()
			k, v := c.First()
			if chain == d.end.Chain { // the newest chain's records are found by their number
				k, v = c.Seek(playKey(n + 1))
			}
			for ; k != nil && len(run.Plays) < limit; k, v = c.Next() {
				p, err := readRecord(boot, k, v)
				if err != nil {
					bad = append(bad, place{bytes.Clone(boot), bytes.Clone(k)})
					continue
				}
				if p.Chain == chain && binary.BigEndian.Uint64(k) <= n {
					continue
				}
				if last := len(run.Plays); last > 0 && (p.N != run.Plays[last-1].N+1 || p.Chain != run.Plays[last-1].Chain) {
					return nil // so that the run's signature covers all of it
				}
				run.Plays = append(run.Plays, p)
			}
			return nil
		})
	})
	return run, bad, err
}
