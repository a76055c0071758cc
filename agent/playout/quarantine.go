package playout

import (
	"slices"
	"time"
)

const (
	failures    = 3
	failWindow  = 10 * time.Minute
	backoffLow  = 10 * time.Minute
	backoffHigh = 6 * time.Hour
)

// quarantine holds back items that fail: three times in ten minutes costs ten minutes, and twice that each time after, up
// to six hours. A new bundle begins with an empty one.
type quarantine map[string]*patient

type patient struct {
	failed []time.Time // in the last ten minutes
	why    string
	until  time.Time
	term   time.Duration // the next one
}

// fail counts a failure and says whether the item is held back from now on.
func (q quarantine) fail(item, why string, now time.Time) (until time.Time, out bool) {
	c := q.of(item)
	c.why = why
	c.failed = slices.DeleteFunc(append(c.failed, now), func(t time.Time) bool { return now.Sub(t) > failWindow })
	if len(c.failed) < failures {
		return time.Time{}, false
	}
	return q.hold(item, why, now), true
}

func (q quarantine) of(item string) *patient {
	c := q[item]
	if c == nil {
		c = &patient{term: backoffLow}
		q[item] = c
	}
	return c
}

// hold holds an item back at once.
func (q quarantine) hold(item, why string, now time.Time) (until time.Time) {
	c := q.of(item)
	c.why, c.failed = why, nil
	c.until, c.term = now.Add(c.term), min(2*c.term, backoffHigh)
	return c.until
}

// items lists what is held back, sorted.
func (q quarantine) items(now time.Time) []string {
	var held []string
	for item, c := range q {
		if now.Before(c.until) {
			held = append(held, item)
		}
	}
	slices.Sort(held)
	return held
}

// reasons says why.
func (q quarantine) reasons(now time.Time) map[string]string {
	held := map[string]string{}
	for _, item := range q.items(now) {
		held[item] = q[item].why
	}
	return held
}

// next is when the first of them is let go; zero = nobody is held.
func (q quarantine) next(now time.Time) time.Time {
	var first time.Time
	for _, c := range q {
		if now.Before(c.until) && (first.IsZero() || c.until.Before(first)) {
			first = c.until
		}
	}
	return first
}
