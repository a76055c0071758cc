package main_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// standing is a renderer on a display of its own, whose pixels are read.
type standing struct {
	*pipe.Renderer
	t       *testing.T
	display *witness.Display
	ready   pipe.Report
}

// stand starts a display of the given size, and a renderer with flags on it. stop ends the renderer, not the display.
func stand(t *testing.T, size image.Point, flags ...string) (s *standing, stop func()) {
	t.Helper()
	need(t, "Xvfb")
	d, err := witness.StartXvfb(context.Background(), size)
	if err != nil {
		t.Fatal(err)
	}
	return standOn(t, d, flags...)
}

func standOn(t *testing.T, d *witness.Display, flags ...string) (s *standing, stop func()) {
	t.Helper()
	t.Cleanup(d.Close)
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	s = &standing{t: t, display: d}
	return s, s.start(p.path, flags...)
}

func (s *standing) start(program string, flags ...string) (stop func()) {
	s.t.Helper()
	r, err := pipe.New(pipe.Config{Program: program, Args: append([]string{"--display", s.display.Name}, flags...),
		Log: slog.New(slog.NewTextHandler(testWriter{s.t}, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Renderer = r
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	s.ready = hear(s.t, r, pipe.EvReady)
	return stop
}

// show puts a scene on the screen and returns all its pixels.
func (s *standing) show(id uint64, canvas image.Point, sc scene.Scene) *image.RGBA {
	s.t.Helper()
	err := s.Send(pipe.Command{Op: pipe.OpQueue, ID: id, Now: true, Canvas: scene.Size{Width: canvas.X, Height: canvas.Y}, Scene: &sc})
	if err != nil {
		s.t.Fatal(err)
	}
	hear(s.t, s.Renderer, pipe.EvStarted)
	return s.pixels()
}

func (s *standing) pixels() *image.RGBA {
	s.t.Helper()
	screen, err := s.display.Screen()
	if err != nil {
		s.t.Fatal(err)
	}
	defer screen.Close()
	p, err := screen.Read()
	if err != nil {
		s.t.Fatal(err)
	}
	return p.RGBA()
}

// shot is the picture that the renderer makes of what is shown.
func (s *standing) shot() *image.RGBA {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "shot.png")
	if err := s.Send(pipe.Command{Op: pipe.OpShot, Path: path}); err != nil {
		s.t.Fatal(err)
	}
	if r := hear(s.t, s.Renderer, pipe.EvShot); r.Error != "" {
		s.t.Fatal(r.Error)
	}
	return read(s.t, path)
}

// motif is a scene of all sorts whose every corner differs: a picture, text, a shape and a code.
func motif(t *testing.T, size image.Point) scene.Scene {
	t.Helper()
	m := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			m.SetRGBA(x, y, color.RGBA{byte(x * 255 / size.X), byte(y * 255 / size.Y), byte(x ^ y), 0xff})
		}
	}
	draw.Draw(m, image.Rect(3, 3, 40, 20), image.White, image.Point{}, draw.Src)
	path := filepath.Join(t.TempDir(), "motif.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w, h := size.X, size.Y
	return scene.Scene{Zones: []scene.Zone{
		{At: scene.Rect{0, 0, w, h}, Playlist: []scene.Item{{Kind: scene.Image, Src: path, For: scene.Duration(1e12)}}},
		{At: scene.Rect{w / 8, h / 3, w / 2, h / 4}, Background: "#102030c0", Radius: 20, Text: &scene.Text{Text: "Bienvenue à l’étage"}},
		{At: scene.Rect{w * 5 / 8, h * 5 / 8, h / 4, h / 4}, QR: &scene.QR{Text: "vitrine"}},
	}}
}

func equal(t *testing.T, what string, got, want *image.RGBA) {
	t.Helper()
	if got.Bounds().Size() != want.Bounds().Size() {
		t.Errorf("%s: %v pixels, want %v", what, got.Bounds().Size(), want.Bounds().Size())
		return
	}
	n := 0
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			if got.RGBAAt(x, y) != want.RGBAAt(x, y) {
				n++
			}
		}
	}
	if n > 0 {
		t.Errorf("%s: %d pixels differ", what, n)
	}
}

func part(m *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: r.Size()})
	draw.Draw(out, out.Rect, m, r.Min, draw.Src)
	return out
}

// clockwise turns a picture by quarters.
func clockwise(m *image.RGBA, quarters int) *image.RGBA {
	for range quarters {
		b := m.Bounds().Size()
		out := image.NewRGBA(image.Rect(0, 0, b.Y, b.X))
		for y := range b.Y {
			for x := range b.X {
				out.SetRGBA(b.Y-1-y, x, m.RGBAAt(x, y))
			}
		}
		m = out
	}
	return m
}

func mirrored(m *image.RGBA) *image.RGBA {
	b := m.Bounds().Size()
	out := image.NewRGBA(m.Bounds())
	for y := range b.Y {
		for x := range b.X {
			out.SetRGBA(b.X-1-x, y, m.RGBAAt(x, y))
		}
	}
	return out
}

