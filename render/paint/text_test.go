package paint

import (
	"image"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vitrine/render/scene"
)

func TestLinesBreakWhereTypographyAllows(t *testing.T) {
	fonts := plainFonts(t)
	const text = "Ouvert à 9\u202fh\u202f30\u202f; fermé\u00a0! Entrée\u00a0: 5\u202f€ «\u00a0oui\u00a0»"
	l := look{size: 20, weight: 400}
	for width := 40.0; width < 400; width += 3 {
		b := fonts.layout(text, look{size: l.size, weight: 400, whole: true}, width, 0)
		runes := []rune(text)
		for _, ln := range b.lines {
			first := ln.runs[0]
			for _, r := range ln.runs {
				if r.Runes.Offset < first.Runes.Offset {
					first = r
				}
			}
			if r := runes[first.Runes.Offset]; strings.ContainsRune(";!:»€\u202f\u00a0", r) {
				t.Fatalf("at %.0f pixels a line begins with %q", width, r)
			}
		}
	}
}

func TestWhatDoesNotFitEndsInAnEllipsis(t *testing.T) {
	fonts := plainFonts(t)
	l := look{size: 20, weight: 400}
	long := strings.Repeat("guichet ouvert ", 40)
	for _, c := range []struct {
		name, text string
		lines      int
		want       bool
	}{
		{"long text in one line", long, 1, true},
		{"long text in three lines", long, 3, true},
		{"short text", "ouvert", 1, false},
		{"lines that are hidden below", "un\ndeux\ntrois", 2, true},
		{"as many lines as there is room for", "un\ndeux", 2, false},
		{"one word wider than the line", strings.Repeat("m", 80), 1, true},
		{"nothing but hidden lines", "\n\n\n", 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := fonts.layout(c.text, l, 200, c.lines)
			if b.shortened != c.want || len(b.lines) > c.lines {
				t.Errorf("shortened %v with %d lines, want %v and at most %d", b.shortened, len(b.lines), c.want, c.lines)
			}
			for i, ln := range b.lines {
				if ln.width > 201 {
					t.Errorf("line %d is %.0f pixels wide", i, ln.width)
				}
			}
			last := b.lines[len(b.lines)-1]
			dots, _ := last.runs[len(last.runs)-1].Face.NominalGlyph('…')
			glyphs := last.runs[len(last.runs)-1].Glyphs
			if has := len(glyphs) > 0 && glyphs[len(glyphs)-1].GlyphID == dots; has != c.want {
				t.Errorf("the last glyph is an ellipsis: %v, want %v", has, c.want)
			}
		})
	}
}

// inkBox is the smallest rectangle around pixels that differ from the first.
func inkBox(img *image.RGBA) image.Rectangle {
	var box image.Rectangle
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if p := img.Pix[img.PixOffset(x, y):]; p[0] > 0x40 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

func drawn(t *testing.T, fonts *Fonts, text string, s scene.Style, size image.Point) *image.RGBA {
	t.Helper()
	z := scene.Zone{Background: "#000000", Text: &scene.Text{Text: text, Style: s}}
	w, err := New(z, size, 1, Env{Fonts: fonts})
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	if got := w.Paint(dst, time.Now()); got != dst.Rect {
		t.Fatalf("the first painting changed %v", got)
	}
	if got := w.Paint(dst, time.Now()); !got.Empty() {
		t.Fatalf("the second painting changed %v", got)
	}
	return dst
}

func TestTextStandsWhereItsStyleSays(t *testing.T) {
	fonts := systemFonts(t)
	size := image.Pt(400, 200)
	for _, c := range []struct {
		name, text    string
		align, valign string
		left, right   bool // the ink touches this side's half only
		top, bottom   bool
	}{
		{"start of a left-to-right text is at the left", "Salle 4", "", "top", true, false, true, false},
		{"end of a left-to-right text is at the right", "Salle 4", "end", "bottom", false, true, false, true},
		{"start of a right-to-left text is at the right", "אולם", "start", "top", false, true, true, false},
		{"end of a right-to-left text is at the left", "אולם", "end", "bottom", true, false, false, true},
		{"centre", "Salle 4", "center", "middle", false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := inkBox(drawn(t, fonts, c.text, scene.Style{Size: 40, Pad: 10, Align: c.align, Valign: c.valign}, size))
			if box.Empty() {
				t.Fatal("there is no ink")
			}
			if c.left != (box.Max.X < 200) || c.right != (box.Min.X > 200) || c.top != (box.Max.Y < 100) || c.bottom != (box.Min.Y > 100) {
				t.Errorf("the ink is at %v", box)
			}
			if box.Min.X < 9 || box.Min.Y < 9 || box.Max.X > 391 || box.Max.Y > 191 {
				t.Errorf("the ink at %v is inside the padding", box)
			}
		})
	}
}

