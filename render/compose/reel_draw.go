package compose

import (
	"image"

	"vitrine/render/output"
	"vitrine/render/scene"
)

var _ layer = (*reel)(nil)

// bounds is the part of the screen that the reel may cover.
func (r *reel) bounds() image.Rectangle { return r.clip }

// target is where an item's picture lies on the screen: all of the zone, but for a video that is to be seen whole.
func (r *reel) target(sl *slot) image.Rectangle {
	if sl == nil || sl.video == nil || sl.item.Fit != scene.Contain {
		return r.rect
	}
	return place(sl.video.Size(), r.rect.Size(), scene.Contain).Add(r.rect.Min)
}

// solid says that nothing below can be seen.
func (r *reel) solid() bool {
	switch {
	case !r.shape.plain() || r.cur == nil:
		return false
	case r.back>>24 == 0xff:
		return true
	case r.cur.video != nil:
		return r.target(r.cur) == r.rect
	default:
		return r.cur.pic != nil && r.cur.pic.solid
	}
}

// direct says that the video is drawn straight into the frame.
func (r *reel) direct() bool {
	return r.cur != nil && r.cur.video != nil && r.shape.plain() && r.rect == r.clip
}

// draw puts the reel's part of clip into the frame.
func (r *reel) draw(f *output.Frame, clip image.Rectangle) {
	at := r.target(r.cur)
	if r.back != 0 && !r.covers(at, clip) {
		paintColor(f, r.rect, clip, r.back, r.shape)
	}
	switch {
	case r.cur == nil:
	case r.cur.pic != nil:
		r.cur.pic.put(f, r.rect, clip, r.shape)
	case r.direct():
		r.drawDirect(f, at, clip)
	case r.cur.video != nil:
		if r.stale || len(r.own.pix) == 0 {
			r.own = ensure(r.own, at.Size())
			r.render(r.own.pix, r.own.stride, at.Size())
		}
		r.own.put(f, at, clip, r.shapeOn(at))
	}
}

// covers says that nothing of the zone's ground is to be seen in clip: it would shine through soft corners and opacity.
func (r *reel) covers(at, clip image.Rectangle) bool {
	switch {
	case r.cur == nil:
		return false
	case r.direct():
		return clip.In(at)
	case r.cur.video != nil:
		return at == r.rect
	}
	return r.cur.pic != nil && r.cur.pic.solid
}

// shapeOn is the zone's shape on where its video lies.
func (r *reel) shapeOn(at image.Rectangle) shape {
	want := min(r.shape.radius, at.Dx()/2, at.Dy()/2)
	if want == r.shape.radius {
		return r.shape
	}
	if r.inner.radius != want || r.inner.alpha != r.shape.alpha {
		r.inner = r.shape.on(at.Size())
	}
	return r.inner
}

// drawDirect draws the whole video, or, where only what lies above it has changed, what was saved from under it. The
// Stage asks for no other part: see whole.
func (r *reel) drawDirect(f *output.Frame, at, clip image.Rectangle) {
	if clip = clip.Intersect(at); clip.Empty() {
		return
	}
	if !r.whole(clip) {
		r.saved.put(f, r.under, clip, r.shape)
		return
	}
	r.render(f.Pix[at.Min.Y*f.Stride+at.Min.X*4:], f.Stride, at.Size())
	if r.under.Empty() {
		return
	}
	r.saved = ensure(r.saved, r.under.Size())
	for y := r.under.Min.Y; y < r.under.Max.Y; y++ {
		copy(r.saved.pix[(y-r.under.Min.Y)*r.saved.stride:], f.Row(y, r.under.Min.X, r.under.Max.X))
	}
}

// whole says whether clip can only be drawn by drawing the whole video.
func (r *reel) whole(clip image.Rectangle) bool {
	clip = clip.Intersect(r.target(r.cur))
	return !clip.Empty() && (r.stale || !clip.In(r.under) || len(r.saved.pix) == 0)
}

func (r *reel) render(pix []byte, stride int, size image.Point) {
	if err := r.cur.video.Render(pix, stride, size); err != nil && r.cur.err == nil {
		r.cur.err = err
	}
	r.stale = false
}

// cover notes what other layers hide of the video.
func (r *reel) cover(under image.Rectangle) {
	under = under.Intersect(r.target(r.cur))
	if r.under != under {
		r.under, r.saved = under, surface{}
	}
}

// ensure returns a solid surface of the given size, the same one if it fits.
func ensure(s surface, size image.Point) surface {
	if len(s.pix) == size.X*size.Y*4 && s.stride == size.X*4 {
		return s
	}
	return surface{pix: make([]byte, size.X*size.Y*4), stride: size.X * 4, solid: true}
}
