package glyph

import (
	"image"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLinesBreakWhereTypographyAllows(t *testing.T) {
	fonts := plainFonts(t)
	const text = "Ouvert à 9\u202fh\u202f30\u202f; fermé\u00a0! Entrée\u00a0: 5\u202f€ «\u00a0oui\u00a0»"
	l := Look{Size: 20, Weight: 400}
	for width := 40.0; width < 400; width += 3 {
		b := fonts.Layout(text, Look{Size: l.Size, Weight: 400, Whole: true}, width, 0)
		runes := []rune(text)
		for _, ln := range b.Lines {
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
	l := Look{Size: 20, Weight: 400}
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
			b := fonts.Layout(c.text, l, 200, c.lines)
			if b.Shortened != c.want || len(b.Lines) > c.lines {
				t.Errorf("shortened %v with %d lines, want %v and at most %d", b.Shortened, len(b.Lines), c.want, c.lines)
			}
			for i, ln := range b.Lines {
				if ln.Width > 201 {
					t.Errorf("line %d is %.0f pixels wide", i, ln.Width)
				}
			}
			last := b.Lines[len(b.Lines)-1]
			dots, _ := last.runs[len(last.runs)-1].Face.NominalGlyph('…')
			glyphs := last.runs[len(last.runs)-1].Glyphs
			if has := len(glyphs) > 0 && glyphs[len(glyphs)-1].GlyphID == dots; has != c.want {
				t.Errorf("the last glyph is an ellipsis: %v, want %v", has, c.want)
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
			b, l := fonts.Fit(c.text, Look{Weight: 400}, c.box, 10)
			if b.Shortened || b.Width > float64(c.box.X)+0.5 || b.Height > float64(c.box.Y)+0.5 {
				t.Errorf("%.0f × %.0f pixels in %v, shortened %v", b.Width, b.Height, c.box, b.Shortened)
			}
			words := len(strings.Fields(c.text))
			if len(b.Lines) > words {
				t.Errorf("%d words in %d lines: a word is broken", words, len(b.Lines))
			}
			l.Size, l.Whole = l.Size*1.05, true
			if b := fonts.Layout(c.text, l, float64(c.box.X), 0); b.Height <= float64(c.box.Y) && b.Width <= float64(c.box.X) {
				t.Errorf("a text of %.0f pixels would have fitted too", l.Size)
			}
		})
	}
	b, _ := fonts.Fit(strings.Repeat("trop de texte ", 300), Look{Weight: 400}, image.Pt(200, 60), 10)
	if !b.Shortened || b.Height > 60.5 {
		t.Errorf("a text that cannot fit is %.0f high, shortened %v", b.Height, b.Shortened)
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
		l := Look{Size: float64(size) + 1, Weight: 400}
		b := fonts.Layout(s, l, float64(width%2000), int(lines%12))
		if lines%12 > 0 && len(b.Lines) > int(lines%12) {
			t.Errorf("%d lines, %d were allowed", len(b.Lines), lines%12)
		}
		dst := image.NewRGBA(image.Rect(0, 0, 64, 32))
		fonts.SetBlock(dst, dst.Rect, b, "center", "", image.White)
		ln := fonts.OneLine(s, l)
		fonts.Ink(dst, dst.Rect, &ln, 0, 20, image.White)
	})
}
