//go:build gl

package gl

/*
#cgo pkg-config: egl glesv2 x11
#include <stdlib.h>
#include "egl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"vitrine/render/output"
	"vitrine/render/output/layout"
)

// card is a window's OpenGL. All of it happens on the thread that opened it.
type card struct{ c *C.card }

func openCard(display string, window uint32, canvas image.Point) (card, error) {
	name := C.CString(display)
	defer C.free(unsafe.Pointer(name))
	var c *C.card
	if err := C.card_open(&c, name, C.ulong(window), C.int(canvas.X), C.int(canvas.Y)); err != nil {
		return card{}, errors.New(C.GoString(err))
	}
	if most := int(C.card_largest(c)); canvas.X > most || canvas.Y > most {
		C.card_close(c)
		return card{}, fmt.Errorf("the graphics card takes pictures of %d pixels a side at most, and the composition has %d×%d; give a smaller --canvas", most, canvas.X, canvas.Y)
	}
	return card{c}, nil
}

func (c card) name() string { return C.GoString(C.card_name(c.c)) }

func (c card) upload(f *output.Frame, r image.Rectangle) error {
	err := C.card_upload(c.c, (*C.uchar)(unsafe.Pointer(&f.Pix[0])), C.int(f.Stride), C.int(r.Min.X), C.int(r.Min.Y), C.int(r.Dx()), C.int(r.Dy()))
	if err != nil {
		return errors.New(C.GoString(err))
	}
	return nil
}

// correct takes the values of red, green and blue.
func (c card) correct(value func(channel, value int) byte) {
	var table [256 * 4]byte
	for v := range 256 {
		for channel := range 3 {
			table[v*4+channel] = value(2-channel, v)
		}
		table[v*4+3] = 255
	}
	C.card_correct(c.c, (*C.uchar)(unsafe.Pointer(&table[0])))
}

// draw draws all tiles anew, the screen's pixels being those of another frame after each turn, and shows them.
func (c card) draw(screen image.Point, tiles []layout.Tile) error {
	C.card_begin(c.c, C.int(screen.X), C.int(screen.Y))
	for _, t := range tiles {
		up := t.Upright()
		out := C.tile{to: rect(t.To), from: rect(t.From), upright: [2]C.int{C.int(up.X), C.int(up.Y)}, turn: C.int(t.Turn)}
		if t.Mirror {
			out.mirror = 1
		}
		C.card_draw(c.c, &out)
	}
	if err := C.card_end(c.c); err != nil {
		return errors.New(C.GoString(err))
	}
	return nil
}

func rect(r image.Rectangle) [4]C.int {
	return [4]C.int{C.int(r.Min.X), C.int(r.Min.Y), C.int(r.Dx()), C.int(r.Dy())}
}

func (c card) close() { C.card_close(c.c) }
