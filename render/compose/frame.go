package compose

import (
	"image"
	"slices"
	"time"
)

// relayer piles the layers up again after something came or went.
func (s *Stage) relayer() {
	s.pile = append(s.pile[:0], layer(bed{rect: image.Rectangle{Max: s.size}, color: 0xff000000}))
	s.pile = append(s.pile, s.shown.layers()...)
	s.pile = append(s.pile, s.above.layers()...)
	for i, l := range s.pile {
		r, ok := l.(*reel)
		if !ok {
			continue
		}
		var under image.Rectangle
		for _, o := range s.pile[i+1:] {
			under = under.Union(o.bounds().Intersect(r.rect))
		}
		r.cover(under)
	}
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
			if seen {
				r.stale = true
				s.soil(r.clip)
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
		s.scratch = make([]byte, n)
	}
	_ = sl.video.Render(s.scratch, size.X*4, size) // an error comes again when it matters
}

// present draws what is out of date and shows it.
func (s *Stage) present() {
	if len(s.dirty) == 0 || s.shown == nil && !s.off {
		return
	}
	parts := s.expand(s.dirty)
	f := s.out.Frame()
	for _, clip := range parts {
		if s.off {
			s.pile[0].draw(f, clip)
			continue
		}
		s.paint(clip)
	}
	s.dirty = s.dirty[:0]
	s.eachReel(func(r *reel) { // covered altogether: nobody drew its frame
		if r.stale && r.group.live && r.cur != nil && r.cur.video != nil && !r.cur.began.IsZero() {
			s.discard(r, r.cur)
		}
	})
	s.out.Present(parts)
	s.busy, s.since = true, time.Now()
	s.presented++
}

// expand makes each part large enough for the videos in it, which can only be drawn as a whole.
func (s *Stage) expand(dirty []image.Rectangle) []image.Rectangle {
	parts := slices.Clone(dirty)
	for grown := !s.off; grown; {
		grown = false
		for _, l := range s.pile {
			r, ok := l.(*reel)
			if !ok || !r.direct() {
				continue
			}
			for i, p := range parts {
				if !p.Overlaps(r.clip) || r.clip.In(p) || !r.whole(p) || s.hidden(r, p) {
					continue
				}
				parts = slices.Delete(parts, i, i+1)
				parts = add(parts, p.Union(r.clip))
				grown = true
				break
			}
		}
	}
	return parts
}

// hidden says that a solid layer above r covers all of a part.
func (s *Stage) hidden(r *reel, part image.Rectangle) bool {
	for i := len(s.pile) - 1; i >= 0 && s.pile[i] != layer(r); i-- {
		if s.pile[i].solid() && part.In(s.pile[i].bounds()) {
			return true
		}
	}
	return false
}

// paint draws one part, from the highest layer that covers it.
func (s *Stage) paint(clip image.Rectangle) {
	from := 0
	for i := len(s.pile) - 1; i > 0; i-- {
		if s.pile[i].solid() && clip.In(s.pile[i].bounds()) {
			from = i
			break
		}
	}
	f := s.out.Frame()
	for _, l := range s.pile[from:] {
		if part := clip.Intersect(l.bounds()); !part.Empty() {
			l.draw(f, part)
		}
	}
}

// shownNow is the end of a Present: the screen has the frame.
func (s *Stage) shownNow(now time.Time) {
	s.busy = false
	for _, r := range s.onScreen {
		r.At = now
		s.cfg.Report(r)
	}
	s.onScreen = s.onScreen[:0]
}
