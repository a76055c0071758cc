package pipe_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// The renderer of these tests is this test program itself: it tells the test over a socket what it is told.
func TestMain(m *testing.M) {
	switch os.Getenv("PIPE_TEST_ROLE") {
	case "renderer":
		playRenderer(os.Getenv("PIPE_TEST_SOCKET"))
	case "stillborn":
		playStillborn(os.Getenv("PIPE_TEST_SOCKET"))
	case "player":
		playPlayer()
	default:
		os.Exit(m.Run())
	}
}

// playRenderer reports each queued scene as started; it dies or hangs when a shot's path says so.
func playRenderer(socket string) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		os.Exit(9)
	}
	out := pipe.NewReporter(os.Stdout)
	_ = out.Report(pipe.Report{Ev: pipe.EvReady, PID: os.Getpid()})
	fmt.Fprintln(os.Stderr, "a line on standard error")
	err = pipe.ReadCommands(os.Stdin, func(c pipe.Command) error {
		_ = json.NewEncoder(conn).Encode(c)
		switch {
		case c.Op == pipe.OpQuit:
			return io.EOF
		case c.Path == "die":
			os.Exit(3)
		case c.Path == "hang":
			select {}
		case c.Op == pipe.OpQueue && (c.Now || c.ID == 1):
			_ = out.Report(pipe.Report{Ev: pipe.EvStarted, ID: c.ID})
			_ = out.Report(pipe.Report{Ev: pipe.EvPulse, ID: c.ID, Reels: []pipe.Reel{{Zone: 3, Item: 2, At: scene.Duration(time.Hour)}}})
		}
		return nil
	}, func(error) {})
	if err == nil {
		_ = json.NewEncoder(conn).Encode(pipe.Command{Op: "end of input"})
	}
}

// playStillborn ends before it has shown anything, as a renderer without a display does.
func playStillborn(socket string) {
	if _, err := net.Dial("unix", socket); err != nil {
		os.Exit(9)
	}
	fmt.Fprintln(os.Stderr, "there is no display")
	os.Exit(1)
}

// playPlayer runs a renderer until it is killed.
func playPlayer() {
	r, err := pipe.New(config(os.Getenv("PIPE_TEST_SOCKET")))
	if err != nil {
		os.Exit(9)
	}
	_ = r.Run(context.Background())
}

func config(socket string) pipe.Config {
	own, _ := os.Executable()
	return pipe.Config{
		Program: own, Env: append(os.Environ(), "PIPE_TEST_ROLE=renderer", "PIPE_TEST_SOCKET="+socket),
		Log: slog.New(slog.DiscardHandler), Silence: 500 * time.Millisecond,
	}
}

// stage listens for what renderers are told.
type stage struct {
	t      *testing.T
	socket string
	lives  chan *life
}

// life is one renderer process.
type life struct {
	t     *testing.T
	lines *bufio.Scanner
	conn  net.Conn
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, socket: filepath.Join(t.TempDir(), "s"), lives: make(chan *life, 16)}
	l, err := net.Listen("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.lives <- &life{t: t, lines: bufio.NewScanner(conn), conn: conn}
		}
	}()
	return s
}

const tooLong = 20 * time.Second

func (s *stage) next() *life {
	s.t.Helper()
	select {
	case l := <-s.lives:
		_ = l.conn.SetReadDeadline(time.Now().Add(tooLong))
		return l
	case <-time.After(tooLong):
		s.t.Fatal("no renderer was started")
		return nil
	}
}

// hears reads the next command.
func (l *life) hears(op string) pipe.Command {
	l.t.Helper()
	if !l.lines.Scan() {
		l.t.Fatalf("the renderer ended before it was told %q: %v", op, l.lines.Err())
	}
	var c pipe.Command
	if err := json.Unmarshal(l.lines.Bytes(), &c); err != nil {
		l.t.Fatal(err)
	}
	if c.Op != op {
		l.t.Fatalf("the renderer was told %s, want %q", l.lines.Bytes(), op)
	}
	return c
}

func (l *life) ends() {
	l.t.Helper()
	if l.lines.Scan() {
		l.t.Fatalf("the renderer was told %s, want its end", l.lines.Bytes())
	}
	if err := l.lines.Err(); errors.Is(err, os.ErrDeadlineExceeded) {
		l.t.Fatal("the renderer did not end")
	}
}

func run(t *testing.T, cfg pipe.Config) (r *pipe.Renderer, stop func()) {
	t.Helper()
	r, err := pipe.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return r, stop
}

func report(t *testing.T, r *pipe.Renderer, ev string) pipe.Report {
	t.Helper()
	for {
		select {
		case rep := <-r.Reports():
			if rep.Ev == ev {
				return rep
			}
		case <-time.After(tooLong):
			t.Fatalf("no report %q", ev)
		}
	}
}

func queue(id uint64, now bool) pipe.Command {
	return pipe.Command{Op: pipe.OpQueue, ID: id, Now: now, Scene: &scene.Scene{Zones: []scene.Zone{}}}
}

func send(t *testing.T, r *pipe.Renderer, c pipe.Command) {
	t.Helper()
	if err := r.Send(c); err != nil {
		t.Fatal(err)
	}
}

