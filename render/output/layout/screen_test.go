package layout_test

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"

	"vitrine/render/output"
	"vitrine/render/output/layout"
)

// open puts a plan on a screen in memory.
func open(t *testing.T, size image.Point, p layout.Plan) (*layout.Screen, *output.Memory) {
	t.Helper()
	m, err := output.NewMemory(size)
	if err != nil {
		t.Fatal(err)
	}
	return layout.New(m, p), m
}

func plan(t *testing.T, s layout.Spec, size image.Point, monitors ...output.Monitor) layout.Plan {
	t.Helper()
	p, err := s.Plan(size, monitors)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noise fills a part with pixels that are found nowhere else.
func noise(f *output.Frame, r image.Rectangle, rnd *rand.Rand) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := range row {
			row[i] = byte(rnd.Uint32())
		}
	}
}

func present(t *testing.T, s *layout.Screen, dirty ...image.Rectangle) {
	t.Helper()
	s.Present(dirty)
	if err := <-s.Done(); err != nil {
		t.Fatal(err)
	}
}

// shot is what the bare screen shows, not turned back.
func shot(t *testing.T, o output.Output) *image.RGBA {
	t.Helper()
	m, err := o.Shot()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// turn is another way to turn a picture: pixel by pixel, by the definition.
func turn(m *image.RGBA, degrees int, mirror bool) *image.RGBA {
	b := m.Bounds().Size()
	size := b
	if degrees%180 != 0 {
		size = image.Pt(b.Y, b.X)
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	for y := range b.Y {
		for x := range b.X {
			c := m.RGBAAt(x, y)
			a := x
			if mirror {
				a = b.X - 1 - x
			}
			switch degrees {
			case 0:
				out.SetRGBA(a, y, c)
			case 90:
				out.SetRGBA(b.Y-1-y, a, c)
			case 180:
				out.SetRGBA(b.X-1-a, b.Y-1-y, c)
			case 270:
				out.SetRGBA(y, b.X-1-a, c)
			}
		}
	}
	return out
}

func same(t *testing.T, what string, got, want *image.RGBA) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%s: %v pixels, want %v", what, got.Bounds().Size(), want.Bounds().Size())
	}
	b := got.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if got.RGBAAt(x, y) != want.RGBAAt(x, y) {
				t.Fatalf("%s: pixel %d,%d is %v, want %v", what, x, y, got.RGBAAt(x, y), want.RGBAAt(x, y))
			}
		}
	}
}

// parts presents random parts until everything was dirty once, and more.
func parts(t *testing.T, s *layout.Screen, rnd *rand.Rand) {
	t.Helper()
	f := s.Frame()
	noise(f, f.Bounds(), rnd)
	present(t, s, f.Bounds())
	for range 40 {
		a, b := image.Pt(rnd.IntN(f.Size.X), rnd.IntN(f.Size.Y)), image.Pt(rnd.IntN(f.Size.X+1), rnd.IntN(f.Size.Y+1))
		r := image.Rectangle{Min: a, Max: b}.Canon()
		noise(f, r, rnd)
		present(t, s, r)
	}
}

func TestATurnedScreenIsExactInEveryPart(t *testing.T) {
	for _, degrees := range []layout.Turn{0, 90, 180, 270} {
		for _, flip := range []bool{false, true} {
			t.Run(fmt.Sprint(degrees, " ", flip), func(t *testing.T) {
				size := image.Pt(161, 97)
				p := plan(t, layout.Spec{Rotate: degrees, Flip: flip}, size)
				s, bare := open(t, size, p)
				parts(t, s, rand.New(rand.NewPCG(1, uint64(degrees))))
				same(t, "on the screen", shot(t, bare), turn(s.Frame().RGBA(), int(degrees), flip))
				same(t, "the picture of it", shot(t, s), s.Frame().RGBA())
				located(t, s, bare)
			})
		}
	}
}

// located sees that each pixel of the screen is found again in the composition.
func located(t *testing.T, s *layout.Screen, bare output.Output) {
	t.Helper()
	m, f := shot(t, bare), s.Frame().RGBA()
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			at, ok := s.Locate(image.Pt(x, y))
			if !ok && m.RGBAAt(x, y) != (color.RGBA{A: 255}) {
				t.Fatalf("pixel %d,%d of the screen shows something, but is said to show nothing", x, y)
			}
			if ok && f.RGBAAt(at.X, at.Y) != m.RGBAAt(x, y) {
				t.Fatalf("pixel %d,%d of the screen is not the composition's %v", x, y, at)
			}
		}
	}
}

