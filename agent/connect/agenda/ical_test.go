package agenda_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/agenda"
)

func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func cal(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

func event(lines ...string) string {
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

// told writes events as "title: from – to", by the clock of Paris.
func told(events []agenda.Event, w agenda.Window) string {
	table := agenda.Table(events, w, 1000)
	var out []string
	for _, r := range table.Rows {
		short := func(v string) string {
			at, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return v
			}
			return strings.TrimSuffix(at.In(w.Zone).Format("01-02T15:04:05"), ":00")
		}
		out = append(out, fmt.Sprintf("%s: %s to %s", r[0].Text, short(r[1].Text), short(r[2].Text)))
	}
	return strings.Join(out, "; ")
}

func TestWhatACalendarHas(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"an entry by the clock of a zone", event("SUMMARY:A", "DTSTART;TZID=America/New_York:20270301T090000", "DTEND;TZID=America/New_York:20270301T100000"),
			"A: 03-01T15:00 to 03-01T16:00"},
		{"an entry in UTC", event("SUMMARY:A", "DTSTART:20270301T090000Z", "DURATION:PT45M"), "A: 03-01T10:00 to 03-01T10:45"},
		{"an entry that floats is told by whoever looks", event("SUMMARY:A", "DTSTART:20270301T090000", "DURATION:PT1H"), "A: 03-01T09:00 to 03-01T10:00"},
		{"a zone of Windows", event("SUMMARY:A", "DTSTART;TZID=Tokyo Standard Time:20270301T170000", "DURATION:PT1H"), "A: 03-01T09:00 to 03-01T10:00"},
		{"a day", event("SUMMARY:A", "DTSTART;VALUE=DATE:20270302"), "A: 03-02T00:00 to 03-03T00:00"},
		{"days", event("SUMMARY:A", "DTSTART;VALUE=DATE:20270302", "DTEND;VALUE=DATE:20270305"), "A: 03-02T00:00 to 03-05T00:00"},
		{"a day that is said to end with itself", event("SUMMARY:A", "DTSTART;VALUE=DATE:20270302", "DTEND;VALUE=DATE:20270302"), "A: 03-02T00:00 to 03-03T00:00"},
		{"what began before the window", event("SUMMARY:A", "DTSTART:20270220T090000Z", "DTEND:20270301T120000Z"), "A: 02-20T10:00 to 03-01T13:00"},
		{"what ended before the window", event("SUMMARY:A", "DTSTART:20270220T090000Z", "DTEND:20270228T120000Z"), ""},
		{"what takes no time", event("SUMMARY:A", "DTSTART:20270301T090000Z"), "A: 03-01T10:00 to 03-01T10:00"},
		{"what repeats by the clock of its zone, over a change of it", event("SUMMARY:A", "DTSTART;TZID=America/New_York:20200106T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY"),
			"A: 03-01T15:00 to 03-01T16:00; A: 03-08T15:00 to 03-08T16:00; A: 03-15T14:00 to 03-15T15:00; A: 03-22T14:00 to 03-22T15:00; A: 03-29T15:00 to 03-29T16:00"},
		{"an hour that does not exist", event("SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270328T023000", "DURATION:PT1H"), "A: 03-28T03:30 to 03-28T04:30"},
		{"without some of its days", event("SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4",
			"EXDATE;TZID=Europe/Paris:20270308T090000", "EXDATE:20270315T080000Z"), "A: 03-01T09:00 to 03-01T10:00; A: 03-22T09:00 to 03-22T10:00"},
		{"without days that are named as days", event("SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2",
			"EXDATE;VALUE=DATE:20270308"), "A: 03-01T09:00 to 03-01T10:00"},
		{"on more days", event("SUMMARY:A", "DTSTART:20270301T090000Z", "DURATION:PT1H", "RDATE:20270303T110000Z,20270304T110000Z"),
			"A: 03-01T10:00 to 03-01T11:00; A: 03-03T12:00 to 03-03T13:00; A: 03-04T12:00 to 03-04T13:00"},
		{"the first time counts though its rule would not say so", event("SUMMARY:A", "DTSTART:20270302T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=1"),
			"A: 03-02T10:00 to 03-02T11:00; A: 03-03T10:00 to 03-03T11:00"},
		{"until a moment in UTC", event("SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270301T000000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20270301T230000Z"),
			"A: 03-01T00:00 to 03-01T01:00; A: 03-02T00:00 to 03-02T01:00"},
		{"one time of it moved", event("UID:1", "SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3") + "\r\n" +
			event("UID:1", "RECURRENCE-ID:20270302T080000Z", "SUMMARY:B", "DTSTART:20270302T130000Z", "DURATION:PT30M"),
			"A: 03-01T09:00 to 03-01T10:00; B: 03-02T14:00 to 03-02T14:30; A: 03-03T09:00 to 03-03T10:00"},
		{"one time of it moved into the window", event("UID:1", "SUMMARY:A", "DTSTART;TZID=Europe/Paris:20260101T090000", "DURATION:PT1H", "RRULE:FREQ=YEARLY;COUNT=2") + "\r\n" +
			event("UID:1", "RECURRENCE-ID;TZID=Europe/Paris:20270101T090000", "SUMMARY:B", "DTSTART:20270302T130000Z", "DURATION:PT30M"), "B: 03-02T14:00 to 03-02T14:30"},
		{"one time of it cancelled", event("UID:1", "SUMMARY:A", "DTSTART:20270301T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2") + "\r\n" +
			event("UID:1", "RECURRENCE-ID:20270302T090000Z", "STATUS:CANCELLED", "DTSTART:20270302T090000Z"), "A: 03-01T10:00 to 03-01T11:00"},
		{"all from one on moved", event("UID:1", "SUMMARY:A", "DTSTART:20270301T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4") + "\r\n" +
			event("UID:1", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270303T090000Z", "SUMMARY:B", "DTSTART:20270303T100000Z", "DURATION:PT30M"),
			"A: 03-01T10:00 to 03-01T11:00; A: 03-02T10:00 to 03-02T11:00; B: 03-03T11:00 to 03-03T11:30; B: 03-04T11:00 to 03-04T11:30"},
		{"cancelled", event("SUMMARY:A", "STATUS:CANCELLED", "DTSTART:20270301T090000Z", "DURATION:PT1H"), ""},
		{"a later version of the same", event("UID:1", "SUMMARY:old", "DTSTART:20270301T090000Z", "DURATION:PT1H") + "\r\n" +
			event("UID:1", "SEQUENCE:2", "SUMMARY:new", "DTSTART:20270302T090000Z", "DURATION:PT1H"), "new: 03-02T10:00 to 03-02T11:00"},
		{"a zone that the file describes", "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:20001029T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nTZOFFSETFROM:+0600\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\n" +
			"BEGIN:DAYLIGHT\r\nDTSTART:20000326T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nTZOFFSETFROM:+0500\r\nTZOFFSETTO:+0600\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n" +
			event("SUMMARY:A", "DTSTART;TZID=Ours:20270327T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2"),
			"A: 03-27T08:00 to 03-27T09:00; A: 03-28T08:00 to 03-28T09:00"},
		{"only when somebody is busy", "BEGIN:VFREEBUSY\r\nFREEBUSY:20270301T090000Z/PT1H,20270301T130000Z/20270301T140000Z\r\nFREEBUSY;FBTYPE=FREE:20270301T150000Z/PT1H\r\nEND:VFREEBUSY",
			": 03-01T10:00 to 03-01T11:00; : 03-01T14:00 to 03-01T15:00"},
		{"a birthday of somebody whose year is not known", event("SUMMARY:A", "DTSTART;VALUE=DATE:16040302", "RRULE:FREQ=YEARLY"), "A: 03-02T00:00 to 03-03T00:00"},
		{"every second, for ever, seldom", event("SUMMARY:A", "DTSTART:20200301T090000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;INTERVAL=86400;BYMONTH=3;BYMONTHDAY=1"), "A: 03-01T10:00 to 03-01T10:00:01"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := agenda.Window{From: time.Date(2027, 2, 28, 23, 0, 0, 0, time.UTC), To: time.Date(2027, 3, 31, 22, 0, 0, 0, time.UTC), Zone: paris(t)}
			events, dropped, err := agenda.ICal(cal(c.in), w)
			if err != nil || len(dropped) > 0 {
				t.Fatalf("%v, dropped %v", err, dropped)
			}
			if got := told(events, w); got != c.want {
				t.Errorf("it has\n\t%s, not\n\t%s", got, c.want)
			}
		})
	}
}