func TestFittedTextFillsItsBoxAndNoMore(t *testing.T) {
	fonts := plainFonts(t)
	for _, c := range []struct {
		name, text string
		box        image.Point
	}{
		{"one word", "Soldes", image.Pt(300, 100)},
		{"a long word in a high box", "Gebrauchsanweisung", image.Pt(200, 400)},
		{"a sentence", "Les guichets sont ouverts de 9 h à 18 h", image.Pt(400, 300)},
		{"two paragraphs", "Bienvenue\nWelcome", image.Pt(300, 200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, l := fonts.fit(c.text, look{weight: 400}, c.box, 10)
			if b.shortened || b.width > float64(c.box.X)+0.5 || b.height > float64(c.box.Y)+0.5 {
				t.Errorf("%.0f × %.0f pixels in %v, shortened %v", b.width, b.height, c.box, b.shortened)
			}
			words := len(strings.Fields(c.text))
			if len(b.lines) > words {
				t.Errorf("%d words in %d lines: a word is broken", words, len(b.lines))
			}
			l.size, l.whole = l.size*1.05, true
			if b := fonts.layout(c.text, l, float64(c.box.X), 0); b.height <= float64(c.box.Y) && b.width <= float64(c.box.X) {
				t.Errorf("a text of %.0f pixels would have fitted too", l.size)
			}
		})
	}
	b, _ := fonts.fit(strings.Repeat("trop de texte ", 300), look{weight: 400}, image.Pt(200, 60), 10)
	if !b.shortened || b.height > 60.5 {
		t.Errorf("a text that cannot fit is %.0f high, shortened %v", b.height, b.shortened)
	}
}

func TestTextTakesOtherWords(t *testing.T) {
	z := scene.Zone{Background: "#000000", Text: &scene.Text{Text: "un", Style: scene.Style{Size: 20}}}
	w, err := New(z, image.Pt(100, 40), 1, Env{Fonts: plainFonts(t)})
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 100, 40))
	w.Paint(dst, time.Now())
	before := inkBox(dst)
	z.Text = &scene.Text{Text: "cinquante", Style: z.Text.Style}
	if !w.(Updater).Update(z) || w.Paint(dst, time.Now()).Empty() || inkBox(dst) == before {
		t.Error("the new words are not there")
	}
	z.Background = "#ffffff"
	if w.(Updater).Update(z) {
		t.Error("another background was taken as another text")
	}
}

func FuzzText(f *testing.F) {
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "abc", "مرحبا (abc) 12", "a\u0301\u0301\u0301", "\u202e\u2066\u2069", "👨‍👩‍👧‍👦", "\xff\xfe", "\u00ad\u200b\u2060",
		"क्षत्रिय", "\r\n\t\v", "ﷺ", "\U000e0001", strings.Repeat("\u2067a", 200), "«\u00a0»\u202f;"} {
		f.Add(s, uint16(100), uint8(3), uint8(20))
	}
	f.Fuzz(func(t *testing.T, s string, width uint16, lines, size uint8) {
		if utf8.RuneCountInString(s) > 400 {
			return
		}
		l := look{size: float64(size) + 1, weight: 400}
		b := fonts.layout(s, l, float64(width%2000), int(lines%12))
		if lines%12 > 0 && len(b.lines) > int(lines%12) {
			t.Errorf("%d lines, %d were allowed", len(b.lines), lines%12)
		}
		dst := image.NewRGBA(image.Rect(0, 0, 64, 32))
		fonts.setBlock(dst, dst.Rect, b, "center", "", image.White)
		ln := fonts.oneLine(s, l)
		fonts.ink(dst, dst.Rect, &ln, 0, 20, image.White)
	})
}
