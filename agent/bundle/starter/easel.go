package starter

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// easel is a picture being drawn, in shares of its height: x from 0 to its proportions, y from 0 to 1.
type easel struct {
	img  *image.RGBA
	k    float64 // pixels a unit
	dice *rand.Rand
}

func newEasel(w, h int, seed uint64) *easel {
	return &easel{img: image.NewRGBA(image.Rect(0, 0, w, h)), k: float64(h), dice: rand.New(rand.NewPCG(seed, 1))}
}

// wide is the picture's width in units.
func (e *easel) wide() float64 { return float64(e.img.Rect.Dx()) / e.k }

// between is a number from a to b, always the same ones in the same order.
func (e *easel) between(a, b float64) float64 { return a + (b-a)*e.dice.Float64() }

func (e *easel) one(of ...uint32) color.NRGBA { return rgb(of[e.dice.IntN(len(of))]) }

// jpeg is the picture as a file.
func (e *easel) jpeg() ([]byte, error) { return jpegOf(e.img) }

func jpegOf(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		return nil, fmt.Errorf("draw a picture: %w", err)
	}
	return b.Bytes(), nil
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func glass(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(math.Round(float64(c.A) * alpha))
	return c
}

// tint moves a colour towards white (above 0) or black (below).
func tint(c color.NRGBA, t float64) color.NRGBA {
	to := uint8(0)
	if t > 0 {
		to = 255
	}
	t = math.Abs(t)
	mix := func(v uint8) uint8 { return uint8(float64(v) + (float64(to)-float64(v))*t) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), c.A}
}

// ground fills the whole picture with a light from one corner, dithered.
func (e *easel) ground(light, dark color.NRGBA) {
	b := e.img.Rect
	for y := range b.Dy() {
		for x := range b.Dx() {
			t := math.Hypot(float64(x)/float64(b.Dx())-0.2, float64(y)/float64(b.Dy())-0.1) / 1.2
			r, g, bl := blend(light, dark, smooth(math.Min(1, t)))
			n := float64((uint32(x)*374761393+uint32(y)*668265263)*2654435761>>24)/255 - 0.5
			p := e.img.Pix[e.img.PixOffset(x, y):][:4]
			p[0], p[1], p[2], p[3] = level(r+n), level(g+n), level(bl+n), 0xff
		}
	}
}

// fill paints a closed outline.
func (e *easel) fill(c color.NRGBA, outline func(to func(x, y float64))) {
	var points [][2]float64
	outline(func(x, y float64) { points = append(points, [2]float64{x * e.k, y * e.k}) })
	e.paint(c, points)
}

// oval is an ellipse turned by an angle, in radians clockwise.
func (e *easel) oval(x, y, rx, ry, turn float64, c color.NRGBA) {
	points := make([][2]float64, 12+int(math.Sqrt(math.Max(rx, ry)*e.k)*5))
	sin, cos := math.Sincos(turn)
	for i := range points {
		s, o := math.Sincos(2 * math.Pi * float64(i) / float64(len(points)))
		points[i] = [2]float64{(x + rx*o*cos - ry*s*sin) * e.k, (y + rx*o*sin + ry*s*cos) * e.k}
	}
	e.paint(c, points)
}

// paint fills an outline in pixels, antialiased, and touches no more of the picture than its bounds.
func (e *easel) paint(c color.NRGBA, points [][2]float64) {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range points {
		for i := range p {
			low[i], high[i] = math.Min(low[i], p[i]), math.Max(high[i], p[i])
		}
	}
	box := image.Rect(int(low[0])-1, int(low[1])-1, int(high[0])+2, int(high[1])+2).Intersect(e.img.Rect)
	if box.Empty() {
		return
	}
	ras := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range points {
		x, y := float32(p[0]-float64(box.Min.X)), float32(p[1]-float64(box.Min.Y))
		if i == 0 {
			ras.MoveTo(x, y)
		} else {
			ras.LineTo(x, y)
		}
	}
	ras.ClosePath()
	mask := image.NewAlpha(image.Rectangle{Max: box.Size()})
	ras.DrawOp = draw.Src
	ras.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	draw.DrawMask(e.img, box, image.NewUniform(c), image.Point{}, mask, image.Point{}, draw.Over)
}

func (e *easel) disc(x, y, r float64, c color.NRGBA) { e.oval(x, y, r, r, 0, c) }

// shadow is a soft dark disc.
func (e *easel) shadow(x, y, r, soft, strength float64) {
	rings := min(max(8, int(soft*e.k/2.5)), 28) // steps that cannot be seen
	for i := range rings {
		t := float64(i) / float64(rings-1)
		e.disc(x, y, r+soft*(1-t), glass(rgb(0x000000), strength/float64(rings)*1.6))
	}
}

// stroke is a thick line through points with round ends.
func (e *easel) stroke(thick float64, c color.NRGBA, points ...[2]float64) {
	for i, b := range points {
		e.disc(b[0], b[1], thick/2, c)
		if i == 0 {
			continue
		}
		a := points[i-1]
		long := math.Max(math.Hypot(b[0]-a[0], b[1]-a[1]), 1e-9)
		dx, dy := (b[1]-a[1])/long*thick/2, (a[0]-b[0])/long*thick/2
		e.fill(c, func(to func(x, y float64)) {
			to(a[0]+dx, a[1]+dy)
			to(b[0]+dx, b[1]+dy)
			to(b[0]-dx, b[1]-dy)
			to(a[0]-dx, a[1]-dy)
		})
	}
}
