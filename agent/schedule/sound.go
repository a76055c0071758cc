package schedule

import (
	"fmt"
	"math"
	"time"
)

// Audio says how loud a player is, and how loud it may be at most at some times of day.
type Audio struct {
	Volume *int    `json:"volume,omitempty"` // per cent, of all sound; nil = 100. An event's own volume stands instead
	Limits []Limit `json:"limits,omitempty"` // the lowest that holds counts; emergencies are not limited
}

// Limit is a volume that nothing exceeds while it holds.
type Limit struct {
	Zone           string              `json:"zone,omitempty"` // IANA; "" = the player's
	Days           []int               `json:"days,omitempty"` // ISO weekdays, of a window's beginning; none = every day
	Windows        []Window            `json:"windows,omitempty"`
	WeekdayWindows map[string][]Window `json:"weekdayWindows,omitempty"`
	Dayparts       []string            `json:"dayparts,omitempty"`
	ExDates        []string            `json:"exDates,omitempty"`
	Max            int                 `json:"max"` // per cent, 0 to 100
}

const loudest = 100

// sound is a compiled Audio.
type sound struct {
	volume int
	limits []limit
}

type limit struct {
	rhythm *rhythm
	most   int
}

// sound checks and compiles; a malformed limit is left out.
func (c *compiler) sound(a *Audio) sound {
	s := sound{volume: loudest}
	if a == nil {
		return s
	}
	if a.Volume != nil {
		if message := badVolume("volume", *a.Volume); message != "" {
			c.report("/audio/volume", message)
		} else {
			s.volume = *a.Volume
		}
	}
	for i, l := range a.Limits {
		good, path := true, fmt.Sprintf("/audio/limits/%d", i)
		refuse := func(below, message string) {
			good = false
			c.report(path+below, message)
		}
		if message := badVolume("max", l.Max); message != "" {
			refuse("/max", message)
		}
		r := c.rhythm(timing{zone: l.Zone, days: l.Days, exDates: l.ExDates, hours: hours{l.Windows, l.WeekdayWindows, l.Dayparts}}, refuse)
		if good {
			s.limits = append(s.limits, limit{r, l.Max})
		}
	}
	return s
}

func badVolume(name string, percent int) string {
	if percent >= 0 && percent <= loudest {
		return ""
	}
	return fmt.Sprintf("%s %d is not 0 to 100 per cent", name, percent)
}

// Volume is how loud all sound is to be at an instant while an event has the screen ("" = a default or the fallback), per
// cent; own is the volume that the player's people have set, of which that is a part. The instant next is when that
// changes by itself, nil = never.
func (p *Plan) Volume(pl Player, event string, own int, now time.Time) (percent int, next *time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, m := p.view(pl), &moment{now: now.Unix(), next: math.MaxInt64}
	percent, limited := p.sound.volume, true
	for _, e := range p.events {
		if e.ID == event && e.broken == "" {
			limited = e.Kind != kindEmergency
			if e.Volume != nil {
				percent = *e.Volume
			}
		}
	}
	percent = percent * own / loudest
	for _, l := range p.sound.limits {
		i, ok := v.pulse(l.rhythm)
		if !ok || !limited {
			continue
		}
		on, until := v.at(i, m.now)
		m.next = min(m.next, until)
		if on {
			percent = min(percent, l.most)
		}
	}
	return percent, m.instant()
}
