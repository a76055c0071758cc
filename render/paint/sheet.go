package paint

import (
	"image"
	"image/color"
	"math"
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
