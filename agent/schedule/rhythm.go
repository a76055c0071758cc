package schedule

import "math"

// rhythm is when an event is active, in local naive time and without a zone: windows on dates. Events with the same
// rule share one.
type rhythm struct {
	zone          string // IANA, "" = the player's
	dates         dateSet
	week          *week
	overnight     bool  // some window ends after midnight
	solid         bool  // two neighbouring days of the set leave no gap between them
	always        bool  // no instant is left out
	after, before int64 // absolute validity [after, before), seconds of Unix time
}

const never = math.MaxInt64

// settle computes what follows from the fields.
func (r *rhythm) settle() {
	r.solid = true
	for i := range r.week {
		var all []span
		for _, s := range r.week[(i+6)%7] {
			if s.end > secondsADay {
				r.overnight = true
				all = append(all, span{0, s.end - secondsADay})
			}
		}
		r.solid = r.solid && covers(merge(append(all, r.week[i]...)), 0, secondsADay)
	}
	d := &r.dates
	r.always = r.solid && d.rule == nil && d.weekdays == 1<<7-1 && d.from == firstDate && d.to == noDate && d.except == nil
}

func split(n int64) (date, int) {
	d, s := n/secondsADay, n%secondsADay
	if s < 0 {
		d, s = d-1, s+secondsADay
	}
	return date(d), int(s)
}

func (d date) naive() int64 { return int64(d) * secondsADay }

// run returns whether naive time n is covered, since when (a lower bound) and until when, as far as local time goes.
func (r *rhythm) run(n int64) (on bool, from, to int64) {
	if r.always {
		return true, math.MinInt64, never
	}
	from, to, on = r.cover(n)
	if !on {
		return false, n, r.opening(n)
	}
	for {
		d, _ := split(to)
		if r.solid && r.dates.has(d-1) && r.dates.has(d) {
			// the chain of days goes on without a gap to the next day off
			off := r.dates.nextOff(d)
			if off == noDate {
				return true, from, never
			}
			to = max(to, off.naive())
		}
		_, further, more := r.cover(to)
		if !more {
			return true, from, to
		}
		to = further
	}
}

// cover finds the window of that day or of the day before that contains n: a window is at most 24 hours long and starts
// before midnight, so that no earlier one can.
func (r *rhythm) cover(n int64) (from, to int64, ok bool) {
	d, s := split(n)
	first := 0
	if r.overnight {
		first = 1
	}
	for back := first; back >= 0; back-- {
		day := d - date(back)
		if !r.dates.has(day) {
			continue
		}
		for _, w := range r.week[day.weekday()] {
			if at := s + back*secondsADay; w.start <= at && at < w.end {
				if end := day.naive() + int64(w.end); end > to {
					from, to, ok = day.naive()+int64(w.start), end, true
				}
			}
		}
	}
	return from, to, ok
}

// opening returns the start of the first window after n, which no window covers.
func (r *rhythm) opening(n int64) int64 {
	d, s := split(n)
	for {
		day := r.dates.next(d)
		if day == noDate {
			return never
		}
		for _, w := range r.week[day.weekday()] {
			if day > d || w.start > s {
				return day.naive() + int64(w.start)
			}
		}
		d, s = day+1, -1
	}
}
