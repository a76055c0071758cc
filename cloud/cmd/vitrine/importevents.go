package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
)

// events turns a calendar's entries into events of bundle.yaml.
func (i *importing) events(f *folder.Folder, file string, content []byte) (imported, error) {
	made := imported{section: "events"}
	calendars, err := calendar.Read(bytes.NewReader(content))
	if err != nil {
		return made, err
	}
	found, refused := calendar.Events(calendars, i.zone)
	refuse := func(line int, summary, reason string) {
		made.refused++
		made.notes = append(made.notes, fmt.Sprintf("%s:%d: %q is not imported: %s", file, line, summary, reason))
	}
	for _, r := range refused {
		refuse(r.Line, r.Summary, r.Reason)
	}
	taken := map[string]bool{}
	for _, e := range f.Manifest.Schedule.Events {
		taken[e.ID] = true
	}
	past, known := 0, 0
	var text strings.Builder
	for _, one := range found {
		e := one.Event
		e.ID, e.Priority = eventID(one), i.priority
		scene, ok := i.sceneOf(f, one.Summary)
		switch {
		case !i.past && isOver(e, f.Manifest.Zone, time.Now()):
			past++
			continue
		case taken[e.ID]:
			known++
			continue
		case !ok:
			refuse(one.Line, one.Summary, "no scene has its name: give --scene with the one that it shows")
			continue
		}
		taken[e.ID] = true
		e.Items = []string{scene}
		entry, err := eventYAML(e)
		if err != nil {
			return made, err
		}
		fmt.Fprintf(&text, "# %s (%s)\n%s", commentText(one.Summary), commentText(file), entry)
		made.entries++
	}
	if past > 0 {
		made.notes = append(made.notes, fmt.Sprintf("note: %s left out, because that is over; --past takes it in", count(past, "event")))
	}
	if known > 0 {
		made.notes = append(made.notes, fmt.Sprintf("note: %s in %s already, and left alone; what is taken out there can be imported again", count(known, "event"), folder.File))
	}
	made.text = text.String()
	return made, nil
}

// sceneOf is the scene that an entry shows.
func (i *importing) sceneOf(f *folder.Folder, summary string) (string, bool) {
	if i.scene != "" {
		_, ok := f.Manifest.Scenes[i.scene]
		return i.scene, ok
	}
	for _, id := range slices.Sorted(maps.Keys(f.Manifest.Scenes)) {
		if strings.EqualFold(id, summary) {
			return id, true
		}
	}
	return "", false
}

// isOver tells whether an event never comes again from an instant on.
func isOver(e schedule.Event, zone string, now time.Time) bool {
	if zone == "" {
		zone = "UTC"
	}
	e.Items = []string{"item"}
	d := schedule.At(&schedule.Schedule{Events: []schedule.Event{e}}, schedule.Player{Zone: zone}, schedule.State{}, now)
	return len(d.Events) == 0 && d.Next == nil
}

// eventID is made of an entry's name and its UID, so that the same entry has the same id whenever it is imported.
func eventID(one calendar.Found) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 0x300 && r < 0x370 { // accents, set apart by norm
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToLower(one.Summary)))
	name := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(plain, "-"), "-")
	if len(name) > 48 {
		name = strings.Trim(name[:48], "-")
	}
	if name == "" {
		name = "event"
	}
	key := one.UID
	if strings.Trim(key, "\x00") == "" { // some exporters leave the UID out
		e, err := json.Marshal(one.Event)
		if err != nil {
			e = nil // an event of plain values cannot fail
		}
		key = one.Summary + string(e)
	}
	sum := sha256.Sum256([]byte(key))
	return name + "-" + hex.EncodeToString(sum[:4])
}

// eventYAML writes an event as one item of a list, its fields in the order of schedule.Event.
func eventYAML(e schedule.Event) (string, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("write event %s: %w", e.ID, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return "", fmt.Errorf("write event %s: %w", e.ID, err)
	}
	var text strings.Builder
	for lead := "- "; d.More(); lead = "  " {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return "", fmt.Errorf("write event %s: %w", e.ID, err)
		}
		fmt.Fprintf(&text, "%s%s: %s\n", lead, name, spaced(value))
	}
	return text.String(), nil
}

// spaced is a JSON value as people write YAML: a name without quotes, a space after a comma. Numbers, texts, and lists of texts and of windows come here.
func spaced(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return folder.Quote(s)
	}
	var list []string
	if json.Unmarshal(value, &list) == nil {
		for i := range list {
			list[i] = folder.Quote(list[i])
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(value), `",`, `", `), `],`, `], `)
}

// commentText is foreign text that cannot leave the comment it is in.
func commentText(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff
	}), " ")
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return s
}
