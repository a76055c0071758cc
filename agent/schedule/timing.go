package schedule

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// timing is every field of an event that says when.
type timing struct {
	zone, rrule, start, end string
	days                    []int
	rDates, exDates         []string
	hours                   hours
	after, before           *time.Time
}

// rhythm compiles a timing; equal ones are compiled once and shared. It returns nil when something is refused.
func (c *compiler) rhythm(t timing, refuse func(path, message string)) *rhythm {
	key := fmt.Sprintf("%q %q %q %q %v %q %q %q %v %q %v %v", t.zone, t.rrule, t.start, t.end, t.days, t.rDates, t.exDates,
		t.hours.windows, t.hours.weekdayWindows, t.hours.dayparts, t.after, t.before)
	if r, ok := c.rhythms[key]; ok {
		return r
	}
	good := true
	no := func(path, message string) {
		good = false
		refuse(path, message)
	}
	if wrong := c.badZone(t.zone); wrong != "" {
		no("/zone", wrong)
	}
	r := &rhythm{zone: t.zone, after: math.MinInt64, before: never, week: t.hours.compile(c.parts, no)}
	t.dates(&r.dates, no)
	// Whole seconds, as in every date-time of CAP and iCalendar.
	if t.after != nil {
		r.after = t.after.Unix()
	}
	if t.before != nil {
		r.before = t.before.Unix()
	}
	if !good {
		return nil
	}
	r.settle()
	c.rhythms[key] = r
	return r
}

func (t *timing) dates(s *dateSet, refuse func(path, message string)) {
	s.weekdays, s.from, s.to = 1<<7-1, firstDate, noDate
	one := func(path, text string, fallback date) date {
		if text == "" {
			return fallback
		}
		d, err := parseDate(text)
		if err != nil {
			refuse(path, err.Error())
			return fallback
		}
		return d
	}
	s.from, s.to = one("/startDate", t.start, firstDate), one("/endDate", t.end, noDate)
	list := func(name string, texts []string) (dates []date) {
		for i, text := range texts {
			dates = append(dates, one(fmt.Sprintf("/%s/%d", name, i), text, noDate))
		}
		slices.Sort(dates)
		return slices.Compact(dates)
	}
	s.extra, s.except = list("rDates", t.rDates), list("exDates", t.exDates)
	if t.days != nil {
		s.weekdays = 0
	}
	for i, d := range t.days {
		if d < 1 || d > 7 {
			refuse(fmt.Sprintf("/days/%d", i), fmt.Sprintf("day %d does not work: write 1 (Monday) to 7 (Sunday)", d))
			continue
		}
		s.weekdays |= 1 << (d - 1)
	}
	if t.rrule == "" {
		return
	}
	if t.days != nil {
		refuse("/days", "the event has rrule and days: put the weekdays into the rrule, as BYDAY=MO,FR")
	}
	r, err := parseRule(t.rrule)
	if err == nil {
		err = r.anchor(s.from, t.start != "")
	}
	if err != nil {
		refuse("/rrule", err.Error())
		return
	}
	s.follow(r)
}

// follow takes a rule in, as plain weekdays where it is no more than that.
func (s *dateSet) follow(r *rule) {
	s.to = min(s.to, r.until)
	if r.freq > weekly || r.interval > 1 || r.byMonth != 0 || r.byMonthDay != nil || r.bySetPos != nil {
		s.rule = r
		return
	}
	s.weekdays = 1<<7 - 1
	if r.freq == weekly || r.byDay != nil {
		s.weekdays = r.weekdays
	}
}
