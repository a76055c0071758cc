package compose

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"sync"
	"time"

	"vitrine/render/output"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// Stage owns what is on a screen.
type Stage struct {
	cfg    Config
	log    *slog.Logger
	out    output.Output
	size   image.Point
	seen   image.Rectangle // the part of the composition that is on a screen
	place  Place
	ticks  ticks
	videos *videos

	commands chan pipe.Command
	wakes    chan struct{}
	finished chan func()
	over     chan struct{} // closed when Run is over
	work     sync.WaitGroup

	shown, waiting *group
	leaving        *group    // the scene before, during …
	crossing       *crossing // … a transition, nil without one
	above, rising  *group    // overlays: on the screen, and being prepared
	canvas         scene.Size
	off            bool

	main      canvas
	master    int // per cent of all sound
	under     under
	busy      bool          // between Present and Done
	since     time.Time     // of the last Present
	onScreen  []pipe.Report // to be sent when the frame under way is on the screen
	scratch   []byte        // where frames go that nobody sees
	presented uint64
	dropped   uint64 // by videos that have left
	pulse     time.Time
	memory    int64 // proportional bytes, as last looked up …
	weighed   time.Time
	scratched time.Time // when scratch was last used
	litter    bool      // something large was let go since …
	swept     time.Time
}

// errQuit ends the loop on command.
var errQuit = errors.New("quit")

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Stage, error) {
	if cfg.Output == nil || cfg.Video == nil || cfg.Picture == nil || cfg.Widget == nil || cfg.Report == nil {
		return nil, errors.New("a stage needs an output, videos, pictures, widgets and someone to report to")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Stage{
		cfg: cfg, log: cfg.Log, out: cfg.Output, size: cfg.Output.Size(), place: Place{Zone: time.Local},
		commands: make(chan pipe.Command, 64), wakes: make(chan struct{}, 1),
		finished: make(chan func(), 64), over: make(chan struct{}), master: 100, main: canvas{frame: cfg.Output.Frame()},
	}
	s.seen = image.Rectangle{Max: s.size}
	if o, can := cfg.Output.(interface{ Visible() image.Rectangle }); can {
		s.seen = o.Visible()
	}
	s.videos = &videos{open: cfg.Video, wake: s.wake}
	s.under.stage = s
	return s, nil
}

// Do hands a command to Run. It waits while Run is behind.
func (s *Stage) Do(c pipe.Command) {
	select {
	case s.commands <- c:
	case <-s.over:
	}
}

// Run shows what it is told until ctx ends or a quit command comes (nil), or the screen is lost.
func (s *Stage) Run(ctx context.Context) error {
	defer s.close()
	s.ticks = ticks{epoch: time.Now(), period: time.Duration(float64(time.Second) / s.out.Refresh())}
	s.report(pipe.Report{
		Ev: pipe.EvReady, Output: s.out.Name(), Size: scene.Size{Width: s.size.X, Height: s.size.Y},
		Refresh: s.out.Refresh(), MPV: s.cfg.MPV, PID: os.Getpid(),
	})
	s.relayer()
	timer := time.NewTimer(pulseEvery)
	defer timer.Stop()
	for {
		timer.Reset(max(0, time.Until(s.turn(time.Now()))))
		if s.busy && time.Since(s.since) > frozen {
			return fmt.Errorf("the screen has not taken a frame for %v; is its server hung?", frozen)
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.commands:
			err = s.obey(c, time.Now())
		case f := <-s.finished:
			f()
		case err = <-s.out.Done():
			s.shownNow(time.Now())
		case <-s.out.Exposed():
			s.soil(image.Rectangle{Max: s.size})
		case <-s.wakes:
		case <-timer.C:
		}
		if errors.Is(err, errQuit) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the screen is lost: %w", err)
		}
	}
}

// turn does all that is due and says when the next thing is.
func (s *Stage) turn(now time.Time) time.Time {
	t := sooner(s.advance(now), s.beat(now))
	if s.busy {
		s.freshen() // the frame is being read: only what nobody sees
		return t
	}
	s.freshen()
	t = sooner(t, s.shown.paint(now))
	t = sooner(t, s.leaving.paint(now))
	t = sooner(t, s.above.paint(now))
	s.present()
	return t
}

// advance moves reels and scenes on.
func (s *Stage) advance(now time.Time) time.Time {
	t := s.shown.step(now)
	t = sooner(t, s.above.step(now))
	t = sooner(t, s.leaving.step(now))
	t = sooner(t, s.waiting.step(now))
	t = sooner(t, s.rising.step(now))
	t = sooner(t, s.change(now))
	t = sooner(t, s.stepCrossing(now))
	return sooner(t, s.under.step(now))
}

// soil marks a part of the screen as out of date.
func (s *Stage) soil(r image.Rectangle) { s.main.soil(r.Intersect(s.seen)) }

// wake has the loop look around; it may be called from any goroutine and never waits.
func (s *Stage) wake() {
	select {
	case s.wakes <- struct{}{}:
	default:
	}
}

// elsewhere runs work on another goroutine, and what it returns on the loop.
func (s *Stage) elsewhere(work func() func()) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		s.finished <- work() // read until the last one is done: see close
	}()
}

// release takes a video off the loop's hands.
func (s *Stage) release(v Video, lent bool) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		v.Stop()
		s.done(v, lent)
	}()
}

func (s *Stage) report(r pipe.Report) {
	r.At = time.Now()
	s.cfg.Report(r)
}

// beat reports each second that the loop is alive.
func (s *Stage) beat(now time.Time) time.Time {
	if !now.Before(s.pulse) {
		s.pulse = now.Add(pulseEvery)
		r := pipe.Report{Ev: pipe.EvPulse, Presented: s.presented, Dropped: s.lost(), Memory: s.memory, Hwdec: s.hwdec()}
		if s.shown != nil {
			r.ID, r.Reels = s.shown.id, s.shown.reels(now)
		}
		s.report(r)
		s.weigh(now)
		s.sweep(now)
	}
	return s.pulse
}

// lost counts all video frames that came too late.
func (s *Stage) lost() uint64 {
	n := s.dropped
	s.eachReel(func(r *reel) {
		r.eachVideo(func(sl *slot, _ bool) { n += sl.video.Dropped() - sl.lost })
	})
	return n
}

func (s *Stage) hwdec() string {
	out := ""
	s.eachReel(func(r *reel) {
		if r.cur != nil && r.cur.video != nil && out == "" {
			out = r.cur.video.Hwdec()
		}
	})
	return out
}

func (s *Stage) eachReel(do func(*reel)) {
	for _, g := range s.groups() {
		g.eachReel(do)
	}
}

// groups are all that there are; some may be nil.
func (s *Stage) groups() []*group {
	return []*group{s.shown, s.leaving, s.above, s.waiting, s.rising}
}

func (s *Stage) close() {
	close(s.over)
	for _, g := range s.groups() {
		g.leave()
	}
	for s.settleWork() {
		continue
	}
	s.videos.close()
	freeScratch(s.scratch)
	if s.under.sound != nil {
		s.under.sound.Close()
	}
}

// settleWork waits for the other goroutines and takes back what they made; it says whether there was anything.
func (s *Stage) settleWork() bool {
	idle := make(chan struct{})
	go func() { s.work.Wait(); close(idle) }()
	var made []func()
	for waiting := true; waiting; {
		select {
		case f := <-s.finished:
			made = append(made, f)
		case <-idle:
			waiting = false
		}
	}
	for len(s.finished) > 0 {
		made = append(made, <-s.finished)
	}
	for _, f := range made {
		f()
	}
	return len(made) > 0
}
