package glyph

import (
	"image"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/bidi"
)

// Look is how a piece of text looks, in output pixels.
type Look struct {
	Families []string
	Size     float64 // of an em
	Weight   int     // 100 to 900
	Italic   bool
	Tabular  bool    // figures of one width, so that a clock does not jump
	Tracking float64 // extra space between letters, in em
	Locale   string
	Share    float64 // of the text's size, for pieces; 0 = 1
	Whole    bool    // never break inside a word: its line may be wider than the box
}

// maxRunes bounds a text: shaping must not hold the screen up.
const maxRunes = 8000

// Span is a piece of a text with a look of its own.
type Span struct {
	Text string
	Look Look
	Src  image.Image // its ink; nil = the text's
}

// MaxSpans bounds the pieces of a text.
const MaxSpans = 200

// paragraph is a line of text before it is broken; of names the span of each rune.
type paragraph struct {
	text []rune
	of   []uint8
}

// paragraphs cuts a text at its line ends and takes out what cannot be drawn. Invalid UTF-8 becomes U+FFFD.
func paragraphs(spans []Span) []paragraph {
	out := []paragraph{{}}
	total := 0
	for i, s := range spans[:min(len(spans), MaxSpans)] {
		text := s.Text
		if len(text) > maxRunes*utf8.UTFMax {
			text = text[:maxRunes*utf8.UTFMax]
		}
		for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
			if total++; total > maxRunes {
				return out
			}
			last := &out[len(out)-1]
			switch {
			case r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029 || r == '\v' || r == '\f':
				out = append(out, paragraph{})
				continue
			case r == '\t':
				r = ' '
			case r < 0x20 || r >= 0x7f && r < 0xa0:
				continue
			}
			last.text = append(last.text, r)
			last.of = append(last.of, uint8(i))
		}
	}
	return out
}

// direction is the paragraph's base direction; from left to right where no character tells.
func direction(text []rune) di.Direction {
	dir, _ := strong(text)
	return dir
}

// ReadsLeft says whether a text is read from right to left; ok is false where none of its characters tells.
func ReadsLeft(text string) (left, ok bool) {
	dir, ok := strong([]rune(text))
	return dir == di.DirectionRTL, ok
}

// strong is the direction of the first strong character outside of isolates (UAX #9, rules P2 and P3).
func strong(text []rune) (dir di.Direction, ok bool) {
	isolates := 0
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.LRI, bidi.RLI, bidi.FSI:
			isolates++
		case bidi.PDI:
			isolates = max(isolates-1, 0)
		case bidi.L:
			if isolates == 0 {
				return di.DirectionLTR, true
			}
		case bidi.R, bidi.AL:
			if isolates == 0 {
				return di.DirectionRTL, true
			}
		}
	}
	return di.DirectionLTR, false
}

// hanStyle is the CJK font family that a text wants: Japanese where there is kana, Korean where there is hangul.
func hanStyle(text []rune, locale string) string {
	style := "sc"
	switch {
	case strings.HasPrefix(locale, "ja"):
		style = "jp"
	case strings.HasPrefix(locale, "ko"):
		style = "kr"
	case strings.HasPrefix(locale, "zh-TW"), strings.HasPrefix(locale, "zh-Hant"), strings.HasPrefix(locale, "zh-HK"):
		style = "tc"
	}
	for _, r := range text {
		switch {
		case r >= 0x3040 && r <= 0x30ff:
			return "jp"
		case r >= 0xac00 && r <= 0xd7a3:
			return "kr"
		}
	}
	return style
}

// one is a Fontmap of a single face: shaping.Segmenter then splits by direction and script alone.
type one struct{ *font.Face }

func (o one) ResolveFace(rune) *font.Face { return o.Face }

