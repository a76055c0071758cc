package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"vitrine/cloud/api"
)

const (
	playsEvery   = 30 * time.Second
	playsAtOnce  = 500
	pictureEvery = 5 * time.Minute
	pictureFirst = 10 * time.Second // after the start
	pictureLeast = 2 * time.Second  // between two
	pictureWidth = 640
)

// prove hands over plays, each run with the player's signature at its end. A record that the relay will never take is given
// up alone and told as lost; the rest goes on.
func (u *Uplink) prove(ctx context.Context, id string) error {
	retry, limit := backoff{}, playsAtOnce
	for {
		if !pause(ctx, u.cfg.Plays/2+rand.N(u.cfg.Plays/2+1)) {
			return nil
		}
		for {
			more, err := u.proveOnce(ctx, id, &limit)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				u.log.Debug("plays not handed over", "error", err)
				if !retry.wait(ctx, err) {
					return nil
				}
				continue
			}
			retry = backoff{}
			if !more {
				break
			}
		}
	}
}

func (u *Uplink) proveOnce(ctx context.Context, id string, limit *int) (more bool, err error) {
	run, ok, err := u.cfg.Store.Plays(*limit)
	if err != nil || !ok {
		return false, err
	}
	end := run.Plays[len(run.Plays)-1]
	last := end.N
	head := api.PlaysHead{Chain: end.Chain, N: end.N, Hash: api.PlayHash(run.Boot, end.Record()), At: u.cfg.Clock.Now()}
	head.Sign(u.me.Key())
	run.Head = &head
	taken, err := u.client.SendProofs(ctx, id, run)
	p := (*api.Problem)(nil)
	refused := errors.As(err, &p) && (p.Status == 400 || p.Status == 413 || p.Status == 422)
	switch {
	case refused && len(run.Plays) > 1:
		*limit = len(run.Plays) / 2
		return true, nil
	case refused:
		u.log.Warn("play refused by the relay; left out", "boot", run.Boot, "n", last, "error", err)
		*limit = playsAtOnce
		return true, u.cfg.Store.Lose(run.Boot, last, "the relay refused the record: "+p.Title)
	case err != nil:
		return false, err
	case taken.Boot != run.Boot || taken.N < run.Plays[0].N:
		return false, fmt.Errorf("the relay kept plays up to %d of %s, not those from %d of %s", taken.N, taken.Boot, run.Plays[0].N, run.Boot)
	}
	*limit = min(2**limit, playsAtOnce)
	return true, u.cfg.Store.Taken(run.Boot, min(taken.N, last))
}

// shootAll sends a small picture when somebody looks, and every few minutes.
func (u *Uplink) shootAll(ctx context.Context, id string) error {
	next := pictureFirst
	for {
		t := time.NewTimer(next)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		case <-u.shoot:
			t.Stop()
		}
		if err := u.shot(ctx, id); err != nil && ctx.Err() == nil {
			u.log.Debug("picture not sent", "error", err)
		}
		if !pause(ctx, pictureLeast) {
			return nil
		}
		next = pictureEvery + rand.N(pictureEvery/5)
	}
}

// Picture sends a picture soon.
func (u *Uplink) Picture() { signal(u.shoot) }

func (u *Uplink) shot(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	dir, err := u.cfg.Store.Scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "screen.jpg")
	if err := u.cfg.Shot(ctx, path, pictureWidth); err != nil {
		return err
	}
	taken := u.cfg.Clock.Now()
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, api.MaxScreenshot))
	if err != nil {
		return err
	}
	return u.client.SendScreenshot(ctx, id, b, taken)
}
