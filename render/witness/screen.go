package witness

import (
	"encoding/binary"
	"fmt"
	"image"
	"os"

	"golang.org/x/sys/unix"

	"vitrine/render/output"
)

// Screen is a source of pictures.
type Screen interface {
	// Read returns what is on the screen now. The pixels may change until the next Read: they are the screen's own, or
	// overwritten then.
	Read() (Pixels, error)
	Close()
}

// framebuffer is the file that Xvfb -fbdir draws into: XWD version 7, big-endian header, then the pixels.
type framebuffer struct {
	mem    []byte
	pix    Pixels
	server Screen // the same pixels between two requests: never half-written; nil = not to be had
}

func openFramebuffer(path, display string) (Screen, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open frame buffer: %w", err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open frame buffer: %w", err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("open frame buffer: %w", err)
	}
	p, err := parseXWD(mem)
	if err != nil {
		_ = unix.Munmap(mem)
		return nil, fmt.Errorf("open frame buffer %s: %w", path, err)
	}
	out := &framebuffer{mem: mem, pix: p}
	if m, err := OpenDisplay(display); err == nil {
		out.server = m
	}
	return out, nil
}

// parseXWD finds the pixels of an X window dump (XWDFile.h) with 32 bits a pixel, least significant byte first.
func parseXWD(b []byte) (Pixels, error) {
	const fields = 25
	if len(b) < fields*4 {
		return Pixels{}, fmt.Errorf("it has %d bytes, fewer than a header", len(b))
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(b[i*4:])) }
	size, stride := image.Pt(field(4), field(5)), field(12)
	if field(1) != 7 || field(11) != 32 || field(7) != 0 {
		return Pixels{}, fmt.Errorf("version %d, %d bits a pixel, byte order %d: only 7, 32 and 0 are read", field(1), field(11), field(7))
	}
	const most = 1 << 16
	start := field(0) + field(19)*12
	if size.X < 1 || size.Y < 1 || size.X > most || size.Y > most || stride < size.X*4 || start < 0 || start > len(b) || (len(b)-start)/stride < size.Y {
		return Pixels{}, fmt.Errorf("%d×%d pixels do not fit into its %d bytes", size.X, size.Y, len(b))
	}
	return Pixels{Pix: b[start:], Stride: stride, Size: size}, nil
}

func (f *framebuffer) Read() (Pixels, error) { return f.pix, nil }

// whole asks the server, which copies pixels out only when it has none under its pen.
func (f *framebuffer) whole() (Pixels, error) {
	if f.server == nil {
		return f.pix, nil
	}
	return f.server.Read()
}

func (f *framebuffer) Close() {
	_ = unix.Munmap(f.mem)
	if f.server != nil {
		f.server.Close()
	}
}

// mirror reads any display through the X server.
type mirror struct{ m *output.Mirror }

// OpenDisplay reads a display that somebody else started; "" is $DISPLAY.
func OpenDisplay(display string) (Screen, error) {
	m, err := output.OpenMirror(display)
	if err != nil {
		return nil, err
	}
	return mirror{m}, nil
}

func (m mirror) Read() (Pixels, error) {
	f, err := m.m.Read()
	if err != nil {
		return Pixels{}, err
	}
	return Pixels{Pix: f.Pix, Stride: f.Stride, Size: f.Size}, nil
}

func (m mirror) Close() { m.m.Close() }
