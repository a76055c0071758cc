package glyph

import (
	"cmp"
	"image"
	"image/draw"
	"math"
	"slices"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// Leading is the distance of two baselines in em, unless a script's ink needs more.
const Leading = 1.25

// Line is one line of shaped text, its runs in the order of the screen, from the left.
type Line struct {
	runs            []shaping.Output
	Width           float64 // without trailing space
	Ascent, Descent float64 // both positive
	RTL             bool
	shortened       bool          // an ellipsis stands for the rest
	inks            []image.Image // of the runs; nil = the text's own
}

// Block is a text broken into lines.
type Block struct {
	Lines         []Line
	Width, Height float64
	Shortened     bool
}

// Layout shapes a text and breaks it into lines of at most width pixels, at most maxLines of them (0 = any number). What
// does not fit is replaced by an ellipsis at the end of the last line.
func (f *Fonts) Layout(text string, l Look, width float64, maxLines int) Block {
	return f.LayoutSpans([]Span{{Text: text, Look: l}}, width, maxLines)
}

// LayoutSpans is Layout for a text of several looks; there must be at least one.
func (f *Fonts) LayoutSpans(spans []Span, width float64, maxLines int) Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b Block
	all := paragraphs(spans)
	for i, p := range all {
		left := 0
		if maxLines > 0 {
			if left = maxLines - len(b.Lines); left == 0 {
				break
			}
		}
		cfg := shaping.WrapConfig{TruncateAfterLines: left, TextContinues: i+1 < len(all) && left == 1}
		for _, ln := range f.breakLines(p, spans, width, cfg) {
			b.Lines = append(b.Lines, ln)
			b.Width = math.Max(b.Width, ln.Width)
			b.Height += ln.Ascent + ln.Descent
			b.Shortened = b.Shortened || ln.shortened
		}
	}
	return b
}

// OneLine shapes a text as a single line as wide as it is, with the spaces at its ends.
func (f *Fonts) OneLine(text string, l Look) Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	spans := []Span{{Text: text, Look: l}}
	var flat paragraph
	for i, p := range paragraphs(spans) {
		if i > 0 {
			flat.text, flat.of = append(flat.text, ' '), append(flat.of, 0)
		}
		flat.text, flat.of = append(flat.text, p.text...), append(flat.of, p.of...)
	}
	return f.breakLines(flat, spans, math.Inf(1), shaping.WrapConfig{DisableTrailingWhitespaceTrim: true})[0]
}

// breakLines lays one paragraph out; at least one line comes back. cfg's TextContinues says that text follows which
// will not be shown.
func (f *Fonts) breakLines(p paragraph, spans []Span, width float64, cfg shaping.WrapConfig) []Line {
	dir := direction(p.text)
	last := uint8(0)
	if n := len(p.of); n > 0 {
		last = p.of[n-1]
	}
	dots := paragraph{text: []rune{'…'}, of: []uint8{last}}
	runs := f.shape(p, spans, dir)
	if len(runs) == 0 && cfg.TextContinues {
		p = dots
		runs = f.shape(p, spans, dir)
	}
	if len(runs) == 0 {
		asc, desc := f.strut(spans[last].Look)
		return []Line{{Ascent: asc, Descent: desc, RTL: dir == di.DirectionRTL}}
	}
	cfg.Direction = dir
	if spans[0].Look.Whole {
		cfg.BreakPolicy = shaping.Never
	}
	if cfg.TruncateAfterLines > 0 {
		if end := f.shape(dots, spans, dir); len(end) > 0 {
			cfg.Truncator = end[0]
			cfg.Truncator.Direction = dir
		}
	}
	max26 := fixed.Int26_6(math.Min(math.Max(width, 0), 1<<24) * 64)
	wrapped, cut := f.wrap.WrapParagraphF(cfg, max26, p.text, shaping.NewSliceIterator(runs))
	out := make([]Line, 0, len(wrapped))
	for i, w := range wrapped {
		shortened := i == len(wrapped)-1 && (cut > 0 || cfg.TextContinues)
		ln := f.setLine(w, p, spans, shortened)
		ln.RTL = dir == di.DirectionRTL
		out = append(out, ln)
	}
	return out
}

