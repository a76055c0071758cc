package playout

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"vitrine/agent/schedule"
	"vitrine/cloud/api"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// showing is one turn of one item.
type showing struct {
	id       uint64
	turn                    // voice: the interrupt that it is a turn of; "" = of the loop
	moment   string         // the programme
	shares   map[string]int // when it began
	counted  time.Duration  // of it, for the shares
	event    string
	layer    string
	priority int
	stream   string
	seq      uint64
	again    bool   // it is the rest of an interrupted turn
	print    string // of its scene and files: equal prints look the same
	told     string // the bound scene, as the renderer has it
	scene    scene.Scene
	canvas   scene.Size
	queued   time.Time
	began    time.Time // zero = its first frame is not up
	start    time.Time // began by the player's clock
	trust    string
}

// end is when the showing ends by itself, if that is known.
func (s *showing) end() (time.Time, bool) {
	length, known := s.scene.Length()
	if !s.epoch.IsZero() {
		return s.epoch.Add(time.Duration(length)), known && !s.began.IsZero()
	}
	return s.began.Add(time.Duration(length) - s.from), known && !s.began.IsZero()
}

// moving says whether frames must go on coming: the scene lasts as long as its first playlist, and that is videos only.
func (s *showing) moving() bool {
	if s.scene.For > 0 {
		return false
	}
	for _, z := range s.scene.Zones {
		if len(z.Playlist) > 0 {
			return !slices.ContainsFunc(z.Playlist, func(i scene.Item) bool { return i.Kind != scene.Video })
		}
	}
	return false
}

// queue tells the renderer what comes next. Items that cannot be bound are skipped; the card always can.
func (p *Playout) queue(now bool) {
	if time.Now().Before(p.retry) || p.decision.Screen == "off" {
		p.waiting = nil
		return
	}
	p.retry = time.Time{}
	plain := false
	for range 2 * len(p.loop) {
		t := p.choose(now, plain)
		sc, canvas, ok := p.bind(t.item)
		if !ok {
			if p.again == nil {
				p.advance(t.voice)
			}
			p.again, plain = nil, true
			continue
		}
		told := text(sc)
		p.ids++
		s := &showing{id: p.ids, turn: t, event: cmp.Or(t.voice, p.eventOf(t.item)), layer: p.decision.Layer, priority: p.priority(p.decision),
			moment: p.moment(p.decision), print: p.print(t.item), scene: sc, canvas: canvas, told: told, queued: time.Now(), again: p.again != nil}
		if _, own := p.alerts.scenes[t.item]; !own && p.live.Manifest != nil && t.item != CardItem {
			s.stream, s.seq = p.live.Manifest.Stream, p.live.Manifest.Seq
		}
		p.waiting, p.open[s.id] = s, s
		p.tell(pipe.Command{Op: pipe.OpQueue, ID: s.id, Canvas: canvas, Scene: &sc, Start: scene.Duration(t.from), Epoch: t.epoch, Now: now || p.on == nil})
		return
	}
	standIn := p.expand(schedule.Decision{Loop: []string{schedule.FallbackItem}})
	if slices.Equal(standIn, p.loop) {
		standIn = []string{CardItem}
	}
	p.loop, p.pos, p.again = standIn, 0, nil
	p.queue(now)
}

// hurry shows what waits when it has waited for the item's end long enough, and sees to it that something waits.
func (p *Playout) hurry() {
	now := time.Now()
	if !p.cutAt.IsZero() && !now.Before(p.cutAt) {
		p.cutAt = time.Time{}
		p.queue(true)
	}
	if !p.retry.IsZero() && !now.Before(p.retry) {
		p.retry = time.Time{}
	}
	if p.waiting == nil && p.retry.IsZero() {
		p.queue(p.on == nil)
	}
}

