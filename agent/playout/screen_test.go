package playout_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// wall is the clock of the test's bubble.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: clock.Trusted, Now: time.Now()}, nil
}

// content hands out a bundle.
type content struct{ bundle.Content }

func (c content) Roots(context.Context) ([][]byte, error)  { return c.Content.Roots, nil }
func (c content) Manifest(context.Context) ([]byte, error) { return c.Envelope, nil }
func (c content) Blob(_ context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := c.Open(d)
	if err == nil {
		_, err = io.CopyN(io.Discard, r, from)
	}
	return r, err
}

// screen plays what it is told as a renderer would: one scene after the other, each for its length, videos for 8 s.
type screen struct {
	reports chan pipe.Report
	bad     map[string]bool // names of files that fail
	lag     time.Duration   // that each scene takes to come up

	mu       sync.Mutex
	on       *pipe.Command
	waiting  *pipe.Command
	overlays int
	dark     bool
	loud     []string // "percent@time"
	anew     []string // what was on when it was to be started anew
	timer    *time.Timer
	log      []string // "name@second since midnight", "name+3s@second" when it began there
}

func newScreen() *screen {
	return &screen{reports: make(chan pipe.Report, 256), bad: map[string]bool{}}
}

func (s *screen) Reports() <-chan pipe.Report { return s.reports }

// name is what a person sees: the first medium, text or widget.
func name(sc *scene.Scene) string {
	for _, z := range sc.Zones {
		switch {
		case z.Card != nil:
			return "card"
		case z.Text != nil:
			return z.Text.Text
		case z.Ticker != nil:
			return strings.Join(z.Ticker.Items, "|")
		}
	}
	return "?"
}

func (s *screen) Send(c pipe.Command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c.Op {
	case pipe.OpQueue:
		if s.waiting != nil {
			s.tell(pipe.Report{Ev: pipe.EvEnded, ID: s.waiting.ID, Reason: "replaced"})
		}
		s.waiting = &c
		if c.Now || s.on == nil {
			s.change("replaced")
		}
	case pipe.OpUpdate:
		s.log = append(s.log, fmt.Sprintf("%s~%s", name(c.Scene), time.Now().UTC().Format("15:04:05")))
		if s.on != nil && s.on.ID == c.ID {
			s.on.Scene = c.Scene
		}
	case pipe.OpOverlay:
		s.overlays = len(c.Overlays)
	case pipe.OpVolume:
		s.loud = append(s.loud, fmt.Sprintf("%d@%s", c.Volume, time.Now().UTC().Format("15:04:05")))
	case pipe.OpScreen:
		s.dark = !c.On
	}
	return nil
}

// change puts the waiting scene on; mu is held.
func (s *screen) change(reason string) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if w := s.waiting; w != nil && !w.Epoch.IsZero() {
		if left := time.Until(w.Epoch.Add(time.Duration(w.Start))); left > 0 { // it waits for its time
			s.timer = time.AfterFunc(left, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.waiting == w {
					s.change(reason)
				}
			})
			return
		}
	}
	if s.on != nil {
		s.tell(pipe.Report{Ev: pipe.EvEnded, ID: s.on.ID, Reason: reason, Presented: 100})
	}
	s.on, s.waiting = s.waiting, nil
	if s.on == nil {
		return
	}
	if s.bad[name(s.on.Scene)] {
		s.tell(pipe.Report{Ev: pipe.EvFailed, ID: s.on.ID, Error: "cannot be read"})
		s.change("failed")
		return
	}
	from := ""
	if s.on.Start > 0 {
		from = "+" + time.Duration(s.on.Start).String()
	}
	s.log = append(s.log, fmt.Sprintf("%s%s@%s", name(s.on.Scene), from, time.Now().UTC().Format("15:04:05")))
	s.tell(pipe.Report{Ev: pipe.EvStarted, ID: s.on.ID})
	length, known := s.on.Scene.Length()
	if !known {
		length = scene.Duration(8 * time.Second)
	}
	on := s.on
	stays := time.Duration(length - s.on.Start)
	if e := s.on.Epoch; !e.IsZero() {
		stays = time.Until(e.Add(time.Duration(length)))
	}
	s.timer = time.AfterFunc(stays+s.lag, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.on == on {
			s.change("time")
		}
	})
}

func (s *screen) tell(r pipe.Report) {
	r.At = time.Now()
	s.reports <- r
}

// seen is what was put on since the last call.
func (s *screen) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log
	s.log = nil
	return l
}

func (s *screen) isDark() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dark
}

// above is how many overlays are on.
func (s *screen) above() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overlays
}

// mend makes a file readable again.
func (s *screen) mend(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bad, name)
}

// say is a scene of one text.
func say(text string, length time.Duration) scene.Scene {
	return scene.Scene{For: scene.Duration(length), Zones: []scene.Zone{{At: scene.Rect{0, 0, 1920, 1080}, Text: &scene.Text{Text: text}}}}
}

func picture() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 4, 4))); err != nil {
		panic(err)
	}
	return b.Bytes()
}
