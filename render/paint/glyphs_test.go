package paint

import (
	"image"
	"testing"
	"time"

	"vitrine/render/scene"
)

func TestTheGlyphCacheStaysSmall(t *testing.T) {
	fonts := plainFonts(t)
	dst := image.NewRGBA(image.Rect(0, 0, 400, 400))
	most := 0
	for size := 100.0; size < 400; size += 0.75 {
		ln := fonts.oneLine("MWQ@", look{size: size, weight: 700})
		fonts.ink(dst, dst.Rect, &ln, 0, 300, image.White)
		sum := 0
		for _, g := range fonts.glyphs.m {
			if g.mask != nil {
				sum += len(g.mask.Pix)
			}
		}
		most = max(most, sum)
	}
	if most > maxGlyphBytes || most < maxGlyphBytes/2 {
		t.Errorf("the cache held up to %d bytes, %d are allowed", most, maxGlyphBytes)
	}
}

func TestATickerRollsWhileAFontIsRead(t *testing.T) {
	fonts := plainFonts(t)
	z := scene.Zone{Background: "#000000", Ticker: &scene.Ticker{Items: []string{"Bienvenue à tous", "Fermé le dimanche"}}}
	w, err := New(z, image.Pt(300, 40), 1, Env{Fonts: fonts})
	if err != nil {
		t.Fatal(err)
	}
	fonts.mu.Lock() // as reading a large font or shaping a long text does, elsewhere
	defer fonts.mu.Unlock()
	dst := image.NewRGBA(image.Rect(0, 0, 300, 40))
	now := time.Now()
	for i := range 600 {
		if w.Paint(dst, now.Add(time.Duration(i)*time.Second/60)).Empty() {
			t.Fatalf("frame %d is not there", i)
		}
	}
}

func TestGlyphsStandAtQuarterPixels(t *testing.T) {
	fonts := plainFonts(t)
	ln := fonts.oneLine("I", look{size: 40, weight: 400})
	centre := func(x float64) float64 {
		dst := image.NewRGBA(image.Rect(0, 0, 60, 60))
		fonts.ink(dst, dst.Rect, &ln, x, 45, image.White)
		sum, at := 0.0, 0.0
		for y := range 60 {
			for i := range 60 {
				v := float64(dst.Pix[dst.PixOffset(i, y)+3])
				sum += v
				at += v * float64(i)
			}
		}
		return at / sum
	}
	zero := centre(10)
	for _, d := range []float64{0.25, 0.5, 0.75, 1, 7.25, -3.75} {
		if got := centre(10+d) - zero; got < d-0.05 || got > d+0.05 {
			t.Errorf("a letter moved by %.2f pixels stands %.3f further", d, got)
		}
	}
}

func TestInkStaysInsideItsClip(t *testing.T) {
	fonts := plainFonts(t)
	ln := fonts.oneLine("Bienvenue", look{size: 60, weight: 700})
	dst := image.NewRGBA(image.Rect(0, 0, 200, 100))
	clip := image.Rect(50, 20, 100, 60)
	fonts.ink(dst, clip, &ln, -20, 60, image.White)
	inside := 0
	for y := range 100 {
		for x := range 200 {
			if dst.Pix[dst.PixOffset(x, y)+3] == 0 {
				continue
			}
			if !image.Pt(x, y).In(clip) {
				t.Fatalf("there is ink at %d, %d", x, y)
			}
			inside++
		}
	}
	if inside == 0 {
		t.Error("there is no ink inside")
	}
}
