package folder_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
)

// Each rule of the corpus stands in a line of its own, so that its place can be told; LINE 8 is an event, 11 an action, 13 and
// 14 the working hours and a daypart.
const corpus = `id: lobby
zone: Europe/Paris
scenes:
  good: {media: media/a.mp4}
  other: {media: media/welcome.mp4}
events:
  - {id: healthy, items: [good]}
  - EVENT
actions:
  - {id: on, do: screenOn, at: "06:00"}
  - ACTION
dayparts:
  noon: DAYPART
workingHours: HOURS
`

// field is one field of a rule, as it is when it is right.
type field struct{ name, right string }

var (
	eventFields = []field{{"rrule", `"FREQ=WEEKLY;BYDAY=MO"`}, {"days", "[1, 5]"}, {"startDate", `"2027-01-04"`}, {"endDate", `"2027-12-31"`}, {"exDates", `["2027-02-01"]`},
		{"windows", `[["09:00", "17:00"]]`}, {"weekdayWindows", `{"6": [["10:00", "12:00"]]}`}, {"dayparts", "[noon]"}, {"zone", `"Europe/Paris"`}, {"kind", "main"},
		{"notBefore", `"2027-01-04T08:00:00Z"`}, {"when", "[{metric: temperature, op: gt, value: 25}]"}, {"priority", "5"}, {"maxPerHour", "3"}, {"mode", "roundRobin"},
		{"target", "{groups: [hall]}"}, {"trigger", `{on: [touch, "key:F2"], for: 30s, extend: true}`}, {"onStart", "pause"}, {"onEnd", "resume"}, {"maxWait", "20s"}}
	actionFields = []field{{"at", `"03:00"`}, {"do", "reboot"}, {"late", "2h"}, {"days", "[1, 5]"}, {"rrule", `"FREQ=MONTHLY;BYDAY=1SU"`}, {"zone", `"Europe/Paris"`},
		{"when", "[{metric: temperature, op: gt, value: 25}]"}, {"target", "{devices: [p9]}"}}
	hoursFields = []field{{"days", "[1, 2]"}, {"windows", `[["08:00", "20:00"]]`}, {"weekdayWindows", `{"7": []}`}, {"exDates", `["2027-12-25"]`}, {"zone", `"Europe/Paris"`}}
)

// spoil breaks a value somewhere: a character more, less or another, or another value altogether.
func spoil(r *rand.Rand, right string) string {
	others := []string{`"24:01"`, `"9h"`, "-1", "8", "[8]", "[]", `["x"]`, "{}", `"Mars/Phobos"`, `"2027-02-30"`, `"FREQ=HOURLY"`, `"FREQ=DAILY;COUNT=0"`, "maybe", `""`, "true", "3.5",
		`[["25:00", "26:00"]]`, `[["09:00"]]`, `{"8": []}`, "[{metric: m, op: like, value: 1}]", "[{op: gt, value: 1}]", "{on: [shout], for: 30s}", "{on: [touch], for: never}", `"99:99"`}
	if r.IntN(3) == 0 {
		return others[r.IntN(len(others))]
	}
	b := []byte(right)
	at := r.IntN(len(b))
	for strings.ContainsRune(`"[]{},: `, rune(b[at])) { // else it is no longer YAML, which is another test
		at = r.IntN(len(b))
	}
	switch r.IntN(3) {
	case 0:
		return string(slices.Delete(slices.Clone(b), at, at+1))
	case 1:
		return string(b[:at]) + string("0159AZaz;=-+."[r.IntN(13)]) + string(b[at:])
	}
	b[at] = "0159AZaz;=-+."[r.IntN(13)]
	return string(b)
}

// rule writes fields, some of them left out, one of them spoilt; at 0 none is.
func rule(r *rand.Rand, head string, fields []field, spoilt bool) string {
	wrong := r.IntN(len(fields))
	for i, f := range fields {
		value := f.right
		switch {
		case i == wrong && spoilt:
			value = spoil(r, value)
		case f.name != "at" && f.name != "do" && r.IntN(6) > 0:
			continue
		case f.name == "rrule" && strings.Contains(head, "days:"), f.name == "days" && strings.Contains(head, "rrule:"):
			continue
		}
		head += fmt.Sprintf(", %s: %s", f.name, value)
	}
	return "{" + head + "}"
}

