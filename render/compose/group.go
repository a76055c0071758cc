package compose

import (
	"cmp"
	"image"
	"slices"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// group is a scene, or all overlays together: what comes and goes as one.
type group struct {
	stage   *Stage
	id      uint64
	mapping mapping
	scene   scene.Scene
	now     bool // change as soon as it is ready
	start   time.Duration
	epoch   time.Time // when its own time is 0, if screens agree on it; else zero
	over    bool      // above the scene, without a ground of its own

	zones  []*zone
	leader *reel     // the first playlist zone: the scene's length, where it says none
	limit  time.Time // goes on without what is not ready by then
	live   bool
	canvas *canvas   // of its own during a transition between scenes, else nil
	began  time.Time // minus start
	ended  bool      // reported

	presented, dropped uint64 // the Stage's counters when it began
}

// zone is one zone of a group: a reel or a panel, or nothing when its widget cannot be made.
type zone struct {
	spec    scene.Zone
	place   int // in the scene's list
	reel    *reel
	panel   *panel
	pending int // widgets being made
	asked   int // widgets that were ever asked for; the panel is that of the latest which is there
	made    int
	failed  bool
}

// newGroup starts the preparation of everything in the scenes.
func (s *Stage) newGroup(c pipe.Command, canvas scene.Size, scenes []scene.Scene, now time.Time) *group {
	g := &group{stage: s, id: c.ID, mapping: newMapping(canvas, s.size), start: time.Duration(c.Start), epoch: c.Epoch, limit: now.Add(giveUp)}
	if len(scenes) > 0 {
		g.scene = scenes[0]
	}
	for _, sc := range scenes {
		zones := slices.Clone(sc.Zones)
		if g.leader == nil {
			g.leader = g.addZones(zones, c.Reels, now)
		} else {
			g.addZones(zones, nil, now)
		}
	}
	return g
}

// addZones makes the zones of one scene, lowest first, and returns the reel of the first playlist in the list.
func (g *group) addZones(specs []scene.Zone, reels []pipe.Reel, now time.Time) *reel {
	var leader *reel
	made := make([]*zone, 0, len(specs))
	for i, z := range specs {
		out := &zone{spec: z, place: i}
		if len(z.Playlist) > 0 {
			out.reel = newReel(g.stage, g, z, g.mapping)
			from, at := 0, g.start
			for _, r := range reels {
				if r.Zone == i && r.Item >= 0 && r.Item < len(z.Playlist) {
					from, at = r.Item, time.Duration(r.At)
					if r.Of > 0 && r.At >= r.Of { // it is over meanwhile
						from, at = (r.Item+1)%len(z.Playlist), time.Duration(r.At-r.Of)
					}
				}
			}
			out.reel.prepare(from, at, now)
			if leader == nil {
				leader = out.reel
			}
		} else {
			g.stage.makePanel(g, out, z)
		}
		made = append(made, out)
	}
	slices.SortStableFunc(made, func(a, b *zone) int { return cmp.Compare(a.spec.Z, b.spec.Z) })
	g.zones = append(g.zones, made...)
	return leader
}

// makePanel makes a zone's widget on another goroutine; until it is there the zone keeps the one it has.
func (s *Stage) makePanel(g *group, z *zone, spec scene.Zone) {
	z.spec = spec
	z.pending++
	z.asked++
	turn := z.asked
	m, place := g.mapping, s.place
	s.elsewhere(func() func() {
		p, err := newPanel(s.cfg, spec, m, place, time.Now())
		return func() {
			z.pending--
			if err != nil {
				z.failed = z.panel == nil
				s.report(pipe.Report{Ev: pipe.EvFailed, ID: g.id, Error: "a zone cannot be painted: " + err.Error()})
				return
			}
			if turn < z.made { // a later one was faster
				return
			}
			z.made = turn
			if g.live && z.panel != nil {
				g.soil(z.panel.clip)
			}
			z.panel = p
			if g.live {
				g.soil(p.clip)
				s.relayer()
			}
		}
	})
}

// step moves the group's reels on and says when to be asked again.
func (g *group) step(now time.Time) time.Time {
	var t time.Time
	if g == nil {
		return t
	}
	for _, z := range g.zones {
		if z.reel != nil {
			t = sooner(t, z.reel.step(now, g.live))
		}
	}
	switch {
	case !g.live:
		t = sooner(t, future(g.limit, now))
	case g.scene.For > 0 && !g.over:
		if end := g.began.Add(time.Duration(g.scene.For)); now.Before(end) {
			t = sooner(t, end)
		}
	}
	return t
}

// soil marks a part as out of date, on the screen and on the canvas that the group may have of its own.
func (g *group) soil(r image.Rectangle) {
	if g.canvas != nil {
		g.canvas.soil(r)
	}
	g.stage.soil(r)
}

// parting is when a transition of the given length to the next scene has to begin, so that the video that ends the scene
// moves to its last frame; zero where the scene ends otherwise.
func (g *group) parting(long time.Duration) time.Time {
	if long == 0 || g.scene.For > 0 || g.leader == nil || g.leader.cur == nil || g.leader.passed {
		return time.Time{}
	}
	end := g.leader.cur.runsOut()
	if _, wraps := g.leader.after(g.leader.cur.index); !wraps || end.IsZero() || !end.Equal(g.leader.cur.ends()) {
		return time.Time{}
	}
	return end.Add(-min(long, g.leader.cur.length()/2))
}

// ready says whether everything that can be seen of the group is there.
func (g *group) ready(now time.Time) bool {
	if _, early := g.early(now); early {
		return false
	}
	if !now.Before(g.limit) {
		return true
	}
	for _, z := range g.zones {
		if z.reel != nil && !z.reel.ready() || z.reel == nil && z.panel == nil && !z.failed {
			return false
		}
	}
	return true
}

// hopeless says that the group has nothing to show.
func (g *group) hopeless() bool {
	if len(g.zones) == 0 {
		return false
	}
	for _, z := range g.zones {
		if z.reel != nil && !z.reel.dead() || z.reel == nil && !z.failed {
			return false
		}
	}
	return true
}

// done says whether a scene has had its time, and why.
func (g *group) done(now time.Time) (string, bool) {
	switch {
	case g.hopeless():
		return "failed", true
	case g.scene.For > 0:
		return "time", !now.Before(g.began.Add(time.Duration(g.scene.For)))
	case g.leader != nil:
		return "eof", g.leader.passed || g.leader.dead()
	default:
		return "replaced", true // it has no end of its own
	}
}

// begin puts the group on the screen.
func (g *group) begin(now time.Time) {
	g.live = true
	g.began = now.Add(-g.start)
	if g.leader != nil && !g.over {
		g.leader.leads = true
	}
	for _, z := range g.zones {
		if z.reel != nil {
			z.reel.begin(now)
		}
	}
	g.presented, g.dropped = g.stage.presented, g.stage.lost()
}

func (g *group) leave() {
	if g == nil {
		return
	}
	g.live = false
	for _, z := range g.zones {
		if z.reel != nil {
			z.reel.leave()
		}
	}
}

// layers lists what the group puts on the frame, lowest first.
func (g *group) layers() []layer {
	if g == nil {
		return nil
	}
	var out []layer
	if c := color(g.scene.Background); !g.over && c>>24 != 0 {
		out = append(out, bed{rect: g.mapping.canvas, color: c})
	}
	for _, z := range g.zones {
		switch {
		case z.reel != nil:
			out = append(out, z.reel)
		case z.panel != nil:
			out = append(out, z.panel)
		}
	}
	return out
}

// zoneAt is the zone at a place of the scene's list.
func (g *group) zoneAt(place int) *zone {
	for _, z := range g.zones {
		if z.place == place {
			return z
		}
	}
	return nil
}

// reels tells where the playlists are.
func (g *group) reels(now time.Time) []pipe.Reel {
	var out []pipe.Reel
	for _, z := range g.zones {
		if z.reel != nil && z.reel.cur != nil && !z.reel.cur.began.IsZero() {
			c := z.reel.cur
			at := now.Sub(c.began) + c.start
			if c.item.For > 0 && !c.until.IsZero() {
				at = time.Duration(c.item.For) - c.until.Sub(now) // also of a video that is shown once more
			}
			out = append(out, pipe.Reel{Zone: z.place, Item: c.index, At: scene.Duration(max(0, at)), Of: scene.Duration(c.whole()), Skew: z.reel.skew()})
		}
	}
	return out
}

func (g *group) eachReel(do func(*reel)) {
	if g == nil {
		return
	}
	for _, z := range g.zones {
		if z.reel != nil {
			do(z.reel)
		}
	}
}

// paint has the group's widgets paint what is due; it returns when the next one is.
func (g *group) paint(now time.Time) time.Time {
	var t time.Time
	if g == nil || !g.live {
		return t
	}
	for _, z := range g.zones {
		if z.panel == nil {
			continue
		}
		if r := z.panel.step(now, g.stage.ticks); r != (image.Rectangle{}) {
			g.soil(r)
		}
		t = sooner(t, z.panel.due)
	}
	return t
}
