package main_test

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// come gives each item a transition.
func come(items []scene.Item, t scene.Transition) []scene.Item {
	for i := range items {
		items[i].Transition = &t
	}
	return items
}

func TestTransitionsLoseNoItemAndAreNeverBlack(t *testing.T) {
	ms := media(t)
	const long = scene.Duration(300 * time.Millisecond)
	for _, tr := range []scene.Transition{{Kind: "fade", For: long}, {Kind: "slide", For: long, Toward: "up"}, {Kind: "wipe", For: long}} {
		t.Run(tr.Kind, func(t *testing.T) {
			g := newRig(t, []witness.Look{lookAt(ms, scene.Stretch, image.Rectangle{Max: screenSize})}, true)
			items := []int{1, 11, 2}
			g.queue(1, true, scene.Scene{Zones: []scene.Zone{
				{At: whole(), Playlist: come(playlist(ms, scene.Stretch, items...), tr)},
				{At: scene.Rect{0, 620, 1280, 100}, Z: 1, Background: "#102030e0", Ticker: &scene.Ticker{Text: "News that moves, without end"}},
			}})
			g.awaitRuns(0, len(items)+2)
			for id := uint64(2); id < 4; id++ {
				s := scene.Scene{Transition: &tr, Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Stretch, int(id))}}}
				g.queue(id, id%2 == 0, s)
				g.awaitStarted(id)
				g.awaitItem(0, int(id), 5)
				filmStrip(t, g, id)
			}
			s := g.summary(0, ms)
			if s.Black != 0 || s.Stale != 0 {
				t.Errorf("%d black and %d stale samples, want none", s.Black, s.Stale)
			}
			for _, i := range append(items, 3) {
				if s.Seen[i] == 0 {
					t.Errorf("item %d was not seen", i)
				}
			}
			for _, r := range g.reports {
				if r.Ev == pipe.EvFailed {
					t.Errorf("failed: %s", r.Error)
				}
			}
		})
	}
}

// filmStrip keeps what the screen shows now, where $KEEP_SHOTS says so.
func filmStrip(t *testing.T, g *rig, n uint64) {
	dir := os.Getenv("KEEP_SHOTS")
	if dir == "" {
		return
	}
	screen, err := g.display.Screen()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	for i := range 6 {
		p, err := screen.Read()
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, filepath.Base(t.Name())+"-"+string(rune('0'+n))+string(rune('a'+i))+".png"))
		if err != nil {
			t.Fatal(err)
		}
		_ = png.Encode(f, p.RGBA())
		_ = f.Close()
	}
}
