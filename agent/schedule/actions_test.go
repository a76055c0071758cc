package schedule

import (
	"fmt"
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
