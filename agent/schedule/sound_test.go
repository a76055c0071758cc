package schedule

import (
	"encoding/json"
	"testing"
	"time"
)

// loudness is a schedule with a night limit, a quieter Sunday noon, and events of their own volume.
const loudness = `{"audio": {"volume": 80, "limits": [
	{"windows": [["22:00", "07:00"]], "max": 20},
	{"days": [7], "windows": [["12:00", "14:00"]], "max": 10},
	{"zone": "Asia/Tokyo", "windows": [["09:00", "10:00"]], "max": 70}]},
 "events": [{"id": "loud", "kind": "main", "items": ["a"], "volume": 100}, {"id": "mute", "kind": "main", "items": ["a"], "volume": 0},
	{"id": "plain", "kind": "main", "items": ["a"]}, {"id": "siren", "kind": "emergency", "items": ["a"], "volume": 100}]}`

func TestVolume(t *testing.T) {
	var s Schedule
	if err := json.Unmarshal([]byte(loudness), &s); err != nil {
		t.Fatal(err)
	}
	plan, problems := Compile(&s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	paris := Player{ID: "p", Zone: "Europe/Paris"}
	for _, c := range []struct {
		name, now, event string
		own, want        int
		next             string // "" = not asked
	}{
		{"by day it is the bundle's", "2027-01-05T10:00:00+01:00", "", 100, 80, "2027-01-05T22:00:00+01:00"},
		{"an event that says nothing too", "2027-01-05T10:00:00+01:00", "plain", 100, 80, ""},
		{"an event's own stands instead", "2027-01-05T10:00:00+01:00", "loud", 100, 100, ""},
		{"also where it is silent", "2027-01-05T10:00:00+01:00", "mute", 100, 0, ""},
		{"the player's own is a part of it", "2027-01-05T10:00:00+01:00", "", 50, 40, ""},
		{"a second before the night", "2027-01-05T21:59:59+01:00", "loud", 100, 100, "2027-01-05T22:00:00+01:00"},
		{"at night the limit holds", "2027-01-05T22:00:00+01:00", "loud", 100, 20, "2027-01-06T01:00:00+01:00"},
		{"over midnight too", "2027-01-06T03:00:00+01:00", "", 100, 20, "2027-01-06T07:00:00+01:00"},
		{"what is below the limit stays", "2027-01-06T03:00:00+01:00", "", 10, 8, ""},
		{"until the morning", "2027-01-06T07:00:00+01:00", "", 100, 80, ""},
		{"a warning is heard at night", "2027-01-06T03:00:00+01:00", "siren", 100, 100, ""},
		{"of two limits the lower counts", "2027-01-03T12:30:00+01:00", "", 100, 10, "2027-01-03T14:00:00+01:00"},
		{"a limit in a zone of its own", "2027-01-06T01:30:00+01:00", "", 100, 20, "2027-01-06T02:00:00+01:00"},
		{"the night in which clocks go forward is an hour shorter", "2027-03-28T06:59:59+02:00", "", 100, 20, "2027-03-28T07:00:00+02:00"},
		{"and begins as ever", "2027-03-27T21:00:00+01:00", "", 100, 80, "2027-03-27T22:00:00+01:00"},
		{"the night in which clocks go back is an hour longer", "2027-10-31T06:59:59+01:00", "", 100, 20, "2027-10-31T07:00:00+01:00"},
		{"in its second three o'clock it is still night", "2027-10-31T02:30:00+01:00", "", 100, 20, "2027-10-31T07:00:00+01:00"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got, next := plan.Volume(paris, c.event, c.own, now)
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		if c.next != "" {
			want, err := time.Parse(time.RFC3339, c.next)
			if err != nil || next == nil || !next.Equal(want) {
				t.Errorf("%s: changes at %v, want %s: %v", c.name, next, c.next, err)
			}
		}
	}
}

func TestVolumesThatCannotBeAreRefused(t *testing.T) {
	for text, path := range map[string]string{
		`{"audio": {"volume": 101}}`: "/audio/volume",
		`{"audio": {"limits": [{"windows": [["22:00", "25:00"]], "max": 20}]}}`:       "/audio/limits/0/windows/0",
		`{"audio": {"limits": [{"max": -1}]}}`:                                        "/audio/limits/0/max",
		`{"audio": {"limits": [{"max": 5, "zone": "Europe/Atlantis"}]}}`:              "/audio/limits/0/zone",
		`{"events": [{"id": "a", "kind": "main", "items": ["x"], "volume": 1000}]}`:   "/events/0/volume",
		`{"audio": {"limits": [{"max": 5, "dayparts": ["never said"], "days": []}]}}`: "/audio/limits/0/dayparts/0",
	} {
		var s Schedule
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		plan, problems := Compile(&s)
		found := false
		for _, p := range problems {
			found = found || p.Path == path
		}
		if !found {
			t.Errorf("%s: %v; want a problem at %s", text, problems, path)
		}
		if percent, _ := plan.Volume(Player{}, "", 100, time.Now()); percent != 100 {
			t.Errorf("%s: what is wrong makes it %d", text, percent)
		}
	}
}
