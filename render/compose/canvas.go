package compose

import (
	"image"
	"slices"

	"vitrine/render/output"
)

// canvas is a frame and the layers that make it: the screen's, and in a change of scene one for each of the two.
type canvas struct {
	frame *output.Frame
	pile  []layer // lowest first; the first one is solid and covers everything
	dirty []image.Rectangle
}

// lay piles the layers up again after something came or went.
func (c *canvas) lay(layers ...[]layer) {
	c.pile = append(c.pile[:0], layer(bed{rect: c.frame.Bounds(), color: 0xff000000}))
	for _, l := range layers {
		c.pile = append(c.pile, l...)
	}
	for i, l := range c.pile {
		r, ok := l.(*reel)
		if !ok {
			continue
		}
		var under []image.Rectangle
		for _, o := range c.pile[i+1:] {
			under = add(under, o.bounds().Intersect(r.rect))
		}
		r.cover(under)
	}
}

// soil marks a part as out of date.
func (c *canvas) soil(r image.Rectangle) { c.dirty = add(c.dirty, r.Intersect(c.frame.Bounds())) }

// draw brings the frame up to date and returns the parts that changed.
func (c *canvas) draw() []image.Rectangle {
	parts := c.expand(c.dirty)
	for _, clip := range parts {
		c.paint(clip)
	}
	c.dirty = c.dirty[:0]
	return parts
}

// expand makes each part large enough for the videos in it, which can only be drawn as a whole.
func (c *canvas) expand(dirty []image.Rectangle) []image.Rectangle {
	parts := slices.Clone(dirty)
	for grown := true; grown; {
		grown = false
		for _, l := range c.pile {
			r, ok := l.(*reel)
			if !ok || !r.direct() {
				continue
			}
			for i, p := range parts {
				if !p.Overlaps(r.clip) || r.clip.In(p) || !r.whole(p) || c.hidden(r, p) {
					continue
				}
				parts = slices.Delete(parts, i, i+1)
				parts = add(parts, p.Union(r.clip))
				grown = true
				break
			}
		}
	}
	return parts
}

// hidden says that a solid layer above r covers all of a part.
func (c *canvas) hidden(r *reel, part image.Rectangle) bool {
	for i := len(c.pile) - 1; i >= 0 && c.pile[i] != layer(r); i-- {
		if c.pile[i].solid() && part.In(c.pile[i].bounds()) {
			return true
		}
	}
	return false
}

// paint draws one part, from the highest layer that covers it.
func (c *canvas) paint(clip image.Rectangle) {
	from := 0
	for i := len(c.pile) - 1; i > 0; i-- {
		if c.pile[i].solid() && clip.In(c.pile[i].bounds()) {
			from = i
			break
		}
	}
	for _, l := range c.pile[from:] {
		if part := clip.Intersect(l.bounds()); !part.Empty() {
			l.draw(c.frame, part)
		}
	}
}

// crossing is two scenes on their way past each other, each drawn on a canvas of its own for as long as that takes.
type crossing struct {
	*passage
	from, to *canvas
}

func (x *crossing) bounds() image.Rectangle { return x.to.frame.Bounds() }

func (x *crossing) solid() bool { return true }

func (x *crossing) draw(f *output.Frame, clip image.Rectangle) {
	size := x.to.frame.Size
	of := func(c *canvas) rows {
		return func(y int) []uint32 { return words(c.frame.Row(y, 0, size.X)) }
	}
	for y := clip.Min.Y; y < clip.Max.Y; y++ {
		x.row(words(f.Row(y, 0, size.X)), y, size, of(x.from), of(x.to))
	}
}
