package playout

import (
	"math"
	"slices"
	"time"

	"vitrine/agent/schedule"
	"vitrine/render/pipe"
)

// change says when a new loop takes the screen.
type change int

const (
	atEnd change = iota // of the item that is on
	atOnce
)

const (
	mostLeft = 16                     // programmes that wait to come back
	nearly   = 500 * time.Millisecond // so little of an item is not begun
	hair     = 10 * time.Millisecond  // so late is not late: a seek would cost more
	opening  = 400 * time.Millisecond // that a scene of an aligned loop is given to be opened, where it comes at once
)

// place is where a programme was when a stronger one took the screen.
type place struct {
	moment string
	rank   rank
	loop   []string
	pos    int // in loop, of what would have come next
	turn
	print   string
	showing uint64
	cut     bool   // the item had not ended
	after   string // next, resume, restart: what the stronger event asks for at its end
}

// turn is an item and where in it to begin.
type turn struct {
	voice string
	item  string
	from  time.Duration
	epoch time.Time // when the item's own time is 0, where screens agree on it; else zero
}

// rank orders programmes: by layer, then by priority.
type rank struct{ layer, priority int }

func rankOf(layer string, priority int) rank {
	order := []string{schedule.LayerFallback, schedule.LayerDefault, schedule.LayerScheduled, schedule.LayerTakeover, schedule.LayerEmergency}
	return rank{slices.Index(order, layer), priority}
}

func (r rank) above(o rank) bool {
	return r.layer > o.layer || r.layer == o.layer && r.priority > o.priority
}

// when says whether a new loop takes the screen at once.
func (p *Playout) when(was schedule.Decision, renewed bool) change {
	now := p.decision
	urgent := func(layer string) bool { return layer == schedule.LayerEmergency || layer == schedule.LayerTakeover }
	switch {
	case p.on == nil || p.on.item == CardItem:
		return atOnce
	case urgent(now.Layer) || urgent(was.Layer):
		return atOnce
	case p.timeUp(was, now):
		return atOnce
	case renewed:
		if slices.Contains(p.expand(now), p.on.item) && p.on.print == p.print(p.on.item) {
			return atEnd
		}
		if end, known := p.on.end(); known && time.Until(end) <= soon {
			return atEnd
		}
		return atOnce
	}
	switch start, wait := p.onStart(now, was); {
	case start == "cut" || start == "pause":
		return atOnce
	case start == "finish":
		p.cutAt = time.Now().Add(wait)
		return atEnd
	case p.priority(now) > p.on.priority:
		return atOnce
	}
	return atEnd
}

// priority is that of the events that play; defaults are below all events, the fallback below them.
func (p *Playout) priority(d schedule.Decision) int {
	switch d.Layer {
	case schedule.LayerDefault:
		return math.MinInt + 1
	case schedule.LayerFallback:
		return math.MinInt
	}
	for _, e := range p.events() {
		if slices.Contains(d.Events, e.ID) {
			return e.Priority // of all of them: the highest plays alone
		}
	}
	return 0
}

// onStart is what the newly playing events ask for, and how long finish waits.
func (p *Playout) onStart(now, was schedule.Decision) (start string, wait time.Duration) {
	for _, e := range p.events() {
		if e.OnStart == "" || !slices.Contains(now.Events, e.ID) || slices.Contains(was.Events, e.ID) {
			continue
		}
		wait, err := time.ParseDuration(e.MaxWait)
		if err != nil || wait < 0 {
			wait = 30 * time.Second
		}
		return e.OnStart, wait
	}
	return "", 0
}

// onEnd is what the playing events leave the screen to: what they say, else what they paused, else the next item.
func (p *Playout) onEnd() string {
	after := "next"
	for _, e := range p.events() {
		if !slices.Contains(p.decision.Events, e.ID) {
			continue
		}
		if e.OnEnd != "" {
			return e.OnEnd
		}
		if e.OnStart == "pause" || e.Trigger != nil {
			after = "resume"
		}
	}
	return after
}

// follow takes a new loop. A programme that comes back goes on as the event before it asks; otherwise the place in the loop
// is kept where the item that is on is in it too.
func (p *Playout) follow(loop []string, c change) {
	p.leave()
	back := p.comeBack()
	p.loop, p.again, p.pos = loop, nil, 0
	if c == atOnce {
		p.cutAt = time.Time{}
		p.log.Info("programme changed", "layer", p.decision.Layer, "loop", loop, "at", "once")
	} else {
		p.log.Info("programme changed", "layer", p.decision.Layer, "loop", loop, "at", "end of "+p.on.item)
		p.goOn()
	}
	if back != nil {
		p.rejoin(back)
	}
	p.queue(c == atOnce)
}

// goOn counts the item that is on as the new loop's, where it is in it.
func (p *Playout) goOn() {
	i := slices.Index(p.loop, p.on.item)
	if i < 0 || p.on.voice != "" {
		return
	}
	p.pos = (i + 1) % len(p.loop)
	p.on.layer, p.on.event, p.on.priority = p.decision.Layer, p.eventOf(p.on.item), p.priority(p.decision)
	p.on.moment = p.moment(p.decision)
	p.cutAt = time.Time{}
	if p.live.Manifest != nil {
		p.on.stream, p.on.seq = p.live.Manifest.Stream, p.live.Manifest.Seq
	}
}

