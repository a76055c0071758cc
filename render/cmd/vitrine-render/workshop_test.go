package main_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/render/scene"
	"vitrine/render/witness"
)

// built is the program under test, made once; video says whether it plays video.
type built struct {
	path  string
	video bool
	gl    bool
	err   error
}

// workshop makes what all tests share, when the first one asks: the program and the media.
type workshop struct {
	dir     string
	program func() built
	media   func() ([]medium, error)
}

// medium is a generated file.
type medium struct {
	scene.Item
	known witness.Item
	size  image.Point
}

var shop *workshop

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vitrine-render-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shop = &workshop{dir: dir}
	shop.program = sync.OnceValue(shop.build)
	shop.media = sync.OnceValues(func() ([]medium, error) { return shop.make(standard()) })
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// buildPlain makes the program without libmpv and without a C compiler.
func (w *workshop) buildPlain() built {
	out := built{path: filepath.Join(w.dir, "vitrine-render-plain")}
	cmd := exec.Command("go", "build", "-o", out.path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		out.err = fmt.Errorf("build vitrine-render without libmpv: %w: %s", err, b)
	}
	return out
}

func (w *workshop) build() built {
	if p := os.Getenv("VITRINE_RENDER"); p != "" {
		return built{path: p, video: true, gl: true}
	}
	out := built{path: filepath.Join(w.dir, "vitrine-render")}
	out.video = exec.Command("pkg-config", "--exists", "mpv").Run() == nil
	out.gl = exec.Command("pkg-config", "--exists", "egl", "glesv2", "x11").Run() == nil
	var tags []string
	if out.video {
		tags = append(tags, "mpv")
	}
	if out.gl {
		tags = append(tags, "gl")
	}
	args := []string{"build", "-o", out.path, "-tags", strings.Join(tags, ",")}
	compat, err := filepath.Abs("../../../packaging/mpvcompat")
	if err != nil {
		return built{err: err}
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Env = append(os.Environ(), "CGO_CFLAGS=-O2 -g -I"+compat)
	if b, err := cmd.CombinedOutput(); err != nil {
		out.err = fmt.Errorf("build vitrine-render: %w: %s", err, b)
	}
	return out
}

// standard are media of every kind, size and rate, small enough for a test.
func standard() ([]witness.Clip, []witness.Picture) {
	return []witness.Clip{
			{Item: 1, Size: image.Pt(1280, 720), Rate: 30, Frames: 45},
			{Item: 2, Size: image.Pt(640, 480), Rate: 25, Frames: 30, Codec: "vp9", Sound: true},
			{Item: 3, Size: image.Pt(960, 540), Rate: 24, Frames: 30, Codec: "mpeg2"},
			{Item: 4, Size: image.Pt(480, 640), Rate: 50, Frames: 60},
		}, []witness.Picture{
			{Item: 11, Size: image.Pt(1280, 720)}, {Item: 12, Size: image.Pt(800, 600)},
		}
}

// make writes media into the workshop's folder.
func (w *workshop) make(clips []witness.Clip, pictures []witness.Picture) ([]medium, error) {
	var out []medium
	for _, c := range clips {
		path := filepath.Join(w.dir, fmt.Sprintf("clip-%d-%dx%d.mkv", c.Item, c.Size.X, c.Size.Y))
		if err := c.Make(context.Background(), path); err != nil {
			return nil, err
		}
		out = append(out, medium{Item: scene.Item{Kind: scene.Video, Src: path}, known: witness.ItemOf(c), size: c.Size})
	}
	for _, p := range pictures {
		path := filepath.Join(w.dir, fmt.Sprintf("picture-%d.png", p.Item))
		if err := p.Make(path); err != nil {
			return nil, err
		}
		const stay = 500 * time.Millisecond
		out = append(out, medium{
			Item:  scene.Item{Kind: scene.Image, Src: path, For: scene.Duration(stay)},
			known: witness.Item{ID: p.Item, For: stay}, size: p.Size,
		})
	}
	return out, nil
}

// media are the standard media by item number.
func media(t *testing.T) map[int]medium {
	t.Helper()
	all, err := shop.media()
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]medium{}
	for _, m := range all {
		out[m.known.ID] = m
	}
	return out
}
