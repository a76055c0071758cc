package paint

import (
	"image"
	"testing"
	"time"

	"vitrine/render/scene"
)

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
	fonts := plainFonts(t)
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

func plainFonts(t testing.TB) *Fonts {
	t.Helper()
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		t.Fatal(err)
	}
	return fonts
}
