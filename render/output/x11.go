package output

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"sync/atomic"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
)

// X11 is a window that covers the whole of an X screen.
//
// The window has no background, so that the server never paints it: between the mapping and the first picture the
// screen keeps what it showed. The connection closes down as "retain temporary" (X protocol, SetCloseDownMode): when
// the process is killed its window stays, with its last picture, until the next one has its first picture up.
type X11 struct {
	cfg      X11Config
	conn     *xgb.Conn
	screen   *xproto.ScreenInfo
	window   xproto.Window
	gc       xproto.Gcontext
	frame    *Frame
	shared   *segment // nil: without MIT-SHM
	keyboard *keyboard
	monitors []Monitor
	wide     image.Point // the X screen, as it is now
	dpms     bool
	powered  atomic.Bool // Power was called

	mapped  bool
	done    chan error
	exposed chan struct{}
	round   chan struct{} // asks for a round trip: the end of a Present without MIT-SHM
	shaken  chan struct{} // something about the displays is changing
	power   chan bool
	closing chan struct{}
}

// X11Config says which screen, and who hears of what happens on it. The functions are called on goroutines of the output
// and must not block.
type X11Config struct {
	Display string   // "" = $DISPLAY
	Keys    []string // that are heard whatever window has the focus: F12, ctrl+alt+s
	Mode    Mode     // that the displays are to have; the zero value leaves them as they are
	Heard   func(Input)
	// Changed is told of displays that came, went or changed their mode. When it returns true the output ends with
	// ErrChanged, to be opened anew.
	Changed func(screen image.Point, now []Monitor) bool
	Trouble func(error) // what does not end the output
}

// OpenX11 connects to a display and makes the window; it is not seen before the first Present.
func OpenX11(cfg X11Config) (*X11, error) {
	conn, err := connect(cfg.Display)
	if err != nil {
		return nil, err
	}
	setup := xproto.Setup(conn)
	x := &X11{
		cfg: cfg, conn: conn, screen: setup.DefaultScreen(conn),
		done: make(chan error, 4), exposed: make(chan struct{}, 1), round: make(chan struct{}, 1),
		shaken: make(chan struct{}, 1), power: make(chan bool, 1), closing: make(chan struct{}),
	}
	if err := x.open(setup); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open display %q: %w", cfg.Display, err)
	}
	go x.listen()
	go x.roundTrips()
	go x.watchPower()
	go x.watchMonitors()
	return x, nil
}

func (x *X11) trouble(err error) {
	if x.cfg.Trouble != nil {
		x.cfg.Trouble(err)
	}
}

func connect(display string) (*xgb.Conn, error) {
	if display == "" && os.Getenv("DISPLAY") == "" {
		return nil, errors.New("no display is named: set DISPLAY, give --display :0, or --headless 1920x1080 for a machine without a screen")
	}
	xgb.Logger.SetOutput(io.Discard) // it has no other switch; its errors come back to us too
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		return nil, fmt.Errorf("open display %q: %w; is an X server running there, and may this user use it?", display, err)
	}
	return conn, nil
}

func (x *X11) open(setup *xproto.SetupInfo) error {
	if err := fitting(setup, x.screen); err != nil {
		return err
	}
	if err := x.survey(); err != nil {
		return err
	}
	size := x.wide
	var err error
	if x.shared, err = newSegment(x.conn, size.X*size.Y*4); err == nil {
		x.frame = &Frame{Pix: x.shared.mem, Stride: size.X * 4, Size: size}
	} else {
		x.frame = NewFrame(size) // a server elsewhere: slower, yet right
	}
	if x.keyboard, err = readKeyboard(x.conn); err != nil {
		return err
	}
	if err := x.stayLit(); err != nil {
		x.trouble(err)
	}
	return x.makeWindow()
}

// survey sets the mode that is wanted and reads what displays there are. The size that the connection began with is old
// by then.
func (x *X11) survey() error {
	if err := setMode(x.conn, x.screen.Root, x.cfg.Mode); err != nil {
		x.trouble(err)
	}
	var err error
	if x.monitors, err = readMonitors(x.conn, x.screen.Root); err != nil {
		x.monitors = nil // a server without RandR: one screen of a fixed size
	} else if x.cfg.Changed != nil {
		randr.SelectInput(x.conn, x.screen.Root, randr.NotifyMaskScreenChange|randr.NotifyMaskCrtcChange|randr.NotifyMaskOutputChange)
	}
	g, err := xproto.GetGeometry(x.conn, xproto.Drawable(x.screen.Root)).Reply()
	if err != nil {
		return fmt.Errorf("ask for the size of the screen: %w", err)
	}
	now := *x.screen
	now.WidthInPixels, now.HeightInPixels = g.Width, g.Height
	x.screen, x.wide = &now, image.Pt(int(g.Width), int(g.Height))
	return nil
}

