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
		c := ClocksOf(cal, zone)
		moved := map[string][]Moment{}
		for _, part := range cal.Parts {
			if id, ok := part.One("RECURRENCE-ID"); ok && part.Name == "VEVENT" {
				if at, err := c.Moments(id); err == nil {
					moved[part.Text("UID")] = append(moved[part.Text("UID")], at...)
				}
			}
		}
		for _, part := range cal.Parts {
			if part.Name != "VEVENT" || strings.EqualFold(part.Text("STATUS"), "CANCELLED") {
				continue
			}
			f := Found{UID: part.Text("UID"), Summary: part.Text("SUMMARY"), Line: part.Line}
			id, override := part.One("RECURRENCE-ID")
			if override {
				f.UID += "\x00" + id.Value
			}
			e, err := c.event(part, moved[part.Text("UID")])
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
func (c *Clocks) event(v *Component, moved []Moment) (e schedule.Event, err error) {
	start, end, err := c.extent(v)
	if err != nil {
		return e, err
	}
	id, override := v.One("RECURRENCE-ID")
	if override && id.Params["RANGE"] != "" {
		return e, errors.New("it changes all days from one on (RANGE=THISANDFUTURE): end the entry that repeats there and begin another")
	}
	rules, more, except := v.All("RRULE"), v.All("RDATE"), v.All("EXDATE")
	repeats := !override && len(rules)+len(more) > 0
	e.Zone = start.Zone
	if err := extent(&e, start, end, repeats); err != nil {
		return e, err
	}
	if repeats {
		if !override {
			err = c.repeat(&e, start, rules, more)
		}
		if err == nil && len(v.All("EXRULE")) > 0 {
			err = errors.New("it has EXRULE, a rule of exceptions, which RFC 5545 has done away with: list its days as EXDATE")
		}
		for _, p := range except {
			var days []Moment
			if days, err = c.Moments(p); err != nil {
				break
			}
			moved = append(slices.Clone(moved), days...)
		}
		for _, m := range moved {
			if m = m.On(start.Zone); m.Day || start.Day || m.clock() == start.clock() { // others name no time of the entry
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
func (c *Clocks) extent(v *Component) (start, end Moment, err error) {
	begin, ok := v.One("DTSTART")
	if !ok {
		return start, end, errors.New("it has no DTSTART, and so no time")
	}
	if start, err = c.Moment(begin.Value, begin); err != nil {
		return start, end, err
	}
	end = start
	until, hasEnd := v.One("DTEND")
	length, hasLength := v.One("DURATION")
	switch {
	case hasEnd:
		if end, err = c.Moment(until.Value, until); err != nil {
			return start, end, err
		}
		if end.Day != start.Day {
			return start, end, errors.New("of its DTSTART and DTEND one is a day and the other a time")
		}
		end = end.On(start.Zone)
	case hasLength:
		d, ok := Duration(length.Value)
		if !ok {
			return start, end, fmt.Errorf("its DURATION is %.40q, which is not a length of time above zero", length.Value)
		}
		end.Wall = start.Wall.Add(d)
	case start.Day:
		end.Wall = start.Wall.AddDate(0, 0, 1)
	}
	if start.Day && end.Wall.Equal(start.Wall) { // some write the last day instead of the one after it
		end.Wall = start.Wall.AddDate(0, 0, 1)
	}
	if !end.Wall.After(start.Wall) {
		return start, end, fmt.Errorf("it takes no time: it begins %s and ends %s", start, end)
	}
	return start, end, nil
}

// extent puts a beginning and an end into an event's terms.
func extent(e *schedule.Event, start, end Moment, repeats bool) error {
	const day = 24 * time.Hour
	length := end.Wall.Sub(start.Wall)
	midnights := start.Wall.Equal(start.Wall.Truncate(day)) && end.Wall.Equal(end.Wall.Truncate(day))
	switch {
	case length > day && repeats:
		return fmt.Errorf("it lasts more than a day, from %s to %s, and repeats: make an entry for each of its days", start, end)
	case midnights:
		e.StartDate = start.day()
		if !repeats {
			e.EndDate = end.Wall.AddDate(0, 0, -1).Format(time.DateOnly)
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
		from, fixed := start.Instant()
		to, _ := end.Instant()
		if !fixed {
			return fmt.Errorf("it lasts more than a day, from %s to %s, in no time Zone: give --zone", start, end)
		}
		from, to = from.UTC(), to.UTC()
		e.NotBefore, e.NotAfter = &from, &to
	}
	return nil
}

// repeat adds the days on which an entry comes again.
func (c *Clocks) repeat(e *schedule.Event, start Moment, rules, more []Property) error {
	if len(rules) > 1 {
		return errors.New("it has several RRULEs: make an entry for each")
	}
	for _, p := range more {
		days, err := c.Moments(p)
		if err != nil {
			return err
		}
		for _, m := range days {
			if m = m.On(start.Zone); m.Day != start.Day || m.clock() != start.clock() {
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
func (c *Clocks) rule(text string, start Moment) (string, error) {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		redundant := map[string]int{"BYHOUR": start.Wall.Hour(), "BYMINUTE": start.Wall.Minute(), "BYSECOND": start.Wall.Second()}
		if n, timed := redundant[name]; timed && !start.Day && strings.TrimLeft(value, "0") == strings.TrimLeft(fmt.Sprint(n), "0") {
			continue
		}
		if name == "UNTIL" {
			m, err := c.Moment(value, Property{Name: "UNTIL", Params: map[string]string{"TZID": ""}})
			if err != nil {
				return "", err
			}
			if m.Zone == "UTC" {
				m = m.On(start.Zone)
			}
			if !m.Day && !start.Day && m.Wall.Sub(m.Wall.Truncate(24*time.Hour)) < start.Wall.Sub(start.Wall.Truncate(24*time.Hour)) {
				m.Wall = m.Wall.AddDate(0, 0, -1)
			}
			part = "UNTIL=" + m.Wall.Format("20060102")
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ";"), nil
}
