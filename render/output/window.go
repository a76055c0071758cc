package output

import (
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// makeWindow makes what covers the screen. Keys come to it while no other window has the focus (the server's focus is
// where the pointer is when there is no window manager), clicks and touches while it is on top.
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
	events := uint32(xproto.EventMaskExposure)
	if x.cfg.Heard != nil {
		events |= xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease | xproto.EventMaskButtonPress
	}
	err = xproto.CreateWindowChecked(x.conn, x.screen.RootDepth, w, x.screen.Root, 0, 0,
		uint16(x.frame.Size.X), uint16(x.frame.Size.Y), 0, xproto.WindowClassInputOutput, x.screen.RootVisual, mask,
		[]uint32{xproto.BackPixmapNone, 1, events, uint32(cursor)}).Check()
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

// Widen has the window cover a screen that has another size now; false where it has the same.
func (x *X11) Widen() (image.Point, bool) {
	g, err := xproto.GetGeometry(x.conn, xproto.Drawable(x.screen.Root)).Reply()
	if err != nil || !x.mapped {
		return image.Point{}, false
	}
	size := image.Pt(int(g.Width), int(g.Height))
	if size == x.frame.Size {
		return size, false
	}
	const what = xproto.ConfigWindowWidth | xproto.ConfigWindowHeight
	err = xproto.ConfigureWindowChecked(x.conn, x.window, what, []uint32{uint32(size.X), uint32(size.Y)}).Check()
	return size, err == nil
}

// Hold stretches the last frame over a screen that has another size now. It is for the end of an output that is opened
// anew: the screen shows that until the next one has its first frame.
func (x *X11) Hold() {
	size, other := x.Widen()
	if !other {
		return
	}
	wide := NewFrame(size)
	for y := range size.Y {
		src, dst := x.frame.Row(y*x.frame.Size.Y/size.Y, 0, x.frame.Size.X), wide.Row(y, 0, size.X)
		for i := range size.X {
			copy(dst[i*4:i*4+4], src[i*x.frame.Size.X/size.X*4:])
		}
	}
	x.putPlain(wide, wide.Bounds())
	_, _ = xproto.GetInputFocus(x.conn).Reply() // the server has it all, unless it is gone
}
