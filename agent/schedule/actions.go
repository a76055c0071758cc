package schedule

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// action is a compiled Action; its zone is the player's matter.
type action struct {
	Action
	broken string // why it is left out, "" when it is not
}

// mostActions bounds what is asked of one player.
const mostActions = 1000

// actions checks all of them. ids are the events'; an action needs one of its own, so that what is said of it is clear.
func (c *compiler) actions(list []Action, ids map[string]bool) []*action {
	var all []*action
	lit := slices.ContainsFunc(list, func(a Action) bool { return a.Do == DoScreenOn && !a.Disabled })
	for i, source := range list {
		a := &action{Action: source}
		all = append(all, a)
		if source.unread {
			a.broken = "it cannot be read"
			continue
		}
		refuse := func(below, message string) {
			if a.broken == "" {
				a.broken = message
			}
			c.report(fmt.Sprintf("/actions/%d%s", i, below), message)
		}
		if i >= mostActions {
			refuse("", fmt.Sprintf("there are more than %d actions: take some out", mostActions))
			break
		}
		c.action(a, ids, lit, refuse)
	}
	return all
}

func (c *compiler) action(a *action, ids map[string]bool, lit bool, refuse func(path, message string)) {
	switch {
	case !plainName(a.ID):
		refuse("/id", fmt.Sprintf("the action's id %.80q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\": give it a short name of its own", a.ID))
	case ids[a.ID]:
		refuse("/id", fmt.Sprintf("an event or another action has the id %q: give each its own", a.ID))
	}
	ids[a.ID] = true
	known := []string{DoReboot, DoPowerOff, DoScreenOn, DoScreenOff, DoVolume, DoScreenshot}
	switch {
	case !slices.Contains(known, a.Do):
		refuse("/do", fmt.Sprintf("do %.40q does not work: write %s", a.Do, strings.Join(known, ", ")))
	case a.Do == DoVolume && a.Volume == nil:
		refuse("/volume", "the action says no volume: write volume: 40, per cent")
	case a.Volume != nil && a.Do != DoVolume:
		refuse("/volume", "only do: volume has a volume: take it out")
	case a.Volume != nil && (*a.Volume < 0 || *a.Volume > 100):
		refuse("/volume", fmt.Sprintf("volume %d is not 0 to 100 per cent", *a.Volume))
	case a.Do == DoScreenOff && !lit && !a.Disabled:
		refuse("/do", "nothing switches the screen on again: add an action with do: screenOn, or use workingHours")
	}
	zone := a.Zone
	if zone == "" {
		zone = "UTC" // the player's is not known here
	}
	_, problems := CompileAction(a.Action, zone)
	for _, p := range problems {
		refuse(p.Path, p.Message)
	}
	conditions(a.When, refuse)
}

// Alarms are the actions that a player has to do, in the schedule's order: what is malformed, disabled or for others is left
// out, as is what needs the player's zone where that is unknown. A screenOff after which nothing would switch the screen on
// is left out too, in every case: a screen is never dark by mistake.
func (p *Plan) Alarms(pl Player) []*Alarm {
	var all []*Alarm
	lit := false
	for _, a := range p.actions {
		if a.broken != "" || a.Disabled || !a.Target.names(pl) {
			continue
		}
		if alarm, problems := CompileAction(a.Action, pl.Zone); len(problems) == 0 {
			all = append(all, alarm)
			lit = lit || a.Do == DoScreenOn
		}
	}
	return slices.DeleteFunc(all, func(a *Alarm) bool { return a.Action.Do == DoScreenOff && !lit })
}

// Unfit says why an action that is due is not to be done, "" when it is. The clock is asked, and the conditions.
func (a *Alarm) Unfit(st State, now time.Time) string {
	m := newMoment(&st, now)
	if !m.sure {
		return fmt.Sprintf("the clock is %s", st.Clock)
	}
	for i := range a.Action.When {
		c := &a.Action.When[i]
		if value, known := m.metric(c.Metric); !known {
			return fmt.Sprintf("metric %s is unknown", c.Metric)
		} else if !c.holds(value, known) {
			return fmt.Sprintf("metric %s is %v, not %s %v", c.Metric, value, c.Op, c.Value)
		}
	}
	return ""
}

