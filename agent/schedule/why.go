package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Explain is At with Why: for each event that does not play, the first test that it fails, in words.
func (p *Plan) Explain(pl Player, st State, now time.Time) Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.view(pl)
	d, m := p.decide(v, &st, now)
	d.Next = m.instant()
	shown := map[string]bool{}
	for _, id := range d.Events {
		shown[id] = true
	}
	for _, id := range d.Overlays {
		shown[id] = true
	}
	for id := range d.Interrupts {
		shown[id] = true
	}
	ranks := p.ranks(d)
	for _, e := range p.events {
		if shown[e.ID] && e.broken == "" {
			continue
		}
		if d.Why == nil {
			d.Why = map[string]string{}
		}
		if _, twice := d.Why[e.ID]; twice || shown[e.ID] {
			continue
		}
		why := p.unfit(v, m, e)
		if why == "" {
			why = p.outranked(d, m, e, ranks)
		}
		d.Why[e.ID] = why
	}
	return d
}

// unfit names the first test that an event fails by itself, "" when it is eligible.
func (p *Plan) unfit(v *view, m *moment, e *event) string {
	switch {
	case e.broken != "":
		return "it is left out: " + e.broken
	case e.Disabled:
		return "it is disabled"
	case !e.Target.names(v.player):
		return "its target does not name this player"
	}
	i, ok := v.pulse(e.rhythm)
	if !ok {
		return fmt.Sprintf("the player's zone %q is unknown: set an IANA name such as \"Europe/Paris\"", v.player.Zone)
	}
	if on, _ := v.at(i, m.now); !on {
		return v.pulses[i].silence(m.now)
	}
	if e.NeedsClock && !m.sure {
		return fmt.Sprintf("it needs a trusted clock and the clock is %s", m.state.Clock)
	}
	for i := range e.When {
		if c := &e.When[i]; !c.holds(m.metric(c.Metric)) {
			value, known := m.metric(c.Metric)
			if !known {
				return fmt.Sprintf("metric %s is unknown", c.Metric)
			}
			return fmt.Sprintf("metric %s is %v, not %s %v", c.Metric, value, c.Op, c.Value)
		}
	}
	if wait := m.waits(e); wait != "" {
		return wait
	}
	if !m.playable(e.Items) {
		wrong := make([]string, len(e.Items))
		for i, item := range e.Items {
			wrong[i] = item + " is " + m.bad[item]
		}
		return "no item can be played: " + strings.Join(wrong, ", ")
	}
	if e.MaxPerHour > 0 && m.state.Plays[e.ID] >= e.MaxPerHour {
		return fmt.Sprintf("it played %d times within the hour and may %d times", m.state.Plays[e.ID], e.MaxPerHour)
	}
	return ""
}

// silence says why a rhythm is not on at t.
func (u *pulse) silence(t int64) string {
	switch {
	case t < u.after:
		return "it is not valid before " + instantText(u.after)
	case t >= u.before:
		return "it is not valid since " + instantText(u.before)
	}
	day, second := split(t + u.zone.at(t).offset)
	s := &u.dates
	next := s.next(day)
	if next == day {
		spans := u.week[day.weekday()]
		if len(spans) == 0 {
			return fmt.Sprintf("it has no windows on %s", day.name())
		}
		texts := make([]string, len(spans))
		for i, w := range spans {
			texts[i] = clockText(w.start) + "-" + clockText(w.end)
		}
		return fmt.Sprintf("%s is outside of its windows, %s", clockText(second), strings.Join(texts, ", "))
	}
	switch {
	case day < s.from && next != noDate:
		return fmt.Sprintf("%s is before its first day, %s", day.name(), next.name())
	case day > s.to && next == noDate:
		return fmt.Sprintf("%s is after its last day, %s", day.name(), s.to.name())
	case next == noDate:
		return fmt.Sprintf("%s is not one of its days, and none is to come", day.name())
	}
	return fmt.Sprintf("%s is not one of its days; the next is %s", day.name(), next.name())
}

func instantText(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// ranks is what beats the eligible events that do not play.
type ranks struct {
	main, interrupt int
	winner          *event
}

func (p *Plan) ranks(d Decision) ranks {
	var r ranks
	for _, e := range p.events {
		if e.broken != "" {
			continue
		}
		if len(d.Events) > 0 && e.ID == d.Events[0] {
			r.main, r.winner = e.Priority, e
		}
		if _, ok := d.Interrupts[e.ID]; ok {
			r.interrupt = e.Priority
		}
	}
	return r
}

// outranked says what plays instead of an eligible event.
func (p *Plan) outranked(d Decision, m *moment, e *event, r ranks) string {
	switch {
	case d.Layer == LayerEmergency && e.Kind == kindEmergency:
		if e.grade != r.winner.grade {
			return fmt.Sprintf("severity %s is below %s", gradeName(e.grade), gradeName(r.winner.grade))
		}
		return later(e, r.winner)
	case d.Layer == LayerEmergency && e.Kind == kindOverlay:
		return fmt.Sprintf("emergency %s hides overlays", d.Events[0])
	case d.Layer == LayerEmergency:
		return fmt.Sprintf("emergency %s is on", d.Events[0])
	case d.Layer == LayerTakeover && e.Kind == kindTakeover:
		return later(e, r.winner)
	case d.Layer == LayerTakeover && e.Kind == kindOverlay && r.winner.Exclusive:
		return fmt.Sprintf("takeover %s is exclusive and hides overlays", d.Events[0])
	case !m.sure && p.wary:
		return fmt.Sprintf("the clock is %s and the schedule says untrustedClock: default", m.state.Clock)
	case d.Layer == LayerTakeover:
		return fmt.Sprintf("takeover %s is on", d.Events[0])
	case d.Layer == LayerOff && m.state.Screen == "off":
		return "an action has switched the screen off"
	case d.Layer == LayerOff:
		return "it is outside of working hours, the screen is off"
	case e.Kind == kindInterrupt:
		return fmt.Sprintf("priority %d is below %d", e.Priority, r.interrupt)
	}
	return fmt.Sprintf("priority %d is below %d", e.Priority, r.main)
}

func later(e, winner *event) string {
	if !e.issued.Equal(winner.issued) {
		return fmt.Sprintf("%s was issued later", winner.ID)
	}
	return fmt.Sprintf("%s was issued at the same time and its id is greater", winner.ID)
}

func gradeName(grade int) string {
	return [...]string{"Unknown", "Minor", "Moderate", "Severe", "Extreme"}[grade]
}
