package agenda

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

type frequency int

const (
	secondly frequency = iota
	minutely
	hourly
	daily
	weekly
	monthly
	yearly
)

// ordinal is one entry of BYDAY: every such weekday when n is 0, else the nth of its month or year, from the end when n < 0.
type ordinal struct {
	n   int
	day time.Weekday
}

// recurrence is an RRULE, all of it (RFC 5545, section 3.3.10). Its times are those of a clock on the wall, carried in UTC.
type recurrence struct {
	freq       frequency
	interval   int
	count      int
	until      time.Time // inclusive; zero = open
	instant    bool      // until is an instant, not yet what a wall shows
	bySecond   []int
	byMinute   []int
	byHour     []int
	byDay      []ordinal
	byMonthDay []int
	byYearDay  []int
	byWeekNo   []int
	byMonth    []int
	bySetPos   []int
	wkst       time.Weekday
}

// Bounds of a rule: no rule of a calendar that people keep comes near them.
const (
	mostRule    = 4 << 10   // bytes
	mostOfOne   = 100_000   // times within one period of a rule
	mostSteps   = 2_000_000 // of all the rules of a file
	mostNumbers = 400       // in one list
)

// errEndless is a rule that cannot be followed within bounds.
var errEndless = errors.New("it repeats so often that it cannot be followed: give its rule a longer interval, or an end")

var codes = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func parseRule(text string) (*recurrence, error) {
	if len(text) > mostRule {
		return nil, fmt.Errorf("its rule is longer than %d characters", mostRule)
	}
	r := &recurrence{freq: -1, interval: 1, wkst: time.Monday}
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(text)), ";") {
		if part == "" {
			continue // some end a rule with a semicolon
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("its rule has the part %.40q, which is not NAME=VALUE", part)
		}
		if err := r.part(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return nil, err
		}
	}
	switch {
	case r.freq < 0:
		return nil, errors.New("its rule has no FREQ")
	case len(r.byWeekNo) > 0 && r.freq != yearly:
		return nil, errors.New("its rule has BYWEEKNO without FREQ=YEARLY")
	case len(r.byWeekNo) > 0 && slices.ContainsFunc(r.byDay, func(o ordinal) bool { return o.n != 0 }):
		return nil, errors.New("its rule numbers weekdays and weeks at once")
	}
	return r, nil
}

func (r *recurrence) part(name, value string) (err error) {
	switch name {
	case "FREQ":
		i := slices.Index([]string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value)
		if i < 0 {
			return fmt.Errorf("its rule has the unknown FREQ=%.20s", value)
		}
		r.freq = frequency(i)
	case "INTERVAL":
		r.interval, err = whole(name, value, 1, 1_000_000_000)
	case "COUNT":
		r.count, err = whole(name, value, 1, 1_000_000_000)
	case "UNTIL":
		err = r.parseUntil(value)
	case "WKST":
		i := slices.Index(codes, value)
		if i < 0 {
			return fmt.Errorf("its rule has the unknown WKST=%.20s", value)
		}
		r.wkst = time.Weekday(i)
	case "BYDAY":
		r.byDay, err = ordinals(value)
	case "BYSECOND":
		r.bySecond, err = list(name, value, 0, 60)
		for i := range r.bySecond {
			r.bySecond[i] = min(r.bySecond[i], 59) // clocks here have no leap seconds
		}
		r.bySecond = slices.Compact(r.bySecond)
	case "BYMINUTE":
		r.byMinute, err = list(name, value, 0, 59)
	case "BYHOUR":
		r.byHour, err = list(name, value, 0, 23)
	case "BYMONTHDAY":
		r.byMonthDay, err = list(name, value, -31, 31)
	case "BYYEARDAY":
		r.byYearDay, err = list(name, value, -366, 366)
	case "BYWEEKNO":
		r.byWeekNo, err = list(name, value, -53, 53)
	case "BYMONTH":
		r.byMonth, err = list(name, value, 1, 12)
	case "BYSETPOS":
		r.bySetPos, err = list(name, value, -366, 366)
	default:
		if !strings.HasPrefix(name, "X-") {
			err = fmt.Errorf("its rule has the unknown part %.20s", name)
		}
	}
	return err
}

func (r *recurrence) parseUntil(value string) error {
	if t, err := time.Parse("20060102", value); err == nil {
		r.until = t.Add(24*time.Hour - time.Second)
		return nil
	}
	local, utc := strings.CutSuffix(value, "Z")
	t, err := time.Parse("20060102T150405", local)
	if err != nil {
		return fmt.Errorf("its rule has UNTIL=%.20s, which is not a time", value)
	}
	r.until, r.instant = t, utc
	return nil
}

func whole(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("its rule has %s=%.20s, which is not a number from %d to %d", name, value, low, high)
	}
	return n, nil
}

// list reads numbers, sorted; where negative ones are allowed 0 is not.
func list(name, value string, low, high int) ([]int, error) {
	var out []int
	for v := range strings.SplitSeq(value, ",") {
		n, err := whole(name, strings.TrimSpace(v), low, high)
		if err != nil {
			return nil, err
		}
		if n == 0 && low < 0 {
			return nil, fmt.Errorf("its rule has a 0 in %s", name)
		}
		if out = append(out, n); len(out) > mostNumbers {
			return nil, fmt.Errorf("its rule has more than %d numbers in %s", mostNumbers, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func ordinals(value string) ([]ordinal, error) {
	var out []ordinal
	for v := range strings.SplitSeq(value, ",") {
		v = strings.TrimSpace(v)
		if len(v) < 2 || len(out) > mostNumbers {
			return nil, fmt.Errorf("its rule has BYDAY=%.20s, which is not a list of weekdays", value)
		}
		o, day := ordinal{}, slices.Index(codes, v[len(v)-2:])
		if day < 0 {
			return nil, fmt.Errorf("its rule has the unknown weekday %.10q", v)
		}
		o.day = time.Weekday(day)
		if number := v[:len(v)-2]; number != "" {
			n, err := whole("BYDAY", number, -53, 53)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("its rule has the weekday %.10q, whose number is not one from -53 to 53", v)
			}
			o.n = n
		}
		out = append(out, o)
	}
	return out, nil
}
