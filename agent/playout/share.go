package playout

import (
	"encoding/json"
	"slices"
	"time"

	"vitrine/agent/schedule"
)

// unmeasured is the length of an item that nobody knows yet.
const unmeasured = 10 * time.Second

// The names of what is remembered over a restart.
const (
	memoTally  = "playout.tally"
	memoVoices = "playout.voices"
)

// shares is who has had how much of the screen: plays in the last hour, for maxPerHour, and playing time, for share.
type shares struct {
	tally  *schedule.Tally
	voices schedule.Voices
	turn   map[string]int           // by interrupt: which of its items is next
	length map[string]time.Duration // of items, as they were last measured
	due    time.Time                // when a play no longer counts
	dirty  bool
	saved  time.Time
	unkept bool // they could not be written, which was said
}

// recall reads what was remembered.
func (p *Playout) recall() {
	p.shares = shares{tally: &schedule.Tally{}, turn: map[string]int{}, length: map[string]time.Duration{}, saved: time.Now()}
	if b, ok := p.cfg.Store.Memo(memoTally); ok {
		if t, err := schedule.LoadTally(b, 0); err == nil {
			p.shares.tally = t
		}
	}
	if b, ok := p.cfg.Store.Memo(memoVoices); ok {
		if err := json.Unmarshal(b, &p.shares.voices); err != nil {
			p.log.Warn("shares begin anew", "error", err)
		}
	}
}

// remember writes what has changed, at most once in a time.
func (p *Playout) remember(least time.Duration) {
	s := &p.shares
	if !s.dirty || time.Since(s.saved) < least {
		return
	}
	s.dirty, s.saved = false, time.Now()
	tally, err := s.tally.Save(time.Since(p.begun))
	if err == nil {
		err = p.cfg.Store.KeepMemo(memoTally, tally)
	}
	voices, verr := json.Marshal(&s.voices)
	if verr == nil {
		verr = p.cfg.Store.KeepMemo(memoVoices, voices)
	}
	failed := err != nil || verr != nil
	if failed && !s.unkept {
		p.log.Warn("shares not kept", "tally", err, "voices", verr)
	}
	s.unkept = failed
}

// plays is how often each event has played in the last hour.
func (p *Playout) plays() map[string]int {
	plays, wait := p.shares.tally.Plays(time.Since(p.begun))
	p.shares.due = time.Time{}
	if wait > 0 {
		p.shares.due = time.Now().Add(wait)
	}
	return plays
}

// pick is what plays next: an item of the loop, or of the interrupt whose turn it is. A cut begins with the loop.
func (p *Playout) pick(cut bool) (voice, item string) {
	main := p.loop[p.pos%len(p.loop)]
	if cut || len(p.decision.Interrupts) == 0 || main == CardItem {
		return schedule.MainStream, main
	}
	next := map[string]time.Duration{schedule.MainStream: p.lengthOf(main)}
	items := map[string]string{schedule.MainStream: main}
	for voice := range p.decision.Interrupts {
		if item, ok := p.itemOf(voice); ok {
			items[voice], next[voice] = item, p.lengthOf(item)
		}
	}
	voice = p.shares.voices.Pick(p.decision.Interrupts, next)
	return voice, items[voice]
}

// itemOf is an interrupt's next item that can be shown.
func (p *Playout) itemOf(voice string) (string, bool) {
	bad := append(p.sick.items(time.Now()), p.live.Missing...)
	for _, e := range p.events() {
		if e.ID != voice {
			continue
		}
		for i := range e.Items {
			at := (p.shares.turn[voice] + i) % len(e.Items)
			if !slices.Contains(bad, e.Items[at]) {
				p.shares.turn[voice] = at
				return e.Items[at], true
			}
		}
	}
	return "", false
}

// advance moves on in the loop, or in an interrupt's items.
func (p *Playout) advance(voice string) {
	if len(p.loop) == 0 {
		return // the screen has been switched off
	}
	if voice == schedule.MainStream {
		p.pos = (p.pos + 1) % len(p.loop)
		return
	}
	p.shares.turn[voice]++
}

// after moves on from a showing; after the rest of an interrupted one the place is right already.
func (p *Playout) after(s *showing) {
	if s.again {
		p.again = nil
		return
	}
	p.advance(s.voice)
}

// lengthOf is how long an item stays: as it says, else as it was measured.
func (p *Playout) lengthOf(item string) time.Duration {
	if sc, ok := p.sceneOf(item); ok {
		if d, known := sc.Length(); known {
			return time.Duration(d)
		}
	}
	if d := p.shares.length[item]; d > 0 {
		return d
	}
	return unmeasured
}

// count counts a showing that has begun, for as long as it is expected to stay; true: the schedule may answer otherwise.
func (p *Playout) count(s *showing) (again bool) {
	if len(p.decision.Interrupts) > 0 && s.item != CardItem {
		s.shares, s.counted = p.decision.Interrupts, max(p.lengthOf(s.item)-s.from, 0)
		p.shares.voices.Played(s.shares, s.voice, s.counted)
		p.shares.dirty = true
	}
	for _, e := range p.events() {
		if e.ID == s.event && e.MaxPerHour > 0 {
			p.shares.tally.Played(e.ID, time.Since(p.begun))
			p.shares.dirty = true
			again = true
		}
	}
	return again
}

// settle puts right what was counted, when the showing is over.
func (p *Playout) settle(s *showing, reason string) {
	took := time.Since(s.began)
	if len(s.shares) > 0 {
		p.shares.voices.Played(s.shares, s.voice, took-s.counted)
	}
	if reason != "eof" && reason != "time" {
		return
	}
	if len(p.shares.length) > 1000 {
		clear(p.shares.length)
	}
	p.shares.length[s.item] = s.from + took
}
