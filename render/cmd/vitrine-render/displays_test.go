package main_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// xrandr changes a display as a technician would.
func (s *standing) xrandr(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("xrandr", append([]string{"--display", s.display.Name}, args...)...).CombinedOutput(); err != nil {
		s.t.Fatalf("xrandr %v: %v: %s", args, err, out)
	}
}

// black says that nothing on the whole screen is brighter than 16 of 255.
func black(m *image.RGBA, within image.Rectangle) bool {
	for y := within.Min.Y; y < within.Max.Y; y += 3 {
		for x := within.Min.X; x < within.Max.X; x += 3 {
			if c := m.RGBAAt(x, y); c.R > 16 || c.G > 16 || c.B > 16 {
				return false
			}
		}
	}
	return true
}

// xorg starts a server with displays that come and go.
func xorg(t *testing.T) *witness.Display {
	t.Helper()
	need(t, "Xorg", "xrandr")
	d, err := witness.StartXorg(context.Background())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(d.Close)
	return d
}

// anew waits until another renderer has taken over after displays have changed; that is no failure.
func (s *standing) anew(screen scene.Size) {
	s.t.Helper()
	end := time.After(time.Minute)
	for told := false; ; {
		select {
		case rep := <-s.Reports():
			switch rep.Ev {
			case pipe.EvFailed:
				s.t.Fatalf("a failure was reported: %+v", rep)
			case pipe.EvMonitors:
				if told = true; rep.Reason != pipe.ReasonAnew || rep.Size != screen {
					s.t.Errorf("the change was reported as %+v, want the size %v", rep, screen)
				}
			case pipe.EvReady:
				if s.ready = rep; !told {
					s.t.Error("nobody said why the renderer starts anew")
				}
				return
			}
		case <-end:
			s.t.Fatal("no renderer starts for the other displays")
		}
	}
}

func TestARendererFollowsItsScreen(t *testing.T) {
	t.Run("in software", func(t *testing.T) { follows(t, "x11") })
	t.Run("through OpenGL", func(t *testing.T) {
		if p := shop.program(); p.err == nil && !p.gl {
			t.Skip("EGL's headers are not on this machine")
		}
		follows(t, "gl")
	})
}

func follows(t *testing.T, kind string) {
	d := xorg(t)
	s := &standing{t: t, display: d}
	s.xrandr("--output", "DUMMY0", "--mode", "1280x720", "--fb", "1280x720")
	s, _ = standOn(t, d, "--output", kind)
	if m := s.ready.Monitors; s.ready.Output != kind || len(m) != 1 || m[0].Name != "DUMMY0" || m[0].Size != (scene.Size{Width: 1280, Height: 720}) || m[0].Refresh < 59 {
		t.Errorf("ready with the monitors %+v", m)
	}
	canvas := image.Pt(1280, 720)
	s.show(1, canvas, motif(t, canvas))
	for i, mode := range []scene.Size{{Width: 1600, Height: 900}, {Width: 800, Height: 600}} {
		name := fmt.Sprintf("%dx%d", mode.Width, mode.Height)
		s.xrandr("--output", "DUMMY0", "--mode", name, "--fb", name)
		s.anew(mode)
		if s.ready.Size != mode {
			t.Errorf("ready as %+v, want %v", s.ready.Size, mode)
		}
		size := image.Pt(mode.Width, mode.Height)
		if m := s.pixels(); m.Bounds().Size() != size || black(m, image.Rectangle{Min: size.Mul(3).Div(4), Max: size}) {
			t.Errorf("when the screen has become %s it is black in its corner", name)
		}
		s.show(uint64(i+2), canvas, motif(t, canvas))
	}
	s.xrandr("--output", "DUMMY0", "--mode", "800x600", "--rate", "75") // it came with 85
	s.anew(scene.Size{Width: 800, Height: 600})
	if s.ready.Refresh < 74 || s.ready.Refresh > 76 {
		t.Errorf("frames follow %v Hz, want 75", s.ready.Refresh)
	}
}

