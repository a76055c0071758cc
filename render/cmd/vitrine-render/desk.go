package main

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"math"
	"reflect"
	"sync/atomic"
	"time"

	"vitrine/render/output"
	"vitrine/render/output/gl"
	"vitrine/render/output/layout"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// desk is where the screens stand: it opens them as the layout says, and tells the player what happens there.
type desk struct {
	spec   layout.Spec
	say    func(pipe.Report)
	plan   atomic.Pointer[layout.Plan]
	window *output.X11 // nil: there is none
	hold   func()      // stretches the last frame over a changed screen
	log    *slog.Logger
}

// open opens the screens; the composition is what comes out.
func (d *desk) open(s settings) (output.Output, error) {
	d.spec = s.layout
	out, monitors, err := d.bare(s)
	if err != nil {
		return nil, err
	}
	p, err := d.spec.Plan(out.Size(), monitors)
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("lay out the screen: %w", err)
	}
	d.plan.Store(&p)
	if d.window == nil || s.output == "x11" {
		return layout.New(out, p), nil
	}
	card, err := gl.New(d.window, p, s.output == "gl")
	if err == nil {
		d.hold = card.Hold
		if card.Software() {
			d.log.Warn("OpenGL is painted in software: --output x11 is faster here", "renderer", card.Renderer())
		} else {
			d.log.Info("graphics card is used", "renderer", card.Renderer())
		}
		return card, nil
	}
	if s.output == "gl" {
		out.Close()
		return nil, err
	}
	d.log.Warn("software output is used", "because", err)
	return layout.New(out, p), nil
}

func (d *desk) bare(s settings) (output.Output, []output.Monitor, error) {
	if s.output == "memory" {
		m, err := output.NewMemory(s.size)
		return m, nil, err
	}
	x, err := output.OpenX11(output.X11Config{
		Display: s.display, Keys: s.keys, Mode: s.mode, Heard: d.heard, Changed: d.changed, Trouble: d.trouble,
	})
	if err != nil {
		return nil, nil, err
	}
	d.window, d.hold = x, x.Hold
	return x, x.Monitors(), nil
}

// report hands on what the stage says; ready names the monitors too.
func (d *desk) report(r pipe.Report) {
	if r.Ev == pipe.EvReady && d.window != nil {
		r.Monitors = named(d.window.Monitors())
		r.Unplugged = len(r.Monitors) == 0
	}
	d.say(r)
}

// heard tells of a key, or of a touch where the composition is.
func (d *desk) heard(in output.Input) {
	r := pipe.Report{Ev: pipe.EvInput, At: time.Now(), Input: &pipe.Input{Key: in.Key}}
	if in.Point != nil {
		plan := d.plan.Load()
		if plan == nil {
			return
		}
		p, ok := plan.Locate(*in.Point)
		if !ok {
			return // on a part of the screen that shows nothing
		}
		r.Input.Point = &[2]int{p.X, p.Y}
	}
	d.say(r)
}

// changed tells of the displays, and has the renderer start anew when they ask for another layout.
func (d *desk) changed(screen image.Point, now []output.Monitor) bool {
	r := pipe.Report{Ev: pipe.EvMonitors, At: time.Now(), Size: scene.Size{Width: screen.X, Height: screen.Y}, Monitors: named(now)}
	r.Unplugged = len(r.Monitors) == 0
	p, err := d.spec.Plan(screen, now)
	old := d.plan.Load() // nil: so early that nothing was laid out yet
	anew := err == nil && (old == nil || !reflect.DeepEqual(p, *old) || math.Abs(rate(now)-rate(d.window.Monitors())) > 1)
	if anew {
		r.Reason = pipe.ReasonAnew
	}
	d.say(r)
	if err != nil {
		d.trouble(fmt.Errorf("the screen is left as it is: %w", err))
	}
	return anew
}

// rate is the one that frames follow.
func rate(all []output.Monitor) float64 {
	if len(all) == 0 {
		return 0
	}
	return all[0].Refresh
}

func (d *desk) trouble(err error) {
	d.say(pipe.Report{Ev: pipe.EvFailed, At: time.Now(), Error: err.Error()})
}

// leave says whether an error is the wish to start anew: the last frame stays until then.
func (d *desk) leave(err error) bool {
	anew := errors.Is(err, output.ErrChanged)
	if anew && d.window != nil {
		d.hold()
	}
	return anew
}

// named are the displays that are there; one that is switched off keeps its place in the layout all the same.
func named(all []output.Monitor) []pipe.Monitor {
	out := []pipe.Monitor{}
	for _, m := range all {
		if !m.Connected {
			continue
		}
		out = append(out, pipe.Monitor{
			Name: m.Name, At: [2]int{m.At.Min.X, m.At.Min.Y}, Size: scene.Size{Width: m.At.Dx(), Height: m.At.Dy()}, Refresh: m.Refresh,
		})
	}
	return out
}
