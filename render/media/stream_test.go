package media_test

import (
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/compose"
	"vitrine/render/media"
	"vitrine/render/scene"
)

var _ compose.Video = (*media.Stream)(nil)

// camera is a sender at the other end of a network: while it is on, each core that is connected to it has a frame every
// 40 ms.
type camera struct {
	mu    sync.Mutex
	on    bool
	cut   int // connections up to this one are dead
	open  int // cores
	tries []time.Time
	names []string
}

func (c *camera) turn(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = on
}

// die is off, and for those who are connected for ever.
func (c *camera) die() {
	c.turn(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = len(c.tries)
}

// wire is a core that is connected to a camera.
type wire struct {
	from          *camera
	wake          func()
	mu            sync.Mutex
	fresh, ready  bool
	err           error
	volume        int
	drawn, number int
	stop          chan struct{}
}

func (c *camera) connect(wake func()) (media.Core, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return &wire{from: c, wake: wake, number: len(c.tries) + 1, stop: make(chan struct{})}, nil
}

func (w *wire) Load(item scene.Item, _ time.Duration) error {
	w.from.mu.Lock()
	w.from.tries, w.from.names = append(w.from.tries, time.Now()), append(w.from.names, item.Src)
	on := w.from.on
	w.from.mu.Unlock()
	if !on {
		w.mu.Lock()
		w.err = errors.New("connection refused")
		w.mu.Unlock()
		go w.wake()
		return nil
	}
	go func() {
		for {
			select {
			case <-w.stop:
				return
			case <-time.After(40 * time.Millisecond):
			}
			w.from.mu.Lock()
			on := w.from.on && w.number > w.from.cut
			w.from.mu.Unlock()
			if on {
				w.mu.Lock()
				w.fresh = true
				w.mu.Unlock()
				w.wake()
			}
		}
	}()
	return nil
}

func (w *wire) Fresh() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fresh
	w.fresh = false
	return f
}

func (w *wire) Render(pix []byte, _ int, _ image.Point) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = true
	w.drawn++
	pix[0] = byte(w.number)
	return nil
}

func (w *wire) Ready() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.ready }
func (w *wire) Err() error  { w.mu.Lock(); defer w.mu.Unlock(); return w.err }
func (w *wire) SetVolume(v int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.volume = v
}
func (w *wire) Play()             {}
func (w *wire) Ended() bool       { return false }
func (w *wire) Size() image.Point { return image.Pt(16, 9) }
func (w *wire) Sounds() bool      { return true }
func (w *wire) Dropped() uint64   { return 1 }
func (w *wire) Hwdec() string     { return "no" }
func (w *wire) Close() {
	close(w.stop)
	w.from.mu.Lock()
	defer w.from.mu.Unlock()
	w.from.open--
}

// viewer is what the compositor does: it looks when it is woken.
type viewer struct {
	mu     sync.Mutex
	stream *media.Stream
	shown  []byte // number of the core of each frame
}

func (v *viewer) wake() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stream == nil || !v.stream.Fresh() {
		return
	}
	pix := make([]byte, 4)
	if err := v.stream.Render(pix, 4, image.Pt(1, 1)); err == nil {
		v.shown = append(v.shown, pix[0])
	}
}

func (v *viewer) take() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.shown
	v.shown = nil
	return s
}

func watched(c *camera) (*media.Stream, *viewer) {
	v := &viewer{}
	s := media.NewStream(media.StreamConfig{Open: c.connect, Wake: v.wake, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	v.mu.Lock()
	v.stream = s
	v.mu.Unlock()
	return s, v
}

func TestAStreamThatStandsStillIsBegunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &camera{on: true}
		s, v := watched(cam)
		if err := s.Load(scene.Item{Kind: scene.Stream, Src: "udp://239.0.0.1:5004", Volume: 40}, 0); err != nil {
			t.Fatal(err)
		}
		s.SetVolume(40)
		time.Sleep(time.Second)
		s.Play()
		if shown := v.take(); !s.Ready() || s.Stalled() || len(shown) < 20 || shown[0] != 1 {
			t.Fatalf("ready %t, stalled %t, frames %v", s.Ready(), s.Stalled(), shown)
		}
		cam.die()
		time.Sleep(2 * time.Second)
		if s.Stalled() {
			t.Error("two seconds without a frame are no stall yet")
		}
		time.Sleep(2 * time.Second)
		if !s.Stalled() || !s.Ready() {
			t.Errorf("stalled %t, ready %t: the last frame must stay", s.Stalled(), s.Ready())
		}
		time.Sleep(10 * time.Minute)
		v.take()
		cam.mu.Lock()
		tries := slices.Clone(cam.tries)
		cam.mu.Unlock()
		if len(tries) < 15 || len(tries) > 60 {
			t.Fatalf("%d tries in ten minutes", len(tries))
		}
		if a, z := tries[2].Sub(tries[1]), tries[len(tries)-1].Sub(tries[len(tries)-2]); a > 2*time.Second || z < 15*time.Second || z > 50*time.Second {
			t.Errorf("the first wait is %s, the last %s", a, z)
		}
		cam.turn(true)
		time.Sleep(time.Minute)
		if shown := v.take(); s.Stalled() || !s.Ready() || len(shown) < 100 || shown[0] == 1 || shown[0] != shown[len(shown)-1] {
			t.Errorf("stalled %t; want the frames of a new connection, not %v", s.Stalled(), shown[:min(len(shown), 20)])
		}
		if cam.open != 1 {
			t.Errorf("%d cores are open; want 1", cam.open)
		}
		s.Close()
		synctest.Wait()
		if cam.open != 0 || s.Ready() || s.Fresh() {
			t.Errorf("%d cores are open after the end", cam.open)
		}
	})
}

func TestAStreamThatComesBackByItselfIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &camera{on: true}
		s, v := watched(cam)
		if err := s.Load(scene.Item{Kind: scene.Stream, Src: "udp://239.0.0.1:5004"}, 0); err != nil {
			t.Fatal(err)
		}
		s.Play()
		time.Sleep(time.Second)
		cam.turn(false)
		time.Sleep(2900 * time.Millisecond)
		cam.turn(true)
		time.Sleep(time.Minute)
		if cam.open != 1 || len(cam.tries) != 1 || s.Stalled() {
			t.Errorf("%d cores after %d tries, stalled %t", cam.open, len(cam.tries), s.Stalled())
		}
		v.take()
		s.Close()
	})
}

func TestAStreamThatIsNotThereAtFirstComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &camera{}
		s, v := watched(cam)
		if err := s.Load(scene.Item{Kind: scene.Stream, Src: "srt://encoder:9000"}, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if s.Ready() || !s.Stalled() || s.Err() != nil {
			t.Errorf("ready %t, stalled %t, %v", s.Ready(), s.Stalled(), s.Err())
		}
		cam.turn(true)
		time.Sleep(time.Minute)
		if len(v.take()) == 0 || !s.Ready() || s.Stalled() {
			t.Errorf("ready %t, stalled %t", s.Ready(), s.Stalled())
		}
		s.Close()
	})
}

func TestAPlaylistOfStreamsIsTriedInTurn(t *testing.T) {
	var playlist string
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.ReplaceAll(playlist, "NOW", fmt.Sprint(asked.Add(1))))
	}))
	defer server.Close()
	for name, c := range map[string]struct {
		path, text string
		want       []string // of the addresses tried, in turn; {} is the playlist itself
	}{
		"a playlist":               {"/tv.m3u", "#EXTM3U\n#EXTINF:-1,One\nudp://239.0.0.1:5004\n\nhttps://b.example/live\n", []string{"udp://239.0.0.1:5004", "https://b.example/live", "udp://239.0.0.1:5004"}},
		"with names beside it":     {"/a/tv.m3u8", "one.m3u8\r\n../two\r\n", []string{"{}/a/one.m3u8", "{}/two"}},
		"with files of the player": {"/tv.m3u", "file:///etc/passwd\n/etc/passwd\nrtsp://camera/1\n", []string{"{}/etc/passwd", "rtsp://camera/1"}},
		"HLS that moves on":        {"/live.m3u8", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:NOW\n#EXTINF:1,\nlive0.ts\n", []string{"{}/live.m3u8", "{}/live.m3u8"}},
		"HLS of several qualities": {"/all.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#NOW\n", []string{"{}/all.m3u8", "{}/all.m3u8"}},
		"nothing":                  {"/live.m3u8", "", []string{"{}/live.m3u8"}},
		"no playlist at all":       {"/live", "udp://239.0.0.1:5004", []string{"{}/live"}},
	} {
		t.Run(name, func(t *testing.T) {
			playlist = c.text
			cam := &camera{}
			s, _ := watched(cam)
			if err := s.Load(scene.Item{Kind: scene.Stream, Src: server.URL + c.path}, 0); err != nil {
				t.Fatal(err)
			}
			deadline := time.After(time.Minute)
			for {
				cam.mu.Lock()
				n := len(cam.names)
				cam.mu.Unlock()
				if n >= len(c.want) {
					break
				}
				select {
				case <-deadline:
					t.Fatalf("%d tries", n)
				case <-time.After(10 * time.Millisecond):
				}
			}
			s.Close()
			for i, want := range c.want {
				if got := strings.Replace(cam.names[i], server.URL, "{}", 1); got != want {
					t.Errorf("try %d: %s; want %s", i+1, got, want)
				}
			}
		})
	}
}

// A server that goes on handing out the list of a dead encoder is not believed: its last seconds would be shown again and again.
func TestAListOfOldSegmentsIsNoNewStream(t *testing.T) {
	asked := make(chan bool, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:1,\nlive7.ts\n")
		asked <- true
	}))
	defer server.Close()
	cam := &camera{}
	s, _ := watched(cam)
	if err := s.Load(scene.Item{Kind: scene.Stream, Src: server.URL + "/live.m3u8"}, 0); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		select {
		case <-asked:
		case <-time.After(time.Minute):
			t.Fatal("the list is not asked for again")
		}
	}
	s.Close()
	if len(cam.names) != 1 {
		t.Errorf("%d connections; want the first one alone", len(cam.names))
	}
}

func TestAStreamEndsAtOnceWhileItsPlaylistIsStillFetched(t *testing.T) {
	asked := make(chan bool, 1)
	ended := make(chan bool)
	first := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			fmt.Fprint(w, "udp://239.0.0.1:5004\n")
			return
		}
		asked <- true
		<-r.Context().Done()
		close(ended)
	}))
	defer server.Close()
	s, _ := watched(&camera{})
	if err := s.Load(scene.Item{Kind: scene.Stream, Src: server.URL + "/tv.m3u"}, 0); err != nil {
		t.Fatal(err)
	}
	<-asked
	s.Close()
	<-ended // else the test does not end
}
