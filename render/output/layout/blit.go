package layout

import (
	"image"
	"unsafe"

	"vitrine/render/output"
)

// tables correct each channel by looking it up: blue, green, red.
type tables [3][256]byte

// source is an upright picture of a tile: pixels from an offset on.
type source struct {
	pix    []byte
	stride int
}

// blit draws the pixels r of the screen, all of them within the tile.
func (t Tile) blit(screen *output.Frame, r image.Rectangle, from source, look *tables) {
	w := t.way(4, from.stride)
	if w.across == 4 {
		t.rows(screen, r, from, w, look)
		return
	}
	const block = 32 // pixels: rows of the one are columns of the other, and both are to stay in the cache
	for y := r.Min.Y; y < r.Max.Y; y += block {
		for x := r.Min.X; x < r.Max.X; x += block {
			b := image.Rect(x, y, min(x+block, r.Max.X), min(y+block, r.Max.Y))
			t.block(screen, b, from, w, look)
		}
	}
}

// rows is for tiles whose rows are rows of the composition, from left to right.
func (t Tile) rows(screen *output.Frame, r image.Rectangle, from source, w way, look *tables) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		o := w.base + (r.Min.X-t.To.Min.X)*w.across + (y-t.To.Min.Y)*w.down
		dst := screen.Row(y, r.Min.X, r.Max.X)
		src := from.pix[o : o+len(dst)]
		if look == nil {
			copy(dst, src)
			continue
		}
		to := pixels(dst)
		for i, p := range pixels(src)[:len(to)] {
			to[i] = look.of(p)
		}
	}
}

func (t Tile) block(screen *output.Frame, r image.Rectangle, from source, w way, look *tables) {
	src, across := pixels(from.pix), w.across/4
	for y := r.Min.Y; y < r.Max.Y; y++ {
		o := (w.base + (r.Min.X-t.To.Min.X)*w.across + (y-t.To.Min.Y)*w.down) / 4
		dst := pixels(screen.Row(y, r.Min.X, r.Max.X))
		if look == nil {
			for i := range dst {
				dst[i] = src[o]
				o += across
			}
			continue
		}
		for i := range dst {
			dst[i] = look.of(src[o])
			o += across
		}
	}
}

// pixels are the same bytes, four at a time: half of the time of turning a screen went into putting them together.
func pixels(b []byte) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// of corrects a pixel.
func (l *tables) of(p uint32) uint32 {
	return uint32(l[0][p&0xff]) | uint32(l[1][p>>8&0xff])<<8 | uint32(l[2][p>>16&0xff])<<16 | p&0xff000000
}
