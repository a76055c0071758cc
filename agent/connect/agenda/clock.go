package agenda

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"vitrine/agent/bundle/calendar"
)

// clock turns what a wall shows into instants. offset is that from UTC at an instant.
type clock struct{ offset func(time.Time) time.Duration }

func inZone(zone *time.Location) clock {
	return clock{func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}}
}

// at is the instant at which a wall shows that: the first where it does so twice; where it never does, by the offset of
// before (RFC 5545, section 3.3.5).
func (c clock) at(wall time.Time) time.Time {
	before := wall.Add(-c.offset(wall.Add(-aDay)))
	if c.wall(before).Equal(wall) {
		return before
	}
	if after := wall.Add(-c.offset(wall.Add(aDay))); c.wall(after).Equal(wall) {
		return after
	}
	return before
}

// wall is what it shows at an instant, carried in UTC.
func (c clock) wall(t time.Time) time.Time { return t.UTC().Add(c.offset(t)) }

// observance is a part of a VTIMEZONE: from each onset on the offset is to.
type observance struct {
	start    time.Time // wall, by the offset from
	from, to time.Duration
	rules    []*recurrence
	more     []time.Time // RDATE
}

// defined makes a clock of a VTIMEZONE (RFC 5545, section 3.6.5); false when it tells nothing.
func defined(zone *calendar.Component) (clock, bool) {
	var all []observance
	for _, part := range zone.Parts {
		if part.Name != "STANDARD" && part.Name != "DAYLIGHT" {
			continue
		}
		var o observance
		begin, _ := part.One("DTSTART")
		from, _ := part.One("TZOFFSETFROM")
		to, _ := part.One("TZOFFSETTO")
		var ok bool
		var err error
		if o.start, err = time.Parse("20060102T150405", begin.Value); err != nil {
			return clock{}, false
		}
		if o.to, ok = offset(to.Value); !ok {
			return clock{}, false
		}
		if o.from, ok = offset(from.Value); !ok {
			o.from = o.to
		}
		for _, p := range part.All("RRULE") {
			r, err := parseRule(p.Value)
			if err != nil || r.freq < daily {
				return clock{}, false
			}
			if r.instant { // here always in UTC
				r.until = r.until.Add(o.from)
			}
			o.rules = append(o.rules, r)
		}
		for _, p := range part.All("RDATE") {
			if t, err := time.Parse("20060102T150405", p.Value); err == nil {
				o.more = append(o.more, t)
			}
		}
		if all = append(all, o); len(all) > 100 {
			return clock{}, false
		}
	}
	return clock{func(t time.Time) time.Duration { return offsetOf(all, t) }}, len(all) > 0
}

// offsetOf is that of the observance whose onset was last; before all of them it is that from which the first departs.
func offsetOf(all []observance, t time.Time) time.Duration {
	var last, first time.Time
	var is, was time.Duration
	for _, o := range all {
		onset := func(wall time.Time) bool {
			at := wall.Add(-o.from)
			if !at.After(t) && (last.IsZero() || at.After(last)) {
				last, is = at, o.to
			}
			if first.IsZero() || at.Before(first) {
				first, was = at, o.from
			}
			return true
		}
		onset(o.start)
		for _, wall := range o.more {
			onset(wall)
		}
		budget := 10_000
		for _, r := range o.rules {
			_ = r.walk(o.start, t.Add(o.from-800*aDay), t.Add(o.from+time.Second), &budget, onset) // as far as it goes
		}
	}
	if last.IsZero() {
		return was
	}
	return is
}

var utcOffset = regexp.MustCompile(`^([+-])(\d\d)(\d\d)(\d\d)?$`)

func offset(s string) (time.Duration, bool) {
	m := utcOffset.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+2])
		d += time.Duration(n) * unit
	}
	if m[1] == "-" {
		d = -d
	}
	return d, d.Abs() < aDay
}

// clocks are those of one calendar.
type clocks struct {
	named  *calendar.Clocks
	own    map[string]*calendar.Component // VTIMEZONE by TZID
	met    map[string]clock
	around *time.Location // of times that name none
}

func clocksOf(cal *calendar.Component, w Window) *clocks {
	c := &clocks{named: calendar.ClocksOf(cal, ""), own: map[string]*calendar.Component{}, met: map[string]clock{}, around: w.zone()}
	for _, part := range cal.Parts {
		if id, ok := part.One("TZID"); ok && part.Name == "VTIMEZONE" {
			c.own[id.Value] = part
		}
	}
	if p, ok := cal.One("X-WR-TIMEZONE"); ok { // what the calendar's owner sees
		if name, ok := c.named.Resolve(p.Value); ok {
			if zone, err := time.LoadLocation(name); err == nil {
				c.around = zone
			}
		}
	}
	return c
}

// of finds the clock of a TZID: a zone that the world knows before one that the file describes, whose rules age.
func (c *clocks) of(id string) (clock, error) {
	if k, ok := c.met[id]; ok {
		return k, nil
	}
	k, ok := clock{}, false
	if name, known := c.named.Resolve(id); known {
		if zone, err := time.LoadLocation(name); err == nil {
			k, ok = inZone(zone), true
		}
	}
	if own := c.own[id]; !ok && own != nil {
		k, ok = defined(own)
	}
	if !ok {
		return k, fmt.Errorf("its time zone %.60q is not known, nor does the calendar describe it", id)
	}
	c.met[id] = k
	return k, nil
}