func TestEveryTurnOfAScreenShowsTheSamePicture(t *testing.T) {
	size := image.Pt(640, 360)
	tall := image.Pt(size.Y, size.X)
	straight := map[image.Point]*image.RGBA{}
	for _, p := range []image.Point{size, tall} {
		s, stop := stand(t, p)
		straight[p] = s.show(1, p, motif(t, p))
		stop()
	}
	for name, c := range map[string]struct {
		flags    []string
		canvas   image.Point
		quarters int
		flip     bool
	}{
		"right":          {[]string{"--rotate", "right"}, tall, 1, false},
		"upside down":    {[]string{"--rotate", "180"}, size, 2, false},
		"left":           {[]string{"--rotate", "left"}, tall, 3, false},
		"flipped":        {[]string{"--flip"}, size, 0, true},
		"flipped, right": {[]string{"--flip", "--rotate", "90"}, tall, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := stand(t, size, c.flags...)
			if s.ready.Size != (scene.Size{Width: c.canvas.X, Height: c.canvas.Y}) {
				t.Errorf("the renderer composes %v, want %v", s.ready.Size, c.canvas)
			}
			want := straight[c.canvas]
			onScreen := want
			if c.flip {
				onScreen = mirrored(want)
			}
			equal(t, "the screen", s.show(1, c.canvas, motif(t, c.canvas)), clockwise(onScreen, c.quarters))
			equal(t, "the picture of it", s.shot(), want)
		})
	}
}

func TestOpenGLShowsWhatTheProcessorPaints(t *testing.T) {
	if p := shop.program(); p.err == nil && !p.gl {
		t.Skip("EGL's headers are not on this machine")
	}
	size := image.Pt(640, 360)
	for name, flags := range map[string][]string{"as it is": nil, "left": {"--rotate", "left"}, "scaled": {"--canvas", "320x180"}} {
		t.Run(name, func(t *testing.T) {
			s, stop := stand(t, size, append(flags, "--output", "x11")...)
			canvas := image.Pt(s.ready.Size.Width, s.ready.Size.Height)
			sc := motif(t, canvas)
			want := s.show(1, canvas, sc)
			stop()
			card, _ := stand(t, size, append(flags, "--output", "gl")...)
			if card.ready.Output != "gl" || card.ready.Size != s.ready.Size {
				t.Errorf("ready as %+v", card.ready)
			}
			got := card.show(1, canvas, sc)
			for y := range size.Y {
				for x := range size.X {
					if !near(got.RGBAAt(x, y), want.RGBAAt(x, y), 1) {
						t.Fatalf("pixel %d,%d is %v, and in software %v", x, y, got.RGBAAt(x, y), want.RGBAAt(x, y))
					}
				}
			}
		})
	}
	s, _ := stand(t, size, "--output", "auto")
	t.Logf("auto takes %s here", s.ready.Output)
}

func TestFourScreensOfAWallTogetherShowWhatOneShows(t *testing.T) {
	one := image.Pt(640, 480)
	s, stop := stand(t, one)
	sc := motif(t, one)
	want := s.show(1, one, sc)
	stop()
	for y := range 2 {
		for x := range 2 {
			p, end := stand(t, one.Div(2), "--wall", "2x2", "--place", fmt.Sprintf("%d,%d", x, y))
			at := image.Pt(x*one.X/2, y*one.Y/2)
			piece := part(want, image.Rectangle{Min: at, Max: at.Add(one.Div(2))})
			equal(t, fmt.Sprintf("place %d,%d", x, y), p.show(1, one, sc), piece)
			equal(t, "its picture", p.shot(), piece)
			end()
		}
	}
}

func TestTilesOfAFileAreWhereItSays(t *testing.T) {
	canvas := image.Pt(600, 200)
	s, stop := stand(t, canvas)
	sc := motif(t, canvas)
	want := s.show(1, canvas, sc)
	stop()
	file := write(t, t.TempDir(), "wall.json", `{"canvas": [600, 200], "tiles": [
		{"from": [0, 0, 300, 200], "to": [10, 20, 300, 200]},
		{"from": [300, 0, 300, 200], "to": [320, 20, 200, 300], "rotate": "left"},
		{"from": [0, 0, 300, 200], "to": [10, 230, 300, 200], "flip": true}]}`)
	s, _ = stand(t, image.Pt(640, 480), "--layout", file)
	got := s.show(1, canvas, sc)
	left, right := part(want, image.Rect(0, 0, 300, 200)), part(want, image.Rect(300, 0, 600, 200))
	equal(t, "the left part", part(got, image.Rect(10, 20, 310, 220)), left)
	equal(t, "the right part, turned", part(got, image.Rect(320, 20, 520, 320)), clockwise(right, 3))
	equal(t, "the left part, flipped", part(got, image.Rect(10, 230, 310, 430)), mirrored(left))
	if c := got.RGBAAt(5, 5); c != (color.RGBA{A: 0xff}) {
		t.Errorf("where no tile is the screen is %v, want black", c)
	}
	equal(t, "the picture of it", s.shot(), want)
}

func TestALayoutThatCannotBeEndsWithASentence(t *testing.T) {
	need(t, "Xvfb")
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	for want, args := range map[string][]string{
		"a rotation is 0, 90, 180, 270, left or right": {"--rotate", "45"},
		"the place 2,0 is outside of a wall of 2x2":    {"--wall", "2x2", "--place", "2,0"},
		`there is no monitor called "VGA-7"`:           {"--extend", "VGA-7"},
		"a mode is auto, or written like":              {"--mode", "huge"},
		`the key "F99" is not known`:                   {"--keys", "F12,F99"},
		"read the layout: open /nowhere: no such file": {"--layout", "/nowhere"},
	} {
		out := said(t, p.path, append(args, "--headless", "320x200")...)
		if !strings.Contains(out, want) {
			t.Errorf("%v: said %q, want %q", args, out, want)
		}
	}
}

// said is what a renderer that ends at once writes to stderr.
func said(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%v: it ended without an error", args)
	}
	return string(out)
}
