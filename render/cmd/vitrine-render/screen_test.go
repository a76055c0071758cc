package main_test

import (
	"bytes"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// lookAt watches a zone for any of the media.
func lookAt(ms map[int]medium, fit scene.Fit, zone image.Rectangle) witness.Look {
	l := witness.Look{Zone: zone, Fit: fit}
	for _, m := range ms {
		l.Sizes = append(l.Sizes, m.size)
	}
	return l
}

func playlist(ms map[int]medium, fit scene.Fit, items ...int) []scene.Item {
	var out []scene.Item
	for _, i := range items {
		it := ms[i].Item
		it.Fit = fit
		out = append(out, it)
	}
	return out
}

func whole() scene.Rect { return scene.Rect{0, 0, screenSize.X, screenSize.Y} }

func TestEveryKindOfChangeIsSeamless(t *testing.T) {
	ms := media(t)
	for _, tc := range []struct {
		name  string
		items []int
	}{
		{"video to video of other sizes, rates and codecs", []int{1, 2, 3, 4}},
		{"the same video twice", []int{2, 2}},
		{"a single video in a loop", []int{4}},
		{"videos and pictures in turn", []int{1, 11, 2, 12}},
		{"picture to picture", []int{11, 12}},
		{"a picture alone", []int{11}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newRig(t, []witness.Look{lookAt(ms, scene.Stretch, image.Rectangle{Max: screenSize})}, true)
			same := map[int]medium{}
			for _, i := range tc.items {
				same[i] = ms[i]
			}
			g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Stretch, tc.items...)}}})
			if tc.items[0] != 11 || len(tc.items) > 1 {
				g.awaitRuns(0, 2*len(tc.items)+1)
			} else {
				g.awaitItem(0, tc.items[0], 60) // longer than it stays
			}
			s := g.summary(0, same)
			if s.Black != 0 || s.Stale != 0 || s.Hole > 0 || s.Unreadable > 0 {
				t.Errorf("%d black, %d stale, %d unreadable samples, longest hole %v; want none", s.Black, s.Stale, s.Unreadable, s.Hole)
			}
			for _, r := range g.reports {
				if r.Ev == pipe.EvFailed {
					t.Errorf("failed: %s", r.Error)
				}
			}
		})
	}
}

func TestScenesFollowEachOtherSeamlessly(t *testing.T) {
	ms := media(t)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
	one := func(i int) scene.Scene {
		return scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, i)}}}
	}
	order := []int{1, 11, 3, 3, 12, 11, 2}
	g.queue(1, true, one(order[0]))
	for n, i := range order[1:] {
		id := uint64(n + 1)
		g.awaitStarted(id)
		g.queue(id+1, false, one(i))
		g.awaitEnded(id)
	}
	g.awaitItem(0, 2, 5)
	s := g.summary(0, ms)
	if s.Black != 0 || s.Stale != 0 || s.Hole > 0 || s.Unreadable > 0 || len(s.Runs) != len(order) {
		t.Errorf("%d black, %d stale, %d unreadable samples, longest hole %v, %d runs; want none and %d runs", s.Black, s.Stale, s.Unreadable, s.Hole, len(s.Runs), len(order))
	}
	for i, r := range s.Runs {
		if r.Item != order[i] {
			t.Errorf("run %d showed item %d, want %d", i, r.Item, order[i])
		}
	}
	for id := uint64(1); id < uint64(len(order)); id++ {
		if r, _ := g.said(func(r pipe.Report) bool { return r.Ev == pipe.EvEnded && r.ID == id }); r.Reason != "eof" || r.Presented == 0 {
			t.Errorf("showing %d ended with %+v, want eof and frames", id, r)
		}
	}
}

func TestASceneThatIsWantedNowComesBeforeTheEnd(t *testing.T) {
	ms := media(t)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
	long := playlist(ms, scene.Cover, 11)
	long[0].For = scene.Duration(time.Hour)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: long}}})
	g.awaitItem(0, 11, 5)
	g.queue(2, false, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, 2)}}})
	g.queue(3, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, 1)}}})
	g.awaitItem(0, 1, 5)
	if r := g.awaitEnded(2); r.Reason != "replaced" {
		t.Errorf("the scene that never came ended with %q, want replaced", r.Reason)
	}
	if s := g.summary(0, ms); s.Black != 0 || s.Seen[2] != 0 {
		t.Errorf("%d black samples, item 2 seen %d times; want none", s.Black, s.Seen[2])
	}
}

