package clock_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/clock"
)

// box is a machine whose clock is set by the test; its monotonic clock is the test's own.
type box struct {
	mu     sync.Mutex
	lead   time.Duration // of the system's clock before the test's
	synced bool
	blind  error // what adjtimex says
	deaf   error // what timerfd says
	looks  int
	step   func()
}

func (b *box) Wall() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.lead)
}

func (b *box) Synchronised() (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	return b.synced, b.blind
}

func (b *box) Steps(ctx context.Context, step func()) error {
	if b.deaf != nil {
		return b.deaf
	}
	b.mu.Lock()
	b.step = step
	b.mu.Unlock()
	<-ctx.Done()
	return nil
}

// set sets the system's clock, as settimeofday(2) does: the kernel forgets that it was synchronised, and tells.
func (b *box) set(t time.Time) { b.move(time.Until(t)) }

func (b *box) move(lead time.Duration) {
	b.mu.Lock()
	b.lead, b.synced = lead, false
	step := b.step
	b.mu.Unlock()
	if step != nil {
		step()
	}
}

func (b *box) sync() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.synced = true
}

// shelf is a disk for one instant.
type shelf struct {
	mu    sync.Mutex
	at    time.Time
	kept  []time.Time
	when  []time.Time // by the test's clock
	fails error
}

func (s *shelf) RaiseTime(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.kept, s.when = append(s.kept, t), append(s.when, time.Now())
	if t.After(s.at) {
		s.at = t
	}
	return nil
}

// times are those that were kept so far.
func (s *shelf) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start makes a clock over a box and runs it until the test ends.
func start(t *testing.T, b *box, cfg clock.Config) *clock.Clock {
	t.Helper()
	cfg.System, cfg.Log = b, quiet()
	c, err := clock.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	synctest.Wait()
	return c
}

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

func state(c *clock.Clock) clock.State {
	s, _ := c.State()
	return s
}

// near says whether two instants are the same but for the time that a test's code takes inside its bubble: none.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

