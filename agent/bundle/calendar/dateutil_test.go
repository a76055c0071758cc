package calendar_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/schedule"
)

// entry is a random VEVENT of half an hour that repeats, by the clock of a zone, at times that daylight saving leaves alone.
func entry(r *rand.Rand) string {
	zone := []string{"Europe/Paris", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"}[r.IntN(5)]
	start := time.Date(2027, 1, 1+r.IntN(300), []int{0, 5, 8, 13, 22}[r.IntN(5)], r.IntN(30), 0, 0, time.UTC)
	day := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}[start.Weekday()]
	rule := []string{"FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=TU," + day, "FREQ=MONTHLY", fmt.Sprintf("FREQ=MONTHLY;BYMONTHDAY=%d,-1", start.Day()), "FREQ=YEARLY",
		fmt.Sprintf("FREQ=DAILY;BYHOUR=%d;BYMINUTE=%d", start.Hour(), start.Minute())}[r.IntN(7)]
	rule += fmt.Sprintf(";INTERVAL=%d", 1+r.IntN(3))
	switch r.IntN(3) {
	case 0:
		rule += fmt.Sprintf(";COUNT=%d", 1+r.IntN(20))
	case 1: // near the time of day, on either side of it and of midnight
		rule += ";UNTIL=" + start.AddDate(0, r.IntN(9), r.IntN(9)).Add(time.Duration(r.IntN(48*60)-24*60)*time.Minute).Format("20060102T150405Z")
	}
	at := start.Format("20060102T150405")
	lines := []string{fmt.Sprintf("DTSTART;TZID=%s:%s", zone, at), "RRULE:" + rule}
	for range r.IntN(4) {
		lines = append(lines, fmt.Sprintf("EXDATE;TZID=%s:%s", zone, start.AddDate(0, 0, 1+r.IntN(30)).Format("20060102T150405")))
	}
	return strings.Join(lines, "\n")
}

func TestImportedRulesBeginWhenAnIndependentImplementationSaysSo(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import dateutil").Run() != nil {
		t.Skip("needs the Debian package python3-dateutil")
	}
	r := rand.New(rand.NewPCG(4, 5545))
	var entries []string
	for range 1000 {
		entries = append(entries, entry(r))
	}
	question, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import datetime, json, sys
from dateutil import rrule, tz
end = datetime.datetime(2029, 1, 1, tzinfo=tz.UTC)
for text in json.load(sys.stdin):
    found = []
    for at in rrule.rrulestr(text, forceset=True):
        if at >= end: break
        found.append(at.astimezone(tz.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    print(json.dumps(found))`)
	cmd.Stdin = strings.NewReader(string(question))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	starts := 0
	for i, text := range entries {
		var want []string
		if err := json.Unmarshal([]byte(answers[i]), &want); err != nil {
			t.Fatal(err)
		}
		found, refused := read(t, text+"\nDURATION:PT30M", "")
		if len(refused) == 1 && len(want) == 0 { // it ends before it begins
			continue
		}
		if len(found) != 1 {
			t.Fatalf("%s\nis refused: %v", text, refused)
		}
		if got := begins(found[0]); !slices.Equal(got, want) {
			t.Fatalf("%s\n%+v\nbegins %v\nwant   %v", text, found[0].Event, got, want)
		}
		starts += len(want)
	}
	if starts < 10_000 {
		t.Errorf("only %d beginnings", starts)
	}
}

// begins are the instants at which an event comes on before 2029.
func begins(f calendar.Found) []string {
	f.Event.ID, f.Event.Items = "e", []string{"a"}
	plan, _ := schedule.Compile(&schedule.Schedule{Events: []schedule.Event{f.Event}})
	list := []string{}
	for at, d := range plan.Timeline(schedule.Player{Zone: "UTC"}, schedule.State{}, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)) {
		if len(d.Events) > 0 {
			list = append(list, at.UTC().Format(time.RFC3339))
		}
	}
	return list
}
