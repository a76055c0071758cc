package output

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
)

// X11 is a window that covers the whole of an X screen.
//
// The window has no background, so that the server never paints it: between the mapping and the first picture the
// screen keeps what it showed. The connection closes down as "retain temporary" (X protocol, SetCloseDownMode): when
// the process is killed its window stays, with its last picture, until the next one has its first picture up.
type X11 struct {
	conn   *xgb.Conn
	screen *xproto.ScreenInfo
	window xproto.Window
	gc     xproto.Gcontext
	frame  *Frame
	shared *segment // nil: without MIT-SHM
	hz     float64

	mapped  bool
	done    chan error
	exposed chan struct{}
	round   chan struct{} // asks for a round trip: the end of a Present without MIT-SHM
	closing chan struct{}
}

// OpenX11 connects to a display ("" = $DISPLAY) and makes the window; it is not seen before the first Present.
func OpenX11(display string) (*X11, error) {
	conn, err := connect(display)
	if err != nil {
		return nil, err
	}
	setup := xproto.Setup(conn)
	x := &X11{
		conn: conn, screen: setup.DefaultScreen(conn),
		done: make(chan error, 4), exposed: make(chan struct{}, 1), round: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	if err := x.open(setup); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open display %q: %w", display, err)
	}
	go x.listen()
	go x.roundTrips()
	return x, nil
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
	x.hz = refresh(x.conn, x.screen.Root)
	size := image.Pt(int(x.screen.WidthInPixels), int(x.screen.HeightInPixels))
	var err error
	if x.shared, err = newSegment(x.conn, size.X*size.Y*4); err == nil {
		x.frame = &Frame{Pix: x.shared.mem, Stride: size.X * 4, Size: size}
	} else {
		x.frame = NewFrame(size) // a server elsewhere: slower, yet right
	}
	return x.makeWindow()
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

func (x *X11) makeWindow() error {
	w, err := xproto.NewWindowId(x.conn)
	if err != nil {
		return err
	}
	gc, err := xproto.NewGcontextId(x.conn)
	if err != nil {
		return err
	}
	cursor, err := blankCursor(x.conn, x.screen.Root)
	if err != nil {
		return err
	}
	x.window, x.gc = w, gc
	mask := uint32(xproto.CwBackPixmap | xproto.CwOverrideRedirect | xproto.CwEventMask | xproto.CwCursor)
	err = xproto.CreateWindowChecked(x.conn, x.screen.RootDepth, w, x.screen.Root, 0, 0,
		uint16(x.frame.Size.X), uint16(x.frame.Size.Y), 0, xproto.WindowClassInputOutput, x.screen.RootVisual, mask,
		[]uint32{xproto.BackPixmapNone, 1, xproto.EventMaskExposure, uint32(cursor)}).Check()
	if err != nil {
		return fmt.Errorf("make the window: %w", err)
	}
	if err := xproto.CreateGCChecked(x.conn, gc, xproto.Drawable(w), 0, nil).Check(); err != nil {
		return fmt.Errorf("make the window: %w", err)
	}
	if err := xproto.SetCloseDownModeChecked(x.conn, xproto.CloseDownRetainTemporary).Check(); err != nil {
		return fmt.Errorf("have the server keep the last picture: %w", err)
	}
	return nil
}

// blankCursor is a cursor of one transparent pixel.
func blankCursor(conn *xgb.Conn, root xproto.Window) (xproto.Cursor, error) {
	bits, err := xproto.NewPixmapId(conn)
	if err != nil {
		return 0, err
	}
	gc, err := xproto.NewGcontextId(conn)
	if err != nil {
		return 0, err
	}
	cursor, err := xproto.NewCursorId(conn)
	if err != nil {
		return 0, err
	}
	xproto.CreatePixmap(conn, 1, bits, xproto.Drawable(root), 1, 1)
	xproto.CreateGC(conn, gc, xproto.Drawable(bits), xproto.GcForeground, []uint32{0})
	xproto.PolyFillRectangle(conn, xproto.Drawable(bits), gc, []xproto.Rectangle{{Width: 1, Height: 1}})
	err = xproto.CreateCursorChecked(conn, cursor, bits, bits, 0, 0, 0, 0, 0, 0, 0, 0).Check()
	xproto.FreeGC(conn, gc)
	xproto.FreePixmap(conn, bits)
	if err != nil {
		return 0, fmt.Errorf("hide the pointer: %w", err)
	}
	return cursor, nil
}

// Name is "x11".
func (x *X11) Name() string { return "x11" }

// Size is the screen's.
func (x *X11) Size() image.Point { return x.frame.Size }

// Refresh is the first lit monitor's, by RandR.
func (x *X11) Refresh() float64 { return x.hz }

// Frame is the shared memory where there is such.
func (x *X11) Frame() *Frame { return x.frame }

// Done answers each Present.
func (x *X11) Done() <-chan error { return x.done }

// Exposed says that another window was on ours.
func (x *X11) Exposed() <-chan struct{} { return x.exposed }

// Present has the server copy the dirty parts. The first one maps the window in the same breath, and then has the server
// drop the windows that killed processes left behind: they are below ours by then.
func (x *X11) Present(dirty []image.Rectangle) {
	if !x.mapped {
		xproto.MapWindow(x.conn, x.window)
		dirty = []image.Rectangle{x.frame.Bounds()}
	}
	n := 0
	for _, r := range dirty {
		if r = r.Intersect(x.frame.Bounds()); !r.Empty() {
			dirty[n] = r
			n++
		}
	}
	for i, r := range dirty[:n] {
		if x.shared == nil {
			x.putPlain(r)
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
	if !x.mapped {
		x.mapped = true
		xproto.KillClient(x.conn, xproto.KillAllTemporary)
	}
	if x.shared == nil || n == 0 {
		x.round <- struct{}{}
	}
}

// putPlain sends the pixels themselves, in strips below the protocol's 256 KiB a request.
func (x *X11) putPlain(r image.Rectangle) {
	rows := max(1, (250<<10)/(r.Dx()*4))
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		h := min(rows, r.Max.Y-y)
		strip := make([]byte, 0, h*r.Dx()*4)
		for row := y; row < y+h; row++ {
			strip = append(strip, x.frame.Row(row, r.Min.X, r.Max.X)...)
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

// listen hands on what the server says, until the connection ends.
func (x *X11) listen() {
	for {
		ev, err := x.conn.WaitForEvent()
		switch e := ev.(type) {
		case shm.CompletionEvent:
			x.answer(nil)
		case xproto.ExposeEvent:
			select {
			case x.exposed <- struct{}{}:
			default:
			}
		case nil:
			if err == nil {
				x.answer(errors.New("the X server closed the connection; it is gone or was restarted"))
				return
			}
			if _, old := err.(xproto.ValueError); old {
				continue // KillClient found nothing to drop
			}
			x.answer(fmt.Errorf("the X server refused a request: %w", err))
		default:
			_ = e
		}
	}
}

func (x *X11) roundTrips() {
	for {
		select {
		case <-x.round:
			_, err := xproto.GetInputFocus(x.conn).Reply()
			x.answer(err)
		case <-x.closing:
			return
		}
	}
}

func (x *X11) answer(err error) {
	select {
	case x.done <- err:
	case <-x.closing:
	}
}