// setLine copies a line out of the wrapper's memory and measures it.
func (f *Fonts) setLine(w shaping.Line, p paragraph, spans []Span, shortened bool) Line {
	ln := Line{runs: slices.Clone([]shaping.Output(w)), shortened: shortened}
	slices.SortStableFunc(ln.runs, func(a, b shaping.Output) int { return cmp.Compare(a.VisualIndex, b.VisualIndex) })
	for i := range ln.runs {
		r := &ln.runs[i]
		r.Glyphs = slices.Clone(r.Glyphs)
		ln.Width += toFloat(r.Advance)
		of := p.of[min(max(r.Runes.Offset, 0), len(p.of)-1)]
		asc, desc := f.strut(spans[of].Look)
		ln.Ascent = math.Max(ln.Ascent, math.Max(asc, toFloat(r.GlyphBounds.Ascent)))
		ln.Descent = math.Max(ln.Descent, math.Max(desc, -toFloat(r.GlyphBounds.Descent)))
		if len(spans) > 1 || spans[of].Src != nil {
			ln.inks = append(ln.inks, spans[of].Src)
		}
	}
	return ln
}

// strut is the ascent and descent that every line has at least.
func (f *Fonts) strut(l Look) (asc, desc float64) {
	asc, desc = 0.97*l.Size, 0.28*l.Size
	if chain := f.chain(l); len(chain) > 0 {
		if e, ok := chain[0].open().FontHExtents(); ok {
			k := l.Size / float64(chain[0].face.Upem())
			a, d := float64(e.Ascender)*k, -float64(e.Descender)*k
			half := (Leading*l.Size - a - d) / 2
			asc, desc = a+half, d+half
		}
	}
	return asc, desc
}

func toFloat(v fixed.Int26_6) float64 { return float64(v) / 64 }

// Ink draws a line with its baseline at y and its left end at x, clipped to the rectangle.
func (f *Fonts) Ink(dst *image.RGBA, clip image.Rectangle, ln *Line, x, y float64, src image.Image) {
	f.glyphs.mu.Lock()
	defer f.glyphs.mu.Unlock()
	clip = clip.Intersect(dst.Rect)
	for i := range ln.runs {
		ink := src
		if i < len(ln.inks) && ln.inks[i] != nil {
			ink = ln.inks[i]
		}
		x = f.inkRun(dst, clip, &ln.runs[i], x, y, ink)
	}
}

func (f *Fonts) inkRun(dst *image.RGBA, clip image.Rectangle, run *shaping.Output, x, y float64, src image.Image) float64 {
	for j := range run.Glyphs {
		g := &run.Glyphs[j]
		gx, gy := x+toFloat(g.XOffset), y-toFloat(g.YOffset)
		x += toFloat(g.Advance)
		// A generous box: what is surely outside costs no rasterising.
		if gx+toFloat(g.XBearing) > float64(clip.Max.X+1) || gx+toFloat(g.XBearing+g.Width) < float64(clip.Min.X-1) {
			continue
		}
		quarter := math.Floor(gx*Phases + 0.5)
		px := math.Floor(quarter / Phases)
		v := f.glyphs.get(run, g, uint8(quarter-px*Phases))
		at := image.Pt(int(px), int(math.Floor(gy+0.5))).Add(v.at)
		switch {
		case v.mask != nil:
			r := v.mask.Rect.Add(at).Intersect(clip)
			draw.DrawMask(dst, r, src, image.Point{}, v.mask, r.Min.Sub(at), draw.Over)
		case v.picture != nil:
			r := v.picture.Rect.Add(at).Intersect(clip)
			draw.Draw(dst, r, v.picture, r.Min.Sub(at), draw.Over)
		}
	}
	return x
}