func TestTrust(t *testing.T) {
	built, kept := day("2026-01-01"), day("2026-06-01")
	all := clock.Config{Built: built, Persisted: kept}
	for name, c := range map[string]struct {
		cfg    clock.Config
		wall   time.Time
		synced bool
		relay  time.Duration // the relay's clock less the system's; 0 = none asked
		trip   time.Duration
		trust  clock.Trust
		now    time.Time
	}{
		"a hardware clock above the floor is held":                      {cfg: all, wall: day("2026-07-01"), trust: clock.Held, now: day("2026-07-01")},
		"a clock exactly at the floor is held":                          {cfg: all, wall: kept, trust: clock.Held, now: kept},
		"a clock a second below the floor agrees with it":               {cfg: all, wall: kept.Add(-time.Second), trust: clock.Held, now: kept.Add(-time.Second)},
		"a clock three seconds below the floor is not believed":         {cfg: all, wall: kept.Add(-3 * time.Second), trust: clock.Estimated, now: kept},
		"a player that wakes in 1970 goes on from the time kept":        {cfg: all, wall: time.Unix(0, 0), trust: clock.Estimated, now: kept},
		"the floor is the build's time where nothing else is known":     {cfg: clock.Config{Built: built}, wall: time.Unix(0, 0), trust: clock.Estimated, now: built},
		"a hardware clock in 2099 is held, for it is above the floor":   {cfg: all, wall: day("2099-01-01"), trust: clock.Held, now: day("2099-01-01")},
		"a synchronised clock is trusted":                               {cfg: all, wall: day("2026-07-01"), synced: true, trust: clock.Trusted, now: day("2026-07-01")},
		"a synchronised clock below the floor is not":                   {cfg: all, wall: day("2026-05-01"), synced: true, trust: clock.Estimated, now: kept},
		"without a floor a clock that nobody confirms is worth nothing": {wall: day("2026-07-01"), trust: clock.None, now: day("2026-07-01")},
		"without a floor a synchronised clock is trusted":               {wall: day("2026-07-01"), synced: true, trust: clock.Trusted, now: day("2026-07-01")},
		"a clock that the relay confirms is trusted":                    {cfg: all, wall: day("2026-07-01"), relay: time.Second, trust: clock.Trusted, now: day("2026-07-01")},
		"a clock 2.1 s behind the relay's is held":                      {cfg: all, wall: day("2026-07-01"), relay: 2100 * time.Millisecond, trust: clock.Held, now: day("2026-07-01")},
		"a clock 2.1 s before the relay's is held":                      {cfg: all, wall: day("2026-07-01"), relay: -2100 * time.Millisecond, trust: clock.Held, now: day("2026-07-01")},
		"half the way of a slow answer counts as doubt":                 {cfg: all, wall: day("2026-07-01"), relay: 1500 * time.Millisecond, trip: 2 * time.Second, trust: clock.Held, now: day("2026-07-01")},
		"an answer that took longer than four seconds proves nothing":   {cfg: all, wall: day("2026-07-01"), relay: time.Millisecond, trip: 5 * time.Second, trust: clock.Held, now: day("2026-07-01")},
		"a relay cannot move a player's time, neither ahead":            {cfg: all, wall: day("2026-07-01"), relay: 9e5 * time.Hour, trust: clock.Held, now: day("2026-07-01")},
		"nor back": {cfg: all, wall: day("2026-07-01"), relay: -1e5 * time.Hour, trust: clock.Held, now: day("2026-07-01")},
		"a relay that agrees with a clock below the floor is not enough":  {cfg: all, wall: day("2026-05-01"), relay: time.Second, trust: clock.Estimated, now: kept},
		"a relay that disagrees does not undo what the kernel has learnt": {cfg: all, wall: day("2026-07-01"), synced: true, relay: time.Hour, trust: clock.Trusted, now: day("2026-07-01")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &box{lead: time.Until(c.wall), synced: c.synced}
				k := start(t, b, c.cfg)
				if c.relay != 0 {
					if err := k.Relay(b.Wall().Add(c.relay-c.trip/2), c.trip); err != nil {
						t.Fatal(err)
					}
				}
				if s := state(k); s.Trust != c.trust || !near(s.Now, c.now) || !s.Now.Equal(k.Now()) {
					t.Errorf("%s at %s, want %s at %s", s.Trust, s.Now, c.trust, c.now)
				}
			})
		})
	}
}

func TestAnEstimateGoesOnWithTheUptime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, &box{lead: time.Until(time.Unix(0, 0))}, clock.Config{Persisted: day("2026-06-01")})
		time.Sleep(36 * time.Hour)
		if want := day("2026-06-02").Add(12 * time.Hour); !near(k.Now(), want) {
			t.Errorf("after 36 hours it is %s, want %s", k.Now(), want)
		}
	})
}

func TestABundleRaisesTheFloorAndNeverLowersIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, &box{lead: time.Until(day("2026-02-01"))}, clock.Config{Built: day("2026-01-01")})
		_, changed := k.State()
		k.Issued(day("2026-03-01"))
		<-changed
		if s := state(k); s.Trust != clock.Estimated || !near(s.Now, day("2026-03-01")) {
			t.Errorf("after a bundle from the clock's future: %s at %s", s.Trust, s.Now)
		}
		k.Issued(day("2025-03-01"))
		if s := state(k); !near(s.Floor, day("2026-03-01")) {
			t.Errorf("an older bundle moved the floor to %s", s.Floor)
		}
	})
}

func TestAFloorWhoseKeyIsNoLongerBelievedIsLowered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &shelf{}
		k := start(t, &box{lead: time.Until(day("2026-02-01")), synced: true}, clock.Config{Built: day("2026-01-01"), Keep: disk})
		k.Issued(day("9000-01-01"))
		<-time.After(time.Hour)
		synctest.Wait()
		if s := state(k); s.Trust != clock.Estimated || k.TLSTime().Year() != 9000 {
			t.Fatalf("%s, and for certificates it is %s", s.Trust, k.TLSTime())
		}
		k.Lower(day("2025-06-01"))
		if s := state(k); s.Trust != clock.Trusted || !near(s.Floor, day("2026-01-01")) || !near(k.TLSTime(), day("2026-02-01").Add(time.Hour)) {
			t.Errorf("%s with the floor at %s, and for certificates it is %s", s.Trust, s.Floor, k.TLSTime())
		}
		kept := len(disk.times())
		<-time.After(time.Hour)
		synctest.Wait()
		for _, at := range disk.times()[kept:] {
			if at.Year() != 2026 {
				t.Errorf("kept is %s", at)
			}
		}
	})
}

