package account

import (
	"net/netip"
	"sync"
	"time"
)

// maxTried bounds how many addresses are remembered; more are let in under one shared account.
const maxTried = 100_000

// Tries lets each address do something so often: burst at once, then one each interval.
type Tries struct {
	burst float64
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex
	tried map[string]tried
}

type tried struct {
	left float64
	at   time.Time
}

// NewTries makes a limit.
func NewTries(burst int, every time.Duration, now func() time.Time) *Tries {
	return &Tries{burst: float64(burst), every: every, now: now, tried: map[string]tried{}}
}

// Left says whether an address has a try left, and if not, how long until it has.
func (t *Tries) Left(address string) (bool, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	got := t.get(Network(address))
	if got.left >= 1 {
		return true, 0
	}
	return false, time.Duration((1 - got.left) * float64(t.every))
}

// Take takes a try; false means that there was none.
func (t *Tries) Take(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := Network(address)
	if _, known := t.tried[key]; !known && len(t.tried) >= maxTried {
		if t.forget(); len(t.tried) >= maxTried {
			key = ""
		}
	}
	got := t.get(key)
	if got.left < 1 {
		return false
	}
	got.left--
	t.tried[key] = got
	return true
}

func (t *Tries) get(key string) tried {
	now := t.now()
	got, ok := t.tried[key]
	if !ok {
		return tried{t.burst, now}
	}
	return tried{min(t.burst, got.left+float64(now.Sub(got.at))/float64(t.every)), now}
}

// forget drops whoever has all tries back.
func (t *Tries) forget() {
	for key := range t.tried {
		if t.get(key).left >= t.burst {
			delete(t.tried, key)
		}
	}
}

// Network is what counts as one address: an IPv4 address, or the /64 of an IPv6 one, which a single machine can fill.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
