// Package witness watches a screen and says what was really on it: for tests, the demo and benchmarks.
//
//	Clip, Picture ──ffmpeg──> media whose every frame carries its number ──> a player, ours or another
//	                                                                            │
//	Summary <── Film <── Watch at 60 Hz <── Screen: Xvfb's frame buffer or any X display
//
// Each frame of the media has a mark in its middle: the item's number and the frame's, as black and white squares. What
// was on the screen at an instant, for how long, and what came between two items is read from pixels alone.
package witness

import (
	"image"

	"vitrine/render/scene"
)

// Mark is what a frame says about itself.
type Mark struct {
	Item  int // 1 to 255
	Frame int // 0 to 4095
}

// A mark is 6 squares wide and high; bit 0 is its upper left square. From the top: sync and item, frame, check.
const (
	markWide  = 6
	markHigh  = 6
	markShare = 20 // a square's side is a 20th of the picture's shorter side
	markSync  = 0b1001
	markBits  = markWide * markHigh
)

func (m Mark) word() uint64 {
	return markSync | uint64(m.Item)<<4 | uint64(m.Frame)<<12 | m.check()<<24
}

// check tells a mark from one that was read while half of it changed.
func (m Mark) check() uint64 {
	return uint64(m.Item*checkItem+m.Frame*checkFrame+checkPlus) % checkRange
}

const (
	checkItem  = 1021
	checkFrame = 617
	checkPlus  = 5
	checkRange = 4096
)

func markOf(w uint64) (Mark, bool) {
	m := Mark{Item: int(w >> 4 & 0xff), Frame: int(w >> 12 & 0xfff)}
	return m, w&0xf == markSync && w>>24 == m.check() && m.Item > 0
}

// Look is where marks are to be looked for: a zone of the screen, and what kinds of pictures it shows.
type Look struct {
	Zone  image.Rectangle
	Sizes []image.Point // of the media that may come there, square pixels
	Fit   scene.Fit
	Label string
}

// squares returns the middle of the first square and the distance between squares, in screen pixels.
func (l Look) squares(size image.Point) (x, y, dx, dy float64) {
	sx := float64(l.Zone.Dx()) / float64(size.X)
	sy := float64(l.Zone.Dy()) / float64(size.Y)
	switch l.Fit {
	case scene.Stretch:
	case scene.Contain:
		sx = min(sx, sy)
		sy = sx
	default:
		sx = max(sx, sy)
		sy = sx
	}
	side := float64(markSide(size))
	dx, dy = side*sx, side*sy
	cx := float64(l.Zone.Min.X+l.Zone.Max.X) / 2
	cy := float64(l.Zone.Min.Y+l.Zone.Max.Y) / 2
	return cx - dx*(markWide-1)/2, cy - dy*(markHigh-1)/2, dx, dy
}

// markSide is a square's side in the medium's own pixels.
func markSide(size image.Point) int { return max(2, min(size.X, size.Y)/markShare) }

// Read looks for a mark in a picture.
func (l Look) Read(p Pixels) (Mark, bool) {
	for _, size := range l.Sizes {
		if m, ok := l.read(p, size); ok {
			return m, true
		}
	}
	return Mark{}, false
}

func (l Look) read(p Pixels, size image.Point) (Mark, bool) {
	x, y, dx, dy := l.squares(size)
	var w uint64
	for i := range markBits {
		cx, cy := int(x+dx*float64(i%markWide)), int(y+dy*float64(i/markWide))
		sum := 0
		for _, o := range [5][2]int{{0, 0}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}} {
			sum += p.luma(cx+int(float64(o[0])*dx/5), cy+int(float64(o[1])*dy/5))
		}
		if sum > 5*128 {
			w |= 1 << i
		}
	}
	return markOf(w)
}

// Pixels is a picture in memory, 4 bytes a pixel: blue, green, red, unused.
type Pixels struct {
	Pix    []byte
	Stride int
	Size   image.Point
}

func (p Pixels) luma(x, y int) int {
	if x < 0 || y < 0 || x >= p.Size.X || y >= p.Size.Y {
		return 0
	}
	b := p.Pix[y*p.Stride+x*4:]
	return (29*int(b[0]) + 150*int(b[1]) + 77*int(b[2])) >> 8
}

// RGBA copies the picture.
func (p Pixels) RGBA() *image.RGBA {
	m := image.NewRGBA(image.Rectangle{Max: p.Size})
	for y := range p.Size.Y {
		src, dst := p.Pix[y*p.Stride:], m.Pix[y*m.Stride:]
		for i := 0; i < p.Size.X*4; i += 4 {
			dst[i], dst[i+1], dst[i+2], dst[i+3] = src[i+2], src[i+1], src[i], 0xff
		}
	}
	return m
}
