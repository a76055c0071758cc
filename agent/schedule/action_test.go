package schedule

import (
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestActionsAreDueOnceOnEachOfTheirDays(t *testing.T) {
	tests := []struct {
		name   string
		action Action
		zone   string
		after  string
		want   string // "" = never
	}{
		{"later today", Action{At: "09:00"}, "Europe/Paris", "2027-01-04T07:59:59Z", "2027-01-04T08:00:00Z"},
		{"strictly after: tomorrow", Action{At: "09:00"}, "Europe/Paris", "2027-01-04T08:00:00Z", "2027-01-05T08:00:00Z"},
		{"on its weekdays", Action{At: "09:00", Days: []int{5}}, "Europe/Paris", "2027-01-04T08:00:00Z", "2027-01-08T08:00:00Z"},
		{"by its rule", Action{At: "04:00", RRule: "FREQ=MONTHLY;BYDAY=1SU"}, "UTC", "2027-01-04T08:00:00Z", "2027-02-07T04:00:00Z"},
		{"in its own zone", Action{At: "09:00", Zone: "Asia/Tokyo"}, "Europe/Paris", "2027-01-04T08:00:00Z", "2027-01-05T00:00:00Z"},
		{"never after its last day", Action{At: "09:00", EndDate: "2027-01-04"}, "UTC", "2027-01-04T09:00:00Z", ""},
		{"in a gap at its end", Action{At: "02:30"}, "Europe/Paris", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"},
		{"at a gap's first second at its end too", Action{At: "02:00"}, "Europe/Paris", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"},
		{"once only around a gap", Action{At: "02:30"}, "Europe/Paris", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"},
		{"in a fold at the first pass", Action{At: "02:30"}, "Europe/Paris", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"},
		{"not at the second", Action{At: "02:30"}, "Europe/Paris", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"},
		{"on a day that a zone left out, when the next begins", Action{At: "12:00", StartDate: "2011-12-30", EndDate: "2011-12-30"}, "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			alarm, problems := CompileAction(test.action, test.zone)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got, ok := alarm.Next(at(t, test.after))
			if ok != (test.want != "") || ok && !got.Equal(at(t, test.want)) {
				t.Errorf("%v %v, want %s", got, ok, test.want)
			}
		})
	}
}

func TestAMissedActionIsSkippedOrDoneLate(t *testing.T) {
	tests := []struct {
		name, late, last, now, want string
	}{
		{"the timer is a moment late", "", "2027-01-04T03:59:30Z", "2027-01-04T04:00:01Z", "2027-01-04T04:00:00Z"},
		{"it was done", "", "2027-01-04T04:00:01Z", "2027-01-04T04:00:30Z", ""},
		{"off at the time, and skipped", "skip", "2027-01-04T03:00:00Z", "2027-01-04T04:30:00Z", ""},
		{"off at the time, and late enough to do", "2h", "2027-01-04T03:00:00Z", "2027-01-04T06:00:00Z", "2027-01-04T04:00:00Z"},
		{"off at the time, and too late", "2h", "2027-01-04T03:00:00Z", "2027-01-04T06:00:01Z", ""},
		{"off for days: the latest, once", "30h", "2026-12-01T00:00:00Z", "2027-01-04T06:00:00Z", "2027-01-04T04:00:00Z"},
		{"never asked before", "2h", "0001-01-01T00:00:00Z", "2027-01-04T05:00:00Z", "2027-01-04T04:00:00Z"},
		{"the clock went back", "2h", "2027-01-04T09:00:00Z", "2027-01-04T05:00:00Z", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			alarm, problems := CompileAction(Action{At: "04:00", Late: test.late}, "UTC")
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got, ok := alarm.Due(at(t, test.last), at(t, test.now))
			if ok != (test.want != "") || ok && !got.Equal(at(t, test.want)) {
				t.Errorf("%v %v, want %s", got, ok, test.want)
			}
		})
	}
}

func TestMalformedActionsAreRefusedWithTheirPlace(t *testing.T) {
	for path, action := range map[string]Action{
		"/at":     {At: "24:00"},
		"/late":   {At: "04:00", Late: "soon"},
		"/zone":   {At: "04:00", Zone: "Mars/Phobos"},
		"/days/0": {At: "04:00", Days: []int{0}},
		"/rrule":  {At: "04:00", RRule: "FREQ=SECONDLY"},
	} {
		alarm, problems := CompileAction(action, "UTC")
		if alarm != nil || len(problems) != 1 || problems[0].Path != path {
			t.Errorf("%+v: %v, want a problem at %s", action, problems, path)
		}
	}
}

func TestAnAlignedLoopIsWhereUTCSays(t *testing.T) {
	lengths := []time.Duration{10 * time.Second, 0, 20 * time.Second}
	for seconds, want := range map[int64]struct {
		item int
		into time.Duration
	}{0: {0, 0}, 9: {0, 9 * time.Second}, 10: {2, 0}, 29: {2, 19 * time.Second}, 30: {0, 0}, 61: {0, time.Second}, -1: {2, 19 * time.Second}} {
		if item, into := Position(time.Unix(seconds, 0), lengths); item != want.item || into != want.into {
			t.Errorf("at %d: item %d at %s, want %v", seconds, item, into, want)
		}
	}
	if item, _ := Position(time.Unix(5, 0), nil); item != -1 {
		t.Errorf("an empty loop plays item %d", item)
	}
}
