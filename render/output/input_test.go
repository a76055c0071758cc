package output_test

import (
	"image"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"vitrine/render/output"
	"vitrine/render/witness"
)

// hands press keys and touch the screen through XTEST.
type hands struct {
	t    *testing.T
	conn *xgb.Conn
	root xproto.Window
	syms []xproto.Keysym
	per  int
	low  xproto.Keycode
}

func newHands(t *testing.T, d *witness.Display) *hands {
	t.Helper()
	conn, err := xgb.NewConnDisplay(d.Name)
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
	return &hands{t: t, conn: conn, root: s.DefaultScreen(conn).Root, syms: m.Keysyms, per: int(m.KeysymsPerKeycode), low: s.MinKeycode}
}

func (h *hands) fake(kind, detail byte, at image.Point) {
	h.t.Helper()
	if err := xtest.FakeInputChecked(h.conn, kind, detail, 0, h.root, int16(at.X), int16(at.Y), 0).Check(); err != nil {
		h.t.Fatal(err)
	}
}

// press strikes keys together; each is a keysym.
func (h *hands) press(syms ...xproto.Keysym) {
	h.t.Helper()
	codes := h.codes(syms...)
	for _, c := range codes {
		h.fake(xproto.KeyPress, c, image.Point{})
	}
	for i := len(codes) - 1; i >= 0; i-- {
		h.fake(xproto.KeyRelease, codes[i], image.Point{})
	}
}

func (h *hands) codes(syms ...xproto.Keysym) []byte {
	h.t.Helper()
	var codes []byte
	for _, sym := range syms {
		for i := 0; i < len(h.syms); i += h.per {
			if h.syms[i] == sym {
				codes = append(codes, byte(h.low)+byte(i/h.per))
				break
			}
		}
	}
	if len(codes) != len(syms) {
		h.t.Fatalf("this keyboard lacks one of %x", syms)
	}
	return codes
}

func (h *hands) touch(at image.Point, button byte) {
	h.t.Helper()
	h.fake(xproto.MotionNotify, 0, at)
	h.fake(xproto.ButtonPress, button, at)
	h.fake(xproto.ButtonRelease, button, at)
}

const (
	symF5     = 0xffc2
	symF12    = 0xffc9
	symCtrl   = 0xffe3
	symAlt    = 0xffe9
	symEscape = 0xff1b
)

