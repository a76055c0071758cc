package output

import (
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
)

// Mirror reads what an X screen shows, whoever draws it.
type Mirror struct {
	conn   *xgb.Conn
	screen *xproto.ScreenInfo
	shared *segment // nil: without MIT-SHM
	frame  *Frame
}

// OpenMirror connects to a display, "" being $DISPLAY.
func OpenMirror(display string) (*Mirror, error) {
	conn, err := connect(display)
	if err != nil {
		return nil, err
	}
	setup := xproto.Setup(conn)
	m := &Mirror{conn: conn, screen: setup.DefaultScreen(conn)}
	if err := fitting(setup, m.screen); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open display %q: %w", display, err)
	}
	m.frame, m.shared = newReading(conn, m.screen)
	return m, nil
}

// newReading is a frame of the screen's size, shared with the server where that can be.
func newReading(conn *xgb.Conn, s *xproto.ScreenInfo) (*Frame, *segment) {
	size := image.Pt(int(s.WidthInPixels), int(s.HeightInPixels))
	f := &Frame{Stride: size.X * 4, Size: size}
	seg, err := newSegment(conn, f.Stride*size.Y)
	if err != nil {
		return f, nil // a server elsewhere: slower, yet right
	}
	f.Pix = seg.mem
	return f, seg
}

// Read takes the picture. It is overwritten by the next Read.
func (m *Mirror) Read() (*Frame, error) {
	if err := readInto(m.conn, m.screen, m.frame, m.shared); err != nil {
		return nil, err
	}
	return m.frame, nil
}

// Close disconnects.
func (m *Mirror) Close() {
	if m.shared != nil {
		m.shared.detach(m.conn)
	}
	m.conn.Close()
}

func readInto(conn *xgb.Conn, s *xproto.ScreenInfo, f *Frame, seg *segment) error {
	if seg != nil {
		_, err := shm.GetImage(conn, xproto.Drawable(s.Root), 0, 0, s.WidthInPixels, s.HeightInPixels,
			0xffffffff, xproto.ImageFormatZPixmap, seg.id, 0).Reply()
		if err != nil {
			return fmt.Errorf("read the screen: %w", err)
		}
		return nil
	}
	r, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(s.Root), 0, 0,
		s.WidthInPixels, s.HeightInPixels, 0xffffffff).Reply()
	if err != nil {
		return fmt.Errorf("read the screen: %w", err)
	}
	f.Pix = r.Data
	return nil
}

// readScreen copies the root window with all that is on it.
func readScreen(conn *xgb.Conn, s *xproto.ScreenInfo) (*image.RGBA, error) {
	f, seg := newReading(conn, s)
	if seg != nil {
		defer seg.detach(conn)
	}
	if err := readInto(conn, s, f, seg); err != nil {
		return nil, err
	}
	return f.RGBA(), nil
}
