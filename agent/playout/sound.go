package playout

import (
	"strconv"
	"time"

	"vitrine/agent/schedule"
	"vitrine/render/pipe"
)

const (
	memoVolume = "playout.volume"
	full       = 100 // per cent
)

// sound is how loud the player is.
type sound struct {
	own  int       // per cent, as people at the player have set it
	most int       // per cent, as an action has limited it
	told int       // the renderer; -1 = not yet
	next time.Time // when the schedule changes it, by the player's clock; zero = never
}

// Volume is how loud all sound is, per cent: as the player's people have set it, and as it is now by the schedule.
func (p *Playout) Volume() (own, now int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sound.own, max(p.sound.told, 0)
}

// SetOwnVolume sets how loud all sound is, 0 to 100 per cent; the schedule's volume is a part of that. It is kept.
func (p *Playout) SetOwnVolume(percent int) error {
	percent = min(max(percent, 0), full)
	p.mu.Lock()
	p.sound.own = percent
	p.mu.Unlock()
	p.nudge()
	return p.cfg.Store.KeepMemo(memoVolume, []byte(strconv.Itoa(percent)))
}

// SetVolume limits all sound, 0 to 100 per cent, as an action of the schedule asks.
func (p *Playout) SetVolume(percent int) {
	p.mu.Lock()
	p.sound.most = min(max(percent, 0), full)
	p.mu.Unlock()
	p.nudge()
}

func (p *Playout) recallVolume() {
	b, ok := p.cfg.Store.Memo(memoVolume)
	if v, err := strconv.Atoi(string(b)); ok && err == nil && v >= 0 && v <= full {
		p.mu.Lock()
		p.sound.own = v
		p.mu.Unlock()
	}
}

// tellVolume tells the renderer how loud it is to be, when that has changed: for the event that has the screen, else for
// the one that comes.
func (p *Playout) tellVolume() {
	event := ""
	if p.on != nil {
		event = p.on.event
	} else if len(p.decision.Events) > 0 {
		event = p.decision.Events[0]
	}
	p.mu.Lock()
	percent, most := p.sound.own, p.sound.most
	p.sound.next = time.Time{}
	p.mu.Unlock()
	var next *time.Time
	if p.plan != nil {
		set := p.live.Settings
		percent, next = p.plan.Volume(schedule.Player{ID: set.ID, Groups: set.Groups, Tags: set.Tags, Zone: p.zone()}, event, percent, p.cfg.Clock.Now())
	}
	percent = min(percent, most)
	p.mu.Lock()
	if next != nil {
		p.sound.next = *next
	}
	same := p.sound.told == percent || p.sound.told < 0 && percent == full // which a renderer begins with
	p.sound.told = percent
	p.mu.Unlock()
	if same {
		return
	}
	p.log.Info("volume changed", "percent", percent, "event", event)
	p.tell(pipe.Command{Op: pipe.OpVolume, Volume: percent})
}
