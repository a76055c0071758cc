package schedule

import (
	"math"
	"slices"
	"time"
)

// view is a plan as one player sees it: what is aimed at it, and when each rhythm changes next.
type view struct {
	player  Player
	ladder  map[string][]aimed
	pulses  []pulse
	known   []known // of each pulse, apart: this is what nearly every question reads, and nothing else
	hours   int     // index into pulses, -1 = none
	zones   map[string]*zone
	counts  []string // metrics that counted when gated was settled
	indexes map[*rhythm]int
}

// aimed is an event with the pulse of its rhythm.
type aimed struct {
	*event
	pulse    int
	priority int  // the event's, here for the same reason
	gated    bool // it has a trigger, or a condition on a metric that counts: it changes by itself
}

// pulse is a rhythm in a zone.
type pulse struct {
	*rhythm
	zone *zone
}

// known is a pulse's answer, right in [from, until).
type known struct {
	from, until int64
	on          bool
}

const mostViews = 8

// view returns the plan's view for a player. The plan must be locked.
func (p *Plan) view(pl Player) *view {
	for i, v := range p.views {
		if v.player.ID == pl.ID && v.player.Zone == pl.Zone && slices.Equal(v.player.Groups, pl.Groups) && slices.Equal(v.player.Tags, pl.Tags) {
			copy(p.views[1:i+1], p.views[:i])
			p.views[0] = v
			return v
		}
	}
	pl.Groups, pl.Tags = slices.Clone(pl.Groups), slices.Clone(pl.Tags)
	v := &view{player: pl, ladder: map[string][]aimed{}, hours: -1, zones: map[string]*zone{}, indexes: map[*rhythm]int{}}
	for kind, list := range p.ladder {
		for _, e := range list {
			if !e.Target.names(pl) {
				continue
			}
			if i, ok := v.pulse(e.rhythm); ok {
				v.ladder[kind] = append(v.ladder[kind], aimed{e, i, e.Priority, e.Trigger != nil})
			}
		}
	}
	if p.hours != nil {
		// In an unknown zone the hours are unknown too, and the screen stays on.
		if i, ok := v.pulse(p.hours); ok {
			v.hours = i
		}
	}
	p.views = append([]*view{v}, p.views[:min(len(p.views), mostViews-1)]...)
	return v
}

// pulse finds or makes the pulse of a rhythm; not ok when it needs the player's zone and that is unknown.
func (v *view) pulse(r *rhythm) (int, bool) {
	if i, ok := v.indexes[r]; ok {
		return i, i >= 0
	}
	name := r.zone
	if name == "" {
		name = v.player.Zone
	}
	z := v.zones[name]
	if z == nil {
		place, err := loadZone(name)
		switch {
		case err == nil:
			z = &zone{place: place}
		case r.always && r.zone == "":
			z = &zone{place: time.UTC} // never asked for local time
		default:
			v.indexes[r] = -1
			return -1, false
		}
		if err == nil {
			v.zones[name] = z
		}
	}
	v.pulses = append(v.pulses, pulse{r, z})
	v.known = append(v.known, known{from: 1}) // nothing yet
	v.indexes[r] = len(v.pulses) - 1
	return v.indexes[r], true
}

// at asks a pulse; most of the time it knows.
func (v *view) at(i int, now int64) (on bool, until int64) {
	k := &v.known[i]
	if now < k.from || now >= k.until {
		u := &v.pulses[i]
		k.on, k.until = u.status(u.zone, now)
		k.from = now
	}
	return k.on, k.until
}

// names says whether a player is meant.
func (t *Target) names(pl Player) bool {
	if t == nil || len(t.Devices) == 0 && len(t.Groups) == 0 && len(t.Tags) == 0 {
		return true
	}
	if slices.Contains(t.Devices, pl.ID) {
		return true
	}
	for _, g := range t.Groups {
		if slices.Contains(pl.Groups, g) {
			return true
		}
	}
	for _, tag := range t.Tags {
		if !slices.Contains(pl.Tags, tag) {
			return false
		}
	}
	return len(t.Tags) > 0
}

// moment is a State made ready for questions, at one instant.
type moment struct {
	state *State
	bad   map[string]string // item -> what is wrong with it
	sure  bool              // the clock is trusted or held
	now   int64
	next  int64 // the earliest change that matters, so far
}

func newMoment(st *State, now time.Time) *moment {
	m := &moment{state: st, now: now.Unix(), next: math.MaxInt64}
	m.sure = st.Clock == "" || st.Clock == "trusted" || st.Clock == "held"
	if n := len(st.Missing) + len(st.Quarantined); n > 0 {
		m.bad = make(map[string]string, n)
		for _, item := range st.Quarantined {
			m.bad[item] = "in quarantine"
		}
		for _, item := range st.Missing {
			m.bad[item] = "missing"
		}
	}
	return m
}

func (m *moment) playable(items []string) bool {
	if m.bad == nil {
		return len(items) > 0
	}
	return slices.ContainsFunc(items, func(item string) bool { return m.bad[item] == "" })
}

// keep appends the items that can be played.
func (m *moment) keep(loop, items []string) []string {
	for _, item := range items {
		if m.bad[item] == "" {
			loop = append(loop, item)
		}
	}
	return loop
}

// fit is every test of an event but those of time and rank.
func (m *moment) fit(e *event) bool {
	if e.NeedsClock && !m.sure {
		return false
	}
	for i := range e.When {
		if c := &e.When[i]; !c.holds(m.metric(c.Metric)) {
			return false
		}
	}
	return m.playable(e.Items) && (e.MaxPerHour == 0 || m.state.Plays[e.ID] < e.MaxPerHour)
}

