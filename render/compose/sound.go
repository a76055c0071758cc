package compose

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// Sound plays beds. Load, Stop and Close may block and are called on other goroutines.
type Sound interface {
	Load(items []scene.Item) error // plays them round and round without a gap, silent until SetVolume
	SetVolume(percent int)         // as a Video's
	Err() error                    // why nothing of what was loaded can be played
	Stop()
	Close()
}

const (
	ramp      = 400 * time.Millisecond // a bed's way from one volume to another
	rampStep  = 20 * time.Millisecond
	usualBed  = 100
	usualDuck = 50
)

// under is the sound below the scene. It outlives scenes: where the next one has the same bed nobody hears the change.
type under struct {
	stage   *Stage
	want    *scene.Bed   // nil = silence
	playing []scene.Item // nil = nothing is loaded
	failed  []scene.Item // cannot be played: not tried again
	sound   Sound
	busy    bool // being loaded or stopped

	level, from, to float64 // volume: now, and where a ramp leads
	began           time.Time
	told            int
}

// step brings the bed nearer to what it is to be, and says when to be asked again.
func (u *under) step(now time.Time) time.Time {
	if u.busy || u.want == nil && u.playing == nil {
		return time.Time{}
	}
	same := u.want != nil && reflect.DeepEqual(u.want.Playlist, u.playing)
	switch {
	case u.playing == nil && reflect.DeepEqual(u.want.Playlist, u.failed):
		return time.Time{}
	case u.playing == nil:
		u.load()
		return time.Time{}
	case same && u.sound.Err() != nil:
		u.fail(u.sound.Err())
		return time.Time{}
	case !same && u.level == 0:
		u.stop()
		return time.Time{}
	}
	target := 0.0
	if same {
		target = u.target()
	}
	return u.move(target, now)
}

// target is how loud the bed is to be now.
func (u *under) target() float64 {
	if u.stage.off {
		return 0
	}
	volume, duck := u.want.Volume, u.want.Duck
	if volume == 0 {
		volume = usualBed
	}
	if duck == 0 {
		duck = usualDuck
	}
	if !u.stage.audible() {
		duck = 100
	}
	return float64(volume*duck*u.stage.master) / 1e4
}

// move follows the ramp to a volume.
func (u *under) move(to float64, now time.Time) time.Time {
	if to != u.to {
		u.from, u.to, u.began = u.level, to, now
	}
	part := min(1, float64(now.Sub(u.began))/float64(ramp))
	u.level = u.from + (u.to-u.from)*part
	if v := int(u.level + 0.5); v != u.told {
		u.told = v
		u.sound.SetVolume(v)
	}
	if part < 1 {
		return now.Add(rampStep)
	}
	return time.Time{}
}

func (u *under) load() {
	items, sound := u.want.Playlist, u.sound
	u.busy = true
	s := u.stage
	s.elsewhere(func() func() {
		var err error
		if sound == nil {
			sound, err = s.openSound()
		}
		if err == nil {
			err = sound.Load(items)
		}
		return func() {
			u.busy, u.sound = false, sound
			u.level, u.from, u.to, u.told = 0, 0, 0, 0
			if u.playing = items; err != nil {
				u.fail(err)
			}
		}
	})
}

func (u *under) stop() {
	sound := u.sound
	u.playing, u.busy = nil, true
	u.stage.elsewhere(func() func() {
		sound.Stop()
		return func() { u.busy = false }
	})
}

func (u *under) fail(err error) {
	u.failed, u.playing = u.playing, nil
	r := pipe.Report{Ev: pipe.EvFailed, Error: fmt.Sprintf("the sound below the scene cannot be played: %s", err)}
	if len(u.failed) > 0 {
		r.Src = u.failed[0].Src
	}
	if u.stage.shown != nil {
		r.ID = u.stage.shown.id
	}
	u.stage.report(r)
}

func (s *Stage) openSound() (Sound, error) {
	if s.cfg.Sound == nil {
		return nil, errors.New("this renderer plays no sound of its own; install one that was built with libmpv")
	}
	return s.cfg.Sound(s.wake)
}

// audible says that an item on the screen has sound.
func (s *Stage) audible() bool {
	found := false
	for _, g := range []*group{s.shown, s.leaving, s.above} {
		g.eachReel(func(r *reel) {
			r.eachVideo(func(sl *slot, onScreen bool) {
				sounds, ok := sl.video.(interface{ Sounds() bool })
				found = found || onScreen && !sl.away && sl.item.Volume > 0 && (!ok || sounds.Sounds())
			})
		})
	}
	return found
}
