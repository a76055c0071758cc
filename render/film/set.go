package film

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// plain is how long a scene stays that says nothing and has nothing of a length of its own.
const plain = 10 * time.Second

// set is a scene on the stage: prepared, and drawn at instants that never go back.
type set struct {
	film  *Film
	scene scene.Scene
	begin time.Time
	over  bool // above another: without a ground of its own
	zones []*zone
	leads *reel
}

// zone is one rectangle of it.
type zone struct {
	spec    scene.Zone
	at      image.Rectangle
	widget  paint.Widget // nil = a reel
	surface *image.RGBA
	reel    *reel
	mask    image.Image // opacity
}

func (f *Film) prepare(ctx context.Context, sc scene.Scene, begin time.Time, over bool) (*set, error) {
	s := &set{film: f, scene: sc, begin: begin, over: over}
	for i, z := range sc.Zones {
		at := f.mapped(z.At.Bounds())
		if at.Empty() {
			continue
		}
		out := &zone{spec: z, at: at, surface: image.NewRGBA(image.Rectangle{Max: at.Size()}), mask: opacity(z.Opacity)}
		var err error
		if len(z.Playlist) == 0 {
			out.widget, err = paint.New(z, at.Size(), f.scale(), f.cfg.Env)
		} else {
			out.reel, err = f.newReel(ctx, z.Playlist, at.Size(), float64(z.Radius)*f.scale(), begin)
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("zone %d: %w", i+1, err)
		}
		if s.leads == nil {
			s.leads = out.reel
		}
		s.zones = append(s.zones, out)
	}
	slices.SortStableFunc(s.zones, func(a, b *zone) int { return a.spec.Z - b.spec.Z })
	if s.leads != nil && sc.For <= 0 && !over {
		s.leads.once = true
	}
	return s, nil
}

func opacity(o float64) image.Image {
	if o <= 0 || o >= 1 {
		return nil
	}
	return image.NewUniform(color.Alpha{A: uint8(math.Round(255 * o))})
}

// length is how long the scene stays.
func (s *set) length(most time.Duration) time.Duration {
	d := time.Duration(s.scene.For)
	if d <= 0 && s.leads != nil {
		d = s.leads.pass()
	}
	if d <= 0 {
		d = plain
	}
	if most > 0 {
		d = min(d, most)
	}
	return d
}

// endless has the leading playlist go round and round.
func (s *set) endless() {
	if s.leads != nil {
		s.leads.once = false
	}
}

// draw paints the scene as it is at an instant.
func (s *set) draw(ctx context.Context, dst *image.RGBA, now time.Time) error {
	if !s.over {
		draw.Draw(dst, dst.Rect, image.Black, image.Point{}, draw.Src)
	}
	if s.scene.Background != "" {
		draw.Draw(dst, dst.Rect, image.NewUniform(colorOf(s.scene.Background)), image.Point{}, draw.Over)
	}
	for _, z := range s.zones {
		if err := z.paint(ctx, now); err != nil {
			return err
		}
		if z.mask == nil {
			draw.Draw(dst, z.at, z.surface, image.Point{}, draw.Over)
			continue
		}
		draw.DrawMask(dst, z.at, z.surface, image.Point{}, z.mask, image.Point{}, draw.Over)
	}
	return nil
}

// paint brings the zone's surface up to date.
func (z *zone) paint(ctx context.Context, now time.Time) error {
	if z.reel == nil {
		z.widget.Paint(z.surface, now)
		return nil
	}
	if err := z.reel.draw(ctx, now); err != nil {
		return err
	}
	draw.Draw(z.surface, z.surface.Rect, image.NewUniform(colorOf(z.spec.Background)), image.Point{}, draw.Src)
	draw.Draw(z.surface, z.surface.Rect, z.reel.picture, image.Point{}, draw.Over)
	paint.Rounded(z.surface, z.reel.radius)
	return nil
}

func (s *set) close() {
	if s == nil {
		return
	}
	for _, z := range s.zones {
		if z.reel != nil {
			z.reel.close()
		}
	}
}
