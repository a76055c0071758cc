// Package uplink is the player's side of the relay: it proves who the player is, reports, and takes what is published.
//
//	relay <── enrol, session (signed) ── key made here
//	      <── heartbeat, waits ≤ 50 s ──> desired: settings, bundle, screenshot
//	      ──> manifest, blobs ──> store.Ingest, which believes nothing of it
//	      ──> public warnings ──> siren.Post, which believes nothing of it
//	      ──> parcels ──> mailroom.Take, which believes nothing of it
//	      <── plays, pictures ── store, renderer
//
// A relay can delay, never forge. Without one the player goes on as it is; every retry has jitter and a ceiling.
package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

const (
	longestWait  = 50 * time.Second // of a heartbeat
	shortestWait = 5 * time.Second
	firstRetry   = time.Second
	lastRetry    = time.Minute
)

type timekeeper interface {
	Now() time.Time
	TLSTime() time.Time
	State() (clock.State, <-chan struct{})
	Relay(now time.Time, trip time.Duration) error
}

// warnings is who takes public warnings, and verifies them.
type warnings interface {
	Heard() (newest uint64, state string)
	Post(envelope []byte, by string) (w *bundle.Warning, fresh bool, err error)
	Caught(before uint64, state string, had []uint64, faults error) error
}

// Claim is what a person needs to make this player theirs.
type Claim struct {
	Code  string
	URL   string
	Words []string // of the player's key; the relay shows the same
}

// Config is how a relay is reached, and what the player has for it.
type Config struct {
	Base     string // "https://relay.example:8443"; "" = none until Move names one
	Trust    api.Trust
	Identity *identity.Identity
	Store    *store.Store
	Clock    timekeeper
	Describe func(*api.Heartbeat) // fills in what only the whole player knows
	Shot     func(ctx context.Context, path string, width int) error
	Claim    func(*Claim) // hears what is to be on the screen; nil = nothing to claim
	Check    func(error)  // hears how the relay is
	Fresh    func(error)  // hears whether what plays is still confirmed to be the newest; nil = nobody does
	Warnings warnings     // takes signed public warnings; nil = none are asked for
	Limits   Limits       // of downloads
	Mail     mail         // takes parcels; nil = none are asked for
	// Plays is how often plays are handed over, at the latest; 0 = every 30 s.
	Plays time.Duration
	Log   *slog.Logger
}

// Uplink talks to one relay.
type Uplink struct {
	cfg    Config
	log    *slog.Logger
	me     *identity.Identity
	client *api.Client
	bulk   *api.Client   // on connections of its own, that take only what is free of the line
	bytes  *rate.Limiter // of downloads
	want   chan struct{} // a bundle is wanted
	poke   chan struct{} // something is to be reported now
	shoot  chan struct{} // a picture is wanted
	warn   chan struct{} // a public warning has come
	letter chan struct{} // a parcel has come
	moves  chan place    // another relay is to be the player's

	mu       sync.Mutex
	at       string // the relay's address
	claim    *Claim
	wanted   *api.Pointer
	fetching *api.Progress
	lame     error // why nothing takes only what is free
	refused  *api.Refusal
	seq      uint64
}

// New checks the configuration. It dials nothing.
func New(cfg Config) (*Uplink, error) {
	if err := checkBase(cfg.Base); cfg.Base != "" && err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Plays <= 0 {
		cfg.Plays = playsEvery
	}
	if cfg.Fresh == nil {
		cfg.Fresh = func(error) {}
	}
	if cfg.Identity == nil {
		return nil, errors.New("the uplink needs to know who the player is")
	}
	flag := func() chan struct{} { return make(chan struct{}, 1) }
	up := &Uplink{cfg: cfg, log: cfg.Log, me: cfg.Identity, want: flag(), poke: flag(), shoot: flag(), warn: flag(), letter: flag(), moves: make(chan place, 1),
		bytes: rate.NewLimiter(rate.Limit(cfg.Limits.Rate), gulp)}
	return up, up.settle(place{cfg.Base, cfg.Trust})
}

// State is the last bundle that was refused and the one on its way; nil = none.
func (u *Uplink) State() (*api.Refusal, *api.Progress) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var f *api.Progress
	if u.fetching != nil {
		c := *u.fetching
		f = &c
	}
	return u.refused, f
}

// Claim is what a person needs to claim the player; nil = it is claimed, or the relay has not answered yet.
func (u *Uplink) Claim() *Claim {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.claim
}

// Poke reports soon, not only when the relay's wait is over.
func (u *Uplink) Poke() { signal(u.poke) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run enrols the player if nobody has claimed it, then reports, fetches and hands over, until ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	for {
		here, leave := context.WithCancel(ctx)
		gone := make(chan error, 1)
		go func() { gone <- u.stay(here) }()
		select {
		case err := <-gone:
			leave()
			return err
		case to := <-u.moves:
			leave()
			if err := <-gone; err != nil {
				return err
			}
			if err := u.settle(to); err != nil {
				u.log.Error("relay not changed", "relay", to.base, "error", err)
				continue
			}
			u.log.Info("relay changed", "relay", to.base)
		}
	}
}

