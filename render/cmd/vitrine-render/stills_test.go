package main_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="100" height="100" fill="#ff0000"/><rect x="100" width="50" height="100" fill="#00ff00"/></svg>`

// blinker is a GIF whose left half is red for good and whose right half is nothing, then green, then nothing again.
func blinker(t *testing.T) string {
	t.Helper()
	pal := color.Palette{color.RGBA{}, color.RGBA{0xff, 0, 0, 0xff}, color.RGBA{0, 0xff, 0, 0xff}}
	frame := func(r image.Rectangle, index uint8) *image.Paletted {
		p := image.NewPaletted(r, pal)
		for i := range p.Pix {
			p.Pix[i] = index
		}
		return p
	}
	g := &gif.GIF{Config: image.Config{Width: 40, Height: 20, ColorModel: pal},
		Image:    []*image.Paletted{frame(image.Rect(0, 0, 20, 20), 1), frame(image.Rect(20, 0, 40, 20), 2)},
		Delay:    []int{20, 20},
		Disposal: []byte{gif.DisposalNone, gif.DisposalBackground}}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return write(t, t.TempDir(), "blink.gif", b.String())
}

func TestDrawingsPagesAndAnimationsAreShown(t *testing.T) {
	need(t, "rsvg-convert", "pdftoppm", "pdfinfo")
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	dir := t.TempDir()
	svg := write(t, dir, "a.svg", drawing)
	cmd := exec.CommandContext(t.Context(), "rsvg-convert", "-f", "pdf")
	cmd.Stdin = strings.NewReader(drawing)
	pdf, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := headless(t, p.path)
	hear(t, r, pipe.EvReady)
	hour := scene.Duration(time.Hour)
	s := scene.Scene{Background: "#0000ff", Zones: []scene.Zone{
		{At: scene.Rect{0, 0, 200, 100}, Playlist: []scene.Item{{Kind: scene.Image, Src: svg, For: hour}}},
		{At: scene.Rect{200, 0, 200, 100}, Playlist: []scene.Item{{Kind: scene.Page, Page: 1, Src: write(t, dir, "a.pdf", string(pdf)), For: hour}}},
		{At: scene.Rect{400, 0, 200, 100}, Playlist: []scene.Item{{Kind: scene.Animation, Src: blinker(t), For: hour}}},
		{At: scene.Rect{0, 100, 200, 200}, Playlist: []scene.Item{{Kind: scene.Animation, Src: blinker(t), Fit: scene.Contain, For: hour}}},
	}}
	if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
		t.Fatal(err)
	}
	hear(t, r, pipe.EvStarted)
	red, green, blue, white := color.RGBA{0xff, 0, 0, 0xff}, color.RGBA{0, 0xff, 0, 0xff}, color.RGBA{0, 0, 0xff, 0xff}, color.RGBA{0xff, 0xff, 0xff, 0xff}
	still := map[image.Point]color.RGBA{
		{10, 50}: red, {110, 50}: green, {190, 50}: blue, // what is nothing in a drawing lets the background through
		{210, 50}: red, {310, 50}: green, {390, 50}: white, // paper does not
		{410, 50}: red, {490, 50}: red,
		{10, 110}: blue, {10, 160}: red, {10, 200}: red, {10, 290}: blue,
	}
	blinks := map[color.RGBA]bool{}
	for range 40 {
		shot := filepath.Join(dir, "shot.png")
		if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
			t.Fatal(err)
		}
		if rep := hear(t, r, pipe.EvShot); rep.Error != "" {
			t.Fatal(errors.New(rep.Error))
		}
		m := read(t, shot)
		for at, want := range still {
			if got := m.RGBAAt(at.X, at.Y); !near(got, want, 4) {
				t.Fatalf("pixel %v is %v, want %v", at, got, want)
			}
		}
		got := m.RGBAAt(590, 50)
		if !near(got, green, 4) && !near(got, blue, 4) {
			t.Fatalf("the animation's other half is %v; want green or nothing", got)
		}
		blinks[got] = true
		if len(blinks) > 1 {
			keep(t, shot)
			return
		}
		hear(t, r, pipe.EvPulse)
	}
	t.Errorf("the animation stands still: %v", blinks)
}
