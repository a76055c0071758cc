package main_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/web"
	"vitrine/render/witness"
)

// pageOf makes a page that shows marks in turn, each for a while, above something that always moves.
func pageOf(t *testing.T, each time.Duration, ids ...int) medium {
	t.Helper()
	if _, err := web.New(web.Config{}); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	item := scene.Item{Kind: scene.Web, Src: "index.html", Files: map[string]string{}, Fit: scene.Stretch, For: scene.Duration(2 * time.Second)}
	for i, id := range ids {
		name := fmt.Sprintf("%d.png", i)
		item.Files[name] = filepath.Join(dir, name)
		if err := (witness.Picture{Item: id, Size: markSize}).Make(item.Files[name]); err != nil {
			t.Fatal(err)
		}
	}
	item.Files["index.html"] = write(t, dir, "index.html", fmt.Sprintf(`<!doctype html><style>
		body { margin: 0 } img { position: absolute; width: 100vw; height: 100vh }
		@keyframes m { to { left: 90vw } } div { position: absolute; top: 0; left: 0; width: 10vw; height: 10vh; background: red; animation: m 1s linear infinite alternate }</style>
		%s<div></div><script>const all = [...document.images]; const turn = () => all.forEach((e, i) => e.style.visibility = i == Math.floor(Date.now() / %d) %% all.length ? '' : 'hidden'); turn(); setInterval(turn, 20)</script>`,
		strings.Join(tags(len(ids)), ""), each.Milliseconds()))
	return medium{Item: item, known: witness.Item{ID: ids[0], For: 2 * time.Second}, size: markSize}
}

func tags(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(`<img src="%d.png">`, i))
	}
	return out
}

func TestAPageComesAndGoesBetweenVideosWithoutABlackFrame(t *testing.T) {
	ms := media(t)
	page := pageOf(t, time.Hour, 90)
	g := newRig(t, []witness.Look{{Zone: image.Rectangle{Max: screenSize}, Sizes: []image.Point{ms[1].size, ms[3].size, page.size}, Fit: scene.Stretch}}, true)
	items := playlist(ms, scene.Stretch, 1, 3)
	items = []scene.Item{items[0], page.Item, items[1]}
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: items}}})
	g.awaitRuns(0, 7)
	s := g.summary(0, map[int]medium{1: ms[1], 3: ms[3], 90: page})
	if s.Black != 0 || s.Hole > 0 || s.Unreadable > 0 || s.Seen[90] == 0 {
		t.Errorf("%d black, %d unreadable samples, longest hole %v, the page seen %d times", s.Black, s.Unreadable, s.Hole, s.Seen[90])
	}
	if _, failed := g.said(func(r pipe.Report) bool { return r.Ev == pipe.EvFailed }); failed {
		t.Error("something failed")
	}
}

func TestABrowserThatIsKilledIsNotSeenToBeGone(t *testing.T) {
	page := pageOf(t, 700*time.Millisecond, 91, 92)
	page.For = scene.Duration(time.Hour)
	g := newRig(t, []witness.Look{{Zone: image.Rectangle{Max: screenSize}, Sizes: []image.Point{page.size}, Fit: scene.Stretch}}, false)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: []scene.Item{page.Item}}}})
	renderer := g.awaitReport("the renderer", func(r pipe.Report) bool { return r.Ev == pipe.EvReady }).PID
	old := 0
	for range 2 {
		g.awaitRuns(0, 3)
		pid := browserOf(renderer)
		if pid == 0 || pid == old {
			t.Fatalf("the renderer's browser is %d, and was %d", pid, old)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		old = pid
	}
	g.awaitRuns(0, 3)
	s := g.summary(0, map[int]medium{91: page})
	if s.Black != 0 || s.Unreadable > 0 || s.Hole > 0 {
		t.Errorf("%d black, %d unreadable samples, longest hole %v", s.Black, s.Unreadable, s.Hole)
	}
	if r, failed := g.said(func(r pipe.Report) bool { return r.Ev == pipe.EvFailed || r.Ev == pipe.EvEnded }); failed {
		t.Errorf("the showing did not go on: %+v", r)
	}
}

// browserOf is the browser that a renderer has started, 0 for none.
func browserOf(renderer int) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, p := range stats {
		b, err := os.ReadFile(p)
		if err != nil || !bytes.Contains(b, []byte("(chromium")) {
			continue
		}
		if f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])); len(f) > 1 && f[0] != "Z" && f[1] == strconv.Itoa(renderer) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(p)))
			return pid
		}
	}
	return 0
}

func TestAPageThatCannotBeShownLeavesTheRestOfItsScene(t *testing.T) {
	ms := media(t)
	page := pageOf(t, time.Hour, 93)
	page.Files = map[string]string{"index.html": filepath.Join(t.TempDir(), "gone.html")}
	g := newRig(t, []witness.Look{lookAt(ms, scene.Cover, image.Rectangle{Max: screenSize})}, false)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: append([]scene.Item{page.Item}, playlist(ms, scene.Cover, 11)...)}}})
	g.awaitItem(0, 11, 5)
	r := g.awaitReport("the failure", func(r pipe.Report) bool { return r.Ev == pipe.EvFailed })
	if !strings.Contains(r.Error, "index.html cannot be read") {
		t.Errorf("failed with %q", r.Error)
	}
	if s := g.summary(0, ms); s.Black != 0 {
		t.Errorf("%d black samples", s.Black)
	}
}

func TestAPageThatEatsMemoryGivesWayToWhatFollows(t *testing.T) {
	ms := media(t)
	page := pageOf(t, time.Hour, 94)
	page.For = scene.Duration(time.Hour)
	page.Files["index.html"] = write(t, t.TempDir(), "index.html", `<!doctype html><body style="margin:0"><img src="0.png" style="width:100vw;height:100vh"><script>
		const kept = []; addEventListener('load', () => setTimeout(() => setInterval(() => kept.push(new Uint8Array(64 << 20).fill(7)), 20), 500))</script>`)
	g := newRig(t, []witness.Look{{Zone: image.Rectangle{Max: screenSize}, Sizes: []image.Point{page.size, ms[11].size}, Fit: scene.Stretch}}, false)
	g.queue(1, true, scene.Scene{Zones: []scene.Zone{{At: whole(), Playlist: append([]scene.Item{page.Item}, playlist(ms, scene.Stretch, 11)...)}}})
	g.awaitItem(0, 94, 5)
	r := g.awaitReport("the failure", func(r pipe.Report) bool { return r.Ev == pipe.EvFailed })
	if !strings.Contains(r.Error, "memory") {
		t.Errorf("failed with %q", r.Error)
	}
	g.awaitItem(0, 11, 5)
	if s := g.summary(0, map[int]medium{94: page, 11: ms[11]}); s.Black != 0 || s.Unreadable > 0 || s.Hole > 0 {
		t.Errorf("%d black, %d unreadable samples, longest hole %v", s.Black, s.Unreadable, s.Hole)
	}
}