func TestWhatIsWrongInACalendarIsToldAndTheRestIsThere(t *testing.T) {
	good := event("SUMMARY:good", "DTSTART:20270301T090000Z", "DURATION:PT1H")
	for name, c := range map[string]struct{ in, says string }{
		"no beginning":           {event("SUMMARY:bad"), "no DTSTART"},
		"no time":                {event("SUMMARY:bad", "DTSTART:tomorrow"), "which is not a time"},
		"an unknown zone":        {event("SUMMARY:bad", "DTSTART;TZID=Moon/Tycho:20270301T090000"), "time zone \"Moon/Tycho\" is not known"},
		"an unknown rule":        {event("SUMMARY:bad", "DTSTART:20270301T090000Z", "RRULE:FREQ=NEVER"), "unknown FREQ"},
		"a rule without an end":  {event("SUMMARY:bad", "DTSTART:20270301T090000Z", "RRULE:FREQ=SECONDLY;COUNT=900000000"), "repeats so often"},
		"a day every hour":       {event("SUMMARY:bad", "DTSTART;VALUE=DATE:20270301", "RRULE:FREQ=HOURLY"), "within one"},
		"days that do not exist": {event("SUMMARY:bad", "DTSTART:20270301T090000Z", "EXDATE:20271399T090000Z"), "which is not a time"},
	} {
		t.Run(name, func(t *testing.T) {
			w := agenda.Window{From: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 3, 2, 0, 0, 0, 0, time.UTC)}
			events, dropped, err := agenda.ICal(cal(c.in, good), w)
			if err != nil || !slices.ContainsFunc(events, func(e agenda.Event) bool { return e.Title == "good" }) {
				t.Fatalf("%d events, %v", len(events), err)
			}
			if len(dropped) != 1 || !strings.Contains(dropped[0].Why, c.says) || !strings.Contains(dropped[0].Place, "bad") {
				t.Errorf("dropped: %v, want something of %q", dropped, c.says)
			}
		})
	}
}

