package schedule

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMalformedRulesAreReportedWithTheirPlaceAndTheRestPlays(t *testing.T) {
	good := Event{ID: "good", Items: []string{"g1"}}
	with := func(change func(e *Event)) *Schedule {
		e := Event{ID: "bad", Items: []string{"b1"}, Priority: 5}
		change(&e)
		return &Schedule{Events: []Event{good, e}}
	}
	tests := []struct {
		name     string
		schedule *Schedule
		path     string
		fix      string
		plays    string
	}{
		{"a window's start", with(func(e *Event) { e.Windows = []Window{{"09:00", "10:00"}, {"9h", "10:00"}} }), "/events/1/windows/1", "\"00:00\" to \"23:59\"", "good"},
		{"a window's end", with(func(e *Event) { e.Windows = []Window{{"09:00", "24:01"}} }), "/events/1/windows/0", "\"24:00\"", "good"},
		{"a weekday's window", with(func(e *Event) { e.WeekdayWindows = map[string][]Window{"6": {{"09:00", "x"}}} }), "/events/1/weekdayWindows/6/0", "\"24:00\"", "good"},
		{"a weekday's name", with(func(e *Event) { e.WeekdayWindows = map[string][]Window{"sat/sun": nil} }), "/events/1/weekdayWindows/sat~1sun", "\"1\" (Monday)", "good"},
		{"a day of the week", with(func(e *Event) { e.Days = []int{1, 0} }), "/events/1/days/1", "1 (Monday)", "good"},
		{"a daypart nobody defined", with(func(e *Event) { e.Dayparts = []string{"noon"} }), "/events/1/dayparts/0", "dayparts", "good"},
		{"a rule", with(func(e *Event) { e.RRule = "FREQ=DAILY;BYHOUR=3" }), "/events/1/rrule", "use FREQ", "good"},
		{"a rule's number", with(func(e *Event) { e.RRule = "FREQ=DAILY;INTERVAL=0" }), "/events/1/rrule", "from 1 to", "good"},
		{"a rule's weekday", with(func(e *Event) { e.RRule = "FREQ=WEEKLY;BYDAY=MON" }), "/events/1/rrule", "MO,FR", "good"},
		{"a start that its rule does not match", with(func(e *Event) { e.RRule, e.StartDate = "FREQ=WEEKLY;BYDAY=MO", "2027-01-05" }), "/events/1/rrule", "\"2027-01-11\"", "good"},
		{"a start after which its rule has no day", with(func(e *Event) { e.RRule, e.StartDate = "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101", "2027-01-05" }), "/events/1/rrule", "UNTIL", "good"},
		{"a date", with(func(e *Event) { e.ExDates = []string{"2027-02-28", "2027-02-29"} }), "/events/1/exDates/1", "YYYY-MM-DD", "good"},
		{"a zone", with(func(e *Event) { e.Zone = "Local" }), "/events/1/zone", "Europe/Paris", "good"},
		{"a condition's op", with(func(e *Event) { e.When = []Condition{{"m", ">", 1}} }), "/events/1/when/0", "gt", "good"},
		{"a condition's value", with(func(e *Event) { e.When = []Condition{{"m", "in", "a"}} }), "/events/1/when/0", "list", "good"},
		{"a kind", with(func(e *Event) { e.Kind = "advert" }), "/events/1/kind", "interrupt", "good"},
		{"a mode", with(func(e *Event) { e.Mode = "shuffle" }), "/events/1/mode", "roundRobin", "good"},
		{"no items", with(func(e *Event) { e.Items = nil }), "/events/1/items", "scene", "good"},
		{"no id", with(func(e *Event) { e.ID = "" }), "/events/1/id", "name", "good"},
		{"an id used twice", with(func(e *Event) { e.ID = "good" }), "/events/1/id", "its own", "good"},
		{"maxPerHour below nothing", with(func(e *Event) { e.MaxPerHour = -1 }), "/events/1/maxPerHour", "leave it out", "good"},
		{"an interrupt's share", with(func(e *Event) { e.Kind = "interrupt" }), "/events/1/share", "per mille", "good"},
		{"a boundary's word is reported and the event plays", with(func(e *Event) { e.OnStart = "fade" }), "/events/1/onStart", "finish", "bad"},
		{"a boundary's wait is reported and the event plays", with(func(e *Event) { e.MaxWait = "soon" }), "/events/1/maxWait", "30s", "bad"},
		{"rDates beside every day are reported and the event plays", with(func(e *Event) { e.RDates = []string{"2027-12-24"} }), "/events/1/rDates", "days: []", "bad"},
		{"untrustedClock", &Schedule{Events: []Event{good}, UntrustedClock: "guess"}, "/untrustedClock", "play", "good"},
		{"a daypart's window", &Schedule{Events: []Event{good}, Dayparts: map[string][]Window{"a~b": {{"", ""}}}}, "/dayparts/a~0b/0", "23:59", "good"},
		{"working hours", &Schedule{Events: []Event{good}, WorkingHours: &WorkingHours{Days: []int{9}}}, "/workingHours/days/0", "7 (Sunday)", "good"},
		{"working hours' zone", &Schedule{Events: []Event{good}, WorkingHours: &WorkingHours{Zone: "Mars/Phobos", Days: []int{7}}}, "/workingHours/zone", "IANA", "good"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, problems := Compile(test.schedule)
			if len(problems) != 1 || problems[0].Path != test.path || !strings.Contains(problems[0].Message, test.fix) {
				t.Errorf("%q, want one at %s with %q", problems, test.path, test.fix)
			}
			d := plan.At(Player{ID: "p", Zone: "Europe/Paris"}, State{}, time.Date(2027, 1, 5, 8, 30, 0, 0, time.UTC))
			if d.Screen != "on" || len(d.Events) != 1 || d.Events[0] != test.plays {
				t.Errorf("%+v, want %s", d, test.plays)
			}
		})
	}
}

