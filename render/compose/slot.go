package compose

import (
	"errors"
	"fmt"
	"image"
	"reflect"
	"time"

	"vitrine/render/scene"
)

// slot is one item on its way to the screen, on it, or leaving it.
type slot struct {
	item  scene.Item
	index int           // in the reel
	start time.Duration // where in the item it begins
	until time.Time     // end of the item's time; zero: at the video's own end, or not known before it begins
	again bool          // a video that is shorter than its time, once more

	video Video // nil: picture, or not opened yet
	lent  bool  // the video is one of those that are kept for the next item
	alpha bool  // its pixels are to be blended
	pic   *surface
	inner image.Rectangle // of a picture that is seen whole: where in the zone it lies; empty = all of it
	stand *surface        // what is shown while a stream or page has no picture
	away  bool            // … as now
	own   surface         // the video's pixels, where they cannot go straight into the frame
	stale bool            // the frame or own do not hold the video's present frame
	owed  bool            // the video has a frame that must be drawn
	err   error
	limit time.Time // to be ready by then
	left  bool      // no longer wanted
	began time.Time // on the screen
	lost  uint64    // the video's dropped frames before this item
}

// prepare opens an item out of sight.
func (s *Stage) prepare(sl *slot, size image.Point, scale float64, now time.Time) *slot {
	sl.limit = now.Add(giveUp)
	item, start := sl.item, sl.start
	if item.Kind.Still() {
		s.elsewhere(func() func() {
			pic, inner, err := s.picture(item, size)
			return func() { sl.pic, sl.inner, sl.err = pic, inner, err }
		})
		return sl
	}
	sl.lent = item.Kind == scene.Video
	if item.StandIn != "" {
		s.standIn(sl, size)
	}
	s.elsewhere(func() func() {
		v, err := s.open(item.Kind)
		if err == nil {
			if r, ok := v.(interface{ Room(image.Point, float64) }); ok {
				r.Room(size, scale)
			}
			if err = v.Load(item, start); err != nil {
				s.done(v, sl.lent)
				v = nil
			}
		}
		return func() {
			if sl.left {
				if v != nil {
					s.release(v, sl.lent)
				}
				return
			}
			sl.err = err
			if v != nil {
				sl.video, sl.lost = v, v.Dropped()
				v.SetVolume(s.loudness(sl, 1))
				a, ok := v.(interface{ Alpha() bool })
				sl.alpha = ok && a.Alpha()
				if u, ok := v.(interface{ Update(scene.Item) }); ok && !reflect.DeepEqual(sl.item.Rows, item.Rows) {
					u.Update(sl.item) // they came meanwhile
				}
			}
		}
	})
	return sl
}

// standIn decodes the picture that takes the place of a stream or page. Without it the last frame stays.
func (s *Stage) standIn(sl *slot, size image.Point) {
	item := scene.Item{Kind: scene.Image, Src: sl.item.StandIn, Fit: sl.item.Fit}
	s.elsewhere(func() func() {
		pic, _, err := s.picture(item, size)
		return func() {
			if sl.stand = pic; err != nil {
				s.log.Warn("stand-in cannot be shown", "src", item.Src, "error", err)
			}
		}
	})
}

// still is the picture that is shown in place of a video's frames, nil while these are.
func (sl *slot) still() *surface {
	if sl.away {
		return sl.stand
	}
	return sl.pic
}

// moves says that a video's frames are shown.
func (sl *slot) moves() bool { return sl.video != nil && sl.still() == nil }

// look finds out whether the video has a picture, and says whether that has changed.
func (sl *slot) look() bool {
	st, ok := sl.video.(interface{ Stalled() bool })
	away := sl.stand != nil && sl.video != nil && (!sl.video.Ready() || ok && st.Stalled())
	if away == sl.away {
		return false
	}
	sl.away, sl.stale = away, true
	return true
}

// render draws the video's present frame.
func (sl *slot) render(pix []byte, stride int, size image.Point) {
	if err := sl.video.Render(pix, stride, size); err != nil && sl.err == nil {
		sl.err = err
	}
	sl.stale, sl.owed = false, false
}

// open makes what plays a kind of item.
func (s *Stage) open(kind scene.Kind) (Video, error) {
	switch {
	case kind == scene.Video:
		return s.videos.take()
	case s.cfg.Other == nil:
		return nil, fmt.Errorf("this renderer cannot show items of kind %q; install a newer one", kind)
	}
	return s.cfg.Other(kind, s.wake)
}

// done takes back a video that has nothing loaded.
func (s *Stage) done(v Video, lent bool) {
	if lent {
		s.videos.give(v)
	} else {
		v.Close()
	}
}

