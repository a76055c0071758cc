// Package animation answers: which frames has a picture that moves, and when?
//
//	GIF ──┐                              ┌─ stills that Go's own decoders read, one at a time
//	APNG ─┼─ Open: places, times, rules ─┤
//	WebP ─┘                              └─ Canvas: drawn over each other as the format says ──> the picture at frame n
//
// Nothing is decoded before its turn and nothing is kept after it: an animation costs its canvas, whatever its length.
// The publisher's check and the renderer read files with the same code, so that what is built can be shown.
package animation

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// Bounds of an animation; a file of a few kilobytes can name a canvas of gigabytes.
const (
	MaxPixels = 4096 * 4096
	MaxFrames = 10_000
	MaxBytes  = 256 << 20 // of the file
	maxStill  = 64 << 20  // compressed bytes of a frame
)

// quick is the delay up to which browsers show a frame for slow instead: files that ask for no time at all were never
// meant to be shown that fast.
const (
	quick = 10 * time.Millisecond
	slow  = 100 * time.Millisecond
)

// Animation is a file that was opened. It may be used by one goroutine at a time.
type Animation struct {
	Size   image.Point
	Frames []Frame
	file   io.ReaderAt
	still  func(a *Animation, f *Frame) (image.Image, error)
	common []byte // what each still of a PNG or GIF needs of the file's beginning
	depth  []byte // of a PNG: the header's last five bytes
}

// Frame is one picture of an animation and what happens to it.
type Frame struct {
	At   image.Rectangle // on the canvas
	Stay time.Duration
	over bool    // drawn over what is there, else in its place
	then dispose // what becomes of At before the next frame
	from int64   // in the file
	size int64
	ctrl []byte // of a GIF: the graphic control extension
}

type dispose uint8

const (
	thenKeep dispose = iota
	thenClear
	thenRestore
)

// ErrStill says that a picture has one frame only.
var ErrStill = errors.New("the picture does not move")

// Open reads where the frames of a GIF, APNG or WebP are, and how long each stays. It decodes none. ErrStill: it is a
// picture of one of these formats with one frame. Other errors are sentences about the file.
func Open(file io.ReaderAt, size int64) (a *Animation, err error) {
	if size > MaxBytes {
		return nil, fmt.Errorf("it has %d MiB; %d are the most for an animation", size>>20, MaxBytes>>20)
	}
	head := make([]byte, 12)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, errors.New("it is cut short")
	}
	r := &reader{from: file, end: size}
	switch {
	case bytes.HasPrefix(head, []byte("GIF8")):
		a, err = openGIF(r)
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		a, err = openPNG(r)
	case string(head[:4]) == "RIFF" && string(head[8:]) == "WEBP":
		a, err = openWebP(r)
	default:
		return nil, errors.New("it is not a GIF, PNG or WebP")
	}
	if err != nil {
		return nil, err
	}
	a.file = file
	if len(a.Frames) < 2 {
		return nil, ErrStill
	}
	return a, a.check()
}

func (a *Animation) check() error {
	if a.Size.X < 1 || a.Size.Y < 1 || a.Size.X*a.Size.Y > MaxPixels {
		return fmt.Errorf("its canvas of %d×%d pixels is more than a player's memory should hold: reduce it to the screen's size", a.Size.X, a.Size.Y)
	}
	for i, f := range a.Frames {
		if f.At.Empty() || !f.At.In(image.Rectangle{Max: a.Size}) {
			return fmt.Errorf("its frame %d lies outside of it", i+1)
		}
		if f.size > maxStill {
			return fmt.Errorf("its frame %d has %d MiB; %d are the most", i+1, f.size>>20, maxStill>>20)
		}
	}
	return nil
}

// Length is how long the animation takes, once through.
func (a *Animation) Length() time.Duration {
	var sum time.Duration
	for _, f := range a.Frames {
		sum += f.Stay
	}
	return sum
}

// At is the frame that shows d after the beginning, round and round, and for how long it has been showing.
func (a *Animation) At(d time.Duration) (frame int, since time.Duration) {
	d %= a.Length()
	for i, f := range a.Frames {
		if d < f.Stay {
			return i, d
		}
		d -= f.Stay
	}
	return 0, 0
}

// add appends a frame whose time is as the file says, or as browsers take it.
func (a *Animation) add(f Frame) error {
	if len(a.Frames) == MaxFrames {
		return fmt.Errorf("it has more than %d frames", MaxFrames)
	}
	if f.Stay <= quick {
		f.Stay = slow
	}
	a.Frames = append(a.Frames, f)
	return nil
}

// bytes are a frame's part of the file.
func (a *Animation) bytes(f *Frame) ([]byte, error) {
	b := make([]byte, f.size)
	if _, err := a.file.ReadAt(b, f.from); err != nil {
		return nil, errors.New("the file is cut short")
	}
	return b, nil
}

// decode is one frame's picture; a decoder's panic is an error.
func (a *Animation) decode(i int) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("frame %d is damaged (%v): export it again", i+1, p)
		}
	}()
	f := &a.Frames[i]
	if img, err = a.still(a, f); err != nil {
		return nil, fmt.Errorf("frame %d cannot be decoded, export it again: %w", i+1, err)
	}
	if img.Bounds().Size() != f.At.Size() {
		return nil, fmt.Errorf("frame %d has %v pixels instead of %v: export it again", i+1, img.Bounds().Size(), f.At.Size())
	}
	return img, nil
}
