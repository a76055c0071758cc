package main_test

import (
	"context"
	"encoding/json"
	"image"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// mortal is a renderer process that is killed when the test likes.
type mortal struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	reports chan pipe.Report
}

func newMortal(t *testing.T, program, display string, flags []string, commands ...pipe.Command) *mortal {
	t.Helper()
	m := &mortal{cmd: exec.Command(program, append([]string{"--display", display}, flags...)...), reports: make(chan pipe.Report, 64)}
	var err error
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.reports)
		d := json.NewDecoder(out)
		for {
			var r pipe.Report
			if d.Decode(&r) != nil {
				return
			}
			select {
			case m.reports <- r:
			default: // nobody waits any more
			}
		}
	}()
	for _, c := range commands {
		if err := json.NewEncoder(m.stdin).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// await returns once a report has come.
func (m *mortal) await(t *testing.T, ev string) {
	t.Helper()
	end := time.After(time.Minute)
	for {
		select {
		case r, ok := <-m.reports:
			if !ok {
				t.Fatalf("the renderer ended before %q", ev)
			}
			if r.Ev == ev {
				return
			}
		case <-end:
			t.Fatalf("no report %q", ev)
		}
	}
}

func (m *mortal) kill(t *testing.T) {
	t.Helper()
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = m.cmd.Wait() // it says that it was killed
}

// kills is how often the renderer is killed: $KILLS, else few enough for every day.
func kills(t *testing.T) int {
	t.Helper()
	const usual = 9
	if os.Getenv("KILLS") == "" {
		return usual
	}
	n, err := strconv.Atoi(os.Getenv("KILLS"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheScreenIsNeverBlackWhileTheRendererIsKilledAgainAndAgain(t *testing.T) {
	need(t, "Xvfb", "ffmpeg")
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	t.Run("in software", func(t *testing.T) { killed(t, p.path, kills(t), "--output", "x11") })
	t.Run("through OpenGL", func(t *testing.T) {
		if !p.gl {
			t.Skip("EGL's headers are not on this machine")
		}
		killed(t, p.path, kills(t)/3, "--output", "gl")
	})
}

// killed kills a renderer n times, half of them before another has shown anything.
func killed(t *testing.T, program string, n int, flags ...string) {
	ms := media(t)
	display, err := witness.StartXvfb(context.Background(), screenSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(display.Close)
	screen, err := display.Screen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var samples atomic.Int64
	film := make(chan *witness.Film, 1)
	go func() {
		look := lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})
		f, err := witness.Watch(ctx, screen, witness.Watching{Looks: []witness.Look{look}, Each: func(witness.Sample) { samples.Add(1) }})
		if err != nil {
			t.Error(err)
		}
		film <- f
	}()
	s := scene.Scene{For: scene.Duration(time.Hour), Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, 1, 11)}}}
	show := pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: screenSize.X, Height: screenSize.Y}, Scene: &s}
	first := newMortal(t, program, display.Name, flags, show)
	first.await(t, pipe.EvStarted)
	for i := range n {
		switch i % 3 {
		case 0: // while it plays
			for seen := samples.Load(); samples.Load() < seen+int64(3*i%40); {
				time.Sleep(time.Millisecond) // the film has no event to wait for
			}
		case 1: // the next one before it has shown anything
			next := newMortal(t, program, display.Name, flags, show)
			next.await(t, pipe.EvReady)
			next.kill(t)
		}
		first.kill(t)
		first = newMortal(t, program, display.Name, flags, show)
		first.await(t, pipe.EvStarted)
	}
	first.kill(t)
	cancel()
	f := <-film
	screen.Close()
	sum := f.Summarise(0, nil)
	t.Logf("%d samples (%d blind), %d black, %d without a mark, items %v", sum.Samples, sum.Blind, sum.Black, sum.Unreadable, sum.Seen)
	if sum.FirstContent < 0 || sum.Black > 0 {
		t.Errorf("%d of %d samples were black", sum.Black, sum.Samples)
	}
	if last := f.Samples[len(f.Samples)-1]; !last.Marks[0].OK {
		t.Error("after the last kill the picture does not stay")
	}
}
