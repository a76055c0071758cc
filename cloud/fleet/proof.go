package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vitrine/cloud/api"
)

// Bounds of a run of plays.
const (
	MaxPlays   = 2000
	maxBootLen = 64
	headPrefix = "head:" // no player's id has a colon
)

// ErrMalformed means that a report cannot be one.
var ErrMalformed = errors.New("the report is not well formed")

// Prove keeps plays for good, byte for byte as they came, then says up to where. What was kept before is not kept twice; a
// play that cannot be one is left out and logged, because one bad record must never hold up the others. The player's
// signature at the end of the run is kept too, if it is one.
func (f *Fleet) Prove(id string, p api.Proofs) (api.ProofsTaken, error) {
	taken := api.ProofsTaken{Boot: p.Boot}
	if p.Boot == "" || len(p.Boot) > maxBootLen || strings.ContainsFunc(p.Boot, notWord) || len(p.Plays) > MaxPlays {
		return taken, fmt.Errorf("%w: a run needs a boot of 1 to %d letters and digits, and at most %d plays", ErrMalformed, maxBootLen, MaxPlays)
	}
	if free, err := f.cfg.Free(); err != nil || free < f.cfg.Reserve {
		return taken, errors.Join(ErrFull, err)
	}
	out := map[string][]byte{}
	cut, err := f.Cut(id)
	if err != nil {
		return taken, err
	}
	for _, play := range p.Plays {
		taken.N = max(taken.N, play.N)
		if cut != nil && play.Chain == cut.Chain && play.N <= cut.N {
			continue // it was kept once, and put away
		}
		raw := play.Record()
		if play.N == 0 || len(raw) > api.MaxPlay {
			f.cfg.Log.Warn("play left out", "player", id, "boot", p.Boot, "n", play.N, "bytes", len(raw))
			continue
		}
		key := playKey(id, p.Boot, play.N)
		was, rev, err := f.cfg.Proofs.Get(key)
		if err != nil {
			return taken, err
		}
		switch { // the first word counts: a player cannot rewrite what it has reported
		case rev == 0 && out[key] == nil:
			out[key] = raw
		case rev > 0 && !bytes.Equal(was, raw):
			f.cfg.Log.Warn("play differs from the one that is kept", "player", id, "boot", p.Boot, "n", play.N)
			continue
		}
		if f.vouched(id, p, play, raw) {
			if out[headKey(id, p.Boot, play.N)], err = json.Marshal(p.Head); err != nil {
				return taken, err
			}
		}
	}
	if len(out) == 0 {
		return taken, nil
	}
	return taken, f.cfg.Proofs.PutAll(out)
}

// vouched says whether the run's head is the player's word for this play.
func (f *Fleet) vouched(id string, p api.Proofs, play api.Proof, raw []byte) bool {
	if p.Head == nil || p.Head.N != play.N {
		return false
	}
	m, ok := f.Member(id)
	if ok && p.Head.Chain == play.Chain && p.Head.Hash == api.PlayHash(p.Boot, raw) && p.Head.SignedBy(m.Public) {
		return true
	}
	f.cfg.Log.Warn("signature of plays not kept: it is not the player's or not of its last play", "player", id, "boot", p.Boot, "n", play.N)
	return false
}

func notWord(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
}

func playKey(id, boot string, n uint64) string { return fmt.Sprintf("%s/%s/%020d", id, boot, n) }

func headKey(id, boot string, n uint64) string { return headPrefix + playKey(id, boot, n) }

// Plays lists what a player has proven, from after a cursor on, at most limit; the cursor of the next run is "" at the end.
// A record that cannot be read is listed with its bytes.
func (f *Fleet) Plays(id, after string, limit int) (plays []api.Play, next string, err error) {
	if after != "" {
		after = id + "/" + after
	}
	var keys []string
	err = f.cfg.Proofs.Each(id+"/", after, func(key string, v []byte, _ uint64) bool {
		if len(plays) == limit {
			next = strings.TrimPrefix(keys[limit-1], id+"/")
			return false
		}
		play := api.Play{Boot: strings.Split(key, "/")[1], Record: v}
		play.Proof, _ = api.ReadProof(v)
		plays, keys = append(plays, play), append(keys, key)
		return true
	})
	for i, key := range keys {
		if err != nil {
			return nil, "", err
		}
		var raw []byte
		if raw, _, err = f.cfg.Proofs.Get(headPrefix + key); raw != nil {
			err = json.Unmarshal(raw, &plays[i].Head)
		}
	}
	return plays, next, err
}

// wentBack is the sentence about a player whose chain is behind what it has signed before. A heartbeat that was overtaken on
// its way says nothing.
func wentBack(h *api.Heartbeat, far *api.PlaysHead) []string {
	if h == nil || h.Plays == nil || far == nil || h.Plays.Chain != far.Chain || !h.Plays.At.After(far.At) ||
		h.Plays.N > far.N || h.Plays.N == far.N && h.Plays.Hash == far.Hash {
		return nil
	}
	return []string{fmt.Sprintf("Its plays went back from record %d to %d. Its disk was restored from a copy, or a second machine has its key: plays may be counted twice; claim it anew.", far.N, h.Plays.N)}
}
