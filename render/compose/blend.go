package compose

import (
	"encoding/binary"
	"image"
	"math"
	"strconv"
	"unsafe"

	"vitrine/render/output"
	"vitrine/render/scene"
)

// Pixels are handled as little-endian 32-bit words: 0xAARRGGBB for the frame and pictures (bytes B, G, R, A),
// 0xAABBGGRR for what widgets paint (bytes R, G, B, A). Alpha is premultiplied in both.

func words(b []byte) []uint32 {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// octets is the same memory as bytes again.
func octets(w []uint32) []byte {
	if len(w) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*4)
}

// swap exchanges red and blue.
func swap(v uint32) uint32 { return v&0xff00ff00 | v>>16&0xff | v&0xff<<16 }

// over puts a premultiplied colour onto an opaque one.
func over(d, s uint32) uint32 {
	a := s >> 24
	k := 256 - a - a>>7 // 0 for a = 255, 256 for a = 0
	rb := d & 0x00ff00ff * k >> 8 & 0x00ff00ff
	g := d & 0x0000ff00 * k >> 8 & 0x0000ff00
	return s + (rb | g)
}

// overAll puts a premultiplied colour onto one that may be transparent itself.
func overAll(d, s uint32) uint32 { return s + fade(d, 255-s>>24) }

// fade multiplies a premultiplied colour by a/255.
func fade(s, a uint32) uint32 {
	k := a + a>>7
	rb := s & 0x00ff00ff * k >> 8 & 0x00ff00ff
	ag := s >> 8 & 0x00ff00ff * k & 0xff00ff00
	return rb | ag
}

// blendSwapped puts a row of R, G, B, A pixels onto the frame.
func blendSwapped(dst, src []uint32) {
	dst = dst[:len(src)]
	for i := 0; i < len(src); {
		s, n := src[i], run(src[i:])
		switch {
		case s>>24 == 0:
		case s>>24 == 0xff:
			fill(dst[i:i+n], swap(s))
		case n >= worthwhile:
			veilRow(dst[i:i+n], swap(s))
		default:
			n = 1
			dst[i] = over(dst[i], swap(s))
		}
		i += n
	}
}

// blend puts a row of B, G, R, A pixels onto the frame.
func blend(dst, src []uint32) {
	dst = dst[:len(src)]
	for i := 0; i < len(src); {
		s, n := src[i], run(src[i:])
		switch {
		case s>>24 == 0:
		case s>>24 == 0xff:
			fill(dst[i:i+n], s)
		case n >= worthwhile:
			veilRow(dst[i:i+n], s)
		default:
			n = 1
			dst[i] = over(dst[i], s)
		}
		i += n
	}
}

// worthwhile is how many pixels of one colour are blended together.
const worthwhile = 8

// run is how many pixels at the beginning of a row are alike. Most of what widgets paint is their ground.
func run(row []uint32) int {
	n := 1
	for n < len(row) && row[n] == row[0] {
		n++
	}
	return n
}

// veilRow is over for a row of one colour, two pixels at a time.
func veilRow(dst []uint32, s uint32) {
	const low = 0x00ff00ff00ff00ff
	a := uint64(s >> 24)
	k, two := 256-a-a>>7, uint64(s)|uint64(s)<<32
	d := octets(dst)
	for len(d) >= 8 {
		v := binary.LittleEndian.Uint64(d)
		// The colour is premultiplied: no byte of the sum is too large for its place.
		binary.LittleEndian.PutUint64(d, two+(v&low*k>>8&low|(v>>8&low*k)&^low))
		d = d[8:]
	}
	if len(d) > 0 {
		dst[len(dst)-1] = over(dst[len(dst)-1], s)
	}
}

// blendMasked is blend through a mask of the zone's opacity and corners.
func blendMasked(dst, src []uint32, mask []uint8, swapped, solid bool) {
	dst, mask = dst[:len(src)], mask[:len(src)]
	for i, s := range src {
		if swapped {
			s = swap(s)
		}
		if solid {
			s |= 0xff000000
		}
		dst[i] = over(dst[i], fade(s, uint32(mask[i])))
	}
}

func fill(dst []uint32, v uint32) {
	for i := range dst {
		dst[i] = v
	}
}

// color reads "#rrggbb" or "#rrggbbaa" as premultiplied 0xAARRGGBB; anything else is fully transparent.
func color(c scene.Color) uint32 {
	if len(c) != 7 && len(c) != 9 || c[0] != '#' {
		return 0
	}
	v, err := strconv.ParseUint(string(c[1:]), 16, 32)
	if err != nil {
		return 0
	}
	a := uint32(0xff)
	if len(c) == 9 {
		a = uint32(v & 0xff)
		v >>= 8
	}
	return fade(uint32(v)|0xff000000, a)
}

// shape is a zone's opacity and rounded corners.
type shape struct {
	alpha  uint8
	corner []uint8 // radius × radius coverage of the upper left corner, without the opacity
	radius int
}

func newShape(opacity float64, radius int) shape {
	if opacity <= 0 || opacity > 1 {
		opacity = 1
	}
	return roundShape(uint8(math.Round(opacity*255)), max(0, radius))
}

