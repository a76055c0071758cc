package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"

	"vitrine/render/scene"
)

// plate is what lies under a widget's ink: its size, background and rounded corners.
type plate struct {
	zone    scene.Zone
	size    image.Point
	scale   float64
	fill    *image.Uniform // nil = transparent
	corners *corners
}

func newPlate(z scene.Zone, size image.Point, scale float64) plate {
	p := plate{zone: z, size: size, scale: scale, corners: newCorners(size, float64(z.Radius)*scale)}
	if c, err := z.Background.Parse(); err == nil && c.A > 0 {
		p.fill = image.NewUniform(c)
	}
	return p
}

func (p plate) bounds() image.Rectangle { return image.Rectangle{Max: p.size} }

// wipe puts the background back into r; what was there is gone.
func (p plate) wipe(dst *image.RGBA, r image.Rectangle) {
	if p.fill == nil {
		draw.Draw(dst, r, image.Transparent, image.Point{}, draw.Src)
		return
	}
	draw.Draw(dst, r, p.fill, image.Point{}, draw.Src)
}

// finish cuts the corners of what has been painted into r. Each pixel of r must have been wiped before.
func (p plate) finish(dst *image.RGBA, r image.Rectangle) { p.corners.cut(dst, r) }

// px is a length in canvas pixels as output pixels.
func (p plate) px(canvas int) float64 { return float64(canvas) * p.scale }

// same says whether another zone looks the same but for its content.
func (p plate) same(z scene.Zone) bool {
	return p.zone.At == z.At && p.zone.Background == z.Background && p.zone.Radius == z.Radius
}

// corners are the antialiased masks of a rectangle's four rounded corners; nil cuts nothing.
type corners struct {
	size image.Point
	side int
	mask *image.Alpha // of the top left corner, side × side
}

func newCorners(size image.Point, radius float64) *corners {
	radius = min(radius, float64(min(size.X, size.Y))/2)
	if radius < 0.5 {
		return nil
	}
	side := int(math.Ceil(radius))
	c := &corners{size: size, side: side}
	var round path
	round.begin()
	round.arc(radius, radius, radius, math.Pi, math.Pi*3/2)
	round.to(float64(side), 0)
	round.to(float64(side), float64(side))
	round.to(0, float64(side))
	c.mask = round.mask()
	return c
}

// cut multiplies the corners that r touches with their mask.
func (c *corners) cut(dst *image.RGBA, r image.Rectangle) {
	if c == nil {
		return
	}
	w, h, s := c.size.X, c.size.Y, c.side
	for i, at := range [4]image.Point{{}, {X: w - s}, {Y: h - s}, {X: w - s, Y: h - s}} {
		box := image.Rect(at.X, at.Y, at.X+s, at.Y+s).Intersect(r).Intersect(dst.Rect)
		for y := box.Min.Y; y < box.Max.Y; y++ {
			my := y - at.Y
			if i >= 2 {
				my = s - 1 - my
			}
			for x := box.Min.X; x < box.Max.X; x++ {
				mx := x - at.X
				if i&1 == 1 {
					mx = s - 1 - mx
				}
				fade(dst.Pix[dst.PixOffset(x, y):], c.mask.Pix[my*c.mask.Stride+mx])
			}
		}
	}
}

// fade multiplies one premultiplied pixel by a/255.
func fade(pix []byte, a uint8) {
	switch a {
	case 0xff:
	case 0:
		clear(pix[:4])
	default:
		for i := range 4 {
			pix[i] = uint8((uint32(pix[i])*uint32(a) + 127) / 255)
		}
	}
}

// Rounded cuts an image's corners to a radius in its pixels, antialiased; a radius under half a pixel does nothing.
// The image's bounds must begin at zero.
func Rounded(img *image.RGBA, radius float64) {
	newCorners(img.Rect.Size(), radius).cut(img, img.Rect)
}

// blank is a widget without content: its background.
type blank struct {
	plate
	done bool
}

func newBlank(p plate) *blank { return &blank{plate: p} }

func (b *blank) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if b.done {
		return image.Rectangle{}
	}
	b.done = true
	b.wipe(dst, b.bounds())
	b.finish(dst, b.bounds())
	return b.bounds()
}

func (b *blank) Next(time.Time) time.Time { return time.Time{} }

// withAlpha is the colour with its opacity multiplied.
func withAlpha(c color.NRGBA, t float64) color.NRGBA {
	c.A = uint8(math.Round(float64(c.A) * t))
	return c
}
