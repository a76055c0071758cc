package compose

import (
	"image"

	"vitrine/render/output"
	"vitrine/render/scene"
)

var _ layer = (*reel)(nil)

// bounds is the part of the screen that the reel may cover.
func (r *reel) bounds() image.Rectangle { return r.clip }

// target is where an item's picture lies on the screen: all of the zone, but for one that is to be seen whole.
func (r *reel) target(sl *slot) image.Rectangle {
	switch {
	case sl == nil || sl.item.Fit != scene.Contain || sl.away: // a stand-in has the zone's size
		return r.rect
	case sl.still() != nil && sl.still() == sl.pic && !sl.inner.Empty():
		return sl.inner.Add(r.rect.Min)
	case sl.video == nil:
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
	}
	return r.fills(r.cur) && (r.old == nil || r.fills(r.old))
}

// fills says that an item covers all of the zone.
func (r *reel) fills(sl *slot) bool {
	if p := sl.still(); p != nil {
		return p.solid && r.target(sl) == r.rect
	}
	return sl.video != nil && !sl.alpha && r.target(sl) == r.rect
}

// direct says that the video is drawn straight into the frame.
func (r *reel) direct() bool {
	return r.cur != nil && r.cur.moves() && !r.cur.alpha && r.passage == nil && r.shape.plain() && r.rect == r.clip
}

// draw puts the reel's part of clip into the frame.
func (r *reel) draw(f *output.Frame, clip image.Rectangle) {
	if r.passage != nil {
		r.drawPassage(f, clip)
		return
	}
	at := r.target(r.cur)
	if r.back != 0 && !r.covers(at, clip) {
		paintColor(f, r.rect, clip, r.back, r.shape)
	}
	switch {
	case r.cur == nil:
	case r.cur.still() != nil:
		r.cur.still().put(f, at, clip, r.shapeOn(at))
	case r.direct():
		r.drawDirect(f, at, clip)
	case r.cur.video != nil:
		r.drawn(r.cur).put(f, at, clip, r.shapeOn(at))
	}
}

// covers says that nothing of the zone's ground is to be seen in clip: it would shine through soft corners and opacity.
func (r *reel) covers(at, clip image.Rectangle) bool {
	switch {
	case r.cur == nil:
		return false
	case r.direct():
		return clip.In(at)
	}
	return r.fills(r.cur)
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
// canvas asks for no other part: see whole.
func (r *reel) drawDirect(f *output.Frame, at, clip image.Rectangle) {
	if clip = clip.Intersect(at); clip.Empty() {
		return
	}
	if !r.whole(clip) {
		c := r.coveredAt(clip)
		c.pixels.put(f, c.rect, clip, r.shape)
		return
	}
	r.cur.render(f.Pix[at.Min.Y*f.Stride+at.Min.X*4:], f.Stride, at.Size())
	for i := range r.under {
		c := &r.under[i]
		c.pixels = ensure(c.pixels, c.rect.Size())
		for y := c.rect.Min.Y; y < c.rect.Max.Y; y++ {
			copy(c.pixels.pix[(y-c.rect.Min.Y)*c.pixels.stride:], f.Row(y, c.rect.Min.X, c.rect.Max.X))
		}
	}
}

// covered is a part of a video that lies under other layers, and its pixels without them.
type covered struct {
	rect   image.Rectangle
	pixels surface
}

// coveredAt is the part that holds all of clip, with pixels; nil where there is none.
func (r *reel) coveredAt(clip image.Rectangle) *covered {
	for i := range r.under {
		if c := &r.under[i]; clip.In(c.rect) && len(c.pixels.pix) > 0 {
			return c
		}
	}
	return nil
}

// whole says whether clip can only be drawn by drawing the whole video.
func (r *reel) whole(clip image.Rectangle) bool {
	clip = clip.Intersect(r.target(r.cur))
	return !clip.Empty() && (r.cur.stale || r.coveredAt(clip) == nil)
}

// drawn is the video's present frame on a surface of its own.
func (r *reel) drawn(sl *slot) surface {
	if size := r.target(sl).Size(); sl.stale || len(sl.own.pix) != size.X*size.Y*4 {
		sl.own = ensure(sl.own, size)
		sl.own.solid = !sl.alpha
		sl.render(sl.own.pix, sl.own.stride, size)
	}
	return sl.own
}

// cover notes what other layers hide of the video.
func (r *reel) cover(parts []image.Rectangle) {
	var under []covered
	for _, p := range parts {
		if p = p.Intersect(r.target(r.cur)); p.Empty() {
			continue
		}
		c := covered{rect: p}
		for _, old := range r.under {
			if old.rect == p {
				c = old
			}
		}
		under = append(under, c)
	}
	r.under = under
}

// dull has the reel's videos be drawn again, whatever of them is in a frame.
func (r *reel) dull() {
	for _, sl := range []*slot{r.cur, r.old} {
		if sl != nil {
			sl.stale = true
		}
	}
}

// drawPassage draws the two items of a transition: each on the zone's ground, then both through the zone's shape.
func (r *reel) drawPassage(f *output.Frame, clip image.Rectangle) {
	size := r.rect.Size()
	clip = clip.Intersect(r.clip).Intersect(f.Bounds())
	from, to := r.side(r.old), r.side(r.cur)
	solid := r.solid() || r.fills(r.old) && r.fills(r.cur)
	line := make([]uint32, size.X)
	s := surface{pix: octets(line), solid: solid} // one row, wherever it lies
	var mask []uint8
	for y := clip.Min.Y; y < clip.Max.Y; y++ {
		r.passage.row(line, y-r.rect.Min.Y, size, from, to)
		mask = s.putRow(f, r.rect, y, clip.Min.X, clip.Max.X, r.shape, mask)
	}
}

// side gives the rows of the zone with one item on the zone's ground.
func (r *reel) side(sl *slot) rows {
	at, pic := r.target(sl), sl.still()
	if pic == nil && sl.video != nil {
		own := r.drawn(sl)
		pic = &own
	}
	if pic != nil && at == r.rect && (pic.solid || r.back == 0) {
		return func(y int) []uint32 { return words(pic.pix[y*pic.stride : y*pic.stride+at.Dx()*4]) }
	}
	line := make([]uint32, r.rect.Dx())
	corners := shape{alpha: 0xff}
	if at != r.rect {
		corners = roundShape(0xff, min(r.shape.radius, at.Dx()/2, at.Dy()/2))
	}
	var mask []uint8
	return func(y int) []uint32 {
		fill(line, r.back)
		if y += r.rect.Min.Y; pic == nil || y < at.Min.Y || y >= at.Max.Y {
			return line
		}
		mask = corners.row(mask, at, y, at.Min.X, at.Max.X)
		dst := line[at.Min.X-r.rect.Min.X:]
		for i, v := range words(pic.row(at, y, at.Min.X, at.Max.X)) {
			if pic.solid {
				v |= 0xff000000
			}
			dst[i] = overAll(dst[i], fade(v, uint32(mask[i])))
		}
		return line
	}
}

// ensure returns a solid surface of the given size, the same one if it fits.
func ensure(s surface, size image.Point) surface {
	if len(s.pix) == size.X*size.Y*4 && s.stride == size.X*4 {
		return s
	}
	return surface{pix: make([]byte, size.X*size.Y*4), stride: size.X * 4, solid: true}
}
