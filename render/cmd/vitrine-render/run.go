package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"log/slog"
	"sync"
	"time"

	"vitrine/render/compose"
	"vitrine/render/media"
	"vitrine/render/mpv"
	"vitrine/render/output"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	mpv.Frugal()
	first := warm(s.hwdec) // libmpv starts while the screen is opened
	say := newTeller(pipe.NewReporter(stdout), log)
	d := &desk{say: say.report, log: log}
	out, err := d.open(s)
	if s.probe {
		return probe(stdout, s, out, err, first)
	}
	if err != nil {
		return err
	}
	return show(ctx, s, d, out, first, log, stdin, say)
}

// player is libmpv's first core, being started.
type player struct {
	done chan struct{}
	wake func()
	mu   sync.Mutex
	core *mpv.Core
	err  error
}

func warm(hwdec string) *player {
	p := &player{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.core, p.err = mpv.New(mpv.Config{Wake: p.woken, Hwdec: hwdec})
	}()
	return p
}

func (p *player) woken() {
	p.mu.Lock()
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// video hands out the core that was started first, then new ones.
func (p *player) video(hwdec string) func(wake func()) (compose.Video, error) {
	return func(wake func()) (compose.Video, error) {
		<-p.done
		p.mu.Lock()
		core, first := p.core, p.wake == nil
		p.wake = wake
		p.mu.Unlock()
		if p.err != nil {
			return nil, p.err
		}
		if first {
			return core, nil
		}
		want := hwdec
		if found := core.Hwdec(); want == "" && found != "no" {
			want = found // the search that the first core made is not made again
		}
		return mpv.New(mpv.Config{Wake: wake, Hwdec: want})
	}
}

func (p *player) version() string {
	<-p.done
	if p.err != nil {
		return ""
	}
	return p.core.Version()
}

// show is the renderer's life: commands in, frames and reports out. On an orderly end the window goes; when the player
// is gone (stdin ends) or this process is killed, the last frame stays on the screen.
func show(ctx context.Context, s settings, d *desk, out output.Output, first *player, log *slog.Logger, stdin io.Reader, say *teller) error {
	palette, pages := newPalette(s.cache), &webs{log: log}
	defer pages.close()
	stage, err := compose.New(compose.Config{
		Output: out, Video: first.video(s.hwdec), Picture: picture, Other: other(s.hwdec, pages), Sound: sound, Widget: palette.widget,
		Report: d.report, MPV: first.version(), Log: log,
	})
	if err != nil {
		return err
	}
	ctx, orphaned := context.WithCancelCause(ctx)
	go func() {
		err := pipe.ReadCommands(stdin, func(c pipe.Command) error { pages.hear(c); stage.Do(c); return nil },
			func(err error) { log.Error("command refused", "error", err) })
		orphaned(errors.Join(errOrphan, err))
	}()
	err = stage.Run(ctx)
	say.close()
	if d.leave(err) {
		return nil
	}
	if err == nil && !errors.Is(context.Cause(ctx), errOrphan) {
		out.Close()
	}
	return err
}

// picture draws the still kinds of item.
func picture(item scene.Item, size image.Point) (*image.RGBA, error) {
	return media.Picture(context.Background(), item, size)
}

// other opens what plays the kinds of item that are neither videos nor still.
func other(hwdec string, pages *webs) func(kind scene.Kind, wake func()) (compose.Video, error) {
	live := func(wake func()) (media.Core, error) {
		core, err := mpv.New(mpv.Config{Wake: wake, Hwdec: hwdec, Live: true})
		if err != nil {
			return nil, err
		}
		return core, nil
	}
	return func(kind scene.Kind, wake func()) (compose.Video, error) {
		switch kind {
		case scene.Animation:
			return media.NewAnimation(wake), nil
		case scene.Web:
			return pages.open(wake)
		case scene.Stream:
			return media.NewStream(media.StreamConfig{Open: live, Wake: wake}), nil
		}
		return nil, fmt.Errorf("this renderer cannot show items of kind %q", kind)
	}
}

// sound opens what plays the beds of scenes.
func sound(wake func()) (compose.Sound, error) { return mpv.NewSound(wake) }

var errOrphan = errors.New("the player is gone")

// teller writes reports without ever holding the stage up.
type teller struct {
	queue chan pipe.Report
	done  chan struct{}
	log   *slog.Logger
}

func newTeller(to *pipe.Reporter, log *slog.Logger) *teller {
	t := &teller{queue: make(chan pipe.Report, 1024), done: make(chan struct{}), log: log}
	go func() {
		defer close(t.done)
		for r := range t.queue {
			if r.Ev == "" || to.Report(r) != nil {
				return // the player is gone; stdin says so too
			}
		}
	}()
	return t
}

func (t *teller) report(r pipe.Report) {
	select {
	case t.queue <- r:
	default:
		if r.Ev != pipe.EvPulse {
			t.log.Error("report lost: the player does not read", "ev", r.Ev, "id", r.ID)
		}
	}
}

// close waits until what is queued has been read, a second at most.
func (t *teller) close() {
	end := time.After(time.Second)
	select {
	case t.queue <- pipe.Report{}:
	case <-end:
		return
	}
	select {
	case <-t.done:
	case <-end:
	}
}

// ability is what --probe prints.
type ability struct {
	MPV     string     `json:"mpv"` // "" = no video
	Video   string     `json:"video_error,omitempty"`
	Hwdec   string     `json:"hwdec"` // what will be asked for
	Output  string     `json:"output"`
	Size    scene.Size `json:"size,omitzero"`
	Refresh float64    `json:"refresh,omitempty"`
	Screen  string     `json:"output_error,omitempty"`
}

func probe(stdout io.Writer, s settings, out output.Output, screen error, first *player) error {
	a := ability{MPV: first.version(), Hwdec: s.hwdec, Output: s.output}
	if a.Hwdec == "" {
		a.Hwdec = mpv.Hwdec()
	}
	if first.err != nil {
		a.Video = first.err.Error()
	}
	if screen != nil {
		a.Screen = screen.Error()
	} else {
		a.Size, a.Refresh = scene.Size{Width: out.Size().X, Height: out.Size().Y}, out.Refresh()
		out.Close()
	}
	if s.json {
		return json.NewEncoder(stdout).Encode(a)
	}
	fmt.Fprintf(stdout, "video    %s\n", or(a.MPV, "none: "+a.Video))
	fmt.Fprintf(stdout, "decoding %s\n", a.Hwdec)
	fmt.Fprintf(stdout, "screen   %s\n", or(a.Screen, fmt.Sprintf("%s, %d×%d, %.4g Hz", a.Output, a.Size.Width, a.Size.Height, a.Refresh)))
	return nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
