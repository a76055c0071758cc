package compose

import (
	"image"
	"time"

	"vitrine/render/scene"
)

// Between draws a picture that is on its way from a to b: part is 0 for a, 1 for b. The three have one size and begin at
// zero. It is what a screen shows in the middle of a transition, for who makes films of scenes.
func Between(dst *image.RGBA, t scene.Transition, part float64, a, b *image.RGBA) {
	p := passage{kind: t.Kind, toward: t.Toward, part: min(1, max(0, part))}
	size := dst.Rect.Size()
	of := func(m *image.RGBA) rows {
		return func(y int) []uint32 { return words(m.Pix[y*m.Stride : y*m.Stride+size.X*4]) }
	}
	for y := range size.Y {
		p.row(words(dst.Pix[y*dst.Stride:y*dst.Stride+size.X*4]), y, size, of(a), of(b))
	}
}

// TransitionLength is how long a transition takes, zero for a cut.
func TransitionLength(t *scene.Transition) time.Duration { return passageOf(t) }

// Letterbox is where a picture lies that is to be seen whole: without the empty bars, of one width, on two sides of it. A
// picture that is empty at its edges in another way has none.
func Letterbox(m *image.RGBA) image.Rectangle {
	size := m.Rect.Size()
	all := image.Rectangle{Max: size}
	empty := func(r image.Rectangle) bool {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for _, v := range words(m.Pix[y*m.Stride+r.Min.X*4 : y*m.Stride+r.Max.X*4]) {
				if v>>24 != 0 {
					return false
				}
			}
		}
		return true
	}
	seen := all
	for seen.Min.Y < seen.Max.Y && empty(image.Rect(0, seen.Min.Y, size.X, seen.Min.Y+1)) {
		seen.Min.Y++
	}
	for seen.Min.Y < seen.Max.Y && empty(image.Rect(0, seen.Max.Y-1, size.X, seen.Max.Y)) {
		seen.Max.Y--
	}
	for seen.Min.X < seen.Max.X && empty(image.Rect(seen.Min.X, 0, seen.Min.X+1, size.Y)) {
		seen.Min.X++
	}
	for seen.Min.X < seen.Max.X && empty(image.Rect(seen.Max.X-1, 0, seen.Max.X, size.Y)) {
		seen.Max.X--
	}
	even := func(a, b int) bool { return a-b >= -1 && a-b <= 1 }
	beside, below := seen.Dx() < size.X, seen.Dy() < size.Y
	if seen.Empty() || beside && below || !even(seen.Min.X, size.X-seen.Max.X) || !even(seen.Min.Y, size.Y-seen.Max.Y) {
		return all
	}
	return seen
}