func TestOnePictureIsShownAcrossMonitorsThatComeAndGo(t *testing.T) {
	d := xorg(t)
	s := &standing{t: t, display: d}
	s.xrandr("--output", "DUMMY0", "--mode", "800x600", "--fb", "800x600")
	s, _ = standOn(t, d, "--extend", "all")
	small, wide := image.Pt(800, 600), image.Pt(1440, 600)
	s.show(1, small, motif(t, small))
	s.xrandr("--addmode", "DUMMY1", "640x480")
	s.xrandr("--output", "DUMMY1", "--mode", "640x480", "--right-of", "DUMMY0")
	s.anew(scene.Size{Width: wide.X, Height: wide.Y})
	sc := motif(t, wide)
	got := s.show(2, wide, sc)
	one, stop := stand(t, wide)
	want := one.show(1, wide, sc)
	stop()
	equal(t, "the left monitor", part(got, image.Rect(0, 0, 800, 600)), part(want, image.Rect(0, 0, 800, 600)))
	equal(t, "the right monitor", part(got, image.Rect(800, 0, 1440, 480)), part(want, image.Rect(800, 0, 1440, 480)))
	s.xrandr("--output", "DUMMY1", "--off", "--fb", "800x600")
	s.anew(scene.Size{Width: small.X, Height: small.Y})
	s.show(3, small, motif(t, small))
}

func TestTwoMonitorsShowTheSamePicture(t *testing.T) {
	d := xorg(t)
	s := &standing{t: t, display: d}
	s.xrandr("--output", "DUMMY0", "--mode", "800x600", "--fb", "1600x600")
	s.xrandr("--addmode", "DUMMY1", "800x600")
	s.xrandr("--output", "DUMMY1", "--mode", "800x600", "--right-of", "DUMMY0")
	s.xrandr("--query") // that has the server look which displays are there
	s, _ = standOn(t, d, "--mirror", "DUMMY1,DUMMY0")
	size := image.Pt(800, 600)
	if s.ready.Size != (scene.Size{Width: size.X, Height: size.Y}) || len(s.ready.Monitors) != 2 {
		t.Errorf("ready as %+v", s.ready)
	}
	got := s.show(1, size, motif(t, size))
	left := part(got, image.Rectangle{Max: size})
	equal(t, "the right monitor", part(got, image.Rect(800, 0, 1600, 600)), left)
	equal(t, "the picture of both", s.shot(), left)
	if black(left, left.Rect) {
		t.Error("both are black")
	}
}

func TestADisplayGetsTheModeThatIsAskedFor(t *testing.T) {
	for mode, want := range map[string]scene.Size{
		"1280x720": {Width: 1280, Height: 720}, "1024x768@70": {Width: 1024, Height: 768}, "auto": {},
	} {
		t.Run(mode, func(t *testing.T) {
			d := xorg(t)
			s, _ := standOn(t, d, "--mode", mode)
			m := s.ready.Monitors
			if len(m) != 1 || m[0].Size != s.ready.Size {
				t.Fatalf("ready with the monitors %+v and the size %v", m, s.ready.Size)
			}
			canvas := image.Pt(s.ready.Size.Width, s.ready.Size.Height)
			shown := s.show(1, canvas, motif(t, canvas))
			equal(t, "the picture of the screen", s.shot(), shown)
			if mode == "auto" {
				most := runtime.NumCPU() * 1_150_000
				if m[0].Size.Width*m[0].Size.Height > most || m[0].Size.Width*9 != m[0].Size.Height*16 {
					t.Errorf("%d cores have chosen %v of a display of 3840×2160", runtime.NumCPU(), m[0].Size)
				}
				return
			}
			if s.ready.Size != want || mode == "1024x768@70" && (m[0].Refresh < 69.5 || m[0].Refresh > 70.5) {
				t.Errorf("the display has %+v", m[0])
			}
		})
	}
	t.Run("one that it does not have", func(t *testing.T) {
		d := xorg(t)
		s, _ := standOn(t, d, "--mode", "1234x567")
		if s.ready.Size != (scene.Size{Width: 3840, Height: 2160}) {
			t.Errorf("the screen has %v, want it as it was", s.ready.Size)
		}
	})
}