// shape turns a paragraph into runs in logical order, each of one span. The caller holds the lock.
func (f *Fonts) shape(p paragraph, spans []Span, dir di.Direction) []shaping.Output {
	if len(p.text) == 0 {
		return nil
	}
	faces := f.faces(p, spans)
	if faces == nil {
		return nil
	}
	base := spans[p.of[0]].Look
	locale := base.Locale
	if locale == "" {
		locale = "en"
	}
	in := shaping.Input{Text: p.text, RunEnd: len(p.text), Direction: dir, Face: faces[0], Language: language.NewLanguage(locale)}
	var out []shaping.Output
	for _, part := range f.seg.Split(in, one{in.Face}) {
		for start := part.RunStart; start < part.RunEnd; {
			end := start + 1
			for end < part.RunEnd && faces[end] == faces[start] && p.of[end] == p.of[start] {
				end++
			}
			l := spans[p.of[start]].Look
			run := part
			run.RunStart, run.RunEnd, run.Face = start, end, faces[start]
			run.Size = fixed.Int26_6(math.Max(1, math.Min(l.Size, maxGlyphSide)*64))
			if l.Tabular {
				run.FontFeatures = []shaping.FontFeature{{Tag: font.Tag('t')<<24 | 'n'<<16 | 'u'<<8 | 'm', Value: 1}}
			}
			out = append(out, f.shapeRun(run))
			start = end
		}
	}
	if base.Tracking != 0 {
		shaping.AddSpacing(out, p.text, 0, fixed.Int26_6(base.Tracking*base.Size*64))
	}
	return out
}

// faces chooses a face for each rune, one for a whole grapheme cluster; nil where there is no font at all.
func (f *Fonts) faces(p paragraph, spans []Span) []*font.Face {
	faces := make([]*font.Face, len(p.text))
	han := hanStyle(p.text, spans[p.of[0]].Look.Locale)
	var seg segmenter.Segmenter
	seg.Init(p.text)
	var chain []*entry
	var last *font.Face
	current := -1
	for it := seg.GraphemeIterator(); it.Next(); {
		g := it.Grapheme()
		l := spans[p.of[g.Offset]].Look
		if of := int(p.of[g.Offset]); of != current {
			current, chain = of, f.chain(l)
			if len(chain) == 0 {
				return nil
			}
			last = chain[0].open()
		}
		face := last
		if _, has := last.NominalGlyph(g.Text[0]); !neutral(g.Text) || !has || len(last.BitmapSizes()) > 0 {
			if e := f.pick(chain, g.Text, l, han); e != nil {
				face = e.open()
			}
		}
		if !neutral(g.Text) {
			last = face
		}
		for i := range g.Text {
			faces[g.Offset+i] = face
		}
	}
	return faces
}

// neutral says whether a cluster goes with the face before it: spaces and joiners.
func neutral(cluster []rune) bool {
	r := cluster[0]
	return r == ' ' || r == 0xa0 || r >= 0x2000 && r <= 0x200f || r == 0x202f || r == 0x205f || r == 0x3000
}

// shapeRun shapes one run; a damaged font's run is without glyphs.
func (f *Fonts) shapeRun(in shaping.Input) (out shaping.Output) {
	defer func() {
		if recover() != nil {
			out = shaping.Output{Size: in.Size, Direction: in.Direction, Face: in.Face,
				Runes: shaping.Range{Offset: in.RunStart, Count: in.RunEnd - in.RunStart}}
		}
	}()
	if len(in.Face.BitmapSizes()) > 0 {
		ppem := uint16(min(max(in.Size.Round(), 1), 1024))
		in.Face.SetPpem(ppem, ppem)
	}
	// The shaper knows whole sizes only.
	want := in.Size
	in.Size = fixed.I(want.Ceil())
	out = f.shaper.Shape(in)
	if in.Size != want {
		resize(&out, want)
	}
	return out
}

// resize scales a shaped run to another size.
func resize(run *shaping.Output, size fixed.Int26_6) {
	k := func(v fixed.Int26_6) fixed.Int26_6 {
		return fixed.Int26_6(math.Round(float64(v) * float64(size) / float64(run.Size)))
	}
	for i := range run.Glyphs {
		g := &run.Glyphs[i]
		g.Width, g.Height, g.XBearing, g.YBearing = k(g.Width), k(g.Height), k(g.XBearing), k(g.YBearing)
		g.Advance, g.XOffset, g.YOffset = k(g.Advance), k(g.XOffset), k(g.YOffset)
	}
	run.LineBounds = shaping.Bounds{Ascent: k(run.LineBounds.Ascent), Descent: k(run.LineBounds.Descent), Gap: k(run.LineBounds.Gap)}
	run.Size = size
	run.RecalculateAll()
}
