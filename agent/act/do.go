package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/schedule"
	"vitrine/agent/store"
)

func equal(a, b []string) bool { return slices.Equal(a, b) }

// take takes a bundle's actions.
func (a *Actor) take(live *store.Live) {
	a.live, a.alarms, a.plan = live, nil, nil
	if live.Manifest != nil && len(live.Manifest.Schedule.Actions) > 0 {
		zone := live.Settings.Zone
		if zone == "" {
			zone = live.Manifest.Zone
		}
		if zone == "" {
			zone = "UTC"
		}
		a.player = schedule.Player{ID: live.Settings.ID, Groups: live.Settings.Groups, Tags: live.Settings.Tags, Zone: zone}
		// What is malformed is reported by playout, which compiles the same schedule.
		a.plan, _ = schedule.Compile(&schedule.Schedule{Actions: live.Manifest.Schedule.Actions})
		a.alarms = a.plan.Alarms(a.player)
	}
	has := func(do string) bool {
		return slices.ContainsFunc(a.alarms, func(x *schedule.Alarm) bool { return x.Action.Do == do })
	}
	for id := range a.ledger.Actions {
		if !slices.ContainsFunc(a.alarms, func(x *schedule.Alarm) bool { return x.Action.ID == id }) {
			delete(a.ledger.Actions, id)
		}
	}
	if !has(schedule.DoScreenOff) || !has(schedule.DoScreenOn) {
		a.ledger.Screen = ""
	}
	if !has(schedule.DoVolume) {
		a.ledger.Volume = nil
	}
	for id := range a.checks {
		if a.ledger.Actions[id] == nil {
			delete(a.checks, id)
			a.cfg.Gone("action:" + id)
		}
	}
	a.setVolume()
}

// due is an alarm with its instant.
type due struct {
	alarm *schedule.Alarm
	*entry
	at time.Time
}

// step does everything that is due now.
func (a *Actor) step(ctx context.Context) {
	st, _ := a.cfg.Clock.State()
	state := schedule.State{Clock: string(st.Trust)}
	state.Metrics, state.Since = a.cfg.Metrics()
	sure := st.Trust == "trusted" || st.Trust == "held"
	defer a.report()
	if !sure {
		a.cfg.Stage.SetScreen(true)
		return
	}
	for _, d := range a.dueNow(ctx, st.Now) {
		if why := d.alarm.Unfit(state, st.Now); why != "" {
			a.settle(d, skipped, why)
			continue
		}
		if a.begin(ctx, d, st.Now) {
			break // the machine goes down
		}
	}
	a.cfg.Stage.SetScreen(a.ledger.Screen != "off")
}

// dueNow lists what is due, oldest first and restarts last. What has begun before and is not over comes again.
func (a *Actor) dueNow(ctx context.Context, now time.Time) []due {
	var list []due
	for _, alarm := range a.alarms {
		e := a.known(alarm.Action, now)
		if e.State == begun && a.resume(due{alarm, e, e.Due}, now) {
			list = append(list, due{alarm, e, e.Due})
			continue
		}
		at, ok := alarm.Due(e.last(now), now)
		if alarm.Action.Do == schedule.DoScreenOn && a.ledger.Screen == "off" && !ok {
			// However late: a screen is never dark by mistake.
			at, ok = alarm.Next(a.ledger.Dark)
			ok = ok && !at.After(now)
		}
		if ok && e.State != begun && !(at.Equal(e.Due) && e.State != "") {
			list = append(list, due{alarm, e, at})
		}
	}
	restart := func(d due) int {
		if restarts(d.alarm.Action.Do) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(x, y due) int {
		if c := restart(x) - restart(y); c != 0 {
			return c
		}
		if c := x.at.Compare(y.at); c != 0 {
			return c
		}
		// Of two at one instant the one that leaves the screen on counts.
		return strings.Compare(x.alarm.Action.Do, y.alarm.Action.Do)
	})
	return list
}

func restarts(do string) bool { return do == schedule.DoReboot || do == schedule.DoPowerOff }

// resume judges what has begun before: true means that it is to be tried again.
func (a *Actor) resume(d due, now time.Time) bool {
	late, _ := time.ParseDuration(d.alarm.Action.Late)
	over := now.Sub(d.at) > max(late, schedule.Grace)+tryFor
	if !restarts(d.alarm.Action.Do) {
		if d.Tries >= mostTries || over {
			a.settle(d, failed, "the player ended each time that it was tried")
			return false
		}
		return true
	}
	boot, _, err := a.boot()
	switch {
	case err == nil && boot != d.Boot:
		a.settle(d, done, "")
		return false
	case time.Since(d.asked) < a.cfg.Patience:
		return false // it was asked for, and may be under way
	case err != nil || d.Tries >= mostTries || over:
		a.settle(d, failed, fmt.Sprintf("it was asked for %d times, and the machine has not restarted", d.Tries))
		return false
	}
	return true
}

func (a *Actor) boot() (string, time.Duration, error) {
	if a.cfg.Machine == nil {
		return "", 0, errors.New("this player may not restart its machine")
	}
	return a.cfg.Machine.Boot()
}