func TestInputIsThatOfTheCompositionAndOutlivesAKill(t *testing.T) {
	s, _ := stand(t, image.Pt(640, 360), "--rotate", "right", "--keys", "F12")
	tall := image.Pt(360, 640)
	s.show(1, tall, motif(t, tall))
	hand := newHand(t, s.display.Name)
	for _, name := range []string{"first", "after a kill"} {
		hand.touch(t, image.Pt(600, 20)) // upper right of the screen: the composition's upper left, turned
		rep := hear(t, s.Renderer, pipe.EvInput)
		if p := rep.Input.Point; p == nil || *p != [2]int{20, 39} {
			t.Errorf("%s: a touch was reported at %+v", name, rep.Input)
		}
		hand.await(t, s, "F12")
		if name == "first" {
			if err := syscall.Kill(s.ready.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			hear(t, s.Renderer, pipe.EvReady)
			hand.await(t, s, "F12") // it has its first frame up
		}
	}
}

// hand touches and strikes keys through XTEST, with the focus elsewhere.
type hand struct {
	conn *xgb.Conn
	root xproto.Window
	f12  byte
}

func newHand(t *testing.T, display string) *hand {
	t.Helper()
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if err := xtest.Init(conn); err != nil {
		t.Fatal(err)
	}
	s := xproto.Setup(conn)
	m, err := xproto.GetKeyboardMapping(conn, s.MinKeycode, byte(s.MaxKeycode-s.MinKeycode+1)).Reply()
	if err != nil {
		t.Fatal(err)
	}
	h := &hand{conn: conn, root: s.DefaultScreen(conn).Root}
	for i := 0; i < len(m.Keysyms); i += int(m.KeysymsPerKeycode) {
		if m.Keysyms[i] == 0xffc9 {
			h.f12 = byte(s.MinKeycode) + byte(i/int(m.KeysymsPerKeycode))
		}
	}
	w, err := xproto.NewWindowId(conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(conn, 0, w, h.root, 0, 0, 9, 9, 0, xproto.WindowClassInputOutput, 0, xproto.CwOverrideRedirect, []uint32{1})
	xproto.MapWindow(conn, w)
	if err := xproto.SetInputFocusChecked(conn, xproto.InputFocusNone, w, 0).Check(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hand) fake(t *testing.T, kind, detail byte, at image.Point) {
	t.Helper()
	if err := xtest.FakeInputChecked(h.conn, kind, detail, 0, h.root, int16(at.X), int16(at.Y), 0).Check(); err != nil {
		t.Fatal(err)
	}
}

func (h *hand) touch(t *testing.T, at image.Point) {
	t.Helper()
	h.fake(t, xproto.MotionNotify, 0, at)
	h.fake(t, xproto.ButtonPress, 1, at)
	h.fake(t, xproto.ButtonRelease, 1, at)
}

// await strikes F12 until it is reported: it is taken soon after the first frame.
func (h *hand) await(t *testing.T, s *standing, key string) {
	t.Helper()
	end := time.After(time.Minute)
	for {
		h.fake(t, xproto.KeyPress, h.f12, image.Point{})
		h.fake(t, xproto.KeyRelease, h.f12, image.Point{})
		select {
		case rep := <-s.Reports():
			if rep.Ev == pipe.EvInput && rep.Input.Key == key {
				return
			}
		case <-time.After(200 * time.Millisecond):
		case <-end:
			t.Fatalf("the key %s was never reported", key)
		}
	}
}

func TestColoursAreCorrectedOnCommandAndAfterAKill(t *testing.T) {
	s, _ := stand(t, image.Pt(320, 200))
	grey := scene.Scene{Background: "#646464", Zones: []scene.Zone{}}
	canvas := image.Pt(320, 200)
	s.show(1, canvas, grey)
	want := func(what string, c color.RGBA) {
		t.Helper()
		end := time.Now().Add(time.Minute)
		for got := s.pixels().RGBAAt(100, 100); got != c; got = s.pixels().RGBAAt(100, 100) {
			if time.Now().After(end) {
				t.Fatalf("%s: the screen shows %v, want %v", what, got, c)
			}
			time.Sleep(10 * time.Millisecond) // there is no event for what a screen shows
		}
	}
	want("as it is", color.RGBA{100, 100, 100, 255})
	if err := s.Send(pipe.Command{Op: pipe.OpPicture, Picture: &pipe.Picture{Brightness: 20}}); err != nil {
		t.Fatal(err)
	}
	want("brighter", color.RGBA{151, 151, 151, 255})
	if err := syscall.Kill(s.ready.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.ready = hear(t, s.Renderer, pipe.EvReady)
	s.show(2, canvas, scene.Scene{Background: "#0000c8", Zones: []scene.Zone{}})
	want("after a kill", color.RGBA{51, 51, 251, 255})
	if err := s.Send(pipe.Command{Op: pipe.OpPicture}); err != nil {
		t.Fatal(err)
	}
	want("as it was", color.RGBA{0, 0, 200, 255})
	if err := s.Send(pipe.Command{Op: pipe.OpPicture, Picture: &pipe.Picture{Gamma: 99}}); err != nil {
		t.Fatal(err)
	}
	if rep := hear(t, s.Renderer, pipe.EvFailed); rep.Error != "the picture is left as it is: a gamma of 99 cannot be; give 0.2 to 5" {
		t.Errorf("said %q", rep.Error)
	}
}
