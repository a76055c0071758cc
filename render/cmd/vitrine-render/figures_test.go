package main_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

var (
	figuresFile = flag.String("figures", "", "measure against plain mpv and write the figures to this `file` as JSON")
	figuresTime = flag.Duration("figures-time", 40*time.Second, "how `long` each player plays")
)

// figures are one player's, in one kind of run.
type figures struct {
	Player     string  `json:"player"`
	Run        string  `json:"run"`
	FirstMS    float64 `json:"first_frame_ms"` // from the start of the process; median
	MedianMS   float64 `json:"late_median_ms"` // of the changes
	WorstMS    float64 `json:"late_worst_ms"`
	Changes    int     `json:"changes"`
	Black      int     `json:"black"`
	Stale      int     `json:"stale"`
	Frames     int     `json:"frames_shown"`
	Due        int     `json:"frames_due"`
	CPU        float64 `json:"cpu_s_per_min"`
	XCPU       float64 `json:"x_cpu_s_per_min"`
	PSS        float64 `json:"pss_mb"`
	Samples    int     `json:"samples"`
	BlindShare float64 `json:"blind_share"` // of the samples; above 0.02 the machine was too busy for the gaps to mean much
}

var fullHD = image.Pt(1920, 1080)

// TestFigures is the benchmark: each kind of run is played by plain mpv and by vitrine-render, on one display, in turn.
func TestFigures(t *testing.T) {
	if *figuresFile == "" {
		t.Skip("a benchmark: run it with -figures FILE")
	}
	need(t, "mpv", "ffmpeg", "Xvfb")
	p := shop.program()
	if p.err != nil || !p.video {
		t.Fatal("vitrine-render could not be built with video: ", p.err)
	}
	clips := []witness.Clip{
		{Item: 21, Size: fullHD, Rate: 30, Frames: 150}, {Item: 22, Size: fullHD, Rate: 30, Frames: 120},
	}
	ms, err := shop.make(clips, []witness.Picture{{Item: 31, Size: fullHD}})
	if err != nil {
		t.Fatal(err)
	}
	ms[2].For, ms[2].known.For = scene.Duration(2*time.Second), 2*time.Second
	d, err := witness.StartXvfb(t.Context(), fullHD)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ticker := []scene.Zone{{At: scene.Rect{0, 972, 1920, 108}, Z: 1, Background: "#101820", Ticker: &scene.Ticker{Text: "News that moves, without end"}}}
	table := scene.Zone{At: scene.Rect{1300, 60, 560, 800}, Z: 1, Background: "#102030c0", Table: &scene.Table{Header: true, Rows: 4, Every: scene.Duration(4 * time.Second),
		Columns: []scene.Column{{Name: "Dish"}, {Name: "Price"}}, Cells: [][]string{{"Soup", "4.20"}, {"Salad", "6.10"}, {"Tart", "7.30"}, {"Fish", "9.80"}, {"Pie", "3.40"}, {"Tea", "2.10"}}}}
	var out []figures
	for _, run := range []struct {
		name  string
		items []medium
		over  []scene.Zone
	}{
		{"one video", ms[:1], nil}, {"video to video", ms[:2], nil}, {"video, picture, video", ms, nil}, {"video to video, ticker", ms[:2], ticker},
		{"one video, ticker, table", ms[:1], append(ticker, table)},
	} {
		for _, player := range []string{"mpv", "vitrine"} {
			if player == "mpv" && run.over != nil {
				continue // it has none
			}
			f := measure(t, d, player, p.path, run.name, run.items, run.over)
			out = append(out, f)
			t.Logf("%-8s %-24s first %4.0f ms  late %3.0f / %3.0f ms over %2d  black %d stale %d  frames %d/%d  cpu %.1f (X %.1f) s/min  pss %.0f MB  blind %.3f",
				f.Player, f.Run, f.FirstMS, f.MedianMS, f.WorstMS, f.Changes, f.Black, f.Stale, f.Frames, f.Due, f.CPU, f.XCPU, f.PSS, f.BlindShare)
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = os.WriteFile(*figuresFile, append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// measure starts a player five times to see its first frame, the last time to see all.
func measure(t *testing.T, d *witness.Display, player, program, run string, items []medium, over []scene.Zone) figures {
	t.Helper()
	var firsts []time.Duration
	for range 4 {
		film, _ := play(t, d, player, program, items, over, 1500*time.Millisecond)
		firsts = append(firsts, film.Summarise(0, nil).FirstContent)
	}
	film, cost := play(t, d, player, program, items, over, *figuresTime)
	var known []witness.Item
	for _, m := range items {
		known = append(known, m.known)
	}
	s := film.Summarise(0, known)
	slices.Sort(firsts)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	minutes := figuresTime.Minutes()
	return figures{
		Player: player, Run: run, FirstMS: ms(firsts[len(firsts)/2]), MedianMS: ms(s.Median), WorstMS: ms(s.Worst), Changes: len(s.Changes),
		Black: s.Black, Stale: s.Stale, Frames: s.FramesShown, Due: s.FramesDue,
		CPU: cost.cpu / minutes, XCPU: cost.xcpu / minutes, PSS: cost.pss, Samples: s.Samples, BlindShare: float64(s.Blind) / float64(s.Samples),
	}
}

// costs are seconds of processor time and megabytes.
type costs struct{ cpu, xcpu, pss float64 }

// play starts a player for a while and films the screen from before its start.
func play(t *testing.T, d *witness.Display, player, program string, items []medium, over []scene.Zone, long time.Duration) (*witness.Film, costs) {
	t.Helper()
	screen, err := d.Screen()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	cmd, stdin := command(t, player, program, d.Name, items)
	xBefore := cpuOf(t, d.PID())
	begun := make(chan error, 1)
	var film *witness.Film
	done := make(chan struct{})
	go func() {
		defer close(done)
		film, err = witness.Watch(ctx, screen, witness.Watching{
			Looks: []witness.Look{{Zone: image.Rectangle{Max: fullHD}, Sizes: []image.Point{fullHD}, Fit: scene.Stretch}},
			Each:  once(func() { begun <- cmd.Start() }),
		})
	}()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	if stdin != nil {
		send(t, stdin, items, over)
	}
	<-done
	cost := costs{cpu: cpuOf(t, cmd.Process.Pid), xcpu: cpuOf(t, d.PID()) - xBefore, pss: pssOf(cmd.Process.Pid)}
	if stdin != nil {
		fmt.Fprintln(stdin, `{"op":"quit"}`)
	} else {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	_ = cmd.Wait() // how mpv ends is its own affair
	if err != nil {
		t.Fatal(err)
	}
	return film, cost
}

// once runs f at the first sample.
func once(f func()) func(witness.Sample) {
	ran := false
	return func(witness.Sample) {
		if !ran {
			ran = true
			f()
		}
	}
}

func command(t *testing.T, player, program, display string, items []medium) (*exec.Cmd, io.WriteCloser) {
	t.Helper()
	if player == "mpv" {
		args := []string{"--no-config", "--vo=x11", "--hwdec=no", "--prefetch-playlist", "--loop-playlist=inf", "--no-osc", "--no-audio", "--osd-level=0",
			"--really-quiet", "--no-border", "--geometry=1920x1080+0+0", "--image-display-duration=2"}
		for _, m := range items {
			args = append(args, m.Src)
		}
		cmd := exec.Command("mpv", args...)
		cmd.Env = append(os.Environ(), "DISPLAY="+display)
		return cmd, nil
	}
	cmd := exec.Command(program, "--display", display)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, stdin
}

// send queues one scene that goes round and round.
func send(t *testing.T, w io.Writer, items []medium, over []scene.Zone) {
	t.Helper()
	z := scene.Zone{At: scene.Rect{0, 0, fullHD.X, fullHD.Y}}
	for _, m := range items {
		m.Fit = scene.Stretch
		z.Playlist = append(z.Playlist, m.Item)
	}
	s := scene.Scene{Zones: append([]scene.Zone{z}, over...)}
	c := pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: fullHD.X, Height: fullHD.Y}, Scene: &s}
	if err := json.NewEncoder(w).Encode(c); err != nil {
		t.Fatal(err)
	}
}

// cpuOf is the processor time of a process in seconds (proc(5), stat, fields 14 and 15 in hundredths).
func cpuOf(t *testing.T, pid int) float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// pssOf is the proportional memory of a process in megabytes.
func pssOf(pid int) float64 {
	b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}
