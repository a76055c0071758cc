package compose

import (
	"image"

	"vitrine/render/output"
)

var _ layer = (*reel)(nil)

// bounds is the part of the screen that the reel may cover.
func (r *reel) bounds() image.Rectangle { return r.clip }

// solid says that nothing below can be seen.
func (r *reel) solid() bool {
	if !r.shape.plain() || r.cur == nil {
		return false
	}
	return r.back>>24 == 0xff || r.cur.video != nil || r.cur.pic != nil && r.cur.pic.solid
}

// direct says that the video is drawn straight into the frame.
func (r *reel) direct() bool {
	return r.cur != nil && r.cur.video != nil && r.shape.plain() && r.rect == r.clip
}

// draw puts the reel's part of clip into the frame.
func (r *reel) draw(f *output.Frame, clip image.Rectangle) {
	if r.cur == nil || r.cur.video == nil || r.back != 0 && !r.direct() {
		if r.back != 0 {
			paintColor(f, r.rect, clip, r.back, r.shape)
		}
	}
	switch {
	case r.cur == nil:
	case r.cur.pic != nil:
		r.cur.pic.put(f, r.rect, clip, r.shape)
	case r.direct():
		r.drawDirect(f, clip)
	case r.cur.video != nil:
		if r.stale || r.own.pix == nil {
			r.own = ensure(r.own, r.rect.Size())
			r.render(r.own.pix, r.own.stride)
		}
		r.own.put(f, r.rect, clip, r.shape)
	}
}

// drawDirect draws the whole video, or, where only what lies above it has changed, what was saved from under it. The
// Stage asks for no other part: see whole.
func (r *reel) drawDirect(f *output.Frame, clip image.Rectangle) {
	if !r.whole(clip) {
		r.saved.put(f, r.under, clip, r.shape)
		return
	}
	r.render(f.Pix[r.rect.Min.Y*f.Stride+r.rect.Min.X*4:], f.Stride)
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
	return r.stale || !clip.Intersect(r.rect).In(r.under) || r.saved.pix == nil
}

func (r *reel) render(pix []byte, stride int) {
	if err := r.cur.video.Render(pix, stride, r.rect.Size()); err != nil && r.cur.err == nil {
		r.cur.err = err
	}
	r.stale = false
}

// cover notes what other layers hide of the video.
func (r *reel) cover(under image.Rectangle) {
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
