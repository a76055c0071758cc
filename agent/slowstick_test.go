package agent_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/render/scene"
	"vitrine/usb/sticktest"
)

var slowFor = flag.Duration("slow-stick", 0, "measure a slow stick beside a video, so long with it and without it; 0 = only look whether both go on")

// crawl is how fast a slow stick is, bytes a second.
const crawl = 100_000

// moving is content whose every frame is another one; video adds a clip, for a renderer that plays them.
func moving(t *testing.T, pub *bundletest.Publisher, video string) string {
	t.Helper()
	s := scene.Scene{For: scene.Duration(time.Hour), Zones: []scene.Zone{{At: scene.Rect{0, 980, 1920, 100}, Ticker: &scene.Ticker{Text: "one frame after the other, none of them waits for a stick"}}}}
	files := map[string][]byte{}
	if video != "" {
		b, err := os.ReadFile(video)
		if err != nil {
			t.Fatal(err)
		}
		files["clip.mp4"] = b
		s.Zones = append(s.Zones, scene.Zone{At: scene.Rect{0, 0, 1920, 980}, Playlist: []scene.Item{{Kind: scene.Video, Src: "clip.mp4"}}})
	}
	return pub.File(t, bundle.Manifest{Seq: 1, Scenes: map[string]scene.Scene{"moving": s}}, files)
}

// crawling is a stick with a newer version on it that takes so long, at the rate of a slow stick.
func crawling(t *testing.T, pub *bundletest.Publisher, bytes int) *sticktest.Stick {
	t.Helper()
	load := make([]byte, bytes)
	for i := range load {
		load[i] = byte(i * i >> 9)
	}
	stick := sticktest.Make(t, "ext4", int64(bytes)*5/4+16<<20)
	onto(t, stick.Mount(true), pub.Content(t, bundle.Manifest{Seq: 2}, map[string][]byte{"b.png": plain(t, blue), "z.bin": load}), nil)
	stick.Slow(crawl)
	return stick
}

// frames is how many have been presented, and how many came too late.
func frames(t *testing.T, c *control.Client) (presented, dropped uint64) {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Renderer.Presented, s.Renderer.Dropped
}

func importing(t *testing.T, c *control.Client) (have int64, yes bool) {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil || s.Stick == nil {
		return 0, false
	}
	return s.Stick.Have, s.Stick.State == "importing" && s.Stick.Have > 0
}

func TestASlowStickIsImportedInTheBackgroundAndFramesGoOn(t *testing.T) {
	p, pub := newPort(), bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "640x360", Renderer: renderer(t), Lang: "en", Port: p})
	if _, err := c.Import(t.Context(), moving(t, pub, ""), strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "frames come", func() bool { n, _ := frames(t, c); return n > 30 })
	p.plug("slow", crawling(t, pub, 1<<20).Mount(false))
	until(t, "the import is under way", func() bool { _, yes := importing(t, c); return yes })
	if !idleThread(t) {
		t.Error("no thread of the player takes the disk only when it is free")
	}
	before, _ := frames(t, c)
	until(t, "frames go on while it is under way", func() bool {
		_, yes := importing(t, c)
		n, _ := frames(t, c)
		if !yes {
			t.Fatal("the import has ended already: the stick is too fast for this test")
		}
		return n > before+10
	})
	until(t, "what crawls arrives", func() bool { s, err := c.Status(t.Context()); return err == nil && s.Bundle.Seq == 2 })
}

// idleThread looks for a thread with the idle class of ioprio_get(2).
func idleThread(t *testing.T) bool {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if v, _, e := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(id), 0); e == 0 && v>>13 == 3 {
			return true
		}
	}
	return false
}

// measured counts frames for a while.
func measured(t *testing.T, c *control.Client) (shown, late uint64) {
	t.Helper()
	n, d := frames(t, c)
	time.Sleep(*slowFor) // it is what is measured
	m, e := frames(t, c)
	return m - n, e - d
}

// slowFigures is what make slow-stick writes.
type slowFigures struct {
	Rate    int     `json:"stick_bytes_per_second"`
	Seconds float64 `json:"seconds_each"`
	Without float64 `json:"frames_per_second_without"`
	With    float64 `json:"frames_per_second_with"`
	Ratio   float64 `json:"ratio"`
	Late    uint64  `json:"late_frames_without"`
	LateOn  uint64  `json:"late_frames_with"`
	Copied  int64   `json:"bytes_imported_meanwhile"`
}

// TestSlowStickFigures plays a video and a ticker with the real renderer, by turns without a stick and with one.
func TestSlowStickFigures(t *testing.T) {
	if *slowFor == 0 {
		t.Skip("it takes minutes: make slow-stick")
	}
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=20", "-pix_fmt", "yuv420p", clip).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, pub := newPort(), bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "1280x720", Renderer: os.Getenv("VITRINE_RENDER"), Lang: "en", Port: p, RendererMemory: 2 << 30})
	if _, err := c.Import(t.Context(), moving(t, pub, clip), strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "frames come", func() bool { n, _ := frames(t, c); return n > 120 })
	stick := crawling(t, pub, int(4*slowFor.Seconds()*crawl)+8<<20)
	dir := stick.Mount(false)
	f := slowFigures{Rate: crawl, Seconds: slowFor.Seconds()}
	var shown [2]uint64
	for range 3 {
		n, late := measured(t, c)
		shown[0], f.Late = shown[0]+n, f.Late+late
		s, begun := p.plug("slow", dir), int64(0)
		until(t, "the import is under way", func() (yes bool) { begun, yes = importing(t, c); return yes })
		n, late = measured(t, c)
		shown[1], f.LateOn = shown[1]+n, f.LateOn+late
		end, yes := importing(t, c)
		if !yes {
			t.Fatal("the import ended while it was measured")
		}
		f.Copied += end - begun
		p.pull(s)
		until(t, "the import has stopped", func() bool { _, yes := importing(t, c); return !yes })
	}
	f.Without, f.With = float64(shown[0])/3/f.Seconds, float64(shown[1])/3/f.Seconds
	f.Ratio = f.With / f.Without
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
	if f.Ratio < 0.97 {
		t.Errorf("a slow stick takes frames away: %.1f a second with it, %.1f without", f.With, f.Without)
	}
}
