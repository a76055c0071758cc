package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestATimelineSwitchesTheScreenAsActionsDo(t *testing.T) {
	s := &Schedule{
		Events:  []Event{{ID: "a", Items: []string{"a1"}}, {ID: "e", Kind: "emergency", Items: []string{"x"}, Windows: []Window{{"23:00", "23:30"}}}},
		Actions: []Action{{ID: "night", Do: DoScreenOff, At: "22:00"}, {ID: "day", Do: DoScreenOn, At: "06:00"}, {ID: "r", Do: DoReboot, At: "03:00"}},
	}
	plan, problems := Compile(s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	pl := Player{ID: "p1", Zone: "UTC"}
	var got []string
	for at, d := range plan.Timeline(pl, State{}, at(t, "2027-01-04T23:15:00Z"), at(t, "2027-01-05T23:15:00Z")) {
		got = append(got, at.Format("15:04 ")+d.Layer)
	}
	if want := []string{"23:15 emergency", "23:30 off", "06:00 scheduled", "22:00 off", "23:00 emergency"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	got = nil
	for at, a := range plan.Agenda(pl, State{}, at(t, "2027-01-04T22:00:00Z"), at(t, "2027-01-05T22:00:00Z")) {
		got = append(got, at.Format("15:04 ")+a.Do)
	}
	if want := []string{"22:00 screenOff", "03:00 reboot", "06:00 screenOn"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOfTwoSwitchesAtOneInstantTheScreenIsOn(t *testing.T) {
	s := &Schedule{Events: []Event{{ID: "a", Items: []string{"a1"}}},
		Actions: []Action{{ID: "on", Do: DoScreenOn, At: "08:00"}, {ID: "off", Do: DoScreenOff, At: "08:00"}}}
	plan, _ := Compile(s)
	from := at(t, "2027-01-04T07:00:00Z")
	for at, d := range plan.Timeline(Player{Zone: "UTC"}, State{}, from, from.Add(72*time.Hour)) {
		if d.Screen == "off" {
			t.Fatalf("the screen is off at %s", at)
		}
	}
}

func TestActionsOfAThousandAreTheMost(t *testing.T) {
	s := &Schedule{}
	for i := range mostActions + 1 {
		s.Actions = append(s.Actions, Action{ID: fmt.Sprintf("a%d", i), Do: DoScreenshot, At: "08:00"})
	}
	plan, problems := Compile(s)
	if len(problems) != 1 || problems[0].Path != fmt.Sprintf("/actions/%d", mostActions) {
		t.Errorf("%v", problems)
	}
	if n := len(plan.Alarms(Player{Zone: "UTC"})); n != mostActions {
		t.Errorf("%d alarms", n)
	}
}

func TestATimelineWithActionsNeverContradictsAt(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2027))
	changes := 0
	for _, text := range []string{"2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z", "2027-06-16T00:00:00Z"} {
		around := at(t, text)
		for range 6 {
			s := randomSchedule(r, around, []string{"Europe/Paris", "UTC"})
			for n := range 2 + r.IntN(4) {
				a := Action{ID: fmt.Sprintf("a%d", n), Do: []string{DoScreenOn, DoScreenOff, DoReboot}[(n+r.IntN(2))%3], At: fmt.Sprintf("%02d:%02d", r.IntN(24), 15*r.IntN(4))}
				if r.IntN(3) == 0 {
					a.Days = []int{1 + r.IntN(7), 1 + r.IntN(7)}
				}
				s.Actions = append(s.Actions, a)
			}
			plan, _ := Compile(s)
			pl := Player{ID: "p1", Zone: "Europe/Paris"}
			from, to := around.Add(-40*time.Hour), around.Add(40*time.Hour)
			var instants []time.Time
			var shown []Decision
			for at, d := range plan.Timeline(pl, State{}, from, to) {
				instants, shown = append(instants, at), append(shown, d)
			}
			changes += len(shown)
			for now, i := from, 0; now.Before(to); now = now.Add(15 * time.Minute) {
				for i+1 < len(instants) && !instants[i+1].After(now) {
					i++
				}
				if d := plan.At(pl, State{Screen: plan.ScreenAt(pl, State{}, now)}, now); !d.Same(shown[i]) {
					t.Fatalf("at %s %+v, the timeline has %+v\n%s\n%+v", now, d, shown[i], dump(s), s.Actions)
				}
			}
		}
	}
	if changes < 100 {
		t.Errorf("only %d changes were seen", changes)
	}
}