// ActionOutlook is what is to be said of an action at an instant.
type ActionOutlook struct {
	ID   string     `json:"id"`
	Do   string     `json:"do"`
	Next *time.Time `json:"next,omitempty"` // when it is due next; absent = never
	Why  string     `json:"why,omitempty"`  // it would not be done then, if the state stayed
}

// Outlook says of each action when it is due next after now, and why it would not be done.
func (p *Plan) Outlook(pl Player, st State, now time.Time) []ActionOutlook {
	alarms := p.Alarms(pl)
	var all []ActionOutlook
	for _, a := range p.actions {
		o := ActionOutlook{ID: a.ID, Do: a.Do}
		i := slices.IndexFunc(alarms, func(x *Alarm) bool { return x.Action.ID == a.ID })
		switch {
		case a.broken != "":
			o.Why = "it is left out: " + a.broken
		case a.Disabled:
			o.Why = "it is disabled"
		case !a.Target.names(pl):
			o.Why = "its target does not name this player"
		case i < 0 && a.Do == DoScreenOff:
			o.Why = "nothing would switch this player's screen on again"
		case i < 0:
			o.Why = fmt.Sprintf("the player's zone %q is unknown: set an IANA name such as \"Europe/Paris\"", pl.Zone)
		default:
			if due, ok := alarms[i].Next(now); ok {
				o.Next, o.Why = &due, alarms[i].Unfit(st, now)
			} else {
				o.Why = "none of its days is to come"
			}
		}
		all = append(all, o)
	}
	return all
}

// Agenda yields the actions that are due in [from, to), by time, those of one instant in the schedule's order, and whether
// their conditions and the clock let them, if the state stays as it is.
func (p *Plan) Agenda(pl Player, st State, from, to time.Time) iter.Seq2[time.Time, Action] {
	return func(yield func(time.Time, Action) bool) {
		alarms := slices.DeleteFunc(p.Alarms(pl), func(a *Alarm) bool { return a.Unfit(st, from) != "" })
		next := make([]time.Time, len(alarms)) // zero = never
		for i, a := range alarms {
			next[i], _ = a.Next(from.Add(-time.Second))
		}
		for {
			first := -1
			for i, t := range next {
				if !t.IsZero() && (first < 0 || t.Before(next[first])) {
					first = i
				}
			}
			if first < 0 || !next[first].Before(to) {
				return
			}
			if !yield(next[first], alarms[first].Action) {
				return
			}
			next[first], _ = alarms[first].Next(next[first])
		}
	}
}

// switches are the alarms that switch the screen, if the state lets them.
func (p *Plan) switches(pl Player, st State) []*Alarm {
	return slices.DeleteFunc(p.Alarms(pl), func(a *Alarm) bool {
		return a.Action.Do != DoScreenOn && a.Action.Do != DoScreenOff || a.Unfit(st, time.Time{}) != ""
	})
}

// ScreenAt is State.Screen at t for a player that has been on all the time: what actions have switched it to.
func (p *Plan) ScreenAt(pl Player, st State, t time.Time) string {
	return screenAt(p.switches(pl, st), "", t)
}

// lookBack is how far back the last switch is looked for.
const lookBack = 366 * 24 * time.Hour

// screenAt is what switches have made of the screen at t; a state that is known counts.
func screenAt(switches []*Alarm, known string, t time.Time) string {
	if known != "" {
		return known
	}
	last, screen := time.Time{}, ""
	for _, a := range switches {
		for at, ok := a.Next(t.Add(-lookBack)); ok && !at.After(t); at, ok = a.Next(at) {
			// Of two at one instant, the one that leaves it on counts.
			if at.After(last) || at.Equal(last) && a.Action.Do == DoScreenOn {
				last, screen = at, map[bool]string{true: "off", false: "on"}[a.Action.Do == DoScreenOff]
			}
		}
	}
	return screen
}

// nextSwitch is the first switch after t.
func nextSwitch(switches []*Alarm, t time.Time) (at time.Time, off, ok bool) {
	for _, a := range switches {
		next, more := a.Next(t)
		if more && (!ok || next.Before(at) || next.Equal(at) && a.Action.Do == DoScreenOn) {
			at, off, ok = next, a.Action.Do == DoScreenOff, true
		}
	}
	return at, off, ok
}