// eventOf is the event that an item is shown for.
func (p *Playout) eventOf(item string) string {
	for _, e := range p.events() {
		if slices.Contains(p.decision.Events, e.ID) && slices.Contains(e.Items, item) {
			return e.ID
		}
	}
	return ""
}

// hear takes a report; it says whether the schedule is to be asked again.
func (p *Playout) hear(r pipe.Report) (again bool) {
	switch r.Ev {
	case pipe.EvReady:
		p.log.Info("renderer ready", "output", r.Output, "size", r.Size, "mpv", r.MPV, "hwdec", r.Hwdec)
		p.mu.Lock()
		p.status.Output, p.status.Size, p.status.Fault, p.status.PID = r.Output, r.Size, "", r.PID
		p.status.Unplugged = r.Unplugged
		p.mu.Unlock()
		p.moved = time.Now()
		p.up = p.moved
		p.cfg.Changed()
		return true // the card and alerts are drawn for the size of the screen
	case pipe.EvStarted:
		again = p.started(r)
	case pipe.EvEnded:
		again = p.ended(r)
	case pipe.EvFailed:
		again = p.failed(r)
	case pipe.EvPulse:
		again = p.pulse(r)
	case pipe.EvShot:
		p.shot(r)
	case pipe.EvMonitors:
		p.log.Info("displays changed", "monitors", r.Monitors, "size", r.Size)
		p.mu.Lock()
		p.status.Unplugged = r.Unplugged
		p.mu.Unlock()
		p.cfg.Changed()
	case pipe.EvInput:
		again = !p.serviceKey(r.Input) && p.input(r.Input)
	}
	p.report()
	return again
}

func (p *Playout) failed(r pipe.Report) (again bool) {
	s := p.open[r.ID]
	switch {
	case s != nil:
		p.log.Warn("medium not shown", "item", s.item, "file", r.Src, "error", r.Error)
	case r.Reason == pipe.ReasonGone: // which the pipe has logged
		p.mu.Lock()
		p.status.Output, p.status.Fault, p.status.PID = "", r.Error, 0 // until the next one is ready
		p.mu.Unlock()
		p.cfg.Changed()
		return p.gone(r)
	default:
		p.log.Warn("renderer complained", "file", r.Src, "error", r.Error)
	}
	return false
}

func (p *Playout) started(r pipe.Report) (again bool) {
	s := p.open[r.ID]
	if s == nil || !s.began.IsZero() {
		return false
	}
	st, _ := p.cfg.Clock.State()
	s.began, s.start, s.trust = time.Now(), st.Now, string(st.Trust)
	p.moved = s.began
	p.isFine(s.began)
	p.log.Debug("item on the screen", "item", s.item, "after", s.began.Sub(s.queued))
	p.weigh(s)
	before := p.on
	p.on = s
	p.tellVolume()
	if before == nil || before.layer != s.layer || before.event != s.event || before.seq != s.seq || before.stream != s.stream {
		defer p.cfg.Changed()
		defer p.report()
	}
	again = p.count(s)
	again = p.lastTurn(s) || again
	if p.waiting != s {
		return again // something else waits already
	}
	p.cutAt = time.Time{}
	p.after(s)
	p.queue(false)
	return again
}

// ended takes a showing off; a failed one counts against its item.
func (p *Playout) ended(r pipe.Report) (again bool) {
	s := p.open[r.ID]
	if s == nil {
		return false
	}
	p.close(s, r.Reason, r)
	if r.Reason == "eof" || r.Reason == "time" {
		delete(p.watch.deaths, s.item) // it plays to its end
	}
	failed := r.Reason == "failed"
	if failed {
		again = p.blame(s, "it could not be shown")
	}
	if p.on == s {
		p.on = nil
	}
	if p.waiting == s {
		p.waiting = nil
		p.after(s)
	}
	if !again && p.waiting == nil {
		p.queue(p.on == nil)
	}
	return again
}

