package compose

import (
	"image"
	"time"

	"vitrine/render/output"
	"vitrine/render/scene"
)

// panel is a zone that a widget paints.
type panel struct {
	spec    scene.Zone
	rect    image.Rectangle
	clip    image.Rectangle
	shape   shape // opacity alone: corners and background are the widget's
	widget  Widget
	surface surface
	image   *image.RGBA
	due     time.Time // zero = never again
	opaque  bool
}

// newPanel makes the widget and paints it for the first time. It may take a while: fonts are read, lines are broken.
func newPanel(cfg Config, z scene.Zone, m mapping, p Place, now time.Time) (*panel, error) {
	rect := m.rect(z.At)
	w, err := cfg.Widget(z, rect.Size(), m.scale, p)
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rectangle{Max: rect.Size()})
	out := &panel{
		spec: z, rect: rect, clip: rect.Intersect(m.canvas), shape: newShape(z.Opacity, 0), widget: w, image: img,
		surface: surface{pix: img.Pix, stride: img.Stride, swapped: true},
		opaque:  z.Radius == 0 && color(z.Background)>>24 == 0xff,
	}
	w.Paint(img, now)
	out.due = w.Next(now)
	return out, nil
}

// step paints what is due and returns the part of the screen that changed.
func (p *panel) step(now time.Time, c ticks) image.Rectangle {
	if p.due.IsZero() || now.Before(p.due) {
		return image.Rectangle{}
	}
	at := now
	if now.Sub(p.due) < c.period {
		at = p.due // the instant that was meant, so that movement is even
	}
	changed := p.widget.Paint(p.image, at)
	if p.due = p.widget.Next(at); !p.due.IsZero() && !p.due.After(now) {
		p.due = c.after(now)
	}
	return changed.Add(p.rect.Min).Intersect(p.clip)
}

func (p *panel) bounds() image.Rectangle { return p.clip }

func (p *panel) solid() bool { return p.opaque && p.shape.plain() }

func (p *panel) draw(f *output.Frame, clip image.Rectangle) { p.surface.put(f, p.rect, clip, p.shape) }

// ticks are the instants of the screen's frames.
type ticks struct {
	epoch  time.Time
	period time.Duration
}

// after is the first tick after now.
func (t ticks) after(now time.Time) time.Time {
	n := now.Sub(t.epoch)/t.period + 1
	return t.epoch.Add(n * t.period)
}

// bed is a rectangle of one colour.
type bed struct {
	rect  image.Rectangle
	color uint32
}

func (b bed) bounds() image.Rectangle { return b.rect }

func (b bed) solid() bool { return b.color>>24 == 0xff }

func (b bed) draw(f *output.Frame, clip image.Rectangle) {
	paintColor(f, b.rect, clip, b.color, shape{alpha: 0xff})
}

// layer is one sheet of the pile that makes the frame.
type layer interface {
	bounds() image.Rectangle
	solid() bool // covers all of its bounds
	draw(f *output.Frame, clip image.Rectangle)
}
