package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/schedule"
)

// outlook is what one player shows from one instant to another.
type outlook struct {
	name   string // of the bundle, for people
	stream string
	plan   *schedule.Plan
	player schedule.Player
	zone   *time.Location
	begin  time.Time
	end    time.Time
	most   int // changes
}

// stretch is a time in which the answer stays.
type stretch struct {
	schedule.Decision
	from, to time.Time
}

// lookBack is how far before its beginning an outlook looks for that of its first stretch.
const lookBack = 31 * 24 * time.Hour

// stretches lists what shows. The first one begins where it really does, so that whoever asks tomorrow is told the same of
// it; the last one ends with the outlook.
func (o *outlook) stretches(ctx context.Context) ([]stretch, error) {
	begin := o.begin.Truncate(time.Second)
	first := begin
	for at := range o.plan.Timeline(o.player, schedule.State{}, begin.Add(-lookBack), begin.Add(time.Second)) {
		first = at
	}
	var all []stretch
	for at, d := range o.plan.Timeline(o.player, schedule.State{}, first, o.end) {
		if len(all) >= o.most {
			return nil, o.tooMany()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if n := len(all); n > 0 {
			all[n-1].to = at
		}
		all = append(all, stretch{d, at, o.end})
	}
	return all, nil
}

// deed is an action at its time.
type deed struct {
	schedule.Action
	at time.Time
}

// agenda are the outlook's actions.
func (o *outlook) agenda() iter.Seq2[time.Time, schedule.Action] {
	return o.plan.Agenda(o.player, schedule.State{}, o.begin.Truncate(time.Second), o.end)
}

// deeds lists the actions but those that switch the screen, which the stretches show; beside so many changes they must not be
// too many.
func (o *outlook) deeds(changes int) ([]deed, error) {
	var all []deed
	for at, a := range o.agenda() {
		if a.Do == schedule.DoScreenOn || a.Do == schedule.DoScreenOff {
			continue
		}
		if changes+len(all) >= o.most {
			return nil, o.tooMany()
		}
		all = append(all, deed{a, at})
	}
	return all, nil
}

func (o *outlook) tooMany() error {
	return fmt.Errorf("there are more than %d changes: ask for less time, or give --most", o.most)
}

// uid names a stretch or a deed by what it belongs to and when it begins: when the schedule changes, a calendar that takes the new
// file changes what it says of that time instead of showing both.
func (o *outlook) uid(from time.Time, more ...string) string {
	h := sha256.New()
	for _, part := range append([]string{o.stream, o.player.ID, strings.Join(o.player.Groups, "\x01"), strings.Join(o.player.Tags, "\x01"), o.zone.String(),
		from.UTC().Format(time.RFC3339)}, more...) {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@vitrine"
}

// calendar is the outlook for other people's calendars.
func (o *outlook) calendar(all []stretch, deeds []deed, w words, made time.Time) *calendar.Calendar {
	c := &calendar.Calendar{Name: o.name, Made: made}
	colors := map[string]string{schedule.LayerEmergency: "crimson", schedule.LayerTakeover: "darkorange", schedule.LayerOff: "dimgray",
		schedule.LayerScheduled: "steelblue", schedule.LayerDefault: "lightsteelblue", schedule.LayerFallback: "lightgray"}
	for _, s := range all {
		background := s.Layer == schedule.LayerDefault || s.Layer == schedule.LayerFallback || s.Layer == schedule.LayerOff
		c.Entries = append(c.Entries, calendar.Entry{UID: o.uid(s.from), Start: s.from, End: s.to, Summary: w.shows(s.Decision),
			Description: strings.Join(append([]string{w.Layers[s.Layer]}, w.details(s.Decision)...), "\n"), Category: w.Layers[s.Layer], Color: colors[s.Layer], Busy: !background})
	}
	for _, d := range deeds { // a point has no length: a minute is the least that every calendar draws
		c.Entries = append(c.Entries, calendar.Entry{UID: o.uid(d.at, "action", d.ID), Start: d.at, End: d.at.Add(time.Minute), Summary: w.does(d.Action),
			Description: d.ID, Category: w.Action, Color: "purple"})
	}
	return c
}

// does is an action, for people.
func (w words) does(a schedule.Action) string {
	if a.Volume != nil {
		return fmt.Sprintf("%s %d %%", w.Deeds[a.Do], *a.Volume)
	}
	return w.Deeds[a.Do]
}

// shows is what is on the screen, for people.
func (w words) shows(d schedule.Decision) string {
	switch {
	case d.Screen == "off":
		return w.Off
	case slices.Equal(d.Loop, []string{schedule.FallbackItem}):
		return w.Layers[schedule.LayerFallback]
	}
	return strings.Join(d.Loop, ", ")
}

// details are the events, overlays and interrupts of a decision, one a line.
func (w words) details(d schedule.Decision) []string {
	var lines []string
	if len(d.Events) > 0 {
		lines = append(lines, w.Events+w.Colon+strings.Join(d.Events, ", "))
	}
	if len(d.Overlays) > 0 {
		lines = append(lines, w.Overlays+w.Colon+strings.Join(d.Overlays, ", "))
	}
	for _, id := range slices.Sorted(maps.Keys(d.Interrupts)) {
		share := strconv.FormatFloat(float64(d.Interrupts[id])/10, 'f', -1, 64)
		lines = append(lines, fmt.Sprintf("%s%s%s, %s %%", w.Interrupt, w.Colon, id, strings.Replace(share, ".", w.Decimal, 1)))
	}
	return lines
}
