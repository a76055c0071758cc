package paint

import (
	"image"
	"image/color"
	"math"

	"vitrine/render/glyph"
)

// sheet is a surface drawn on in units of a layout, not in pixels.
type sheet struct {
	dst    *image.RGBA
	fonts  *glyph.Fonts
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
func (s sheet) measure(w words) glyph.Line {
	l := glyph.Look{Size: w.size * s.unit, Weight: w.weight, Tracking: w.tracking, Tabular: w.tabular, Locale: s.locale}
	ln := s.fonts.OneLine(w.text, l)
	limit := w.width * s.unit
	if w.width <= 0 || ln.Width <= limit {
		return ln
	}
	if w.shrink > 0 {
		l.Size *= math.Max(w.shrink, limit/ln.Width*0.99)
		if smaller := s.fonts.OneLine(w.text, l); smaller.Width <= limit {
			return smaller
		}
	}
	if b := s.fonts.Layout(w.text, l, limit, 1); len(b.Lines) > 0 {
		return b.Lines[0]
	}
	return ln
}

// put draws a line with its baseline at y; align 0 begins at x, 0.5 is centred on it, 1 ends there. It returns the width.
func (s sheet) put(x, y, align float64, w words) float64 {
	ln := s.measure(w)
	s.fonts.Ink(s.dst, s.dst.Rect, &ln, x*s.unit-align*ln.Width, math.Round(y*s.unit), image.NewUniform(w.color))
	return ln.Width / s.unit
}

// putLines draws a paragraph of at most n lines with its first baseline at y and returns the last baseline.
func (s sheet) putLines(x, y, align float64, n int, w words) float64 {
	l := glyph.Look{Size: w.size * s.unit, Weight: w.weight, Locale: s.locale}
	b := s.fonts.Layout(w.text, l, w.width*s.unit, n)
	if b.Shortened && w.shrink > 0 {
		l.Size *= w.shrink
		b = s.fonts.Layout(w.text, l, w.width*s.unit, n)
	}
	for i := range b.Lines {
		ln := &b.Lines[i]
		if i > 0 {
			y += 1.32 * l.Size / s.unit
		}
		s.fonts.Ink(s.dst, s.dst.Rect, ln, x*s.unit-align*ln.Width, math.Round(y*s.unit), image.NewUniform(w.color))
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
