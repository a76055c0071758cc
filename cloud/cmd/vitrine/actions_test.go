package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// acting is a folder with actions and an event that waits for a key.
func acting(t *testing.T) string {
	t.Helper()
	dir := lobbyDir(t)
	edit(t, dir, yaml, "defaults:", `actions:
  - {id: nightly, do: reboot, at: "03:00", late: 2h}
  - {id: quiet, do: volume, volume: 20, at: "22:00"}
  - {id: dark, do: screenOff, at: "23:00"}
  - {id: bright, do: screenOn, at: "06:00"}
defaults:`)
	edit(t, dir, yaml, "events:", `events:
  - {id: help, items: [time], priority: 50, trigger: {on: [touch, "key:F2"], for: 30s}}
  - {id: attract, items: [programme], priority: 40, windows: [["15:00", "16:00"]], when: [{metric: touch.idle, op: ge, value: 60}]}`)
	return dir
}

func TestATimelineTellsActionsAndWhatTheyDoToTheScreen(t *testing.T) {
	dir := acting(t)
	out := right(t, "timeline", dir, "--from", "2027-01-04", "--to", "2027-01-05")
	var got []string
	for line := range strings.Lines(out) {
		got = append(got, strings.Join(strings.Fields(line)[2:], " "))
	}
	for _, want := range []string{"00:00:00 GMT off (screen off)", "03:00:00 GMT action nightly reboot", "06:00:00 GMT action bright screenOn",
		"22:00:00 GMT action quiet volume 20 %", "23:00:00 GMT action dark screenOff", "23:00:00 GMT off (screen off)"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	times := []string{}
	for line := range strings.Lines(right(t, "timeline", dir, "--from", "2027-01-04", "--to", "2027-01-05", "--json")) {
		times = append(times, answer[struct{ At string }](t, line).At)
	}
	if !slices.IsSorted(times) || len(times) != len(got) {
		t.Errorf("%q", times)
	}
	ics := right(t, "timeline", dir, "--from", "2027-01-04", "--to", "2027-01-05", "--ics", "-", "--lang", "fr")
	if n := slices.Index(property(ics, "SUMMARY"), "Redémarrage"); n < 0 || property(ics, "DTSTART")[n] != "20270104T030000Z" || property(ics, "DTEND")[n] != "20270104T030100Z" {
		t.Errorf("%q", ics)
	}
	for _, to := range []string{"2027-01-06", "2027-02-01"} {
		file := filepath.Join(t.TempDir(), "page.html")
		right(t, "timeline", dir, "--from", "2027-01-04", "--to", to, "--html", file, "--lang", "en")
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Restart", "Volume 20 %", `class="action"`} {
			if !strings.Contains(string(page), want) {
				t.Errorf("the page to %s lacks %q", to, want)
			}
		}
	}
}

func TestAPersonSupposesWhatSomebodyDoesBeforeTheScreen(t *testing.T) {
	dir := acting(t)
	explain := func(more ...string) string { return right(t, append([]string{"explain", dir}, more...)...) }
	for _, c := range []struct {
		with []string
		want []string
	}{
		{[]string{"--at", "2027-01-04T15:00"}, []string{"help                 no: it waits for touch or key:F2", "attract              no: metric touch.idle is unknown",
			"nightly              reboot, next Tuesday 5 January 2027, 03:00:00 GMT"}},
		{[]string{"--at", "2027-01-04T15:00", "--trigger", "key:F2@10s"}, []string{"help                 plays", "next change: Monday 4 January 2027, 15:00:20"}},
		{[]string{"--at", "2027-01-04T15:00", "--trigger", "touch@30s"}, []string{"help                 no: its trigger was at 2027-01-04T14:59:30Z and lasts 30s"}},
		{[]string{"--at", "2027-01-04T15:00", "--idle", "50s"}, []string{"attract              no: metric touch.idle is 50, not ge 60", "next change: Monday 4 January 2027, 15:00:10"}},
		{[]string{"--at", "2027-01-04T15:00", "--idle", "2m"}, []string{"attract              plays"}},
		{[]string{"--at", "2027-01-04T15:00", "--clock", "estimated"}, []string{"but not as things are: the clock is estimated"}},
		{[]string{"--at", "2027-01-04T23:30"}, []string{"the screen is off", "the screen is off, by an action", "next change: Tuesday 5 January 2027, 06:00:00 GMT"}},
	} {
		out := explain(c.with...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: %q lacks %q", c.with, out, want)
			}
		}
	}
	refuses(t, exitUsage, "write touch, key:F2", "explain", dir, "--trigger", "shout")
	refuses(t, exitUsage, "write it like 2m", "explain", dir, "--idle", "long")
	refuses(t, exitUsage, "write it like temperature=31", "explain", dir, "--metric", "hot")
}

func TestAMalformedActionOrTriggerIsToldWithItsPlace(t *testing.T) {
	for was, c := range map[string][2]string{
		`at: "03:00"`:                 {`at: "3:00"`, `"3:00" is not as it must be; write a local time of day such as "03:00"`},
		`late: 2h`:                    {`late: later`, `write skip, or how late it may be, such as 2h`},
		`do: reboot`:                  {`do: restart`, `"restart" is not known here`},
		`volume: 20, `:                {``, `the action says no volume`},
		`do: screenOn`:                {`do: screenshot`, `nothing switches the screen on again`},
		`id: quiet`:                   {`id: help`, `an event or another action has the id "help"`},
		`"key:F2"]`:                   {`"kee:F2"]`, `write touch, key:F2, gpio:door or http:doorbell`},
		`for: 30s}`:                   {`for: 30h}`, `write how long the event stays, up to 24h`},
		`at: "22:00"}`:                {`at: "22:00", days: [1], rrule: "FREQ=DAILY"}`, `rrule and days`},
		`, "key:F2"], for: 30s}`:      {`], extend: true}`, `there is nothing to extend without a time`},
		`late: 2h}`:                   {`late: 2h, zone: Mars/Phobos}`, `zone "Mars/Phobos" is unknown`},
		`do: screenOff, at: "23:00"}`: {`do: screenOff, at: "23:00", startDate: "2027-02-30"}`, `2027-02-30`},
	} {
		dir := acting(t)
		edit(t, dir, yaml, was, c[0])
		refuses(t, exitRefused, c[1], "check", dir)
		refuses(t, exitRefused, "bundle.yaml:", "check", dir)
	}
}
