package playout_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// programme is a loop of A, B for 10 s each, an hour called LONG, and events of C and D.
func programme(loop []string, events ...schedule.Event) bundle.Manifest {
	return bundle.Manifest{Scenes: map[string]scene.Scene{"a": say("A", 10*time.Second), "b": say("B", 10*time.Second), "c": say("C", 10*time.Second),
		"d": say("D", 5*time.Second), "long": say("LONG", time.Hour)}, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: loop}, Events: events}}
}

func event(id, item, from, to string, set func(*schedule.Event)) schedule.Event {
	e := schedule.Event{ID: id, Items: []string{item}, Windows: windows("00:"+from, "00:"+to)}
	if set != nil {
		set(&e)
	}
	return e
}

func TestBoundaries(t *testing.T) {
	ab, long := []string{"a", "b"}, []string{"long", "a"}
	asks := func(start, end string) func(*schedule.Event) {
		return func(e *schedule.Event) { e.OnStart, e.OnEnd = start, end }
	}
	emergency := func(end string) func(*schedule.Event) {
		return func(e *schedule.Event) { e.Kind, e.Severity, e.OnEnd = "emergency", "Severe", end }
	}
	cases := []struct {
		name   string
		loop   []string
		events []schedule.Event
		until  string
		want   []string
	}{
		{"pause holds the item and goes on with it where it was", ab, []schedule.Event{event("e", "c", "00:04", "00:13", asks("pause", ""))}, "00:00:25",
			[]string{"A@00:00:00", "C@00:00:04", "A+4s@00:00:14", "B@00:00:20"}},
		{"resume goes on with an item that was cut", ab, []schedule.Event{event("e", "c", "00:04", "00:13", asks("cut", "resume"))}, "00:00:25",
			[]string{"A@00:00:00", "C@00:00:04", "A+4s@00:00:14", "B@00:00:20"}},
		{"restart begins the item again that was cut", ab, []schedule.Event{event("e", "c", "00:13", "00:21", asks("", "restart"))}, "00:00:39",
			[]string{"A@00:00:00", "B@00:00:10", "C@00:00:13", "B@00:00:23", "A@00:00:33"}},
		{"next leaves the rest of a paused item out", ab, []schedule.Event{event("e", "c", "00:04", "00:13", asks("pause", "next"))}, "00:00:25",
			[]string{"A@00:00:00", "C@00:00:04", "B@00:00:14", "A@00:00:24"}},
		{"an item that has ended is not resumed", ab, []schedule.Event{event("e", "c", "00:04", "00:13", asks("finish", "resume"))}, "00:00:29",
			[]string{"A@00:00:00", "C@00:00:10", "B@00:00:20"}},
		{"an item that finish has waited for too long is resumed", long, []schedule.Event{event("e", "c", "00:10", "00:45", asks("finish", "resume"))}, "01:00:15",
			[]string{"LONG@00:00:00", "C@00:00:40", "LONG+40s@00:00:50", "A@01:00:10"}},
		{"an emergency cuts whatever it asks for, and what it cut is resumed where it says so", long, []schedule.Event{event("e", "c", "00:10", "00:22",
			func(e *schedule.Event) { emergency("resume")(e); e.OnStart = "finish" })}, "01:00:00",
			[]string{"LONG@00:00:00", "C@00:00:10", "C@00:00:20", "LONG+10s@00:00:22"}},
		{"a lower priority waits for the end of what is on", ab, []schedule.Event{
			event("high", "long", "00:00", "00:20", func(e *schedule.Event) { e.Priority = 5 }), event("low", "c", "00:00", "00:59", nil)}, "01:00:09",
			[]string{"LONG@00:00:00", "A@01:00:00"}},
		{"an event that a stronger one interrupts comes back before what it has interrupted itself", long, []schedule.Event{
			event("e", "b", "00:05", "00:35", asks("pause", "")), event("x", "d", "00:12", "00:16", emergency("resume"))}, "00:01:00",
			[]string{"LONG@00:00:00", "B@00:00:05", "D@00:00:12", "B+7s@00:00:16", "B@00:00:19", "B@00:00:29", "LONG+5s@00:00:39"}},
		{"an event that is over meanwhile does not come back", long, []schedule.Event{
			event("e", "b", "00:05", "00:15", asks("pause", "")), event("x", "d", "00:12", "00:20", emergency("resume"))}, "00:01:00",
			[]string{"LONG@00:00:00", "B@00:00:05", "D@00:00:12", "D@00:00:17", "LONG+5s@00:00:20"}},
		{"what waits to be resumed still does after an emergency", long, []schedule.Event{
			event("e", "b", "00:05", "00:12", asks("pause", "")), event("x", "d", "00:13", "00:17", emergency("next"))}, "00:01:00",
			[]string{"LONG@00:00:00", "B@00:00:05", "D@00:00:13", "LONG+5s@00:00:17"}},
		{"a place is not kept for the next time", ab, []schedule.Event{event("e", "long", "00:05", "00:30", func(e *schedule.Event) {
			e.Windows = append(e.Windows, schedule.Window{"00:01:03", "00:01:30"})
		}), event("x", "d", "00:10", "00:38", emergency("next"))}, "00:01:10",
			[]string{"A@00:00:00", "LONG@00:00:05", "D@00:00:10", "D@00:00:15", "D@00:00:20", "D@00:00:25", "D@00:00:30", "D@00:00:35", "B@00:00:38",
				"A@00:00:48", "B@00:00:58", "LONG@00:01:03"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := start(t)
				p.publish(programme(c.loop, c.events...))
				p.run()
				p.at(c.until)
				p.wants(c.want...)
			})
		})
	}
}

