package compose_test

import (
	"errors"
	"image"
	"image/color"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/compose"
	"vitrine/render/output"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func (th *theatre) count(ev string, id uint64) (n int, last pipe.Report) {
	th.mu.Lock()
	defer th.mu.Unlock()
	for _, r := range th.reports {
		if r.Ev == ev && r.ID == id {
			n, last = n+1, r
		}
	}
	return n, last
}

func (th *theatre) queue(id uint64, now bool, s scene.Scene) {
	th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: id, Now: now, Canvas: scene.Size{Width: size.X, Height: size.Y}, Scene: &s})
}

func all() scene.Rect { return scene.Rect{0, 0, size.X, size.Y} }

func film(src string) scene.Item { return scene.Item{Kind: scene.Video, Src: src} }

func still(src string, d time.Duration) scene.Item {
	return scene.Item{Kind: scene.Image, Src: src, For: scene.Duration(d)}
}

func reel(items ...scene.Item) scene.Scene {
	return scene.Scene{Zones: []scene.Zone{{At: all(), Playlist: items}}}
}

// sec is just after so many seconds.
func sec(n float64) time.Duration {
	return time.Duration(n*float64(time.Second)) + 10*time.Millisecond
}

func TestAPlaylistShowsEachItemForItsTime(t *testing.T) {
	for _, tc := range []struct {
		name  string
		items []scene.Item
		start time.Duration
		want  []string // after 0.01 s, 1.01 s, 2.01 s …
	}{
		{"pictures", []scene.Item{still("red", time.Second), still("green", 2*time.Second)}, 0, []string{"red", "green", "green", "red", "green"}},
		{"videos", []scene.Item{film("red"), film("blue")}, 0, []string{"red", "red", "blue", "blue", "red"}},
		{"a video and a picture", []scene.Item{film("red"), still("green", time.Second)}, 0, []string{"red", "red", "green", "red", "red", "green"}},
		{"one picture", []scene.Item{still("red", time.Second)}, 0, []string{"red", "red", "red"}},
		{"one video", []scene.Item{film("red")}, 0, []string{"red", "red", "red", "red", "red", "red"}},
		{"a video that is cut", []scene.Item{{Kind: scene.Video, Src: "red", For: scene.Duration(time.Second)}, film("blue")}, 0, []string{"red", "blue", "blue", "red", "blue"}},
		{"a video that is repeated to fill its time", []scene.Item{{Kind: scene.Video, Src: "red", For: scene.Duration(5 * time.Second)}, still("green", time.Second)}, 0,
			[]string{"red", "red", "red", "red", "red", "green", "red"}},
		{"an item that cannot be shown is left out", []scene.Item{still("red", time.Second), film("nothing"), still("nothing", time.Second), still("green", time.Second)}, 0,
			[]string{"red", "green", "red", "green"}},
		{"a late start", []scene.Item{still("red", time.Second), still("green", time.Second), still("blue", time.Second)}, 4*time.Second + 500*time.Millisecond,
			[]string{"green", "blue", "red"}},
		{"a slow video holds what was there", []scene.Item{still("red", time.Second), film("slow")}, 0, []string{"red", "red", "red", "white", "white", "red"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				s := reel(tc.items...)
				th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Scene: &s, Start: scene.Duration(tc.start), Canvas: scene.Size{Width: size.X, Height: size.Y}})
				time.Sleep(sec(0))
				for i, want := range tc.want {
					th.shows((time.Duration(i) * time.Second).String(), want)
					time.Sleep(time.Second)
				}
				if n, _ := th.count(pipe.EvFailed, 1); n > 2 {
					t.Errorf("%d failures are reported, want one for each bad file", n)
				}
			})
		})
	}
}

