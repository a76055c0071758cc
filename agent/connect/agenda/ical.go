package agenda

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/connect/rows"
)

// Bounds of what is in a window: of a file, and of one of its entries.
const (
	mostEvents = 50_000
	mostTimes  = 10_000
)

// ICal reads what an iCalendar file has in a window (RFC 5545). What cannot be understood is dropped and told, the rest
// is there.
func ICal(b []byte, w Window) ([]Event, []rows.Drop, error) {
	r := &reader{window: w, budget: mostSteps}
	if err := r.read(b); err != nil {
		return nil, nil, err
	}
	return r.events, r.told.Dropped, nil
}

type reader struct {
	window Window
	budget int
	events []Event
	told   rows.Table
}

func (r *reader) read(b []byte) error {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	calendars, err := calendar.Read(bytes.NewReader(b))
	if err != nil {
		return err
	}
	for _, cal := range calendars {
		r.calendar(cal)
	}
	return nil
}

func (r *reader) drop(v *calendar.Component, err error) {
	r.told.Drop(fmt.Sprintf("line %d, %.60s", v.Line, v.Text("SUMMARY")), "%v", err)
}

// calendar takes one VCALENDAR: entries that stand for one time of another come after it.
func (r *reader) calendar(cal *calendar.Component) {
	c := clocksOf(cal, r.window)
	masters, overrides := map[string][]*entry{}, map[string][]*entry{}
	var order []string
	known := map[string]bool{}
	for _, part := range cal.Parts {
		if part.Name == "VFREEBUSY" {
			r.freebusy(c, part)
		}
		if part.Name != "VEVENT" {
			continue
		}
		e, err := c.entry(part)
		if err != nil {
			r.drop(part, err)
			continue
		}
		if !known[e.uid] {
			known[e.uid], order = true, append(order, e.uid)
		}
		if e.instead != nil {
			overrides[e.uid] = append(overrides[e.uid], e)
		} else {
			masters[e.uid] = append(masters[e.uid], e)
		}
	}
	for _, uid := range order {
		for _, m := range newest(masters[uid]) {
			if err := r.expand(m, overrides[uid]); err != nil {
				r.drop(m.part, err)
			}
		}
		latest := map[string]int{}
		for _, o := range overrides[uid] {
			latest[o.instead.print()] = max(latest[o.instead.print()], o.sequence)
		}
		for _, o := range overrides[uid] {
			if !o.cancelled && o.sequence == latest[o.instead.print()] {
				r.add(o, o.start.wall)
			}
		}
	}
}

// newest leaves out entries that a later version of the same has replaced.
func newest(all []*entry) []*entry {
	most := 0
	for _, e := range all {
		most = max(most, e.sequence)
	}
	return slices.DeleteFunc(slices.Clone(all), func(e *entry) bool { return e.sequence < most })
}

// when is a DATE or DATE-TIME with the clock that it is told by.
type when struct {
	wall  time.Time
	day   bool
	clock clock
}

func (x when) instant() time.Time { return x.clock.at(x.wall) }

// print is the same for two that name one time.
func (x when) print() string {
	if x.day {
		return x.wall.Format(time.DateOnly)
	}
	return x.instant().Format(time.RFC3339)
}

// times are some that are named elsewhere. A day names every time of it, and a time names its day.
type times map[string]bool

func (s times) add(x when) {
	s[x.print()] = true
	s["on "+x.wall.Format(time.DateOnly)] = true
}

func (s times) name(x when) bool {
	day := x.wall.Format(time.DateOnly)
	return s[x.print()] || s[day] || x.day && s["on "+day]
}

// entry is a VEVENT that was read.
type entry struct {
	part      *calendar.Component
	uid       string
	sequence  int
	cancelled bool
	start     when
	length    time.Duration // of time, or of whole days of the clock where start is a day
	instead   *when         // RECURRENCE-ID
	andAfter  bool          // RANGE=THISANDFUTURE
	rules     []*recurrence
	not       []*recurrence // EXRULE, of RFC 2445
	more      []when
	except    []when
}

