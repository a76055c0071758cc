package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

// Found is a calendar's entry as an event of a schedule, which has no ID and no Items yet.
type Found struct {
	UID     string // with the RECURRENCE-ID of an entry that stands for one day of another
	Summary string // one line, without control characters
	Line    int
	Event   schedule.Event
}

// Refused is an entry that a schedule cannot express.
type Refused struct {
	Summary string
	Line    int
	Reason  string
}

// Events turns the VEVENTs of calendars into events. zone is for times that name none, or one that is not known; "" leaves the
// former to each player's clock. What was cancelled is left out silently.
func Events(calendars []*Component, zone string) (found []Found, refused []Refused) {
	for _, cal := range calendars {
		c := &clocks{known: map[string]string{}, zone: zone}
		moved := map[string][]moment{}
		for _, part := range cal.Parts {
			if part.Name == "VTIMEZONE" {
				id, _ := part.one("TZID")
				location, _ := part.one("X-LIC-LOCATION")
				c.known[id.Value] = location.Value
			}
		}
		for _, part := range cal.Parts {
			if id, ok := part.one("RECURRENCE-ID"); ok && part.Name == "VEVENT" {
				if at, err := c.moments(id); err == nil {
					moved[part.text("UID")] = append(moved[part.text("UID")], at...)
				}
			}
		}
		for _, part := range cal.Parts {
			if part.Name != "VEVENT" || strings.EqualFold(part.text("STATUS"), "CANCELLED") {
				continue
			}
			f := Found{UID: part.text("UID"), Summary: part.text("SUMMARY"), Line: part.Line}
			id, override := part.one("RECURRENCE-ID")
			if override {
				f.UID += "\x00" + id.Value
			}
			e, err := c.event(part, moved[part.text("UID")])
			if err != nil {
				refused = append(refused, Refused{f.Summary, f.Line, err.Error()})
				continue
			}
			f.Event = e
			found = append(found, f)
		}
	}
	return found, refused
}

// event is a VEVENT's time.
func (c *clocks) event(v *Component, moved []moment) (e schedule.Event, err error) {
	start, end, err := c.extent(v)
	if err != nil {
		return e, err
	}
	id, override := v.one("RECURRENCE-ID")
	if override && id.Params["RANGE"] != "" {
		return e, errors.New("it changes all days from one on (RANGE=THISANDFUTURE): end the entry that repeats there and begin another")
	}
	rules, more, except := v.all("RRULE"), v.all("RDATE"), v.all("EXDATE")
	repeats := !override && len(rules)+len(more) > 0
	e.Zone = start.zone
	if err := extent(&e, start, end, repeats); err != nil {
		return e, err
	}
	if repeats {
		if !override {
			err = c.repeat(&e, start, rules, more)
		}
		if err == nil && len(v.all("EXRULE")) > 0 {
			err = errors.New("it has EXRULE, a rule of exceptions, which RFC 5545 has done away with: list its days as EXDATE")
		}
		for _, p := range except {
			var days []moment
			if days, err = c.moments(p); err != nil {
				break
			}
			moved = append(slices.Clone(moved), days...)
		}
		for _, m := range moved {
			if m = m.on(start.zone); m.date || start.date || m.clock() == start.clock() { // others name no time of the entry
				e.ExDates = append(e.ExDates, m.day())
			}
		}
		slices.Sort(e.ExDates)
		e.ExDates = slices.Compact(e.ExDates)
	}
	if err != nil {
		return e, err
	}
	return e, check(e)
}

// check asks the schedule whether it takes the event.
func check(e schedule.Event) error {
	e.ID, e.Items = "event", []string{"item"}
	if _, problems := schedule.Compile(&schedule.Schedule{Events: []schedule.Event{e}}); len(problems) > 0 {
		return errors.New(problems[0].Message)
	}
	return nil
}

