package paint

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"time"

	"vitrine/render/glyph"
)

// pager says which page of how many this is: dots, or numbers where dots would be too many.
type pager struct {
	fonts       *glyph.Fonts
	look        glyph.Look
	ink, accent color.NRGBA
	rtl         bool
}

// maxDots is how many pages can be told apart as dots.
const maxDots = 12

func (p pager) draw(dst *image.RGBA, box image.Rectangle, page, count int) {
	if count > maxDots {
		l := p.look
		l.Size *= 0.6
		b := p.fonts.Layout(fmt.Sprintf("%d / %d", page+1, count), l, float64(box.Dx()), 1)
		p.fonts.SetBlock(dst, box, b, "center", "middle", image.NewUniform(withAlpha(p.ink, 0.6)))
		return
	}
	r := math.Max(2, 0.16*p.look.Size)
	step := 3.4 * r
	x := float64(box.Min.X+box.Max.X)/2 - step*float64(count-1)/2
	y := float64(box.Min.Y+box.Max.Y) / 2
	for i := range count {
		c := withAlpha(p.ink, 0.28)
		at := i
		if p.rtl {
			at = count - 1 - i
		}
		if at == page {
			c = p.accent
		}
		disc(dst, x+float64(i)*step, y, r, c)
	}
}

// readsLeft takes the direction of the first text that has one.
func readsLeft(texts func(yield func(string) bool)) bool {
	for s := range texts {
		if left, ok := glyph.ReadsLeft(s); ok {
			return left
		}
	}
	return false
}

// calm is how long one page of cards takes to become the next.
const calm = 450 * time.Millisecond

// passage is a page that becomes another one.
type passage struct {
	from, to *image.RGBA
	begun    time.Time
}

// paint draws the passage at an instant; over says that it has arrived.
func (p *passage) paint(dst *image.RGBA, now time.Time) (over bool) {
	t := float64(now.Sub(p.begun)) / float64(calm)
	if t >= 1 || t < 0 {
		copy(dst.Pix, p.to.Pix)
		return true
	}
	mix(dst, p.from, p.to, uint32(256*t*t*(3-2*t)+0.5))
	return false
}

// mix is a, for t from 0 to 256 more and more b; the three have one size.
func mix(dst, a, b *image.RGBA, t uint32) {
	pa, pb := a.Pix, b.Pix[:len(a.Pix)]
	out := dst.Pix[:len(a.Pix)]
	for i := range out {
		out[i] = uint8((uint32(pa[i])*(256-t) + uint32(pb[i])*t + 128) >> 8)
	}
}

// pageAt is the page that is on at an instant, of those that began at begun.
func pageAt(begun, now time.Time, every time.Duration, count int) int {
	return int(max(now.Sub(begun), 0)/every) % count
}

// turnsAt is when the next page comes.
func turnsAt(begun, now time.Time, every time.Duration) time.Time {
	return begun.Add((max(now.Sub(begun), 0)/every + 1) * every)
}

// bright says whether ink is light, and what is below it therefore dark (relative luminance, WCAG 2.2).
func bright(c color.NRGBA) bool { return luminance(c) > 0.32 }

func luminance(c color.NRGBA) float64 {
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
}

// accentFor is an accent that can be read on the ground for which the ink was chosen.
func accentFor(ink color.NRGBA) color.NRGBA {
	if bright(ink) {
		return color.NRGBA{R: 0x7c, G: 0xbd, B: 0xff, A: 0xff}
	}
	return color.NRGBA{R: 0x0b, G: 0x57, B: 0xa4, A: 0xff}
}
