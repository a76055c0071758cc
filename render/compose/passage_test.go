package compose_test

import (
	"image"
	"image/color"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// second is a transition that takes one.
func second(kind, toward string) *scene.Transition {
	return &scene.Transition{Kind: kind, For: scene.Duration(time.Second), Toward: toward}
}

func comes(it scene.Item, t *scene.Transition) scene.Item {
	it.Transition = t
	return it
}

// spots are the colours of some pixels.
type spots map[image.Point]color.RGBA

func (th *theatre) sees(when string, want spots) {
	th.t.Helper()
	for p, c := range want {
		if got := th.at(p.X, p.Y); !within(got, c, 6) { // a fade is drawn for the instant at which it is seen
			th.t.Errorf("%s pixel %v is %v, want %v", when, p, got, c)
		}
	}
}

var (
	left, right, top, bottom = image.Pt(8, 16), image.Pt(56, 16), image.Pt(32, 4), image.Pt(32, 28)
	between                  = color.RGBA{0x80, 0, 0x80, 0xff} // red and blue
)

// halfway is what red to blue looks like in the middle of each transition.
func halfway(kind, toward string) spots {
	red, blue := colours["red"], colours["blue"]
	switch {
	case kind == "fade":
		return spots{left: between, right: between, top: between}
	case toward == "right":
		return spots{left: blue, right: red}
	case toward == "up":
		return spots{top: red, bottom: blue}
	case toward == "down":
		return spots{top: blue, bottom: red}
	}
	return spots{left: red, right: blue}
}

// queueAt shows a scene; what it is made of is there within the same instant.
func (th *theatre) scene(id uint64, s scene.Scene) {
	th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: id, Now: true, Canvas: scene.Size{Width: size.X, Height: size.Y}, Scene: &s})
}

func TestTransitionsBetweenItemsOfEveryKindAndBetweenScenes(t *testing.T) {
	items := map[string]func(c string) scene.Item{
		"picture": func(c string) scene.Item { return still(c, 3*time.Second) },
		"video": func(c string) scene.Item {
			return scene.Item{Kind: scene.Video, Src: c, For: scene.Duration(3 * time.Second)}
		},
		"page": func(c string) scene.Item {
			return scene.Item{Kind: scene.Web, Src: c, For: scene.Duration(3 * time.Second)}
		},
	}
	for _, tr := range []*scene.Transition{second("fade", ""), second("slide", ""), second("slide", "right"), second("slide", "up"), second("slide", "down"),
		second("wipe", "left"), second("wipe", "right"), second("wipe", "up"), second("wipe", "down")} {
		for from, a := range items {
			for to, b := range items {
				t.Run(tr.Kind+" "+tr.Toward+" from "+from+" to "+to, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						th := newTheatre(t)
						th.scene(1, reel(a("red"), comes(b("blue"), tr)))
						time.Sleep(sec(2.98))
						th.shows("before the transition", "red")
						time.Sleep(510 * time.Millisecond)
						th.sees("in the middle of the transition", halfway(tr.Kind, tr.Toward))
						time.Sleep(530 * time.Millisecond)
						th.shows("after the transition", "blue")
						time.Sleep(1900 * time.Millisecond)
						th.shows("to the end of its time, which began with the transition,", "blue")
						time.Sleep(200 * time.Millisecond)
						th.shows("after that, by a cut", "red")

						s := reel(b("blue"))
						s.Transition = tr
						th.scene(2, s)
						time.Sleep(500 * time.Millisecond)
						th.sees("in the middle of the change of scene", halfway(tr.Kind, tr.Toward))
						if n, _ := th.count(pipe.EvStarted, 2); n != 1 {
							t.Errorf("the second scene is reported %d times as started while it comes, want once", n)
						}
						time.Sleep(520 * time.Millisecond)
						th.shows("after the change of scene", "blue")
					})
				})
			}
		}
	}
}

func TestATransitionKeepsTheZonesOrderOpacityAndCorners(t *testing.T) {
	for _, change := range []string{"item", "scene"} {
		t.Run(change, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				zones := func(items ...scene.Item) scene.Scene {
					return scene.Scene{Background: "#00ff00", Zones: []scene.Zone{
						{At: scene.Rect{0, 0, 32, 32}, Radius: 8, Playlist: items},
						{At: scene.Rect{32, 0, 32, 32}, Opacity: 0.5, Playlist: items},
						{At: scene.Rect{12, 12, 8, 8}, Text: &scene.Text{Text: "white"}},
					}}
				}
				if fade := second("fade", ""); change == "item" {
					th.scene(1, zones(still("red", time.Second), comes(still("blue", time.Second), fade)))
				} else {
					th.scene(1, zones(still("red", time.Hour)))
					time.Sleep(time.Second)
					s := zones(still("blue", time.Hour))
					s.Transition = fade
					th.scene(2, s)
				}
				time.Sleep(500 * time.Millisecond)
				if change == "item" {
					time.Sleep(time.Second)
				}
				th.sees("in the middle", spots{{0, 0}: colours["green"], {31, 31}: colours["green"], {16, 4}: between, {16, 16}: colours["white"],
					{48, 16}: {0x40, 0x80, 0x40, 0xff}})
			})
		})
	}
}

