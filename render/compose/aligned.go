package compose

import (
	"slices"
	"time"
)

// Screens that show one thing together agree on the instant at which a scene's own time is 0: its epoch. A scene that has one
// comes neither before its time nor, where it is late, as if it were on time: its videos are brought there little by little.
//
//	epoch ── start ──> the scene comes, its lengths counted from there
//	                     └── position of each video less where it should be = skew ──> a little slower, a little faster

const (
	holdAtMost = 2 * time.Second        // for a scene's time to come; one that is further away was not meant so
	lateAtMost = time.Second            // behind which a scene begins by itself, not by its epoch
	skewEvery  = 500 * time.Millisecond // between two looks at a video's skew
	skewLooks  = 40                     // positions that are looked at together
	skewStart  = 0.008                  // seconds, half a frame at 60 Hz: from there on it is corrected …
	skewRest   = 0.003                  // … until so little is left
	skewJump   = 0.100                  // from there on faster
	gently     = 0.01                   // of the speed, which nobody sees
	firmly     = 0.05
)

// paced is a Video that knows where it is, and that can be hurried.
type paced interface {
	// At is the position of the newest frame, and when it became that; false where it is not known.
	At() (position time.Duration, since time.Time, ok bool)
	// SetSpeed is 1 at each Load; it must not block.
	SetSpeed(factor float64)
}

// drift is how far a reel's video is from where it should be.
type drift struct {
	of    *slot
	last  time.Time // of the position that was looked at
	looks []float64 // seconds ahead
	skew  *float64  // their median, nil while it is not known
	speed float64
	due   time.Time
}

// due is when an aligned group begins; zero for one that is not.
func (g *group) due() time.Time {
	if g.epoch.IsZero() {
		return time.Time{}
	}
	return g.epoch.Add(g.start)
}

// early says that an aligned group has to wait for its time, and until when.
func (g *group) early(now time.Time) (time.Time, bool) {
	due := g.due()
	return due, !due.IsZero() && now.Before(due) && due.Sub(now) < holdAtMost
}

// nominal is when a group that comes now begins by its epoch. One that is too far from it goes by itself.
func (g *group) nominal(now time.Time) time.Time {
	due := g.due()
	if due.IsZero() {
		return now
	}
	if late := now.Sub(due); late < -holdAtMost || late > lateAtMost {
		g.epoch = time.Time{}
		return now
	}
	return due
}

// nominal is when an item that follows another begins: in an aligned group at that one's end, though its frame may be late.
func (r *reel) nominal(end, now time.Time) time.Time {
	if r.group.epoch.IsZero() || end.IsZero() || now.Sub(end).Abs() > lateAtMost {
		return now
	}
	return end
}

// follow keeps an aligned video where it should be, and says when to look again.
func (r *reel) follow(now time.Time) time.Time {
	c := r.cur
	if r.group.epoch.IsZero() || c == nil || c.video == nil || c.began.IsZero() {
		return time.Time{}
	}
	v, ok := c.video.(paced)
	if !ok {
		return time.Time{}
	}
	d := &r.drift
	if d.of != c {
		*d = drift{of: c, speed: 1, due: now.Add(skewEvery)}
	}
	if at, since, known := v.At(); known && since.After(d.last) && since.After(c.began) {
		d.last = since
		d.looks = append(d.looks, (at - c.start - since.Sub(c.began)).Seconds())
		d.looks = d.looks[max(0, len(d.looks)-skewLooks):]
	}
	if now.Before(d.due) {
		return d.due
	}
	d.due = now.Add(skewEvery)
	if len(d.looks) < 3 {
		return d.due
	}
	skew := median(d.looks)
	d.skew, d.looks = &skew, nil
	if speed := hurry(skew, d.speed); speed != d.speed {
		d.speed = speed
		v.SetSpeed(speed)
	}
	return d.due
}

// hurry is the speed that takes a skew back in about a second, within what nobody sees.
func hurry(skew, now float64) float64 {
	size := max(skew, -skew)
	if size < skewRest || now == 1 && size < skewStart {
		return 1
	}
	most := gently
	if size > skewJump {
		most = firmly
	}
	return 1 - min(most, max(-most, skew))
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// skew is how far the reel's video is ahead of its time, seconds; nil where that is not known.
func (r *reel) skew() *float64 {
	if r.drift.of != r.cur {
		return nil
	}
	return r.drift.skew
}
