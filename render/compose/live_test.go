package compose_test

import (
	"image/color"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func TestAStreamWithoutAPictureIsStoodInForUntilItComesAgain(t *testing.T) {
	for _, tc := range []struct {
		name, standIn, meanwhile string
	}{{"with a stand-in", "green", "green"}, {"without one the last frame stays", "", "red"}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				th.scene(1, reel(scene.Item{Kind: scene.Stream, Src: "red", StandIn: tc.standIn, For: scene.Duration(time.Hour)}))
				time.Sleep(sec(0))
				for range 3 {
					th.shows("while the stream has a picture", "red")
					th.stall("red", true)
					th.shows("while it has none", tc.meanwhile)
					th.stall("red", false)
				}
				th.shows("in the end", "red")
			})
		})
	}
}

func TestAStandInFillsTheZoneWhereTheStreamIsSeenWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(scene.Item{Kind: scene.Stream, Src: "red", StandIn: "green", Fit: scene.Contain, For: scene.Duration(time.Hour)}))
		black := color.RGBA{A: 0xff}
		for range 2 {
			time.Sleep(sec(0))
			th.sees("the stream", spots{{4, 4}: black, {32, 16}: colours["red"], {60, 28}: black}) // 32 × 32 of 64 × 32
			th.stall("red", true)
			th.sees("the stand-in", spots{{4, 4}: colours["green"], {32, 16}: colours["green"], {60, 28}: colours["green"]})
			th.stall("red", false)
		}
	})
}

func TestAStreamThatIsNotThereYetBeginsWithItsStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(scene.Item{Kind: scene.Stream, Src: "late", StandIn: "green", For: scene.Duration(time.Hour)}))
		time.Sleep(time.Second)
		th.shows("before the stream is there", "green")
		time.Sleep(20 * time.Second)
		th.shows("when it has come", "white")
		if n, r := th.count(pipe.EvFailed, 1); n != 0 {
			t.Errorf("a failure is reported: %s", r.Error)
		}
	})
}

func TestAStreamThatNeverCameIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(still("red", 2*time.Second), scene.Item{Kind: scene.Stream, Src: "absent", For: scene.Duration(2 * time.Second)}))
		time.Sleep(sec(20.5))
		th.shows("while the stream is absent", "red")
		th.mu.Lock()
		th.present = true
		th.mu.Unlock()
		seen := false
		for range 120 {
			time.Sleep(time.Second)
			seen = seen || th.at(3, 3) == colours["white"]
		}
		if !seen {
			t.Error("the stream was there for two minutes and was not shown")
		}
	})
}

func TestItemsThatGoOnAloneAreNotLoadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(scene.Item{Kind: scene.Web, Src: "red", For: scene.Duration(time.Second)}))
		time.Sleep(time.Minute)
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.loads != 1 {
			t.Errorf("the page was loaded %d times, want once", th.loads)
		}
	})
}

func TestAnUpdateReachesAPageThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		page := func(rows ...map[string]string) scene.Scene {
			s := reel(scene.Item{Kind: scene.Web, Src: "red", For: scene.Duration(time.Hour), Rows: rows})
			s.Background = "#0000ff"
			return s
		}
		th.scene(1, page())
		time.Sleep(sec(0))
		s := page(map[string]string{"colour": "glass"})
		th.stage.Do(pipe.Command{Op: pipe.OpUpdate, ID: 1, Scene: &s})
		time.Sleep(sec(0))
		th.shows("after the update", "green") // which the page makes of it
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.loads != 1 {
			t.Errorf("the page was loaded %d times, want once", th.loads)
		}
	})
}

func TestAnAnimationIsBlended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		s := reel(scene.Item{Kind: scene.Animation, Src: "moving glass"})
		s.Zones = append(s.Zones, scene.Zone{At: scene.Rect{0, 0, 8, 8}, Text: &scene.Text{Text: "white"}})
		s.Background = "#ff0000"
		th.scene(1, s)
		for range 8 {
			time.Sleep(110 * time.Millisecond) // the ground is drawn anew under each frame
			th.sees("the animation", spots{left: {0x7f, 0x40, 0, 0xff}, right: {0x7f, 0x40, 0, 0xff}, {2, 2}: colours["white"]})
		}
	})
}

func TestAVideoThatNeverEndsIsLeftOutAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(film("stuck"), still("green", time.Second)))
		time.Sleep(5 * time.Second)
		th.shows("while the video is stuck", "white")
		time.Sleep(10 * time.Second)
		th.shows("after that", "green")
		time.Sleep(time.Minute)
		th.shows("from then on", "green")
		if n, r := th.count(pipe.EvFailed, 1); n != 1 || r.Src != "stuck" {
			t.Errorf("%d failures are reported, last of %q; want one of it", n, r.Src)
		}
	})
}
