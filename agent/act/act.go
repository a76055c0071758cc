// Package act answers: what is to be done at this point in time, and has it been done?
//
//	store.Live ──> schedule.Plan.Alarms ──one timer──> due ──> ledger: "begun" ──> reboot, power, screen, volume, picture
//	clock.State ─────────┘                                        │                              │
//	                                    kept on the disk before ──┘      ledger: done, failed <──┘
//
// Each due instant of an action is answered for once, over restarts and crashes of the player. That it has begun is on the
// disk before anything is done. A reboot is over when the kernel has started anew (its boot_id has changed): so a player that
// comes back never asks again, and one that was killed before it could ask does. What only sets a state (screen, volume) or
// makes a file is simply done again when the player ended meanwhile.
//
// Nothing is done by a clock that is not trusted or held; what was due meanwhile is made up for as its late says. What was due
// before the player first knew of an action is never made up for: a bundle that comes at four does not restart the machine for
// a reboot at three. Only a screenOn is always made up for, and the screen is on while the clock is not believed: it is never
// dark by mistake. The machine is restarted or powered off four times in 24 hours at most, and not within ten minutes of its
// start.
package act

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"vitrine/agent/clock"
	"vitrine/agent/schedule"
	"vitrine/agent/store"
)

const (
	guard        = 60 * time.Second // between two looks at most, while there are actions
	fresh        = 10 * time.Minute // after the machine's start, in which it is not restarted
	mostRestarts = 4                // within a day
	mostTries    = 3                // of one due instant
	tryFor       = 10 * time.Minute // after an action's lateness, in which it is still tried again
	askTimeout   = 30 * time.Second // for whoever is asked to do it
)

type library interface {
	Live() (*store.Live, <-chan struct{})
	KeepMemo(name string, memo []byte) error
	Memo(name string) ([]byte, bool)
}

type timekeeper interface {
	State() (clock.State, <-chan struct{})
}

// machine is the computer that the player runs on.
type machine interface {
	Reboot(ctx context.Context) error
	PowerOff(ctx context.Context) error
	// Boot names this start of the machine's kernel, and says how long ago it was.
	Boot() (id string, uptime time.Duration, err error)
}

// stage is the player's screen and sound. Both are told again at every start.
type stage interface {
	SetScreen(on bool)
	// SetVolume limits all sound, per cent.
	SetVolume(percent int)
}

// Config is what actions are done with.
type Config struct {
	Store   library
	Clock   timekeeper
	Machine machine // nil = it can be neither restarted nor powered off
	Stage   stage
	// Metrics are what conditions may ask; nil = none.
	Metrics func() (values map[string]any, since map[string]time.Time)
	// Picture takes one of what is really shown, for the people of the relay and on the disk; nil = it cannot be taken.
	Picture func(ctx context.Context, action string, due time.Time) error
	// Check hears of each action how it went, nil = well, by the name of a health check; nil = nobody listens.
	Check func(name string, err error)
	// Gone hears that a check is no more; nil = nobody listens.
	Gone func(name string)
	// Patience is how long a restart that was asked for may take until it is asked for again; 0 = two minutes.
	Patience time.Duration
	Log      *slog.Logger
}

// Actor does what is due.
type Actor struct {
	cfg Config
	log *slog.Logger

	mu     sync.Mutex
	status []Status

	// Only Run's goroutine uses what follows.
	live   *store.Live
	plan   *schedule.Plan
	player schedule.Player
	alarms []*schedule.Alarm
	ledger ledger
	checks map[string]bool
}

// Status is an action, for people.
type Status struct {
	ID    string    `json:"id"`
	Do    string    `json:"do"`
	Next  time.Time `json:"next,omitzero"`   // when it is due; zero = never
	Last  time.Time `json:"last,omitzero"`   // due instant that was answered for last; zero = none
	State string    `json:"state,omitempty"` // of that: begun, done, failed, skipped
	Why   string    `json:"why,omitempty"`   // it failed or was skipped, or is never due
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Actor, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Stage == nil {
		return nil, errors.New("actions: a store, a clock and a stage are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = func() (map[string]any, map[string]time.Time) { return nil, nil }
	}
	if cfg.Check == nil {
		cfg.Check = func(string, error) {}
	}
	if cfg.Gone == nil {
		cfg.Gone = func(string) {}
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 2 * time.Minute
	}
	return &Actor{cfg: cfg, log: cfg.Log, checks: map[string]bool{}}, nil
}

// Status is every action of the live bundle, with why it is not for this player or never due.
func (a *Actor) Status() []Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// Run does what is due until ctx ends. Between two due instants it wakes once a minute, without actions not at all.
func (a *Actor) Run(ctx context.Context) error {
	a.recall()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		live, changed := a.cfg.Store.Live()
		if a.live == nil || live.Digest != a.live.Digest || !same(live, a.live) {
			a.take(live)
		}
		_, stepped := a.cfg.Clock.State()
		a.step(ctx)
		if wait, any := a.wait(); any {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-stepped:
		case <-timer.C:
		}
	}
}

// same says whether the player is still the same to the schedule.
func same(a, b *store.Live) bool {
	return a.Settings.ID == b.Settings.ID && a.Settings.Zone == b.Settings.Zone &&
		equal(a.Settings.Groups, b.Settings.Groups) && equal(a.Settings.Tags, b.Settings.Tags)
}

// wait is how long nothing is due; not any: there is nothing to wait for.
func (a *Actor) wait() (d time.Duration, any bool) {
	if len(a.alarms) == 0 {
		return 0, false
	}
	st, _ := a.cfg.Clock.State()
	d = guard
	for _, alarm := range a.alarms {
		if next, ok := alarm.Next(st.Now); ok {
			d = min(d, max(next.Sub(st.Now), time.Millisecond))
		}
	}
	for _, e := range a.ledger.Actions {
		if e.State == begun {
			d = min(d, max(a.cfg.Patience-time.Since(e.asked), time.Second))
		}
	}
	return d, true
}
