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
	"vitrine/agent/clock"
	"vitrine/agent/schedule"
	"vitrine/agent/uplink"
)

// large is a picture of 9 MiB.
func large(b byte) map[string][]byte {
	return map[string][]byte{"media/a.png": slices.Repeat([]byte{b}, 9<<20)}
}

// lost is a clock that nobody believes.
type lost struct{ wall }

func (lost) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: clock.Estimated, Now: time.Now()}, nil
}

// In a bubble it is the first of January 2000, midnight UTC.
func TestLargeBundlesWaitForTheirTimeOfDay(t *testing.T) {
	pub := bundletest.New(t)
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	one := begin.Add(time.Hour)
	fire := schedule.Schedule{Events: []schedule.Event{{ID: "fire", Kind: "emergency", Items: []string{"a"}, Days: []int{1, 2, 3, 4, 5, 6, 7}}}, Defaults: schedule.Defaults{Fleet: []string{"a"}}}
	utc := func(m bundle.Manifest) bundle.Manifest { m.Zone, m.Seq = "UTC", 6; return m }
	for name, c := range map[string]struct {
		limits  string
		content bundle.Content
		cfg     uplink.Config
		empty   bool // nothing is on yet
		from    time.Time
		to      time.Time
	}{
		"a large one waits":                      {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{}, false, one, one.Add(time.Hour)},
		"a window over midnight is open":         {"22:00-05:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{}, false, begin, begin.Add(time.Minute)},
		"of two windows the next one counts":     {"03:00-04:00, 01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{}, false, one, one.Add(time.Hour)},
		"it is the bundle's zone that counts":    {"10:00-11:00", pub.Content(t, bundle.Manifest{Seq: 6, Zone: "Asia/Tokyo"}, large(1)), uplink.Config{}, false, one, one.Add(time.Hour)},
		"a small one does not wait":              {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), files(1)), uplink.Config{}, false, begin, begin.Add(time.Minute)},
		"one with an emergency does not wait":    {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{Schedule: fire}), large(1)), uplink.Config{}, false, begin, begin.Add(time.Minute)},
		"the first of all does not wait":         {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{}, true, begin, begin.Add(time.Minute)},
		"who does not know the time does not":    {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{Clock: lost{}}, false, begin, begin.Add(time.Minute)},
		"who takes only what is free waits, too": {"01:00-02:00", pub.Content(t, utc(bundle.Manifest{}), large(1)), uplink.Config{Limits: uplink.Limits{Idle: true}}, false, one, one.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *relay) {
				if err := c.cfg.Limits.AddWindows(c.limits); err != nil {
					t.Fatal(err)
				}
				enrolledWith(t, r, pub, t.TempDir(), c.cfg)
				if !c.empty {
					r.until("the first bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 5}, files(5)))))
				}
				asked := false
				r.set(func() {
					r.lie = func(_ http.ResponseWriter, req *http.Request) bool {
						r.mu.Lock()
						defer r.mu.Unlock()
						asked = asked || strings.HasPrefix(req.URL.Path, "/v1/blobs/")
						return false
					}
				})
				ptr := r.publish(c.content)
				if c.from.After(begin) {
					r.until("it says until when it waits", func() bool { f := r.last().Fetching; return f != nil && f.Until.Equal(c.from) })
					r.set(func() {
						if asked {
							t.Error("blobs were asked for before their time")
						}
					})
				}
				r.until("it is live", r.live(ptr))
				if now := time.Now(); now.Before(c.from) || now.After(c.to) {
					t.Errorf("it is live at %v, want one from %v to %v", now.UTC(), c.from, c.to)
				}
			})
		})
	}
}