// honesty is a clock of the test's bubble that is believed as a test says.
type honesty struct {
	wall
	trust clock.Trust
}

func (h honesty) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: h.trust, Now: time.Now()}, nil
}

// joins plays an aligned loop from an instant on and tells what is on after a minute; lag is what a renderer loses at each turn.
func joins(t *testing.T, at string, trust clock.Trust, lag time.Duration) (seen []string) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.screen.lag = lag
		var err error
		p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: honesty{trust: trust}, Screen: p.screen, Feeds: p.feeds})
		if err != nil {
			t.Fatal(err)
		}
		all := schedule.Event{ID: "e", Items: []string{"a", "b", "d"}, Align: true}
		p.publish(programme(nil, all))
		p.at(at)
		p.run()
		p.at("00:03:10")
		seen = p.seen()
	})
	return seen
}

func TestAlignedPlayersShowTheSameAtTheSameInstant(t *testing.T) {
	one, other := joins(t, "00:00:03", clock.Trusted, 0), joins(t, "00:01:12", clock.Trusted, 0)
	if one[0] != "A+3.4s@00:00:03" {
		t.Errorf("the first joined with %s", one[0])
	}
	i := slices.Index(one, "D@00:01:35")
	k := slices.Index(other, "D@00:01:35")
	if i < 0 || k < 0 || !slices.Equal(one[i:], other[k:]) {
		t.Errorf("they showed\n\t%q\n\t%q", one, other)
	}
}

func TestALoopIsNotAlignedByAClockThatIsNotTrusted(t *testing.T) {
	for _, trust := range []clock.Trust{clock.Held, clock.Estimated, clock.None} {
		if seen := joins(t, "00:00:03", trust, 0); seen[0] != "A@00:00:03" {
			t.Errorf("%s: it joined with %s", trust, seen[0])
		}
	}
}

// gains is a clock that comes to be trusted a minute after midnight.
type gains struct {
	wall
	told chan struct{}
}

func (g gains) State() (clock.State, <-chan struct{}) {
	select {
	case <-g.told:
		return clock.State{Trust: clock.Trusted, Now: time.Now()}, nil
	default:
		return clock.State{Trust: clock.Held, Now: time.Now()}, g.told
	}
}

func TestALoopIsJoinedAsSoonAsTheClockIsTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		told := make(chan struct{})
		var err error
		p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: gains{told: told}, Screen: p.screen, Feeds: p.feeds})
		if err != nil {
			t.Fatal(err)
		}
		p.publish(programme(nil, schedule.Event{ID: "e", Items: []string{"a", "b", "d"}, Align: true}))
		p.at("00:00:03")
		p.run()
		p.at("00:00:06")
		time.AfterFunc(time.Millisecond, func() { close(told) })
		p.at("00:00:12")
		p.wants("A@00:00:03", "A+6.401s@00:00:06", "B@00:00:10")
	})
}

func TestWhatARendererLosesIsMadeGoodAtTheNextTurn(t *testing.T) {
	seen := joins(t, "00:00:00", clock.Trusted, 40*time.Millisecond)
	if last := seen[len(seen)-1]; last != "B@00:03:05" { // not 22 times as late
		t.Errorf("they showed %q", seen)
	}
}
