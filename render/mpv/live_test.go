//go:build mpv

package mpv_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/mpv"
	"vitrine/render/scene"
)

// live is a core for streams, and what tells that it has something to say.
func live(t *testing.T) (*mpv.Core, chan struct{}) {
	t.Helper()
	wakes := make(chan struct{}, 1)
	core, err := mpv.New(mpv.Config{Hwdec: "no", Live: true, Wake: func() {
		select {
		case wakes <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(core.Close)
	return core, wakes
}

func TestALiveCoreRefusesWhatIsNoStream(t *testing.T) {
	core, _ := live(t)
	for _, src := range []string{"/etc/passwd", "file:///etc/passwd", "lavf://file:/etc/passwd", "edl://x", "concat:a|b", "av://lavfi:testsrc", "smb://x/y", "ftp://x/y", ""} {
		if err := core.Load(scene.Item{Kind: scene.Stream, Src: src}, 0); err == nil || !strings.Contains(err.Error(), "not the address of a live stream") {
			t.Errorf("%q: %v", src, err)
		}
	}
}

// A playlist from the network may name segments, but no file of the player's.
func TestALiveCoreOpensNoFile(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	film := filepath.Join(t.TempDir(), "a.ts")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg2video", film).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	const head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n"
	mux := http.NewServeMux()
	mux.HandleFunc("/file.m3u8", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(head + "file://" + film + "\n#EXT-X-ENDLIST\n"))
	})
	mux.HandleFunc("/segment.m3u8", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(head + "a.ts\n#EXT-X-ENDLIST\n"))
	})
	mux.HandleFunc("/away.m3u8", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file://"+film, http.StatusFound)
	})
	mux.HandleFunc("/a.ts", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, film) })
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, plays := range map[string]bool{"/segment.m3u8": true, "/file.m3u8": false, "/away.m3u8": false} {
		core, wakes := live(t)
		if err := core.Load(scene.Item{Kind: scene.Stream, Src: server.URL + path}, 0); err != nil {
			t.Fatal(err)
		}
		end := time.After(time.Minute)
		pix := make([]byte, size.X*size.Y*4)
		for !core.Ready() && core.Err() == nil {
			if core.Fresh() {
				if err := core.Render(pix, size.X*4, size); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case <-wakes:
			case <-time.After(50 * time.Millisecond):
			case <-end:
				t.Fatalf("%s neither plays nor fails", path)
			}
		}
		if core.Ready() != plays {
			t.Errorf("%s plays: %t, %v", path, core.Ready(), core.Err())
		}
	}
}
