// Package output puts frames on a screen.
//
//	compose ──draws into──> Frame ──Present(dirty)──> screen      memory: no screen
//	   ^                                                │         x11:    a full-screen window, shared memory
//	   └───────────────────── Done ─────────────────────┘
//
// There is one frame. It may be drawn into until Present, and again once Done has said that the screen has taken it:
// this is what paces the compositor. What was presented last stays on the screen when the process is killed.
package output

import (
	"image"
)

// Frame is a picture of 4 bytes a pixel: blue, green, red, and one that is not looked at.
type Frame struct {
	Pix    []byte
	Stride int // bytes from a row to the next
	Size   image.Point
}

// NewFrame returns a black frame.
func NewFrame(size image.Point) *Frame {
	return &Frame{Pix: make([]byte, size.X*size.Y*4), Stride: size.X * 4, Size: size}
}

// Bounds is the frame's rectangle, from 0, 0.
func (f *Frame) Bounds() image.Rectangle { return image.Rectangle{Max: f.Size} }

// Row returns the bytes of the pixels x0 to x1 (exclusive) of row y.
func (f *Frame) Row(y, x0, x1 int) []byte {
	o := y*f.Stride + x0*4
	return f.Pix[o : o+(x1-x0)*4 : o+(x1-x0)*4]
}

// RGBA copies the frame into an opaque picture.
func (f *Frame) RGBA() *image.RGBA {
	m := image.NewRGBA(f.Bounds())
	for y := range f.Size.Y {
		src, dst := f.Row(y, 0, f.Size.X), m.Pix[y*m.Stride:]
		for i := 0; i < len(src); i += 4 {
			dst[i], dst[i+1], dst[i+2], dst[i+3] = src[i+2], src[i+1], src[i], 0xff
		}
	}
	return m
}

// Output is one screen.
type Output interface {
	Name() string
	Size() image.Point
	Refresh() float64 // hertz; 60 when the screen does not say
	// Frame is what Present shows. It must not be touched between Present and the Done that answers it.
	Frame() *Frame
	// Present shows the given parts of the frame. The first one takes the screen.
	Present(dirty []image.Rectangle)
	// Done has one value for each Present: nil when the screen has it, else why there is no screen any more.
	Done() <-chan error
	// Exposed has a value when the screen lost pixels and wants the whole frame again.
	Exposed() <-chan struct{}
	// Shot reads back what the screen shows. It may be called from any goroutine.
	Shot() (*image.RGBA, error)
	// Close leaves the screen: the window disappears.
	Close()
}

// Picture is how everything that is shown is corrected for the screen it is shown on. The zero value changes nothing.
type Picture struct {
	Brightness int     // -100 to 100 per cent
	Contrast   int     // -100 to 100 per cent
	Gamma      float64 // 0.2 to 5; 0 = 1
	Warmth     int     // 0 to 100: less blue
}
