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
