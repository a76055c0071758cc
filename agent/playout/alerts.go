package playout

import (
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// warnings are those that stand where the screen hangs.
type warnings interface {
	Active(lang string, now time.Time) []alert.Alert
	Next(now time.Time) time.Time
	Changed() <-chan struct{}
}

// alerts are the warnings that stand, as events and scenes of the player's own: they need no bundle.
type alerts struct {
	events []schedule.Event
	scenes map[string]scene.Scene
	canvas scene.Size
	told   string // all of it: equal ones look the same
	next   time.Time
}

// listen asks which warnings stand, and says whether they have changed or are drawn in another way now.
func (p *Playout) listen() bool {
	if p.cfg.Warnings == nil {
		return false
	}
	now := p.cfg.Clock.Now()
	fresh := alerts{scenes: map[string]scene.Scene{}, canvas: p.size(), next: p.cfg.Warnings.Next(now)}
	active := p.cfg.Warnings.Active(p.lang(), now)
	look := alert.Look{Size: fresh.canvas, Locale: p.lang()}
	if len(active) > 0 { // a zone is read from the disk
		if zone, err := time.LoadLocation(p.zone()); err == nil {
			look.Zone = zone // else UTC, which is then said
		}
	}
	for _, a := range active {
		e, scenes := a.Show(look)
		fresh.events = append(fresh.events, e)
		for item, sc := range scenes {
			fresh.scenes[item] = sc
		}
	}
	fresh.told = text([]any{fresh.events, fresh.scenes, fresh.canvas})
	changed := fresh.told != p.alerts.told && len(fresh.events)+len(p.alerts.events) > 0
	p.alerts = fresh
	return changed
}

// size is that of the screen, as far as it is known: the player's own pages are drawn in it.
func (p *Playout) size() scene.Size {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.status.Size; s.Width > 0 && s.Height > 0 {
		return s
	}
	return scene.Size{Width: 1920, Height: 1080}
}

// sceneOf is an item of the alerts or of the bundle.
func (p *Playout) sceneOf(item string) (scene.Scene, bool) {
	if sc, ok := p.alerts.scenes[item]; ok {
		return sc, true
	}
	if p.live.Manifest == nil {
		return scene.Scene{}, false
	}
	sc, ok := p.live.Manifest.Scenes[item]
	return sc, ok
}