func roundShape(alpha uint8, radius int) shape {
	s := shape{alpha: alpha, corner: make([]uint8, radius*radius), radius: radius}
	for y := range s.radius {
		for x := range s.radius {
			d := math.Hypot(float64(s.radius)-float64(x)-0.5, float64(s.radius)-float64(y)-0.5)
			s.corner[y*s.radius+x] = uint8(255 * min(1, max(0, float64(s.radius)-d+0.5)))
		}
	}
	return s
}

// on is the shape of a rectangle of the given size: a corner is no larger than half of it.
func (s shape) on(size image.Point) shape {
	if half := min(size.X, size.Y) / 2; half < s.radius {
		return roundShape(s.alpha, half)
	}
	return s
}

func (s shape) plain() bool { return s.alpha == 0xff && s.radius == 0 }

// square is the part x0 to x1 of row y of a rectangle that is neither in a corner nor transparent: x1 <= x0 when there is none.
func (s shape) square(r image.Rectangle, y, x0, x1 int) (int, int) {
	switch {
	case s.alpha != 0xff:
		return x0, x0
	case min(y-r.Min.Y, r.Max.Y-1-y) < s.radius:
		return max(x0, min(x1, r.Min.X+s.radius)), min(x1, r.Max.X-s.radius)
	}
	return x0, x1
}

// row writes the mask of the pixels x0 to x1 of row y of a rectangle.
func (s shape) row(mask []uint8, r image.Rectangle, y, x0, x1 int) []uint8 {
	mask = mask[:0]
	for range x1 - x0 {
		mask = append(mask, s.alpha)
	}
	cy := min(y-r.Min.Y, r.Max.Y-1-y)
	if cy >= s.radius {
		return mask
	}
	for cx := range s.radius {
		c := uint8(uint32(s.corner[cy*s.radius+cx]) * uint32(s.alpha) / 255)
		if x := r.Min.X + cx; x >= x0 && x < x1 {
			mask[x-x0] = c
		}
		if x := r.Max.X - 1 - cx; x >= x0 && x < x1 {
			mask[x-x0] = c
		}
	}
	return mask
}

// surface is a picture of its own, to be put onto the frame.
type surface struct {
	pix     []byte
	stride  int
	swapped bool // R, G, B, A instead of B, G, R, A
	solid   bool // its alpha is not looked at
}

// put draws the part of the surface inside clip; rect is where the whole of it lies on the frame, and sh is the shape on
// that. Only what the shape touches is blended through it: of a rounded video, that is four small squares.
func (s surface) put(f *output.Frame, rect, clip image.Rectangle, sh shape) {
	clip = clip.Intersect(rect).Intersect(f.Bounds())
	var mask []uint8
	for y := clip.Min.Y; y < clip.Max.Y; y++ {
		mask = s.putRow(f, rect, y, clip.Min.X, clip.Max.X, sh, mask)
	}
}

// putRow draws the pixels x0 to x1 of the frame's row y. It returns the mask's memory for the next row.
func (s surface) putRow(f *output.Frame, rect image.Rectangle, y, x0, x1 int, sh shape, mask []uint8) []uint8 {
	masked := func(x0, x1 int) {
		if x0 < x1 {
			mask = sh.row(mask, rect, y, x0, x1)
			blendMasked(words(f.Row(y, x0, x1)), words(s.row(rect, y, x0, x1)), mask, s.swapped, s.solid)
		}
	}
	a, b := sh.square(rect, y, x0, x1)
	if b <= a {
		masked(x0, x1)
		return mask
	}
	masked(x0, a)
	s.plain(f.Row(y, a, b), s.row(rect, y, a, b))
	masked(b, x1)
	return mask
}

// row is the pixels that lie at x0 to x1 of the frame's row y.
func (s surface) row(rect image.Rectangle, y, x0, x1 int) []byte {
	o := (y-rect.Min.Y)*s.stride + (x0-rect.Min.X)*4
	return s.pix[o : o+(x1-x0)*4]
}

// plain puts a row's pixels as they are.
func (s surface) plain(dst, src []byte) {
	switch {
	case s.solid && !s.swapped:
		copy(dst, src)
	case s.swapped:
		blendSwapped(words(dst), words(src))
	default:
		blend(words(dst), words(src))
	}
}

// paintColor fills clip with a premultiplied colour, through the shape of rect.
func paintColor(f *output.Frame, rect, clip image.Rectangle, c uint32, sh shape) {
	clip = clip.Intersect(rect).Intersect(f.Bounds())
	var mask []uint8
	for y := clip.Min.Y; y < clip.Max.Y; y++ {
		row := words(f.Row(y, clip.Min.X, clip.Max.X))
		if sh.plain() && c>>24 == 0xff {
			fill(row, c)
			continue
		}
		mask = sh.row(mask, rect, y, clip.Min.X, clip.Max.X)
		for i := range row {
			row[i] = over(row[i], fade(c, uint32(mask[i])))
		}
	}
}
