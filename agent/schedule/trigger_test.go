package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func triggered(id string, t Trigger) Event {
	return Event{ID: id, Items: []string{id + "1"}, Priority: 5, Trigger: &t}
}

func TestWhatHappensCountsForTheEventsThatWaitForIt(t *testing.T) {
	s := &Schedule{Events: []Event{
		{ID: "a", Items: []string{"a1"}},
		triggered("short", Trigger{On: []string{"touch"}, For: "30s"}),
		triggered("long", Trigger{On: []string{"touch", "http:bell"}, For: "30s", Extend: true}),
		triggered("once", Trigger{On: []string{"key:F2"}}),
	}}
	s.Events[3].Windows = []Window{{"09:00", "10:00"}}
	night := triggered("night", Trigger{On: []string{"touch"}, For: "30s"})
	night.Windows = []Window{{"22:00", "23:00"}}
	other := triggered("other", Trigger{On: []string{"touch"}, For: "30s"})
	other.Target = &Target{Devices: []string{"p2"}}
	off := triggered("off", Trigger{On: []string{"touch"}, For: "30s"})
	off.Disabled = true
	s.Events = append(s.Events, night, other, off)
	plan, problems := Compile(s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	pl, st := Player{ID: "p1", Zone: "UTC"}, State{}
	begin := at(t, "2027-01-04T09:00:00Z")
	steps := []struct {
		after int // seconds
		name  string
		want  []string
		on    []string
	}{
		{0, "http:other", nil, []string{"a"}},
		{0, "touch", []string{"short", "long"}, []string{"long", "short"}},
		{20, "touch", []string{"long"}, []string{"long", "short"}},
		{31, "", nil, []string{"long"}},
		{49, "http:bell", []string{"long"}, []string{"long"}},
		{78, "", nil, []string{"long"}},
		{79, "", nil, []string{"a"}},
		{90, "key:F2", []string{"once"}, []string{"once"}},
		{95, "key:F2", nil, []string{"once"}},
		{3600, "key:F2", nil, []string{"a"}}, // its window is over
	}
	for _, step := range steps {
		now := begin.Add(time.Duration(step.after) * time.Second)
		if step.name != "" {
			if got := plan.Fire(pl, &st, step.name, now); !slices.Equal(got, step.want) {
				t.Errorf("%s after %d s counts for %q, want %q", step.name, step.after, got, step.want)
			}
		}
		if got := plan.At(pl, st, now).Events; !slices.Equal(got, step.on) {
			t.Errorf("after %d s %q are on, want %q", step.after, got, step.on)
		}
	}
	st.Triggers["gone"] = begin
	if over := plan.Lapsed(st, begin.Add(time.Hour)); !slices.Equal(over, []string{"gone", "long", "short"}) {
		t.Errorf("%q are over", over)
	}
}

// randomGates gives a schedule whose events wait for triggers and count the time since a touch.
func randomGates(r *rand.Rand, begin time.Time) (*Schedule, State) {
	s, st := &Schedule{}, State{Triggers: map[string]time.Time{}, Since: map[string]time.Time{}}
	if r.IntN(4) > 0 {
		st.Since["touch.idle"] = begin.Add(time.Duration(r.IntN(240)-120) * time.Second)
	}
	for n := range 1 + r.IntN(6) {
		e := Event{ID: fmt.Sprintf("e%d", n), Items: []string{"x"}, Priority: r.IntN(3), Kind: []string{"main", "overlay", "takeover", "main"}[r.IntN(4)]}
		if r.IntN(2) == 0 {
			e.Trigger = &Trigger{On: []string{"touch"}, For: fmt.Sprintf("%dms", 1+r.IntN(90_000)), Extend: true}
		}
		if r.IntN(3) > 0 {
			st.Triggers[e.ID] = begin.Add(time.Duration(r.IntN(120_000)-90_000) * time.Millisecond)
		}
		for range r.IntN(3) {
			c := Condition{"touch.idle", []string{"eq", "ne", "lt", "le", "gt", "ge"}[r.IntN(6)], float64(r.IntN(400)) / 2}
			if r.IntN(5) == 0 {
				c = Condition{"touch.idle", "in", []any{r.IntN(100), float64(r.IntN(300)) / 3, r.IntN(100)}}
			}
			e.When = append(e.When, c)
		}
		if r.IntN(3) == 0 {
			from, to := r.IntN(180), r.IntN(180)
			e.Windows = []Window{{clockText(9*3600 + from), clockText(9*3600 + to)}}
		}
		s.Events = append(s.Events, e)
	}
	return s, st
}

func TestTheNextChangeIsExactWithTriggersAndCountingMetrics(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 2027))
	begin := at(t, "2027-01-04T09:00:00Z")
	changes := 0
	for range 120 {
		s, st := randomGates(r, begin)
		plan, problems := Compile(s)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		pl := Player{ID: "p1", Zone: "UTC"}
		last := plan.At(pl, st, begin)
		for now := begin.Add(time.Second); now.Before(begin.Add(5 * time.Minute)); now = now.Add(time.Second) {
			// A fresh plan remembers nothing of the questions before.
			fresh, _ := Compile(s)
			d := fresh.At(pl, st, now)
			if !d.Same(plan.At(pl, st, now)) {
				t.Fatalf("at %s a plan that was asked before says otherwise\n%s %+v", now, dump(s), st)
			}
			due := last.Next != nil && !now.Before(*last.Next)
			if due == d.Same(last) {
				t.Fatalf("next was %v; at %s it is %v, was %v\n%s\n%+v", last.Next, now, d.Events, last.Events, dump(s), st)
			}
			if due {
				changes++
			}
			last = d
		}
	}
	if changes < 120 {
		t.Errorf("only %d changes were seen", changes)
	}
}
