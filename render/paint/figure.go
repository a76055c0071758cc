package paint

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"

	"vitrine/render/scene"
)

// figure is a rectangle or an ellipse.
type figure struct {
	plate
	what scene.Shape
	done bool
}

func newShape(s scene.Shape, p plate) (*figure, error) {
	switch s.Form {
	case "", "rect", "ellipse":
	default:
		return nil, fmt.Errorf("shape: form is rect or ellipse, not %q", s.Form)
	}
	return &figure{plate: p, what: s}, nil
}

func (f *figure) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if f.done {
		return image.Rectangle{}
	}
	f.done = true
	f.wipe(dst, f.bounds())
	if from, err := f.what.Fill.Parse(); err == nil {
		f.outline(0).fill(dst, f.ground(from))
	}
	if c, err := f.what.Border.Parse(); err == nil {
		width := f.px(f.what.Width)
		if f.what.Width <= 0 {
			width = f.px(2)
		}
		ring := f.outline(0)
		inner := f.outline(math.Max(1, width))
		for _, o := range inner.outlines {
			for i, j := 0, len(o)-1; i < j; i, j = i+1, j-1 {
				o[i], o[j] = o[j], o[i]
			}
			ring.outlines = append(ring.outlines, o)
		}
		ring.fill(dst, image.NewUniform(c))
	}
	f.finish(dst, f.bounds())
	return f.bounds()
}

// outline is the figure's edge, moved inwards.
func (f *figure) outline(inset float64) *path {
	w, h := float64(f.size.X), float64(f.size.Y)
	p := &path{}
	if f.what.Form != "ellipse" {
		radius := 0.0 // of the outer edge: finish cuts it
		if inset > 0 {
			radius = math.Max(0, math.Min(f.px(f.zone.Radius), math.Min(w, h)/2)-inset)
		}
		p.round(inset, inset, w-2*inset, h-2*inset, radius, false)
		return p
	}
	rx, ry := w/2-inset, h/2-inset
	if rx <= 0 || ry <= 0 {
		return p
	}
	p.begin()
	n := 16 + int(math.Sqrt(math.Max(rx, ry))*8)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		p.to(w/2+rx*math.Cos(a), h/2+ry*math.Sin(a))
	}
	return p
}

// ground is what the figure is filled with: a colour, or a dithered gradient.
func (f *figure) ground(from color.NRGBA) image.Image {
	to, err := f.what.To.Parse()
	if err != nil {
		return image.NewUniform(from)
	}
	a := float64(f.what.Angle) * math.Pi / 180
	dx, dy := math.Cos(a), math.Sin(a)
	w, h := float64(f.size.X), float64(f.size.Y)
	reach := math.Abs(dx)*w + math.Abs(dy)*h // from corner to corner along the angle
	img := image.NewNRGBA(f.bounds())
	for y := range f.size.Y {
		for x := range f.size.X {
			t := 0.5 + ((float64(x)+0.5-w/2)*dx+(float64(y)+0.5-h/2)*dy)/reach
			n := noise(x, y)
			p := img.Pix[img.PixOffset(x, y):]
			for i, v := range [4][2]uint8{{from.R, to.R}, {from.G, to.G}, {from.B, to.B}, {from.A, to.A}} {
				p[i] = uint8(math.Min(255, lerp(v[0], v[1], t)+n))
				if v[0] == v[1] {
					p[i] = v[0]
				}
			}
		}
	}
	out := image.NewRGBA(f.bounds())
	draw.Draw(out, out.Rect, img, image.Point{}, draw.Src)
	return out
}

func (f *figure) Next(time.Time) time.Time { return time.Time{} }

// Update takes no other content: a shape has none.
func (f *figure) Update(z scene.Zone) bool {
	return z.Shape != nil && f.same(z) && f.what == *z.Shape
}