func TestZonesPlaySideBySideUnderATickerAndAnOverlay(t *testing.T) {
	ms := media(t)
	left, right := image.Rect(0, 0, 640, 600), image.Rect(640, 0, 1280, 600)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Contain, left), lookAt(ms, scene.Cover, right)}, true)
	at := func(r image.Rectangle) scene.Rect { return scene.Rect{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} }
	banner := scene.Scene{Zones: []scene.Zone{{At: scene.Rect{100, 20, 300, 80}, Background: "#c00000", Opacity: 0.8, Radius: 12,
		Text: &scene.Text{Text: "Stand clear"}}}}
	if err := g.Send(pipe.Command{Op: pipe.OpOverlay, Canvas: g.canvas, Overlays: []scene.Scene{banner}}); err != nil {
		t.Fatal(err)
	}
	g.queue(1, true, scene.Scene{Background: "#203040", Zones: []scene.Zone{
		{At: at(left), Playlist: playlist(ms, scene.Contain, 1, 11)},
		{At: at(right), Playlist: playlist(ms, scene.Cover, 4, 2), Radius: 40},
		{At: scene.Rect{0, 560, 1280, 160}, Z: 1, Background: "#000000c0", Ticker: &scene.Ticker{Text: "News that moves, without end", Speed: 200}},
	}})
	g.awaitRuns(0, 4)
	g.awaitRuns(1, 4)
	shot := filepath.Join(t.TempDir(), "shot.png")
	if err := g.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
		t.Fatal(err)
	}
	if r := g.awaitReport("a picture", func(r pipe.Report) bool { return r.Ev == pipe.EvShot }); r.Error != "" {
		t.Fatal(r.Error)
	}
	keep(t, shot)
	for look := range 2 {
		s := g.summary(look, ms)
		if s.Black != 0 || s.Stale != 0 || s.Hole > 0 || s.Unreadable > 0 {
			t.Errorf("zone %d: %d black, %d stale, %d unreadable samples, longest hole %v; want none", look, s.Black, s.Stale, s.Unreadable, s.Hole)
		}
	}
	m := read(t, shot)
	for _, p := range []struct {
		what string
		at   image.Point
		want color.RGBA
	}{
		{"the banner over the video's margin", image.Pt(395, 60), color.RGBA{0xa3, 0x0a, 0x0d, 0xff}},
		{"the ground outside of the rounded corner", image.Pt(1278, 2), color.RGBA{0x20, 0x30, 0x40, 0xff}},
	} {
		if got := m.RGBAAt(p.at.X, p.at.Y); !near(got, p.want, 12) {
			t.Errorf("%s is %v, want %v", p.what, got, p.want)
		}
	}
}

func TestAKilledRendererIsBackWithoutABlackFrame(t *testing.T) {
	ms := media(t)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, 1, 2, 11)}}})
	g.awaitItem(0, 1, 10)
	for n := 1; n <= 10; n++ {
		var pid int
		g.await("a renderer that lives", func() bool {
			ready := 0
			for _, r := range g.reports {
				if r.Ev == pipe.EvReady {
					ready++
					pid = r.PID
				}
			}
			return ready == n
		})
		g.awaitRuns(0, 1) // it plays on
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	g.awaitRuns(0, 2)
	started := 0
	for _, r := range g.reports {
		if r.Ev == pipe.EvStarted {
			started++
		}
	}
	if started != 1 {
		t.Errorf("the player heard %d times that the showing started, want once", started)
	}
	if s := g.summary(0, ms); s.Black != 0 || s.Unreadable != 0 {
		t.Errorf("%d black and %d unreadable samples, want none", s.Black, s.Unreadable)
	}
}

func TestAKilledRendererGoesOnInEveryZone(t *testing.T) {
	ms := media(t)
	left, right := image.Rect(0, 0, 640, 720), image.Rect(640, 0, 1280, 720)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Stretch, left), lookAt(ms, scene.Stretch, right)}, true)
	stays := playlist(ms, scene.Stretch, 2, 12) // a video of a length that is not known beforehand, then a picture
	stays[1].For = scene.Duration(time.Hour)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{
		{At: scene.Rect{0, 0, 640, 720}, Playlist: playlist(ms, scene.Stretch, 1, 11)},
		{At: scene.Rect{640, 0, 640, 720}, Playlist: stays},
	}})
	g.awaitItem(1, 12, 1)
	g.awaitReport("a pulse that tells of it", func(r pipe.Report) bool {
		return r.Ev == pipe.EvPulse && len(r.Reels) == 2 && r.Reels[1].Zone == 1 && r.Reels[1].Item == 1
	})
	ready, _ := g.said(func(r pipe.Report) bool { return r.Ev == pipe.EvReady })
	if err := syscall.Kill(ready.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	g.awaitReport("another renderer", func(r pipe.Report) bool { return r.Ev == pipe.EvReady && r.PID != ready.PID })
	g.awaitRuns(0, 3)
	g.stop()
	if want := []int{2, 12}; !slices.Equal(g.runs[1], want) {
		t.Errorf("the zone on the right showed %v, want %v", g.runs[1], want)
	}
}

