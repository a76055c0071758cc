package paint

import (
	"image"
	"image/color"
	"reflect"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// white is the ink of a style that names none.
func white() color.NRGBA { return color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff} }

// minSize is the smallest em in canvas pixels that fitting goes down to; smaller text cannot be read on a wall.
const minSize = 10

// lookOf makes a look of a style; size 0 stays 0.
func lookOf(s scene.Style, scale float64, locale string) glyph.Look {
	l := glyph.Look{Families: s.Font, Size: float64(s.Size) * scale, Weight: s.Weight, Locale: locale}
	if l.Weight < 1 || l.Weight > 1000 {
		l.Weight = 400
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
	setText(t.env.Fonts, dst, box, t.spans(), t.what.Style, t.scale)
	t.finish(dst, t.bounds())
	return t.bounds()
}

// spans are the pieces of the text; their sizes are shares of the text's while that is zero.
func (t *text) spans() []glyph.Span {
	base := lookOf(t.what.Style, t.scale, t.env.Locale)
	if len(t.what.Spans) == 0 {
		return []glyph.Span{{Text: t.what.Text, Look: base}}
	}
	var out []glyph.Span
	for _, s := range t.what.Spans[:min(len(t.what.Spans), glyph.MaxSpans)] {
		l := base
		if len(s.Font) > 0 {
			l.Families = s.Font
		}
		if s.Weight >= 1 && s.Weight <= 1000 {
			l.Weight = s.Weight
		}
		l.Italic = s.Italic
		if l.Share = 1; s.Scale > 0 && s.Scale <= 20 {
			l.Share = s.Scale
		}
		l.Size *= l.Share
		piece := glyph.Span{Text: s.Text, Look: l}
		if c, err := s.Color.Parse(); err == nil {
			piece.Src = image.NewUniform(c)
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
func paragraph(f *glyph.Fonts, dst *image.RGBA, box image.Rectangle, s string, style scene.Style, l glyph.Look, scale float64) {
	setText(f, dst, box, []glyph.Span{{Text: s, Look: l}}, style, scale)
}

// setText is paragraph for a text of several looks.
func setText(f *glyph.Fonts, dst *image.RGBA, box image.Rectangle, spans []glyph.Span, style scene.Style, scale float64) {
	if box.Empty() {
		return
	}
	var b glyph.Block
	if spans[0].Look.Size == 0 {
		b, _ = f.FitSpans(spans, box.Size(), minSize*scale)
	} else {
		b = f.Within(spans, box.Size())
	}
	f.SetBlock(dst, box, b, style.Align, style.Valign, image.NewUniform(style.Color.Or(white())))
}
