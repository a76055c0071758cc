package ledbat_test

import (
	"flag"
	"fmt"
	"net"
	"testing"
	"time"

	"vitrine/agent/uplink/ledbat"
)

// How long each row of the table is measured: make idle.
var tableFor = flag.Duration("table", 0, "measure what a download leaves to others, so long for each row")

// rates measures several downloads at once for a while, after they have settled, in Mbit/s.
func rates(settle, span time.Duration, loads ...*load) []float64 {
	time.Sleep(settle)
	before := make([]int64, len(loads))
	for i, l := range loads {
		before[i] = l.count()
	}
	begun := time.Now()
	time.Sleep(span)
	took := time.Since(begun).Seconds()
	out := make([]float64, len(loads))
	for i, l := range loads {
		out[i] = float64(l.count()-before[i]) * 8 / 1e6 / took
	}
	return out
}

// The table of what a download in idle mode leaves to others and takes of a free line, beside a plain download and one that
// limits its own rate.
func TestIdleModeTakesOnlyWhatIsFree(t *testing.T) {
	if *tableFor == 0 {
		t.Skip("a measurement of minutes: make idle")
	}
	for _, c := range []struct {
		line
		control string // of both senders
	}{
		{line{2e6 / 8, 20 * time.Millisecond, 32 << 10}, "cubic"},
		{line{20e6 / 8, 20 * time.Millisecond, 256 << 10}, "cubic"},
		{line{2e6 / 8, 20 * time.Millisecond, 32 << 10}, "bbr"},
		{line{20e6 / 8, 20 * time.Millisecond, 256 << 10}, "bbr"},
	} {
		l, mbit := c.line, c.rate*8/1e6
		t.Run(fmt.Sprintf("%.0f Mbit per s against %s", mbit, c.control), func(t *testing.T) {
			t.Parallel()
			b := newBed(t, l)
			srv := b.serve(c.control)
			plain := &net.Dialer{}
			idle := &ledbat.Dialer{Lame: func(err error) { t.Error(err) }}
			settle, span := *tableFor/3, *tableFor
			first := b.pull(srv, plain, 0)
			alone := rates(settle, span, first)[0]
			first.stop()
			row := func(name string, with dialer, limit int64) (others, own, free float64) {
				d := b.pull(srv, with, limit)
				free = rates(settle, span, d)[0]
				fore := b.pull(srv, plain, 0)
				both := rates(settle, span, fore, d)
				fore.stop()
				d.stop()
				t.Logf("%-28s alone %6.2f (%3.0f %% of the line); beside another %6.2f, which gets %6.2f (%3.0f %% of its %.2f alone)",
					name, free, 100*free/mbit, both[1], both[0], 100*both[0]/alone, alone)
				return both[0], both[1], free
			}
			row("plain download", plain, 0)
			row("limited to half of the line", plain, int64(l.rate/2))
			others, _, free := row("idle mode", idle, 0)
			if others < 0.95*alone {
				t.Errorf("the other download has %.0f %% of what it has alone; 95 %% are promised", 100*others/alone)
			}
			if free < 0.85*mbit {
				t.Errorf("alone it has %.0f %% of the line; 85 %% are promised", 100*free/mbit)
			}
		})
	}
}