// begin writes down that an action has begun, does it, and writes down how it went; true: the machine goes down.
func (a *Actor) begin(ctx context.Context, d due, now time.Time) bool {
	again := d.State == begun
	if restarts(d.alarm.Action.Do) && !again {
		if why := a.tooMuch(now); why != "" {
			a.settle(d, skipped, why)
			return false
		}
	}
	if !again {
		d.Due, d.Tries, d.Back = d.at, 0, false
	}
	d.State, d.Why = begun, ""
	d.Tries++
	d.asked = time.Now()
	if restarts(d.alarm.Action.Do) {
		d.Boot, _, _ = a.boot()
	}
	if restarts(d.alarm.Action.Do) && !again {
		a.ledger.Restarts = append(slices.DeleteFunc(a.ledger.Restarts, func(t time.Time) bool { return now.Sub(t).Abs() >= 24*time.Hour }), now)
	}
	if err := a.keep(); err != nil {
		d.State, d.Why = failed, err.Error()
		a.said(d)
		return false
	}
	a.log.Info("action begun", "action", d.alarm.Action.ID, "do", d.alarm.Action.Do, "due", d.at, "try", d.Tries)
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := a.do(ctx, d)
	switch {
	case ctx.Err() == context.Canceled:
		return false // the player ends; what was not done is begun again
	case err != nil:
		a.settle(d, failed, err.Error())
		return false
	case restarts(d.alarm.Action.Do):
		return true // done when the machine has started anew
	}
	a.settle(d, done, "")
	return false
}

// tooMuch says why the machine is not to be restarted now.
func (a *Actor) tooMuch(now time.Time) string {
	_, uptime, err := a.boot()
	if err != nil {
		return err.Error()
	}
	if uptime < fresh {
		return fmt.Sprintf("the machine has started %s ago, and %s must be between", uptime.Round(time.Second), fresh)
	}
	lately := 0
	for _, t := range a.ledger.Restarts {
		if now.Sub(t).Abs() < 24*time.Hour {
			lately++
		}
	}
	if lately >= mostRestarts {
		return fmt.Sprintf("the machine was restarted %d times within a day, and no more is allowed", lately)
	}
	return ""
}

// do does it.
func (a *Actor) do(ctx context.Context, d due) error {
	switch d.alarm.Action.Do {
	case schedule.DoReboot:
		return a.cfg.Machine.Reboot(ctx)
	case schedule.DoPowerOff:
		return a.cfg.Machine.PowerOff(ctx)
	case schedule.DoScreenOn:
		a.ledger.Screen = ""
	case schedule.DoScreenOff:
		a.ledger.Screen, a.ledger.Dark = "off", d.at
	case schedule.DoVolume:
		volume := *d.alarm.Action.Volume
		a.ledger.Volume = &volume
		a.setVolume()
	case schedule.DoScreenshot:
		if a.cfg.Picture == nil {
			return errors.New("this player can take no picture")
		}
		return a.cfg.Picture(ctx, d.alarm.Action.ID, d.at)
	}
	return nil
}

func (a *Actor) setVolume() {
	if a.ledger.Volume == nil {
		a.cfg.Stage.SetVolume(100)
		return
	}
	a.cfg.Stage.SetVolume(*a.ledger.Volume)
}

// settle writes down how a due instant was answered for.
func (a *Actor) settle(d due, state, why string) {
	d.Due, d.State, d.Why, d.Back = d.at, state, why, false
	if err := a.keep(); err != nil {
		a.log.Warn("ledger of actions not kept", "error", err)
	}
	a.said(d)
}

// said tells people.
func (a *Actor) said(d due) {
	a.checks[d.alarm.Action.ID] = true
	name := "action:" + d.alarm.Action.ID
	switch d.State {
	case done:
		a.log.Info("action done", "action", d.alarm.Action.ID, "do", d.alarm.Action.Do, "due", d.at)
		a.cfg.Check(name, nil)
	case skipped:
		a.log.Info("action skipped", "action", d.alarm.Action.ID, "do", d.alarm.Action.Do, "due", d.at, "why", d.Why)
		a.cfg.Check(name, nil)
	default:
		a.log.Warn("action failed", "action", d.alarm.Action.ID, "do", d.alarm.Action.Do, "due", d.at, "error", d.Why)
		a.cfg.Check(name, fmt.Errorf("%s, due at %s: %s", d.alarm.Action.Do, d.at.UTC().Format(time.RFC3339), d.Why))
	}
}

// report renews what people are told.
func (a *Actor) report() {
	st, _ := a.cfg.Clock.State()
	all := []Status{}
	if a.plan != nil {
		for _, o := range a.plan.Outlook(a.player, schedule.State{}, st.Now) {
			s := Status{ID: o.ID, Do: o.Do, Why: o.Why} // why it is never due
			if o.Next != nil {
				s.Next, s.Why = *o.Next, ""
			}
			if e := a.ledger.Actions[s.ID]; e != nil && e.State != "" {
				s.Last, s.State, s.Why = e.Due, e.State, e.Why
			}
			all = append(all, s)
		}
	}
	a.mu.Lock()
	a.status = all
	a.mu.Unlock()
}