// entry is a random VEVENT, with some of its times taken out or moved.
func entry(r *rand.Rand, n int) string {
	zone := []string{"Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney"}[r.IntN(4)]
	start := time.Date(2026, 1, 1+r.IntN(500), r.IntN(24), r.IntN(4)*15, 0, 0, time.UTC)
	if h := start.Hour(); h < 4 { // hours that change with the clocks have no answer that all agree on
		start = start.Add(4 * time.Hour)
	}
	day := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}[start.Weekday()]
	at := func(t time.Time) string { return ";TZID=" + zone + ":" + t.Format("20060102T150405") }
	step, rule := r.IntN(3), fmt.Sprintf("INTERVAL=%d", 1+r.IntN(3))
	rule += []string{";FREQ=DAILY", ";FREQ=WEEKLY;BYDAY=" + day, ";FREQ=WEEKLY"}[step]
	switch r.IntN(3) {
	case 0:
		rule += fmt.Sprintf(";COUNT=%d", 1+r.IntN(40))
	case 1:
		rule += ";UNTIL=" + start.AddDate(0, r.IntN(20), 3).Format("20060102T150405Z")
	}
	lines := []string{fmt.Sprint("UID:", n), fmt.Sprint("SUMMARY:", n), "DTSTART" + at(start), "DTEND" + at(start.Add(time.Duration(1+r.IntN(8))*30*time.Minute)), "RRULE:" + rule}
	var more []string
	for k := range 5 {
		moved := start.AddDate(0, 0, 7*k*(1+r.IntN(3)))
		switch r.IntN(4) {
		case 0:
			lines = append(lines, "EXDATE"+at(moved))
		case 1:
			to := moved.Add(time.Duration(r.IntN(72)-20) * time.Hour)
			if to.Hour() < 4 {
				to = to.Add(5 * time.Hour)
			}
			more = append(more, event(fmt.Sprint("UID:", n), fmt.Sprint("SUMMARY:moved ", n), "RECURRENCE-ID"+at(moved), "DTSTART"+at(to), "DTEND"+at(to.Add(time.Hour))))
		case 2:
			if zone != "Asia/Kolkata" { // the other one loses those behind a change of the clocks
				continue
			}
			lines = append(lines, "RDATE"+at(moved.Add(time.Hour)))
		}
		if len(more) > 0 {
			break
		}
	}
	return strings.Join(append([]string{event(lines...)}, more...), "\r\n")
}

