package schedule

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"
)

// Conflict is an event that can never show.
type Conflict struct {
	Event  string `json:"event"`
	Reason string `json:"reason"`
}

// Conflicts returns the events that can never show, with the reason: only what is certain for every instant and state, as
// long as the items of stronger events can be played. With players, it is about these; without, about any. Events that are
// disabled are not conflicts.
func (p *Plan) Conflicts(players ...Player) []Conflict {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Conflict
	for _, e := range p.events {
		if e.Disabled {
			continue
		}
		for _, reason := range []func(*event, []Player) string{p.leftOut, p.aimless, p.timeless, p.sleeping, p.covered} {
			if text := reason(e, players); text != "" {
				list = append(list, Conflict{e.ID, text})
				break
			}
		}
	}
	return list
}

func (p *Plan) leftOut(e *event, _ []Player) string {
	if e.broken != "" {
		return "it is left out: " + e.broken
	}
	return ""
}

func (p *Plan) aimless(e *event, players []Player) string {
	if len(players) == 0 || slices.ContainsFunc(players, e.Target.names) {
		return ""
	}
	if len(players) == 1 {
		return "its target does not name this player"
	}
	return fmt.Sprintf("its target names none of the %d players", len(players))
}

// timeless finds rhythms that are never on.
func (p *Plan) timeless(e *event, players []Player) string {
	r := e.rhythm
	first := max(r.dates.from, newDate(1, 1, 1))
	if len(r.dates.extra) > 0 {
		first = min(first, r.dates.extra[0])
	}
	switch {
	case r.dates.from > r.dates.to && len(r.dates.extra) == 0:
		return fmt.Sprintf("its last day, %s, is before its first, %s", r.dates.to, r.dates.from)
	case r.after >= r.before:
		return "its notAfter is not after its notBefore"
	case r.dates.next(first) == noDate:
		return "it has no day: exDates, days and the range of dates leave none"
	}
	if on, _, until := r.run(first.naive()); !on && until == never {
		return "it has no windows on any of its days"
	}
	for _, z := range zonesOf(r, e, players) {
		wide := *r
		if z.place == nil { // any zone there is: 14 hours around
			z.place = time.UTC
			wide.after, wide.before = r.after-min(r.after-math.MinInt64, 14*3600), r.before+min(never-r.before, 14*3600)
		}
		if on, until := wide.status(z, max(wide.after, first.naive()-14*3600)); on || until != never {
			return ""
		}
	}
	return "none of its windows is within notBefore and notAfter, or exists on its days' clocks"
}

// zonesOf returns the zones in which a rhythm is asked; one without a place stands for any.
func zonesOf(r *rhythm, e *event, players []Player) []*zone {
	var list []*zone
	for _, pl := range players {
		if place, err := loadZone(pl.Zone); err == nil && r.zone == "" && e.Target.names(pl) {
			list = append(list, &zone{place: place})
		}
	}
	if place, err := loadZone(r.zone); err == nil && r.zone != "" {
		list = append(list, &zone{place: place})
	}
	if len(list) == 0 {
		list = append(list, &zone{})
	}
	return list
}

const aWeek = 7 * secondsADay

// circle lays a rhythm's windows on one week from Monday, merged; what passes its end begins it.
func (r *rhythm) circle(weekdays uint8) []span {
	var all []span
	for day, spans := range r.week {
		if weekdays>>day&1 == 0 {
			continue
		}
		for _, s := range spans {
			start, end := day*secondsADay+s.start, day*secondsADay+s.end
			all = append(all, span{start, min(end, aWeek)})
			if end > aWeek {
				all = append(all, span{0, end - aWeek})
			}
		}
	}
	return merge(all)
}

// possible are all the weekdays that a date set may have.
func (s *dateSet) possible() uint8 {
	if s.rule != nil || s.extra != nil {
		return 1<<7 - 1
	}
	return s.weekdays
}

// sleeping finds events that only working hours' other side could show.
func (p *Plan) sleeping(e *event, _ []Player) string {
	h := p.hours
	if h == nil || p.wary || h.zone != e.rhythm.zone || e.Kind != kindMain && e.Kind != kindInterrupt {
		return ""
	}
	open := h.circle(h.dates.weekdays)
	for _, s := range e.rhythm.circle(e.rhythm.dates.possible()) {
		for _, o := range open {
			if s.start < o.end && o.start < s.end {
				return ""
			}
		}
	}
	return "all of its windows are outside of working hours, when the screen is off"
}

// covered finds events that stronger ones outrank at every instant.
func (p *Plan) covered(e *event, players []Player) string {
	var stronger []string
	var all []span
	for _, h := range p.events {
		if h.broken != "" || h.Disabled || !h.beats(e) || !h.alwaysWith(e, players) {
			continue
		}
		stronger = append(stronger, h.ID)
		if h.rhythm.always {
			all = append(all, span{0, aWeek})
			continue
		}
		all = append(all, h.rhythm.circle(h.rhythm.dates.weekdays)...)
	}
	all = merge(all)
	for _, s := range e.rhythm.circle(e.rhythm.dates.possible()) {
		if !covers(all, s.start, s.end) {
			return ""
		}
	}
	if len(stronger) > 3 {
		stronger = append(stronger[:3], "others")
	}
	return fmt.Sprintf("it is always outranked, by %q", stronger)
}

// beats says whether h alone wins when both are eligible.
func (h *event) beats(e *event) bool {
	layers := map[string]int{kindEmergency: 3, kindTakeover: 2, kindMain: 1, kindInterrupt: 1}
	switch {
	case h == e || h.Kind == kindOverlay:
		return false
	case e.Kind == kindOverlay:
		return h.Kind == kindEmergency || h.Kind == kindTakeover && h.Exclusive
	case h.Kind != e.Kind:
		return layers[h.Kind] > layers[e.Kind]
	case h.Kind == kindMain || h.Kind == kindInterrupt:
		return h.Priority > e.Priority
	}
	return ranking(h.Kind)(h, e) < 0
}

// alwaysWith says whether nothing but the time of the week decides that h is eligible, whenever and wherever e is.
func (h *event) alwaysWith(e *event, players []Player) bool {
	if len(h.When) > 0 || h.MaxPerHour > 0 || h.NeedsClock || h.Trigger != nil {
		return false
	}
	if everyone := h.Target == nil || reflect.DeepEqual(*h.Target, Target{}); !everyone && !reflect.DeepEqual(h.Target, e.Target) {
		if len(players) == 0 || slices.ContainsFunc(players, func(pl Player) bool { return e.Target.names(pl) && !h.Target.names(pl) }) {
			return false
		}
	}
	a, b := h.rhythm, e.rhythm
	if a.after > b.after || a.before < b.before {
		return false
	}
	if a.always {
		return true
	}
	from, to := b.dates.from, b.dates.to
	if b.dates.extra != nil {
		from, to = min(from, b.dates.extra[0]), max(to, b.dates.extra[len(b.dates.extra)-1])
	}
	begins := a.dates.from == firstDate || a.dates.from < from || a.dates.from == from && !a.overnight
	// A window of e's last day may end on the next.
	ends := a.dates.to == noDate || a.dates.to > to || a.dates.to == to && !b.overnight
	return a.zone == b.zone && a.dates.rule == nil && a.dates.except == nil && begins && ends
}
