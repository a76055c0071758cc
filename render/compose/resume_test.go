package compose_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func TestEveryPlaylistGoesOnWhereAPulseSaidThatItWas(t *testing.T) {
	halves := func() scene.Scene {
		long := scene.Item{Kind: scene.Video, Src: "white", For: scene.Duration(7 * time.Second)} // three times and a half
		return scene.Scene{For: scene.Duration(time.Hour), Zones: []scene.Zone{
			{At: scene.Rect{0, 0, 32, 32}, Z: 1, Playlist: []scene.Item{film("red"), film("blue"), film("green")}},
			{At: scene.Rect{0, 0, 64, 32}, Text: &scene.Text{Text: "white"}},
			{At: scene.Rect{32, 0, 32, 32}, Playlist: []scene.Item{still("green", 3*time.Second), long, still("blue", time.Second)}},
		}}
	}
	var pulse pipe.Report
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(7, halves())
		time.Sleep(sec(9)) // blue; white for 6 seconds of 7
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		pulse = th.pulse
	})
	if pulse.ID != 7 || len(pulse.Reels) != 2 {
		t.Fatalf("the pulse tells of showing %d %+v, want two playlists of 7", pulse.ID, pulse.Reels)
	}
	late := slices.Clone(pulse.Reels)
	for i := range late { // a renderer that needed a second and a half to be back
		late[i].At += scene.Duration(1500 * time.Millisecond)
	}
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		s := halves()
		th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 9, Now: true, Canvas: scene.Size{Width: size.X, Height: size.Y}, Scene: &s, Reels: late})
		time.Sleep(sec(0.2))
		th.sees("late", spots{left: colours["green"], right: colours["blue"]})
	})
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		s := halves()
		th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 8, Now: true, Canvas: scene.Size{Width: size.X, Height: size.Y}, Scene: &s, Start: scene.Duration(9 * time.Second), Reels: pulse.Reels})
		time.Sleep(sec(0.5))
		th.sees("at once", spots{left: colours["blue"], right: colours["white"]})
		time.Sleep(time.Second)
		th.sees("a second later", spots{left: colours["green"], right: colours["blue"]})
		time.Sleep(time.Second)
		th.sees("another second later", spots{left: colours["green"], right: colours["green"]})
	})
}

func TestAPulseTellsTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		if mb := th.pulse.Memory >> 20; mb < 1 || mb > 1000 {
			t.Errorf("a pulse tells %d MB", mb)
		}
	})
}
