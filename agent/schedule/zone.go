package schedule

import (
	"math"
	"slices"
	"time"
)

// zone turns instants into local naive time. It keeps the stretches of constant offset that it has met.
type zone struct {
	place *time.Location
	known []stretch // sorted
}

// stretch is a time of constant offset from UTC, [from, to) in seconds of Unix time.
type stretch struct{ from, to, offset int64 }

const mostStretches = 1_000

// at returns the stretch that holds t.
func (z *zone) at(t int64) stretch {
	i, found := slices.BinarySearchFunc(z.known, t, func(s stretch, t int64) int {
		switch {
		case s.to <= t:
			return -1
		case s.from > t:
			return 1
		}
		return 0
	})
	if found {
		return z.known[i]
	}
	there := time.Unix(t, 0).In(z.place)
	_, offset := there.Zone()
	s := stretch{math.MinInt64, math.MaxInt64, int64(offset)}
	begin, end := there.ZoneBounds()
	if !begin.IsZero() {
		s.from = begin.Unix()
	}
	if !end.IsZero() {
		s.to = end.Unix()
	}
	if s.to <= t { // ZoneBounds counts 365 days for every year that a rule describes: the last day of a leap year is after its end
		_, second := split(t)
		s.to = t - int64(second) + secondsADay
	}
	if len(z.known) >= mostStretches {
		z.known, i = z.known[:0], 0
	}
	z.known = slices.Insert(z.known, i, s)
	return s
}

// Local time may jump back by at most this much between any two instants (offsets run from -12 to +14 hours), in seconds.
const mostJump = 27 * 60 * 60

// status returns whether r is active at t in z, and the first instant after t at which that changes.
func (r *rhythm) status(z *zone, t int64) (on bool, until int64) {
	switch {
	case r.after >= r.before || t >= r.before:
		return false, never
	case t < r.after:
		if on, until = r.local(z, r.after); on {
			return false, r.after
		}
		if until >= r.before {
			until = never
		}
		return false, until
	}
	on, until = r.local(z, t)
	if on {
		until = min(until, r.before)
	} else if until >= r.before {
		until = never
	}
	return on, until
}

// local is status without absolute validity. Within a stretch of constant offset, local time runs straight; at its end it
// jumps, and what is on there is asked anew.
func (r *rhythm) local(z *zone, t int64) (on bool, until int64) {
	s := z.at(t)
	n := t + s.offset
	on, from, to := r.run(n)
	for {
		if from == math.MinInt64 && to == never {
			return on, never
		}
		if to != never && to-s.offset <= s.to {
			t = to - s.offset
		} else if t = s.to; t == never || t > lastDate.naive() {
			return on, never
		}
		if n-from > mostJump { // no jump back reaches its beginning
			if to == never {
				return on, never
			}
			t = max(t, to-2*mostJump-s.offset) // nor does any between here and there reach its end
		}
		s = z.at(t)
		n = t + s.offset
		if n >= from && n < to {
			continue
		}
		var now bool
		if now, from, to = r.run(n); now != on {
			return on, t
		}
	}
}
