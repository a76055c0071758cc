package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vitrine/cloud/api"
)

const (
	cutPrefix  = "cut:"            // the last play of a player's that was put away; no player's id has a colon
	ledgerKind = "vitrine plays 1" // of the files that "vitrine plays verify" reads
	cutAtOnce  = 20_000            // plays in one file
)

// Retire puts plays that ended before an instant away: into files "PLAYER-FIRST-LAST.jsonl" of a folder, on the disk before they leave the
// records. Only what a later signature of the player covers goes, up to such a signature, so that what is put away and what
// stays can both be verified. It gives how many went.
func (f *Fleet) Retire(ctx context.Context, before time.Time, dir string) (int, error) {
	players, err := f.Players("", 0)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, p := range players {
		for {
			n, err := f.retire(ctx, p, before, dir)
			total += n
			if err != nil {
				return total, fmt.Errorf("put plays of player %s away: %w", p.ID, err)
			}
			if n < cutAtOnce/2 {
				break
			}
		}
	}
	return total, nil
}

// retire puts one run away.
func (f *Fleet) retire(ctx context.Context, p api.Player, before time.Time, dir string) (int, error) {
	run, err := f.old(ctx, p.ID, before)
	if err != nil || len(run) == 0 {
		return 0, err
	}
	was, err := f.Cut(p.ID)
	if err != nil {
		return 0, err
	}
	if err := writeLedger(dir, p, was, run, f.cfg.Now()); err != nil {
		return 0, err
	}
	cut, err := json.Marshal(run[len(run)-1].Head)
	if err != nil {
		return 0, err
	}
	if err := f.cfg.Proofs.PutAll(map[string][]byte{cutPrefix + p.ID: cut}); err != nil {
		return 0, err
	}
	var keys []string
	for _, play := range run {
		key := playKey(p.ID, play.Boot, play.N)
		keys = append(keys, key, headPrefix+key)
	}
	if err := f.cfg.Proofs.DeleteAll(keys); err != nil {
		return 0, err
	}
	f.cfg.Log.Info("plays put away", "player", p.ID, "plays", len(run), "up to", run[len(run)-1].N)
	return len(run), nil
}

// old are the plays that may go: from the first on, one chain, up to the last signature before the instant.
func (f *Fleet) old(ctx context.Context, id string, before time.Time) ([]api.Play, error) {
	var run []api.Play
	signed := 0
	for cursor := ""; len(run) < cutAtOnce; {
		page, next, err := f.Plays(id, cursor, 1_000)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		for _, play := range page {
			if len(run) > 0 && play.Chain != run[0].Chain || play.Chain == "" || !play.End.Before(before) {
				return run[:signed], nil
			}
			if run = append(run, play); play.Head != nil {
				signed = len(run)
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	return run[:signed], nil
}

// Cut is the player's signature at the last play that was put away; nil = none was.
func (f *Fleet) Cut(id string) (*api.PlaysHead, error) {
	raw, _, err := f.cfg.Proofs.Get(cutPrefix + id)
	if err != nil || raw == nil {
		return nil, err
	}
	var h api.PlaysHead
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, fmt.Errorf("read where the plays of %s were cut: %w", id, err)
	}
	return &h, nil
}

// writeLedger writes a file as "vitrine plays export --json" does: write, fsync, rename, fsync folder.
func writeLedger(dir string, p api.Player, cut *api.PlaysHead, run []api.Play, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d-%d.jsonl", p.ID, run[0].N, run[len(run)-1].N))
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	err = e.Encode(map[string]any{"kind": ledgerKind, "player": p.ID, "name": p.Name, "public": p.Public, "exported": now.UTC().Truncate(time.Second), "cut": cut})
	for _, play := range run {
		if err == nil {
			err = e.Encode(play)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
