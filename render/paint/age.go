package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// dated is a widget of rows that says, in its corner, of when they are: where a zone has an age. Without one it costs nothing.
type dated struct {
	Widget
	plate
	env   Env
	age   string
	below *image.RGBA // the widget's own surface while there is a label above it
	drawn bool
}

func newDated(w Widget, p plate, env Env) *dated {
	return &dated{Widget: w, plate: p, env: env, age: p.zone.Age}
}

func (d *dated) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	if d.age == "" {
		if d.below == nil {
			return d.Widget.Paint(dst, now)
		}
		d.Widget.Paint(d.below, now)
		draw.Draw(dst, d.bounds(), d.below, image.Point{}, draw.Src)
		d.below = nil
		return d.bounds()
	}
	if d.below == nil {
		d.below = image.NewRGBA(d.bounds())
		draw.Draw(d.below, d.bounds(), dst, image.Point{}, draw.Src)
		d.drawn = false
	}
	changed := d.Widget.Paint(d.below, now)
	if !d.drawn {
		changed = d.bounds()
	}
	if changed.Empty() {
		return changed
	}
	draw.Draw(dst, changed, d.below, changed.Min, draw.Src)
	d.drawn = true
	return changed.Union(d.label(dst))
}

// Next is at once while the label is not as it should be.
func (d *dated) Next(now time.Time) time.Time {
	if d.age == "" && d.below != nil || d.age != "" && (d.below == nil || !d.drawn) {
		return now
	}
	return d.Widget.Next(now)
}

// Update takes other rows and another age.
func (d *dated) Update(z scene.Zone) bool {
	u, ok := d.Widget.(Updater)
	if !ok || !u.Update(z) {
		return false
	}
	if d.age != z.Age {
		d.age, d.drawn = z.Age, false
	}
	return true
}

// label is a small plate at the end of the zone's last line, readable on whatever is below it.
func (d *dated) label(dst *image.RGBA) image.Rectangle {
	w, h := float64(d.size.X), float64(d.size.Y)
	size := math.Min(math.Max(0.028*math.Min(w, 1.6*h), 15*d.scale), 22*d.scale)
	size = math.Min(size, 0.5*h)
	ln := d.env.Fonts.OneLine(d.age, glyph.Look{Size: size, Weight: 550, Locale: d.env.Locale, Tabular: true})
	if limit := w - 2.2*size; ln.Width > limit && limit > 0 {
		size *= math.Max(0.5, limit/ln.Width)
		ln = d.env.Fonts.OneLine(d.age, glyph.Look{Size: size, Weight: 550, Locale: d.env.Locale, Tabular: true})
	}
	high, wide := 1.7*size, ln.Width+2.2*size
	margin := math.Min(0.5*size, (h-high)/2)
	x, y := w-wide-margin, h-high-margin
	fillRound(dst, x, y, wide, high, high/2, color.NRGBA{R: 0x2e, G: 0x37, B: 0x46, A: 0xff})
	disc(dst, x+0.85*size, y+high/2, 0.22*size, color.NRGBA{R: 0xff, G: 0xb4, B: 0x54, A: 0xff})
	d.env.Fonts.Ink(dst, dst.Rect, &ln, x+1.4*size, math.Round(y+high/2+0.34*size), image.NewUniform(color.NRGBA{R: 0xf4, G: 0xf6, B: 0xfa, A: 0xff}))
	r := image.Rect(int(x)-1, int(y)-1, int(x+wide)+2, int(y+high)+2).Intersect(d.bounds())
	d.finish(dst, r)
	return r
}