func TestEveryDaypartsUserIsReportedWhenItIsMalformed(t *testing.T) {
	_, problems := Compile(&Schedule{
		Dayparts: map[string][]Window{"noon": {{"12", "13"}}},
		Events:   []Event{{ID: "a", Items: []string{"x"}, Dayparts: []string{"noon"}}, {ID: "b", Items: []string{"x"}, Dayparts: []string{"noon"}}},
	})
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	if got := strings.Join(paths, " "); got != "/dayparts/noon/0 /events/0/dayparts/0 /events/1/dayparts/0" {
		t.Error(got)
	}
}

func TestNoInstantInTenYearsIsWithoutAnAnswerAndPlansAgree(t *testing.T) {
	s := busySchedule(60)
	s.WorkingHours.WeekdayWindows = map[string][]Window{"7": {}}
	one, _ := Compile(s)
	pl, st := Player{ID: "p", Zone: "America/New_York"}, State{Metrics: map[string]any{"temp": 20}}
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	type line struct {
		at time.Time
		d  Decision
	}
	var timeline []line
	for at, d := range one.Timeline(pl, st, from, from.AddDate(10, 0, 0)) {
		if n := len(timeline); n > 0 && (!at.After(timeline[n-1].at) || d.Same(timeline[n-1].d)) {
			t.Fatalf("%s %+v after %+v", at, d, timeline[n-1])
		}
		timeline = append(timeline, line{at, d})
	}
	// A plan of its own, asked backwards and at odd instants: what it keeps of one answer must not show in another.
	two, _ := Compile(s)
	i := len(timeline) - 1
	for at := from.AddDate(10, 0, 0).Add(-time.Second); at.After(from); at = at.Add(-3*time.Hour - 1013*time.Second) {
		for timeline[i].at.After(at) {
			i--
		}
		d := two.At(pl, st, at)
		if !d.Same(timeline[i].d) {
			t.Fatalf("%s: %+v, but the timeline has %+v", at, d, timeline[i].d)
		}
		if d.Screen == "on" && len(d.Loop) == 0 || d.Screen == "off" && d.Layer != LayerOff {
			t.Fatalf("%s: no answer: %+v", at, d)
		}
	}
}

func TestATimelineStopsWhenItsReaderDoesAndBeforeItsEnd(t *testing.T) {
	plan, _ := Compile(&Schedule{Events: []Event{{ID: "a", Items: []string{"x"}, Windows: []Window{{"09:00", "10:00"}}}}})
	from := time.Date(2027, 1, 1, 9, 30, 0, 0, time.UTC)
	var got []string
	for at, d := range plan.Timeline(Player{}, State{}, from, time.Date(2027, 1, 2, 10, 0, 0, 0, time.UTC)) {
		got = append(got, at.Format("02T15:04")+" "+d.Layer)
	}
	if text := strings.Join(got, ", "); text != "01T09:30 scheduled, 01T10:00 fallback, 02T09:00 scheduled" {
		t.Error(text)
	}
	for range plan.Timeline(Player{}, State{}, from, from) {
		t.Error("an empty time has an answer")
	}
	n := 0
	for range plan.Timeline(Player{}, State{}, from, from.AddDate(5000, 0, 0)) {
		if n++; n == 3 {
			break
		}
	}
}

func TestOnePlanServesManyPlayersAtOnce(t *testing.T) {
	plan, _ := Compile(&Schedule{Events: []Event{{ID: "a", Items: []string{"x"}, Windows: []Window{{"09:00", "10:00"}}}}})
	now := time.Date(2027, 1, 4, 9, 30, 0, 0, time.UTC)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			zone, want := "UTC", LayerScheduled
			if n%2 == 1 {
				zone, want = "Asia/Tokyo", LayerFallback
			}
			for range 50 {
				if d := plan.At(Player{ID: string(rune('a' + n)), Zone: zone}, State{}, now); d.Layer != want {
					t.Errorf("%s in %s: %s", now, zone, d.Layer)
				}
			}
		})
	}
	all.Wait()
}
