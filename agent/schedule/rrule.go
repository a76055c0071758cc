package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type frequency int

const (
	daily frequency = iota
	weekly
	monthly
	yearly
)

// ordinalDay is one entry of BYDAY: the nth weekday of its month or year, counted from the end when n < 0, every one when 0.
type ordinalDay struct{ n, weekday int }

// rule is an RFC 5545 recurrence over local dates (section 3.3.10, the part of it that dates need).
type rule struct {
	freq       frequency
	interval   int
	byDay      []ordinalDay
	byMonth    uint16 // bit m = month m; 0 = all
	byMonthDay []int
	bySetPos   *positions
	wkst       int
	count      int
	until      date // inclusive; noDate when open

	start      date // DTSTART, the anchor of INTERVAL
	weekdays   uint8
	ordinals   bool
	monthIndex int // start's month, counted from year 0
	masks      yearMasks
}

// positions are those of BYSETPOS, from the front and from the back; 0 is not used.
type positions struct{ front, back [367]bool }

const (
	mostInterval = 10_000
	mostCount    = 36_525 // a century of every day
	mostRule     = 1_000  // characters
	mostList     = 62     // entries: all days of a month, from both ends
)

// parseRule reads an RRULE value. Errors say what to write instead.
func parseRule(text string) (*rule, error) {
	if len(text) > mostRule {
		return nil, fmt.Errorf("rrule has %d characters, more than %d: shorten its lists", len(text), mostRule)
	}
	r := &rule{freq: -1, interval: 1, until: noDate}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.ToUpper(text), "RRULE:"), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("rrule part %q has no value: write NAME=VALUE parts with ';' between them, such as FREQ=WEEKLY;BYDAY=MO,FR", part)
		}
		if seen[name] {
			return nil, fmt.Errorf("rrule names %s twice: keep one", name)
		}
		seen[name] = true
		if err := r.part(name, value); err != nil {
			return nil, err
		}
	}
	return r, r.check()
}

func (r *rule) part(name, value string) (err error) {
	switch name {
	case "FREQ":
		i := slices.Index([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value)
		if i < 0 {
			return fmt.Errorf("rrule FREQ=%s does not work: write DAILY, WEEKLY, MONTHLY or YEARLY, and use windows for times of day", value)
		}
		r.freq = frequency(i)
	case "INTERVAL":
		r.interval, err = number(name, value, 1, mostInterval)
	case "COUNT":
		r.count, err = number(name, value, 1, mostCount)
	case "UNTIL":
		r.until, err = parseUntil(value)
	case "WKST":
		if r.wkst = weekdayCode(value); r.wkst < 0 {
			err = fmt.Errorf("rrule WKST=%s is not a weekday: write MO, TU, WE, TH, FR, SA or SU", value)
		}
	case "BYDAY":
		r.byDay, err = parseByDay(value)
	case "BYMONTHDAY":
		r.byMonthDay, err = numbers(name, value, 31, true)
	case "BYSETPOS":
		var list []int
		list, err = numbers(name, value, 366, true)
		r.bySetPos = new(positions)
		for _, n := range list {
			r.bySetPos.front[max(n, 0)], r.bySetPos.back[max(-n, 0)] = true, true
		}
	case "BYMONTH":
		var months []int
		months, err = numbers(name, value, 12, false)
		for _, m := range months {
			r.byMonth |= 1 << m
		}
	default:
		err = fmt.Errorf("rrule part %s does not work here: use FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST, COUNT and UNTIL", name)
	}
	return err
}

// check refuses what RFC 5545 forbids or leaves without a meaning.
func (r *rule) check() error {
	for _, d := range r.byDay {
		r.weekdays |= 1 << d.weekday
		r.ordinals = r.ordinals || d.n != 0
	}
	switch {
	case r.freq < 0:
		return errors.New("rrule has no FREQ: begin with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
	case r.count > 0 && r.until != noDate:
		return errors.New("rrule has COUNT and UNTIL: keep one of them")
	case r.ordinals && r.freq < monthly:
		return errors.New("rrule has a numbered BYDAY such as 1MO, which only FREQ=MONTHLY and FREQ=YEARLY can have: leave the number out")
	case r.freq == weekly && r.byMonthDay != nil:
		return errors.New("rrule has BYMONTHDAY with FREQ=WEEKLY: write FREQ=MONTHLY or leave BYMONTHDAY out")
	case r.bySetPos != nil && r.byDay == nil && r.byMonthDay == nil && r.byMonth == 0:
		return errors.New("rrule has BYSETPOS with no other BY part: add BYDAY, BYMONTHDAY or BYMONTH, or leave it out")
	}
	return nil
}

func number(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high || value[0] == '+' {
		return 0, fmt.Errorf("rrule %s=%s does not work: write a whole number from %d to %d", name, value, low, high)
	}
	return n, nil
}

// numbers reads a list of 1 to high, and of -1 to -high when negative ones are allowed.
func numbers(name, value string, high int, negative bool) ([]int, error) {
	var list []int
	for v := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(v)
		if err != nil || n == 0 || n > high || n < -high || n < 0 && !negative {
			from := "1"
			if negative {
				from = fmt.Sprintf("-%d to -1 or 1", high)
			}
			return nil, fmt.Errorf("rrule %s=%s does not work: write whole numbers from %s to %d with ',' between them", name, value, from, high)
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, tooLong(name, len(list))
}

func tooLong(name string, entries int) error {
	if entries > mostList {
		return fmt.Errorf("rrule %s has %d entries, more than %d: write several events", name, entries, mostList)
	}
	return nil
}

func weekdayCode(s string) int {
	return slices.Index([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}, s)
}

func parseByDay(value string) ([]ordinalDay, error) {
	var list []ordinalDay
	for v := range strings.SplitSeq(value, ",") {
		cut := max(len(v)-2, 0)
		d := ordinalDay{weekday: weekdayCode(v[cut:])}
		var err error
		if cut > 0 {
			if d.n, err = strconv.Atoi(v[:cut]); d.n == 0 || d.n > 53 || d.n < -53 {
				err = strconv.ErrRange
			}
		}
		if d.weekday < 0 || err != nil {
			return nil, fmt.Errorf("rrule BYDAY=%s does not work at %q: write weekdays such as MO,FR, or numbered ones such as 1MO,-1FR", value, v)
		}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list, tooLong("BYDAY", len(list))
}

// parseUntil takes a local date; an instant in UTC would be another day in another zone.
func parseUntil(value string) (date, error) {
	day, clock, timed := strings.Cut(value, "T")
	if len(day) == 8 {
		day = day[:4] + "-" + day[4:6] + "-" + day[6:]
	}
	d, err := parseDate(day)
	if err != nil || timed && strings.HasSuffix(clock, "Z") || timed && len(clock) != 6 {
		return 0, fmt.Errorf("rrule UNTIL=%s is not a local date: write the last day as YYYYMMDD, such as UNTIL=20271231", value)
	}
	return d, nil
}