func TestAChangeOfSceneComesAtItsTime(t *testing.T) {
	for _, tc := range []struct {
		name   string
		first  scene.Scene
		now    bool
		when   float64 // the first instant at which the second scene must be there
		reason string
	}{
		{"at the end of the playlist", reel(still("red", time.Second), still("green", 2*time.Second)), false, 3, "eof"},
		{"at the end of the video", reel(film("red")), false, 2, "eof"},
		{"at the end of the scene's own length", scene.Scene{For: scene.Duration(5 * time.Second), Zones: reel(film("red")).Zones}, false, 5, "time"},
		{"now", reel(still("red", time.Hour)), true, 0.5, "replaced"},
		{"at once after a scene without an end", scene.Scene{Background: "#ff0000"}, false, 0.5, "replaced"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				th.queue(1, true, tc.first)
				time.Sleep(500 * time.Millisecond)
				if n, _ := th.count(pipe.EvStarted, 1); n != 1 {
					t.Fatalf("the first showing is reported %d times as started", n)
				}
				th.queue(2, tc.now, reel(still("white", time.Second)))
				if tc.when > 0.5 {
					time.Sleep(sec(tc.when) - 500*time.Millisecond - 30*time.Millisecond)
					if n, _ := th.count(pipe.EvStarted, 2); n != 0 {
						t.Error("the second scene came too early")
					}
				}
				time.Sleep(40 * time.Millisecond)
				th.shows("then", "white")
				if n, r := th.count(pipe.EvEnded, 1); n != 1 || r.Reason != tc.reason {
					t.Errorf("the first showing ended %d times, last with %q; want once, %q", n, r.Reason, tc.reason)
				}
			})
		})
	}
}

func TestASceneIsNotCutToBeforeItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.queue(1, true, reel(still("red", time.Second)))
		time.Sleep(sec(0))
		th.queue(2, false, reel(film("slow")))
		time.Sleep(2 * time.Second)
		th.shows("after its end, while the next scene is being prepared,", "red")
		time.Sleep(time.Second)
		th.shows("when the next scene is ready", "white")
	})
}

func TestASceneThatCannotBeShownEndsAndTheOldOneStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.queue(1, true, reel(film("red")))
		time.Sleep(sec(0))
		th.queue(2, true, reel(film("nothing")))
		time.Sleep(time.Second)
		if n, r := th.count(pipe.EvEnded, 2); n != 1 || r.Reason != "failed" {
			t.Errorf("it ended %d times, last with %q", n, r.Reason)
		}
		th.shows("meanwhile", "red")
	})
}

func TestLayersLieAsTheySay(t *testing.T) {
	canvas := scene.Size{Width: 32, Height: 32} // the screen is 64 × 32: bars left and right
	video := []scene.Item{film("red")}
	text := func(c string) *scene.Text { return &scene.Text{Text: c} }
	for _, tc := range []struct {
		name  string
		scene scene.Scene
		above []scene.Scene
		at    map[image.Point]color.RGBA
	}{
		{"bars beside a narrow canvas are black", scene.Scene{Background: "#00ff00"}, nil,
			map[image.Point]color.RGBA{{2, 2}: {A: 0xff}, {20, 2}: colours["green"], {60, 30}: {A: 0xff}}},
		{"a zone that sticks out is cut at the canvas", scene.Scene{Zones: []scene.Zone{{At: scene.Rect{-16, 0, 64, 32}, Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{2, 2}: {A: 0xff}, {17, 2}: colours["red"]}},
		{"Z orders before the list does", scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Z: 1, Text: text("blue")}, {At: scene.Rect{0, 0, 32, 32}, Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{20, 20}: colours["blue"]}},
		{"what is half transparent lets the video through", scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Playlist: video}, {At: scene.Rect{0, 0, 16, 32}, Text: text("glass")}}}, nil,
			map[image.Point]color.RGBA{{20, 20}: {0x7f, 0x40, 0, 0xff}, {40, 20}: colours["red"]}},
		{"opacity lets the ground through", scene.Scene{Background: "#0000ff", Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Opacity: 0.5, Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{20, 20}: {0x80, 0, 0x7f, 0xff}}},
		{"rounded corners are cut", scene.Scene{Background: "#0000ff", Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Radius: 8, Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{16, 0}: colours["blue"], {47, 31}: colours["blue"], {32, 16}: colours["red"]}},
		{"a radius beyond half the zone makes it round", scene.Scene{Background: "#0000ff", Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Radius: 500, Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{19, 3}: colours["blue"], {44, 28}: colours["blue"], {32, 1}: colours["red"], {17, 16}: colours["red"], {32, 16}: colours["red"]}},
		{"a rounded video's soft edge mixes with what is below, not with the zone's ground",
			scene.Scene{Background: "#0000ff", Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Radius: 8, Background: "#00ff00", Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{18, 2}: {184, 0, 70, 0xff}, {45, 29}: {184, 0, 70, 0xff}, {24, 0}: colours["red"], {32, 16}: colours["red"]}},
		{"a rounded video may be half transparent", scene.Scene{Background: "#0000ff", Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Radius: 8, Opacity: 0.5, Background: "#00ff00", Playlist: video}}}, nil,
			map[image.Point]color.RGBA{{16, 0}: colours["blue"], {24, 0}: {0x80, 0, 0x7f, 0xff}, {32, 16}: {0x80, 0, 0x7f, 0xff}}},
		{"a video that is seen whole leaves the ground beside it", scene.Scene{Background: "#0000ff", Zones: []scene.Zone{
			{At: scene.Rect{0, 8, 32, 16}, Playlist: []scene.Item{{Kind: scene.Video, Src: "red", Fit: scene.Contain}}}}}, nil,
			map[image.Point]color.RGBA{{18, 16}: colours["blue"], {32, 16}: colours["red"]}},
		{"overlays lie above", scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 32, 32}, Playlist: video}}},
			[]scene.Scene{{Zones: []scene.Zone{{At: scene.Rect{0, 0, 8, 8}, Text: text("white")}}}, {Zones: []scene.Zone{{At: scene.Rect{4, 0, 8, 8}, Text: text("blue")}}}},
			map[image.Point]color.RGBA{{17, 2}: colours["white"], {21, 2}: colours["blue"], {40, 20}: colours["red"]}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				th.stage.Do(pipe.Command{Op: pipe.OpOverlay, Canvas: canvas, Overlays: tc.above})
				th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: canvas, Scene: &tc.scene})
				time.Sleep(time.Second)
				for p, want := range tc.at {
					if got := th.at(p.X, p.Y); !alike(got, want) {
						t.Errorf("pixel %v is %v, want %v", p, got, want)
					}
				}
			})
		})
	}
}