// stay is Run at one relay.
func (u *Uplink) stay(ctx context.Context) error {
	if u.cfg.Base == "" {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		id := u.me.ID[u.cfg.Base]
		if id == "" {
			if err := u.enrol(ctx); err != nil {
				return err
			}
			continue
		}
		err := u.serve(ctx, id)
		if ctx.Err() != nil || !errors.Is(err, errUnknown) {
			return err
		}
		u.log.Warn("relay no longer knows this player; it is to be claimed again", "id", id)
		delete(u.me.ID, u.cfg.Base)
		if err := u.me.Save(); err != nil {
			return err
		}
	}
	return nil
}

// errUnknown means that the relay has no player with this key any more.
var errUnknown = errors.New("the relay does not know this player")

// unknown tells whether an error says so.
func unknown(err error) bool {
	p := (*api.Problem)(nil)
	return errors.As(err, &p) && p.Type == api.ProblemUnknown
}

// serve does everything that a claimed player does.
func (u *Uplink) serve(ctx context.Context, id string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.beat(ctx, id) })
	g.Go(func() error { return u.beatNow(ctx, id) })
	g.Go(func() error { return u.fetchAll(ctx) })
	g.Go(func() error { return u.prove(ctx, id) })
	g.Go(func() error { return u.shootAll(ctx, id) })
	g.Go(func() error { return u.keepTime(ctx) })
	g.Go(func() error { return u.keepFresh(ctx) })
	g.Go(func() error { return u.listen(ctx) })
	g.Go(func() error { return u.post(ctx) })
	err := g.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// enrol shows a code until somebody has claimed the player.
func (u *Uplink) enrol(ctx context.Context) error {
	retry := backoff{}
	defer u.show(nil)
	for {
		err := u.enrolOnce(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		u.cfg.Check(err)
		if !retry.wait(ctx, err) {
			return nil
		}
	}
}

func (u *Uplink) enrolOnce(ctx context.Context) error {
	seal, err := u.me.Recipient()
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	e, err := u.client.Enrol(ctx, u.me.Key(), u.cfg.Clock.Now(), api.EnrolRequest{Seal: seal, Version: bundle.AgentVersion, Hostname: host})
	if err != nil {
		return fmt.Errorf("offer this player to the relay: %w", err)
	}
	u.cfg.Check(nil)
	u.show(&Claim{Code: e.UserCode, URL: e.Verify, Words: bundle.Words(u.me.Public())})
	retry := backoff{}
	for {
		got, err := u.client.Enrolled(ctx, e, longestWait)
		p := (*api.Problem)(nil)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &p) && p.Status < 500 && p.Status != 429:
			return fmt.Errorf("wait to be claimed: %w", err) // the code has expired: a new one is needed
		case err != nil:
			u.cfg.Check(err)
			if !retry.wait(ctx, err) {
				return nil
			}
		case got != nil:
			return u.claimed(*got)
		default:
			retry = backoff{}
			if !pause(ctx, time.Duration(max(1, min(e.Interval, 60)))*time.Second/4) {
				return nil
			}
		}
	}
}

func (u *Uplink) claimed(e api.Enrolled) error {
	if e.Settings.ID == "" {
		return errors.New("the relay claims this player without giving it an id")
	}
	if err := checkSettings(e.Settings, e.Settings.ID); err != nil {
		return err
	}
	if err := u.cfg.Store.SetSettings(u.overlay(e.Settings)); err != nil {
		return err
	}
	u.me.Remember(u.cfg.Base, e)
	if len(e.Roots) > 0 {
		if err := u.pin(e.Roots); err != nil {
			u.log.Error("relay's roots not trusted", "error", err)
		}
	}
	if err := u.me.Save(); err != nil {
		return err
	}
	u.log.Info("player claimed", "id", e.Settings.ID, "name", e.Settings.Name)
	return nil
}

func (u *Uplink) show(c *Claim) {
	u.mu.Lock()
	u.claim = c
	u.mu.Unlock()
	u.cfg.Claim(c)
	if c != nil {
		u.log.Info("player waits to be claimed", "code", c.Code, "at", c.URL)
	}
}

// keepTime asks for the relay's clock now and then.
func (u *Uplink) keepTime(ctx context.Context) error {
	for {
		begun := time.Now()
		t, err := u.client.Time(ctx, u.me.Time[u.cfg.Base])
		again := time.Hour
		if err == nil {
			err = u.cfg.Clock.Relay(t.Now, time.Since(begun))
		}
		if err != nil {
			again = 5 * time.Minute
			if errors.Is(err, api.ErrTimeUnsigned) {
				u.log.Warn("relay's time not believed", "error", err)
			}
			u.log.Debug("relay's time not taken", "error", err)
		}
		if !pause(ctx, again+rand.N(again/4)) {
			return nil
		}
	}
}

// backoff is how long to wait after errors in a row: from a second to a minute, all of it random, so that a thousand
// players do not come back as one. A relay that names a time is obeyed.
type backoff struct{ last time.Duration }

func (b *backoff) wait(ctx context.Context, err error) bool {
	b.last = min(max(2*b.last, firstRetry), lastRetry)
	d := b.last/2 + rand.N(b.last/2+1)
	p := (*api.Problem)(nil)
	if errors.As(err, &p) && p.RetryAfter > 0 {
		d = min(p.RetryAfter, 10*time.Minute)
		d += rand.N(d/4 + time.Second)
	}
	return pause(ctx, d)
}

// pause waits; false = ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
