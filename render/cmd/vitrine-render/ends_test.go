package main_test

import (
	"context"
	"encoding/json"
	"image"
	"image/color"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

func TestThePictureGoesAtAnOrderlyEndAndStaysWhenItIsHeld(t *testing.T) {
	for hold, name := range map[bool]string{false: "an orderly end", true: "held"} {
		t.Run(name, func(t *testing.T) {
			need(t, "ffmpeg")
			ms := media(t)
			g := newRigWith(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, false, hold)
			still := playlist(ms, scene.Cover, 11)
			g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: still}}})
			g.awaitItem(0, 11, 5)
			g.stop()
			screen, err := witness.OpenDisplay(g.display.Name)
			if err != nil {
				t.Fatal(err)
			}
			defer screen.Close()
			p, err := screen.Read()
			if err != nil {
				t.Fatal(err)
			}
			look := lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})
			if m, ok := look.Read(p); ok != hold {
				t.Errorf("afterwards the screen shows %+v, %v; want a picture: %v", m, ok, hold)
			}
		})
	}
}

// headless runs a program on a screen in memory.
func headless(t *testing.T, program string) *pipe.Renderer {
	t.Helper()
	r, err := pipe.New(pipe.Config{Program: program, Args: []string{"--headless", "640x360"}, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func hear(t *testing.T, r *pipe.Renderer, ev string) pipe.Report {
	t.Helper()
	end := time.After(time.Minute)
	for {
		select {
		case rep := <-r.Reports():
			if rep.Ev == ev {
				return rep
			}
		case <-end:
			t.Fatalf("no report %q", ev)
		}
	}
}

func TestWithoutLibmpvAndAScreenPicturesAndTextAreDrawn(t *testing.T) {
	p := shop.buildPlain()
	if p.err != nil {
		t.Fatal(p.err)
	}
	dir := t.TempDir()
	pic := filepath.Join(dir, "p.png")
	if err := (witness.Picture{Item: 7, Size: image.Pt(640, 360)}).Make(pic); err != nil {
		t.Fatal(err)
	}
	r := headless(t, p.path)
	if rep := hear(t, r, pipe.EvReady); rep.MPV != "" || rep.Output != "memory" || rep.Size != (scene.Size{Width: 640, Height: 360}) {
		t.Errorf("ready as %+v", rep)
	}
	s := scene.Scene{Zones: []scene.Zone{
		{At: scene.Rect{0, 0, 640, 300}, Playlist: []scene.Item{{Kind: scene.Video, Src: write(t, dir, "v.mp4", "x")}, {Kind: scene.Image, Src: pic, For: scene.Duration(time.Hour)}}},
		{At: scene.Rect{0, 300, 640, 60}, Background: "#800000", Clock: &scene.Clock{}},
	}}
	if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
		t.Fatal(err)
	}
	if rep := hear(t, r, pipe.EvFailed); !strings.Contains(rep.Error, "without libmpv") {
		t.Errorf("the video failed with %q", rep.Error)
	}
	hear(t, r, pipe.EvStarted)
	shot := filepath.Join(dir, "shot.png")
	if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
		t.Fatal(err)
	}
	if rep := hear(t, r, pipe.EvShot); rep.Error != "" {
		t.Fatal(rep.Error)
	}
	keep(t, shot)
	if m := read(t, shot); !near(m.RGBAAt(2, 358), color.RGBA{0x80, 0, 0, 0xff}, 2) || near(m.RGBAAt(2, 2), color.RGBA{}, 20) {
		t.Errorf("the clock's ground is %v, the picture's corner %v", m.RGBAAt(2, 358), m.RGBAAt(2, 2))
	}
}

func TestTheCommandLine(t *testing.T) {
	p := shop.buildPlain()
	if p.err != nil {
		t.Fatal(p.err)
	}
	for _, tc := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help has an example", []string{"--help"}, 0, "Example"},
		{"an unknown flag is wrong usage", []string{"--sing"}, 2, "--help"},
		{"a word is wrong usage", []string{"now"}, 2, "nothing is expected"},
		{"a size is written with an x", []string{"--headless", "big"}, 2, "1920x1080"},
		{"an unknown output is wrong usage", []string{"--output", "paper"}, 2, "x11, gl, auto and memory"},
		{"a display that is not there is refused", []string{"--display", ":4711"}, 1, "is an X server running"},
		{"no display at all is refused", nil, 1, "set DISPLAY"},
		{"a probe says why there is no video", []string{"--probe", "--headless", "64x64"}, 0, "without libmpv"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(p.path, tc.args...)
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DISPLAY=") })
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != tc.code || !strings.Contains(string(out), tc.says) {
				t.Errorf("exit %d, want %d; said %s", code, tc.code, out)
			}
		})
	}
	out, err := exec.Command(p.path, "--probe", "--json", "--headless", "64x64").Output()
	var a struct {
		MPV    *string
		Output string
		Size   scene.Size
	}
	if err != nil || json.Unmarshal(out, &a) != nil || a.MPV == nil || a.Output != "memory" || a.Size.Width != 64 {
		t.Errorf("probe as JSON: %s, %v", out, err)
	}
}