// live says whether an event is on, and notes when that changes if it would change the answer: the caller asks only
// about events that do.
func (m *moment) live(v *view, e aimed) bool {
	if e.gated {
		on, until := m.turn(v, e)
		if on || until < m.next {
			m.next = min(m.next, until)
		}
		return on
	}
	on, until := v.at(e.pulse, m.now)
	if !on && until >= m.next || !m.fit(e.event) {
		return false
	}
	m.next = min(m.next, until)
	return on
}

// At decides what a player shows at an instant, without Why. Of now, whole seconds count.
// Next is exact while the player's state stays as it is.
func (p *Plan) At(pl Player, st State, now time.Time) Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, m := p.decide(p.view(pl), &st, now)
	d.Next = m.instant()
	return d
}

func (m *moment) instant() *time.Time {
	if m.next == math.MaxInt64 {
		return nil
	}
	t := time.Unix(m.next, 0).UTC()
	return &t
}

func (p *Plan) decide(v *view, st *State, now time.Time) (Decision, *moment) {
	m := newMoment(st, now)
	v.attune(m)
	d := Decision{Screen: "on", Events: []string{}, Loop: []string{}, Overlays: []string{}}
	if e := v.first(kindEmergency, m); e != nil {
		d.Layer, d.Events, d.Loop = LayerEmergency, []string{e.ID}, m.keep(nil, e.Items)
		return d, m
	}
	timed := m.sure || !p.wary // else the defaults play
	if e := v.first(kindTakeover, m); e != nil {
		d.Layer, d.Events, d.Loop = LayerTakeover, []string{e.ID}, m.keep(nil, e.Items)
		if !e.Exclusive && timed {
			d.Overlays = v.overlays(m)
		}
		return d, m
	}
	if timed && st.Screen == "off" {
		d.Screen, d.Layer = "off", LayerOff
		return d, m
	}
	if timed && v.hours >= 0 {
		on, until := v.at(v.hours, m.now)
		m.next = min(m.next, until)
		if !on {
			d.Screen, d.Layer = "off", LayerOff
			return d, m
		}
	}
	var mains []aimed
	if timed {
		mains = v.top(kindMain, m)
		d.Overlays = v.overlays(m)
		d.Interrupts = shares(v.top(kindInterrupt, m))
	}
	if len(mains) > 0 {
		d.Layer = LayerScheduled
		for _, e := range mains {
			d.Events = append(d.Events, e.ID)
		}
		d.Loop = m.loop(mains)
		return d, m
	}
	d.Layer, d.Loop = p.standing(v.player, m)
	return d, m
}

// first returns the strongest event of a kind that is on. Only those stronger than it can change the answer.
func (v *view) first(kind string, m *moment) *event {
	for _, e := range v.ladder[kind] {
		if m.live(v, e) {
			return e.event
		}
	}
	return nil
}

// top returns the events of the highest priority that is on, in order.
func (v *view) top(kind string, m *moment) []aimed {
	var top []aimed
	for _, e := range v.ladder[kind] {
		if len(top) > 0 && e.priority < top[0].priority {
			break
		}
		if m.live(v, e) {
			top = append(top, e)
		}
	}
	return top
}

func (v *view) overlays(m *moment) []string {
	ids := []string{}
	for _, e := range v.ladder[kindOverlay] {
		if m.live(v, e) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// loop puts the events' items in a row: one event after the other, but interleaved where all of one order are roundRobin.
func (m *moment) loop(events []aimed) []string {
	var loop []string
	for len(events) > 0 {
		n, robin := 0, true
		for n < len(events) && events[n].order == events[0].order {
			robin = robin && events[n].robin
			n++
		}
		if !robin {
			for _, e := range events[:n] {
				loop = m.keep(loop, e.Items)
			}
		} else {
			lists := make([][]string, n)
			longest := 0
			for i, e := range events[:n] {
				lists[i] = m.keep(nil, e.Items)
				longest = max(longest, len(lists[i]))
			}
			for turn := range longest {
				for _, list := range lists {
					if turn < len(list) {
						loop = append(loop, list[turn])
					}
				}
			}
		}
		events = events[n:]
	}
	return loop
}

// standing is what shows when no event does.
func (p *Plan) standing(pl Player, m *moment) (layer string, loop []string) {
	if items := p.defaults.Device[pl.ID]; m.playable(items) {
		return LayerDefault, m.keep(nil, items)
	}
	for _, g := range pl.Groups {
		if items := p.defaults.Group[g]; m.playable(items) {
			return LayerDefault, m.keep(nil, items)
		}
	}
	if m.playable(p.defaults.Fleet) {
		return LayerDefault, m.keep(nil, p.defaults.Fleet)
	}
	return LayerFallback, []string{FallbackItem}
}

// shares returns the per mille of each interrupt. Over 1000 in all, every one is scaled so that they make 1000: rounded
// down, and what is left goes to the largest remainders, in the events' order.
func shares(events []aimed) map[string]int {
	if len(events) == 0 {
		return nil
	}
	total := 0
	for _, e := range events {
		total += e.Share
	}
	out := make(map[string]int, len(events))
	if total <= 1000 {
		for _, e := range events {
			out[e.ID] = e.Share
		}
		return out
	}
	left := 1000
	for _, e := range events {
		out[e.ID] = e.Share * 1000 / total
		left -= out[e.ID]
	}
	rest := slices.Clone(events)
	slices.SortStableFunc(rest, func(a, b aimed) int { return b.Share*1000%total - a.Share*1000%total })
	for _, e := range rest[:left] {
		out[e.ID]++
	}
	return out
}