// leave remembers the place of a programme that a stronger one interrupts, also of one that was about to come back.
func (p *Playout) leave() {
	s, now := p.on, rankOf(p.decision.Layer, p.priority(p.decision))
	if p.again != nil && p.back != nil && now.above(p.back.rank) {
		p.left = append(p.left, *p.back)
	}
	p.back = nil
	if s == nil || s.item == CardItem || slices.ContainsFunc(p.left, func(l place) bool { return l.moment == s.moment }) {
		return
	}
	was := rankOf(s.layer, s.priority)
	if len(p.left) >= mostLeft || !now.above(was) {
		return
	}
	p.left = append(p.left, place{moment: s.moment, rank: was, loop: p.loop, pos: p.pos, turn: turn{voice: s.voice, item: s.item}, print: s.print,
		showing: s.id, after: p.onEnd()})
}

// cutShort notes how far an item had come when its programme was interrupted.
func (p *Playout) cutShort(s *showing, reason string) {
	for i := range p.left {
		if l := &p.left[i]; l.showing == s.id && reason == "replaced" {
			l.from = s.from + time.Since(s.began)
			length, known := s.scene.Length()
			l.cut = !known || time.Duration(length)-l.from > nearly
		}
	}
}

// comeBack finds the place of the programme that has the screen again, and forgets those that are over.
func (p *Playout) comeBack() *place {
	now, moment := rankOf(p.decision.Layer, p.priority(p.decision)), p.moment(p.decision)
	for i := len(p.left) - 1; i >= 0; i-- {
		if l := p.left[i]; l.moment == moment {
			p.left = p.left[:i]
			return &l
		} else if now.above(l.rank) {
			break // it waits on
		}
		p.left = p.left[:i]
	}
	return nil
}

// rejoin takes a programme up where it was left.
func (p *Playout) rejoin(l *place) {
	i := slices.Index(p.loop, l.item)
	if slices.Equal(p.loop, l.loop) {
		p.pos = l.pos % len(p.loop)
	} else if l.voice == schedule.MainStream && i >= 0 {
		p.pos = (i + 1) % len(p.loop)
	}
	_, speaks := p.decision.Interrupts[l.voice]
	if !l.cut || l.after == "next" || l.voice == schedule.MainStream && i < 0 || l.voice != schedule.MainStream && !speaks {
		return
	}
	if l.after == "restart" || l.print != p.print(l.item) {
		l.from = 0
	}
	p.again, p.back = &l.turn, l
}

// choose is what plays next and where in it: of an aligned loop what the time says, else what was interrupted, else the next.
func (p *Playout) choose(now, plain bool) turn {
	if !plain {
		if t, ok := p.aligned(now); ok {
			p.again = nil
			return t
		}
	}
	if p.again != nil {
		return *p.again
	}
	voice, item := p.pick(now)
	return turn{voice: voice, item: item}
}

// aligned is the place of an aligned loop at the instant when what is queued will begin, with the instant at which that item
// began or begins everywhere: the renderer holds it to that. What comes at once is given the time to be opened. Not ok: the
// loop is not aligned, the clock not trusted, an item of unknown length.
func (p *Playout) aligned(now bool) (t turn, ok bool) {
	st, _ := p.cfg.Clock.State()
	if st.Trust != "trusted" || len(p.decision.Interrupts) > 0 || len(p.decision.Events) == 0 {
		return t, false
	}
	for _, e := range p.events() {
		if slices.Contains(p.decision.Events, e.ID) && !e.Align {
			return t, false
		}
	}
	lengths := make([]time.Duration, len(p.loop))
	for i, item := range p.loop {
		sc, _ := p.sceneOf(item)
		length, known := sc.Length()
		if !known {
			return t, false
		}
		lengths[i] = time.Duration(length)
	}
	begin := st.Now.Add(opening)
	if !now && p.on != nil {
		end, known := p.on.end()
		if !known {
			return t, false
		}
		begin = st.Now.Add(max(time.Until(end), 0))
	}
	i, from := schedule.Position(begin, lengths)
	if i < 0 {
		return t, false
	}
	epoch := begin.Add(-from)
	if left := lengths[i] - from; left < min(nearly, lengths[i]/4) {
		i, from, epoch = (i+1)%len(lengths), 0, begin.Add(left)
	}
	if from < hair {
		from = 0
	}
	p.pos = i
	return turn{item: p.loop[i], from: from, epoch: epoch.Round(0)}, true
}

// joins says that what is on, or about to come, goes by itself though the loop could be aligned now: the clock has come to be
// trusted since. It says so once for each showing.
func (p *Playout) joins() bool {
	s := p.on
	if s == nil {
		s = p.waiting
	}
	if s == nil || !s.epoch.IsZero() || s.voice != "" || s.id == p.joined || !slices.Contains(p.loop, s.item) {
		return false
	}
	_, ok := p.aligned(true)
	if ok {
		p.joined = s.id
	}
	return ok
}

// skewOf is the skew of the playlist that is furthest off.
func skewOf(reels []pipe.Reel) (worst *float64) {
	for _, r := range reels {
		if r.Skew != nil && (worst == nil || math.Abs(*r.Skew) > math.Abs(*worst)) {
			worst = r.Skew
		}
	}
	return worst
}
