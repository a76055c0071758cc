package agent_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"image"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

var (
	kills = flag.Int("kills", 6, "how often the renderer is killed in a row; the promise is 50")
	long  = flag.Bool("long", false, "climb the ladder too, which waits for things to go wrong for long")
)

// TestMain lets this program stand before the real renderer: it passes everything on, and misbehaves where it is told to.
func TestMain(m *testing.M) {
	if real := os.Getenv("VITRINE_TEST_RENDERER"); real != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(between(real, os.Getenv("VITRINE_TEST_POISON"), os.Getenv("VITRINE_TEST_DEAF")))
	}
	flag.Parse()
	var err error
	if programs, err = os.MkdirTemp("", "vitrine-agent-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// between runs the real renderer. A command that names poison gives it a decoder's fault (SIGSEGV) while it loads; while
// there is the file deaf, scenes do not reach it.
func between(real, poison, deaf string) int {
	signal.Ignore(syscall.SIGTERM)
	cmd := exec.Command(real, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return 9
	}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			if _, err := os.Stat(deaf); err == nil && bytes.Contains(lines.Bytes(), []byte(`"op":"queue"`)) {
				continue
			}
			if _, err := io.WriteString(in, lines.Text()+"\n"); err != nil {
				return
			}
			if poison != "" && bytes.Contains(lines.Bytes(), []byte(poison)) {
				_ = cmd.Process.Signal(syscall.SIGSEGV)
			}
		}
		_ = in.Close()
	}()
	_ = cmd.Wait()
	st := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if st.Signaled() { // end as it has ended
		signal.Reset()
		_ = syscall.Kill(os.Getpid(), st.Signal())
		select {}
	}
	return st.ExitStatus()
}

// withVideo builds the real renderer with libmpv.
func withVideo(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "Xvfb"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on this machine", tool)
		}
	}
	if exec.Command("pkg-config", "--exists", "mpv").Run() != nil {
		t.Skip("libmpv's headers are not on this machine")
	}
	path := filepath.Join(programs, "vitrine-render")
	if _, err := os.Stat(path); err == nil {
		return path // another test has built it
	}
	compat, err := filepath.Abs("../packaging/mpvcompat")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-tags", "mpv", "-o", path, "vitrine/render/cmd/vitrine-render")
	cmd.Env = append(os.Environ(), "CGO_CFLAGS=-O2 -g -I"+compat)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the renderer: %v\n%s", err, out)
	}
	return path
}

func ffmpeg(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error"}, args...), path)...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// filmed watches a display from now on; never black says at the end whether it was.
func filmed(t *testing.T, d *witness.Display) (neverBlack func()) {
	t.Helper()
	screen, err := d.Screen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan *witness.Film, 1)
	go func() {
		defer screen.Close()
		film, err := witness.Watch(ctx, screen, witness.Watching{Hz: 30})
		if err != nil {
			t.Errorf("watch the screen: %v", err)
		}
		done <- film
	}()
	return func() {
		t.Helper()
		stop()
		film, black := <-done, 0
		for _, s := range film.Samples {
			if s.Black {
				black++
			}
		}
		t.Logf("%d looks at the screen, %d black", len(film.Samples), black)
		if black > 0 || len(film.Samples) < 30 {
			t.Errorf("%d of %d looks at the screen were black", black, len(film.Samples))
		}
	}
}

func xvfb(t *testing.T) *witness.Display {
	t.Helper()
	d, err := witness.StartXvfb(t.Context(), image.Pt(320, 180))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// loop plays scenes in turn, each a file that fills the screen.
func loop(order ...string) bundle.Manifest {
	m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{}, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: order}}}
	for _, name := range order {
		item := scene.Item{Kind: scene.Video, Src: "media/" + name}
		if strings.HasSuffix(name, ".png") {
			item.Kind, item.For = scene.Image, scene.Duration(600*time.Millisecond)
		}
		m.Scenes[name] = scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 64, 36}, Playlist: []scene.Item{item}}}}
	}
	return m
}

// bring imports a loop and waits until one of its items is on.
func bring(t *testing.T, c *control.Client, pub *bundletest.Publisher, m bundle.Manifest, files map[string][]byte) {
	t.Helper()
	if _, err := c.Import(t.Context(), pub.File(t, m, files), strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "the content is on", func() bool { return strings.HasSuffix(status(t, c).Showing.Scene, ".png") })
}

