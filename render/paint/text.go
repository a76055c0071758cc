package paint

import (
	"image"
	"image/color"
	"math"
	"reflect"
	"slices"
	"time"

	"vitrine/render/scene"
)

// white is the ink of a style that names none.
func white() color.NRGBA { return color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff} }

// minSize is the smallest em in canvas pixels that fitting goes down to; smaller text cannot be read on a wall.
const minSize = 10

// lookOf makes a look of a style; size 0 stays 0.
func lookOf(s scene.Style, scale float64, locale string) look {
	l := look{families: s.Font, size: float64(s.Size) * scale, weight: s.Weight, locale: locale}
	if l.weight < 1 || l.weight > 1000 {
		l.weight = 400
	}
	return l
}

// text is a paragraph that stays.
type text struct {
	plate
	env  Env
	what scene.Text
	done bool
}

func newText(t scene.Text, p plate, env Env) *text { return &text{plate: p, env: env, what: t} }

func (t *text) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if t.done {
		return image.Rectangle{}
	}
	t.done = true
	t.wipe(dst, t.bounds())
	box := t.bounds().Inset(int(t.px(t.what.Style.Pad)))
	t.env.Fonts.set(dst, box, t.spans(), t.what.Style, t.scale)
	t.finish(dst, t.bounds())
	return t.bounds()
}

// spans are the pieces of the text; their sizes are shares of the text's while that is zero.
func (t *text) spans() []span {
	base := lookOf(t.what.Style, t.scale, t.env.Locale)
	if len(t.what.Spans) == 0 {
		return []span{{text: t.what.Text, look: base}}
	}
	var out []span
	for _, s := range t.what.Spans[:min(len(t.what.Spans), maxSpans)] {
		l := base
		if len(s.Font) > 0 {
			l.families = s.Font
		}
		if s.Weight >= 1 && s.Weight <= 1000 {
			l.weight = s.Weight
		}
		l.italic = s.Italic
		if l.share = 1; s.Scale > 0 && s.Scale <= 20 {
			l.share = s.Scale
		}
		l.size *= l.share
		piece := span{text: s.Text, look: l}
		if c, err := s.Color.Parse(); err == nil {
			piece.src = image.NewUniform(c)
		}
		out = append(out, piece)
	}
	return out
}

func (t *text) Next(time.Time) time.Time { return time.Time{} }

// Update takes another text.
func (t *text) Update(z scene.Zone) bool {
	if z.Text == nil || !t.same(z) {
		return false
	}
	if !reflect.DeepEqual(t.what, *z.Text) {
		t.what, t.done = *z.Text, false
	}
	return true
}

// paragraph lays a text into a box and draws it: fitted when its size is 0, shortened when it does not fit.
func (f *Fonts) paragraph(dst *image.RGBA, box image.Rectangle, s string, style scene.Style, l look, scale float64) {
	f.set(dst, box, []span{{text: s, look: l}}, style, scale)
}

// set is paragraph for a text of several looks.
func (f *Fonts) set(dst *image.RGBA, box image.Rectangle, spans []span, style scene.Style, scale float64) {
	if box.Empty() {
		return
	}
	var b block
	if spans[0].look.size == 0 {
		b, _ = f.fitSpans(spans, box.Size(), minSize*scale)
	} else {
		b = f.within(spans, box.Size())
	}
	f.setBlock(dst, box, b, style.Align, style.Valign, image.NewUniform(style.Color.Or(white())))
}

// within lays a text out in as many lines as fit into a box, at least one.
func (f *Fonts) within(spans []span, box image.Point) block {
	smallest := spans[0].look
	for _, s := range spans {
		if s.look.size < smallest.size {
			smallest = s.look
		}
	}
	lines := f.maxLines(smallest, box.Y)
	b := f.layoutSpans(spans, float64(box.X), lines)
	for len(spans) > 1 && lines > 1 && b.height > float64(box.Y)+0.5 { // lines of larger pieces are higher
		lines = min(lines, len(b.lines)) - 1
		b = f.layoutSpans(spans, float64(box.X), lines)
	}
	return b
}

// maxLines is how many lines of a look fit into a height, at least one.
func (f *Fonts) maxLines(l look, height int) int {
	return max(1, int(float64(height)/(leading*l.size)+0.01))
}

// fit finds the largest size at which the text fits into the box, whole words on each line, and lays it out.
func (f *Fonts) fit(s string, l look, box image.Point, smallest float64) (block, look) {
	b, size := f.fitSpans([]span{{text: s, look: l}}, box, smallest)
	l.size = size
	return b, l
}

// fitSpans is fit for a text of several looks; it returns the size of a whole share.
func (f *Fonts) fitSpans(spans []span, box image.Point, smallest float64) (block, float64) {
	spans = slices.Clone(spans)
	resize := func(size float64, whole bool) {
		for i := range spans {
			l := &spans[i].look
			l.size, l.whole = size, whole
			if l.share > 0 {
				l.size *= l.share
			}
		}
	}
	try := func(size float64) (block, bool) {
		resize(size, true)
		b := f.layoutSpans(spans, float64(box.X), 0)
		return b, b.height <= float64(box.Y)+0.5 && b.width <= float64(box.X)+0.5
	}
	low, high := smallest, math.Max(smallest, float64(box.Y)/leading)
	if len(spans) > 1 {
		high *= 4 // pieces may be small shares
	}
	if b, ok := try(high); ok {
		return b, high
	}
	best, found := block{}, false
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
		best = f.within(spans, box)
	}
	return best, bestSize
}

// setBlock places a block in a box and draws it.
func (f *Fonts) setBlock(dst *image.RGBA, box image.Rectangle, b block, align, valign string, src image.Image) {
	y := float64(box.Min.Y)
	switch valign {
	case "", "middle":
		y += (float64(box.Dy()) - b.height) / 2
	case "bottom":
		y += float64(box.Dy()) - b.height
	}
	y = math.Max(math.Round(y), float64(box.Min.Y))
	for i := range b.lines {
		ln := &b.lines[i]
		f.ink(dst, box, ln, lineStart(box, ln, align), math.Round(y+ln.ascent), src)
		y += ln.ascent + ln.descent
	}
}

// lineStart is the left end of a line: start and end follow the text's own direction.
func lineStart(box image.Rectangle, ln *line, align string) float64 {
	free := float64(box.Dx()) - ln.width
	switch {
	case align == "center":
		return float64(box.Min.X) + free/2
	case (align == "end") != ln.rtl:
		return float64(box.Min.X) + free
	}
	return float64(box.Min.X)
}