func TestAScreenAsItIsCopiesNothing(t *testing.T) {
	size := image.Pt(64, 48)
	s, bare := open(t, size, plan(t, layout.Spec{}, size))
	shared := func() bool { return &s.Frame().Pix[0] == &bare.Frame().Pix[0] }
	if !shared() {
		t.Error("the composition has other pixels than the screen")
	}
	for _, p := range []output.Picture{{Brightness: 20}, {}} {
		if err := s.Correct(p); err != nil {
			t.Fatal(err)
		}
		present(t, s)
		if neutral := p == (output.Picture{}); shared() != neutral {
			t.Errorf("corrected by %+v the composition has the screen's pixels: %v", p, shared())
		}
	}
}

func two() []output.Monitor {
	return []output.Monitor{
		{Name: "HDMI-1", At: image.Rect(0, 0, 120, 90)},
		{Name: "DP-1", At: image.Rect(120, 0, 280, 90)},
	}
}

func TestMonitorsShowTheSameOrOnePictureTogether(t *testing.T) {
	size := image.Pt(280, 90)
	t.Run("extend", func(t *testing.T) {
		s, bare := open(t, size, plan(t, layout.Spec{Extend: []string{"DP-1", "HDMI-1"}}, size, two()...))
		parts(t, s, rand.New(rand.NewPCG(2, 2)))
		m, f := shot(t, bare), s.Frame().RGBA()
		same(t, "DP-1", cut(m, two()[1].At), cut(f, image.Rect(0, 0, 160, 90)))
		same(t, "HDMI-1", cut(m, two()[0].At), cut(f, image.Rect(160, 0, 280, 90)))
		located(t, s, bare)
	})
	t.Run("extend, portrait", func(t *testing.T) {
		s, bare := open(t, size, plan(t, layout.Spec{Extend: []string{"all"}, Rotate: 90}, size, two()...))
		if s.Size() != image.Pt(180, 160) {
			t.Fatalf("the composition has %v pixels", s.Size())
		}
		parts(t, s, rand.New(rand.NewPCG(3, 2)))
		m, f := shot(t, bare), s.Frame().RGBA()
		same(t, "HDMI-1", cut(m, two()[0].At), turn(cut(f, image.Rect(0, 0, 90, 120)), 90, false))
		same(t, "DP-1", cut(m, two()[1].At), turn(cut(f, image.Rect(90, 0, 180, 160)), 90, false))
	})
	t.Run("mirror", func(t *testing.T) {
		s, bare := open(t, size, plan(t, layout.Spec{Mirror: []string{"HDMI-1", "DP-1"}}, size, two()...))
		parts(t, s, rand.New(rand.NewPCG(4, 2)))
		m, f := shot(t, bare), s.Frame().RGBA()
		same(t, "HDMI-1", cut(m, two()[0].At), f)
		same(t, "DP-1", cut(m, image.Rect(140, 0, 260, 90)), f) // in its middle: it is wider
		located(t, s, bare)
	})
}

func cut(m *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: r.Size()})
	draw.Draw(out, out.Rect, m, r.Min, draw.Src)
	return out
}

func TestTheScreensOfAWallTogetherShowTheCanvas(t *testing.T) {
	size := image.Pt(80, 60)
	for _, bezel := range []layout.Pair{{}, {X: 6, Y: 4}} {
		var whole *image.RGBA
		for y := range 2 {
			for x := range 3 {
				p := plan(t, layout.Spec{Wall: layout.Pair{X: 3, Y: 2}, Place: layout.Pair{X: x, Y: y}, Bezel: bezel}, size)
				s, bare := open(t, size, p)
				parts(t, s, rand.New(rand.NewPCG(5, 5)))
				if whole == nil {
					whole = s.Frame().RGBA()
				}
				at := image.Pt(x*(80+bezel.X), y*(60+bezel.Y))
				want := cut(whole, image.Rectangle{Min: at, Max: at.Add(size)})
				same(t, fmt.Sprintf("place %d,%d", x, y), shot(t, bare), want)
				same(t, "its picture", shot(t, s), want)
			}
		}
	}
}

func TestAScaledScreenIsTheSameInPartsAndAsAWhole(t *testing.T) {
	for _, canvas := range []layout.Pair{{X: 64, Y: 36}, {X: 500, Y: 281}, {X: 160, Y: 90}} {
		size := image.Pt(160, 90)
		p := plan(t, layout.Spec{Canvas: canvas, Rotate: 180}, size)
		s, bare := open(t, size, p)
		parts(t, s, rand.New(rand.NewPCG(6, uint64(canvas.X))))
		before := shot(t, bare)
		present(t, s, s.Frame().Bounds())
		same(t, fmt.Sprint(canvas, " in parts"), before, shot(t, bare))
	}
}

