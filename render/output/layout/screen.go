package layout

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"

	"vitrine/render/output"
)

// Screen is an output that shows a composition as a Plan says.
type Screen struct {
	output.Output
	plan    Plan
	plain   bool
	frame   *output.Frame // the composition; its pixels are the screen's own where nothing is to be done to them
	scalers []*scaler     // by tile; nil where it is exact
	look    *tables       // nil: colours as they are
	changed bool          // look is new
}

// New puts a plan between a composition and a screen. The screen belongs to it.
func New(o output.Output, p Plan) *Screen {
	s := &Screen{Output: o, plan: p, plain: p.plain(o.Size()), scalers: make([]*scaler, len(p.Tiles))}
	for i, t := range p.Tiles {
		if !t.exact() {
			s.scalers[i] = newScaler(t.From.Size(), t.Upright())
		}
	}
	if s.plain {
		own := *o.Frame()
		s.frame = &own
	} else {
		s.frame = output.NewFrame(p.Canvas)
	}
	return s
}

// Bare is a Screen for who brings the pixels to the screen by other means: Frame, Present and Done are not to be used.
func Bare(o output.Output, p Plan) *Screen {
	return &Screen{Output: o, plan: p, plain: p.plain(o.Size())}
}

// direct says that the composition's pixels are the screen's.
func (s *Screen) direct() bool { return &s.frame.Pix[0] == &s.Output.Frame().Pix[0] }

// settle has pixels of its own where the screen's cannot be drawn into: what is corrected must not be corrected again.
func (s *Screen) settle() {
	own := !s.plain || s.look != nil
	if own != s.direct() {
		return
	}
	to := *s.Output.Frame()
	if own {
		to = *output.NewFrame(s.plan.Canvas)
	}
	for y := range s.frame.Size.Y {
		copy(to.Row(y, 0, to.Size.X), s.frame.Row(y, 0, to.Size.X))
	}
	*s.frame = to
}

// Size is the composition's.
func (s *Screen) Size() image.Point { return s.plan.Canvas }

// Visible is the part of the composition that is on a screen: what lies elsewhere need not be drawn.
func (s *Screen) Visible() image.Rectangle { return s.plan.Visible() }

// Locate is the plan's: of the pixel of a touch, the one of the composition.
func (s *Screen) Locate(at image.Point) (image.Point, bool) { return s.plan.Locate(at) }

// Frame is the composition.
func (s *Screen) Frame() *output.Frame { return s.frame }

// Correct changes the colours from the next Present on, which shows all of the frame.
func (s *Screen) Correct(p output.Picture) error {
	if err := check(p); err != nil {
		return fmt.Errorf("the picture is left as it is: %w", err)
	}
	s.look, s.changed = newTables(p), true
	return nil
}

// Present brings the dirty parts of the composition to where they are on the screen.
func (s *Screen) Present(dirty []image.Rectangle) {
	if s.changed {
		s.settle()
		dirty, s.changed = []image.Rectangle{{Max: s.plan.Canvas}}, false
	}
	if s.direct() {
		s.Output.Present(dirty)
		return
	}
	var changed []image.Rectangle
	for i, t := range s.plan.Tiles {
		for _, d := range dirty {
			if d = d.Intersect(t.From); !d.Empty() {
				changed = append(changed, s.draw(i, t, d.Sub(t.From.Min)))
			}
		}
	}
	s.Output.Present(changed)
}

// draw brings a part of a tile to the screen, and returns where it is there.
func (s *Screen) draw(i int, t Tile, part image.Rectangle) image.Rectangle {
	f := s.frame
	from := source{pix: f.Pix[t.From.Min.Y*f.Stride+t.From.Min.X*4:], stride: f.Stride}
	if sc := s.scalers[i]; sc != nil {
		part = sc.scale(from, part)
		from = sc.out
	}
	r := t.way(4, from.stride).place(part)
	t.blit(s.Output.Frame(), r, from, s.look)
	return r
}

// Power switches the displays on or off, where the screen can.
func (s *Screen) Power(on bool) {
	if p, can := s.Output.(interface{ Power(on bool) }); can {
		p.Power(on)
	}
}

// Shot is what the screens show of the composition, upright; of a wall's place that place alone.
func (s *Screen) Shot() (*image.RGBA, error) {
	img, err := s.Output.Shot()
	if err != nil || s.plain {
		return img, err
	}
	seen := s.Visible()
	out := image.NewRGBA(image.Rectangle{Max: seen.Size()})
	draw.Draw(out, out.Rect, image.Black, image.Point{}, draw.Src)
	for _, t := range s.plan.Tiles {
		up := t.lift(img)
		to := t.From.Sub(seen.Min)
		if t.exact() {
			draw.Draw(out, to, up, image.Point{}, draw.Src)
			continue
		}
		draw.ApproxBiLinear.Scale(out, to, up, up.Rect, draw.Src, nil)
	}
	return out, nil
}

// lift cuts a tile out of a picture of the screen and turns it back.
func (t Tile) lift(screen *image.RGBA) *image.RGBA {
	size := t.Upright()
	out := image.NewRGBA(image.Rectangle{Max: size})
	w := t.way(4, out.Stride)
	for v := range t.To.Dy() {
		src := screen.Pix[screen.PixOffset(t.To.Min.X, t.To.Min.Y+v):]
		o := w.base + v*w.down
		for u := range t.To.Dx() {
			copy(out.Pix[o:o+4], src[u*4:u*4+4])
			o += w.across
		}
	}
	return out
}
