package glyph

import (
	"image"
	"math"
	"slices"
)

// Within lays a text out in as many lines as fit into a box, at least one.
func (f *Fonts) Within(spans []Span, box image.Point) Block {
	smallest := spans[0].Look
	for _, s := range spans {
		if s.Look.Size < smallest.Size {
			smallest = s.Look
		}
	}
	lines := f.maxLines(smallest, box.Y)
	b := f.LayoutSpans(spans, float64(box.X), lines)
	for len(spans) > 1 && lines > 1 && b.Height > float64(box.Y)+0.5 { // lines of larger pieces are higher
		lines = min(lines, len(b.Lines)) - 1
		b = f.LayoutSpans(spans, float64(box.X), lines)
	}
	return b
}

// maxLines is how many lines of a look fit into a height, at least one.
func (f *Fonts) maxLines(l Look, height int) int {
	return max(1, int(float64(height)/(Leading*l.Size)+0.01))
}

// Fit finds the largest size at which the text fits into the box, whole words on each line, and lays it out.
func (f *Fonts) Fit(s string, l Look, box image.Point, smallest float64) (Block, Look) {
	b, size := f.FitSpans([]Span{{Text: s, Look: l}}, box, smallest)
	l.Size = size
	return b, l
}

// FitSpans is Fit for a text of several looks; it returns the size of a whole share.
func (f *Fonts) FitSpans(spans []Span, box image.Point, smallest float64) (Block, float64) {
	spans = slices.Clone(spans)
	resize := func(size float64, whole bool) {
		for i := range spans {
			l := &spans[i].Look
			l.Size, l.Whole = size, whole
			if l.Share > 0 {
				l.Size *= l.Share
			}
		}
	}
	try := func(size float64) (Block, bool) {
		resize(size, true)
		b := f.LayoutSpans(spans, float64(box.X), 0)
		return b, b.Height <= float64(box.Y)+0.5 && b.Width <= float64(box.X)+0.5
	}
	low, high := smallest, math.Max(smallest, float64(box.Y)/Leading)
	if len(spans) > 1 {
		high *= 4 // pieces may be small shares
	}
	if b, ok := try(high); ok {
		return b, high
	}
	best, found := Block{}, false
	bestSize := low
	for range 14 {
		mid := (low + high) / 2
		if b, ok := try(mid); ok {
			best, bestSize, found, low = b, mid, true, mid
		} else {
			high = mid
		}
		if high-low < 0.002*high {
			break
		}
	}
	if !found {
		bestSize = smallest
		resize(smallest, false)
		best = f.Within(spans, box)
	}
	return best, bestSize
}

// SetBlock places a block in a box and draws it.
func (f *Fonts) SetBlock(dst *image.RGBA, box image.Rectangle, b Block, align, valign string, src image.Image) {
	y := float64(box.Min.Y)
	switch valign {
	case "", "middle":
		y += (float64(box.Dy()) - b.Height) / 2
	case "bottom":
		y += float64(box.Dy()) - b.Height
	}
	y = math.Max(math.Round(y), float64(box.Min.Y))
	for i := range b.Lines {
		ln := &b.Lines[i]
		f.Ink(dst, box, ln, lineStart(box, ln, align), math.Round(y+ln.Ascent), src)
		y += ln.Ascent + ln.Descent
	}
}

// lineStart is the left end of a line: start and end follow the text's own direction.
func lineStart(box image.Rectangle, ln *Line, align string) float64 {
	free := float64(box.Dx()) - ln.Width
	switch {
	case align == "center":
		return float64(box.Min.X) + free/2
	case (align == "end") != ln.RTL:
		return float64(box.Min.X) + free
	}
	return float64(box.Min.X)
}
