package compose

import (
	"fmt"
	"image"
	"reflect"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// ending says that a scene's end is the end of its leading reel's pass, and that another scene waits for it or comes.
func (s *Stage) ending(g *group) bool {
	return g == s.leaving || g == s.shown && s.waiting != nil && g.scene.For == 0
}

// change puts waiting overlays and the waiting scene on the screen when their time has come. It says when to look again.
func (s *Stage) change(now time.Time) (again time.Time) {
	if g := s.rising; g != nil && s.shown != nil && g.ready(now) {
		s.raise(now)
	}
	if g := s.shown; g != nil && !g.ended && g.hopeless() {
		s.end(g, "failed", now) // its last frame stays until there is another scene
	}
	g := s.waiting
	if g == nil {
		return again
	}
	if g.hopeless() {
		s.waiting = nil
		g.leave()
		s.report(pipe.Report{Ev: pipe.EvEnded, ID: g.id, Reason: "failed"})
		return again
	}
	if due, early := g.early(now); early {
		again = sooner(again, due)
	}
	if !g.ready(now) || s.shown == nil && s.rising != nil && !s.rising.ready(now) {
		return again
	}
	reason := "replaced"
	if s.shown != nil && !g.now {
		why, over := s.shown.done(now)
		if at := s.shown.parting(passageOf(g.scene.Transition)); !over && !at.IsZero() {
			why, over, again = "eof", !now.Before(at), at
		}
		if !over {
			return again
		}
		reason = why
	}
	s.cut(now, reason)
	return time.Time{}
}

// cut is the change of scene, or the begin of the transition to it.
func (s *Stage) cut(now time.Time, reason string) {
	s.crossed()
	old := s.shown
	s.shown, s.waiting = s.waiting, nil
	s.shown.begin(s.shown.nominal(now))
	s.under.want = s.shown.scene.Audio
	if old != nil {
		if p := newPassage(s.shown.scene.Transition, time.Duration(s.shown.scene.For), now); p != nil && !s.off {
			s.cross(old, s.shown, p)
		} else {
			old.leave()
		}
		if !old.ended {
			s.end(old, reason, now)
		}
	}
	if s.rising != nil && s.rising.ready(now) {
		s.raise(now)
	}
	s.onScreen = append(s.onScreen, pipe.Report{Ev: pipe.EvStarted, ID: s.shown.id})
	s.relayer()
	s.soil(image.Rectangle{Max: s.size})
}

func (s *Stage) end(g *group, reason string, now time.Time) {
	g.ended = true
	s.onScreen = append(s.onScreen, pipe.Report{
		Ev: pipe.EvEnded, At: now, ID: g.id, Reason: reason,
		Presented: s.presented - g.presented, Dropped: s.lost() - min(s.lost(), g.dropped),
	})
	if s.shown == g { // nothing is about to be presented that the report could wait for
		s.flush(now)
	}
}

func (s *Stage) flush(now time.Time) {
	if !s.busy {
		s.shownNow(now)
	}
}

// raise changes the overlays.
func (s *Stage) raise(now time.Time) {
	old := s.above
	s.above, s.rising = s.rising, nil
	s.above.begin(now)
	old.leave()
	s.relayer()
	s.soil(image.Rectangle{Max: s.size})
}

// obey does what a command says.
func (s *Stage) obey(c pipe.Command, now time.Time) error {
	switch c.Op {
	case pipe.OpQueue:
		s.queue(c, now)
	case pipe.OpUpdate:
		s.update(c)
	case pipe.OpOverlay:
		s.rising.leave()
		if c.Canvas.Width > 0 {
			s.canvas = c.Canvas
		}
		s.rising = s.newGroup(pipe.Command{}, s.canvas, c.Overlays, now)
		s.rising.over = true
	case pipe.OpSettings:
		return s.settle(c)
	case pipe.OpScreen:
		if s.off == c.On {
			s.off = !c.On
			if o, can := s.out.(interface{ Power(on bool) }); can {
				o.Power(c.On)
			}
			s.eachReel(func(r *reel) { r.dull() })
			s.eachReel((*reel).turnUp)
			s.soil(image.Rectangle{Max: s.size})
		}
	case pipe.OpVolume:
		s.master = min(100, max(0, c.Volume))
		s.eachReel((*reel).turnUp)
	case pipe.OpPicture:
		s.correct(c.Picture)
	case pipe.OpShot:
		s.shoot(c)
	case pipe.OpQuit:
		return errQuit
	}
	return nil
}

// queue prepares a scene; one that waited until now is dropped.
func (s *Stage) queue(c pipe.Command, now time.Time) {
	if old := s.waiting; old != nil {
		old.leave()
		s.report(pipe.Report{Ev: pipe.EvEnded, ID: old.id, Reason: "replaced"})
	}
	s.canvas = c.Canvas
	s.waiting = s.newGroup(c, c.Canvas, []scene.Scene{*c.Scene}, now)
	s.waiting.now = c.Now
}

// update changes the widgets of a showing; its media go on. Zones are matched by their place in the list.
func (s *Stage) update(c pipe.Command) {
	for _, g := range []*group{s.shown, s.leaving, s.waiting} {
		if g == nil || g.id != c.ID {
			continue
		}
		if len(g.zones) != len(c.Scene.Zones) {
			s.report(pipe.Report{Ev: pipe.EvFailed, ID: c.ID, Error: fmt.Sprintf(
				"the update has %d zones and the scene %d; queue it as a new scene instead", len(c.Scene.Zones), len(g.zones))})
			continue
		}
		for i, spec := range g.scene.Zones {
			switch z := g.zoneAt(i); {
			case z == nil || reflect.DeepEqual(spec, c.Scene.Zones[i]):
			case z.reel != nil:
				z.reel.update(c.Scene.Zones[i].Playlist)
			default:
				s.refill(g, z, c.Scene.Zones[i])
			}
		}
		g.scene.Zones = c.Scene.Zones
	}
}

// refill gives a zone new content: to the widget it has, where that one takes it, else to a new one.
func (s *Stage) refill(g *group, z *zone, spec scene.Zone) {
	taker, ok := Widget(nil), false
	if z.panel != nil && z.pending == 0 {
		taker = z.panel.widget
	}
	if u, can := taker.(interface{ Update(scene.Zone) bool }); can {
		ok = u.Update(spec)
	}
	if !ok {
		s.makePanel(g, z, spec)
		return
	}
	z.spec, z.panel.spec = spec, spec
	z.panel.due = time.Now()
}

// settle takes the zone and the language for clocks; widgets that are there are made again.
func (s *Stage) settle(c pipe.Command) error {
	place := Place{Zone: time.Local, Locale: c.Locale}
	if c.Zone != "" {
		loc, err := time.LoadLocation(c.Zone)
		if err != nil {
			s.report(pipe.Report{Ev: pipe.EvFailed, Error: fmt.Sprintf(
				"the time zone %q is not known on this machine (%s); write it like Europe/Paris, and install tzdata", c.Zone, err)})
			loc = time.Local
		}
		place.Zone = loc
	}
	if place == s.place {
		return nil
	}
	s.place = place
	for _, g := range s.groups() {
		if g == nil {
			continue
		}
		for _, z := range g.zones {
			if z.reel == nil {
				s.makePanel(g, z, z.spec)
			}
		}
	}
	return nil
}
