// Command soak answers: does the player's memory stay level over a week?
//
//	media, bundle of short items ──import──> vitrine-player ──> vitrine-render ──> Xvfb
//	                                             │ own memory       │ own memory, in proportion
//	                                             └── every 2 s ─────┴──> straight lines, with their confidence ──> verdict, SVG
//
// The items of a real week, of 10 s each, are 60,480 changes. Here they are short, so that thousands come in some minutes; the
// growth for each change, after a time to warm up, is what would be 60,480 times as much in a week.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"vitrine/agent/control"
	"vitrine/render/witness"
)

const (
	week      = 7 * 24 * 3600 / 10      // changes
	tolerance = 96.0                    // MiB in a week, which no one would notice
	warm      = 0.33                    // of the run, which is not counted
	every     = 1700 * time.Millisecond // of no length of an item
)

func main() {
	bin := flag.String("bin", "bin", "`folder` of the programs")
	long := flag.Duration("for", 15*time.Minute, "how `long` it plays")
	out := flag.String("out", "out", "`folder` for soak.svg and soak.json")
	headless := flag.Bool("headless", false, "draw into memory instead of an Xvfb")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bin, *out, *long, *headless); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak is one run.
type soak struct {
	bin, dir string
	changes  atomic.Int64
	begun    time.Time
	samples  []sample
}

// sample is the memory at one instant, MiB in proportion (Pss_Anon and Pss_Shmem of proc_pid_smaps(5)).
type sample struct {
	At       float64 `json:"at"` // seconds
	Changes  int64   `json:"changes"`
	Scene    string  `json:"scene"`
	Player   float64 `json:"player"`
	Renderer float64 `json:"renderer"`
	Process  int     `json:"process"` // of the renderer
	Dropped  uint64  `json:"dropped"`
}

func run(ctx context.Context, bin, out string, long time.Duration, headless bool) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vitrine-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &soak{bin: bin, dir: dir}
	fmt.Println("making media")
	if err := s.prepare(ctx); err != nil {
		return err
	}
	args := []string{"run", "--debug", "--data", s.path("player"), "--usb=false", "--cec=false", "--renderer-memory", "4096"}
	if headless {
		args = append(args, "--headless", "1280x720")
	} else {
		d, err := witness.StartXvfb(ctx, image.Pt(1280, 720))
		if err != nil {
			return err
		}
		defer d.Close()
		args = append(args, "--display", d.Name)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	done, err := s.play(ctx, args)
	if err != nil {
		return err
	}
	err = errors.Join(s.load(ctx), s.watch(ctx, long))
	end()
	<-done
	if err != nil {
		return err
	}
	return s.judge(out)
}

func (s *soak) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// play starts the player and counts what comes onto the screen.
func (s *soak) play(ctx context.Context, args []string) (done chan struct{}, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "vitrine-player"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			switch line := lines.Text(); {
			case strings.Contains(line, `msg="item on the screen"`):
				s.changes.Add(1)
			case strings.Contains(line, "ALSA lib"), strings.Contains(line, "pw.conf"): // there is no sound card
			case strings.Contains(line, "level=WARN"), strings.Contains(line, "level=ERROR"):
				fmt.Println(line)
			}
		}
		_ = cmd.Wait() // how it ended is in its log
	}()
	return done, nil
}

// load hands the player the bundle, with the words that it asks for.
func (s *soak) load(ctx context.Context) error {
	c := control.Dial(s.path("player"))
	for {
		_, err := c.Status(ctx)
		if err == nil {
			break
		}
		if !pause(ctx, 200*time.Millisecond) {
			return errors.New("the player does not come up")
		}
	}
	none := func(control.Step) {}
	_, err := c.Import(ctx, s.path("soak.vitrine"), "", none)
	if err == nil {
		return errors.New("the player took a bundle of a stranger")
	}
	m := regexp.MustCompile(`--trust "([^"]+)"`).FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	_, err = c.Import(ctx, s.path("soak.vitrine"), m[1], none)
	return err
}

// watch samples the memory, and gives the sources other rows meanwhile.
func (s *soak) watch(ctx context.Context, long time.Duration) error {
	c := control.Dial(s.path("player"))
	s.begun = time.Now()
	said := time.Now()
	for n := 0; time.Since(s.begun) < long; n++ {
		if err := s.rows(n); err != nil {
			return err
		}
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		at := sample{At: time.Since(s.begun).Seconds(), Changes: s.changes.Load(), Scene: st.Showing.Scene, Renderer: pss(st.Renderer.PID), Process: st.Renderer.PID, Dropped: st.Renderer.Dropped}
		if pid := s.playerPID(); pid > 0 {
			at.Player = pss(pid)
		}
		if st.Renderer.PID != 0 {
			s.samples = append(s.samples, at)
		}
		if time.Since(said) > 30*time.Second {
			said = time.Now()
			fmt.Printf("%5.0f s  %6d changes  player %5.1f MiB  renderer %6.1f MiB  %d held back\n", at.At, at.Changes, at.Player, at.Renderer, len(st.Held))
		}
		if !pause(ctx, every) {
			return errors.New("interrupted")
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// judge prints the lines, writes them down and says whether they are level.
func (s *soak) judge(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(s.samples, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(out, "soak.json"), b, 0o644)
	}
	if err != nil {
		return err
	}
	lines := []line{fit("player", s.samples, func(p sample) float64 { return p.Player }), fit("renderer", s.samples, func(p sample) float64 { return p.Renderer })}
	if err := os.WriteFile(filepath.Join(out, "soak.svg"), plot(s.samples, lines), 0o644); err != nil {
		return err
	}
	var bad []error
	for _, l := range lines {
		fmt.Println(l)
		if l.low() > tolerance {
			bad = append(bad, fmt.Errorf("the %s grows by at least %.0f MiB in a week", l.name, l.low()))
		}
	}
	fmt.Printf("%d changes in %.0f s; the plot is %s\n", s.changes.Load(), time.Since(s.begun).Seconds(), filepath.Join(out, "soak.svg"))
	if renderers := processes(s.samples); renderers > 1 {
		bad = append(bad, fmt.Errorf("the renderer was started anew %d times", renderers-1))
	}
	return errors.Join(bad...)
}
