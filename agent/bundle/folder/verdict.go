package folder

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

// TestResult is what came of one of the bundle's tests.
type TestResult struct {
	Line     int             `json:"line"` // of bundle.yaml
	At       time.Time       `json:"at"`
	Player   schedule.Player `json:"player"`
	Pass     bool            `json:"pass"`
	Expected []string        `json:"expected"`
	Got      []string        `json:"got"`
	Screen   string          `json:"screen"` // on, off
	Layer    string          `json:"layer"`
	Why      []string        `json:"why"` // what decides, and for events that would have shown what was expected, why they do not play

	problem Problem // of one that failed
}

// TestResults asks the schedule what each of the bundle's tests expects, in the order of bundle.yaml.
func (f *Folder) TestResults() []TestResult {
	plan, _ := schedule.Compile(&f.Manifest.Schedule)
	results := []TestResult{}
	for i, t := range f.Manifest.Tests {
		now, err := testInstant(t.At, f.Manifest.Zone)
		if err != nil {
			continue // Load has refused it
		}
		player := t.Player
		if player.Zone == "" {
			player.Zone = f.Manifest.Zone
		}
		got := plan.Explain(player, t.State(plan, player, now), now)
		r := TestResult{Line: f.tests[i].line, At: now, Player: player, Pass: slices.Equal(got.Loop, t.Expect), Expected: t.Expect, Got: got.Loop,
			Screen: got.Screen, Layer: got.Layer, Why: reasons(got, nil, nil)}
		if !r.Pass {
			r.Why = reasons(got, f.Manifest.Schedule.Events, t.Expect)
			r.problem = Problem{File: File, Line: f.tests[i].line, Column: f.tests[i].column, Fix: "mend the schedule or the test",
				Message: fmt.Sprintf("the test at %s fails: expected %s, got %s (%s)", t.At, LoopText(t.Expect), LoopText(got.Loop), strings.Join(r.Why, "; "))}
		}
		results = append(results, r)
	}
	return results
}

// TestFailure is a test of a bundle that came out otherwise.
type TestFailure struct {
	Problem
	Expected, Got []string
}

// RunTests gives those of the bundle's tests that came out otherwise.
func (f *Folder) RunTests() []TestFailure {
	var failed []TestFailure
	for _, r := range f.TestResults() {
		if !r.Pass {
			failed = append(failed, TestFailure{r.problem, r.Expected, r.Got})
		}
	}
	return failed
}

// reasons says why a decision is what it is, and why events that would have shown what was expected do not play.
func reasons(d schedule.Decision, events []schedule.Event, expected []string) []string {
	if d.Screen == "off" {
		return []string{"the screen is off, outside of workingHours or by an action"}
	}
	said := []string{"layer " + d.Layer}
	if len(d.Events) > 0 {
		said = append(said, "playing: "+strings.Join(d.Events, ", "))
	}
	for _, e := range events {
		why, idle := d.Why[e.ID]
		if idle && slices.ContainsFunc(e.Items, func(item string) bool { return slices.Contains(expected, item) }) {
			said = append(said, fmt.Sprintf("event %q does not play: %s", e.ID, why))
		}
	}
	return said
}

// LoopText is a loop for people: "[welcome, time]", or "nothing".
func LoopText(items []string) string {
	if len(items) == 0 {
		return "nothing"
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// Conflict is an event that can never show, with its place in bundle.yaml.
type Conflict struct {
	schedule.Conflict
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Conflicts are the events that can never show, whatever the time and the player's state. With players, it is about these;
// without, about any there could be.
func (f *Folder) Conflicts(players ...schedule.Player) []Conflict {
	plan, _ := schedule.Compile(&f.Manifest.Schedule)
	found := []Conflict{}
	for _, c := range plan.Conflicts(players...) {
		at := place{}
		if i := slices.IndexFunc(f.Manifest.Schedule.Events, func(e schedule.Event) bool { return e.ID == c.Event }); i >= 0 {
			at = f.events[i]
		}
		found = append(found, Conflict{c, at.line, at.column})
	}
	return found
}
