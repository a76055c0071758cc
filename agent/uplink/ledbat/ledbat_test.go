package ledbat

import (
	"testing"
	"time"
)

// flow is a window on a line of this rate with a queue: what it does not carry at once waits, and what does not fit is lost.
// Others take what they take.
type flow struct {
	w      *window
	at     time.Duration
	rate   float64 // bytes/s
	delay  time.Duration
	room   float64 // of the queue, bytes
	others float64 // bytes that others keep in the queue
	share  float64 // of the line that others leave
}

const mss = 1448

func newFlow(h *history, rate float64, delay time.Duration, room float64) *flow {
	return &flow{w: newWindow(h, mss), at: time.Second, rate: rate, delay: delay, room: room, share: 1}
}

// run lets time go on, and gives the bytes that came each second and the most that waited in the queue because of us.
func (f *flow) run(span time.Duration) (rate float64, most time.Duration) {
	moved := 0.0
	for end := f.at + span; f.at < end; f.at += tick {
		size := f.w.size
		free := f.rate * f.share
		queued := max(0, size-free*f.delay.Seconds())
		lost := queued+f.others > f.room
		queued = min(queued, max(0, f.room-f.others))
		rtt := f.delay + time.Duration((queued+f.others)/f.rate*float64(time.Second))
		got := min(size/rtt.Seconds(), free) * tick.Seconds()
		if size < fewest*mss {
			got = 0
		}
		moved += got
		most = max(most, time.Duration(queued/f.rate*float64(time.Second)))
		f.w.step(sample{at: f.at, rtt: rtt, moved: int64(got), lost: lost, mss: mss})
	}
	return moved / span.Seconds(), most
}

func TestAFreeLineIsFilledAndItsQueueIsNot(t *testing.T) {
	for name, c := range map[string]struct {
		rate  float64
		delay time.Duration
	}{
		"2 Mbit/s":   {2e6 / 8, 40 * time.Millisecond},
		"20 Mbit/s":  {20e6 / 8, 40 * time.Millisecond},
		"200 Mbit/s": {200e6 / 8, 20 * time.Millisecond},
		"a long way": {20e6 / 8, 200 * time.Millisecond},
		"next door":  {100e6 / 8, 2 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(&history{}, c.rate, c.delay, c.rate) // a second fits
			f.run(30 * time.Second)
			rate, most := f.run(2 * time.Minute)
			if rate < 0.9*c.rate {
				t.Errorf("it takes %.0f %% of the line", 100*rate/c.rate)
			}
			if most > 3*Target {
				t.Errorf("%v wait in the queue because of it", most)
			}
		})
	}
}

func TestALineThatOthersFillIsLeftToThem(t *testing.T) {
	h := &history{}
	f := newFlow(h, 20e6/8, 40*time.Millisecond, 20e6/8)
	f.run(30 * time.Second)
	f.others, f.share = 20e6/8*0.1, 0.5 // they keep 100 ms of bytes in the queue
	f.run(5 * time.Second)
	if rate, _ := f.run(time.Minute); rate > 0.02*f.rate {
		t.Errorf("it takes %.1f %% of the line", 100*rate/f.rate)
	}
	f.others, f.share = 0, 1
	f.run(30 * time.Second)
	if rate, _ := f.run(30 * time.Second); rate < 0.9*f.rate {
		t.Errorf("when they have gone it takes %.0f %% of the line", 100*rate/f.rate)
	}
	late := newFlow(h, f.rate, f.delay, f.room) // a second connection to the same place knows the line
	late.at, late.others, late.share = f.at, 20e6/8*0.1, 0.5
	late.run(5 * time.Second)
	if rate, _ := late.run(time.Minute); rate > 0.02*f.rate {
		t.Errorf("one that comes late takes %.1f %% of the line", 100*rate/f.rate)
	}
}

func TestASmallQueueIsNotKeptFull(t *testing.T) {
	f := newFlow(&history{}, 20e6/8, 40*time.Millisecond, 20e6/8*0.01) // 10 ms: Target is never reached
	f.run(30 * time.Second)
	if rate, _ := f.run(time.Minute); rate < 0.4*f.rate {
		t.Errorf("it takes %.0f %% of the line", 100*rate/f.rate)
	}
	if f.w.size > 3*f.rate*0.05 {
		t.Errorf("its window is %.0f bytes though packets are lost", f.w.size)
	}
}

func TestTheShortestRoundTripIsOfTheLastTenMinutes(t *testing.T) {
	h := &history{}
	if got := h.note(0, 0); got != 0 {
		t.Errorf("before any there is %v", got)
	}
	h.note(time.Minute, 30*time.Millisecond)
	h.note(5*time.Minute, 50*time.Millisecond)
	for at, want := range map[time.Duration]time.Duration{6 * time.Minute: 30, 10 * time.Minute: 30} {
		if got := h.note(at, 80*time.Millisecond); got != want*time.Millisecond {
			t.Errorf("after %v it is %v", at, got)
		}
	}
	if got := h.note(12*time.Minute, 80*time.Millisecond); got != 50*time.Millisecond {
		t.Errorf("after twelve minutes it is %v", got)
	}
	if got := h.note(10*time.Hour, 0); got != 0 {
		t.Errorf("after hours it is %v", got)
	}
	if got := h.note(time.Hour, 90*time.Millisecond); got != 90*time.Millisecond {
		t.Errorf("a clock that goes back gives %v", got)
	}
}

func TestNoSampleMakesAWindowThatIsNone(t *testing.T) {
	for name, s := range map[string]sample{
		"nothing":             {},
		"no round trip":       {at: time.Second, moved: 1 << 40},
		"a round trip of 1 h": {at: time.Second, rtt: time.Hour, moved: 1, mss: mss},
		"a torrent":           {at: time.Second, rtt: time.Microsecond, moved: 1 << 62, mss: 1 << 20},
		"losses":              {at: time.Second, rtt: time.Millisecond, moved: 1, lost: true},
	} {
		w := newWindow(&history{}, mss)
		for range 1000 {
			s.at += tick
			if n := w.step(s); n < 1 || n > largest {
				t.Errorf("%s: the window is %d bytes", name, n)
				break
			}
		}
	}
}
