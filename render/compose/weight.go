package compose

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const (
	weighEvery = 10 * time.Second
	sweepEvery = 10 * time.Second
	large      = 1 << 20 // bytes that are worth a sweep
)

// sweep gives memory back to the kernel now and then, when something large was let go: a picture of the whole screen is
// eight megabytes, and the collector alone would leave it lying about for minutes.
func (s *Stage) sweep(now time.Time) {
	if s.scratch != nil && now.Sub(s.scratched) > pulseEvery {
		freeScratch(s.scratch)
		s.scratch = nil
	}
	if !s.litter || now.Sub(s.swept) < sweepEvery {
		return
	}
	s.litter, s.swept = false, now
	s.elsewhere(func() func() {
		debug.FreeOSMemory()
		return func() {}
	})
}

// weigh looks the memory up now and then: the kernel needs some milliseconds for it, so it is done on another goroutine.
func (s *Stage) weigh(now time.Time) {
	if !s.weighed.IsZero() && now.Sub(s.weighed) < weighEvery {
		return
	}
	s.weighed = now
	s.elsewhere(func() func() {
		n := proportional()
		return func() { s.memory = n }
	})
}

// proportional is the process' memory in bytes, what it shares with others counted in parts (proc(5), smaps_rollup, Pss);
// 0 where the kernel does not tell.
func proportional() int64 {
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if w := strings.Fields(sc.Text()); len(w) == 3 && w[0] == "Pss:" {
			kb, _ := strconv.ParseInt(w[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}
