//go:build mpv

package mpv

import (
	"fmt"
	"sync"

	"github.com/gen2brain/go-mpv"

	"vitrine/render/scene"
)

// Sound is a libmpv without a picture that plays some files round and round. Load, Stop and Close may block.
type Sound struct {
	m     *mpv.Mpv
	wake  func()
	ended chan struct{}

	mu      sync.Mutex
	closing bool
	items   int
	failed  int // one after the other
	err     error
}

// NewSound starts a libmpv that has nothing to play yet.
func NewSound(wake func()) (*Sound, error) {
	m, err := start(soundOptions())
	if err != nil {
		return nil, err
	}
	s := &Sound{m: m, wake: wake, ended: make(chan struct{})}
	go s.listen()
	return s, nil
}

// Load plays files round and round, silent until SetVolume. A file that cannot be played is left out; Err says when none can.
func (s *Sound) Load(items []scene.Item) error {
	s.SetVolume(0)
	s.mu.Lock()
	s.items, s.failed, s.err = 0, 0, nil
	s.mu.Unlock()
	var bad error
	for _, it := range items {
		if err := errFile(it.Src); err != nil {
			bad = err
			continue
		}
		how := "append-play"
		s.mu.Lock()
		if s.items == 0 {
			how = "replace"
		}
		s.items++
		s.mu.Unlock()
		if err := s.m.Command([]string{"loadfile", it.Src, how}); err != nil {
			return fmt.Errorf("open the sound %s: %w", it.Src, err)
		}
	}
	if s.items == 0 {
		s.Stop()
		return bad
	}
	return nil
}

// SetVolume is 0 to 100 per cent as on a volume control.
func (s *Sound) SetVolume(percent int) { setVolume(s.m, percent) }

// Err is why nothing of what was loaded can be played, nil while it can.
func (s *Sound) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stop unloads all.
func (s *Sound) Stop() { _ = s.m.Command([]string{"stop"}) }

// Close ends libmpv.
func (s *Sound) Close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.m.Wakeup()
	<-s.ended
	s.m.TerminateDestroy()
}

func (s *Sound) listen() {
	defer close(s.ended)
	for {
		ev := s.m.WaitEvent(-1)
		s.mu.Lock()
		closing := s.closing
		s.mu.Unlock()
		if closing || ev.EventID == mpv.EventShutdown {
			return
		}
		if s.note(ev) {
			s.wake()
		}
	}
}

// note says whether somebody should look.
func (s *Sound) note(ev *mpv.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev.EventID {
	case mpv.EventPlaybackRestart:
		s.failed = 0
	case mpv.EventEnd:
		if end := ev.EndFile(); end.Reason == mpv.EndFileError {
			if s.failed++; s.failed >= s.items {
				s.err = sentence(end.Error)
				return true
			}
		}
	}
	return false
}
