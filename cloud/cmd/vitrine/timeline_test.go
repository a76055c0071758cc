package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// property gives the values of a property of a calendar's events, unfolded.
func property(text, name string) []string {
	var values []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n ", ""), "\r\n") {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			values = append(values, v)
		}
	}
	return values
}

func TestACalendarHasAnEntryForEveryStretchInInstants(t *testing.T) {
	dir := lobbyDir(t)
	edit(t, dir, yaml, "zone: Europe/London", "zone: America/New_York")
	// The night in which clocks go forward there: 2027-03-14.
	with := []string{"timeline", dir, "--from", "2027-03-12", "--to", "2027-03-16", "--lang", "fr"}
	var want []string
	for line := range strings.Lines(right(t, append(with, "--json")...)) {
		want = append(want, answer[struct{ At time.Time }](t, line).At.UTC().Format("20060102T150405Z"))
	}
	out := right(t, append(with, "--ics", "-")...)
	starts, ends := property(out, "DTSTART"), property(out, "DTEND")
	if starts[0] != "20270311T190000Z" { // where its stretch really begins: the day before, at 14:00
		t.Errorf("the first entry begins at %s", starts[0])
	}
	if !slices.Equal(starts[1:], want[1:]) || !slices.Equal(ends[:len(ends)-1], starts[1:]) || ends[len(ends)-1] != "20270316T040000Z" {
		t.Errorf("%v to %v; want %v", starts, ends, want)
	}
	if lunch := slices.Index(starts, "20270312T163000Z"); lunch < 0 || property(out, "SUMMARY")[lunch] != `programme\, time` || property(out, "TRANSP")[lunch] != "OPAQUE" {
		t.Errorf("lunch on the Friday before, at 11:30 EST: entry %d of %q", lunch, out)
	}
	if monday := slices.Index(starts, "20270315T153000Z"); monday < 0 || !strings.Contains(property(out, "DESCRIPTION")[monday], `Événements`) {
		t.Errorf("lunch on the Monday after, at 11:30 EDT: entry %d of %q", monday, out)
	}
}

func TestAnEntryKeepsItsNameWheneverItIsWritten(t *testing.T) {
	dir := lobbyDir(t)
	names := func(from string, more ...string) map[string]string {
		out := right(t, append([]string{"timeline", dir, "--from", from, "--to", "2027-01-09", "--ics", "-"}, more...)...)
		uids, starts := property(out, "UID"), property(out, "DTSTART")
		byStart := map[string]string{}
		for i := range uids {
			byStart[starts[i]] = uids[i]
		}
		if len(byStart) != len(uids) {
			t.Errorf("%d entries, %d beginnings", len(uids), len(byStart))
		}
		return byStart
	}
	early, late, other := names("2027-01-04"), names("2027-01-06T12:34:56"), names("2027-01-04", "--group", "canteen")
	if len(late) < 5 || len(late) >= len(early) {
		t.Fatalf("%d and %d entries", len(early), len(late))
	}
	for start, uid := range late {
		if early[start] != uid {
			t.Errorf("the entry that begins at %s is %s, and was %s", start, uid, early[start])
		}
		if other[start] == uid {
			t.Errorf("the entry of another player at %s has the same name", start)
		}
	}
}

func TestACalendarPageNeedsNothingButItself(t *testing.T) {
	dir := lobbyDir(t)
	edit(t, dir, yaml, "name: Lobby", `name: "<script>alert(1)</script> & Co"`)
	for _, test := range []struct {
		name, to, lang string
		want           []string
	}{
		{"a week, hour by hour", "2027-01-11", "fr", []string{"<h1><small>À l’écran</small>", "lundi", "4 janvier", "11:30–14:00", "Programmé", `class="week"`}},
		{"a month", "2027-02-01", "en", []string{"January 2027", "Wednesday", "11:30–14:00", "Scheduled", `class="months"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.html")
			right(t, "timeline", dir, "--from", "2027-01-04", "--to", test.to, "--html", file, "--lang", test.lang)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(b)
			for _, want := range append(test.want, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co", `<html lang="`+test.lang+`">`) {
				if !strings.Contains(text, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			if bad := regexp.MustCompile(`(?i)<script|<link|<img|src=|href=|url\(|https?:|@import|ZgotmplZ`).FindString(text); bad != "" {
				t.Errorf("the page has %q", bad)
			}
			if days := strings.Count(text, "programme, time"); days == 0 {
				t.Error("lunch is on no day")
			}
		})
	}
}

// Columns are as long as their days: every block is inside of its column, and they leave no gap.
func TestADayIsDrawnInProportionToTheHoursItHas(t *testing.T) {
	alone(t)
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, day, note string
		at14            float64 // where 14:00 is, of 100
	}{
		{"a plain day", "2027-01-04", "", 14.0 / 24 * 100},
		{"clocks go forward", "2027-03-28", "The clock goes forward: 23 hours", 13.0 / 23 * 100},
		{"clocks go back", "2027-10-31", "The clock goes back: 25 hours", 15.0 / 25 * 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			day, err := time.ParseInLocation("2006-01-02", test.day, zone)
			if err != nil {
				t.Fatal(err)
			}
			o := &outlook{zone: zone, begin: day, end: day.AddDate(0, 0, 1)}
			at := time.Date(day.Year(), day.Month(), day.Day(), 14, 0, 0, 0, zone)
			days := o.days()
			if len(days) != 1 {
				t.Fatalf("%d days", len(days))
			}
			c := o.column(days[0], []stretch{{from: day.Add(-time.Hour), to: at}, {from: at, to: o.end.Add(time.Hour)}}, nil, wordsEnglish())
			if len(c.Blocks) != 2 || c.Blocks[0].Top != 0 || c.Blocks[0].Height != test.at14 || c.Blocks[1].Top != test.at14 || c.Note != test.note {
				t.Errorf("%+v, %q; want a border at %v, and %q", c.Blocks, c.Note, test.at14, test.note)
			}
			if !slices.Contains(c.Lines, test.at14) || !slices.IsSorted(c.Lines) {
				t.Errorf("lines at %v", c.Lines)
			}
		})
	}
}

func TestACalendarIsNotAskedForTwoThingsAtOnce(t *testing.T) {
	dir := lobbyDir(t)
	refuses(t, exitUsage, "standard output takes one", "timeline", dir, "--ics", "-", "--html", "-")
	refuses(t, exitUsage, "standard output takes one", "timeline", dir, "--ics", "-", "--json")
	refuses(t, exitUsage, "--lang is fr or en", "timeline", dir, "--html", "-", "--lang", "de")
	refuses(t, exitUsage, "400 days at most", "timeline", dir, "--html", "-", "--to", "2099-01-01", "--from", "2097-01-01")
	refuses(t, exitRefused, "there are more than 3 changes", "timeline", dir, "--ics", "-", "--from", "2027-01-04", "--to", "2027-01-09", "--most", "3")
}
