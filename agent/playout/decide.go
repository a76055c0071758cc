package playout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"vitrine/agent/connect"
	"vitrine/agent/schedule"
	"vitrine/render/pipe"
)

// CardItem stands in a loop, and in a Status, for the player's own page.
const CardItem = "@card"

// decide asks the schedule and makes the renderer follow. It returns a channel that is closed when the store has
// something new.
func (p *Playout) decide() <-chan struct{} {
	live, fresh := p.cfg.Store.Live()
	renewed := p.live == nil || live.Digest != p.live.Digest
	p.live = live
	if live.Manifest != nil && p.cfg.Feeds != nil { // so that kept rows are in the first picture
		if home := (connect.Home{Zone: p.zone(), Locale: p.lang()}); renewed || home != p.home {
			p.home = home
			p.cfg.Feeds.Use(live.Manifest.Sources, home, live.Path)
		}
	}
	warned := p.listen()
	if renewed {
		p.sick, p.watch.deaths = quarantine{}, map[string]int{}
	}
	if renewed || warned {
		p.compile()
	}
	p.tellSettings()
	was := p.decision
	p.decision = p.ask()
	p.log.Debug("schedule asked", "layer", p.decision.Layer, "loop", p.decision.Loop)
	p.tellVolume()
	loop := p.expand(p.decision)
	switch {
	case p.decision.Screen == "off":
		p.darken(was.Screen)
	case was.Screen == "off":
		p.tell(pipe.Command{Op: pipe.OpScreen, On: true})
		p.log.Info("screen switched on")
		p.follow(loop, atOnce)
	case warned && p.decision.Layer == schedule.LayerEmergency && (p.on == nil || p.on.print != p.print(p.on.item)):
		p.follow(loop, atOnce) // the same alert, drawn in another way
	case p.joins():
		p.follow(loop, atOnce)
	case p.outgrown():
		p.follow(loop, atOnce)
	case renewed || !slices.Equal(loop, p.loop) || p.moment(was) != p.moment(p.decision):
		p.follow(loop, p.when(was, renewed))
	}
	p.rebind()
	p.tellOverlays()
	p.hurry()
	p.report()
	if was.Screen != p.decision.Screen {
		p.cfg.Changed()
	}
	return fresh
}

// compile makes one schedule of the bundle's and the alerts'.
func (p *Playout) compile() {
	var all schedule.Schedule
	if p.live.Manifest != nil {
		all = p.live.Manifest.Schedule
	}
	all.Events = slices.Concat(all.Events, p.alerts.events)
	p.all, p.plan = all.Events, nil
	p.visitors.learn(all.Events)
	if p.live.Manifest == nil && len(all.Events) == 0 {
		return
	}
	plan, problems := schedule.Compile(&all)
	p.plan = plan
	var rejected []string
	for _, pr := range problems {
		rejected = append(rejected, fmt.Sprintf("schedule%s: %s", pr.Path, pr.Message))
		p.log.Warn("rule of the schedule left out", "rule", pr.Path, "why", pr.Message)
	}
	p.mu.Lock()
	p.status.Rejected = rejected
	p.mu.Unlock()
}

// ask puts the question to the schedule; without a bundle the answer is the fallback.
func (p *Playout) ask() schedule.Decision {
	if p.plan == nil {
		return schedule.Decision{Screen: "on", Layer: schedule.LayerFallback, Loop: []string{schedule.FallbackItem}}
	}
	set := p.live.Settings
	st, _ := p.cfg.Clock.State()
	state := schedule.State{Missing: p.live.Missing, Quarantined: p.sick.items(time.Now()), Plays: p.plays(), Metrics: p.metrics(), Clock: string(st.Trust)}
	who := schedule.Player{ID: set.ID, Groups: set.Groups, Tags: set.Tags, Zone: p.zone()}
	p.happenings(who, &state, st.Now)
	d := p.plan.At(who, state, st.Now)
	p.forget(d)
	if d.Screen == "off" && p.serviceShown() { // whoever calls the page stands before a dark screen
		d.Screen, d.Loop = "on", []string{CardItem}
	}
	return d
}

// zone is the player's own, else the bundle's, else UTC.
func (p *Playout) zone() string {
	if p.live.Manifest != nil {
		return cmp.Or(p.live.Settings.Zone, p.live.Manifest.Zone, "UTC")
	}
	return cmp.Or(p.live.Settings.Zone, "UTC")
}

// lang is the language of what the player says itself.
func (p *Playout) lang() string {
	l := p.live.Settings.Locale
	if l == "" && p.live.Manifest != nil {
		l = p.live.Manifest.Locale
	}
	return cmp.Or(l, p.cfg.Lang, "en")
}

// expand puts the bundle's fallback, and failing that the player's card, where the schedule names them.
func (p *Playout) expand(d schedule.Decision) []string {
	var loop []string
	for _, item := range d.Loop {
		if item != schedule.FallbackItem {
			loop = append(loop, item)
		} else if p.live.Manifest != nil {
			bad := append(p.sick.items(time.Now()), p.live.Missing...)
			loop = append(loop, slices.DeleteFunc(slices.Clone(p.live.Manifest.Fallback), func(i string) bool { return slices.Contains(bad, i) })...)
		}
	}
	if len(loop) == 0 {
		return []string{CardItem}
	}
	return loop
}

// moment is what of a decision a person would call the same programme.
func (p *Playout) moment(d schedule.Decision) string { return fmt.Sprint(d.Layer, d.Events) }

// events are the bundle's and the alerts'.
func (p *Playout) events() []schedule.Event { return p.all }

// darken switches the screen off. What was on ends there, so that nothing is counted as shown in the dark.
func (p *Playout) darken(was string) {
	if was == "off" {
		return
	}
	p.log.Info("screen switched off", "until", p.decision.Next)
	p.tell(pipe.Command{Op: pipe.OpScreen})
	p.close(p.on, "replaced", pipe.Report{})
	clear(p.open)
	p.on, p.waiting, p.loop, p.again, p.left, p.cutAt = nil, nil, nil, nil, nil, time.Time{}
}

// tellSettings tells the renderer the zone and language of clocks, once.
func (p *Playout) tellSettings() {
	c := pipe.Command{Op: pipe.OpSettings, Zone: p.zone(), Locale: p.lang()}
	if c.Zone == p.settings.Zone && c.Locale == p.settings.Locale {
		return
	}
	p.settings = c
	p.tell(c)
}

func (p *Playout) tell(c pipe.Command) {
	if err := p.cfg.Screen.Send(c); err != nil {
		p.log.Error("renderer not told", "op", c.Op, "error", err)
	}
}