// mutant is a bundle.yaml one of whose rules is spoilt, and the line of that.
func mutant(r *rand.Rand) (text string, line int) {
	which := r.IntN(4)
	hours := strings.Replace(rule(r, "", hoursFields, which == 2), "{, ", "{", 1)
	daypart := `[["11:30", "14:00"]]`
	if which == 3 {
		daypart = spoil(r, daypart)
	}
	text = strings.NewReplacer("EVENT", rule(r, "id: rule, items: [other]", eventFields, which == 0), "ACTION", rule(r, "id: act", actionFields, which == 1),
		"HOURS", hours, "DAYPART", daypart).Replace(corpus)
	return text, []int{8, 11, 14, 13}[which]
}

func TestEveryMalformedRuleOfACorpusIsRefusedWithItsPlaceAndSkippedOnAPlayer(t *testing.T) {
	rounds, refused := 200, 0 // 1,500 have been seen
	for seed := range rounds {
		text, line := mutant(rand.New(rand.NewPCG(uint64(seed), 4)))
		_, err := folder.Load(folderOf(t, text))
		var found folder.Problems
		if err != nil && !errors.As(err, &found) {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, p := range found {
			// A malformed daypart is told where it stands and where it is used.
			if p.Line != line && !(line == 13 && p.Line == 8) {
				t.Errorf("seed %d: line %d was spoilt, and %v is told of line %d\n%s", seed, line, p, p.Line, text)
			}
			if p.Column < 1 || p.Message == "" {
				t.Errorf("seed %d: %+v", seed, p)
			}
		}
		a := answer(t, text)
		if len(a.Problems)+len(a.Error) > 0 && len(found) == 0 {
			t.Errorf("seed %d: a player leaves out %v %s, and the build took it\n%s", seed, a.Problems, a.Error, text)
		}
		if len(found) > 0 {
			refused++
			a.plays(t, seed, line, text)
		}
	}
	if refused < rounds/2 {
		t.Errorf("only %d of %d were refused: the corpus is not malformed enough", refused, rounds)
	}
	t.Logf("%d of %d mutants were refused", refused, rounds)
}

// answered is what a player makes of a schedule.
type answered struct {
	Screen   string
	Event    []string
	Loop     []string
	Error    string
	Problems []schedule.Problem
}

// answer puts the schedule of a bundle.yaml to a player as it is, on a Monday at noon.
func answer(t *testing.T, text string) (a answered) {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return answered{} // it never reaches a player
	}
	s := map[string]any{"defaults": map[string]any{"fleet": []string{"good"}}}
	for _, part := range []string{"events", "actions", "dayparts", "workingHours"} {
		s[part] = doc[part]
	}
	line, err := json.Marshal(map[string]any{"id": 1, "schedule": s, "player": map[string]any{"id": "p1", "groups": []string{"hall"}, "zone": "Europe/Paris"},
		"state": map[string]any{"metrics": map[string]any{"temperature": 30}}, "now": "2027-01-11T11:00:00Z"})
	if err != nil {
		return answered{Error: err.Error()}
	}
	out, _ := schedule.Answer(line)
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// plays wants the rest of a schedule to be shown; of a name that is not known nothing is, since who wrote it meant something.
func (a answered) plays(t *testing.T, seed, line int, text string) {
	t.Helper()
	if a.Error != "" {
		// A player takes no manifest of which a part has another shape: what it has goes on.
		if !strings.Contains(a.Error, "unknown field") && !strings.Contains(a.Error, "dayparts") && !strings.Contains(a.Error, "window") {
			t.Errorf("seed %d: a player answers %s\n%s", seed, a.Error, text)
		}
		return
	}
	if line == 14 && a.Screen != "on" && len(a.Problems) > 0 {
		t.Errorf("seed %d: malformed working hours have switched the screen off\n%s", seed, text)
	}
	if a.Screen == "on" && len(a.Loop) == 0 {
		t.Errorf("seed %d: nothing is on: %+v\n%s", seed, a, text)
	}
}
