package clock

import "time"

// anchor is an instant that was certainly past at some uptime.
type anchor struct {
	known bool
	base  time.Time
	up    time.Duration
}

// at is the instant that is certainly past at an uptime; the zero time while nothing is known.
func (a anchor) at(up time.Duration) time.Time {
	if !a.known {
		return time.Time{}
	}
	return a.base.Add(up - a.up)
}

// raise takes a later instant; an earlier one is known already.
func (a *anchor) raise(t time.Time, up time.Duration) {
	if !t.IsZero() && t.After(a.at(up)) {
		a.set(t, up)
	}
}

func (a *anchor) set(t time.Time, up time.Duration) {
	*a = anchor{known: true, base: t.Round(0).UTC(), up: up}
}

// judge is the rule of trust: how far the system's clock can be believed, and what time it is.
func judge(wall time.Time, floor anchor, up time.Duration, confirmed bool) (Trust, time.Time) {
	switch {
	case floor.known && wall.Before(floor.base.Add(-Tolerance)):
		return Estimated, floor.at(up)
	case confirmed:
		return Trusted, wall.UTC()
	case !floor.known:
		return None, wall.UTC()
	}
	return Held, wall.UTC()
}

// keep is the instant to keep over a restart, if there is one: what the clock says when it is trusted, else what is
// certainly past. A hardware clock that nobody has confirmed is not kept, for it may be ahead; nor is anything more than a
// year above what was signed. While a synchronised clock is below the floor, the floor waits for it.
func keep(trust Trust, wall time.Time, synchronised bool, floor, signed anchor, up time.Duration) (time.Time, bool) {
	t := floor.at(up)
	switch {
	case trust == Trusted:
		t = wall
	case trust == None, trust == Estimated && synchronised:
		return t, false
	}
	if signed.known && t.After(signed.at(up).Add(year)) || t.Before(floor.base) {
		return t, false
	}
	return t, true
}