func (c *clocks) entry(v *calendar.Component) (*entry, error) {
	e := &entry{part: v, uid: v.Text("UID"), cancelled: strings.EqualFold(v.Text("STATUS"), "CANCELLED")}
	if p, ok := v.One("SEQUENCE"); ok {
		e.sequence, _ = strconv.Atoi(p.Value)
	}
	if e.uid == "" {
		e.uid = fmt.Sprint("line ", v.Line)
	}
	begin, ok := v.One("DTSTART")
	if !ok {
		return nil, errors.New("it has no DTSTART, and so no time")
	}
	var err error
	if e.start, err = c.when(begin.Value, begin); err != nil {
		return nil, err
	}
	if e.length, err = c.length(v, e.start); err != nil {
		return nil, err
	}
	if id, ok := v.One("RECURRENCE-ID"); ok {
		x, err := c.when(id.Value, id)
		if err != nil {
			return nil, err
		}
		e.instead, e.andAfter = &x, strings.EqualFold(id.Params["RANGE"], "THISANDFUTURE")
		return e, nil
	}
	for name, into := range map[string]*[]*recurrence{"RRULE": &e.rules, "EXRULE": &e.not} {
		for _, p := range v.All(name) {
			rule, err := parseRule(p.Value)
			if err != nil {
				return nil, err
			}
			if rule.instant { // of a moment in UTC the wall shows something else
				rule.until = e.start.clock.wall(rule.until)
			}
			if e.start.day {
				if rule.freq < daily {
					return nil, errors.New("it lasts whole days and repeats within one")
				}
				rule.byHour, rule.byMinute, rule.bySecond = nil, nil, nil
			}
			*into = append(*into, rule)
		}
	}
	for name, into := range map[string]*[]when{"RDATE": &e.more, "EXDATE": &e.except} {
		for _, p := range v.All(name) {
			for value := range strings.SplitSeq(p.Value, ",") {
				first, _, _ := strings.Cut(strings.TrimSpace(value), "/") // of a period its beginning
				x, err := c.when(first, p)
				if err != nil {
					return nil, err
				}
				*into = append(*into, x)
			}
		}
	}
	return e, nil
}

func (c *clocks) when(v string, p calendar.Property) (when, error) {
	v = strings.TrimSpace(v)
	if t, err := time.Parse("20060102", v); err == nil {
		return when{wall: t, day: true, clock: inZone(c.around)}, nil
	}
	local, utc := strings.CutSuffix(v, "Z")
	t, err := time.Parse("20060102T150405", local)
	if err != nil {
		return when{}, fmt.Errorf("its %s is %.40q, which is not a time", p.Name, v)
	}
	x := when{wall: t, clock: inZone(time.UTC)}
	if id := p.Params["TZID"]; !utc && id != "" {
		x.clock, err = c.of(id)
	} else if !utc {
		x.clock = inZone(c.around)
	}
	return x, err
}

// length is how long an entry lasts: exactly, or in days.
func (c *clocks) length(v *calendar.Component, start when) (time.Duration, error) {
	if p, ok := v.One("DTEND"); ok {
		end, err := c.when(p.Value, p)
		switch {
		case err != nil:
			return 0, err
		case start.day:
			return max(end.wall.Truncate(aDay).Sub(start.wall), aDay), nil // some write the last day instead of the one after it
		}
		return max(end.instant().Sub(start.instant()), 0), nil
	}
	if p, ok := v.One("DURATION"); ok {
		d, _ := calendar.Duration(p.Value) // what is not above zero is none
		if start.day {
			return max(d.Truncate(aDay), aDay), nil
		}
		return d, nil
	}
	if start.day {
		return aDay, nil
	}
	return 0, nil
}

