package paint

import (
	"image"
	"image/draw"
	"math"

	"vitrine/render/glyph"
)

// maxSlices is how many slices a pie has; the smallest of more rows are one slice together.
const maxSlices = 8

// slice is a part of a pie.
type slice struct {
	label string
	value float64
}

// slices are the rows with a positive value, in their order.
func (c *chart) slices() (out []slice, sum float64) {
	for row, v := range c.series[0] {
		if v > 0 { // not so for NaN
			out = append(out, slice{c.labels[row], v})
			sum += v
		}
	}
	for len(out) > maxSlices {
		small := 0
		for i, s := range out[:len(out)-1] {
			if s.value < out[small].value {
				small = i
			}
		}
		last := len(out) - 1
		if out[last].label != "…" {
			out = append(out, slice{label: "…"})
			continue
		}
		out[last].value += out[small].value
		out = append(out[:small], out[small+1:]...)
	}
	return out, sum
}

// paintPie draws a ring of slices with a legend of labels and shares beside or below it.
func (c *chart) paintPie(dst *image.RGBA, box image.Rectangle) {
	parts, sum := c.slices()
	if len(parts) == 0 {
		return
	}
	ring, key := box, box
	if box.Dx() >= box.Dy() {
		side := min(box.Dy(), box.Dx()*45/100)
		ring.Max.X = box.Min.X + side
		key.Min.X = ring.Max.X + round(1.2*c.look.Size)
	} else {
		side := min(box.Dx(), box.Dy()*55/100)
		ring.Max.Y = box.Min.Y + side
		key.Min.Y = ring.Max.Y + round(c.look.Size)
	}
	cx, cy := float64(ring.Min.X+ring.Max.X)/2, float64(ring.Min.Y+ring.Max.Y)/2
	outer := math.Min(float64(ring.Dx()), float64(ring.Dy())) / 2
	inner := 0.58 * outer
	gap := 0.0
	if len(parts) > 1 {
		gap = math.Max(1, 0.012*outer) // between slices, pixels
	}
	angle := -math.Pi / 2
	for i, s := range parts {
		end := angle + 2*math.Pi*s.value/sum
		from, to := angle+gap/2/outer, end-gap/2/outer
		innerFrom, innerTo := angle+gap/2/inner, end-gap/2/inner
		angle = end
		if to <= from || innerTo <= innerFrom {
			continue
		}
		var p path
		p.begin()
		p.arc(cx, cy, outer, from, to)
		p.arc(cx, cy, inner, innerTo, innerFrom)
		p.fill(dst, image.NewUniform(c.hue(i)))
	}
	c.pieLegend(dst, key, parts, sum)
}

// pieLegend lists the slices, each with its share.
func (c *chart) pieLegend(dst *image.RGBA, box image.Rectangle, parts []slice, sum float64) {
	s := c.look.Size
	row := math.Min(1.75*s, float64(box.Dy())/float64(len(parts)))
	y := float64(box.Min.Y) + (float64(box.Dy())-row*float64(len(parts)))/2
	l := c.look
	l.Size = math.Min(l.Size, row/glyph.Leading)
	for i, part := range parts {
		r := image.Rect(box.Min.X, round(y), box.Max.X, round(y+row))
		disc(dst, float64(box.Min.X)+0.35*s, y+row/2, 0.32*l.Size, c.hue(i))
		share := c.env.Fonts.Layout(formatNumber(100*part.value/sum, 0, "%", c.env.Locale), l, float64(box.Dx()), 1)
		bold := l
		bold.Weight = max(l.Weight, 600)
		c.env.Fonts.SetBlock(dst, r, leftToRight(share), "end", "middle", image.NewUniform(withAlpha(c.ink, 0.75)))
		r.Min.X += round(s)
		r.Max.X -= round(share.Width + 0.5*s)
		if r.Dx() > round(s) {
			b := c.env.Fonts.Layout(part.label, bold, float64(r.Dx()), 1)
			c.env.Fonts.SetBlock(dst, r, leftToRight(b), "start", "middle", image.NewUniform(c.ink))
		}
		y += row
		if i+1 < len(parts) {
			line := image.Rect(box.Min.X, round(y), box.Max.X, round(y)+1)
			draw.Draw(dst, line, image.NewUniform(withAlpha(c.ink, 0.1)), image.Point{}, draw.Over)
		}
	}
}
