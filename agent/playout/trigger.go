package playout

import (
	"maps"
	"slices"
	"sync"
	"time"

	"vitrine/agent/schedule"
	"vitrine/render/pipe"
)

// idle is the metric that counts the seconds since somebody last touched the screen or a key.
const idle = "touch.idle"

// mostFired bounds what waits to be counted; more at once is one person at one screen no longer.
const mostFired = 100

// instant is one by the monotonic clock, and what the player's clock said then: a step of that clock moves it along.
type instant struct {
	mono time.Time
	wall time.Time
}

// at is the instant by the player's clock as it is now.
func (i *instant) at(now time.Time) time.Time {
	if exact := now.Add(-time.Since(i.mono)); i.wall.IsZero() || exact.Sub(i.wall).Abs() > time.Second {
		i.wall = exact
	}
	return i.wall
}

// visitors are what people and machines before the screen have done.
type visitors struct {
	mu    sync.Mutex
	fired []string             // not counted yet
	waits map[string]bool      // what the schedule's events wait for
	asks  map[string]bool      // metrics that the schedule's events ask for
	known map[string]any       // metrics, when the schedule was last asked
	since map[string]time.Time // those that count, then
	dark  bool                 // an action has switched the screen off

	// Only Run's goroutine uses what follows.
	set     map[string]*instant // by event: when its trigger last counted
	touched instant
}

// Trigger says that something happened that events may wait for: touch, key:F2, gpio:door, http:doorbell. It says whether
// the schedule has an event that does.
func (p *Playout) Trigger(name string) bool {
	v := &p.visitors
	v.mu.Lock()
	awaited := v.waits[name]
	if awaited && len(v.fired) < mostFired {
		v.fired = append(v.fired, name)
	}
	v.mu.Unlock()
	if awaited {
		p.nudge()
	}
	return awaited
}

// SetScreen says whether an action lets the screen be on. Off, it stays dark but for emergencies and takeovers.
func (p *Playout) SetScreen(on bool) {
	v := &p.visitors
	v.mu.Lock()
	same := v.dark == !on
	v.dark = !on
	v.mu.Unlock()
	if !same {
		p.nudge()
	}
}

// Conditions are all the metrics that are known, and those that count the seconds since an instant.
func (p *Playout) Conditions() (values map[string]any, since map[string]time.Time) {
	v := &p.visitors
	v.mu.Lock()
	values, since = maps.Clone(v.known), maps.Clone(v.since)
	v.mu.Unlock()
	if values == nil {
		values = map[string]any{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(values, p.own)
	return values, since
}

// asked says whether an event of the schedule asks for a metric: only then is the schedule asked again when it changes.
func (v *visitors) asked(metric string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asks[metric]
}

// learn notes what the schedule's events wait for and ask.
func (v *visitors) learn(events []schedule.Event) {
	waits, asks := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		for _, c := range e.When {
			asks[c.Metric] = true
		}
		if e.Trigger != nil && !e.Disabled {
			for _, name := range e.Trigger.On {
				waits[name] = true
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waits, v.asks = waits, asks
}

// input takes what a person did before the screen; it says whether the schedule is to be asked again.
func (p *Playout) input(in *pipe.Input) (again bool) {
	if in == nil {
		return false
	}
	v := &p.visitors
	v.touched = instant{mono: time.Now()}
	name := "touch"
	if in.Key != "" {
		name = "key:" + in.Key
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waits[name] && len(v.fired) < mostFired {
		v.fired = append(v.fired, name)
	}
	return v.waits[name] || v.asks[idle]
}

// happenings completes the state that the schedule is asked with: what has been fired counts now.
func (p *Playout) happenings(who schedule.Player, st *schedule.State, now time.Time) {
	v := &p.visitors
	if v.touched.mono.IsZero() {
		v.touched.mono = p.begun // nobody has touched it since
	}
	st.Since = map[string]time.Time{idle: v.touched.at(now)}
	st.Triggers = map[string]time.Time{}
	for id, i := range v.set {
		st.Triggers[id] = i.at(now)
	}
	v.mu.Lock()
	fired := v.fired
	v.fired, v.known, v.since = nil, st.Metrics, st.Since
	if v.dark {
		st.Screen = "off"
	}
	v.mu.Unlock()
	for _, name := range fired {
		for _, id := range p.plan.Fire(who, st, name, now) {
			if e := p.event(id); e != nil && e.Trigger.For == "" && p.on != nil && p.on.event == id {
				delete(st.Triggers, id) // its last item is on
				continue
			}
			p.log.Info("trigger counted", "trigger", name, "event", id)
			if v.set == nil {
				v.set = map[string]*instant{}
			}
			v.set[id] = &instant{mono: time.Now(), wall: st.Triggers[id]}
		}
	}
	for _, id := range p.plan.Lapsed(*st, now) {
		delete(v.set, id)
		delete(st.Triggers, id)
	}
}

// forget takes the triggers back that have no time of their own and whose events do not play now.
func (p *Playout) forget(d schedule.Decision) {
	for id := range p.visitors.set {
		if e := p.event(id); e == nil || e.Trigger != nil && e.Trigger.For == "" && !slices.Contains(d.Events, id) {
			delete(p.visitors.set, id)
		}
	}
}

// event finds one of the bundle's or the alerts'.
func (p *Playout) event(id string) *schedule.Event {
	for i := range p.all {
		if p.all[i].ID == id {
			return &p.all[i]
		}
	}
	return nil
}

// lastTurn ends an event that plays until it has been shown once, as its last item begins: that one is still played to its
// end, and what comes then is known before. It says whether the schedule is to be asked again.
func (p *Playout) lastTurn(s *showing) bool {
	if p.visitors.set[s.event] == nil || len(p.loop) == 0 {
		return false
	}
	e := p.event(s.event)
	if e == nil || e.Trigger == nil || e.Trigger.For != "" {
		return false
	}
	mine := slices.DeleteFunc(slices.Clone(p.loop), func(item string) bool { return !slices.Contains(e.Items, item) })
	if len(mine) == 0 || mine[len(mine)-1] != s.item {
		return false
	}
	delete(p.visitors.set, s.event)
	return true
}

// timeUp says whether an event that was let play for a time has ended: it leaves the screen at once.
func (p *Playout) timeUp(was, now schedule.Decision) bool {
	return slices.ContainsFunc(was.Events, func(id string) bool {
		e := p.event(id)
		return e != nil && e.Trigger != nil && e.Trigger.For != "" && !slices.Contains(now.Events, id)
	})
}
