package ledbat_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
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
			// Each row is compared with what another has alone just before and just after: the machine has other things to do.
			lonely := func() float64 {
				d := b.pull(srv, plain, 0)
				defer d.stop()
				return rates(settle, span/2, d)[0]
			}
			row := func(name string, with dialer, limit int64) (others, alone, free float64) {
				d := b.pull(srv, with, limit)
				free = rates(settle, span, d)[0]
				d.stop()
				alone = lonely() / 2
				d = b.pull(srv, with, limit)
				fore := b.pull(srv, plain, 0)
				both := rates(settle, span, fore, d)
				fore.stop()
				d.stop()
				alone += lonely() / 2
				t.Logf("%-28s alone %6.2f (%3.0f %% of the line); beside another %6.2f, which gets %6.2f (%3.0f %% of its %.2f alone)",
					name, free, 100*free/mbit, both[1], both[0], 100*both[0]/alone, alone)
				return both[0], alone, free
			}
			row("plain download", plain, 0)
			row("limited to half of the line", plain, int64(l.rate/2))
			others, alone, free := row("idle mode", idle, 0)
			if others < 0.95*alone {
				t.Errorf("the other download has %.0f %% of what it has alone; 95 %% are promised", 100*others/alone)
			}
			if free < 0.85*mbit {
				t.Errorf("alone it has %.0f %% of the line; 85 %% are promised", 100*free/mbit)
			}
		})
	}
}

// What the table shows in minutes, in seconds: whoever is there gets most of the line.
func TestADownloadGivesWayOnARealLine(t *testing.T) {
	b := newBed(t, line{8e6 / 8, 15 * time.Millisecond, 128 << 10})
	srv := b.serve("cubic")
	idle := b.pull(srv, &ledbat.Dialer{Lame: func(err error) { t.Error(err) }}, 0)
	alone := rates(time.Second, 2*time.Second, idle)[0]
	other := b.pull(srv, &net.Dialer{}, 0)
	both := rates(3*time.Second, 3*time.Second, idle, other)
	idle.stop()
	other.stop()
	t.Logf("alone %.2f Mbit/s; then %.2f beside %.2f", alone, both[0], both[1])
	if alone < 1 {
		t.Errorf("alone it has %.2f Mbit/s of 8", alone)
	}
	if both[0] > both[1]/3 {
		t.Errorf("it has %.2f Mbit/s beside a download that has %.2f", both[0], both[1])
	}
}

func TestEveryPacketSaysThatItCanWait(t *testing.T) {
	b := newBed(t, line{8e6 / 8, time.Millisecond, 128 << 10})
	for version, ip := range map[int]string{4: farIP, 6: farIP6} {
		d := b.pull(b.serveAt(ip, "cubic"), &ledbat.Dialer{}, 0)
		for d.count() == 0 {
			runtime.Gosched()
		}
		d.stop()
		b.mu.Lock()
		delete(b.marks[version], 0xc0) // of the kernel's own, IGMP and the like
		if version == 6 {
			delete(b.marks[6], 0) // its neighbour discovery
		}
		if len(b.marks[version]) != 1 || b.marks[version][1<<2] == 0 {
			t.Errorf("IPv%d: packets by their type of service: %v, want DSCP LE alone", version, b.marks[version])
		}
		b.mu.Unlock()
	}
}

func TestAKernelThatCannotSaysSo(t *testing.T) {
	b := newBed(t, line{8e6 / 8, time.Millisecond, 128 << 10})
	if err := in(b.near, func() error { return os.WriteFile("/proc/sys/net/ipv4/tcp_timestamps", []byte("0"), 0) }); err != nil {
		t.Fatal(err)
	}
	said := make(chan error, 1)
	d := b.pull(b.serve("cubic"), &ledbat.Dialer{Lame: func(err error) { said <- err }}, 0)
	if err := <-said; !strings.Contains(err.Error(), "net.ipv4.tcp_timestamps") {
		t.Errorf("it says %v", err)
	}
	for d.count() == 0 {
		runtime.Gosched()
	}
	d.stop()
}
