package main

import (
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
)

func TestTheBundlesOwnTestsAreRunOneByOne(t *testing.T) {
	dir := lobbyDir(t)
	type verdicts struct {
		OK    bool
		Tests []folder.TestResult
	}
	if out := right(t, "test", dir); strings.Count(out, "PASS  bundle.yaml:") != 2 || !strings.Contains(out, "12:30 GMT\n      on [programme, time]\n      why: layer scheduled\n      why: playing: lunch") {
		t.Errorf("%q", out)
	}
	edit(t, dir, yaml, "days: [1, 2, 3, 4, 5]", "days: [2, 3, 4, 5]") // the first test asks for a Monday
	o := vitrine(t, "", "test", dir)
	for _, want := range []string{"FAIL  bundle.yaml:80  Monday 4 January 2027, 12:30 GMT\n      expected [programme, time]\n      on       [welcome, programme, time]\n",
		`why: event "lunch" does not play: 2027-01-04 (Monday) is not one of its days; the next is 2027-01-05 (Tuesday)`, "PASS  bundle.yaml:81"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q lacks %q", o.out, want)
		}
	}
	if o.code != exitRefused || !strings.Contains(o.errors, "1 of 2 tests failed") {
		t.Errorf("exit %d: %q", o.code, o.errors)
	}
	o = vitrine(t, "", "test", "--json", dir)
	got := answer[verdicts](t, o.out)
	if o.code != exitRefused || got.OK || len(got.Tests) != 2 || got.Tests[0].Pass || !got.Tests[1].Pass || got.Tests[0].Line != 80 ||
		!got.Tests[0].At.Equal(time.Date(2027, 1, 4, 12, 30, 0, 0, time.UTC)) {
		t.Errorf("exit %d, %+v", o.code, got)
	}
	refuses(t, exitRefused, "the test at 2027-01-04T12:30 fails", "check", dir)
}

func TestAFolderWithoutTestsIsToldHowToWriteOne(t *testing.T) {
	dir := lobbyDir(t)
	edit(t, dir, yaml, "tests:\n", "tests: []\n#")
	edit(t, dir, yaml, "  - {at: \"2027-01-04T12:30\"", "#")
	edit(t, dir, yaml, "  - {at: \"2027-01-04T16:00\"", "#")
	if out := right(t, "test", dir); !strings.Contains(out, "there are no tests in bundle.yaml; write such as") {
		t.Errorf("%q", out)
	}
}

func TestAnEventThatCanNeverShowIsNamedWithItsPlace(t *testing.T) {
	dir := lobbyDir(t)
	if out := right(t, "conflicts", dir); !strings.Contains(out, "every event of lobby can show: 1 event") {
		t.Errorf("%q", out)
	}
	edit(t, dir, yaml, "events:\n", "events:\n  - {id: always, items: [time], priority: 5, target: {groups: [roof]}}\n")
	right(t, "conflicts", dir) // other players show lunch
	refuses(t, exitRefused, "bundle.yaml:71:5: event lunch can never show: it is always outranked, by [\"always\"]", "conflicts", dir, "--group", "roof")
	refuses(t, exitRefused, "bundle.yaml:70:5: event always can never show: its target does not name this player", "conflicts", dir, "--group", "cellar")
	if out := right(t, "conflicts", dir, "--group", "roof", "--warn"); !strings.Contains(out, "lunch can never show") {
		t.Errorf("%q", out)
	}
	o := vitrine(t, "", "conflicts", "--json", dir, "--group", "roof")
	got := answer[struct {
		OK        bool
		Conflicts []folder.Conflict
	}](t, o.out)
	if o.code != exitRefused || got.OK || len(got.Conflicts) != 1 || got.Conflicts[0].Event != "lunch" || got.Conflicts[0].Line != 71 {
		t.Errorf("exit %d, %+v", o.code, got)
	}
}