func TestScalingIsAsGoodAsTheUsualOne(t *testing.T) {
	for _, canvas := range []image.Point{{X: 64, Y: 36}, {X: 480, Y: 270}} {
		size := image.Pt(160, 90)
		s, bare := open(t, size, plan(t, layout.Spec{Canvas: layout.Pair(canvas)}, size))
		f := s.Frame()
		for y := range canvas.Y {
			row := f.Row(y, 0, canvas.X)
			for x := range canvas.X {
				d := (x-canvas.X/2)*(x-canvas.X/2) + (y-canvas.Y/2)*(y-canvas.Y/2)
				row[x*4], row[x*4+1], row[x*4+2] = byte(x*3), byte(y*5), byte(d/16)
				if x/7%2 == y/5%2 {
					row[x*4+1] = 255
				}
			}
		}
		present(t, s, f.Bounds())
		want := image.NewRGBA(image.Rectangle{Max: size})
		draw.CatmullRom.Scale(want, want.Rect, f.RGBA(), f.Bounds(), draw.Src, nil)
		got := shot(t, bare)
		const edge = 5 // there that one leaves out what is beyond the picture; ours has it go on
		worst := 0
		for y := edge; y < size.Y-edge; y++ {
			for i := y*got.Stride + edge*4; i < (y+1)*got.Stride-edge*4; i++ {
				worst = max(worst, int(got.Pix[i])-int(want.Pix[i]), int(want.Pix[i])-int(got.Pix[i]))
			}
		}
		if worst > 2 {
			t.Errorf("from %v: a channel differs by %d from golang.org/x/image's", canvas, worst)
		}
	}
}

func TestTheColoursAreCorrectedOnTheScreenAlone(t *testing.T) {
	size := image.Pt(32, 16)
	for name, c := range map[string]struct {
		picture  output.Picture
		in, want color.RGBA
	}{
		"nothing":                {output.Picture{}, color.RGBA{1, 128, 255, 255}, color.RGBA{1, 128, 255, 255}},
		"gamma 1 is nothing":     {output.Picture{Gamma: 1}, color.RGBA{1, 128, 255, 255}, color.RGBA{1, 128, 255, 255}},
		"brighter":               {output.Picture{Brightness: 20}, color.RGBA{0, 100, 250, 255}, color.RGBA{51, 151, 255, 255}},
		"darker":                 {output.Picture{Brightness: -20}, color.RGBA{0, 100, 250, 255}, color.RGBA{0, 49, 199, 255}},
		"without contrast grey":  {output.Picture{Contrast: -100}, color.RGBA{0, 100, 250, 255}, color.RGBA{128, 128, 128, 255}},
		"contrast leaves middle": {output.Picture{Contrast: 50}, color.RGBA{64, 128, 255, 255}, color.RGBA{32, 128, 255, 255}},
		"gamma lifts the middle": {output.Picture{Gamma: 2}, color.RGBA{0, 64, 255, 255}, color.RGBA{0, 128, 255, 255}},
		"warmth takes blue":      {output.Picture{Warmth: 100}, color.RGBA{255, 255, 255, 255}, color.RGBA{255, 196, 133, 255}},
	} {
		for _, rotate := range []layout.Turn{0, 90} {
			t.Run(fmt.Sprint(name, rotate), func(t *testing.T) {
				s, bare := open(t, size, plan(t, layout.Spec{Rotate: rotate}, size))
				fill(s.Frame(), c.in)
				present(t, s, s.Frame().Bounds())
				if err := s.Correct(c.picture); err != nil {
					t.Fatal(err)
				}
				present(t, s) // nothing is dirty but by the correction
				if got := shot(t, bare).RGBAAt(7, 7); got != c.want {
					t.Errorf("%v becomes %v, want %v", c.in, got, c.want)
				}
				if got := s.Frame().RGBA().RGBAAt(3, 3); got != c.in {
					t.Errorf("the composition itself became %v", got)
				}
				if err := s.Correct(output.Picture{}); err != nil {
					t.Fatal(err)
				}
				present(t, s)
				if got := shot(t, bare).RGBAAt(7, 7); got != c.in {
					t.Errorf("after the correction %v is left of %v", got, c.in)
				}
			})
		}
	}
	s, _ := open(t, size, plan(t, layout.Spec{}, size))
	for _, p := range []output.Picture{{Brightness: 101}, {Contrast: -101}, {Gamma: 0.1}, {Gamma: 6}, {Warmth: -1}} {
		if s.Correct(p) == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}

func fill(f *output.Frame, c color.RGBA) {
	for y := range f.Size.Y {
		row := f.Row(y, 0, f.Size.X)
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2] = c.B, c.G, c.R
		}
	}
}
