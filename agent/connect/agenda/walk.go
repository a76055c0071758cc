package agenda

import (
	"slices"
	"time"
)

const aDay = 24 * time.Hour

// walk gives the times of a rule that begins at start, in order, those in [from, to) only. Each step costs one of budget:
// errEndless when it is used up.
func (r *recurrence) walk(start, from, to time.Time, budget *int, yield func(time.Time) bool) error {
	rule := r.completed(start)
	n := 0
	emit := func(set []time.Time) (more bool) {
		for _, t := range rule.positions(set) {
			switch {
			case t.Before(start):
				continue
			case !t.Before(to), !rule.until.IsZero() && t.After(rule.until):
				return false
			}
			if n++; rule.count > 0 && n > rule.count {
				return false
			}
			if !t.Before(from) && !yield(t) {
				return false
			}
		}
		return true
	}
	skip := from
	if rule.count > 0 { // what is counted has to be looked at from the first on
		skip = start
	}
	if rule.freq >= daily {
		return rule.byDays(start, skip, to, budget, emit)
	}
	return rule.byTimes(start, skip, to, budget, emit)
}

// completed takes from the beginning what the rule leaves open.
func (r *recurrence) completed(start time.Time) recurrence {
	c := *r
	if c.byWeekNo == nil && c.byYearDay == nil && c.byMonthDay == nil && c.byDay == nil {
		switch c.freq {
		case yearly:
			if c.byMonthDay = []int{start.Day()}; c.byMonth == nil {
				c.byMonth = []int{int(start.Month())}
			}
		case monthly:
			c.byMonthDay = []int{start.Day()}
		case weekly:
			c.byDay = []ordinal{{day: start.Weekday()}}
		}
	}
	if c.byWeekNo != nil && c.byDay == nil && c.byYearDay == nil && c.byMonthDay == nil {
		c.byDay = []ordinal{{day: start.Weekday()}}
	}
	for _, unit := range []struct {
		of   *[]int
		upTo frequency
		own  int
	}{{&c.byHour, daily, start.Hour()}, {&c.byMinute, hourly, start.Minute()}, {&c.bySecond, minutely, start.Second()}} {
		if *unit.of == nil && c.freq >= unit.upTo {
			*unit.of = []int{unit.own}
		}
	}
	return c
}

// byDays goes through days, weeks, months or years.
func (r *recurrence) byDays(start, from, to time.Time, budget *int, emit func([]time.Time) bool) error {
	first := r.period(start, 0)
	for k := r.skipped(first, from); ; k += r.interval {
		begin, end := r.period(first, k), r.period(first, k+1)
		if !begin.Before(to) || begin.Year() > 9999 || !r.until.IsZero() && begin.After(r.until) {
			return nil
		}
		var set []time.Time
		for d := begin; d.Before(end); d = d.Add(aDay) {
			if !r.on(d) {
				continue
			}
			for _, h := range r.byHour {
				for _, m := range r.byMinute {
					for _, s := range r.bySecond {
						set = append(set, d.Add(time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(s)*time.Second))
					}
				}
			}
			if len(set) > mostOfOne {
				return errEndless
			}
		}
		if *budget -= 1 + len(set); *budget < 0 {
			return errEndless
		}
		if !emit(set) {
			return nil
		}
	}
}

// period is the beginning of the kth day, week, month or year from that of t on.
func (r *recurrence) period(t time.Time, k int) time.Time {
	y, m, d := t.Date()
	switch r.freq {
	case yearly:
		return time.Date(y+k, 1, 1, 0, 0, 0, 0, time.UTC)
	case monthly:
		return time.Date(y, m+time.Month(k), 1, 0, 0, 0, 0, time.UTC)
	case weekly:
		return weekOf(t, r.wkst).AddDate(0, 0, 7*k)
	}
	return time.Date(y, m, d+k, 0, 0, 0, 0, time.UTC)
}

// skipped is how many periods, in whole intervals, surely end before from.
func (r *recurrence) skipped(first, from time.Time) int {
	if !from.After(first) {
		return 0
	}
	n := 0
	switch days := int(from.Sub(first) / aDay); r.freq {
	case yearly:
		n = from.Year() - first.Year() - 1
	case monthly:
		n = 12*(from.Year()-first.Year()) + int(from.Month()-first.Month()) - 1
	case weekly:
		n = days/7 - 1
	case daily:
		n = days - 1
	}
	return max(0, n) / r.interval * r.interval
}