// picture decodes a still picture to the pixels of its zone.
func (s *Stage) picture(item scene.Item, size image.Point) (*surface, image.Rectangle, error) {
	var inner image.Rectangle
	m, err := s.cfg.Picture(item, size)
	if err != nil {
		return nil, inner, err
	}
	if m.Bounds().Size() != size {
		return nil, inner, fmt.Errorf("the picture %s came out at %v instead of %v pixels", item.Src, m.Bounds().Size(), size)
	}
	if item.Fit == scene.Contain {
		inner = Letterbox(m)
		m = m.SubImage(inner.Add(m.Rect.Min)).(*image.RGBA)
		size = inner.Size()
	}
	out := &surface{pix: m.Pix, stride: m.Stride, solid: true}
	for y := range size.Y {
		row := words(m.Pix[y*m.Stride : y*m.Stride+size.X*4])
		for i, v := range row {
			row[i] = swap(v)
			out.solid = out.solid && v>>24 == 0xff
		}
	}
	return out, inner, nil
}

// ready says whether the item could be on the screen now; failed why it never will.
func (sl *slot) ready() bool {
	return sl.pic != nil || sl.video != nil && (sl.video.Ready() || sl.stand != nil)
}

func (sl *slot) failed(now time.Time) error {
	if sl.err == nil && sl.video != nil {
		sl.err = sl.video.Err()
	}
	if sl.err == nil && sl.began.IsZero() && !sl.ready() && !now.Before(sl.limit) {
		sl.err = errors.New("its first frame was not there after " + giveUp.String() + "; is the file damaged, or too much for this machine?")
	}
	if t := sl.stuck(); sl.err == nil && !t.IsZero() && !now.Before(t) && !sl.video.Ended() {
		sl.err = errors.New("it should have ended long ago and has not; is the file damaged, or too much for this machine?")
	}
	return sl.err
}

// stuck is when a video that has not ended by itself never will; zero while that is not known. One that the machine
// decodes at two thirds of its pace is still let to its end.
func (sl *slot) stuck() time.Time {
	end := sl.runsOut()
	if end.IsZero() || sl.item.Kind != scene.Video {
		return time.Time{}
	}
	return end.Add(max(giveUp, sl.video.Length()/2))
}

// begin puts the item on the screen.
func (sl *slot) begin(now time.Time) {
	sl.began, sl.stale = now, true
	if sl.until.IsZero() && sl.item.For > 0 {
		sl.until = now.Add(time.Duration(sl.item.For) - sl.start)
	}
	if sl.until.IsZero() && sl.item.Kind.Still() {
		sl.until = now.Add(plainLength)
	}
	if sl.video != nil {
		sl.look()
		sl.video.Play()
	}
}

// stays says that the item, where it follows itself, goes on as it is.
func (sl *slot) stays() bool {
	return sl.err == nil && (sl.item.Kind.Still() || sl.item.Kind.Endless() && sl.video != nil && !sl.video.Ended())
}

// over says whether the item has had its time.
func (sl *slot) over(now time.Time) bool {
	if sl.err != nil || !sl.until.IsZero() && !now.Before(sl.until) {
		return true
	}
	return sl.video != nil && sl.video.Ended()
}

// ends is when the item will be over, zero while that is not known.
func (sl *slot) ends() time.Time {
	if sl.began.IsZero() {
		return time.Time{}
	}
	own := sl.runsOut()
	if own.IsZero() || !sl.until.IsZero() && sl.until.Before(own) {
		return sl.until
	}
	return own
}

// length is what the video itself has, zero while that is not known.
func (sl *slot) length() time.Duration {
	if sl.video == nil {
		return 0
	}
	return sl.video.Length()
}

// arrival is how long the transition to the item takes: no longer than the item stays, and no longer than half of a video
// that says itself how long that is, for its other half may be needed to go.
func (sl *slot) arrival() time.Duration {
	long := passageOf(sl.item.Transition)
	if l := lengthOf(sl.item); l > 0 {
		return min(long, l)
	}
	if l := sl.length(); l > 0 {
		return min(long, l/2)
	}
	return long
}

// whole is how long the item is, zero while that is not known.
func (sl *slot) whole() time.Duration {
	if l := lengthOf(sl.item); l > 0 {
		return l
	}
	return sl.length()
}

// runsOut is the end of what the video itself has, zero while that is not known.
func (sl *slot) runsOut() time.Time {
	if sl.began.IsZero() || sl.length() <= 0 {
		return time.Time{}
	}
	return sl.began.Add(sl.video.Length() - sl.start%sl.video.Length())
}

// leave lets go of what the slot holds.
func (s *Stage) leave(sl *slot) {
	if sl == nil || sl.left {
		return
	}
	sl.left = true
	if sl.video != nil {
		s.dropped += sl.video.Dropped() - sl.lost
		s.release(sl.video, sl.lent)
		sl.video = nil
	}
	for _, p := range []*surface{sl.pic, sl.stand, &sl.own} {
		s.litter = s.litter || p != nil && len(p.pix) >= large
	}
	sl.pic, sl.stand, sl.own = nil, nil, surface{}
}