// fitting refuses screens whose pixels are not 32 bits of blue, green, red.
func fitting(setup *xproto.SetupInfo, s *xproto.ScreenInfo) error {
	if setup.ImageByteOrder != xproto.ImageOrderLSBFirst {
		return errors.New("the X server stores pixels most significant byte first; run it on a little-endian machine")
	}
	for _, f := range setup.PixmapFormats {
		if f.Depth == s.RootDepth && f.BitsPerPixel != 32 {
			return fmt.Errorf("the X server stores pixels in %d bits; set DefaultDepth 24 in its configuration", f.BitsPerPixel)
		}
	}
	for _, d := range s.AllowedDepths {
		for _, v := range d.Visuals {
			if v.VisualId == s.RootVisual && v.RedMask == 0xff0000 && v.GreenMask == 0xff00 && v.BlueMask == 0xff {
				return nil
			}
		}
	}
	return fmt.Errorf("the X screen has depth %d without 8 bits each of red, green and blue; set DefaultDepth 24 in its configuration", s.RootDepth)
}

// Name is "x11".
func (x *X11) Name() string { return "x11" }

// Size is the screen's.
func (x *X11) Size() image.Point { return x.frame.Size }

// Refresh is the first lit monitor's, by RandR.
func (x *X11) Refresh() float64 { return refresh(x.monitors) }

// Frame is the shared memory where there is such.
func (x *X11) Frame() *Frame { return x.frame }

// Done answers each Present.
func (x *X11) Done() <-chan error { return x.done }

// Exposed says that another window was on ours.
func (x *X11) Exposed() <-chan struct{} { return x.exposed }

// Present has the server copy the dirty parts.
func (x *X11) Present(dirty []image.Rectangle) {
	if !x.mapped {
		dirty = []image.Rectangle{x.frame.Bounds()}
	}
	if err := x.Cover(func() error { x.put(dirty); return nil }); err != nil {
		x.round <- struct{}{} // the connection is lost; the round trip says so
	}
}

// Window is the window's name on the X server, and Display the server's, for who draws into it by other means.
func (x *X11) Window() uint32 { return uint32(x.window) }

// Display is what the window was opened with; "" = $DISPLAY.
func (x *X11) Display() string { return x.cfg.Display }

// Cover draws a frame. Before the first one it maps the window, which shows what is below until something is drawn, and
// after it it has the server drop the windows that killed processes left behind.
func (x *X11) Cover(draw func() error) error {
	if x.mapped {
		return draw()
	}
	if err := xproto.MapWindowChecked(x.conn, x.window).Check(); err != nil {
		return fmt.Errorf("show the window: %w", err)
	}
	err := draw()
	x.mapped = true
	xproto.KillClient(x.conn, xproto.KillAllTemporary)
	x.settle()
	return err
}

// put copies parts of the frame into the window.
func (x *X11) put(dirty []image.Rectangle) {
	n := 0
	for _, r := range dirty {
		if r = r.Intersect(x.frame.Bounds()); !r.Empty() {
			dirty[n] = r
			n++
		}
	}
	for i, r := range dirty[:n] {
		if x.shared == nil {
			x.putPlain(x.frame, r)
			continue
		}
		last := byte(0)
		if i == n-1 {
			last = 1
		}
		shm.PutImage(x.conn, xproto.Drawable(x.window), x.gc, uint16(x.frame.Size.X), uint16(x.frame.Size.Y),
			uint16(r.Min.X), uint16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), int16(r.Min.X), int16(r.Min.Y),
			x.screen.RootDepth, xproto.ImageFormatZPixmap, last, x.shared.id, 0)
	}
	if x.shared == nil || n == 0 {
		x.round <- struct{}{}
	}
}

// putPlain sends the pixels themselves, in strips below the protocol's 256 KiB a request.
func (x *X11) putPlain(f *Frame, r image.Rectangle) {
	rows := max(1, (250<<10)/(r.Dx()*4))
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		h := min(rows, r.Max.Y-y)
		strip := make([]byte, 0, h*r.Dx()*4)
		for row := y; row < y+h; row++ {
			strip = append(strip, f.Row(row, r.Min.X, r.Max.X)...)
		}
		xproto.PutImage(x.conn, xproto.ImageFormatZPixmap, xproto.Drawable(x.window), x.gc,
			uint16(r.Dx()), uint16(h), int16(r.Min.X), int16(y), 0, x.screen.RootDepth, strip)
	}
}

// Shot reads the root window: all that this screen shows, whoever drew it.
func (x *X11) Shot() (*image.RGBA, error) { return readScreen(x.conn, x.screen) }

// Close destroys the window; the screen shows what is below.
func (x *X11) Close() {
	close(x.closing)
	xproto.SetCloseDownMode(x.conn, xproto.CloseDownDestroyAll)
	_ = xproto.DestroyWindowChecked(x.conn, x.window).Check() // a lost connection has destroyed it already
	if x.shared != nil {
		x.shared.detach(x.conn)
	}
	x.conn.Close()
}
