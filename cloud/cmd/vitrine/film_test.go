package main

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// strips is a folder whose loop is red for a second, then green for one, which comes with a fade, then a video for two whose
// frame k has the grey level 10 + 4k.
func strips(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	dir := filepath.Join(t.TempDir(), "strips")
	if err := os.MkdirAll(filepath.Join(dir, "media"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]color.Color{"red.png": color.RGBA{0xff, 0, 0, 0xff}, "green.png": color.RGBA{0, 0xff, 0, 0xff}} {
		img := image.NewRGBA(image.Rect(0, 0, 8, 4))
		for i := range 32 {
			img.Set(i%8, i/8, c)
		}
		f, err := os.Create(filepath.Join(dir, "media", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:s=320x180:r=25,format=gray,geq=lum='10+4*N',format=yuv420p",
		"-frames:v", "50", "-c:v", "libx264", "-crf", "4", "-color_range", "tv", filepath.Join(dir, "media", "steps.mp4"))
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	text := `id: strips
zone: Europe/Paris
canvas: {width: 320, height: 180}
scenes:
  red: {media: media/red.png, for: 1s}
  green:
    for: 1s
    transition: {kind: fade, for: 400ms}
    zones: [{at: [0, 0, 320, 180], image: media/green.png}]
  steps: {media: media/steps.mp4}
defaults: {fleet: [red, green, steps]}
fallback: [red]
`
	if err := os.WriteFile(filepath.Join(dir, "bundle.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// levels decodes a film and gives the colour in the middle of each frame.
func levels(t *testing.T, path string, size image.Point) []color.RGBA {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", path, "-vsync", "passthrough", "-vf", "scale=in_color_matrix=bt709", "-f", "rawvideo", "-pix_fmt", "rgba", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []color.RGBA
	for per, i := size.X*size.Y*4, 0; i+per <= len(b); i += per {
		p := b[i+(size.Y/2*size.X+size.X/2)*4:]
		all = append(all, color.RGBA{p[0], p[1], p[2], 0xff})
	}
	return all
}

func TestAFilmShowsEachFrameAtItsInstant(t *testing.T) {
	dir := strips(t)
	alone(t)
	out := filepath.Join(t.TempDir(), "out.mp4")
	said := answer[previewed](t, right(t, "preview", dir, "--at", "2027-01-04T12:30", "--video", out, "--for", "5s", "--fps", "25", "--json"))
	if f := said.Film; f == nil || f.Frames != 125 || f.Rate != 25 || f.Width != 320 || f.Height != 180 || strings.Join(f.names(), " ") != "red green steps red" {
		t.Fatalf("%+v", said.Film)
	}
	seen := levels(t, out, image.Pt(320, 180))
	if len(seen) != 125 {
		t.Fatalf("the file has %d frames", len(seen))
	}
	for n, got := range seen {
		want := color.RGBA{0xff, 0, 0, 0xff}
		switch {
		case n < 25, n >= 100:
		case n < 35:
			part := float64(n-25) / 10
			want = color.RGBA{uint8(255 * (1 - part)), uint8(255 * part), 0, 0xff}
		case n < 50:
			want = color.RGBA{0, 0xff, 0, 0xff}
		default:
			v := uint8(10 + 4*(n-50))
			want = color.RGBA{v, v, v, 0xff}
		}
		for i, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
			if d < -8 || d > 8 {
				t.Fatalf("frame %d is %v, want %v (channel %d)", n, got, want, i)
			}
		}
	}
	// The picture of an instant is the film's frame of it.
	still := filepath.Join(t.TempDir(), "still.png")
	right(t, "preview", dir, "--scene", "steps", "--after", "1200ms", "--at", "2027-01-04T12:30", "-o", still)
	f, err := os.Open(still)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := img.At(160, 90).RGBA(); r>>8 < 126 || r>>8 > 134 { // frame 30
		t.Errorf("after 1.2 s the video has the level %d", r>>8)
	}
}

func TestAFilmThatCannotBeMadeLeavesNothing(t *testing.T) {
	dir := strips(t)
	alone(t)
	to := t.TempDir()
	refuses(t, exitUsage, "a film is an .mp4", "preview", dir, "--video", filepath.Join(to, "x.avi"))
	refuses(t, exitUsage, "--fps is 1 to 60", "preview", dir, "--video", filepath.Join(to, "x.mp4"), "--fps", "0")
	refuses(t, exitUsage, "--for is up to 1h", "preview", dir, "--video", filepath.Join(to, "x.mp4"), "--for", "2h")
	refuses(t, exitUsage, "--item is 1 to 3", "preview", dir, "--video", filepath.Join(to, "x.mp4"), "--item", "4")
	refuses(t, exitRefused, "no scene", "preview", dir, "--video", filepath.Join(to, "x.mp4"), "--scene", "blue")
	refuses(t, exitRefused, "write the film", "preview", dir, "--video", filepath.Join(to, "none", "x.mp4"), "--for", "1s")
	t.Setenv("PATH", "")
	refuses(t, exitRefused, "apt install ffmpeg", "preview", dir, "--video", filepath.Join(to, "x.mp4"), "--for", "1s")
	d, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if left, err := d.Readdirnames(0); err != io.EOF && len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}
