package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// yearMasks is the set of one year, bit d of month m-1 set for day d+1: the last year looked at, kept for the next look.
type yearMasks struct {
	year  int
	valid bool
	month [12]uint32
}

// anchor fixes the rule to its first day and turns COUNT into UNTIL, so that nothing is ever counted again.
func (r *rule) anchor(start date, given bool) error {
	if !given {
		if what := r.needsStart(); what != "" {
			return fmt.Errorf("rrule with %s has no beginning: add startDate, its first day", what)
		}
		start = newDate(1900, 1, 1)
	}
	r.start = start
	y, m, _ := start.civil()
	r.monthIndex = y*12 + m - 1
	if r.byDay == nil && r.freq == weekly {
		r.weekdays = 1 << start.weekday()
	}
	if r.byDay == nil && r.byMonthDay == nil && r.freq >= monthly {
		_, m, d := start.civil()
		r.byMonthDay = []int{d}
		if r.freq == yearly && r.byMonth == 0 {
			r.byMonth = 1 << m
		}
	}
	if given && r.next(start) != start {
		return r.mismatch(start)
	}
	if r.count > 0 {
		last := start
		for n := 1; n < r.count && last != noDate; n++ {
			last = r.next(last + 1)
		}
		r.until = last
	}
	return nil
}

func (r *rule) mismatch(start date) error {
	if first := r.next(start); first != noDate {
		return fmt.Errorf("startDate %s is not a day of the rrule: write its first day, %q", start.name(), first)
	}
	return errors.New("rrule has no day from startDate on: correct its BY parts, UNTIL or startDate")
}

// needsStart names the part whose meaning hangs on DTSTART, "" when there is none.
func (r *rule) needsStart() string {
	switch {
	case r.interval > 1:
		return "INTERVAL"
	case r.count > 0:
		return "COUNT"
	case r.freq == weekly && r.byDay == nil:
		return "FREQ=WEEKLY and no BYDAY"
	case r.freq >= monthly && r.byDay == nil && r.byMonthDay == nil:
		return "no BYDAY or BYMONTHDAY"
	}
	return ""
}

// horizon returns the last day worth a look from d on: the Gregorian calendar repeats, weekdays included, after 400 years
// of 4,800 months, 20,871 weeks or 146,097 days, and the rule after the least common multiple of that and its interval.
func (r *rule) horizon(d date) date {
	units := [...]int{146_097, 20_871, 4_800, 400}[r.freq]
	a, b := units, r.interval
	for b != 0 {
		a, b = b, a%b
	}
	return min(r.until, lastDate, d+date(146_097*(r.interval/a)))
}

// next returns the first day of the rule at or after d, noDate when there is none.
func (r *rule) next(d date) date {
	d = max(d, r.start)
	var n date
	switch r.freq {
	case daily:
		n = r.nextDaily(d)
	case weekly:
		n = r.nextWeekly(d)
	default:
		n = r.nextMasked(d)
	}
	if n > r.until || n > lastDate {
		return noDate
	}
	return n
}

func (r *rule) nextDaily(d date) date {
	step := date(r.interval)
	if off := (d - r.start) % step; off != 0 {
		d += step - off
	}
	if r.bySetPos != nil && !r.bySetPos.front[1] && !r.bySetPos.back[1] {
		return noDate // a day is a set of one
	}
	if r.byMonth == 0 && r.byDay == nil && r.byMonthDay == nil {
		return d
	}
	for last := r.horizon(d); d <= last; d += step {
		y, m, md := d.civil()
		if r.byMonth != 0 && r.byMonth>>m&1 == 0 {
			// on to the month's end, in whole steps
			d += (date(monthLength(y, m)-md) / step) * step
			continue
		}
		if (r.byDay == nil || r.weekdays>>d.weekday()&1 == 1) && r.onMonthDay(y, m, md) {
			return d
		}
	}
	return noDate
}

func (r *rule) onMonthDay(y, m, md int) bool {
	return r.byMonthDay == nil || slices.Contains(r.byMonthDay, md) ||
		slices.Contains(r.byMonthDay, md-monthLength(y, m)-1)
}

// weekOf is the first day of d's week, as WKST has it.
func (r *rule) weekOf(d date) date { return d - date((d.weekday()-r.wkst+7)%7) }

func (r *rule) nextWeekly(d date) date {
	first, step := r.weekOf(r.start), date(7*r.interval)
	week := r.weekOf(d)
	if off := (week - first) % step; off != 0 {
		week += step - off
	}
	for last := r.horizon(d); week <= last; week += step {
		set := r.weekSet(week)
		if d > week {
			set &^= 1<<(d-week) - 1
		}
		if set != 0 {
			return week + date(bits.TrailingZeros8(set))
		}
	}
	return noDate
}

