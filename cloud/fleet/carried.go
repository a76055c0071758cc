package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vitrine/cloud/api"
)

// mostReasons bounds what is told of plays that were left out.
const mostReasons = 20

// Import keeps a run of plays that a person has carried here, as Prove keeps those that the player sends: each once, under its
// place in the player's own count, the first word standing. Whoever carries them proves nothing, so only what the player's own
// signature at the run's end covers is taken: a record that is not the one whose hash comes next is left out with those before
// it, and those after it are taken all the same.
func (f *Fleet) Import(id string, p api.Proofs) (done api.Imported, err error) {
	m, ok := f.Member(id)
	if !ok {
		return done, ErrUnknown
	}
	if p.Boot == "" || len(p.Boot) > maxBootLen || strings.ContainsFunc(p.Boot, notWord) || len(p.Plays) == 0 || len(p.Plays) > MaxPlays {
		return done, fmt.Errorf("%w: a run needs a boot of 1 to %d letters and digits, and 1 to %d plays", ErrMalformed, maxBootLen, MaxPlays)
	}
	if p.Head == nil || !p.Head.SignedBy(m.Public) {
		return done, fmt.Errorf("%w: the run is not signed by the player %s", ErrMalformed, id)
	}
	if free, err := f.cfg.Free(); err != nil || free < f.cfg.Reserve {
		return done, errors.Join(ErrFull, err)
	}
	cut, err := f.Cut(id)
	if err != nil {
		return done, err
	}
	f.importing.Lock() // two people at once would both count the same as new
	defer f.importing.Unlock()
	out, err := f.covered(id, p, cut, &done)
	if err == nil && len(out) > 0 {
		err = f.cfg.Proofs.PutAll(out)
	}
	if done.Taken > 0 || done.Left > 0 {
		f.cfg.Log.Info("plays imported", "player", id, "boot", p.Boot, "taken", done.Taken, "had", done.Had, "left", done.Left)
	}
	return done, err
}

// covered are the records of a run that its signature covers and that are new, from the last to the first.
func (f *Fleet) covered(id string, p api.Proofs, cut *api.PlaysHead, done *api.Imported) (map[string][]byte, error) {
	out := map[string][]byte{}
	want := p.Head.Hash // of the record that is looked at
	for i := len(p.Plays) - 1; i >= 0; i-- {
		play, raw := p.Plays[i], p.Plays[i].Record()
		if api.PlayHash(p.Boot, raw) != want || play.Chain != p.Head.Chain {
			leave(done, i+1, fmt.Sprintf("record %d of %s and those before it in its run are not what the player signed", play.N, p.Boot))
			break
		}
		want = play.Prev
		if play.N == 0 || len(raw) > api.MaxPlay {
			leave(done, 1, fmt.Sprintf("a record of %s cannot be a play", p.Boot))
			continue
		}
		if cut != nil && play.Chain == cut.Chain && play.N <= cut.N {
			done.Had++ // it was kept once, and put away
			continue
		}
		key := playKey(id, p.Boot, play.N)
		was, rev, err := f.cfg.Proofs.Get(key)
		switch {
		case err != nil:
			return nil, err
		case rev == 0:
			done.Taken++
			out[key] = raw
		case bytes.Equal(was, raw):
			done.Had++
		default:
			leave(done, 1, fmt.Sprintf("record %d of %s differs from the one that is kept", play.N, p.Boot))
			continue
		}
		if play.N == p.Head.N {
			if out[headKey(id, p.Boot, play.N)], err = json.Marshal(p.Head); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// leave counts plays that are not taken, and says why.
func leave(done *api.Imported, n int, why string) {
	if done.Left += n; len(done.Reasons) < mostReasons {
		done.Reasons = append(done.Reasons, why)
	}
}

// Post is the state of the list of parcels as one player is told it: it is another one too when its groups have changed.
func (m Member) Post(state string) string {
	if state == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(state + "\n" + strings.Join(m.Groups, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Posted hears which list of parcels there is now.
func (f *Fleet) Posted(state string) { f.insert("post", &post{"post", state}) }

// post is the one row of its table: which list of parcels there is.
type post struct {
	ID    string
	State string
}
