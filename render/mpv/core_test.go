//go:build mpv

package mpv_test

import (
	"context"
	"image"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/render/mpv"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

var size = image.Pt(320, 180)

// player is a core whose frames are drawn as they come, as a compositor would.
type player struct {
	t     *testing.T
	core  *mpv.Core
	wakes chan struct{}
	pix   []byte
	marks []int // frame numbers, as drawn
}

func newPlayer(t *testing.T) *player {
	t.Helper()
	p := &player{t: t, wakes: make(chan struct{}, 1), pix: make([]byte, size.X*size.Y*4)}
	core, err := mpv.New(mpv.Config{Hwdec: "no", Wake: func() {
		select {
		case p.wakes <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.core = core
	t.Cleanup(core.Close)
	return p
}

// until draws frames until something is true.
func (p *player) until(what string, is func() bool) {
	p.t.Helper()
	look := witness.Look{Zone: image.Rectangle{Max: size}, Sizes: []image.Point{size}, Fit: scene.Stretch}
	end := time.After(30 * time.Second)
	for {
		if p.core.Fresh() {
			if err := p.core.Render(p.pix, size.X*4, size); err != nil {
				p.t.Fatal(err)
			}
			m, ok := look.Read(witness.Pixels{Pix: p.pix, Stride: size.X * 4, Size: size})
			if n := len(p.marks); ok && (n == 0 || p.marks[n-1] != m.Frame) {
				p.marks = append(p.marks, m.Frame)
			}
		}
		if is() {
			return
		}
		select {
		case <-p.wakes:
		case <-end:
			p.t.Fatalf("never came: %s; error %v", what, p.core.Err())
		}
	}
}

func (p *player) load(path string, start time.Duration) {
	p.t.Helper()
	if err := p.core.Load(scene.Item{Kind: scene.Video, Src: path, Fit: scene.Stretch}, start); err != nil {
		p.t.Fatal(err)
	}
}

func clip(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not on this machine")
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	c := witness.Clip{Item: 5, Size: size, Rate: 25, Frames: 25}
	if err := c.Make(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileWaitsOnItsFirstFrameThenPlaysToItsLast(t *testing.T) {
	path := clip(t)
	p := newPlayer(t)
	for turn := range 3 { // the same core again and again
		p.marks = nil
		p.load(path, 0)
		p.until("the first frame", p.core.Ready)
		if n := len(p.marks); n == 0 || p.marks[n-1] != 0 || p.core.Ended() {
			t.Fatalf("turn %d: before it plays, frames %v were drawn, ended %v; want the first at last", turn, p.marks, p.core.Ended())
		}
		if p.core.Size() != size || p.core.Length() != time.Second {
			t.Errorf("size %v, length %v; want %v and 1s", p.core.Size(), p.core.Length(), size)
		}
		p.core.Play()
		p.until("the end", p.core.Ended)
		if last := p.marks[len(p.marks)-1]; last != 24 {
			t.Errorf("turn %d: the last frame drawn is %d, want 24", turn, last)
		}
		if err := p.core.Err(); err != nil {
			t.Error(err)
		}
	}
	if p.core.Hwdec() != "no" {
		t.Errorf("decoded by %q, want no", p.core.Hwdec())
	}
	p.core.Stop()
	if p.core.Ready() || p.core.Ended() {
		t.Error("a stopped core still says that it has a frame")
	}
}

func TestAStartCountsRoundAShorterFile(t *testing.T) {
	path := clip(t)
	for start, want := range map[time.Duration]int{400 * time.Millisecond: 10, 2*time.Second + 400*time.Millisecond: 10} {
		p := newPlayer(t)
		p.load(path, start)
		p.until("the first frame", p.core.Ready)
		if len(p.marks) == 0 || p.marks[len(p.marks)-1] != want {
			t.Errorf("begun at %v, frames %v were drawn, want %d", start, p.marks, want)
		}
	}
}

func TestABadFileIsRefusedInASentence(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tc := range []struct{ name, path, want string }{
		{"a file that is missing", filepath.Join(dir, "none.mp4"), "is not there"},
		{"an address", "http://127.0.0.1/x.mp4", "absolute path"},
		{"a relative path", "x.mp4", "absolute path"},
		{"a directory", dir, "is not a file"},
		{"an empty file", write("empty.mp4", ""), "is empty"},
		{"text", write("text.mp4", strings.Repeat("no video at all ", 5000)), "damaged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlayer(t)
			err := p.core.Load(scene.Item{Kind: scene.Video, Src: tc.path}, 0)
			if err == nil {
				p.until("the error", func() bool { return p.core.Err() != nil })
				err = p.core.Err()
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("refused with %q, want something with %q", err, tc.want)
			}
		})
	}
}

func TestAFileOpensNothingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var dialled atomic.Bool
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Store(true)
			_ = c.Close()
		}
	}()
	url := "http://" + l.Addr().String() + "/x.ts"
	video := clip(t)
	for name, content := range map[string]string{
		"list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" + url + "\n#EXT-X-ENDLIST\n",
		"list.m3u":  "#EXTM3U\n" + url + "\n",
		"list.pls":  "[playlist]\nFile1=" + url + "\n",
		"cut.edl":   "# mpv EDL v0\n" + video + "\n",
		"list.txt":  "ffconcat version 1.0\nfile '" + video + "'\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			p := newPlayer(t)
			p.load(path, 0)
			p.until("the refusal", func() bool { return p.core.Err() != nil || p.core.Ready() })
			if p.core.Ready() {
				t.Error("a list of other files was played")
			}
		})
	}
	if dialled.Load() {
		t.Error("a server was dialled")
	}
}

func TestACoreCanBeClosedAtAnyTime(t *testing.T) {
	path := clip(t)
	for _, when := range []string{"loading", "waiting", "playing"} {
		t.Run(when, func(t *testing.T) {
			p := newPlayer(t)
			p.load(path, 0)
			if when != "loading" {
				p.until("the first frame", p.core.Ready)
			}
			if when == "playing" {
				p.core.Play()
				p.until("some frames", func() bool { return len(p.marks) > 3 })
			}
		}) // the clean-up closes it; a deadlock is the test's time-out
	}
}
