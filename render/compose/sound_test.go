package compose_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/compose"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// band is what plays beds in these tests: it notes what it is told.
type band struct {
	mu    sync.Mutex
	loads []string
	now   int   // volume
	steps []int // all volumes
}

func (b *band) Load(items []scene.Item) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, it := range items {
		if it.Src == "broken" {
			return errors.New("it is broken")
		}
		names = append(names, it.Src)
	}
	b.loads = append(b.loads, strings.Join(names, "+"))
	b.now = 0
	return nil
}

func (b *band) SetVolume(v int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now, b.steps = v, append(b.steps, v)
}

func (b *band) Err() error { return nil }

func (b *band) Stop() { b.SetVolume(0) }

func (b *band) Close() {}

func (b *band) sounds(t *testing.T, when string, volume int, loads ...string) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now != volume || !slices.Equal(b.loads, loads) {
		t.Errorf("%s the volume is %d and loaded was %q; want %d and %q", when, b.now, b.loads, volume, loads)
	}
}

func with(s scene.Scene, bed *scene.Bed) scene.Scene { s.Audio = bed; return s }

func bed(volume, duck int, srcs ...string) *scene.Bed {
	out := &scene.Bed{Volume: volume, Duck: duck}
	for _, s := range srcs {
		out.Playlist = append(out.Playlist, scene.Item{Kind: scene.Audio, Src: s})
	}
	return out
}

func loud(it scene.Item, volume int) scene.Item {
	it.Volume = volume
	return it
}

func TestABedGoesOnAcrossScenesAndGivesWayToSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, with(reel(still("red", time.Hour)), bed(80, 50, "a", "b")))
		time.Sleep(sec(0.2))
		synctest.Wait()
		th.band.mu.Lock()
		if v := th.band.now; v < 20 || v > 60 {
			t.Errorf("half of the way in, the volume is %d, want about 40", v)
		}
		th.band.mu.Unlock()
		time.Sleep(time.Second)
		th.band.sounds(t, "below a silent scene", 80, "a+b")

		th.scene(2, with(reel(loud(film("red"), 60), still("green", 3*time.Second)), bed(80, 50, "a", "b")))
		time.Sleep(time.Second)
		th.band.sounds(t, "below a video with sound", 40, "a+b")
		if v := th.volume("red"); v != 60 {
			t.Errorf("the video's volume is %d, want 60", v)
		}
		th.stage.Do(pipe.Command{Op: pipe.OpVolume, Volume: 50})
		time.Sleep(500 * time.Millisecond)
		th.band.sounds(t, "at half the master volume", 20, "a+b")
		if v := th.volume("red"); v != 30 {
			t.Errorf("the video's volume is %d, want 30", v)
		}
		time.Sleep(time.Second)
		th.band.sounds(t, "after the video", 40, "a+b")

		th.stage.Do(pipe.Command{Op: pipe.OpVolume, Volume: 100})
		th.scene(3, with(reel(still("red", time.Hour)), bed(0, 0, "c")))
		time.Sleep(2 * time.Second)
		th.band.sounds(t, "with another bed", 100, "a+b", "c")
		th.stage.Do(pipe.Command{Op: pipe.OpScreen})
		time.Sleep(time.Second)
		th.band.sounds(t, "while the screen is off", 0, "a+b", "c")
		th.stage.Do(pipe.Command{Op: pipe.OpScreen, On: true})
		th.scene(4, reel(still("red", time.Hour)))
		time.Sleep(time.Second)
		th.band.sounds(t, "below a scene without a bed", 0, "a+b", "c")

		th.band.mu.Lock()
		defer th.band.mu.Unlock()
		for i := 1; i < len(th.band.steps); i++ {
			if a, b := th.band.steps[i-1], th.band.steps[i]; max(a, b)-min(a, b) > 20 {
				t.Errorf("the volume jumps from %d to %d", a, b)
			}
		}
	})
}

func TestABedThatCannotBePlayedIsReportedOnceAndTheSceneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		for id := range uint64(3) {
			th.scene(id+1, with(reel(still("red", time.Hour)), bed(0, 0, "broken")))
			time.Sleep(time.Second)
			th.shows("with a broken bed", "red")
		}
		var failed []string
		for id := range uint64(3) {
			if n, r := th.count(pipe.EvFailed, id+1); n > 0 {
				failed = append(failed, fmt.Sprintln(n, r.Src, r.Error))
			}
		}
		if len(failed) != 1 || !strings.HasPrefix(failed[0], "1 broken") {
			t.Errorf("reported were %q, want one failure of it", failed)
		}
	})
}

func TestTheSoundOfATransitionGoesTheWayOfItsPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		long := func(src string) scene.Item {
			return scene.Item{Kind: scene.Video, Src: src, For: scene.Duration(time.Second), Volume: 100}
		}
		th.scene(1, reel(long("red"), comes(long("blue"), second("fade", ""))))
		time.Sleep(sec(1.48))
		if a, b := th.volume("red"), th.volume("blue"); a < 44 || a > 56 || b < 44 || b > 56 {
			t.Errorf("in the middle the volumes are %d and %d, want about 50 each", a, b)
		}
	})
}

var _ compose.Sound = (*band)(nil)