// expand adds the times of an entry that no other entry stands for.
func (r *reader) expand(m *entry, overrides []*entry) error {
	if m.cancelled {
		return nil
	}
	// By the clock of the entry, and wide enough for what began before the window.
	reach := m.length + 2*aDay
	from, to := r.window.From.UTC().Add(-reach), r.window.To.UTC().Add(2*aDay)
	met := map[time.Time]bool{}
	gather := func(into map[time.Time]bool) func(time.Time) bool {
		return func(t time.Time) bool {
			into[t] = true
			return len(into) <= mostTimes
		}
	}
	gather(met)(m.start.wall)
	out := map[time.Time]bool{}
	for i, rules := range [][]*recurrence{m.rules, m.not} {
		for _, rule := range rules {
			if err := rule.walk(m.start.wall, from, to, &r.budget, gather([]map[time.Time]bool{met, out}[i])); err != nil {
				return err
			}
		}
	}
	if len(met) > mostTimes || len(out) > mostTimes {
		return errEndless
	}
	for _, x := range m.more {
		if x.day && !m.start.day { // a day alone: at the usual time
			met[x.wall.Add(m.start.wall.Sub(m.start.wall.Truncate(aDay)))] = true
		} else {
			met[m.start.clock.wall(x.instant())] = true
		}
	}
	except, elsewhere := times{}, times{}
	for _, x := range m.except {
		except.add(x)
	}
	var after *entry // the last change of all that come
	for _, o := range overrides {
		elsewhere.add(*o.instead)
		if o.andAfter && (after == nil || o.instead.instant().After(after.instead.instant())) {
			after = o
		}
	}
	for wall := range met {
		is := when{wall: wall, day: m.start.day, clock: m.start.clock}
		switch {
		case out[wall] || except.name(is) || elsewhere.name(is):
		case after != nil && is.instant().After(after.instead.instant()):
			if !after.cancelled {
				r.add(after, wall.Add(after.start.wall.Sub(after.instead.wall)))
			}
		default:
			r.add(m, wall)
		}
	}
	return nil
}

// add takes an entry at one of its times, when the window holds it.
func (r *reader) add(e *entry, wall time.Time) {
	if len(r.events) >= mostEvents {
		r.told.Truncated = true
		return
	}
	ev := Event{UID: e.uid, Title: e.part.Text("SUMMARY"), Place: e.part.Text("LOCATION"), Text: e.part.Text("DESCRIPTION"),
		Category: e.part.Text("CATEGORIES"), URL: e.part.Text("URL"), AllDay: e.start.day,
		Free: strings.EqualFold(e.part.Text("TRANSP"), "TRANSPARENT"), Tentative: strings.EqualFold(e.part.Text("STATUS"), "TENTATIVE"),
		Private: slices.Contains([]string{"PRIVATE", "CONFIDENTIAL"}, strings.ToUpper(e.part.Text("CLASS")))}
	if p, ok := e.part.One("ORGANIZER"); ok {
		if ev.Organizer = p.Params["CN"]; ev.Organizer == "" && len(p.Value) > 7 && strings.EqualFold(p.Value[:7], "mailto:") {
			ev.Organizer = p.Value[7:]
		}
	}
	if e.start.day { // a day is that of whoever looks
		here := inZone(r.window.zone())
		ev.Start, ev.End = here.at(wall), here.at(wall.Add(e.length))
	} else {
		ev.Start = e.start.clock.at(wall)
		ev.End = ev.Start.Add(e.length)
	}
	if r.window.holds(ev.Start, ev.End) {
		r.events = append(r.events, ev)
	}
}

// freebusy takes the times at which somebody is not free, whose titles nobody tells.
func (r *reader) freebusy(c *clocks, v *calendar.Component) {
	for _, p := range v.All("FREEBUSY") {
		if strings.EqualFold(p.Params["FBTYPE"], "FREE") {
			continue
		}
		for period := range strings.SplitSeq(p.Value, ",") {
			begin, end, ok := strings.Cut(strings.TrimSpace(period), "/")
			from, err := c.when(begin, p)
			if !ok || err != nil {
				r.drop(v, fmt.Errorf("its FREEBUSY has %.60q, which is not a period", period))
				continue
			}
			ev := Event{UID: v.Text("UID"), Start: from.instant(), Tentative: strings.EqualFold(p.Params["FBTYPE"], "BUSY-TENTATIVE")}
			if d, ok := calendar.Duration(end); ok {
				ev.End = ev.Start.Add(d)
			} else if to, err := c.when(end, p); err == nil {
				ev.End = to.instant()
			} else {
				r.drop(v, fmt.Errorf("its FREEBUSY has %.60q, which is not a period", period))
				continue
			}
			if r.window.holds(ev.Start, ev.End) && len(r.events) < mostEvents {
				r.events = append(r.events, ev)
			}
		}
	}
}
