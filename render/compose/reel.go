package compose

import (
	"fmt"
	"image"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// reel plays the items of a playlist zone, round and round.
type reel struct {
	stage *Stage
	group *group
	items []scene.Item
	bad   map[int]time.Time // items that failed in this showing, and when to try them again: zero = never
	rect  image.Rectangle
	clip  image.Rectangle // the part of rect that is on the canvas
	shape shape
	inner shape  // of a video that is smaller than the zone
	back  uint32 // premultiplied background, 0 = none
	scale float64

	cur, next *slot
	old       *slot    // leaves the screen during …
	passage   *passage // … a transition, nil without one
	leads     bool     // its pass is the scene's length
	passed    bool     // it has played through at least once
	held      bool     // it waits on its last frame for the scene's end

	under []covered // the parts of the video that other layers cover

	drift drift
}

func newReel(s *Stage, g *group, z scene.Zone, m mapping) *reel {
	r := &reel{
		stage: s, group: g, items: z.Playlist, bad: map[int]time.Time{}, rect: m.rect(z.At),
		shape: newShape(z.Opacity, int(float64(z.Radius)*m.scale+0.5)), back: color(z.Background), scale: m.scale,
	}
	r.shape = r.shape.on(r.rect.Size())
	r.clip = r.rect.Intersect(m.canvas)
	return r
}

// prepare makes the first item ready, the one that is due the given time after the begin of the one called from.
func (r *reel) prepare(from int, start time.Duration, now time.Time) {
	i, rest := position(r.items, from, start)
	r.cur = r.stage.prepare(&slot{item: r.items[i], index: i, start: rest}, r.rect.Size(), r.scale, now)
}

// position finds the item that plays d after the begin of another, and how far into it. A medium's own length is not known
// here: it takes all that is left.
func position(items []scene.Item, from int, d time.Duration) (int, time.Duration) {
	var total time.Duration
	for _, it := range items {
		if lengthOf(it) == 0 {
			total = 0
			break
		}
		total += lengthOf(it)
	}
	if total > 0 {
		d %= total
	}
	for n := range items {
		i := (from + n) % len(items)
		l := lengthOf(items[i])
		if l == 0 || d < l {
			return i, d
		}
		d -= l
	}
	return from, 0
}

// lengthOf is how long an item stays, zero when that is for itself to say.
func lengthOf(it scene.Item) time.Duration {
	if it.For == 0 && it.Kind.Still() {
		return plainLength
	}
	return time.Duration(it.For)
}

// dead says that no item can be shown.
func (r *reel) dead() bool { return len(r.bad) == len(r.items) }

// ready says that the first item could be on the screen, or that none ever will.
func (r *reel) ready() bool { return r.dead() || r.cur != nil && r.cur.ready() }

func (r *reel) isBad(i int) bool { _, bad := r.bad[i]; return bad }

// pardon takes items off the list of those that failed when they are to be tried again.
func (r *reel) pardon(now time.Time) {
	for i, until := range r.bad {
		if !until.IsZero() && !now.Before(until) {
			delete(r.bad, i)
		}
	}
	if r.group.live && r.cur == nil && r.next == nil {
		if i, _ := r.after(-1); i >= 0 {
			r.next = r.stage.prepare(&slot{item: r.items[i], index: i}, r.rect.Size(), r.scale, now)
		}
	}
}

// after is the item that follows i, -1 when none can be shown, and whether a new pass begins with it.
func (r *reel) after(i int) (int, bool) {
	wrapped := false
	for range r.items {
		i++
		if i >= len(r.items) {
			i, wrapped = 0, true
		}
		if !r.isBad(i) {
			return i, wrapped
		}
	}
	return -1, true
}

// begin puts the first item on the screen. One that is not ready comes when it is.
func (r *reel) begin(now time.Time) {
	switch {
	case r.cur == nil:
	case r.cur.ready():
		r.turnUp()
		r.cur.begin(now)
	default:
		r.cur, r.next = nil, r.cur
	}
}

// step moves the reel on. It says when it wants to be asked again, zero for never.
func (r *reel) step(now time.Time, live bool) time.Time {
	r.weed(now)
	r.pardon(now)
	switch {
	case !live:
		return r.limits(time.Time{}, now)
	case r.cur == nil && r.next != nil && r.next.ready():
		r.promote(now)
	case r.cur != nil && (r.cur.over(now) || r.early(now)):
		r.turn(now)
	}
	if r.cur == nil {
		return r.limits(time.Time{}, now)
	}
	if r.cur.video != nil && r.cur.look() {
		r.stage.relayer()
		r.group.soil(r.clip)
	}
	return sooner(sooner(r.limits(future(r.look(now), now), now), r.stepPassage(now)), r.follow(now))
}

// early says that the present item's own end is so near that the transition to the next one has to begin: its frames are
// shown to the last one, mixed with what comes.
func (r *reel) early(now time.Time) bool {
	at := r.parting()
	return !at.IsZero() && !now.Before(at) && r.next.ready()
}

// parting is when a transition to the next item has to begin before the present one is over, zero for never.
func (r *reel) parting() time.Time {
	if r.cur == nil || r.next == nil || r.next.again {
		return time.Time{}
	}
	end, long := r.cur.runsOut(), min(r.next.arrival(), r.cur.length()/2)
	if _, wraps := r.after(r.cur.index); long == 0 || end.IsZero() || !end.Equal(r.cur.ends()) || wraps && r.leads && r.stage.ending(r.group) {
		return time.Time{}
	}
	return end.Add(-long)
}

// stepPassage moves a transition on and says when its next step is due.
func (r *reel) stepPassage(now time.Time) time.Time {
	if r.passage == nil {
		return time.Time{}
	}
	changed, over := r.passage.step(now, r.stage.ticks)
	if over {
		r.arrive()
		r.stage.relayer()
		r.group.soil(r.clip)
		return time.Time{}
	}
	if changed {
		r.group.soil(r.clip)
		r.turnUp()
	}
	return r.passage.due
}

// arrive ends a transition, if there is one.
func (r *reel) arrive() {
	if r.passage == nil {
		return
	}
	r.stage.leave(r.old)
	r.old, r.passage = nil, nil
	r.cur.own, r.cur.stale = surface{}, true
	r.turnUp()
}

// weed takes out items that failed and puts the one after them in their place. An item that breaks while it is on leaves
// its last frame until another is ready.
func (r *reel) weed(now time.Time) {
	for _, p := range []**slot{&r.cur, &r.next} {
		sl := *p
		if sl == nil || sl.failed(now) == nil {
			continue
		}
		if !r.isBad(sl.index) {
			r.bad[sl.index] = time.Time{}
			if sl.item.Kind.Endless() { // whoever sends may be back
				r.bad[sl.index] = now.Add(retry)
			}
			r.stage.failed(r.group, sl.item, sl.err)
		}
		if !sl.began.IsZero() {
			continue
		}
		*p = nil
		r.stage.leave(sl)
		if i, _ := r.after(sl.index); i >= 0 {
			*p = r.stage.prepare(&slot{item: r.items[i], index: i}, r.rect.Size(), r.scale, now)
		}
	}
}

// turn is the end of the present item: the next one takes its place if it is ready; else the last frame stays.
func (r *reel) turn(now time.Time) {
	if r.next != nil && r.next.again && !now.Before(r.cur.until) {
		r.stage.leave(r.next) // it came too late to fill the item's time
		r.next = nil
	}
	i, wraps := r.after(r.cur.index)
	if again := r.next != nil && r.next.again; wraps && !again {
		r.passed = true
		if r.held = r.leads && r.stage.ending(r.group); r.held {
			return
		}
	}
	switch {
	case i < 0:
	case i == r.cur.index && r.cur.stays():
		r.cur.until = now.Add(lengthOf(r.cur.item))
	case r.next == nil:
		r.fetch(now)
	case r.next.ready():
		r.promote(now)
	}
}

// promote has the next item take the place of the present one.
func (r *reel) promote(now time.Time) {
	r.arrive() // the transition before, where it was longer than its item
	old, end := r.cur, time.Time{}
	if old != nil {
		end = old.ends()
	}
	r.cur, r.next = r.next, nil
	if p := newPassage(r.cur.item.Transition, r.cur.arrival(), now); p != nil && old != nil && !r.cur.again {
		r.old, r.passage = old, p
		p.step(now, r.stage.ticks)
	} else {
		r.stage.leave(old)
	}
	r.turnUp()
	r.cur.begin(r.nominal(end, now))
	r.stage.relayer() // another picture may lie elsewhere
	r.group.soil(r.clip)
	r.stage.pulse = time.Time{} // where the playlist is now is told at once: the next item may be the process' last
}

// fetch starts the preparation of what follows the present item.
func (r *reel) fetch(now time.Time) {
	c := r.cur
	if c.video != nil && now.Before(c.until) && c.video.Length() > 0 && !c.item.Kind.Endless() && !r.isBad(c.index) {
		if end := c.began.Add(c.video.Length() - c.start%c.video.Length()); end.Before(c.until) {
			r.next = r.stage.prepare(&slot{item: c.item, index: c.index, until: c.until, again: true}, r.rect.Size(), r.scale, now)
			return
		}
	}
	if i, _ := r.after(c.index); i >= 0 {
		r.next = r.stage.prepare(&slot{item: r.items[i], index: i}, r.rect.Size(), r.scale, now)
	}
}

// look prepares the next item when its time has come, and says when to look again.
func (r *reel) look(now time.Time) time.Time {
	c := r.cur
	ends := c.ends()
	i, wraps := r.after(c.index)
	switch {
	case r.next != nil:
		return sooner(future(r.parting(), now), ends)
	case i < 0, r.held, i == c.index && c.stays():
		return ends
	case wraps && r.leads && r.stage.ending(r.group):
		return ends // the next scene is what follows
	case ends.IsZero() && c.video != nil && c.video.Length() == 0 && now.Sub(c.began) < lead:
		return c.began.Add(lead) // its length is not known yet
	}
	if t := ends.Add(-lead - passageOf(r.items[i].Transition)); now.Before(t) {
		return t
	}
	r.fetch(now)
	return ends
}

// limits adds the times by which items must be ready.
func (r *reel) limits(t, now time.Time) time.Time {
	for _, sl := range []*slot{r.cur, r.next} {
		if sl != nil && sl.began.IsZero() && sl.err == nil && !sl.ready() {
			t = sooner(t, future(sl.limit, now))
		}
		if sl != nil && sl.err == nil {
			t = sooner(t, future(sl.stuck(), now))
		}
	}
	for _, until := range r.bad {
		t = sooner(t, future(until, now))
	}
	return t
}

// update takes new rows for pages of the web; what is on the screen goes on.
func (r *reel) update(items []scene.Item) {
	if len(items) != len(r.items) {
		return
	}
	r.items = items
	for _, sl := range []*slot{r.old, r.cur, r.next} {
		if sl == nil || items[sl.index].Kind != scene.Web || items[sl.index].Src != sl.item.Src {
			continue
		}
		sl.item = items[sl.index]
		if u, ok := sl.video.(interface{ Update(scene.Item) }); ok {
			u.Update(sl.item)
		}
	}
}

func (r *reel) leave() {
	for _, sl := range []*slot{r.old, r.cur, r.next} {
		r.stage.leave(sl)
	}
	r.old, r.cur, r.next, r.passage = nil, nil, nil, nil
}

// eachVideo goes through those that the reel holds; onScreen are those that are on the screen if the reel is.
func (r *reel) eachVideo(do func(sl *slot, onScreen bool)) {
	for _, sl := range []*slot{r.old, r.cur, r.next} {
		if sl != nil && sl.video != nil {
			do(sl, sl != r.next && !sl.began.IsZero())
		}
	}
}

func (s *Stage) failed(g *group, item scene.Item, err error) {
	s.report(pipe.Report{Ev: pipe.EvFailed, ID: g.id, Src: item.Src, Error: fmt.Sprintf("%s cannot be shown: %s", item.Src, err)})
}

// future is t while it is still to come: what is past must not keep the loop from resting.
func future(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
