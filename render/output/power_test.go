package output_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"vitrine/render/output"
)

// order waits until the displays are told something.
func (p *displays) order(t *testing.T) uint16 {
	t.Helper()
	select {
	case level := <-p.orders:
		return level
	case <-time.After(30 * time.Second):
		t.Fatal("the displays are told nothing")
		return 0
	}
}

func (p *displays) set(level uint16, deaf int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.level, p.deaf = level, deaf
}

const lit, dark = 0, 3

func TestDisplaysAreSwitchedAndTheStateIsReadBack(t *testing.T) {
	d := xvfb(t)
	p := newDisplays(t, d)
	p.set(dark, 0) // by a process that is no more
	trouble := make(chan error, 8)
	o, err := output.OpenX11(output.X11Config{Display: p.name, Trouble: func(err error) { trouble <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	present(t, o, o.Frame().Bounds())
	if got := p.order(t); got != lit {
		t.Errorf("with the first frame the displays are told %d, want on", got)
	}
	o.Power(false)
	if got := p.order(t); got != dark {
		t.Errorf("switched off they are told %d", got)
	}
	p.set(dark, 2)
	o.Power(true)
	for range 3 { // they follow only the third time
		if got := p.order(t); got != lit {
			t.Errorf("switched on they are told %d", got)
		}
	}
	select {
	case err := <-trouble:
		t.Errorf("trouble was told before anything was wrong for long: %v", err)
	default:
	}
	p.set(lit, 1000)
	o.Power(false)
	select {
	case err := <-trouble:
		if !strings.Contains(err.Error(), "could not be switched off: the server says level 0 instead of 3") {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody said that the displays do not follow")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.disabled > 0 || p.timeouts != [3]uint16{} {
		t.Errorf("%d orders came while DPMS was disabled; its timeouts are %v, want none", p.disabled, p.timeouts)
	}
}

func TestWithoutDPMSTheScreenIsBlackAndThatIsSaid(t *testing.T) {
	d := xvfb(t)
	trouble := make(chan error, 8)
	o, err := output.OpenX11(output.X11Config{Display: d.Name, Trouble: func(err error) { trouble <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	o.Power(true)
	o.Power(false)
	select {
	case err := <-trouble:
		if !strings.Contains(err.Error(), "this X server has no DPMS; the screen is black instead") {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody said that the displays cannot be switched off")
	}
}

func TestTheServerDoesNotBlankTheScreenByItself(t *testing.T) {
	d := xvfb(t)
	conn, err := xgb.NewConnDisplay(d.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	saver := func() *xproto.GetScreenSaverReply {
		r, err := xproto.GetScreenSaver(conn).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if saver().Timeout == 0 {
		t.Fatal("this server does not blank anyway")
	}
	o, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if r := saver(); r.Timeout != 0 || r.PreferBlanking != 0 {
		t.Errorf("the screen saver is left as %+v", r)
	}
}