func TestBothSidesOfATransitionGoOnAndLoseNoFrame(t *testing.T) {
	moving := func(c string) scene.Item { return film("moving " + c) }
	for _, tc := range []struct {
		name  string
		play  func(th *theatre)
		drawn int
	}{
		{"items", func(th *theatre) {
			th.scene(1, reel(moving("red"), comes(moving("blue"), second("fade", ""))))
			time.Sleep(sec(2.9)) // red begins at 0 and ends at 2, blue begins at 1 and ends at 3
		}, 60 + 1 + 56},
		{"scenes", func(th *theatre) {
			th.scene(1, reel(moving("red")))
			time.Sleep(500 * time.Millisecond)
			s := reel(moving("blue"))
			s.Transition = second("slide", "")
			th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 2, Scene: &s})
			time.Sleep(sec(2.4))
		}, 60 + 1 + 56},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t)
				tc.play(th)
				synctest.Wait()
				th.mu.Lock()
				defer th.mu.Unlock()
				if th.lost != 0 || th.drawn < tc.drawn-1 || th.drawn > tc.drawn+3 {
					t.Errorf("%d frames were drawn and %d came before the one before was; want %d and none", th.drawn, th.lost, tc.drawn)
				}
			})
		})
	}
}

func TestATransitionIsNotInTheWayOfWhatComesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		slow := &scene.Transition{Kind: "fade", For: scene.Duration(5 * time.Second)}
		th.scene(1, reel(still("red", time.Second), comes(still("green", time.Second), slow), comes(still("blue", time.Second), slow)))
		time.Sleep(sec(1.98))
		th.shows("at the end of an item that is shorter than its transition", "green")
		time.Sleep(time.Second)
		th.shows("at the end of the one after it", "blue")
		s := reel(still("red", time.Hour))
		s.Transition = slow
		th.scene(2, s)
		time.Sleep(time.Second)
		th.scene(3, reel(still("white", time.Hour)))
		th.shows("when a scene is cut to during the transition to another", "white")
	})
}

func TestWhatIsHalfTransparentIsBlendedOnTheWayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		animation := scene.Item{Kind: scene.Animation, Src: "glass"}
		s := reel(animation, comes(still("glass", 2*time.Second), second("wipe", "")))
		s.Background = "#ff0000"
		th.scene(1, s)
		through := color.RGBA{0x7f, 0x40, 0, 0xff}
		for _, at := range []string{"the animation", "the transition", "the picture"} {
			time.Sleep(500 * time.Millisecond)
			th.sees(at, spots{left: through, right: through})
			time.Sleep(500 * time.Millisecond)
		}
	})
}

func TestTheSceneThatLeavesDoesNotBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, reel(still("green", time.Second), still("red", time.Second)))
		time.Sleep(sec(0.5))
		s := reel(still("blue", time.Hour))
		s.Transition = second("wipe", "left")
		th.stage.Do(pipe.Command{Op: pipe.OpQueue, ID: 2, Canvas: scene.Size{Width: size.X, Height: size.Y}, Scene: &s})
		time.Sleep(2 * time.Second)
		th.sees("in the middle", spots{left: colours["red"], right: colours["blue"]})
	})
}

func TestAVideoThatIsCoveredIsKeptGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		th.scene(1, scene.Scene{Zones: []scene.Zone{
			{At: all(), Playlist: []scene.Item{film("moving red")}},
			{At: all(), Z: 1, Background: "#ffffff", Text: &scene.Text{Text: "white"}},
		}})
		time.Sleep(sec(1.9))
		th.shows("above the video", "white")
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.lost != 0 || th.drawn < 55 {
			t.Errorf("%d frames were taken and %d waited for in vain", th.drawn, th.lost)
		}
	})
}

func TestAVideoThatIsShorterThanItsTransitionIsStillShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		slow := &scene.Transition{Kind: "fade", For: scene.Duration(5 * time.Second)}
		th.scene(1, reel(comes(film("red"), slow), comes(film("blue"), slow)))
		time.Sleep(sec(20))
		synctest.Wait()
		th.mu.Lock()
		defer th.mu.Unlock()
		if th.loads < 18 || th.loads > 24 {
			t.Errorf("%d videos of two seconds were begun in 20 seconds, want one each second: half of each is on the way", th.loads)
		}
	})
}
