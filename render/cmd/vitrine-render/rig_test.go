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
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not on this machine", p)
		}
	}
}

// rig is a renderer on a virtual display that is being watched.
type rig struct {
	t       *testing.T
	display *witness.Display
	*pipe.Renderer

	mu      sync.Mutex
	reports []pipe.Report
	news    chan struct{}
	samples []witness.Sample
	runs    [][]int // by look: the items in the order they came
	last    []witness.Mark
	film    *witness.Film
	stop    func()
	canvas  scene.Size
}

var screenSize = image.Pt(1280, 720)

// cameras is how many of 60 Hz look at the screen in turn: one alone misses now and then a frame that comes just after a
// sample and goes just before the next.
const cameras = 2

// newRig starts the display, the camera and the renderer; needs the given programs, "video" being libmpv.
func newRig(t *testing.T, looks []witness.Look, video bool) *rig {
	t.Helper()
	return newRigWith(t, looks, video, false)
}

func newRigWith(t *testing.T, looks []witness.Look, video, hold bool) *rig {
	t.Helper()
	need(t, "Xvfb")
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if video {
		need(t, "ffmpeg")
		if !p.video {
			t.Skip("libmpv's headers are not on this machine")
		}
	}
	d, err := witness.StartXvfb(context.Background(), screenSize)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pipe.New(pipe.Config{Program: p.path, Args: []string{"--display", d.Name}, Hold: hold, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{t: t, display: d, Renderer: r, news: make(chan struct{}, 1), canvas: scene.Size{Width: screenSize.X, Height: screenSize.Y}}
	g.run(looks)
	t.Cleanup(func() { g.stop(); d.Close() })
	return g
}

func (g *rig) run(looks []witness.Look) {
	screen, err := g.display.Screen()
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = g.Run(ctx) })
	work.Go(func() {
		f, err := witness.Watch(ctx, screen, witness.Watching{Hz: 60 * cameras, Looks: looks, Stills: 20, Each: g.see})
		if err != nil {
			g.t.Error(err)
		}
		g.film = f
		screen.Close()
	})
	work.Go(func() {
		for {
			select {
			case r := <-g.Reports():
				g.hear(r)
			case <-ctx.Done():
				return
			}
		}
	})
	g.stop = sync.OnceFunc(func() { cancel(); work.Wait() })
}

func (g *rig) see(s witness.Sample) {
	g.mu.Lock()
	g.samples = append(g.samples, s)
	for i, m := range s.Marks {
		if len(g.runs) <= i {
			g.runs, g.last = append(g.runs, nil), append(g.last, witness.Mark{})
		}
		if m.OK && (m.Item != g.last[i].Item || m.Frame < g.last[i].Frame) {
			g.runs[i] = append(g.runs[i], m.Item)
		}
		if m.OK {
			g.last[i] = m.Mark
		}
	}
	g.mu.Unlock()
	g.tick()
}

func (g *rig) hear(r pipe.Report) {
	g.mu.Lock()
	g.reports = append(g.reports, r)
	g.mu.Unlock()
	if r.Ev != pipe.EvPulse {
		g.t.Logf("report: %s id=%d reason=%s src=%s error=%s frames=%d dropped=%d", r.Ev, r.ID, r.Reason, filepath.Base(r.Src), r.Error, r.Presented, r.Dropped)
	}
	g.tick()
}

func (g *rig) tick() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// await blocks until what is asked for has happened; a minute is the end of every wait.
func (g *rig) await(what string, happened func() bool) {
	g.t.Helper()
	end := time.After(time.Minute)
	for {
		g.mu.Lock()
		ok := happened()
		g.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-g.news:
		case <-end:
			g.t.Fatalf("did not happen within a minute: %s", what)
		}
	}
}

// said returns the last report that fits.
func (g *rig) said(fits func(pipe.Report) bool) (pipe.Report, bool) {
	for i := len(g.reports) - 1; i >= 0; i-- {
		if fits(g.reports[i]) {
			return g.reports[i], true
		}
	}
	return pipe.Report{}, false
}

func (g *rig) awaitReport(what string, fits func(pipe.Report) bool) pipe.Report {
	g.t.Helper()
	var out pipe.Report
	g.await(what, func() bool { r, ok := g.said(fits); out = r; return ok })
	return out
}

func (g *rig) awaitStarted(id uint64) {
	g.t.Helper()
	g.awaitReport(fmt.Sprintf("showing %d starts", id), func(r pipe.Report) bool { return r.Ev == pipe.EvStarted && r.ID == id })
}

func (g *rig) awaitEnded(id uint64) pipe.Report {
	g.t.Helper()
	return g.awaitReport(fmt.Sprintf("showing %d ends", id), func(r pipe.Report) bool { return r.Ev == pipe.EvEnded && r.ID == id })
}

// awaitItem waits for so many samples with an item in a look.
func (g *rig) awaitItem(look, item, samples int) {
	g.t.Helper()
	from := g.sampled()
	g.await(fmt.Sprintf("item %d is seen", item), func() bool {
		n := 0
		for _, s := range g.samples[min(from, len(g.samples)):] {
			if s.Marks[look].OK && s.Marks[look].Item == item {
				n++
			}
		}
		return n >= samples
	})
}

// sampled is how many samples there are by now.
func (g *rig) sampled() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.samples)
}

// awaitRuns waits until so many items more than were seen before have come into a look.
func (g *rig) awaitRuns(look, more int) {
	g.t.Helper()
	from := -1
	g.await(fmt.Sprintf("%d items come", more), func() bool {
		if len(g.runs) <= look {
			return false
		}
		if from < 0 {
			from = len(g.runs[look])
		}
		return len(g.runs[look]) >= from+more
	})
}

func (g *rig) queue(id uint64, now bool, s scene.Scene) {
	g.t.Helper()
	if err := g.Send(pipe.Command{Op: pipe.OpQueue, ID: id, Canvas: g.canvas, Scene: &s, Now: now}); err != nil {
		g.t.Fatal(err)
	}
}

// summary ends the watching and says what look showed.
func (g *rig) summary(look int, ms map[int]medium) witness.Summary {
	g.stop()
	var known []witness.Item
	for _, m := range ms {
		known = append(known, m.known)
	}
	s := g.film.Summarise(look, known)
	g.t.Logf("look %d: %d samples (%d blind), black %d, stale %d, changes %d, worst late %v, median %v, longest hole %v, frames %d of %d",
		look, s.Samples, s.Blind, s.Black, s.Stale, len(s.Changes), s.Worst, s.Median, s.Hole, s.FramesShown, s.FramesDue)
	return s
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(p))
	return len(p), nil
}

// keep copies a picture to where $KEEP_SHOTS says, for a person to look at.
func keep(t *testing.T, path string) {
	t.Helper()
	dir := os.Getenv("KEEP_SHOTS")
	if dir == "" {
		return
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".png"), b, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Bounds(), m, image.Point{}, draw.Src)
	return out
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b color.RGBA, by int) bool {
	d := func(x, y uint8) bool { return int(x)-int(y) <= by && int(y)-int(x) <= by }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B)
}