func TestRandomCalendarsHaveWhatAnIndependentImplementationSays(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 5545))
	type question struct{ Cal, From, To string }
	var all []question
	for n := range 300 {
		from := time.Date(2027, 1, 1+r.IntN(300), 0, 0, 0, 0, time.UTC)
		all = append(all, question{string(cal(entry(r, n), entry(r, n+1000))), from.Format(time.RFC3339), from.AddDate(0, 0, 1+r.IntN(40)).Format(time.RFC3339)})
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", `
import datetime, json, sys, icalendar, recurring_ical_events
utc = datetime.timezone.utc
form = "%Y-%m-%dT%H:%M:%SZ"
for q in json.load(sys.stdin):
    p = lambda s: datetime.datetime.strptime(s, form).replace(tzinfo=utc)
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(q["Cal"])).between(p(q["From"]), p(q["To"]))
    print(json.dumps(sorted("%s %s %s" % (e["DTSTART"].dt.astimezone(utc).strftime(form), e["DTEND"].dt.astimezone(utc).strftime(form), e["SUMMARY"]) for e in found)))
`)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3-recurring-ical-events: %v", err)
	}
	some := 0
	for i, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var want []string
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		at := func(s string) time.Time { x, _ := time.Parse(time.RFC3339, s); return x }
		events, dropped, err := agenda.ICal([]byte(all[i].Cal), agenda.Window{From: at(all[i].From), To: at(all[i].To)})
		if err != nil || len(dropped) > 0 {
			t.Fatalf("%v, dropped %v", err, dropped)
		}
		got := []string{}
		for _, e := range events {
			got = append(got, fmt.Sprintf("%s %s %s", e.Start.UTC().Format(time.RFC3339), e.End.UTC().Format(time.RFC3339), e.Title))
		}
		slices.Sort(got)
		if some += len(want); !slices.Equal(got, want) {
			t.Fatalf("from %s to %s of\n%s\nthere are\n\t%v, not\n\t%v", all[i].From, all[i].To, all[i].Cal, got, want)
		}
	}
	if some < 300 {
		t.Errorf("only %d events were compared", some)
	}
}

// FuzzICal: whatever a calendar says, it is an error or events that are within the window, in bounded time.
func FuzzICal(f *testing.F) {
	f.Add(cal(event("SUMMARY:A", "DTSTART;TZID=Europe/Paris:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=SECONDLY;BYSETPOS=3;BYMONTH=2", "EXDATE:20270301T090000Z")))
	f.Add(cal("BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:20001029T030000\r\nRRULE:FREQ=YEARLY\r\nTZOFFSETFROM:+0600\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\nEND:VTIMEZONE", event("DTSTART;TZID=X:20270327T120000")))
	f.Add(cal(event("UID:1", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270303T090000Z", "DTSTART:20270303T100000Z"), event("UID:1", "DTSTART:20270301T090000Z", "RRULE:FREQ=DAILY")))
	w := agenda.Window{From: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), Zone: paris(f)}
	f.Fuzz(func(t *testing.T, b []byte) {
		events, _, err := agenda.ICal(b, w)
		if err != nil {
			return
		}
		for _, e := range events {
			if e.End.Before(e.Start) || !e.Start.Before(w.To) || e.End.Before(w.From) {
				t.Fatalf("an event from %v to %v", e.Start, e.End)
			}
		}
	})
}
