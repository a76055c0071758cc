package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vitrine/cloud/api"
)

// Bounds of a run of plays.
const (
	MaxPlays   = 2000
	maxPlayLen = 2048 // bytes of one, as JSON
	maxBootLen = 64
)

// ErrMalformed means that a report cannot be one.
var ErrMalformed = errors.New("the report is not well formed")

// Prove keeps plays for good, then says up to where. What was kept before is not kept twice; a play that cannot be one is
// left out and logged, because one bad record must never hold up the others.
func (f *Fleet) Prove(id string, p api.Proofs) (api.ProofsTaken, error) {
	taken := api.ProofsTaken{Boot: p.Boot}
	if p.Boot == "" || len(p.Boot) > maxBootLen || strings.ContainsFunc(p.Boot, notWord) || len(p.Plays) > MaxPlays {
		return taken, fmt.Errorf("%w: a run needs a boot of 1 to %d letters and digits, and at most %d plays", ErrMalformed, maxBootLen, MaxPlays)
	}
	if free, err := f.cfg.Free(); err != nil || free < f.cfg.Reserve {
		return taken, errors.Join(ErrFull, err)
	}
	out := map[string][]byte{}
	for _, play := range p.Plays {
		taken.N = max(taken.N, play.N)
		raw, err := json.Marshal(play)
		if err != nil || play.N == 0 || len(raw) > maxPlayLen {
			f.cfg.Log.Warn("play left out", "player", id, "boot", p.Boot, "n", play.N, "bytes", len(raw))
			continue
		}
		out[playKey(id, p.Boot, play.N)] = raw
	}
	for key := range out {
		if _, rev, err := f.cfg.Proofs.Get(key); err != nil {
			return taken, err
		} else if rev > 0 {
			delete(out, key) // the first word counts: a player cannot rewrite what it has reported
		}
	}
	if len(out) == 0 {
		return taken, nil
	}
	return taken, f.cfg.Proofs.PutAll(out)
}

func notWord(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
}

func playKey(id, boot string, n uint64) string { return fmt.Sprintf("%s/%s/%020d", id, boot, n) }

// Plays lists what a player has proven, from after a cursor on, at most limit; the cursor of the next run is "" at the end.
func (f *Fleet) Plays(id, after string, limit int) (plays []api.Play, next string, err error) {
	if after != "" {
		after = id + "/" + after
	}
	var bad error
	err = f.cfg.Proofs.Each(id+"/", after, func(key string, v []byte, _ uint64) bool {
		if len(plays) == limit {
			next = plays[limit-1].Boot + fmt.Sprintf("/%020d", plays[limit-1].N)
			return false
		}
		play := api.Play{Boot: strings.Split(key, "/")[1]}
		bad = json.Unmarshal(v, &play.Proof)
		plays = append(plays, play)
		return bad == nil
	})
	return plays, next, errors.Join(err, bad)
}
