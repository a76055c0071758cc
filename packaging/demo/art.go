package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"strings"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// palette is one item's colours.
type palette struct{ deep, mid, warm color.RGBA }

// words are what an item says.
type words struct{ kicker, title, line string }

// artist draws what no font file and no camera is needed for.
type artist struct{ fonts *paint.Fonts }

// text draws a text into a rectangle of a picture.
func (a artist) text(dst *image.RGBA, at image.Rectangle, s string, style scene.Style) error {
	z := scene.Zone{At: scene.Rect{0, 0, at.Dx(), at.Dy()}, Text: &scene.Text{Text: s, Style: style}}
	w, err := paint.New(z, at.Size(), 1, paint.Env{Fonts: a.fonts, Locale: "en"})
	if err != nil {
		return err
	}
	layer := image.NewRGBA(image.Rectangle{Max: at.Size()})
	w.Paint(layer, time.Time{})
	draw.Draw(dst, at, layer, image.Point{}, draw.Over)
	return nil
}

// title sets an item's words in the lower left of a picture, over a shade that keeps them readable.
func (a artist) title(dst *image.RGBA, w words) error {
	size := dst.Rect.Size()
	u := float64(size.Y) / 100
	px := func(v float64) int { return int(v*u + 0.5) }
	for y := size.Y * 45 / 100; y < size.Y; y++ {
		t := float64(y-size.Y*45/100) / float64(size.Y*55/100)
		shade := image.NewUniform(color.NRGBA{R: 6, G: 10, B: 22, A: uint8(190 * t * t)})
		draw.Draw(dst, image.Rect(0, y, size.X, y+1), shade, image.Point{}, draw.Over)
	}
	bar := image.Rect(px(6), px(64), px(6)+px(9), px(64)+px(0.9))
	draw.Draw(dst, bar, image.NewUniform(color.RGBA{R: 0xff, G: 0xb3, B: 0x5c, A: 0xff}), image.Point{}, draw.Src)
	wide := size.X * 80 / 100
	for _, l := range []struct {
		y, high, em float64
		weight      int
		ink         scene.Color
		s           string
	}{
		{67, 5.5, 3.6, 700, "#ffffffcc", strings.ToUpper(w.kicker)},
		{72.5, 13, 10.5, 700, "#ffffff", w.title},
		{86, 7, 4.6, 400, "#ffffffe0", w.line},
	} {
		at := image.Rect(px(6), px(l.y), px(6)+wide, px(l.y)+px(l.high))
		if err := a.text(dst, at, l.s, scene.Style{Size: px(l.em), Weight: l.weight, Color: l.ink}); err != nil {
			return err
		}
	}
	return nil
}

// poster draws a still picture: soft light over two colours, rings, words, and the item's plate.
func (a artist) poster(size image.Point, p palette, w words, item int) (*image.RGBA, error) {
	m := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			fx, fy := float64(x)/float64(size.Y), float64(y)/float64(size.Y)
			c := mix(p.deep, p.mid, smooth(0.75*fy+0.2*fx))
			d := math.Hypot(fx-1.28, fy-0.34)
			c = mix(c, p.warm, 0.85*math.Exp(-5*d*d))
			ring := math.Abs(math.Mod(d*7, 1)-0.5) * 2 // thin circles around the light
			c = mix(c, color.RGBA{R: 255, G: 255, B: 255, A: 255}, 0.10*math.Pow(ring, 24)*math.Exp(-d))
			m.SetRGBA(x, y, c)
		}
	}
	if err := a.title(m, w); err != nil {
		return nil, err
	}
	plate := witness.Mark{Item: item}.Plate(plateSide(size))
	draw.Draw(m, plate.Rect.Add(plateAt(size)), plate, image.Point{}, draw.Src)
	return m, nil
}

// overlay is the part of a video that stands still: words on nothing.
func (a artist) overlay(size image.Point, w words) (*image.RGBA, error) {
	m := image.NewRGBA(image.Rectangle{Max: size})
	return m, a.title(m, w)
}

// glow is a soft disc that a video moves about.
func glow(size int, c color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, size, size))
	r := float64(size) / 2
	for y := range size {
		for x := range size {
			d := math.Hypot(float64(x)-r, float64(y)-r) / r
			k := 0.6 * smooth(math.Max(0, 1-d))
			m.SetRGBA(x, y, color.RGBA{R: uint8(float64(c.R) * k), G: uint8(float64(c.G) * k), B: uint8(float64(c.B) * k), A: uint8(255 * k)})
		}
	}
	return m
}

// plateSide is a plate's square, in pixels of a medium; it is 11 on a zone of 1248 × 702.
func plateSide(size image.Point) int { return max(6, size.Y/64) }

// plateAt is a plate's upper left corner in a medium: the lower right, where nothing else is.
func plateAt(size image.Point) image.Point {
	plate := witness.Mark{Item: 1}.Plate(plateSide(size)).Rect.Size()
	return image.Pt(size.X-plate.X-size.Y*5/100, size.Y-plate.Y-size.Y*5/100)
}

// plateLook is where a plate of a medium in a zone of the screen is.
func plateLook(zone image.Rectangle, media ...image.Point) []witness.Look {
	var looks []witness.Look
	for _, size := range media {
		scale := float64(zone.Dx()) / float64(size.X)
		side, at := plateSide(size), plateAt(size)
		plate := witness.Mark{Item: 1}.Plate(side).Rect.Size()
		cx := float64(zone.Min.X) + (float64(at.X)+float64(plate.X)/2)*scale
		cy := float64(zone.Min.Y) + (float64(at.Y)+float64(plate.Y)/2)*scale
		half := 10 * float64(side) * scale
		looks = append(looks, witness.Look{
			Zone:  image.Rect(int(cx-half+0.5), int(cy-half+0.5), int(cx+half+0.5), int(cy+half+0.5)),
			Sizes: []image.Point{image.Pt(20*side, 20*side)},
			Fit:   scene.Stretch,
		})
	}
	return looks
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	t = math.Max(0, math.Min(1, t))
	f := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*t + 0.5) }
	return color.RGBA{R: f(a.R, b.R), G: f(a.G, b.G), B: f(a.B, b.B), A: 255}
}

func smooth(t float64) float64 { t = math.Max(0, math.Min(1, t)); return t * t * (3 - 2*t) }

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// write writes a picture as PNG or JPEG, as its name ends.
func write(path string, m image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	if strings.HasSuffix(path, ".png") {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, m)
	} else {
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: 93})
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write picture %s: %w", path, err)
	}
	return nil
}