// extent reads when the entry, or the first of its kind, begins and ends, both by the clock of its beginning.
func (c *clocks) extent(v *Component) (start, end moment, err error) {
	begin, ok := v.one("DTSTART")
	if !ok {
		return start, end, errors.New("it has no DTSTART, and so no time")
	}
	if start, err = c.moment(begin.Value, begin); err != nil {
		return start, end, err
	}
	end = start
	until, hasEnd := v.one("DTEND")
	length, hasLength := v.one("DURATION")
	switch {
	case hasEnd:
		if end, err = c.moment(until.Value, until); err != nil {
			return start, end, err
		}
		if end.date != start.date {
			return start, end, errors.New("of its DTSTART and DTEND one is a day and the other a time")
		}
		end = end.on(start.zone)
	case hasLength:
		d, ok := duration(length.Value)
		if !ok {
			return start, end, fmt.Errorf("its DURATION is %.40q, which is not a length of time above zero", length.Value)
		}
		end.wall = start.wall.Add(d)
	case start.date:
		end.wall = start.wall.AddDate(0, 0, 1)
	}
	if start.date && end.wall.Equal(start.wall) { // some write the last day instead of the one after it
		end.wall = start.wall.AddDate(0, 0, 1)
	}
	if !end.wall.After(start.wall) {
		return start, end, fmt.Errorf("it takes no time: it begins %s and ends %s", start, end)
	}
	return start, end, nil
}

// extent puts a beginning and an end into an event's terms.
func extent(e *schedule.Event, start, end moment, repeats bool) error {
	const day = 24 * time.Hour
	length := end.wall.Sub(start.wall)
	midnights := start.wall.Equal(start.wall.Truncate(day)) && end.wall.Equal(end.wall.Truncate(day))
	switch {
	case length > day && repeats:
		return fmt.Errorf("it lasts more than a day, from %s to %s, and repeats: make an entry for each of its days", start, end)
	case midnights:
		e.StartDate = start.day()
		if !repeats {
			e.EndDate = end.wall.AddDate(0, 0, -1).Format(time.DateOnly)
		}
	case length <= day:
		to := end.clock()
		if to == "00:00" {
			to = "24:00"
		}
		e.StartDate, e.Windows = start.day(), []schedule.Window{{start.clock(), to}}
		if !repeats {
			e.EndDate = e.StartDate
		}
	default:
		from, fixed := start.instant()
		to, _ := end.instant()
		if !fixed {
			return fmt.Errorf("it lasts more than a day, from %s to %s, in no time zone: give --zone", start, end)
		}
		from, to = from.UTC(), to.UTC()
		e.NotBefore, e.NotAfter = &from, &to
	}
	return nil
}

// repeat adds the days on which an entry comes again.
func (c *clocks) repeat(e *schedule.Event, start moment, rules, more []Property) error {
	if len(rules) > 1 {
		return errors.New("it has several RRULEs: make an entry for each")
	}
	for _, p := range more {
		days, err := c.moments(p)
		if err != nil {
			return err
		}
		for _, m := range days {
			if m = m.on(start.zone); m.date != start.date || m.clock() != start.clock() {
				return fmt.Errorf("it comes again at another time of day (RDATE %s, DTSTART %s): make an entry of its own of that", m, start)
			}
			e.RDates = append(e.RDates, m.day())
		}
	}
	slices.Sort(e.RDates)
	e.RDates = slices.Compact(e.RDates)
	if len(rules) == 0 {
		e.EndDate = e.StartDate
		return nil
	}
	var err error
	e.RRule, err = c.rule(strings.ToUpper(rules[0].Value), start)
	return err
}

// rule is an RRULE over local dates: its times of day say what DTSTART says already, and UNTIL becomes the last day.
func (c *clocks) rule(text string, start moment) (string, error) {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		redundant := map[string]int{"BYHOUR": start.wall.Hour(), "BYMINUTE": start.wall.Minute(), "BYSECOND": start.wall.Second()}
		if n, timed := redundant[name]; timed && !start.date && strings.TrimLeft(value, "0") == strings.TrimLeft(fmt.Sprint(n), "0") {
			continue
		}
		if name == "UNTIL" {
			m, err := c.moment(value, Property{Name: "UNTIL", Params: map[string]string{"TZID": ""}})
			if err != nil {
				return "", err
			}
			if m.zone == "UTC" {
				m = m.on(start.zone)
			}
			if !m.date && !start.date && m.wall.Sub(m.wall.Truncate(24*time.Hour)) < start.wall.Sub(start.wall.Truncate(24*time.Hour)) {
				m.wall = m.wall.AddDate(0, 0, -1)
			}
			part = "UNTIL=" + m.wall.Format("20060102")
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ";"), nil
}