// byTimes goes through hours, minutes or seconds.
func (r *recurrence) byTimes(start, from, to time.Time, budget *int, emit func([]time.Time) bool) error {
	unit := []time.Duration{secondly: time.Second, minutely: time.Minute, hourly: time.Hour}[r.freq]
	if start.Year() < 1900 {
		return errEndless
	}
	const long = 100 * 365 * aDay // further than anybody looks
	t, step := start.Truncate(unit), time.Duration(long)
	if r.interval < int(long/unit) {
		step = time.Duration(r.interval) * unit
	}
	jump := func(until time.Time) { // to the first step at or after that
		if gap := until.Sub(t); gap > 0 {
			t = t.Add((gap + step - 1) / step * step)
		}
	}
	if from.Sub(start) > unit {
		jump(from.Add(-unit))
	}
	for t.Before(to) && (r.until.IsZero() || !t.After(r.until)) {
		if *budget--; *budget < 0 {
			return errEndless
		}
		switch {
		case !r.on(t.Truncate(aDay)):
			jump(t.Truncate(aDay).Add(aDay))
			continue
		case r.byHour != nil && !slices.Contains(r.byHour, t.Hour()):
			jump(t.Truncate(time.Hour).Add(time.Hour))
			continue
		case r.freq < hourly && r.byMinute != nil && !slices.Contains(r.byMinute, t.Minute()):
			jump(t.Truncate(time.Minute).Add(time.Minute))
			continue
		case r.freq == secondly && r.bySecond != nil && !slices.Contains(r.bySecond, t.Second()):
			t = t.Add(step)
			continue
		}
		if !emit(r.within(t)) {
			return nil
		}
		t = t.Add(step)
	}
	return nil
}

// within are the times of one hour, minute or second.
func (r *recurrence) within(t time.Time) (set []time.Time) {
	minutes, seconds := []int{0}, []int{0}
	if r.freq == hourly {
		minutes = r.byMinute
	}
	if r.freq >= minutely {
		seconds = r.bySecond
	}
	for _, m := range minutes {
		for _, s := range seconds {
			set = append(set, t.Add(time.Duration(m)*time.Minute+time.Duration(s)*time.Second))
		}
	}
	return set
}

// on says whether the rule takes a day.
func (r *recurrence) on(d time.Time) bool {
	y, m, day := d.Date()
	if r.byMonth != nil && !slices.Contains(r.byMonth, int(m)) {
		return false
	}
	if r.byMonthDay != nil && !either(r.byMonthDay, day, monthDays(y, m)) {
		return false
	}
	if r.byYearDay != nil && !either(r.byYearDay, d.YearDay(), yearDays(y)) {
		return false
	}
	if r.byWeekNo != nil {
		if n, of := week(d, r.wkst); !either(r.byWeekNo, n, of) {
			return false
		}
	}
	return r.byDay == nil || slices.ContainsFunc(r.byDay, func(o ordinal) bool { return o.day == d.Weekday() && r.nth(o.n, d) })
}

// nth says whether a day is the nth of its weekday in its month, or in its year where the rule counts by years.
func (r *recurrence) nth(n int, d time.Time) bool {
	if n == 0 || r.freq < monthly {
		return true
	}
	at, of := d.Day(), monthDays(d.Year(), d.Month())
	if r.freq == yearly && r.byMonth == nil {
		at, of = d.YearDay(), yearDays(d.Year())
	}
	return n == (at-1)/7+1 || n == -((of-at)/7+1)
}

// positions keeps those of BYSETPOS.
func (r *recurrence) positions(set []time.Time) []time.Time {
	if r.bySetPos == nil {
		return set
	}
	var out []time.Time
	for i, t := range set {
		if either(r.bySetPos, i+1, len(set)) {
			out = append(out, t)
		}
	}
	return out
}

// either says whether numbers name the nth of so many, counted from the front or from the back.
func either(numbers []int, n, of int) bool {
	return slices.Contains(numbers, n) || slices.Contains(numbers, n-of-1)
}

func monthDays(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func yearDays(y int) int { return time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() }

// weekOf is the first day of the week of t.
func weekOf(t time.Time, wkst time.Weekday) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d-(int(t.Weekday())-int(wkst)+7)%7, 0, 0, 0, 0, time.UTC)
}

// week is the number of a day's week, and how many its year has: the first has at least four days in the year.
func week(d time.Time, wkst time.Weekday) (n, of int) {
	number := func(t time.Time) (int, int) {
		middle := weekOf(t, wkst).AddDate(0, 0, 3)
		return (middle.YearDay()-1)/7 + 1, middle.Year()
	}
	n, year := number(d)
	of, in := number(time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC))
	if in != year {
		of, _ = number(time.Date(year, 12, 24, 0, 0, 0, 0, time.UTC))
	}
	return n, of
}
