package glyph

import (
	"bytes"
	"image"
	"testing"
)

func TestTheGlyphCacheStaysSmall(t *testing.T) {
	fonts := plainFonts(t)
	dst := image.NewRGBA(image.Rect(0, 0, 400, 400))
	most := 0
	for size := 100.0; size < 400; size += 0.75 {
		ln := fonts.OneLine("MWQ@", Look{Size: size, Weight: 700})
		fonts.Ink(dst, dst.Rect, &ln, 0, 300, image.White)
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

func TestLinesAreDrawnWhileAFontIsRead(t *testing.T) {
	fonts := plainFonts(t)
	ln := fonts.OneLine("Bienvenue à tous", Look{Size: 20, Weight: 400})
	fonts.mu.Lock() // as reading a large font or shaping a long text does, elsewhere: a ticker must roll on
	defer fonts.mu.Unlock()
	dst := image.NewRGBA(image.Rect(0, 0, 300, 40))
	for i := range 600 {
		fonts.Ink(dst, dst.Rect, &ln, 300-float64(i)/4, 30, image.White)
	}
	if dst.RGBAAt(0, 0).A == 0 && bytes.Count(dst.Pix, []byte{0}) == len(dst.Pix) {
		t.Error("nothing was drawn")
	}
}

func TestGlyphsStandAtQuarterPixels(t *testing.T) {
	fonts := plainFonts(t)
	ln := fonts.OneLine("I", Look{Size: 40, Weight: 400})
	centre := func(x float64) float64 {
		dst := image.NewRGBA(image.Rect(0, 0, 60, 60))
		fonts.Ink(dst, dst.Rect, &ln, x, 45, image.White)
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
	ln := fonts.OneLine("Bienvenue", Look{Size: 60, Weight: 700})
	dst := image.NewRGBA(image.Rect(0, 0, 200, 100))
	clip := image.Rect(50, 20, 100, 60)
	fonts.Ink(dst, clip, &ln, -20, 60, image.White)
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