// weekSet has bit i for the day week+i.
func (r *rule) weekSet(week date) uint8 {
	var set uint8
	for i := range date(7) {
		if r.weekdays>>(week+i).weekday()&1 == 0 {
			continue
		}
		if r.byMonth != 0 {
			if _, m, _ := (week + i).civil(); r.byMonth>>m&1 == 0 {
				continue
			}
		}
		set |= 1 << i
	}
	if r.bySetPos == nil {
		return set
	}
	months := [12]uint32{uint32(set)}
	r.pick(months[:1])
	return uint8(months[0])
}

func (r *rule) nextMasked(d date) date {
	y, m, md := d.civil()
	last, _, _ := r.horizon(d).civil()
	from := uint32(1)<<(md-1) - 1 // days before d, to be masked out
	for ; y <= last; y, m = y+1, 1 {
		if r.freq == yearly {
			startYear := r.monthIndex / 12
			if off := (y - startYear) % r.interval; off != 0 {
				y, m, from = y+r.interval-off-1, 1, 0
				continue
			}
		}
		masks := r.year(y)
		for ; m <= 12; m++ {
			if set := masks[m-1] &^ from; set != 0 {
				return newDate(y, m, bits.TrailingZeros32(set)+1)
			}
			from = 0
		}
	}
	return noDate
}

// year returns the days of a year, by month, after BYSETPOS.
func (r *rule) year(y int) *[12]uint32 {
	if r.masks.valid && r.masks.year == y {
		return &r.masks.month
	}
	r.masks = yearMasks{year: y, valid: true}
	masks := &r.masks.month
	for m := 1; m <= 12; m++ {
		aligned := r.freq == yearly || (y*12+m-1-r.monthIndex)%r.interval == 0
		if !aligned || r.byMonth != 0 && r.byMonth>>m&1 == 0 {
			continue
		}
		set := uint32(1)<<monthLength(y, m) - 1
		if r.byMonthDay != nil {
			set &= r.monthDays(monthLength(y, m))
		}
		if r.byDay != nil {
			set &= r.monthWeekdays(y, m)
		}
		masks[m-1] = set
		if r.freq == monthly && r.bySetPos != nil {
			r.pick(masks[m-1 : m])
		}
	}
	if r.freq == yearly && r.bySetPos != nil {
		r.pick(masks[:])
	}
	return masks
}

func (r *rule) monthDays(length int) (set uint32) {
	for _, n := range r.byMonthDay {
		if n < 0 {
			n += length + 1
		}
		if n >= 1 && n <= length {
			set |= 1 << (n - 1)
		}
	}
	return set
}

// monthWeekdays applies BYDAY; ordinals count within the month, or within the year for YEARLY without BYMONTH.
func (r *rule) monthWeekdays(y, m int) (set uint32) {
	first, length := newDate(y, m, 1), monthLength(y, m)
	for _, d := range r.byDay {
		offset := (d.weekday - first.weekday() + 7) % 7
		switch {
		case d.n == 0:
			for ; offset < length; offset += 7 {
				set |= 1 << offset
			}
		case r.freq == yearly && r.byMonth == 0:
			if i := int(nthWeekday(newDate(y, 1, 1), newDate(y, 12, 31), d) - first); i >= 0 && i < length {
				set |= 1 << i
			}
		default:
			last := first + date(length) - 1
			if i := int(nthWeekday(first, last, d) - first); i >= 0 && i < length {
				set |= 1 << i
			}
		}
	}
	return set
}

// nthWeekday may lie outside of [first, last] when there are fewer than n.
func nthWeekday(first, last date, d ordinalDay) date {
	if d.n > 0 {
		return first + date((d.weekday-first.weekday()+7)%7+7*(d.n-1))
	}
	return last - date((last.weekday()-d.weekday+7)%7-7*(d.n+1))
}

// pick keeps the positions that BYSETPOS names.
func (r *rule) pick(masks []uint32) {
	total := 0
	for _, set := range masks {
		total += bits.OnesCount32(set)
	}
	position := 0
	for i, set := range masks {
		kept := uint32(0)
		for ; set != 0; set &= set - 1 {
			position++
			if r.bySetPos.front[position] || r.bySetPos.back[total+1-position] {
				kept |= set & -set
			}
		}
		masks[i] = kept
	}
}
