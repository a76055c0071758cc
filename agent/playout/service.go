package playout

import (
	"slices"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

const (
	serviceFor   = 60 * time.Second // that the service page stays, when nobody says
	serviceEvery = 5 * time.Second  // that it is renewed
)

// service is the page for a technician who stands before the screen, above everything else.
type service struct {
	until time.Time // zero = it is not shown
	due   time.Time // when it is drawn anew, or goes
}

// ShowService shows the service page for a time, 0 = a minute; less than that takes it away.
func (p *Playout) ShowService(stay time.Duration) {
	if stay == 0 {
		stay = serviceFor
	}
	p.mu.Lock()
	p.service = service{}
	if stay > 0 {
		p.service.until = time.Now().Add(stay)
	}
	p.mu.Unlock()
	p.nudge()
}

// serviceKey takes a key that calls the service page, or sends it away; true = it was one.
func (p *Playout) serviceKey(in *pipe.Input) bool {
	if in == nil || in.Key == "" || !slices.Contains(p.cfg.ServiceKeys, in.Key) {
		return false
	}
	if p.serviceShown() {
		p.ShowService(-1)
	} else {
		p.ShowService(0)
	}
	return true
}

// serviceShown says whether the page is called for.
func (p *Playout) serviceShown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.service.until)
}

// servicePage is the page as a scene for a canvas; false = it is not shown.
func (p *Playout) servicePage(canvas scene.Size) (scene.Scene, bool) {
	now := time.Now()
	p.mu.Lock()
	shown := now.Before(p.service.until)
	p.service.due = time.Time{}
	if shown {
		p.service.due = now.Add(min(serviceEvery, p.service.until.Sub(now)))
	}
	p.mu.Unlock()
	if !shown || p.cfg.Service == nil {
		return scene.Scene{}, false
	}
	card := p.cfg.Service(p.lang())
	card.Language = p.lang()
	return scene.Scene{For: scene.Duration(time.Hour), Zones: []scene.Zone{{At: scene.Rect{0, 0, canvas.Width, canvas.Height}, Card: &card}}}, true
}
