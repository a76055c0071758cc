package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostTrigger is the longest Trigger.For.
const mostTrigger = 24 * time.Hour

var errTriggerName = errors.New("write touch, key:F2, gpio:door or http:doorbell")

// CheckTrigger refuses what no player can be told of.
func CheckTrigger(name string) error {
	kind, rest, _ := strings.Cut(name, ":")
	switch {
	case name == "touch":
	case kind == "key" && rest != "" && len(rest) <= 64 && !strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' }):
	case (kind == "gpio" || kind == "http") && plainName(rest):
	default:
		return fmt.Errorf("trigger %.80q does not work: %w", name, errTriggerName)
	}
	return nil
}

// plainName is a name as a bundle has them: 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit.
func plainName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", r)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// compile returns how long the trigger lasts, in nanoseconds.
func (t *Trigger) compile(kind string, refuse func(path, message string)) int64 {
	if len(t.On) == 0 {
		refuse("/trigger/on", "the trigger has nothing that sets it off: "+errTriggerName.Error())
	}
	for i, name := range t.On {
		if err := CheckTrigger(name); err != nil {
			refuse(fmt.Sprintf("/trigger/on/%d", i), err.Error())
		}
	}
	if t.For == "" {
		switch {
		case kind != kindMain && kind != kindTakeover:
			refuse("/trigger", fmt.Sprintf("the trigger of an event of kind %s needs a time: write for: 30s", kind))
		case t.Extend:
			refuse("/trigger/extend", "there is nothing to extend without a time: write for: 30s, or leave extend out")
		}
		return never
	}
	d, err := time.ParseDuration(t.For)
	if err != nil || d <= 0 || d > mostTrigger {
		refuse("/trigger/for", fmt.Sprintf("for %.40q does not work: write how long the event stays, up to 24h, such as \"30s\"", t.For))
	}
	return int64(d)
}

// triggered is when an event's trigger lets it play: [from, until) in seconds. Not ok: it has not been set off.
func (m *moment) triggered(e *event) (from, until int64, ok bool) {
	at, ok := m.state.Triggers[e.ID]
	if !ok {
		return 0, 0, false
	}
	if e.lasts == never {
		return at.Unix(), never, true
	}
	end := at.Add(time.Duration(e.lasts))
	until = end.Unix()
	if end.Nanosecond() > 0 { // never shorter than was promised
		until++
	}
	return at.Unix(), until, true
}

// waits says why an event's trigger does not let it play, "" when it does or there is none.
func (m *moment) waits(e *event) string {
	if e.Trigger == nil {
		return ""
	}
	from, until, ok := m.triggered(e)
	if !ok {
		return "it waits for " + strings.Join(e.Trigger.On, " or ")
	}
	switch {
	case m.now < from:
		return "its trigger counts from " + instantText(from)
	case m.now >= until:
		return fmt.Sprintf("its trigger was at %s and lasts %s: it waits for %s", instantText(from), e.Trigger.For, strings.Join(e.Trigger.On, " or "))
	}
	return ""
}

// Fire counts something that happened: st.Triggers gets now for each event of the player that waits for it and is eligible
// but for that. Of an event that is let play already, only one that extends. It returns these events' ids.
func (p *Plan) Fire(pl Player, st *State, name string, now time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, m := p.view(pl), newMoment(st, now)
	var counted []string
	for _, e := range p.events {
		if e.Trigger == nil || e.broken != "" || e.Disabled || !slices.Contains(e.Trigger.On, name) || !e.Target.names(pl) {
			continue
		}
		i, known := v.pulse(e.rhythm)
		if !known {
			continue
		}
		if on, _ := v.at(i, m.now); !on || !m.fit(e) {
			continue
		}
		if from, until, set := m.triggered(e); set && from <= m.now && m.now < until && !e.Trigger.Extend {
			continue
		}
		if st.Triggers == nil {
			st.Triggers = map[string]time.Time{}
		}
		st.Triggers[e.ID] = now
		counted = append(counted, e.ID)
	}
	return counted
}

