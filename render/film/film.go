// Package film answers: which picture is on the screen at this instant, without a screen and without waiting for it?
//
//	Program ──> Set: scene prepared ──┬─ widgets, painted at the frame's instant ─┐
//	                                  ├─ reels: stills, animations, videos ────────┼─ transitions ─ overlays ──> frame n
//	                                  └─ the scene before, while it leaves ────────┘
//
// Frame n is what shows n/Rate seconds after the beginning, whatever this machine can do in a second: time is counted, not
// watched. Widgets are package paint's and transitions package compose's, as on a screen; the frames of videos come from
// ffmpeg, the last one whose time has come.
package film

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"

	"vitrine/render/compose"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// Config says what is filmed.
type Config struct {
	Size   image.Point // of the picture
	Canvas scene.Size
	Rate   int // frames a second, 1 to 120
	Env    paint.Env
	// Other draws what only a renderer can: pages of the web, and videos where ffmpeg is missing. nil = nothing can.
	Other func(ctx context.Context, item scene.Item, size image.Point) (*image.RGBA, error)
	Note  func(string) // is told once of each thing that is not as on a screen; nil = nobody
}

// Program is what follows at an instant: a scene with its rows and files, and what lies above it.
type Program struct {
	Name     string
	Scene    *scene.Scene // nil = the screen is off
	Overlays []scene.Scene
	Stay     time.Duration // at most; 0 = the scene's own length
	Alone    bool          // nothing follows: it goes on for ever
}

// Film makes frames in their order.
type Film struct {
	cfg    Config
	begin  time.Time
	next   func(at time.Time) (Program, error)
	noted  map[string]bool
	set    *set // on the screen
	old    *set // leaving it
	above  []*set
	over   string // the overlays that are in above
	off    bool
	cross  scene.Transition
	length time.Duration // of the crossing
	since  time.Time     // of the crossing
	ends   time.Time     // of the set
	frame  *image.RGBA
	spare  [2]*image.RGBA
}

// New begins a film. next is asked for each Program when the one before is over, with the instant of its first frame.
func New(cfg Config, begin time.Time, next func(at time.Time) (Program, error)) (*Film, error) {
	if cfg.Rate < 1 || cfg.Rate > 120 {
		return nil, fmt.Errorf("a film has 1 to 120 frames a second, not %d", cfg.Rate)
	}
	if cfg.Size.X < 2 || cfg.Size.Y < 2 || cfg.Size.X*cfg.Size.Y > 64<<20 {
		return nil, fmt.Errorf("a film of %d×%d pixels cannot be made", cfg.Size.X, cfg.Size.Y)
	}
	return &Film{cfg: cfg, begin: begin, next: next, noted: map[string]bool{}, frame: image.NewRGBA(image.Rectangle{Max: cfg.Size})}, nil
}

// Close lets go of files and processes.
func (f *Film) Close() {
	for _, s := range append(f.above, f.set, f.old) {
		s.close()
	}
	f.set, f.old, f.above = nil, nil, nil
}

// at is the instant of a frame.
func (f *Film) at(n int) time.Time {
	return f.begin.Add(time.Duration(n) * time.Second / time.Duration(f.cfg.Rate))
}

// Frame draws frame n, from 0; n may not go back. The picture is valid until the next call.
func (f *Film) Frame(ctx context.Context, n int) (*image.RGBA, error) {
	now := f.at(n)
	if err := f.advance(ctx, now); err != nil {
		return nil, err
	}
	if f.off {
		draw.Draw(f.frame, f.frame.Rect, image.Black, image.Point{}, draw.Src)
		return f.frame, nil
	}
	if f.old != nil {
		for i, s := range []*set{f.old, f.set} {
			if f.spare[i] == nil {
				f.spare[i] = image.NewRGBA(f.frame.Rect)
			}
			if err := s.draw(ctx, f.spare[i], now); err != nil {
				return nil, err
			}
		}
		compose.Between(f.frame, f.cross, float64(now.Sub(f.since))/float64(f.length), f.spare[0], f.spare[1])
	} else if err := f.set.draw(ctx, f.frame, now); err != nil {
		return nil, err
	}
	for _, s := range f.above {
		if err := s.draw(ctx, f.frame, now); err != nil {
			return nil, err
		}
	}
	return f.frame, ctx.Err()
}

// advance changes scenes whose time is over.
func (f *Film) advance(ctx context.Context, now time.Time) error {
	for f.set == nil && !f.off || !f.ends.IsZero() && !now.Before(f.ends) {
		at := f.ends
		if at.IsZero() {
			at = f.begin
		}
		p, err := f.next(at)
		if err != nil {
			return err
		}
		if err := f.change(ctx, p, at); err != nil {
			return err
		}
	}
	if f.old != nil && !now.Before(f.since.Add(f.length)) {
		f.old.close()
		f.old = nil
	}
	return nil
}

// change puts a program on the screen.
func (f *Film) change(ctx context.Context, p Program, at time.Time) error {
	f.old.close()
	f.old = nil
	if f.off = p.Scene == nil; f.off {
		f.set.close()
		f.set = nil
		f.ends = at.Add(max(p.Stay, time.Second))
		return nil
	}
	s, err := f.prepare(ctx, *p.Scene, at, false)
	if err != nil {
		return fmt.Errorf("scene %s: %w", p.Name, err)
	}
	if f.set != nil {
		f.old, f.length, f.since = f.set, compose.TransitionLength(p.Scene.Transition), at
		if p.Scene.For > 0 {
			f.length = min(f.length, time.Duration(p.Scene.For))
		}
		if f.length == 0 {
			f.old.close()
			f.old = nil
		} else {
			f.cross = *p.Scene.Transition
		}
	}
	f.set, f.ends = s, at.Add(max(s.length(p.Stay), time.Second/time.Duration(f.cfg.Rate)))
	if p.Alone {
		f.ends = time.Time{}
		s.endless()
	}
	return f.raise(ctx, p.Overlays, at)
}

// raise puts overlays above the scene; those that are there already go on.
func (f *Film) raise(ctx context.Context, overlays []scene.Scene, at time.Time) error {
	key := fmt.Sprint(len(overlays))
	for i := range overlays {
		key += fmt.Sprintf("|%+v", overlays[i].Zones)
	}
	if key == f.over {
		return nil
	}
	for _, s := range f.above {
		s.close()
	}
	f.above, f.over = nil, key
	for _, o := range overlays {
		s, err := f.prepare(ctx, o, at, true)
		if err != nil {
			return fmt.Errorf("an overlay: %w", err)
		}
		s.endless()
		f.above = append(f.above, s)
	}
	return nil
}

func (f *Film) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if f.cfg.Note != nil && !f.noted[text] {
		f.noted[text] = true
		f.cfg.Note(text)
	}
}

// mapped is a rectangle of the canvas on the picture; neighbours stay neighbours.
func (f *Film) mapped(r image.Rectangle) image.Rectangle {
	k := f.scale()
	at := func(v int) int { return int(math.Round(float64(v) * k)) }
	return image.Rect(at(r.Min.X), at(r.Min.Y), at(r.Max.X), at(r.Max.Y))
}

// scale is pixels of the picture per pixel of the canvas.
func (f *Film) scale() float64 { return float64(f.cfg.Size.X) / float64(max(1, f.cfg.Canvas.Width)) }

func colorOf(c scene.Color) color.NRGBA { return c.Or(color.NRGBA{}) }
