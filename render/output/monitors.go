package output

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
)

// Monitor is a connector with a picture for a display, and where that is on the X screen.
type Monitor struct {
	Name      string // the connector: HDMI-1
	At        image.Rectangle
	Refresh   float64 // hertz; 0 = not known
	Connected bool    // false: nothing is plugged in, or it is switched off so that the server does not see it
}

// ErrChanged is why an output ends whose screen is to be opened anew: see X11Config.Changed.
var ErrChanged = errors.New("the displays have changed")

// readMonitors asks RandR (1.2 and later), from the left.
func readMonitors(conn *xgb.Conn, root xproto.Window) ([]Monitor, error) {
	if err := randr.Init(conn); err != nil {
		return nil, fmt.Errorf("ask for the monitors: %w", err)
	}
	res, err := randr.GetScreenResourcesCurrent(conn, root).Reply()
	if err != nil {
		return nil, fmt.Errorf("ask for the monitors: %w", err)
	}
	var out []Monitor
	for _, o := range res.Outputs {
		info, err := randr.GetOutputInfo(conn, o, res.ConfigTimestamp).Reply()
		if err != nil || info.Crtc == 0 {
			continue
		}
		crtc, err := randr.GetCrtcInfo(conn, info.Crtc, res.ConfigTimestamp).Reply()
		if err != nil || crtc.Mode == 0 {
			continue
		}
		at := image.Rect(0, 0, int(crtc.Width), int(crtc.Height)).Add(image.Pt(int(crtc.X), int(crtc.Y)))
		out = append(out, Monitor{Name: string(info.Name), At: at, Refresh: rate(res.Modes, crtc.Mode),
			Connected: info.Connection == randr.ConnectionConnected})
	}
	slices.SortStableFunc(out, func(a, b Monitor) int { return a.At.Min.X - b.At.Min.X })
	return out, nil
}

// rate is a mode's in hertz, 0 where the server does not know.
func rate(modes []randr.ModeInfo, of randr.Mode) float64 {
	for _, m := range modes {
		if randr.Mode(m.Id) == of {
			return hertz(m)
		}
	}
	return 0
}

func hertz(m randr.ModeInfo) float64 {
	if m.Htotal == 0 || m.Vtotal == 0 {
		return 0
	}
	hz := float64(m.DotClock) / (float64(m.Htotal) * float64(m.Vtotal))
	if m.ModeFlags&randr.ModeFlagInterlace != 0 {
		hz *= 2
	}
	if m.ModeFlags&randr.ModeFlagDoubleScan != 0 {
		hz /= 2
	}
	return hz
}

// refresh is the rate of the first monitor, 60 where the server does not know.
func refresh(monitors []Monitor) float64 {
	for _, m := range monitors {
		if m.Refresh > 10 && m.Refresh < 500 {
			return m.Refresh
		}
	}
	return 60
}

// Monitors are those that the screen had when it was opened, from the left.
func (x *X11) Monitors() []Monitor { return x.monitors }

// watchMonitors tells of each change of the displays, once it is over: one change is many events.
func (x *X11) watchMonitors() {
	const calm = 300 * time.Millisecond
	timer := time.NewTimer(calm)
	timer.Stop()
	known, size := x.monitors, x.wide
	for {
		select {
		case <-x.closing:
			timer.Stop()
			return
		case <-x.shaken:
			timer.Reset(calm)
			continue
		case <-timer.C:
		}
		if x.cfg.Mode != (Mode{}) {
			_ = setMode(x.conn, x.screen.Root, x.cfg.Mode) // for displays that came; what cannot be was told at the start
		}
		now, err := readMonitors(x.conn, x.screen.Root)
		g, err2 := xproto.GetGeometry(x.conn, xproto.Drawable(x.screen.Root)).Reply()
		if err != nil || err2 != nil {
			continue // the server is gone; listen says so
		}
		wide := image.Pt(int(g.Width), int(g.Height))
		if slices.Equal(now, known) && wide == size {
			continue
		}
		known, size = now, wide
		if x.cfg.Changed(size, now) {
			x.answer(ErrChanged)
		}
	}
}