// Lapsed are the events whose triggers are over or no longer of the plan, and that may be taken out of State.Triggers.
func (p *Plan) Lapsed(st State, now time.Time) []string {
	m := newMoment(&st, now)
	var over []string
	for _, id := range sortedKeys(st.Triggers) {
		i := slices.IndexFunc(p.events, func(e *event) bool { return e.ID == id && e.Trigger != nil })
		if i < 0 {
			over = append(over, id)
		} else if _, until, _ := m.triggered(p.events[i]); m.now >= until {
			over = append(over, id)
		}
	}
	return over
}

// metric is a metric's value at the moment.
func (m *moment) metric(name string) (value any, known bool) {
	if since, counts := m.state.Since[name]; counts {
		return max(m.now-since.Unix(), 0), true
	}
	value, known = m.state.Metrics[name]
	return value, known
}

// attune settles which events change by themselves, again when other metrics count than before.
func (v *view) attune(m *moment) {
	same := len(v.counts) == len(m.state.Since)
	for _, name := range v.counts {
		_, still := m.state.Since[name]
		same = same && still
	}
	if same {
		return
	}
	v.counts = sortedKeys(m.state.Since)
	for _, list := range v.ladder {
		for i := range list {
			list[i].gated = list[i].Trigger != nil || m.counts(list[i].event)
		}
	}
}

// counts says whether a condition of an event asks for a metric that changes by itself.
func (m *moment) counts(e *event) bool {
	return slices.ContainsFunc(e.When, func(c Condition) bool { _, yes := m.state.Since[c.Metric]; return yes })
}

// counted is a condition on a metric that counts seconds, asked at t: whether it holds, and when that may change next.
func (m *moment) counted(c *Condition, t int64) (on bool, until int64) {
	start, until := m.state.Since[c.Metric].Unix(), int64(never)
	edge := func(v any) {
		x, ok := toNumber(v)
		if !ok || x != x || x < -1 || x > 1e12 {
			return
		}
		for _, at := range []int64{start + int64(x), start + int64(x) + 1} { // x itself is reached, or passed
			if at > t {
				until = min(until, at)
			}
		}
	}
	if list, ok := toList(c.Value); ok {
		for _, v := range list {
			edge(v)
		}
	} else {
		edge(c.Value)
	}
	return c.holds(max(t-start, 0), true), until
}

// mostTurns bounds the search for an instant at which all that lets an event play comes together.
const mostTurns = 10_000

// turn says whether an event with a trigger or a counting condition is on, and the next instant at which that changes.
func (m *moment) turn(v *view, e aimed) (on bool, until int64) {
	if !m.still(e.event) {
		return false, never
	}
	first := true
	for t, turns := m.now, 0; turns < mostTurns; first, turns = false, turns+1 {
		all, off, soonest, latest := true, false, int64(never), t
		part := func(on bool, until int64) {
			if on {
				soonest = min(soonest, until)
				return
			}
			all = false
			off = off || until == never
			latest = max(latest, until)
		}
		if t == m.now {
			part(v.at(e.pulse, t))
		} else {
			u := &v.pulses[e.pulse]
			part(u.status(u.zone, t))
		}
		if e.Trigger != nil {
			part(m.gate(e.event, t))
		}
		for i := range e.When {
			if _, counts := m.state.Since[e.When[i].Metric]; counts {
				part(m.counted(&e.When[i], t))
			}
		}
		if first {
			on = all
		} else if all != on {
			return on, t
		}
		switch {
		case all && soonest == never, !all && off:
			return on, never
		case all:
			t = soonest
		default:
			t = latest
		}
	}
	return on, m.now + secondsADay // it is looked for again from there
}

// gate is an event's trigger asked at t.
func (m *moment) gate(e *event, t int64) (on bool, until int64) {
	from, end, ok := m.triggered(e)
	switch {
	case !ok || t >= end:
		return false, never
	case t < from:
		return false, from
	}
	return true, end
}

// still is fit without the conditions that change by themselves.
func (m *moment) still(e *event) bool {
	if e.NeedsClock && !m.sure {
		return false
	}
	for i := range e.When {
		c := &e.When[i]
		if _, counts := m.state.Since[c.Metric]; !counts && !c.holds(m.metric(c.Metric)) {
			return false
		}
	}
	return m.playable(e.Items) && (e.MaxPerHour == 0 || m.state.Plays[e.ID] < e.MaxPerHour)
}
