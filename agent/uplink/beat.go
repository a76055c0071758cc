package uplink

import (
	"context"
	"reflect"
	"time"

	"vitrine/cloud/api"
)

// beat reports again and again, each time waiting for what the relay desires. The wait halves when something on the way
// cuts it, and rises slowly again.
func (u *Uplink) beat(ctx context.Context, id string) error {
	retry, wait, cut := backoff{}, longestWait, false
	var before *api.Desired
	same := 0
	for {
		begun := time.Now()
		ask := wait
		if cut { // once without waiting, so that it is known at once that the relay is back
			ask = 0
		}
		d, err := u.client.Heartbeat(ctx, id, u.heartbeat(), ask)
		took := time.Since(begun)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if unknown(err) {
				return errUnknown
			}
			u.cfg.Check(err)
			if !cut && took > time.Second && took < wait+5*time.Second { // it had been waiting: cut
				wait = max(wait/2, shortestWait)
			}
			cut = true
			if !retry.wait(ctx, err) {
				return nil
			}
			continue
		}
		u.cfg.Check(nil)
		retry, cut = backoff{}, false
		if d != nil {
			u.obey(ctx, d)
		} else if took >= wait-time.Second {
			wait = min(wait+5*time.Second, longestWait)
		}
		// A relay that desires the same again, or answers without waiting, must not make the player turn in circles; once
		// is no circle: one that has just been started says at once what it knows.
		if same++; d == nil && took > time.Second || d != nil && !reflect.DeepEqual(d, before) {
			same = 0
		}
		before = d
		if same > 1 && !pause(ctx, min(time.Duration(same-1)*time.Second, 30*time.Second)) {
			return nil
		}
	}
}

// beatNow reports at once when something has happened, beside the heartbeat that waits; at most once a second.
func (u *Uplink) beatNow(ctx context.Context, id string) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.poke:
		}
		if d, err := u.client.Heartbeat(ctx, id, u.heartbeat(), 0); err == nil && d != nil {
			u.obey(ctx, d)
		}
		if !pause(ctx, time.Second) {
			return nil
		}
	}
}

func (u *Uplink) heartbeat() api.Heartbeat {
	h := api.Heartbeat{Boot: u.cfg.Store.Boot()}
	u.cfg.Describe(&h)
	live, _ := u.cfg.Store.Live()
	h.Rev = live.Settings.Rev
	if t := u.cfg.Store.Trust(); t != nil {
		h.Root = t.Root().Version
	}
	if head, ok := u.cfg.Store.PlaysHead(); ok {
		head.At = u.cfg.Clock.Now()
		head.Sign(u.me.Key())
		h.Plays = &head
	}
	if u.cfg.Warnings != nil {
		if h.Warnings == nil {
			h.Warnings = &api.Heard{}
		}
		h.Warnings.Newest, h.Warnings.State = u.cfg.Warnings.Heard()
	}
	if u.cfg.Mail != nil {
		w := u.cfg.Mail.Word()
		h.Mail = &w
	}
	if to, err := u.me.Recipient(); err == nil {
		h.Seal = api.NewSeal(to, u.me.Key())
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seq++
	h.Seq, h.Refused = u.seq, u.refused
	if u.fetching != nil {
		f := *u.fetching
		h.Fetching = &f
	}
	return h
}

// obey does what the relay desires, as far as it may.
func (u *Uplink) obey(ctx context.Context, d *api.Desired) {
	if s := d.Settings; s != nil {
		if err := checkSettings(*s, u.me.ID[u.cfg.Base]); err != nil {
			u.log.Error("settings refused", "error", err)
		} else if err := u.cfg.Store.SetSettings(u.overlay(*s)); err != nil {
			u.log.Error("settings not kept", "error", err)
		} else {
			u.log.Info("settings taken", "rev", s.Rev, "name", s.Name, "groups", s.Groups)
		}
	}
	if d.Root > 0 && d.Bundle == nil {
		if err := u.renewRoots(ctx); err != nil {
			u.log.Warn("roots not taken", "error", err)
		}
	}
	if p := d.Bundle; p != nil {
		u.mu.Lock()
		if u.wanted == nil || *u.wanted != *p {
			u.wanted = p
			u.fetching = &api.Progress{Pointer: *p} // so that the relay does not say it again
		}
		u.mu.Unlock()
		signal(u.want)
	}
	if d.Screenshot {
		signal(u.shoot)
	}
	if d.Warnings != "" {
		signal(u.warn)
	}
	if d.Mail != "" {
		signal(u.letter)
	}
}