func TestOthersAreJudgedByATimeThatSomebodyHasConfirmed(t *testing.T) {
	built, now := day("2026-01-01"), day("2026-07-01")
	for name, c := range map[string]struct {
		wall   time.Time
		synced bool
		relay  time.Time
		want   time.Time // zero = there is none
	}{
		"a time server's": {wall: now, synced: true, want: now},
		"not a hardware clock's, which may have stood": {wall: now},
		"nor that of 1970":                              {wall: time.Unix(0, 0)},
		"the relay's beside a clock of 1970":            {wall: time.Unix(0, 0), relay: now, want: now},
		"a relay's is no less than what is past":        {wall: time.Unix(0, 0), relay: day("2001-01-01"), want: built},
		"not a time server's that is decades ahead":     {wall: day("2099-01-01"), synced: true},
		"but the relay's where the time server's is so": {wall: day("2099-01-01"), synced: true, relay: now, want: now},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := start(t, &box{lead: time.Until(c.wall), synced: c.synced}, clock.Config{Built: built})
				if !c.relay.IsZero() {
					if err := k.Relay(c.relay, 0); err != nil {
						t.Fatal(err)
					}
				}
				if got, ok := k.Believed(); ok != !c.want.IsZero() || ok && !near(got, c.want) {
					t.Errorf("%s, %v; want %s", got, ok, c.want)
				}
			})
		})
	}
}

func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		by   time.Duration
		step bool
	}{
		"a jump of 1.1 s ahead is a step":    {by: 1100 * time.Millisecond, step: true},
		"a jump of 1.1 s back is a step":     {by: -1100 * time.Millisecond, step: true},
		"a jump of an hour is a step":        {by: time.Hour, step: true},
		"a jump of 0.9 s is none":            {by: 900 * time.Millisecond},
		"a leap second is none":              {by: -time.Second},
		"a jump of years is a step of years": {by: 73 * 365 * 24 * time.Hour, step: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &box{lead: time.Until(day("2026-07-01")), synced: true}
				k := start(t, b, clock.Config{Built: day("2026-01-01")})
				_, changed := k.State()
				before := time.Now()
				b.move(b.lead + c.by)
				synctest.Wait()
				s := state(k)
				told := false
				select {
				case <-changed:
					told = true
				default:
				}
				if told != c.step || (s.Steps == 1) != c.step || c.step && s.LastStep != c.by {
					t.Errorf("told %v, %d steps, the last of %v; want a step: %v of %v", told, s.Steps, s.LastStep, c.step, c.by)
				}
				if !time.Now().Equal(before) {
					t.Error("it was noticed by looking, not by being told")
				}
				if c.step && s.Trust != clock.Held {
					t.Errorf("a clock that was set by hand is %s", s.Trust)
				}
			})
		})
	}
}

func TestASlewNeverAddsUpToAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{lead: time.Until(day("2026-07-01"))}
		k := start(t, b, clock.Config{Built: day("2026-01-01")})
		for range 600 {
			time.Sleep(time.Minute)
			b.mu.Lock()
			b.lead += 30 * time.Millisecond // 500 ppm, the most that adjtime(3) does
			b.mu.Unlock()
		}
		if s := state(k); s.Steps != 0 {
			t.Errorf("a slew of 18 s in ten hours made %d steps", s.Steps)
		}
	})
}

func TestA2099ThatIsPutRightPlaysInThePresentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, disk := &box{lead: time.Until(day("2099-01-01"))}, &shelf{}
		k := start(t, b, clock.Config{Built: day("2026-01-01"), Keep: disk})
		time.Sleep(48 * time.Hour) // long enough to keep a wrong time, if it did
		b.set(day("2026-07-01"))
		b.sync()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if s := state(k); s.Trust != clock.Trusted || !near(s.Now, day("2026-07-01").Add(2*time.Second)) {
			t.Errorf("%s at %s", s.Trust, s.Now)
		}
	})
}

func TestATimeIsKeptAtMostOnceAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		wall   time.Time
		synced bool
		least  time.Time // the last kept after an hour, between these
		most   time.Time
	}{
		"a trusted time as it is":                                                        {wall: day("2026-07-01"), synced: true, least: day("2026-07-01").Add(58 * time.Minute), most: day("2026-07-01").Add(time.Hour)},
		"of a hardware clock only what is certain":                                       {wall: day("2026-07-01"), least: day("2026-01-01").Add(58 * time.Minute), most: day("2026-01-01").Add(time.Hour)},
		"of an estimate floor and uptime":                                                {wall: time.Unix(0, 0), least: day("2026-01-01").Add(58 * time.Minute), most: day("2026-01-01").Add(time.Hour)},
		"a time server in 2099 leaves nothing behind":                                    {wall: day("2099-01-01"), synced: true},
		"while a synchronised clock is below the floor nothing, so that it may catch up": {wall: day("2025-01-01"), synced: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := &shelf{}
				start(t, &box{lead: time.Until(c.wall), synced: c.synced}, clock.Config{Built: day("2026-01-01"), Keep: disk})
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := len(disk.times()); n > 60 || n < 50 && !c.most.IsZero() {
					t.Errorf("%d times kept in an hour", n)
				}
				for i := 1; i < len(disk.when); i++ {
					if gap := disk.when[i].Sub(disk.when[i-1]); gap < time.Minute {
						t.Errorf("kept again after %v", gap)
					}
				}
				if disk.at.Before(c.least) || disk.at.After(c.most) {
					t.Errorf("kept %s, want between %s and %s", disk.at, c.least, c.most)
				}
			})
		})
	}
}

func TestAPlayerWithoutAHardwareClockLivesOnThroughPowerCuts(t *testing.T) {
	disk, last := &shelf{at: day("2026-06-01")}, day("2026-06-01")
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			k := start(t, &box{lead: time.Until(time.Unix(0, 0))}, clock.Config{Persisted: disk.at, Keep: disk})
			if now := k.Now(); now.Before(last.Add(-2 * time.Minute)) {
				t.Fatalf("back from %s to %s by a power cut", last, now)
			}
			time.Sleep(9*time.Hour + 59*time.Second)
			last = k.Now()
		})
	}
	if want := day("2026-06-01").Add(30 * 9 * time.Hour); last.Before(want) {
		t.Errorf("after 30 days of nine hours it is %s, want %s or later", last, want)
	}
}

func TestALossOfTheDiskIsSaidAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &shelf{fails: errors.New("read-only file system")}
		k := start(t, &box{lead: time.Until(day("2026-07-01"))}, clock.Config{Built: day("2026-01-01"), Keep: disk})
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if s := state(k); len(s.Faults) != 1 || !strings.Contains(s.Faults[0], "read-only") {
			t.Errorf("faults: %q", s.Faults)
		}
		disk.mu.Lock()
		disk.fails = nil
		disk.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s := state(k); len(s.Faults) != 0 {
			t.Errorf("faults after the disk's return: %q", s.Faults)
		}
	})
}

func TestItLooksOnceAMinuteAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{lead: time.Until(day("2026-07-01"))}
		start(t, b, clock.Config{Built: day("2026-01-01")})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if b.looks > 24*60+8 || b.looks < 24*60-8 {
			t.Errorf("%d looks in a day", b.looks)
		}
	})
}

func TestASystemThatTellsNothingIsSaidInTheOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{lead: time.Until(day("2026-07-01")), synced: true, blind: errors.New("operation not permitted"), deaf: errors.ErrUnsupported}
		k := start(t, b, clock.Config{Built: day("2026-01-01")})
		if s := state(k); s.Trust != clock.Held || len(s.Faults) != 2 {
			t.Errorf("%s with faults %q", s.Trust, s.Faults)
		}
		time.Sleep(90 * time.Second)
		_, changed := k.State()
		asked := time.Now()
		b.move(b.lead + time.Hour)
		<-changed
		if late := time.Since(asked); late > 5*time.Second {
			t.Errorf("a step was seen after %v", late)
		}
	})
}
