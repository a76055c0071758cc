package folder

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/schedule"
)

func (l *loader) zoneName(pointer, zone string) {
	if zone == "" {
		return
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		l.fault(pointer, false, fmt.Sprintf("%q is not a time zone", short(zone)), "write an IANA name, such as Europe/Paris")
	}
}

// checkSchedule looks for loops that name no scene, and asks the schedule itself what cannot be right in it.
func (l *loader) checkSchedule(m *bundle.Manifest) {
	loops := 0
	loop := func(pointer string, items []string) {
		loops += len(items)
		for i, item := range items {
			l.sceneName(fmt.Sprintf("%s/%d", pointer, i), item)
		}
	}
	seen := map[string]int{}
	for i, e := range m.Schedule.Events {
		at := fmt.Sprintf("/events/%d", i)
		if first, twice := seen[e.ID]; twice && e.ID != "" {
			l.fault(at+"/id", false, fmt.Sprintf("event %q is there twice; the other is in line %d", e.ID, l.place(fmt.Sprintf("/events/%d/id", first), false).line), "give it another id")
		} else {
			seen[e.ID] = i
		}
		loop(at+"/items", e.Items)
	}
	d := m.Schedule.Defaults
	loop("/defaults/fleet", d.Fleet)
	for _, id := range slices.Sorted(maps.Keys(d.Group)) {
		loop("/defaults/group/"+escapePointer(id), d.Group[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.Device)) {
		loop("/defaults/device/"+escapePointer(id), d.Device[id])
	}
	loop("/fallback", m.Fallback)
	if loops == 0 && len(m.Scenes) > 0 {
		first := slices.Sorted(maps.Keys(m.Scenes))[0]
		l.fault("", false, "nothing says when a scene shows", fmt.Sprintf("write defaults: {fleet: [%s]}", first))
	}
	l.alignLengths(m)
	_, problems := schedule.Compile(&m.Schedule)
	for _, p := range problems {
		if !slices.ContainsFunc(l.faults, func(f fault) bool { return f.pointer == p.Path && f.at == (place{}) }) {
			l.fault(p.Path, false, p.Message, "")
		}
	}
}

// sceneName checks that a loop's item is a scene.
func (l *loader) sceneName(pointer, item string) {
	if _, ok := l.doc.Scenes[item]; ok || item == "" {
		return
	}
	names := slices.Sorted(maps.Keys(l.doc.Scenes))
	fix := "the scenes are " + strings.Join(names, ", ")
	if near := nearest(item, names); near != "" {
		fix = fmt.Sprintf("write %s", near)
	} else if len(names) == 0 {
		fix = "define it under scenes:"
	}
	l.fault(pointer, false, fmt.Sprintf("there is no scene %q", short(item)), fix)
}

func (l *loader) checkTests(m *bundle.Manifest) {
	for i, t := range m.Tests {
		at := fmt.Sprintf("/tests/%d", i)
		if t.At != "" {
			if _, err := testInstant(t.At, m.Zone); err != nil {
				l.fault(at+"/at", false, err.Error(), "")
			}
		}
		l.zoneName(at+"/player/zone", t.Player.Zone)
		for j, item := range t.Expect {
			if item != schedule.FallbackItem {
				l.sceneName(fmt.Sprintf("%s/expect/%d", at, j), item)
			}
		}
	}
}

// testInstant reads a test's time: an instant with its offset, or local time in the bundle's zone.
func testInstant(s, zone string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		loc = time.UTC
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time that exists; write it like \"2027-01-04T12:30\"", short(s))
}