func alike(a, b color.RGBA) bool { return within(a, b, 2) }

func within(a, b color.RGBA, by uint8) bool {
	d := func(x, y uint8) bool { return max(x, y)-min(x, y) <= by }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B)
}

func TestAnOverlayComesAndGoesWithoutTouchingTheVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.queue(1, true, reel(still("red", time.Hour)))
		time.Sleep(sec(0))
		banner := scene.Scene{Zones: []scene.Zone{{At: all(), Text: &scene.Text{Text: "blue"}}}}
		th.stage.Do(pipe.Command{Op: pipe.OpOverlay, Overlays: []scene.Scene{banner}})
		th.shows("with the overlay", "blue")
		th.stage.Do(pipe.Command{Op: pipe.OpOverlay})
		th.shows("without it", "red")
		if n, _ := th.count(pipe.EvStarted, 1); n != 1 {
			t.Errorf("the showing started %d times, want once", n)
		}
	})
}

// deaf is a screen that never takes a frame.
type deaf struct{ *output.Memory }

func (d deaf) Present([]image.Rectangle) {}

func TestAScreenThatTakesNoFramesIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := output.NewMemory(size)
		if err != nil {
			t.Fatal(err)
		}
		stage, err := compose.New(compose.Config{
			Output: deaf{out}, Video: func(func()) (compose.Video, error) { return nil, errors.New("none") },
			Picture: picture, Widget: widget, Report: func(pipe.Report) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		s := reel(still("red", time.Second))
		stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Scene: &s})
		begin := time.Now()
		if err := stage.Run(t.Context()); err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("ended with %v after %v; want an error within 10 s", err, time.Since(begin))
		}
	})
}

func TestAnHourOfPlayingKeepsAsManyVideosAsTheFirstMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.queue(1, true, reel(film("red"), still("green", time.Second), film("blue")))
		time.Sleep(time.Minute)
		synctest.Wait()
		th.mu.Lock()
		before := th.open
		th.mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.open != before || th.loads < 1400 {
			t.Errorf("%d videos are open after an hour, %d after a minute, %d loads; want as many, and 1440 loads", th.open, before, th.loads)
		}
	})
}
