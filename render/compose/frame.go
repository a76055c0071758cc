package compose

import (
	"image"
	"time"

	"vitrine/render/output"
)

// relayer piles the layers up again after something came or went.
func (s *Stage) relayer() {
	s.main.frame = s.out.Frame()
	if s.crossing == nil {
		s.main.lay(s.shown.layers(), s.above.layers())
		return
	}
	s.leaving.canvas.lay(s.leaving.layers())
	s.shown.canvas.lay(s.shown.layers())
	s.main.lay([]layer{s.crossing}, s.above.layers())
}

// freshen looks which videos have a new frame. What is on the screen is marked; the frames of others are taken off
// libmpv's hands, which waits for that.
func (s *Stage) freshen() {
	s.eachReel(func(r *reel) {
		r.eachVideo(func(sl *slot, onScreen bool) {
			seen := onScreen && r.group.live && !s.off
			if seen && s.busy || !sl.video.Fresh() {
				return
			}
			sl.stale = true
			if seen {
				sl.owed = true
				r.group.soil(r.clip)
				return
			}
			s.discard(r, sl)
		})
	})
}

// discard draws a frame where nobody sees it.
func (s *Stage) discard(r *reel, sl *slot) {
	size := r.target(sl).Size()
	if n := size.X * size.Y * 4; len(s.scratch) < n {
		freeScratch(s.scratch)
		s.scratch = newScratch(n)
	}
	sl.owed, s.scratched = false, time.Now()
	_ = sl.video.Render(s.scratch, size.X*4, size) // an error comes again when it matters
	if sl.began.IsZero() {                         // the one frame that an item has before its turn
		freeScratch(s.scratch)
		s.scratch = nil
	}
}

// present draws what is out of date and shows it.
func (s *Stage) present() {
	if len(s.main.dirty) == 0 || s.shown == nil && !s.off {
		return
	}
	s.main.frame = s.out.Frame()
	parts := s.main.dirty
	if s.off {
		for _, clip := range parts {
			s.main.pile[0].draw(s.main.frame, clip)
		}
	} else {
		if s.crossing != nil {
			s.crossing.from.draw()
			s.crossing.to.draw()
		}
		parts = s.main.draw()
	}
	s.eachReel(func(r *reel) { // covered altogether: nobody drew its frame
		r.eachVideo(func(sl *slot, _ bool) {
			if sl.owed {
				s.discard(r, sl)
			}
		})
	})
	s.out.Present(parts)
	s.main.dirty = s.main.dirty[:0]
	s.busy, s.since = true, time.Now()
	s.presented++
}

// shownNow is the end of a Present: the screen has the frame.
func (s *Stage) shownNow(now time.Time) {
	s.busy = false
	if len(s.onScreen) > 0 {
		s.pulse = time.Time{}
	}
	for _, r := range s.onScreen {
		r.At = now
		s.cfg.Report(r)
	}
	s.onScreen = s.onScreen[:0]
}

// cross begins the transition from one scene to the next: until it is over both go on, each on a canvas of its own.
func (s *Stage) cross(from, to *group, p *passage) {
	for _, g := range []*group{from, to} {
		g.canvas = &canvas{frame: output.NewFrame(s.size)}
		g.canvas.soil(image.Rectangle{Max: s.size})
	}
	s.leaving, s.crossing = from, &crossing{passage: p, from: from.canvas, to: to.canvas}
}

// crossed ends a transition between scenes, if there is one: the scene is drawn straight into the frame again.
func (s *Stage) crossed() {
	if s.crossing == nil {
		return
	}
	s.leaving.leave()
	s.leaving.canvas, s.shown.canvas = nil, nil
	s.leaving, s.crossing, s.litter = nil, nil, true
	s.shown.eachReel(func(r *reel) {
		r.dull()
		r.turnUp()
	})
	s.relayer()
	s.soil(image.Rectangle{Max: s.size})
}

// stepCrossing moves a transition between scenes on and says when the next step is due.
func (s *Stage) stepCrossing(now time.Time) time.Time {
	if s.crossing == nil {
		return time.Time{}
	}
	changed, over := s.crossing.step(now, s.ticks)
	if over || s.off {
		s.crossed()
		return time.Time{}
	}
	if changed {
		s.soil(image.Rectangle{Max: s.size})
		s.leaving.eachReel((*reel).turnUp)
		s.shown.eachReel((*reel).turnUp)
	}
	return s.crossing.due
}
