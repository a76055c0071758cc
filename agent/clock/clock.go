// Package clock keeps the player's honest account of time: what time it is, and how far that can be believed.
//
//	system's clock ──┐                      ┌──> Now       best estimate, for the schedule
//	kernel: synced? ─┤                      ├──> State     trusted, held, estimated, none; steps
//	relay's time ────┼──> judge ── floor ───┼──> TLSTime   for certificates
//	signed issuedAt ─┤      ^        │      ├──> Believed  what others are judged by; none without a confirmation
//	                 │      │        │      └──> Keep      an instant that is past, once a minute
//	build, kept time ┘      └────────┘
//
// Whether the system's clock is synchronised is read from the kernel with adjtimex(2), as systemd-timedated does to answer
// its property NTPSynchronized. That property sends no change signal (org.freedesktop.timedate1(5)), so it would have to be
// asked again and again; the kernel answers for every daemon that disciplines it (systemd-timesyncd, chrony, ntpd, ntpsec,
// openntpd), in a container too. timedate1 is asked over D-Bus while nobody has synchronised the clock: it knows whether a
// service could and is switched on, and it answers where the kernel does not. Steps of the clock are not asked for:
// timerfd_create(2) with TFD_TIMER_CANCEL_ON_SET wakes the player. Where either is missing the State says so, and the
// player looks for steps every five seconds instead.
//
// Nobody's word moves the floor for good but the publisher's signature: other times are kept only as far as a year above
// it, or one lie of a time server would shut the player out of TLS until somebody visits it. When a publisher's key is
// revoked, what it has signed is taken back (Lower).
package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trust says how far the player's time can be believed.
type Trust string

// The levels of trust, best first.
const (
	Trusted   Trust = "trusted"   // synchronised since the last step, or within Tolerance of the relay's authenticated time
	Held      Trust = "held"      // the hardware's clock, at or above the floor
	Estimated Trust = "estimated" // the system's clock is below the floor: floor + uptime counts
	None      Trust = "none"      // no floor is known and nobody has confirmed the system's clock
)

const (
	Tolerance = 2 * time.Second // within which two clocks agree
	Step      = time.Second     // a greater jump of the system's clock against the monotonic one is a step
	Guard     = time.Minute     // between two looks at the clock when nothing happens, and between two times kept
	unwatched = 5 * time.Second // between two looks where the system does not tell of steps
	year      = 366 * 24 * time.Hour
	shelf     = 10 * year // a player may have been off for so long; a hardware clock further ahead is broken
)

// Config is what a Clock starts from.
type Config struct {
	Built     time.Time // when the program was built; zero = unknown
	Persisted time.Time // the time that was kept last, and what bundles were signed with; zero = none
	Keep      keeper    // keeps the time over a restart; nil = not kept
	Log       *slog.Logger
	System    system // nil = this machine
	// Service is asked who keeps the system's time while nobody has; nil = not asked.
	Service service
}

// keeper keeps an instant that is past; called at most once a minute.
type keeper interface{ RaiseTime(time.Time) error }

// system is the machine's side of time. The monotonic clock is Go's own (time.Since).
type system interface {
	// Wall is the system's clock.
	Wall() time.Time
	// Synchronised says whether a daemon disciplines the system's clock now. An error: it cannot be known here.
	Synchronised() (bool, error)
	// Steps calls step whenever the system's clock was set, until ctx ends. An error: it cannot be known here.
	Steps(ctx context.Context, step func()) error
}

// State is the account of time at one instant.
type State struct {
	Trust        Trust
	Now          time.Time     // the best estimate, UTC
	Floor        time.Time     // an instant that is certainly past
	Synchronised bool          // by a daemon, since the last step
	Agreed       bool          // with the relay's authenticated time, since the last step
	Offset       time.Duration // the system's clock less the relay's, at the last sample; 0 while Sampled is false
	Sampled      bool          // the relay has told its time
	Steps        int           // of the system's clock since the start
	LastStep     time.Duration // the last of them, positive = forward
	Faults       []string      // what this system cannot tell, in words
	Service      string        // why no time service has synchronised the clock, in words; "" = one has, or it is not known
}

// Why says in words why the time is not believed; "" = it is trusted or held.
func (s State) Why() string {
	why := slices.Clone(s.Faults)
	if s.Service != "" && !s.Synchronised {
		why = append([]string{s.Service}, why...)
	}
	switch s.Trust {
	case None:
		why = append([]string{"nobody has confirmed this machine's clock, and nothing is known to compare it with: set it, or let it reach a time server or the relay"}, why...)
	case Estimated:
		why = append([]string{fmt.Sprintf("this machine's clock is before %s, which is past; the player counts on from there until the clock is set", s.Floor.UTC().Format(time.DateTime))}, why...)
	default:
		return ""
	}
	return strings.Join(why, "; ")
}

// Clock is safe for concurrent use.
type Clock struct {
	cfg   Config
	log   *slog.Logger
	begun time.Time // anchor of the monotonic clock

	mu      sync.Mutex
	signed  anchor        // build, issuedAt, and what was kept at the start
	floor   anchor        // signed, and what has been kept since
	relay   anchor        // the relay's authenticated time: for TLS only, nothing that is shown follows a relay
	lead    time.Duration // of the system's clock before the monotonic one
	state   State
	changed chan struct{}
	due     time.Duration  // uptime from which the time may be kept again
	others  sync.WaitGroup // questions to the service under way
	asking  bool           // one is
	// The service is asked again from this uptime, or after another step.
	consulted   time.Duration
	consultedAt int
	faults      map[string]string // by what cannot be told
}

