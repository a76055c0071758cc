//go:build gl

package gl_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"vitrine/render/output"
	"vitrine/render/output/gl"
	"vitrine/render/output/layout"
	"vitrine/render/witness"
)

func window(t *testing.T, size image.Point) *output.X11 {
	t.Helper()
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip("Xvfb is not on this machine")
	}
	d, err := witness.StartXvfb(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	x, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func present(t *testing.T, o output.Output, dirty ...image.Rectangle) {
	t.Helper()
	o.Present(dirty)
	select {
	case err := <-o.Done():
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the screen never took the frame")
	}
}

// play presents the same noise and the same parts to any output, and returns what its screen shows then.
func play(t *testing.T, o output.Output, bare output.Output, picture output.Picture) *image.RGBA {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 7))
	f := o.Frame()
	noise := func(r image.Rectangle) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x, row := r.Min.X, f.Row(y, r.Min.X, r.Max.X); x < r.Max.X; x++ {
				i := (x - r.Min.X) * 4
				row[i], row[i+1], row[i+2], row[i+3] = byte(rnd.Uint32()), byte(x+y), byte(x^y), 0
			}
		}
	}
	noise(f.Bounds())
	present(t, o, f.Bounds())
	for range 12 {
		a, b := image.Pt(rnd.IntN(f.Size.X), rnd.IntN(f.Size.Y)), image.Pt(rnd.IntN(f.Size.X+1), rnd.IntN(f.Size.Y+1))
		r := image.Rectangle{Min: a, Max: b}.Canon()
		noise(r)
		present(t, o, r)
	}
	if c, can := o.(interface{ Correct(output.Picture) error }); can && picture != (output.Picture{}) {
		if err := c.Correct(picture); err != nil {
			t.Fatal(err)
		}
		present(t, o)
	}
	m, err := bare.Shot()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheGraphicsCardShowsWhatTheProcessorShows(t *testing.T) {
	size := image.Pt(241, 135)
	for name, c := range map[string]struct {
		spec    layout.Spec
		picture output.Picture
		off     int // by rounding
	}{
		"as it is":             {},
		"right":                {spec: layout.Spec{Rotate: 90}},
		"upside down":          {spec: layout.Spec{Rotate: 180}},
		"left":                 {spec: layout.Spec{Rotate: 270}},
		"flipped":              {spec: layout.Spec{Flip: true}},
		"flipped, right":       {spec: layout.Spec{Flip: true, Rotate: 90}},
		"corrected":            {picture: output.Picture{Brightness: 7, Contrast: 12, Gamma: 1.3, Warmth: 40}},
		"a place of a wall":    {spec: layout.Spec{Wall: layout.Pair{X: 2, Y: 2}, Place: layout.Pair{X: 1, Y: 1}, Bezel: layout.Pair{X: 9, Y: 5}}},
		"larger":               {spec: layout.Spec{Canvas: layout.Pair{X: 120, Y: 68}}, off: 1},
		"smaller":              {spec: layout.Spec{Canvas: layout.Pair{X: 600, Y: 400}}, off: 1},
		"larger, left, warmer": {spec: layout.Spec{Canvas: layout.Pair{X: 90, Y: 130}, Rotate: 270}, picture: output.Picture{Warmth: 50}, off: 1},
		"tiles": {spec: layout.Spec{Canvas: layout.Pair{X: 200, Y: 100}, Tiles: []layout.Given{
			{From: &[4]int{0, 0, 100, 100}, To: &[4]int{3, 4, 100, 100}, Rotate: 180},
			{From: &[4]int{100, 50, 100, 50}, To: &[4]int{120, 10, 50, 100}, Rotate: 90, Flip: true}}}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := c.spec.Plan(size, nil)
			if err != nil {
				t.Fatal(err)
			}
			x := window(t, size)
			soft := layout.New(x, p)
			want := play(t, soft, x, c.picture)
			soft.Close()
			x = window(t, size)
			card, err := gl.New(x, p, true)
			if err != nil {
				x.Close()
				t.Skip(err) // no EGL here
			}
			defer card.Close()
			got := play(t, card, x, c.picture)
			compare(t, got, want, c.off)
			a, _ := card.Locate(image.Pt(130, 20))
			if b, _ := p.Locate(image.Pt(130, 20)); a != b {
				t.Errorf("a touch is located at %v, want %v", a, b)
			}
		})
	}
}

func compare(t *testing.T, got, want *image.RGBA, off int) {
	t.Helper()
	if got.Rect != want.Rect {
		t.Fatalf("%v instead of %v", got.Rect, want.Rect)
	}
	worst, n := 0, 0
	for i := range got.Pix {
		d := max(int(got.Pix[i])-int(want.Pix[i]), int(want.Pix[i])-int(got.Pix[i]))
		if worst = max(worst, d); d > off {
			n++
		}
	}
	if n > 0 {
		t.Errorf("%d of %d values differ by more than %d, by %d at most", n, len(got.Pix), off, worst)
	}
	if want.RGBAAt(40, 40) == (color.RGBA{A: 255}) {
		t.Error("what is compared is black")
	}
}

func TestAProcessorThatPaintsOpenGLIsNotTakenForAGraphicsCard(t *testing.T) {
	size := image.Pt(64, 48)
	x := window(t, size)
	p, err := layout.Spec{}.Plan(size, nil)
	if err != nil {
		t.Fatal(err)
	}
	card, err := gl.New(x, p, true)
	if err != nil {
		x.Close()
		t.Skip(err)
	}
	name := card.Renderer()
	card.Close()
	x = window(t, size)
	card, err = gl.New(x, p, false)
	if err == nil {
		card.Close()
		t.Skipf("there is a graphics card here: %s", name)
	}
	if !errors.Is(err, gl.ErrSoftware) || fmt.Sprint(err) != fmt.Sprintf("%v (%s)", gl.ErrSoftware, name) {
		t.Errorf("the error is %v; the renderer is %s", err, name)
	}
	soft := layout.New(x, p) // the window is as good as it was
	present(t, soft, soft.Frame().Bounds())
	soft.Close()
}