// blame counts a failure; true means that the item is in quarantine now.
func (p *Playout) blame(s *showing, why string) bool {
	if s.item == CardItem {
		p.retry = time.Now().Add(2 * time.Second)
		return true
	}
	until, out := p.sick.fail(s.item, why, time.Now())
	if out {
		p.log.Warn("item put into quarantine", "item", s.item, "until", until, "why", why)
		p.cfg.Store.Doubt(s.item) // perhaps it is not the item but the disk
	}
	return out
}

// close ends a showing and keeps its proof.
func (p *Playout) close(s *showing, reason string, r pipe.Report) {
	if s == nil || p.open[s.id] == nil {
		return
	}
	delete(p.open, s.id)
	if s.began.IsZero() || s.item == CardItem {
		return
	}
	p.cutShort(s, reason)
	p.settle(s, reason)
	p.cfg.Store.Record(api.Proof{Start: s.start.UTC(), End: s.start.Add(time.Since(s.began)).UTC(), Stream: s.stream, Bundle: s.seq,
		Scene: s.item, Event: s.event, Layer: s.layer, Reason: reason, Presented: r.Presented, Dropped: r.Dropped, Clock: s.trust})
}

// pulse watches presented frames, not processes: a showing that does not start, does not move or does not end is failed.
func (p *Playout) pulse(r pipe.Report) (again bool) {
	now := time.Now()
	p.mu.Lock()
	if r.Presented != p.status.Presented {
		p.moved = now
	}
	p.status.Presented, p.status.Dropped, p.status.Memory = r.Presented, r.Dropped, r.Memory
	p.status.Skew = skewOf(r.Reels)
	if r.Hwdec != "" {
		p.status.Hwdec = r.Hwdec
	}
	p.mu.Unlock()
	p.heft(r.Memory)
	if p.decision.Screen == "off" {
		p.isFine(now)
		return false
	}
	stuck, why := p.stuck(now)
	if stuck == nil {
		if p.on != nil {
			p.isFine(now)
		}
		return false
	}
	p.log.Warn("showing given up", "item", stuck.item, "why", why)
	again = p.blame(stuck, why)
	if stuck == p.waiting {
		p.after(stuck)
		delete(p.open, stuck.id)
	}
	p.moved = now
	p.queue(true)
	return again
}

func (p *Playout) stuck(now time.Time) (*showing, string) {
	up := now.Sub(p.up) // no item has ended late, or not begun, because its renderer was killed meanwhile
	if w := p.waiting; w != nil && p.on == nil && min(up, now.Sub(w.queued)) > startMax {
		return w, "its first frame did not come"
	}
	if p.on == nil {
		return nil, ""
	}
	if p.on.moving() && now.Sub(p.moved) > stuckMax {
		return p.on, "it did not move any more"
	}
	if end, known := p.on.end(); known && p.on.item != CardItem && min(up, now.Sub(end)) > overtime {
		return p.on, "it did not end"
	}
	return nil, ""
}

func (p *Playout) shot(r pipe.Report) {
	p.mu.Lock()
	done := p.shots[r.Path]
	p.mu.Unlock()
	if done == nil {
		return
	}
	var err error
	if r.Error != "" {
		err = shotError(r.Error)
	}
	select {
	case done <- err:
	default:
	}
}

type shotError string

func (e shotError) Error() string { return "no picture was taken: " + string(e) }

// report renews the status.
func (p *Playout) report() {
	s := api.Showing{Layer: p.decision.Layer, Events: p.decision.Events, Screen: p.decision.Screen}
	if p.on != nil {
		s.Scene, s.Since, s.Layer = p.on.item, p.on.start.UTC(), p.on.layer
	}
	if s.Screen == "off" {
		s.Layer = schedule.LayerOff
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Showing = s
	p.status.Next = time.Time{}
	if p.decision.Next != nil {
		p.status.Next = *p.decision.Next
	}
	p.status.Quarantined = p.sick.reasons(time.Now())
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // cannot be: scenes come from JSON
	}
	return string(b)
}
