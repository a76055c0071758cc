package main_test

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// redVideo makes a film of one colour, 16:9.
func redVideo(t *testing.T) string {
	t.Helper()
	need(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "red.mkv")
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=c=red:s=320x180:r=25:d=2", "-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-q:v", "2", path)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a video: %v: %s", err, b)
	}
	return path
}

// redPicture is a picture of one colour, 16:9.
func redPicture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 180))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{0xff, 0, 0, 0xff}), image.Point{}, draw.Src)
	path := filepath.Join(t.TempDir(), "red.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVideosInRoundedZonesAreRounded(t *testing.T) {
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if !p.video {
		t.Skip("libmpv's headers are not on this machine")
	}
	list := func(fit scene.Fit) []scene.Item {
		return []scene.Item{{Kind: scene.Video, Src: redVideo(t), Fit: fit, For: scene.Duration(time.Hour)}}
	}
	r := headless(t, p.path)
	hear(t, r, pipe.EvReady)
	s := scene.Scene{Background: "#0000ff", Zones: []scene.Zone{
		{At: scene.Rect{0, 0, 200, 100}, Radius: 24, Background: "#00ff00", Playlist: list(scene.Cover)},
		{At: scene.Rect{220, 0, 200, 100}, Radius: 24, Opacity: 0.5, Background: "#00ff00", Playlist: list(scene.Stretch)},
		{At: scene.Rect{440, 0, 160, 190}, Radius: 24, Playlist: list(scene.Contain)}, // 160 × 90, from y = 50
		{At: scene.Rect{0, 200, 200, 100}, Radius: 900, Playlist: list(scene.Cover)},
		{At: scene.Rect{440, 170, 160, 190}, Radius: 24, Playlist: []scene.Item{{Kind: scene.Image, Src: redPicture(t), Fit: scene.Contain, For: scene.Duration(time.Hour)}}}, // as the video: from y = 220
	}}
	if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
		t.Fatal(err)
	}
	hear(t, r, pipe.EvStarted)
	hear(t, r, pipe.EvPulse) // frames have followed the first one
	hear(t, r, pipe.EvPulse)
	shot := filepath.Join(t.TempDir(), "shot.png")
	if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
		t.Fatal(err)
	}
	if rep := hear(t, r, pipe.EvShot); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	keep(t, shot)
	m := read(t, shot)
	blue, red, half := color.RGBA{0, 0, 0xff, 0xff}, color.RGBA{0xff, 0, 0, 0xff}, color.RGBA{0x80, 0, 0x7f, 0xff}
	for at, want := range map[image.Point]color.RGBA{
		{1, 1}: blue, {198, 1}: blue, {1, 98}: blue, {198, 98}: blue, {24, 1}: red, {1, 24}: red, {100, 50}: red, {175, 98}: red,
		{221, 1}: blue, {418, 98}: blue, {244, 1}: half, {320, 50}: half,
		{441, 51}: blue, {598, 138}: blue, {464, 51}: red, {520, 95}: red, {520, 20}: blue,
		{441, 221}: blue, {598, 308}: blue, {464, 221}: red, {520, 265}: red, {520, 205}: blue,
		{13, 213}: blue, {186, 286}: blue, {100, 201}: red, {2, 250}: red, {16, 216}: red,
	} {
		if got := m.RGBAAt(at.X, at.Y); !near(got, want, 6) {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
	soft := 0
	for y := range 24 {
		for x := range 24 {
			c := m.RGBAAt(x, y)
			if c.G > 8 {
				t.Errorf("the zone's ground shines through the video's edge at %d, %d: %v", x, y, c)
			}
			if c.R > 40 && c.R < 215 {
				soft++
			}
		}
	}
	if soft < 8 {
		t.Errorf("%d pixels of a corner are soft; the corner is a staircase", soft)
	}
}
