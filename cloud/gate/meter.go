package gate

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Meter counts what the gate does.
type Meter struct {
	sent, taken atomic.Int64 // bytes of blobs
	Refused     atomic.Int64 // connections closed before their handshake

	mu       sync.Mutex
	requests map[answered]*tally
}

type answered struct {
	route string
	code  int
}

type tally struct {
	n    int64
	time time.Duration
}

func newMeter() *Meter { return &Meter{requests: map[answered]*tally{}} }

func (m *Meter) answered(route string, code int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := answered{route, code}
	t := m.requests[key]
	if t == nil {
		t = &tally{}
		m.requests[key] = t
	}
	t.n++
	t.time += took
}

// Write writes the counts in Prometheus' text format.
func (m *Meter) Write(w io.Writer) {
	m.mu.Lock()
	keys := make([]answered, 0, len(m.requests))
	tallies := map[answered]tally{}
	for k, t := range m.requests {
		keys = append(keys, k)
		tallies[k] = *t
	}
	m.mu.Unlock()
	slices.SortFunc(keys, func(a, b answered) int { return cmp.Or(cmp.Compare(a.route, b.route), a.code-b.code) })
	fmt.Fprintln(w, "# HELP vitrine_requests_total Requests by route and status.\n# TYPE vitrine_requests_total counter")
	for _, k := range keys {
		fmt.Fprintf(w, "vitrine_requests_total{route=%q,code=\"%d\"} %d\n", k.route, k.code, tallies[k].n)
	}
	fmt.Fprintln(w, "# HELP vitrine_request_seconds_total Time of requests, waits included.\n# TYPE vitrine_request_seconds_total counter")
	for _, k := range keys {
		fmt.Fprintf(w, "vitrine_request_seconds_total{route=%q,code=\"%d\"} %g\n", k.route, k.code, tallies[k].time.Seconds())
	}
	Metric(w, "vitrine_blob_sent_bytes_total", "counter", "Bytes of blobs sent.", float64(m.sent.Load()))
	Metric(w, "vitrine_blob_taken_bytes_total", "counter", "Bytes of blobs taken.", float64(m.taken.Load()))
	Metric(w, "vitrine_handshakes_refused_total", "counter", "Connections closed because too many handshakes were under way.", float64(m.Refused.Load()))
}

// Metric writes one value.
func Metric(w io.Writer, name, kind, help string, v float64) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %g\n", name, help, name, kind, name, v)
}
