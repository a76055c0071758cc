package compose_test

import (
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// stays is a scene of one picture with a length.
func stays(colour string, d time.Duration) *scene.Scene {
	return &scene.Scene{For: scene.Duration(d), Zones: []scene.Zone{{At: scene.Rect{0, 0, 64, 32}, Playlist: []scene.Item{{Kind: scene.Image, Src: colour, For: scene.Duration(d)}}}}}
}

// began is when a showing came.
func (th *theatre) beganAt(id uint64) time.Time {
	th.mu.Lock()
	defer th.mu.Unlock()
	for _, r := range th.reports {
		if r.Ev == pipe.EvStarted && r.ID == id {
			return r.At
		}
	}
	return time.Time{}
}

func TestAnAlignedSceneComesAtItsTimeAndLeavesAtItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		epoch, come, next time.Duration // after the test's beginning
	}{
		"one that is early waits":                            {epoch: 700 * time.Millisecond, come: 700 * time.Millisecond, next: 5700 * time.Millisecond},
		"one that is late leaves on time all the same":       {epoch: -300 * time.Millisecond, come: 0, next: 4700 * time.Millisecond},
		"one that is far too late goes by itself":            {epoch: -2500 * time.Millisecond, come: 0, next: 5 * time.Second},
		"one that is far too early does not hold the screen": {epoch: time.Hour, come: 0, next: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				synctest.Wait()
				begin := time.Now()
				canvas := scene.Size{Width: 64, Height: 32}
				th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 1, Canvas: canvas, Scene: stays("red", 5*time.Second), Now: true, Epoch: begin.Add(c.epoch)})
				time.Sleep(2 * time.Second)
				th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 2, Canvas: canvas, Scene: stays("blue", 5*time.Second)})
				time.Sleep(10 * time.Second)
				for id, want := range map[uint64]time.Duration{1: c.come, 2: c.next} {
					if got := th.beganAt(id).Sub(begin); (got - want).Abs() > 20*time.Millisecond { // two steps of 60 Hz, in the bubble's time
						t.Errorf("scene %d came after %v, want %v", id, got, want)
					}
				}
			})
		})
	}
}
