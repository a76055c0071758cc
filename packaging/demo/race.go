package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// Race is how long a clip takes from the start of a program to its first frame on the screen.
type Race struct {
	Ours  []float64 `json:"vitrine_render_ms"`
	MPV   []float64 `json:"mpv_ms"`
	Ratio float64   `json:"ratio"` // of the medians
}

// rounds is how often each runs; both take turns, so that a busy moment hits both.
const rounds = 3

// race measures vitrine-render and plain mpv on one display with clips of the same kind. Each run has a clip with a number
// of its own: what an earlier one left on the screen cannot be mistaken for it.
func race(ctx context.Context, screen witness.Screen, display, render, dir string) (*Race, error) {
	p, err := screen.Read()
	if err != nil {
		return nil, err
	}
	size, r := p.Size, &Race{}
	for i := range 2 * rounds {
		clip := witness.Clip{Item: 200 + i, Size: image.Pt(1280, 720), Rate: 30, Frames: 45}
		path := filepath.Join(dir, fmt.Sprintf("race-%d.mp4", i))
		if err := clip.Make(ctx, path); err != nil {
			return nil, err
		}
		var cmd *exec.Cmd
		var quit func()
		if i%2 == 0 {
			cmd, quit = mpv(ctx, path, display, size)
		} else {
			cmd, quit, err = drawn(ctx, display, render, scene.Size{Width: size.X, Height: size.Y}, []scene.Zone{film(path, size)})
			if err != nil {
				return nil, err
			}
		}
		look := witness.Look{Zone: image.Rectangle{Max: size}, Sizes: []image.Point{clip.Size}, Fit: scene.Contain}
		took, err := firstFrame(ctx, screen, look, clip.Item, cmd, quit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
		}
		ms := float64(took.Microseconds()) / 1000
		if i%2 == 0 {
			r.MPV = append(r.MPV, ms)
		} else {
			r.Ours = append(r.Ours, ms)
		}
	}
	r.Ratio = median(r.Ours) / median(r.MPV)
	return r, nil
}

// mpv is what a person would use instead: full screen, straight to X11, nothing configured.
func mpv(ctx context.Context, path, display string, size image.Point) (*exec.Cmd, func()) {
	cmd := exec.CommandContext(ctx, "mpv", "--no-config", "--vo=x11", "--no-audio", "--no-osc", "--osd-level=0", "--really-quiet",
		"--no-border", fmt.Sprintf("--geometry=%dx%d+0+0", size.X, size.Y), "--keep-open", path)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	return cmd, func() { _ = cmd.Process.Kill() }
}

// drawn is vitrine-render, told what a player would tell it.
func drawn(ctx context.Context, display, render string, canvas scene.Size, zones []scene.Zone) (*exec.Cmd, func(), error) {
	line, err := json.Marshal(pipe.Command{Op: pipe.OpQueue, ID: 1, Canvas: canvas, Now: true,
		Scene: &scene.Scene{For: scene.Duration(time.Minute), Zones: zones}})
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, render, "--display", display)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	go func() { _, _ = in.Write(append(line, '\n')) }() // the pipe holds it until the program reads
	quit := func() {
		_, _ = in.Write([]byte(`{"op":"quit"}` + "\n"))
		_ = in.Close()
	}
	return cmd, quit, nil
}

// firstFrame starts a program and waits until a clip's number is on the screen.
func firstFrame(ctx context.Context, screen witness.Screen, look witness.Look, item int, cmd *exec.Cmd, quit func()) (time.Duration, error) {
	begin, took := time.Now(), time.Duration(0)
	err := until(ctx, screen, look, func(m witness.Mark) bool {
		if m.Item == item && took == 0 {
			took = time.Since(begin)
		}
		return m.Item == item
	}, cmd, quit)
	return took, err
}

// until starts a program, waits until a mark on the screen is the one meant, and ends it.
func until(ctx context.Context, screen witness.Screen, look witness.Look, meant func(witness.Mark) bool, cmd *exec.Cmd, quit func()) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := cmd.Start(); err != nil {
		return err
	}
	seen := false
	_, err := witness.Watch(ctx, screen, witness.Watching{Hz: 250, Looks: []witness.Look{look}, Each: func(s witness.Sample) {
		if s.Marks[0].OK && meant(s.Marks[0].Mark) {
			seen = true
			cancel()
		}
	}})
	quit()
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // killed, mostly
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
	}
	if !seen && err == nil {
		err = errors.New("it did not show what was waited for within a minute")
	}
	return err
}

func median[T cmp.Ordered](v []T) T {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
