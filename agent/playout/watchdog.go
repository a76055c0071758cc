package playout

import (
	"slices"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

const (
	deadly      = 3                // ends of the renderer that an item was part of, until it is held back
	mostWaits   = 3                // boundaries that a renderer over its ceiling waits for a calm one
	leastBreath = 10 * time.Minute // between two renewals for memory; one that is due sooner is content that needs more
)

// watch is what the watchdog knows of the renderer.
type watch struct {
	deaths  map[string]int // of the renderer, while an item was on the screen or being made ready
	heavy   bool           // the renderer has outgrown its ceiling
	waited  int            // boundaries since then
	renewed time.Time      // when it was last replaced for that
}

// replacer is a renderer that can be started anew behind its last frame.
type replacer interface{ Restart(why string) }

// Standing is how long nothing has moved on a screen that is switched on, and what is wrong with it. A still picture that
// is to be still does not count, nor does the player's own card.
func (p *Playout) Standing() (still time.Duration, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.Showing.Screen == "off" || p.fine.IsZero() {
		return 0, ""
	}
	switch {
	case p.status.Fault != "":
		why = p.status.Fault
	case p.status.Output == "":
		why = "the renderer does not come up"
	default:
		why = "nothing that is queued comes onto the screen"
	}
	return time.Since(p.fine), why
}

// Turned is when playout last looked after the screen; it does so at least every minute.
func (p *Playout) Turned() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turned
}

func (p *Playout) isFine(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fine = now
}

// gone judges who was part of an end of the renderer: what was on and what was being made ready. Who is part of three is
// held back; who plays to its end is innocent. An end that somebody else has brought about is nobody's.
func (p *Playout) gone(r pipe.Report) (again bool) {
	if r.Killed {
		return false
	}
	for _, s := range []*showing{p.on, p.waiting} {
		if s == nil || s.item == CardItem {
			continue
		}
		p.watch.deaths[s.item]++
		if p.watch.deaths[s.item] < deadly {
			continue
		}
		delete(p.watch.deaths, s.item)
		until := p.sick.hold(s.item, "the renderer ended while it was shown or made ready: "+r.Error, time.Now())
		p.log.Warn("item put into quarantine", "item", s.item, "until", until, "why", "the renderer ended three times with it")
		again = true
	}
	held := p.sick.items(time.Now())
	switch {
	case p.on != nil && slices.Contains(held, p.on.item): // what waits must not wait for its end
		p.close(p.on, "failed", pipe.Report{})
		p.on = nil
		p.drop()
	case p.waiting != nil && p.waiting.item != CardItem && !again: // another one, to find out which of the two it was
		p.after(p.waiting)
		p.drop()
		p.queue(p.on == nil)
	case again:
		p.drop()
	}
	return again
}

// drop forgets what waits.
func (p *Playout) drop() {
	if p.waiting != nil {
		delete(p.open, p.waiting.id)
		p.waiting = nil
	}
}

// weigh renews a renderer that has outgrown its ceiling, at a boundary between items: if it can be one where what comes
// stands still, so that nobody sees it.
func (p *Playout) weigh(s *showing) {
	if !p.watch.heavy {
		return
	}
	if p.watch.waited++; !calm(s.scene) && p.watch.waited < mostWaits {
		return
	}
	if r, ok := p.cfg.Screen.(replacer); ok {
		p.watch.heavy, p.watch.waited, p.watch.renewed = false, 0, time.Now()
		p.mu.Lock()
		p.status.Renewed++
		p.mu.Unlock()
		r.Restart("its memory is near its ceiling")
	}
}

// heft compares the renderer's memory with its ceiling.
func (p *Playout) heft(bytes int64) {
	if p.cfg.Ceiling <= 0 || bytes < p.cfg.Ceiling-p.cfg.Ceiling/10 {
		p.watch.heavy, p.watch.waited = false, 0
		return
	}
	if since := time.Since(p.watch.renewed); !p.watch.renewed.IsZero() && since < leastBreath {
		p.overweight(true)
		return
	}
	p.overweight(false)
	p.watch.heavy = true
}

func (p *Playout) overweight(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Overweight = is
}

// calm says that a scene is the same picture all along.
func calm(sc scene.Scene) bool {
	for _, z := range sc.Zones {
		if z.Ticker != nil || slices.ContainsFunc(z.Playlist, func(i scene.Item) bool { return !i.Kind.Still() }) {
			return false
		}
	}
	return sc.Audio == nil
}
