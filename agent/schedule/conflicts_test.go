package schedule

import (
	"slices"
	"testing"
	"time"
)

func TestConflictsAreTheEventsThatCanNeverShow(t *testing.T) {
	instant := func(s string) *time.Time {
		v := at(t, s)
		return &v
	}
	paris := Player{ID: "p1", Groups: []string{"lobby"}, Zone: "Europe/Paris"}
	morning, day := []Window{{"08:00", "12:00"}}, []Window{{"06:00", "20:00"}}
	item := []string{"x"}
	tests := []struct {
		name    string
		hours   *WorkingHours
		events  []Event
		players []Player
		want    []string
	}{
		{"an event without limits shows", nil, []Event{{ID: "e", Items: item}}, nil, nil},
		{"a malformed event never shows", nil, []Event{{ID: "e", Items: item, RRule: "FREQ=HOURLY"}}, nil, []string{"e"}},
		{"a disabled event is meant not to show", nil, []Event{{ID: "e", Items: item, Disabled: true, StartDate: "2027-02-02", EndDate: "2027-02-01"}}, nil, nil},
		{"the last day is before the first", nil, []Event{{ID: "e", Items: item, StartDate: "2027-02-02", EndDate: "2027-02-01"}}, nil, []string{"e"}},
		{"an rDate outside of an empty range still shows", nil, []Event{{ID: "e", Items: item, StartDate: "2027-02-02", EndDate: "2027-02-01", RDates: []string{"2027-01-01"}}}, nil, nil},
		{"every date is an exDate", nil, []Event{{ID: "e", Items: item, StartDate: "2027-02-01", EndDate: "2027-02-02", ExDates: []string{"2027-02-01", "2027-02-02"}}}, nil, []string{"e"}},
		{"no such weekday is in the range", nil, []Event{{ID: "e", Items: item, StartDate: "2027-02-01", EndDate: "2027-02-02", Days: []int{7}}}, nil, []string{"e"}},
		{"30 February", nil, []Event{{ID: "e", Items: item, RRule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}}, nil, []string{"e"}},
		{"29 February comes again", nil, []Event{{ID: "e", Items: item, RRule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"}}, nil, nil},
		{"its only weekday is closed", nil, []Event{{ID: "e", Items: item, Days: []int{7}, WeekdayWindows: map[string][]Window{"7": {}}}}, nil, []string{"e"}},
		{"validity is empty", nil, []Event{{ID: "e", Items: item, NotBefore: instant("2027-01-01T00:00:00Z"), NotAfter: instant("2027-01-01T00:00:00Z")}}, nil, []string{"e"}},
		{"validity misses the window in the player's zone", nil, []Event{{ID: "e", Items: item, Windows: morning, NotBefore: instant("2027-01-01T12:00:00Z"), NotAfter: instant("2027-01-01T20:00:00Z")}}, []Player{paris}, []string{"e"}},
		{"without players some zone may fit", nil, []Event{{ID: "e", Items: item, Windows: morning, NotBefore: instant("2027-01-01T12:00:00Z"), NotAfter: instant("2027-01-01T20:00:00Z")}}, nil, nil},
		{"its only window is in a gap", nil, []Event{{ID: "e", Items: item, Zone: "Europe/Paris", Windows: []Window{{"02:10", "02:50"}}, StartDate: "2027-03-28", EndDate: "2027-03-28"}}, nil, []string{"e"}},
		{"the target names nobody there", nil, []Event{{ID: "e", Items: item, Target: &Target{Groups: []string{"roof"}}}, {ID: "f", Items: item, Target: &Target{Groups: []string{"lobby"}}}}, []Player{paris}, []string{"e"}},
		{"a higher one is always on", nil, []Event{{ID: "e", Items: item}, {ID: "f", Items: item, Priority: 1}}, nil, []string{"e"}},
		{"a higher one has a condition", nil, []Event{{ID: "e", Items: item}, {ID: "f", Items: item, Priority: 1, When: []Condition{{"m", "eq", true}}}}, nil, nil},
		{"a higher one is for others", nil, []Event{{ID: "e", Items: item}, {ID: "f", Items: item, Priority: 1, Target: &Target{Groups: []string{"lobby"}}}}, nil, nil},
		{"a higher one is for all the players there are", nil, []Event{{ID: "e", Items: item}, {ID: "f", Items: item, Priority: 1, Target: &Target{Groups: []string{"lobby"}}}}, []Player{paris}, []string{"e"}},
		{"a higher one has other windows", nil, []Event{{ID: "e", Items: item, Windows: day}, {ID: "f", Items: item, Priority: 1, Windows: morning}}, nil, nil},
		{"higher ones together cover its windows", nil, []Event{{ID: "e", Items: item, Windows: day}, {ID: "f", Items: item, Priority: 1, Windows: []Window{{"05:00", "13:00"}}}, {ID: "g", Items: item, Priority: 2, Windows: []Window{{"13:00", "22:00"}}}}, nil, []string{"e"}},
		{"the one that covers it ends earlier", nil, []Event{{ID: "e", Items: item, Windows: morning}, {ID: "f", Items: item, Priority: 1, Windows: day, EndDate: "2030-01-01"}}, nil, nil},
		{"an overnight cover that begins on the same day leaves its first hours", nil, []Event{{ID: "e", Items: item, StartDate: "2027-01-01"}, {ID: "f", Items: item, Priority: 1, StartDate: "2027-01-01", Windows: []Window{{"06:00", "06:00"}}}}, nil, nil},
		{"a cover that ends on the last midnight leaves the last night", nil, []Event{{ID: "e", Items: item, Windows: []Window{{"22:00", "03:00"}}, EndDate: "2027-01-31"}, {ID: "f", Items: item, Priority: 1, EndDate: "2027-01-31"}}, nil, nil},
		{"a cover that ends a day later leaves nothing", nil, []Event{{ID: "e", Items: item, Windows: []Window{{"22:00", "03:00"}}, EndDate: "2027-01-31"}, {ID: "f", Items: item, Priority: 1, EndDate: "2027-02-01"}}, nil, []string{"e"}},
		{"an emergency without end covers all, overlays too", nil, []Event{{ID: "e", Items: item}, {ID: "o", Kind: "overlay", Items: item}, {ID: "x", Kind: "emergency", Items: item}}, nil, []string{"e", "o"}},
		{"an overlay stays over a takeover that is not exclusive", nil, []Event{{ID: "o", Kind: "overlay", Items: item}, {ID: "k", Kind: "takeover", Items: item}}, nil, nil},
		{"its windows are outside of working hours", &WorkingHours{Windows: day}, []Event{{ID: "e", Items: item, Windows: []Window{{"21:00", "05:00"}}}, {ID: "f", Items: item, Windows: morning}}, nil, []string{"e"}},
		{"an emergency needs no working hours", &WorkingHours{Windows: day}, []Event{{ID: "e", Kind: "emergency", Items: item, Windows: []Window{{"21:00", "05:00"}}}}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, _ := Compile(&Schedule{Events: test.events, WorkingHours: test.hours})
			var got []string
			for _, c := range plan.Conflicts(test.players...) {
				got = append(got, c.Event)
				t.Log(c.Event, c.Reason)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
