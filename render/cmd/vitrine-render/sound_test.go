package main_test

import (
	"context"
	"encoding/binary"
	"image"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// hall is a real sound server without a sound card, and a microphone in it.
type hall struct {
	t      *testing.T
	socket string

	mu    sync.Mutex
	heard []tones
	news  chan struct{}
}

// tones is how strong the bed's and the video's tone are in a twentieth of a second; 1 is as loud as can be.
type tones struct{ bed, video float64 }

const (
	soundRate, bedTone, videoTone = 48000, 440, 1500
	window                        = soundRate / 20
)

// newHall starts PulseAudio with a sink that leads nowhere, and records what arrives there.
func newHall(t *testing.T) *hall {
	t.Helper()
	need(t, "pulseaudio", "parec", "ffmpeg")
	dir := t.TempDir()
	h := &hall{t: t, socket: "unix:" + filepath.Join(dir, "socket"), news: make(chan struct{}, 1)}
	env := append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "PULSE_SERVER="+h.socket, "PULSE_COOKIE="+filepath.Join(dir, "cookie"))
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, "pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-exit",
		"-L", "module-null-sink sink_name=hall rate=48000 channels=2", "-L", "module-native-protocol-unix auth-anonymous=1 socket="+filepath.Join(dir, "socket"))
	server.Env = env
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() { cancel(); work.Wait(); _ = server.Wait() })
	work.Go(func() {
		for ctx.Err() == nil { // until the server takes it
			mic := exec.CommandContext(ctx, "parec", "--raw", "--device=hall.monitor", "--format=s16le", "--rate=48000", "--channels=1", "--latency-msec=50")
			mic.Env = env
			out, err := mic.StdoutPipe()
			if err == nil && mic.Start() == nil {
				h.listen(out)
				_ = mic.Wait()
			}
		}
	})
	h.await("silence", func(s tones) bool { return s == tones{} })
	return h
}

func (h *hall) listen(r io.Reader) {
	b := make([]byte, window*2)
	for {
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
		h.mu.Lock()
		h.heard = append(h.heard, tones{strength(b, bedTone), strength(b, videoTone)})
		h.mu.Unlock()
		select {
		case h.news <- struct{}{}:
		default:
		}
	}
}

// strength is the amplitude of one frequency (Goertzel's algorithm).
func strength(b []byte, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/soundRate)
	var s1, s2 float64
	n := len(b) / 2
	for i := range n {
		s1, s2 = float64(int16(binary.LittleEndian.Uint16(b[i*2:])))/32768+c*s1-s2, s1
	}
	return 2 * math.Sqrt(max(0, s1*s1+s2*s2-c*s1*s2)) / float64(n)
}

// await waits until the sound has been so for half a second, and returns the last of it and how many windows there were.
func (h *hall) await(what string, is func(tones) bool) (tones, int) {
	h.t.Helper()
	end := time.After(time.Minute)
	for {
		h.mu.Lock()
		n, run := len(h.heard), 0
		for run < n && run < 10 && is(h.heard[n-1-run]) {
			run++
		}
		var last tones
		if n > 0 {
			last = h.heard[n-1]
		}
		h.mu.Unlock()
		if run == 10 {
			return last, n
		}
		select {
		case <-h.news:
		case <-end:
			h.t.Fatalf("never heard: %s; last was %+v", what, last)
		}
	}
}

func about(a, b float64) bool { return math.Abs(a-b) <= 0.1*b }

func TestABedIsHeardGoesOnGivesWayAndKeepsTheNightsLimit(t *testing.T) {
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if !p.video {
		t.Skip("libmpv's headers are not on this machine")
	}
	h := newHall(t)
	dir := t.TempDir()
	tone, video, pic := filepath.Join(dir, "bed.wav"), filepath.Join(dir, "video.mkv"), filepath.Join(dir, "p.png")
	for _, args := range [][]string{
		{"-f", "lavfi", "-i", "sine=f=440:r=48000:d=2", tone},
		{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-f", "lavfi", "-i", "sine=f=1500:r=48000:d=20", "-c:v", "mpeg4", "-c:a", "pcm_s16le", video},
	} {
		if b, err := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("make sound: %v: %s", err, b)
		}
	}
	if err := (witness.Picture{Item: 7, Size: image.Pt(640, 360)}).Make(pic); err != nil {
		t.Fatal(err)
	}
	r, err := pipe.New(pipe.Config{Program: p.path, Args: []string{"--headless", "640x360"}, Env: append(os.Environ(), "PULSE_SERVER="+h.socket),
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	bed := &scene.Bed{Playlist: []scene.Item{{Kind: scene.Audio, Src: tone}, {Kind: scene.Audio, Src: tone}}, Duck: 50}
	show := func(id uint64, it scene.Item) {
		it.For = scene.Duration(time.Hour)
		s := scene.Scene{Audio: bed, Zones: []scene.Zone{{At: scene.Rect{0, 0, 640, 360}, Playlist: []scene.Item{it}}}}
		if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: id, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
			t.Fatal(err)
		}
	}
	const full = 1.0 / 8 // what ffmpeg's sine has
	show(1, scene.Item{Kind: scene.Image, Src: pic})
	alone, from := h.await("the bed alone", func(s tones) bool { return about(s.bed, full) && s.video < 1e-4 })
	show(2, scene.Item{Kind: scene.Video, Src: video, Volume: 100})
	under, _ := h.await("the bed at half of a volume control below the video", func(s tones) bool { return about(s.bed, full/8) && about(s.video, full) })
	show(3, scene.Item{Kind: scene.Image, Src: pic})
	back, to := h.await("the bed as before", func(s tones) bool { return about(s.bed, full) && s.video < 1e-4 })
	h.mu.Lock()
	for i, s := range h.heard[from:to] {
		if s.bed < 0.8*full/8 {
			t.Errorf("the bed was interrupted: %.4f after %d windows of 50 ms; below the video it is %.4f", s.bed, i, full/8)
		}
	}
	h.mu.Unlock()
	if err := r.Send(pipe.Command{Op: pipe.OpVolume, Volume: 20}); err != nil {
		t.Fatal(err)
	}
	night, _ := h.await("the bed at the night's limit", func(s tones) bool { return about(s.bed, full*0.008) })
	db := func(v float64) float64 { return 20 * math.Log10(v) }
	t.Logf("bed alone %.1f dBFS, below a video %.1f, after it %.1f, at 20 %% master volume %.1f", db(alone.bed), db(under.bed), db(back.bed), db(night.bed))
}
