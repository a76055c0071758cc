package act_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/act"
	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/schedule"
	"vitrine/agent/store"
)

// world is all that is outside of an Actor. It outlives it, as a machine outlives a player. A day of it begins at midnight of
// 1 January 2000, UTC.
type world struct {
	mu      sync.Mutex
	live    *store.Live
	changed chan struct{}
	memos   map[string][]byte
	full    bool // the disk takes nothing
	trust   clock.Trust
	shift   time.Duration // of the clock against time.Now
	stepped chan struct{}
	looks   int // at the clock: each step of Run makes some
	metrics map[string]any
	boot    string
	started time.Time // of the machine
	refuse  error
	obeys   bool // it does restart, and is up again at once
	did     []string
	checks  map[string]string
}

func newWorld(actions ...schedule.Action) *world {
	w := &world{changed: make(chan struct{}), memos: map[string][]byte{}, trust: clock.Trusted, stepped: make(chan struct{}), metrics: map[string]any{},
		boot: "one", started: time.Now().Add(-time.Hour), checks: map[string]string{}}
	w.live = &store.Live{Digest: "d0", Manifest: &bundle.Manifest{Zone: "UTC", Schedule: schedule.Schedule{Actions: actions}}}
	return w
}

func (w *world) Live() (*store.Live, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.live, w.changed
}

func (w *world) publish(actions ...schedule.Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live = &store.Live{Digest: w.live.Digest + "x", Manifest: &bundle.Manifest{Zone: "UTC", Schedule: schedule.Schedule{Actions: actions}}}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) KeepMemo(name string, memo []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return errors.New("no space left on device")
	}
	w.memos[name] = memo
	return nil
}

func (w *world) Memo(name string) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, ok := w.memos[name]
	return b, ok
}

func (w *world) State() (clock.State, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	return clock.State{Trust: w.trust, Now: time.Now().Add(w.shift).UTC()}, w.stepped
}

func (w *world) measure(name string, value any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metrics[name] = value
}

// said is the last word of a check, "" when there is none.
func (w *world) said(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checks[name]
}

func (w *world) looked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looks
}

// set changes the clock as a step of it does.
func (w *world) set(trust clock.Trust, shift time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trust, w.shift = trust, shift
	close(w.stepped)
	w.stepped = make(chan struct{})
}

func (w *world) do(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, time.Now().Add(w.shift).UTC().Format("02 15:04:05 ")+what)
	return w.refuse
}

func (w *world) Reboot(context.Context) error   { return w.restart("reboot") }
func (w *world) PowerOff(context.Context) error { return w.restart("poweroff") }

func (w *world) restart(how string) error {
	w.mu.Lock()
	if w.obeys {
		w.boot, w.started = w.boot+"+", time.Now()
	}
	w.mu.Unlock()
	return w.do(how)
}
func (w *world) Boot() (string, time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.boot, time.Since(w.started), nil
}

// stage tells only of changes.
type stage struct {
	*world
	dark   bool
	volume int
}

func (s *stage) SetScreen(on bool) {
	if s.dark != !on {
		s.dark = !on
		s.do(map[bool]string{true: "screen on", false: "screen off"}[on])
	}
}

func (s *stage) SetVolume(percent int) {
	if s.volume != percent {
		s.volume = percent
		s.do(fmt.Sprintf("volume %d", percent))
	}
}

// run starts a player's Actor; what it returns ends it, as a crash would.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	a, err := act.New(act.Config{Store: w, Clock: w, Machine: w, Stage: &stage{world: w, volume: 100},
		Metrics: func() (map[string]any, map[string]time.Time) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return maps.Clone(w.metrics), nil
		},
		Picture: func(_ context.Context, action string, due time.Time) error {
			return w.do("picture of " + due.Format("15:04"))
		},
		Check: func(name string, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.checks[name] = fmt.Sprint(err)
		}, Gone: func(name string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.checks, name)
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = a.Run(ctx) }()
	synctest.Wait()
	return func() { cancel(); <-ended }
}

// until sleeps to a time of a day of January.
func until(day int, clock string) {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Until(time.Date(2000, 1, day, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)))
	synctest.Wait()
}

func (w *world) wants(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.did, want) {
		t.Errorf("did %q\nwant %q", w.did, want)
	}
}

func at(id, do, when string) schedule.Action { return schedule.Action{ID: id, Do: do, At: when} }
func late(a schedule.Action, by string) schedule.Action {
	a.Late = by
	return a
}
func volume(id string, percent int, when string) schedule.Action {
	return schedule.Action{ID: id, Do: "volume", At: when, Volume: &percent}
}