// attentive opens a window that hears, with its first frame up.
func attentive(t *testing.T, d *witness.Display, keys ...string) (<-chan output.Input, <-chan error) {
	t.Helper()
	heard, trouble := make(chan output.Input, 64), make(chan error, 8)
	o, err := output.OpenX11(output.X11Config{Display: d.Name, Keys: keys,
		Heard: func(in output.Input) { heard <- in }, Trouble: func(err error) { trouble <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	present(t, o, o.Frame().Bounds())
	return heard, trouble
}

func hear(t *testing.T, from <-chan output.Input) output.Input {
	t.Helper()
	select {
	case in := <-from:
		return in
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard")
		return output.Input{}
	}
}

func TestKeysAndTouchesAreHeard(t *testing.T) {
	d := xvfb(t)
	heard, _ := attentive(t, d)
	h := newHands(t, d)
	for _, c := range []struct {
		want string
		syms []xproto.Keysym
	}{
		{"F5", []xproto.Keysym{symF5}}, {"a", []xproto.Keysym{'a'}}, {"ctrl+alt+s", []xproto.Keysym{symAlt, symCtrl, 's'}},
		{"Escape", []xproto.Keysym{symEscape}}, {"space", []xproto.Keysym{' '}}, {"a", []xproto.Keysym{'a'}},
	} {
		h.press(c.syms...)
		if in := hear(t, heard); in.Key != c.want || in.Point != nil {
			t.Errorf("%s was heard as %+v", c.want, in)
		}
	}
	h.touch(image.Pt(300, 20), 4) // the wheel
	h.touch(image.Pt(17, 190), 1)
	if in := hear(t, heard); in.Key != "" || in.Point == nil || *in.Point != image.Pt(17, 190) {
		t.Errorf("a touch at 17,190 was heard as %+v", in)
	}
}

func TestAKeyThatIsHeldIsHeardOnce(t *testing.T) {
	d := xvfb(t)
	if out, err := exec.Command("xset", "-display", d.Name, "r", "rate", "20", "100").CombinedOutput(); err != nil {
		t.Skipf("xset: %v: %s", err, out)
	}
	heard := make(chan output.Input, 64)
	o, err := output.OpenX11(output.X11Config{Display: d.Name, Heard: func(in output.Input) { heard <- in }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	present(t, o, o.Frame().Bounds())
	h := newHands(t, d)
	mask := []uint32{xproto.EventMaskKeyPress} // what the server sends to the window, repetitions and all
	if err := xproto.ChangeWindowAttributesChecked(h.conn, xproto.Window(o.Window()), xproto.CwEventMask, mask).Check(); err != nil {
		t.Fatal(err)
	}
	code := h.codes('a')[0]
	h.fake(xproto.KeyPress, code, image.Point{})
	for n := 0; n < 5; {
		ev, err := h.conn.WaitForEvent()
		if ev == nil && err == nil {
			t.Fatal("the server is gone")
		}
		if _, press := ev.(xproto.KeyPressEvent); press {
			n++
		}
	}
	h.fake(xproto.KeyRelease, code, image.Point{})
	h.press(symF5)
	for _, want := range []string{"a", "F5"} {
		if in := hear(t, heard); in.Key != want {
			t.Errorf("%+v was heard, want %s", in, want)
		}
	}
}

// focused gives the keyboard to a window of another program.
func focused(t *testing.T, h *hands) {
	t.Helper()
	w, err := xproto.NewWindowId(h.conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(h.conn, 0, w, h.root, 0, 0, 9, 9, 0, xproto.WindowClassInputOutput, 0, xproto.CwOverrideRedirect, []uint32{1})
	xproto.MapWindow(h.conn, w)
	if err := xproto.SetInputFocusChecked(h.conn, xproto.InputFocusNone, w, 0).Check(); err != nil {
		t.Fatal(err)
	}
}

func TestConfiguredKeysAreHeardWhateverHasTheFocusAndOthersAreNot(t *testing.T) {
	d := xvfb(t)
	heard, trouble := attentive(t, d, "F12", "ctrl+alt+S")
	h := newHands(t, d)
	focused(t, h)
	for first := true; first; { // the keys are taken soon after the first frame
		h.press(symF12)
		select {
		case in := <-heard:
			first = in.Key != "F12"
		case err := <-trouble:
			t.Fatal(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	for len(heard) > 0 {
		<-heard
	}
	h.press(symF5)
	h.press('s')
	h.press(symCtrl, symAlt, 's')
	for {
		in := hear(t, heard)
		if in.Key == "F12" {
			continue
		}
		if in.Key != "ctrl+alt+s" {
			t.Errorf("%+v was heard while another window has the focus, want ctrl+alt+s alone", in)
		}
		return
	}
}

func TestAKeyOfAnotherProgramIsNamed(t *testing.T) {
	d := xvfb(t)
	h := newHands(t, d)
	for i := 0; i < len(h.syms); i += h.per {
		if h.syms[i] == symF12 {
			code := h.low + xproto.Keycode(i/h.per)
			if err := xproto.GrabKeyChecked(h.conn, false, h.root, xproto.ModMaskAny, code, 1, 1).Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, trouble := attentive(t, d, "F12")
	select {
	case err := <-trouble:
		if !strings.Contains(err.Error(), `the key "F12" belongs to another program`) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody said that the key is taken")
	}
}

func TestNamesOfKeysAreCheckedBeforehand(t *testing.T) {
	for _, good := range []string{"F12", "f1", "ctrl+alt+s", "Escape", "é", "space", "KP_5", "super+shift+F35", "XF86PowerOff", "0x1008ff41"} {
		if err := output.CheckKey(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "F36", "hyper+a", "ctrl+", "strg+a", "Escap", "0x"} {
		if output.CheckKey(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
