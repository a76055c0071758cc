package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// path collects closed outlines in pixels; it is filled where outlines running one way outweigh those running the other.
type path struct {
	outlines [][][2]float64
}

func (p *path) begin() { p.outlines = append(p.outlines, nil) }

func (p *path) to(x, y float64) {
	last := len(p.outlines) - 1
	p.outlines[last] = append(p.outlines[last], [2]float64{x, y})
}

// arc adds an arc around a centre from one angle to another, in radians clockwise from the right. Its chords stay within
// a hundredth of a pixel of the circle: the rasteriser's own curves are coarser.
func (p *path) arc(x, y, r, from, to float64) {
	n := max(2, int(math.Ceil(math.Abs(to-from)/2/math.Acos(1-math.Min(0.01/math.Max(r, 0.02), 0.5)))))
	for i := range n + 1 {
		a := from + (to-from)*float64(i)/float64(n)
		p.to(x+r*math.Cos(a), y+r*math.Sin(a))
	}
}

// round adds a rectangle with round corners; backwards makes it a hole in another one.
func (p *path) round(x, y, w, h, r float64, backwards bool) {
	if w <= 0 || h <= 0 {
		return
	}
	r = math.Max(0, math.Min(r, math.Min(w, h)/2))
	p.begin()
	p.arc(x+w-r, y+r, r, -math.Pi/2, 0)
	p.arc(x+w-r, y+h-r, r, 0, math.Pi/2)
	p.arc(x+r, y+h-r, r, math.Pi/2, math.Pi)
	p.arc(x+r, y+r, r, math.Pi, math.Pi*3/2)
	if backwards {
		last := p.outlines[len(p.outlines)-1]
		for i, j := 0, len(last)-1; i < j; i, j = i+1, j-1 {
			last[i], last[j] = last[j], last[i]
		}
	}
}

// bounds is the smallest rectangle of whole pixels around the path.
func (p *path) bounds() image.Rectangle {
	minX, minY, maxX, maxY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, o := range p.outlines {
		for _, v := range o {
			minX, maxX = math.Min(minX, v[0]), math.Max(maxX, v[0])
			minY, maxY = math.Min(minY, v[1]), math.Max(maxY, v[1])
		}
	}
	if !(minX <= maxX) || maxX-minX > maxSide || maxY-minY > maxSide {
		return image.Rectangle{}
	}
	return image.Rect(int(math.Floor(minX)), int(math.Floor(minY)), int(math.Ceil(maxX)), int(math.Ceil(maxY)))
}

// mask is the path's coverage, over its bounds.
func (p *path) mask() *image.Alpha {
	box := p.bounds()
	out := image.NewAlpha(box)
	if box.Empty() {
		return out
	}
	ras := vector.NewRasterizer(box.Dx(), box.Dy())
	for _, o := range p.outlines {
		for i, v := range o {
			x, y := float32(v[0]-float64(box.Min.X)), float32(v[1]-float64(box.Min.Y))
			if i == 0 {
				ras.MoveTo(x, y)
			} else {
				ras.LineTo(x, y)
			}
		}
		ras.ClosePath()
	}
	ras.DrawOp = draw.Src
	ras.Draw(out, box, image.Opaque, image.Point{})
	return out
}

// fill draws the path over a surface, antialiased; what lies outside of the surface is cut.
func (p *path) fill(dst *image.RGBA, src image.Image) {
	m := p.mask()
	r := m.Rect.Intersect(dst.Rect)
	draw.DrawMask(dst, r, src, r.Min, m, r.Min, draw.Over)
}

// fillRound fills a rectangle with round corners, in pixels.
func fillRound(dst *image.RGBA, x, y, w, h, r float64, c color.Color) {
	var p path
	p.round(x, y, w, h, r, false)
	p.fill(dst, image.NewUniform(c))
}

// strokeRound draws the outline of a rectangle with round corners, the stroke inside, in pixels.
func strokeRound(dst *image.RGBA, x, y, w, h, r, stroke float64, c color.Color) {
	var p path
	p.round(x, y, w, h, r, false)
	p.round(x+stroke, y+stroke, w-2*stroke, h-2*stroke, r-stroke, true)
	p.fill(dst, image.NewUniform(c))
}

// disc fills a circle, in pixels.
func disc(dst *image.RGBA, x, y, r float64, c color.Color) {
	var p path
	p.begin()
	p.arc(x, y, r, 0, 2*math.Pi)
	p.fill(dst, image.NewUniform(c))
}

// glow is a soft light on a background: its centre, its reach and its colour at the centre (alpha counts).
type glow struct {
	x, y, reach float64
	color       color.NRGBA
}

// shade fills the whole surface with a vertical gradient and lights, dithered: dark gradients show bands otherwise.
func shade(dst *image.RGBA, top, bottom color.NRGBA, lights []glow) {
	b := dst.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		t := (float64(y-b.Min.Y) + 0.5) / float64(b.Dy())
		base := [3]float64{lerp(top.R, bottom.R, t), lerp(top.G, bottom.G, t), lerp(top.B, bottom.B, t)}
		for x := b.Min.X; x < b.Max.X; x++ {
			v := base
			for _, g := range lights {
				dx, dy := (float64(x)-g.x)/g.reach, (float64(y)-g.y)/g.reach
				d := 1 - dx*dx - dy*dy
				if d <= 0 {
					continue
				}
				a := d * d * float64(g.color.A) / 255
				v[0] += (float64(g.color.R) - v[0]) * a
				v[1] += (float64(g.color.G) - v[1]) * a
				v[2] += (float64(g.color.B) - v[2]) * a
			}
			n := noise(x, y)
			p := dst.Pix[dst.PixOffset(x, y):]
			p[0], p[1], p[2], p[3] = uint8(v[0]+n), uint8(v[1]+n), uint8(v[2]+n), 0xff
		}
	}
}

func lerp(a, b uint8, t float64) float64 { return float64(a) + (float64(b)-float64(a))*t }

// noise is an even spread of values between 0 and 1 over neighbouring pixels (interleaved gradient noise, J. Jimenez,
// "Next generation post processing in Call of Duty", 2014).
func noise(x, y int) float64 {
	v := 0.06711056*float64(x) + 0.00583715*float64(y)
	v = 52.9829189 * (v - math.Floor(v))
	return v - math.Floor(v)
}