// New judges the clock for the first time; nothing is written yet.
func New(cfg Config) (*Clock, error) {
	if cfg.Log == nil {
		return nil, errors.New("clock: Config.Log is missing")
	}
	if cfg.System == nil {
		cfg.System = machine{}
	}
	c := &Clock{cfg: cfg, log: cfg.Log, begun: time.Now(), changed: make(chan struct{}), faults: map[string]string{}}
	for _, t := range []time.Time{cfg.Built, cfg.Persisted} {
		c.signed.raise(t, 0)
	}
	c.floor = c.signed
	_, c.lead = c.read()
	c.look(true)
	return c, nil
}

// Run watches the clock until ctx ends: steps wake it, else it looks once a minute, and more often just after the start
// and after a step, when synchronisation is likely.
func (c *Clock) Run(ctx context.Context) error {
	woken, failed := make(chan struct{}, 1), make(chan error, 1)
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer c.others.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watcher.Go(func() {
		failed <- c.cfg.System.Steps(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	})
	pause, longest := time.Second, Guard
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		c.consult(ctx)
		pause = min(2*pause, longest)
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			failed, longest = nil, unwatched
			c.fault("steps", fmt.Sprintf("the system does not tell when its clock is set; the player looks every %v instead: %v", unwatched, err))
			pause = min(pause, longest)
		case <-woken:
			pause = time.Second
		case <-timer.C:
		}
		if c.check() {
			pause = time.Second
		}
		timer.Reset(pause)
	}
}

// Now is the best estimate of the time, UTC: the system's clock, or floor + uptime while that is below the floor.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(false)
	return c.state.Now
}

// State is the account of time now, and a channel that is closed when its trust, its steps or its faults change.
func (c *Clock) State() (State, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(false)
	s := c.state
	s.Faults = slices.Sorted(maps.Values(c.faults))
	return s, c.changed
}

// TLSTime is the time to check certificates by (tls.Config.Time): the greatest of the floor and the relay's authenticated
// time, both with the uptime since, and the system's clock, unless that is more than ten years ahead of all that was signed:
// a battery that fails leaves 2099 as often as 1970.
func (c *Clock) TLSTime() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(false)
	up, wall := c.uptime(), c.cfg.System.Wall()
	t := c.floor.at(up)
	if r := c.relay.at(up); c.relay.known && r.After(t) {
		t = r
	}
	broken := c.signed.known && wall.After(c.signed.at(up).Add(shelf))
	if wall.After(t) && !broken || !c.floor.known && !c.relay.known {
		t = wall
	}
	return t.UTC()
}

// Issued raises the floor to the issuedAt of a bundle whose signature has been verified, from the relay or from a stick.
// It never sets the clock.
func (c *Clock) Issued(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	up := c.uptime()
	c.signed.raise(t, up)
	c.floor.raise(t, up)
	c.look(false)
}

// Lower puts the floor down to an instant that is past: the key that had raised it is no longer believed.
func (c *Clock) Lower(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Built.After(t) {
		t = c.cfg.Built
	}
	c.signed.set(t, c.uptime())
	c.floor = c.signed
	c.log.Warn("floor of the time lowered", "to", t)
	c.look(false)
}

// Believed is the time by which others are judged, and whether there is one: the system's clock where it is trusted and no
// more than ten years ahead of all that was signed, else the relay's time. A hardware clock that nobody has confirmed may
// have stood still.
func (c *Clock) Believed() (now time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(false)
	up := c.uptime()
	if c.state.Trust == Trusted && (!c.signed.known || c.state.Now.Before(c.signed.at(up).Add(shelf))) {
		return c.state.Now, true
	}
	t := c.relay.at(up)
	if f := c.floor.at(up); c.relay.known && f.After(t) {
		t = f
	}
	return t, c.relay.known
}

// Relay takes the time of a relay that has proved itself (over TLS, or signed over the player's nonce), right when the
// answer has come; trip is the time from question to answer. A sample whose trip is over four seconds proves nothing.
func (c *Clock) Relay(now time.Time, trip time.Duration) error {
	if trip < 0 || trip > time.Minute || now.Year() < 2000 {
		return fmt.Errorf("the relay's time %s after %v cannot be used", now.UTC().Format(time.RFC3339), trip)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(false)
	up := c.uptime()
	c.relay.raise(now, up)
	c.state.Offset, c.state.Sampled = c.cfg.System.Wall().Sub(now.Add(trip/2)), true
	before := c.state
	switch apart := c.state.Offset.Abs(); {
	case apart <= Tolerance-trip/2:
		c.state.Agreed = true
	case apart > Tolerance+trip/2:
		c.state.Agreed = false
	}
	if c.state.Agreed != before.Agreed {
		c.log.Info("relay's time compared", "agrees", c.state.Agreed, "offset", c.state.Offset, "trip", trip)
	}
	c.judge(before)
	return nil
}