func status(t *testing.T, c *control.Client) control.Status {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestItemsThatFailInEveryWayAreHeldBackAndTheScreenIsNeverBlack(t *testing.T) {
	real, d, pub := withVideo(t), xvfb(t), bundletest.New(t)
	good := ffmpeg(t, "good.mkv", "-f", "lavfi", "-i", "color=c=green:s=320x180:r=25:d=1", "-c:v", "mpeg4")
	poison := ffmpeg(t, "poison.mkv", "-f", "lavfi", "-i", "color=c=red:s=320x180:r=25:d=1", "-c:v", "mpeg4")
	files := map[string][]byte{"media/a.png": plain(t, red), "media/b.png": plain(t, blue), "media/good.mkv": good, "media/poison.mkv": poison,
		"media/corrupt.mp4": bytes.Repeat([]byte("not a film. "), 5000), "media/cut.mkv": good[:len(good)/3]}
	t.Setenv("VITRINE_TEST_RENDERER", real)
	t.Setenv("VITRINE_TEST_POISON", string(bundle.DigestOf(poison)))
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Display: d.Name, Renderer: own, Lang: "en"})
	bring(t, c, pub, loop("a.png", "poison.mkv", "good.mkv", "corrupt.mp4", "b.png", "cut.mkv"), files)
	neverBlack := filmed(t, d)
	until(t, "what cannot be shown is held back", func() bool {
		held := status(t, c).Held
		return held["poison.mkv"] != "" && held["corrupt.mp4"] != ""
	})
	for _, want := range []string{"a.png", "good.mkv", "b.png"} {
		until(t, want+" is still shown", func() bool { return status(t, c).Showing.Scene == want })
	}
	neverBlack()
	for item, why := range status(t, c).Held {
		if item != "poison.mkv" && item != "corrupt.mp4" && item != "cut.mkv" {
			t.Errorf("%s is held back too: %s", item, why)
		}
	}
}

func TestARendererThatIsKilledAgainAndAgainLeavesThePicture(t *testing.T) {
	d, pub := xvfb(t), bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Display: d.Name, Renderer: withVideo(t), Lang: "en"})
	files := map[string][]byte{"media/a.png": plain(t, red), "media/b.png": plain(t, blue),
		"media/good.mkv": ffmpeg(t, "good.mkv", "-f", "lavfi", "-i", "color=c=green:s=320x180:r=25:d=1", "-c:v", "mpeg4")}
	bring(t, c, pub, loop("a.png", "good.mkv", "b.png"), files)
	neverBlack := filmed(t, d)
	last := 0
	for range *kills {
		until(t, "a renderer is up", func() bool {
			pid := status(t, c).Renderer.PID
			up := pid != 0 && pid != last
			if up {
				last = pid
			}
			return up
		})
		if err := syscall.Kill(last, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	before := status(t, c).Showing.Since
	until(t, "the next item comes", func() bool { s := status(t, c); return s.Renderer.Output != "" && s.Showing.Since.After(before) })
	neverBlack()
	if s := status(t, c); len(s.Held) > 0 {
		t.Errorf("items are held back for what somebody else has done: %v", s.Held)
	}
}

func TestAScreenThatStandsStillGetsANewRendererAndThenANewPlayer(t *testing.T) {
	if !*long {
		t.Skip("it waits for long: make watchdog")
	}
	d, pub := xvfb(t), bundletest.New(t)
	deaf := filepath.Join(t.TempDir(), "deaf")
	t.Setenv("VITRINE_TEST_RENDERER", withVideo(t))
	t.Setenv("VITRINE_TEST_DEAF", deaf)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a, c, ended := supervised(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Display: d.Name, Renderer: own, Lang: "en", Supervised: true, Patience: 4 * time.Second})
	defer a()
	files := map[string][]byte{"media/a.png": plain(t, red), "media/b.png": plain(t, blue)}
	bring(t, c, pub, loop("a.png", "b.png"), files)
	neverBlack := filmed(t, d)
	if err := os.WriteFile(deaf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pid := status(t, c).Renderer.PID
	until(t, "the renderer is another one", func() bool {
		now, err := c.Status(t.Context())
		return err == nil && now.Renderer.PID != 0 && now.Renderer.PID != pid
	})
	if err := <-ended; err == nil || !strings.Contains(err.Error(), agent.ErrAgain.Error()) {
		t.Errorf("the player ended with: %v", err)
	}
	neverBlack()
}

// supervised runs a player whose end is told instead of being a fault.
func supervised(t *testing.T, cfg agent.Config) (stop func(), c *control.Client, ended <-chan error) {
	t.Helper()
	p, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan error, 1), make(chan struct{})
	go func() { defer close(done); told <- p.Run(ctx) }()
	c = control.Dial(cfg.Dir)
	until(t, "the player answers", func() bool { _, err := c.Status(t.Context()); return err == nil })
	return func() { cancel(); <-done }, c, told
}

func TestARendererNearItsCeilingIsReplacedBehindItsPicture(t *testing.T) {
	d, pub := xvfb(t), bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Display: d.Name, Renderer: withVideo(t), Lang: "en", RendererMemory: 1 << 20})
	files := map[string][]byte{"media/a.png": plain(t, red), "media/b.png": plain(t, blue),
		"media/good.mkv": ffmpeg(t, "good.mkv", "-f", "lavfi", "-i", "color=c=green:s=320x180:r=25:d=1", "-c:v", "mpeg4")}
	bring(t, c, pub, loop("a.png", "good.mkv", "b.png"), files)
	neverBlack := filmed(t, d)
	until(t, "the renderer is another one", func() bool { return status(t, c).Renderer.Renewed > 0 })
	until(t, "it is said that the content needs more", func() bool { return strings.Contains(status(t, c).Checks["renderer"], "--renderer-memory") })
	for _, want := range []string{"a.png", "good.mkv", "b.png"} {
		until(t, want+" is still shown", func() bool { return status(t, c).Showing.Scene == want })
	}
	neverBlack()
	if s := status(t, c); s.Renderer.Renewed != 1 || len(s.Held) > 0 {
		t.Errorf("it was replaced %d times; held back are %v", s.Renderer.Renewed, s.Held)
	}
}
