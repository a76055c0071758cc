package uplink_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

// blobs lets a test answer for the relay's blobs.
func blobs(say func(w http.ResponseWriter, req *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, "/v1/blobs/") {
			return false
		}
		say(w, req)
		return true
	}
}

// header answers with a header, then n bytes of nothing.
func header(code, n int, h ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(h); i += 2 {
			w.Header().Set(h[i], h[i+1])
		}
		w.WriteHeader(code)
		w.Write(make([]byte, n))
	}
}

// half is a file of which a player has two of three segments: it asks for the rest.
const half = 3 << 20

func TestARelayThatMisbehavesIsToldByItsFaultAndForgivenWhenItIsWell(t *testing.T) {
	pub := bundletest.New(t)
	noise := make([]byte, half)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	old := pub.Content(t, bundle.Manifest{Seq: 5}, files(5))
	next := pub.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": noise})
	rest := fmt.Sprintf("bytes %d-%d/%d", 2<<20, half-1, half)
	for name, c := range map[string]struct {
		say  func(http.ResponseWriter, *http.Request)
		says string
	}{
		"it lies about where a part begins": {header(206, 1<<20, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", 1<<20, half-1, half)), "bytes from 1048576 on came, those from 2097152"},
		"it lies about a part's length":     {header(206, 100, "Content-Range", rest), "names a part of 1048576 bytes and is 100 long"},
		"it lies about the blob's length":   {header(206, 1<<20, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", 2<<20, half-1, half+1)), "of a file of 3145729 bytes, the blob has 3145728"},
		"it sends half and closes": {func(w http.ResponseWriter, _ *http.Request) {
			header(206, 0, "Content-Range", rest, "Content-Length", strconv.Itoa(1<<20))(w, nil)
			w.Write(make([]byte, 1<<19))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "the connection ended 524288 bytes before the blob did"},
		"a portal's page comes, with 200":    {header(200, 500, "Content-Type", "text/html"), "a web page came in its place"},
		"it redirects elsewhere":             {header(302, 0, "Location", "https://portal.example/login"), "redirects to https://portal.example/login"},
		"it says that there is no such byte": {header(416, 0), "has no byte 2097152 of it (416)"},
		"it is down, for a second":           {header(503, 0, "Retry-After", "1"), "answer 503 that is not a relay's"},
		"it compresses, uninvited":           {header(206, 1<<20, "Content-Range", rest, "Content-Encoding", "gzip"), `encoded as "gzip"`},
		"it sends other bytes":               {header(206, 1<<20, "Content-Range", rest), "segment 2 (from byte 2097152): the bytes are not those that were signed"},
		"it sends without end": {func(w http.ResponseWriter, _ *http.Request) {
			for b := make([]byte, 1<<20); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}, "not those that were signed"},
		"it drips a byte a second": {func(w http.ResponseWriter, req *http.Request) {
			header(206, 0, "Content-Range", rest, "Content-Length", strconv.Itoa(1<<20))(w, nil)
			for req.Context().Err() == nil {
				w.Write([]byte{0})
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		}, "stood still for 60 s, or moved less than 16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *relay) {
				p := enrolled(t, r, pub, t.TempDir())
				r.until("the old bundle is live", r.live(r.publish(old)))
				first := true
				r.set(func() {
					r.lie = blobs(func(w http.ResponseWriter, req *http.Request) { // two segments, then it breaks off
						r.mu.Lock()
						say := c.say
						if first {
							first, say = false, nil
						}
						r.mu.Unlock()
						if say != nil {
							say(w, req)
							return
						}
						w.Header().Set("Content-Length", strconv.Itoa(half))
						w.Write(noise[:2<<20])
						w.(http.Flusher).Flush()
						panic(http.ErrAbortHandler)
					})
				})
				ptr := r.publish(next)
				r.until("the fault is told", func() bool {
					h := r.last()
					return h.Refused != nil && h.Refused.Pointer == ptr && strings.HasPrefix(h.Refused.Reason, "not yet: ") && strings.Contains(h.Refused.Reason, c.says)
				})
				if live, _ := p.store.Live(); live.Manifest.Seq != 5 || len(live.Missing) > 0 {
					t.Errorf("live is version %d, missing %v", live.Manifest.Seq, live.Missing)
				}
				var ranges []string
				r.set(func() {
					r.lie = func(_ http.ResponseWriter, req *http.Request) bool {
						if strings.HasPrefix(req.URL.Path, "/v1/blobs/") {
							r.mu.Lock()
							defer r.mu.Unlock()
							ranges = append(ranges, req.Header.Get("Range"))
						}
						return false
					}
				})
				r.until("the bundle is live when the relay is well again", r.live(ptr))
				r.set(func() {
					if want := []string{"bytes=2097152-"}; !slices.Equal(ranges, want) {
						t.Errorf("asked for %q, want %q", ranges, want)
					}
				})
			})
		})
	}
}

func TestARelayThatKnowsNoRangesIsReadFromTheBeginning(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	body := slices.Repeat([]byte("0123456789abcdef"), half/16)
	broke := false
	r.set(func() {
		r.lie = blobs(func(w http.ResponseWriter, _ *http.Request) {
			r.mu.Lock()
			again := broke
			broke = true
			r.mu.Unlock()
			w.Header().Set("Content-Length", strconv.Itoa(half))
			if again {
				w.Write(body)
				return
			}
			w.Write(body[:5<<19])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
	})
	r.until("the bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{}, map[string][]byte{"media/a.png": body}))))
	if !broke {
		t.Error("nothing broke")
	}
}