func TestARendererThatDiesIsStartedAgainAndToldWhatItShowed(t *testing.T) {
	for _, how := range []string{"die", "hang"} {
		t.Run(how, func(t *testing.T) {
			s := newStage(t)
			r, _ := run(t, config(s.socket))
			send(t, r, pipe.Command{Op: pipe.OpSettings, Locale: "fr"})
			send(t, r, pipe.Command{Op: pipe.OpVolume, Volume: 20})
			send(t, r, queue(1, true))
			first := s.next()
			first.hears(pipe.OpSettings)
			first.hears(pipe.OpVolume)
			first.hears(pipe.OpQueue)
			report(t, r, pipe.EvStarted)
			send(t, r, queue(2, false))
			first.hears(pipe.OpQueue)
			update := queue(1, false)
			update.Op, update.Scene = pipe.OpUpdate, &scene.Scene{Background: "#123456", Zones: []scene.Zone{}}
			send(t, r, update)
			first.hears(pipe.OpUpdate)
			send(t, r, pipe.Command{Op: pipe.OpShot, Path: how})
			first.hears(pipe.OpShot)
			if rep := report(t, r, pipe.EvFailed); rep.ID != 0 || len(rep.Error) < 20 {
				t.Errorf("the end is reported as %+v", rep)
			}
			second := s.next()
			if c := second.hears(pipe.OpSettings); c.Locale != "fr" {
				t.Errorf("settings after the restart: %+v", c)
			}
			if c := second.hears(pipe.OpVolume); c.Volume != 20 {
				t.Errorf("volume after the restart: %+v", c)
			}
			if c := second.hears(pipe.OpQueue); len(c.Reels) != 1 || c.Reels[0].Zone != 3 || c.Reels[0].Item != 2 || time.Duration(c.Reels[0].At) < time.Hour {
				t.Errorf("its playlists are to begin at %+v, want where the pulse said", c.Reels)
			} else if c.ID != 1 || !c.Now || c.Start <= 0 || c.Scene.Background != "#123456" {
				t.Errorf("what was on the screen is queued as %+v; want showing 1, now, from where it was, as updated", c)
			}
			if c := second.hears(pipe.OpQueue); c.ID != 2 || c.Now {
				t.Errorf("then %+v; want showing 2 to wait", c)
			}
			send(t, r, queue(3, true))
			second.hears(pipe.OpQueue)
			if rep := report(t, r, pipe.EvStarted); rep.ID != 3 {
				t.Errorf("heard that showing %d started; want only 3, for 1 had started before", rep.ID)
			}
		})
	}
}

func TestAnOrderlyEndQuitsAndAHeldOneLeavesThePicture(t *testing.T) {
	for hold, want := range map[bool]string{false: pipe.OpQuit, true: "end of input"} {
		t.Run(want, func(t *testing.T) {
			s := newStage(t)
			cfg := config(s.socket)
			cfg.Hold = hold
			r, stop := run(t, cfg)
			l := s.next()
			report(t, r, pipe.EvReady)
			stop()
			l.hears(want)
			l.ends()
		})
	}
}

func TestNoRendererOutlivesThePlayer(t *testing.T) {
	s := newStage(t)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	player := exec.Command(own)
	player.Env = append(os.Environ(), "PIPE_TEST_ROLE=player", "PIPE_TEST_SOCKET="+s.socket)
	if err := player.Start(); err != nil {
		t.Fatal(err)
	}
	l := s.next()
	if err := player.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = player.Wait() // killed
	for l.lines.Scan() {
		continue
	}
	if err := l.lines.Err(); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the renderer lives on")
	}
}

func TestAProgramThatCannotBeStartedIsReported(t *testing.T) {
	cfg := config("")
	cfg.Program = filepath.Join(t.TempDir(), "missing")
	r, _ := run(t, cfg)
	if rep := report(t, r, pipe.EvFailed); !strings.Contains(rep.Error, "check that the file is there") {
		t.Errorf("reported: %q", rep.Error)
	}
	if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: "x.png"}); err == nil {
		t.Error("a shot without a renderer was taken on")
	}
}

func TestARendererThatNeverStartsSaysWhyOnce(t *testing.T) {
	s := newStage(t)
	cfg := config(s.socket)
	cfg.Env = append(cfg.Env, "PIPE_TEST_ROLE=stillborn")
	log := &bytes.Buffer{} // slog's handler locks it
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	_, stop := run(t, cfg)
	for range 5 { // by then four of them have ended
		s.next()
	}
	stop()
	if n := strings.Count(log.String(), "there is no display"); n != 1 {
		t.Errorf("the reason is logged %d times:\n%s", n, log)
	}
}

func TestCommandsThatMeanNothingAreRefused(t *testing.T) {
	r, err := pipe.New(pipe.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []pipe.Command{
		{}, {Op: "dance"}, {Op: pipe.OpQueue}, {Op: pipe.OpQueue, ID: 1}, {Op: pipe.OpQueue, Scene: &scene.Scene{}}, {Op: pipe.OpShot}, {Op: pipe.OpQuit},
	} {
		if r.Send(c) == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestALineWithoutAnEndIsNotReadForEver(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("{\"op\":\"quit\"}\nnonsense\n"), io.LimitReader(zeros{}, 2*pipe.MaxLine))
	var got, bad int
	err := pipe.ReadCommands(endless, func(pipe.Command) error { got++; return nil }, func(error) { bad++ })
	if err == nil || got != 1 || bad != 1 {
		t.Errorf("%d commands, %d refused, error %v; want 1, 1 and an error", got, bad, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"op":"queue","id":1,"canvas":{"width":1,"height":1},"scene":{"for":"2s","zones":[]}}`))
	f.Add([]byte(`{"op":"shot","path":"x.png"}`))
	f.Add([]byte(`{"op":"queue","id":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := pipe.ParseCommand(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", c, err)
		}
		if _, err := pipe.ParseCommand(again); err != nil {
			t.Fatalf("%s was written and is refused: %v", again, err)
		}
	})
}
