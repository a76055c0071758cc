package uplink_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/siren"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
)

// wall is the machine's clock.
type wall struct{}

func (wall) Now() time.Time     { return time.Now() }
func (wall) TLSTime() time.Time { return time.Now() }
func (wall) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: clock.Held, Now: time.Now()}, nil
}
func (wall) Relay(time.Time, time.Duration) error { return nil }

// player is a store with an uplink.
type player struct {
	*uplink.Uplink
	store  *store.Store
	claims chan *uplink.Claim
	siren  *siren.Siren
	word   atomic.Pointer[error] // the last of the check of alerts
	fresh  chan error            // words of the check of freshness
	stop   func()
}

func join(t *testing.T, r *relay, dir string) *player { return joinWith(t, r, dir, uplink.Config{}) }

// joinWith is a player with some of its configuration.
func joinWith(t *testing.T, r *relay, dir string, cfg uplink.Config) *player {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := &player{store: s, claims: make(chan *uplink.Claim, 100), fresh: make(chan error, 100)}
	if p.siren, err = siren.New(siren.Config{Keep: s, Trust: s.Trust, Check: func(err error) { p.word.Store(&err) }}); err != nil {
		t.Fatal(err)
	}
	me, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Base, cfg.Trust, cfg.Identity, cfg.Store = r.URL, r.trust(), me, s
	if cfg.Clock == nil {
		cfg.Clock = wall{}
	}
	cfg.Describe = func(h *api.Heartbeat) {
		live, _ := s.Live()
		h.Active, h.Version = live.Pointer(), bundle.AgentVersion
	}
	cfg.Shot = func(_ context.Context, path string, _ int) error { return os.WriteFile(path, []byte("jpeg"), 0o600) }
	cfg.Claim = func(c *uplink.Claim) {
		select {
		case p.claims <- c:
		default:
		}
	}
	cfg.Fresh = func(err error) { p.fresh <- err }
	cfg.Check, cfg.Warnings, cfg.Log = func(error) {}, p.siren, slog.New(slog.DiscardHandler)
	cfg.Fresh = func(err error) {
		select {
		case p.fresh <- err:
		default: // months in a bubble, and nobody reads them
		}
	}
	if r.wire == nil {
		cfg.Plays = 10 * time.Millisecond
	}
	p.Uplink, err = uplink.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		s.Close()
	}
	t.Cleanup(p.stop)
	return p
}

// enrolled is a player that somebody has claimed.
func enrolled(t *testing.T, r *relay, pub *bundletest.Publisher, dir string) *player {
	return enrolledWith(t, r, pub, dir, uplink.Config{})
}

func enrolledWith(t *testing.T, r *relay, pub *bundletest.Publisher, dir string, cfg uplink.Config) *player {
	t.Helper()
	r.set(func() {
		r.claimed = &api.Enrolled{Settings: api.Settings{ID: "p1", Rev: 3, Name: "Hall"}, Roots: pub.Chain}
	})
	p := joinWith(t, r, dir, cfg)
	r.until("the player reports", func() bool { return len(r.beats) > 0 })
	return p
}

func files(b byte) map[string][]byte {
	return map[string][]byte{"media/a.png": slices.Repeat([]byte{b}, 3<<20)}
}

// last is the newest heartbeat; mu is held.
func (r *relay) last() api.Heartbeat {
	if len(r.beats) == 0 {
		return api.Heartbeat{}
	}
	return r.beats[len(r.beats)-1]
}

func (r *relay) live(p api.Pointer) func() bool {
	return func() bool { h := r.last(); return h.Active != nil && *h.Active == p }
}
