package paint

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// sheet is a surface drawn on in units of a layout, not in pixels.
type sheet struct {
	dst    *image.RGBA
	fonts  *Fonts
	unit   float64 // pixels
	locale string
}

// words is one line of text on a sheet; sizes are in units.
type words struct {
	text     string
	size     float64
	weight   int
	color    color.NRGBA
	tracking float64 // em
	width    float64 // at most; 0 = any. Longer text gets smaller down to shrink, then an ellipsis
	shrink   float64 // 0 < shrink <= 1; 0 stands for 1
	tabular  bool
}

// measure shapes a line, made to fit.
func (s sheet) measure(w words) line {
	l := look{size: w.size * s.unit, weight: w.weight, tracking: w.tracking, tabular: w.tabular, locale: s.locale}
	ln := s.fonts.oneLine(w.text, l)
	limit := w.width * s.unit
	if w.width <= 0 || ln.width <= limit {
		return ln
	}
	if w.shrink > 0 {
		l.size *= math.Max(w.shrink, limit/ln.width*0.99)
		if smaller := s.fonts.oneLine(w.text, l); smaller.width <= limit {
			return smaller
		}
	}
	if b := s.fonts.layout(w.text, l, limit, 1); len(b.lines) > 0 {
		return b.lines[0]
	}
	return ln
}

// put draws a line with its baseline at y; align 0 begins at x, 0.5 is centred on it, 1 ends there. It returns the width.
func (s sheet) put(x, y, align float64, w words) float64 {
	ln := s.measure(w)
	s.fonts.ink(s.dst, s.dst.Rect, &ln, x*s.unit-align*ln.width, math.Round(y*s.unit), image.NewUniform(w.color))
	return ln.width / s.unit
}

// putLines draws a paragraph of at most n lines with its first baseline at y and returns the last baseline.
func (s sheet) putLines(x, y, align float64, n int, w words) float64 {
	l := look{size: w.size * s.unit, weight: w.weight, locale: s.locale}
	b := s.fonts.layout(w.text, l, w.width*s.unit, n)
	if b.shortened && w.shrink > 0 {
		l.size *= w.shrink
		b = s.fonts.layout(w.text, l, w.width*s.unit, n)
	}
	for i := range b.lines {
		ln := &b.lines[i]
		if i > 0 {
			y += 1.32 * l.size / s.unit
		}
		s.fonts.ink(s.dst, s.dst.Rect, ln, x*s.unit-align*ln.width, math.Round(y*s.unit), image.NewUniform(w.color))
	}
	return y
}

// box fills a rectangle with round corners.
func (s sheet) box(x, y, w, h, radius float64, c color.NRGBA) {
	u := s.unit
	fillRound(s.dst, x*u, y*u, w*u, h*u, radius*u, c)
}

// frame draws the outline of a rectangle with round corners, stroke inside.
func (s sheet) frame(x, y, w, h, radius, stroke float64, c color.NRGBA) {
	u := s.unit
	strokeRound(s.dst, x*u, y*u, w*u, h*u, radius*u, math.Max(1, stroke*u), c)
}

// fillRound fills a rectangle with round corners, antialiased, in pixels.
func fillRound(dst *image.RGBA, x, y, w, h, r float64, c color.Color) {
	box := image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Ceil(x+w)), int(math.Ceil(y+h)))
	if box.Empty() {
		return
	}
	ras := vector.NewRasterizer(box.Dx(), box.Dy())
	roundPath(ras, x-float64(box.Min.X), y-float64(box.Min.Y), w, h, r, false)
	ras.Draw(dst, box, image.NewUniform(c), image.Point{})
}

// strokeRound draws the outline of a rectangle with round corners, in pixels.
func strokeRound(dst *image.RGBA, x, y, w, h, r, stroke float64, c color.Color) {
	box := image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Ceil(x+w)), int(math.Ceil(y+h)))
	if box.Empty() {
		return
	}
	ras := vector.NewRasterizer(box.Dx(), box.Dy())
	ox, oy := x-float64(box.Min.X), y-float64(box.Min.Y)
	roundPath(ras, ox, oy, w, h, r, false)
	roundPath(ras, ox+stroke, oy+stroke, w-2*stroke, h-2*stroke, math.Max(0, r-stroke), true)
	ras.Draw(dst, box, image.NewUniform(c), image.Point{})
}

// roundPath adds a rectangle with round corners to a path; backwards makes it a hole in another one.
func roundPath(ras *vector.Rasterizer, x, y, w, h, r float64, backwards bool) {
	if w <= 0 || h <= 0 {
		return
	}
	r = math.Min(r, math.Min(w, h)/2)
	k := r * 0.44771525
	type p [2]float64
	path := [][]p{
		{{x + r, y}}, {{x + w - r, y}}, {{x + w - k, y}, {x + w, y + k}, {x + w, y + r}},
		{{x + w, y + h - r}}, {{x + w, y + h - k}, {x + w - k, y + h}, {x + w - r, y + h}},
		{{x + r, y + h}}, {{x + k, y + h}, {x, y + h - k}, {x, y + h - r}},
		{{x, y + r}}, {{x, y + k}, {x + k, y}, {x + r, y}},
	}
	f := func(v p) (float32, float32) {
		if backwards { // mirrored at its middle line: the same shape, run the other way round
			v[0] = 2*x + w - v[0]
		}
		return float32(v[0]), float32(v[1])
	}
	for i, s := range path {
		ax, ay := f(s[0])
		switch {
		case i == 0:
			ras.MoveTo(ax, ay)
		case len(s) == 1:
			ras.LineTo(ax, ay)
		default:
			bx, by := f(s[1])
			cx, cy := f(s[2])
			ras.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	ras.ClosePath()
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
