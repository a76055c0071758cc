package main

import (
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/film"
	"vitrine/render/paint"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// A preview's video has the colours and the cut that the renderer gives it: HD is BT.709 and smaller is BT.601 where the
// file does not say, pixels that are not square are made so, and a fit is a fit.
func TestAVideoLooksAsTheRendererShowsIt(t *testing.T) {
	if _, err := pipe.Find(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	for _, c := range []struct {
		name, size, shape string
		fit               scene.Fit
	}{
		{"SD, cut", "640x360", "1", scene.Cover},
		{"HD, seen whole", "1280x720", "1", scene.Contain},
		{"wide pixels, cut", "720x576", "64/45", scene.Cover},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "v.mkv")
			b, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s="+c.size+":r=25:d=1", "-vf", "loop=loop=24:size=1,trim=end_frame=25,setsar="+c.shape+",format=yuv420p",
				"-c:v", "libx264", "-crf", "8", path).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			size := image.Pt(480, 360)
			item := scene.Item{Kind: scene.Video, Src: path, Fit: c.fit}
			want, err := otherFrame(t.Context(), item, size)
			if err != nil {
				t.Fatal(err)
			}
			sc := scene.Scene{For: scene.Duration(time.Minute), Zones: []scene.Zone{{At: scene.Rect{0, 0, size.X, size.Y}, Playlist: []scene.Item{item}}}}
			f, err := film.New(film.Config{Size: size, Canvas: scene.Size{Width: size.X, Height: size.Y}, Rate: 25, Env: paint.Env{Patient: true}, Note: func(s string) { t.Error(s) }},
				time.Now(), func(time.Time) (film.Program, error) { return film.Program{Scene: &sc, Alone: true}, nil })
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := f.Frame(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			mean := apart(want, got)
			t.Logf("%.2f levels apart", mean)
			if mean > 3.5 {
				t.Errorf("the pictures differ by %.1f levels on average", mean)
			}
		})
	}
}

// apart is the mean difference of two pictures' channels.
func apart(a, b *image.RGBA) float64 {
	sum := 0
	for i := range a.Pix {
		sum += max(int(a.Pix[i])-int(b.Pix[i]), int(b.Pix[i])-int(a.Pix[i]))
	}
	return float64(sum) / float64(len(a.Pix))
}

func TestAPageOfTheFolderIsDrawnWithItsFiles(t *testing.T) {
	if _, err := pipe.Find(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed")
	}
	alone(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bundle.yaml":          "id: page\ncanvas: {width: 320, height: 180}\nscenes:\n  a: {for: 10s, zones: [{at: [0, 0, 320, 180], web: web/board/index.html}]}\ndefaults: {fleet: [a]}\nfallback: [a]\n",
		"web/board/index.html": `<body style="background:#c00"><script src="green.js"></script></body>`, "web/board/green.js": `document.body.style.background = "#008000"`,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out.png")
	if said := answer[previewed](t, right(t, "preview", dir, "-o", out, "--json")); len(said.Notes) > 0 {
		t.Skipf("this renderer draws no pages: %q", said.Notes)
	}
	img, err := paint.Picture(out, image.Point{})
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := img.At(160, 90).RGBA(); r>>8 > 8 || g>>8 < 120 || g>>8 > 136 || b>>8 > 8 {
		t.Errorf("the page's script has not made it green: %d %d %d", r>>8, g>>8, b>>8)
	}
}
