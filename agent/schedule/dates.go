package schedule

import (
	"slices"
)

// dateSet is the days on which an event's windows start.
type dateSet struct {
	rule     *rule // nil = weekdays
	weekdays uint8 // bit 0 = Monday
	from, to date  // inclusive
	extra    []date
	except   []date

	// The last search, kept: no member in [gapFrom, gapNext).
	gapFrom, gapNext date
	searched         bool
}

// next returns the first member at or after d, noDate when there is none.
func (s *dateSet) next(d date) date {
	if s.searched && d >= s.gapFrom && d <= s.gapNext {
		return s.gapNext
	}
	s.gapFrom, s.searched = d, true
	for {
		n := s.regular(d)
		if i, _ := slices.BinarySearch(s.extra, d); i < len(s.extra) {
			n = min(n, s.extra[i])
		}
		if _, out := slices.BinarySearch(s.except, n); !out {
			s.gapNext = n
			return n
		}
		d = n + 1
	}
}

func (s *dateSet) has(d date) bool { return s.next(d) == d }

// regular is next without rDates and exDates.
func (s *dateSet) regular(d date) date {
	d = max(d, s.from)
	n := noDate
	switch {
	case s.rule != nil:
		n = s.rule.next(d)
	case s.weekdays != 0:
		for n = d; s.weekdays>>n.weekday()&1 == 0; n++ {
		}
	}
	if n > s.to || n > lastDate {
		return noDate
	}
	return n
}

// mostRun bounds the search for a day off, in days: a century.
const mostRun = 36525

// nextOff returns the first day at or after d that is not a member, noDate when every day to come is one.
func (s *dateSet) nextOff(d date) date {
	if s.rule == nil && s.weekdays == 1<<7-1 && d >= s.from {
		off := noDate
		if s.to < lastDate {
			off = s.to + 1
		}
		if i, _ := slices.BinarySearch(s.except, d); i < len(s.except) {
			off = min(off, s.except[i])
		}
		if _, again := slices.BinarySearch(s.extra, off); !again {
			return off
		}
	}
	for end := d + mostRun; d < end; d++ {
		if !s.has(d) {
			return d
		}
	}
	return d
}