func TestADownloadEndsWithItsTimeOfDayAndGoesOnWithTheNext(t *testing.T) {
	pub := bundletest.New(t)
	inBubble(t, func(t *testing.T, r *relay) {
		var l uplink.Limits
		if err := l.AddWindows("01:00-02:00,03:00-04:00"); err != nil {
			t.Fatal(err)
		}
		enrolledWith(t, r, pub, t.TempDir(), uplink.Config{Limits: l})
		r.until("the first bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 5}, files(5)))))
		body := large(1)["media/a.png"]
		var ranges []string
		r.set(func() {
			r.lie = blobs(func(w http.ResponseWriter, req *http.Request) { // 64 KiB in 30 s: 72 minutes in all
				r.mu.Lock()
				ranges = append(ranges, fmt.Sprintf("%s %s", time.Now().UTC().Format("02 15:04"), req.Header.Get("Range")))
				r.mu.Unlock()
				rest := body
				if from, ok := strings.CutPrefix(req.Header.Get("Range"), "bytes="); ok {
					n, _ := strconv.Atoi(strings.TrimSuffix(from, "-"))
					rest = body[n:]
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", n, len(body)-1, len(body)))
					w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
					w.WriteHeader(http.StatusPartialContent)
				}
				for ; len(rest) > 0 && req.Context().Err() == nil; rest = rest[min(64<<10, len(rest)):] {
					w.Write(rest[:min(64<<10, len(rest))])
					w.(http.Flusher).Flush()
					time.Sleep(30 * time.Second)
				}
			})
		})
		ptr := r.publish(pub.Content(t, bundle.Manifest{Seq: 6, Zone: "UTC"}, large(1)))
		r.until("it is live", r.live(ptr))
		if want := []string{"01 01:00 ", "01 03:00 bytes=7340032-"}; !slices.Equal(ranges, want) {
			t.Errorf("asked for %q, want %q", ranges, want)
		}
		r.set(func() {
			for _, h := range r.beats {
				if h.Refused != nil {
					t.Errorf("the end of the time of day is told as a fault: %s", h.Refused.Reason)
				}
			}
		})
	})
}

func TestALargeBundleComesNoFasterThanItMay(t *testing.T) {
	pub := bundletest.New(t)
	for name, c := range map[string]struct {
		content bundle.Content
		least   time.Duration
		most    time.Duration
	}{
		"a large one at 100 kB/s":       {pub.Content(t, bundle.Manifest{Seq: 6}, large(1)), 94 * time.Second, 110 * time.Second},
		"a small one as fast as it can": {pub.Content(t, bundle.Manifest{Seq: 6}, files(1)), 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *relay) {
				var l uplink.Limits
				if err := l.SetRate("100k"); err != nil {
					t.Fatal(err)
				}
				p := enrolledWith(t, r, pub, t.TempDir(), uplink.Config{Limits: l})
				r.until("the first bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 5}, files(5)))))
				begun := time.Now()
				ptr := r.publish(c.content)
				if c.least > 0 {
					r.until("progress is told", func() bool { f := r.last().Fetching; return f != nil && f.Have > 2<<20 })
					if _, f := p.State(); f == nil || f.Rate < 80_000 || f.Rate > 120_000 || f.Total != 9<<20 {
						t.Errorf("it says %+v", f)
					}
				}
				r.until("it is live", r.live(ptr))
				if took := time.Since(begun); took < c.least || took > c.most {
					t.Errorf("it took %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

func TestLimitsAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]int64{"": -1, "2M": 2e6, "500k": 5e5, "1.5M": 15e5, "8Mbit": 1e6, "64kbit": 8000, "0": 0, "12345": 12345,
		"-1": -1, "2 M": 2e6, "fast": -1, "1": -1, "2T": -1, "NaN": -1, "1e300": -1} {
		var l uplink.Limits
		if err := l.SetRate(text); (err != nil) != (want < 0) || want >= 0 && l.Rate != want {
			t.Errorf("%q is %d bytes/s, %v; want %d", text, l.Rate, err, want)
		}
	}
	for text, ok := range map[string]bool{"22:00-05:00": true, "22:00-24:00,00:00-05:00": true, "0:00-24:00": true, "22:00": false, "22-5": false, "24:00-05:00": false,
		"12:00-12:00": false, "25:00-26:00": false, "12:60-13:00": false, "": false, "12:00-13:00,": false, "-12:00-13:00": false} {
		var l uplink.Limits
		if err := l.AddWindows(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What a relay answers is told once, and asked for again ever more seldom; something right makes it quick again.
func TestARelayThatIsDownIsAskedMoreAndMoreSeldom(t *testing.T) {
	pub := bundletest.New(t)
	inBubble(t, func(t *testing.T, r *relay) {
		enrolled(t, r, pub, t.TempDir())
		r.until("the first bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 5}, files(5)))))
		var asked []time.Time
		r.set(func() {
			r.lie = blobs(func(w http.ResponseWriter, req *http.Request) {
				r.mu.Lock()
				asked = append(asked, time.Now())
				n := len(asked)
				r.mu.Unlock()
				switch {
				case n == 4:
					w.Header().Set("Retry-After", time.Now().Add(5*time.Minute).UTC().Format(http.TimeFormat))
				case n == 20: // a segment of three, then it is down again
					w.Header().Set("Content-Length", strconv.Itoa(3<<20))
					w.Write(slices.Repeat([]byte{7}, 3<<19))
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				refuse(w, 503, "", "the disk of this relay is being changed")
			})
		})
		r.publish(pub.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": slices.Repeat([]byte{7}, 3<<20)}))
		r.until("it has asked often", func() bool { return len(asked) >= 22 })
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := 1; i < 22; i++ {
			gap, least, most := asked[i].Sub(asked[i-1]), 30*time.Second, time.Minute
			switch {
			case i < 4:
				least, most = time.Second<<(i-1)/2, time.Second<<(i-1)
			case i == 4: // as it was told
				least, most = 5*time.Minute, 7*time.Minute
			case i < 8:
				least = 0
			case i == 20:
				least, most = 500*time.Millisecond, time.Second
			case i == 21:
				least, most = time.Second, 2*time.Second
			}
			if gap < least || gap > most+time.Second {
				t.Errorf("try %d came after %v, want %v to %v", i+1, gap, least, most)
			}
		}
	})
}
