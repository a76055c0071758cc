// Package ledbat answers: how much of the line may a download take that nobody waits for?
//
//	sender ──────────── line with a queue ────────────> this machine
//	   ▲                                                    │ every 20 ms: TCP_INFO: round trip, bytes, losses
//	   │                                                    ▼
//	   └── sends no more than the window <── TCP_WINDOW_CLAMP <── window: grows while the queue is short, halves when it grows
//
// It is LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus, after RFC 6817) at the receiver's end (rLEDBAT, RFC 9840): a round trip
// that is longer than the shortest of the last ten minutes means that bytes wait in a queue, ours or those of others. Below
// Target the window grows, above it shrinks at once, down to nearly nothing while somebody else fills the line. The sender
// needs to know nothing of it; any TCP obeys the window that it is given. Packets are marked as lower effort (RFC 8622), for
// routers that know what that is.
//
// A limit of the rate is no substitute: it takes its share of a full line, and leaves the rest of a free one.
package ledbat

import (
	"math"
	"sync"
	"time"
)

// Target is how long bytes may wait in the line's queue because of us. RFC 6817 allows 100 ms and LEDBAT++ 60; less leaves
// more to a sender that keeps the queue half full itself.
const Target = 25 * time.Millisecond

const (
	tick       = 20 * time.Millisecond // between two looks at a connection
	fewest     = 2                     // segments of a window that still flows
	begin      = 4                     // segments
	largest    = 64 << 20              // of a window, bytes
	quiet      = time.Second           // how long nothing flows before it is asked whether the line is free; each time twice as long
	quietest   = 16 * time.Second      // at most
	settle     = 4                     // round trips until what is measured then is of then
	calm       = 8                     // round trips with an empty queue, after which the window doubles again
	slowEvery  = 30 * time.Second      // our own queue is let go, to see the line's own delay
	slowFor    = 2                     // round trips
	memory     = 10                    // minutes of the shortest round trips
	mostShares = 16                    // of the growth: see gain
)

// sample is what is seen of a connection at one look.
type sample struct {
	at    time.Duration // on any clock that only goes forward
	rtt   time.Duration // smoothed; 0 = none yet
	moved int64         // bytes since the last look
	lost  bool          // packets have come out of order since
	mss   int           // bytes
}

// window is how many bytes may be on their way. Pure: what it knows are its samples.
type window struct {
	base *history

	size      float64       // bytes; below fewest segments nothing flows
	doubling  bool          // LEDBAT++'s slow start
	ceiling   float64       // at which doubling ends
	backed    time.Duration // no second halving before
	resting   time.Duration // until when our own queue is let go; 0 = it is not
	rested    float64       // window before that
	rests     time.Duration // when it is let go next
	still     time.Duration // until when nothing flows; 0 = it does
	quiet     time.Duration // how long that is
	unsure    time.Duration // until when samples are those of before
	idleSince time.Duration // since when the queue is empty; -1 = it is not
}

func newWindow(base *history, mss int) *window {
	return &window{base: base, size: float64(begin * mss), doubling: true, ceiling: math.Inf(1), idleSince: -1}
}

// gain is the share of a segment by which the window grows in a round trip: lines with short round trips would else be
// taken faster than others can answer (LEDBAT++, section 4.2).
func gain(base time.Duration) float64 {
	return 1 / min(mostShares, math.Ceil(float64(2*Target)/float64(max(base, time.Millisecond))))
}

// step takes a sample and gives the window, bytes; 1 = nothing is to flow.
func (w *window) step(s sample) int {
	if s.rtt > 0 {
		w.judge(s, float64(max(s.mss, 536)))
	}
	w.size = min(max(w.size, 1), largest)
	return int(w.size)
}

func (w *window) judge(s sample, mss float64) {
	if w.still > 0 && s.at >= w.still { // it is opened a little, to ask how the line is
		w.still, w.size, w.unsure = 0, fewest*mss, s.at+settle*s.rtt
	}
	base := w.base.note(s.at, s.rtt)
	if s.moved == 0 || w.still > 0 || s.at < w.unsure {
		return
	}
	queue := s.rtt - base
	rounds := min(float64(tick)/float64(s.rtt), 1)
	switch {
	case w.rest(s, base, mss):
	case s.lost && s.at >= w.backed:
		w.end(s)
		w.size /= 2
		w.backed = s.at + s.rtt
	case w.doubling && queue < Target*3/4:
		if w.size += float64(s.moved) * max(gain(base), 0.25); w.size >= w.ceiling {
			w.size, w.doubling = w.ceiling, false
		}
	case queue < Target:
		w.end(s)
		w.size += gain(base) * mss * rounds
	default:
		w.end(s)
		over := float64(queue)/float64(Target) - 1
		w.size -= min(w.size*over, w.size/2) * rounds
	}
	w.look(s, queue)
	if w.size < fewest*mss && w.resting == 0 {
		if queue > Target {
			w.quiet = min(max(2*w.quiet, quiet), quietest)
			w.still, w.size = s.at+w.quiet, 0
		} else {
			w.size = fewest * mss
		}
	} else if w.size > 2*fewest*mss {
		w.quiet = 0
	}
}

// end leaves doubling; the first time our own queue is let go soon.
func (w *window) end(s sample) {
	if w.doubling {
		w.doubling = false
		if w.rests == 0 {
			w.rests = s.at + slowFor*s.rtt
		}
	}
}

// rest says whether our own queue is being let go, so that the line's own delay is seen (LEDBAT++, section 4.4).
func (w *window) rest(s sample, base time.Duration, mss float64) bool {
	switch {
	case w.resting > 0 && s.at < w.resting:
	case w.resting > 0:
		w.resting, w.rests = 0, s.at+slowEvery
		w.doubling, w.ceiling = true, max(w.rested, fewest*mss)
		return false
	case w.rests > 0 && s.at >= w.rests && !w.doubling:
		w.rested, w.resting = w.size, s.at+slowFor*s.rtt+tick
	default:
		return false
	}
	w.size = fewest * mss
	return true
}

// look doubles again when the queue has long been empty: whoever was there has gone.
func (w *window) look(s sample, queue time.Duration) {
	switch {
	case queue > Target/4 || w.doubling || w.resting > 0:
		w.idleSince = -1
	case w.idleSince < 0:
		w.idleSince = s.at
	case s.at-w.idleSince > calm*s.rtt:
		w.idleSince, w.doubling, w.ceiling = -1, true, math.Inf(1)
	}
}

// history is the shortest round trips of the last minutes (RFC 6817, section 3.4.2). All connections to one place share it,
// so that the second one is not fooled by a line that was full when it began.
type history struct {
	mu      sync.Mutex
	minutes [memory]time.Duration // 0 = none
	minute  int64
}

// note takes a round trip, if it is one, and gives the shortest; 0 = none is known.
func (h *history) note(at, rtt time.Duration) (least time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := int64(at / time.Minute); m > h.minute {
		for i := h.minute + 1; i <= m && i <= h.minute+memory; i++ {
			h.minutes[i%memory] = 0
		}
		h.minute = m
	}
	if p := &h.minutes[h.minute%memory]; rtt > 0 && (*p == 0 || rtt < *p) {
		*p = rtt
	}
	for _, rtt := range h.minutes {
		if rtt > 0 && (least == 0 || rtt < least) {
			least = rtt
		}
	}
	return least
}