func TestAFileThatCannotBeShownIsLeftOutAndReported(t *testing.T) {
	ms := media(t)
	dir := t.TempDir()
	corrupt := filepath.Join(dir, "corrupt.mp4")
	if err := os.WriteFile(corrupt, bytes.Repeat([]byte("not a video "), 10000), 0o600); err != nil {
		t.Fatal(err)
	}
	whole1, err := os.ReadFile(ms[1].Src)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		bad  scene.Item
	}{
		{"a video that is missing", scene.Item{Kind: scene.Video, Src: filepath.Join(dir, "missing.mp4")}},
		{"a video that is none", scene.Item{Kind: scene.Video, Src: corrupt}},
		{"a picture that is none", scene.Item{Kind: scene.Image, Src: corrupt, For: scene.Duration(time.Second)}},
		{"a playlist that names a server", scene.Item{Kind: scene.Video, Src: write(t, dir, "list.m3u8", "#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n")}},
		{"a video without a picture", scene.Item{Kind: scene.Video, Src: write(t, dir, "head.mkv", string(whole1[:600]))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
			items := append([]scene.Item{tc.bad}, playlist(ms, scene.Cover, 11, 2)...)
			g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: items}}})
			r := g.awaitReport("the failure", func(r pipe.Report) bool { return r.Ev == pipe.EvFailed })
			if r.Src != tc.bad.Src || r.ID != 1 || len(r.Error) < 20 {
				t.Errorf("failure is reported as %+v", r)
			}
			g.awaitRuns(0, 4)
			g.queue(2, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: []scene.Item{tc.bad}}}})
			if r := g.awaitEnded(2); r.Reason != "failed" {
				t.Errorf("a scene of a bad file alone ended with %q, want failed", r.Reason)
			}
			g.awaitRuns(0, 1)
			if s := g.summary(0, ms); s.Black != 0 || s.Hole > 0 {
				t.Errorf("%d black samples, longest hole %v; want none", s.Black, s.Hole)
			}
		})
	}
}

func TestAnUpdateChangesAWidgetAndLeavesTheVideoAlone(t *testing.T) {
	ms := media(t)
	video := image.Rect(0, 0, 960, 720)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, video)}, true)
	board := func(text string, back scene.Color) scene.Scene {
		return scene.Scene{Zones: []scene.Zone{
			{At: scene.Rect{0, 0, 960, 720}, Playlist: playlist(ms, scene.Cover, 3)},
			{At: scene.Rect{960, 0, 320, 720}, Background: back, Text: &scene.Text{Text: text}},
		}}
	}
	g.queue(1, true, board("Soup", "#004000"))
	g.awaitItem(0, 3, 10)
	b := board("Salad", "#400000")
	if err := g.Send(pipe.Command{Op: pipe.OpUpdate, ID: 1, Scene: &b}); err != nil {
		t.Fatal(err)
	}
	screen, err := witness.OpenDisplay(g.display.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	g.await("the new ground", func() bool {
		p, err := screen.Read()
		return err == nil && near(p.RGBA().RGBAAt(970, 10), color.RGBA{0x40, 0, 0, 0xff}, 4)
	})
	g.awaitRuns(0, 3)
	if s := g.summary(0, ms); s.Black != 0 || s.Stale != 0 || s.Unreadable != 0 || s.Runs[0].LastFrame != 29 || s.Runs[1].LastFrame != 29 {
		t.Errorf("the video did not go on undisturbed: %+v", s)
	}
}

func TestAScreenThatIsOffIsBlackAndComesBack(t *testing.T) {
	ms := media(t)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: playlist(ms, scene.Cover, 4)}}})
	g.awaitItem(0, 4, 5)
	for _, on := range []bool{false, true} {
		if err := g.Send(pipe.Command{Op: pipe.OpScreen, On: on}); err != nil {
			t.Fatal(err)
		}
		from := g.sampled()
		g.await("the screen follows", func() bool { return len(g.samples) > from+3 && g.samples[len(g.samples)-1].Black != on })
	}
	g.awaitItem(0, 4, 5)
}

func TestAShotIsWhatTheScreenShows(t *testing.T) {
	ms := media(t)
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, true)
	still := playlist(ms, scene.Cover, 12)
	still[0].For = scene.Duration(time.Hour)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: still}}})
	g.awaitItem(0, 12, 5)
	shot := filepath.Join(t.TempDir(), "shot.png")
	if err := g.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
		t.Fatal(err)
	}
	g.awaitReport("a picture", func(r pipe.Report) bool { return r.Ev == pipe.EvShot && r.Error == "" })
	screen, err := g.display.Screen()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	p, err := screen.Read()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, shot).Pix, p.RGBA().Pix) {
		t.Error("the picture is not what the frame buffer holds")
	}
	if err := g.Send(pipe.Command{Op: pipe.OpShot, Path: filepath.Join(t.TempDir(), "no", "such", "dir.png")}); err != nil {
		t.Fatal(err)
	}
	g.awaitReport("a refusal", func(r pipe.Report) bool { return r.Ev == pipe.EvShot && r.Error != "" })
}
