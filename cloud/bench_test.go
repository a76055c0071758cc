package cloud_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
	"vitrine/cloud/shelf"
)

// crowd starts a relay with n players that were claimed before, each with a connection and an address of its own.
func crowd(b *testing.B, n int) (*rig, []*device) {
	b.Helper()
	dir := b.TempDir()
	all := make([]*device, n)
	s, err := shelf.Open(filepath.Join(dir, "relay.db"))
	if err != nil {
		b.Fatal(err)
	}
	players, err := s.Case("players")
	if err != nil {
		b.Fatal(err)
	}
	f, err := fleet.New(fleet.Config{Players: players, Reports: players, Proofs: players, Pictures: b.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Skip("the file has other records than players:", err)
	}
	each(n, 200, func(i int) {
		public, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			b.Error(err)
			return
		}
		m, err := f.Admit(api.EnrolRequest{Public: public}, api.DeviceKeyID(public), api.Claim{Name: fmt.Sprint("player ", i), Groups: []string{"crowd"}})
		if err != nil {
			b.Error(err)
			return
		}
		all[i] = &device{key: key, id: m.ID}
	})
	if err := s.Close(); err != nil || b.Failed() {
		b.Fatal(err)
	}
	g := start(b, dir, nil)
	pem, err := os.ReadFile(g.Authority().File())
	if err != nil {
		b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	each(n, 50, func(i int) {
		d := all[i]
		from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}
		tr := &http.Transport{DialContext: (&net.Dialer{LocalAddr: from, Timeout: 10 * time.Second}).DialContext, TLSClientConfig: &tls.Config{RootCAs: pool}}
		b.Cleanup(tr.CloseIdleConnections)
		d.Client = &api.Client{Base: g.base, HTTP: &http.Client{Transport: tr}}
		d.Token = d.Device(d.key, time.Now)
		if _, err := d.Heartbeat(b.Context(), d.id, beat(1, 1, nil), 0); err != nil {
			b.Error(err)
		}
	})
	if b.Failed() {
		b.FailNow()
	}
	return g, all
}

// each runs f for 0 to n-1, so many at once.
func each(n, at int, f func(int)) {
	var wg sync.WaitGroup
	next := atomic.Int64{}
	for range at {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// cpu is the processor time of this process so far, which holds the relay and its players alike.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHeartbeat is one heartbeat over a kept TLS connection, client and relay together.
func BenchmarkHeartbeat(b *testing.B) {
	_, all := crowd(b, 600) // so many that none meets the limit of 20 a second and 200 at once
	var n atomic.Int64
	began := cpu()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			d := all[int(i)%len(all)]
			if _, err := d.Heartbeat(b.Context(), d.id, beat(uint64(i), 1, nil), 0); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64((cpu()-began).Microseconds())/float64(b.N), "cpu-us/beat")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
}

// BenchmarkLastOfThousandTold moves a head that 1,000 waiting players follow, and waits for the last to be told.
func BenchmarkLastOfThousandTold(b *testing.B) {
	const n = 1000
	g, all := crowd(b, n)
	g.push(b, "lobby", 1, "x")
	if err := g.admin.SetChannel(b.Context(), api.Channel{Group: "crowd", Stream: "lobby"}); err != nil {
		b.Fatal(err)
	}
	page, err := g.admin.Streams(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	has := api.Pointer{Stream: "lobby", Seq: 1, Manifest: page.Items[0].Head.Manifest, Root: 1}
	var last []time.Duration
	seq := uint64(1)
	for b.Loop() {
		seq++
		c := g.prepare(b, "lobby", seq, "x")
		to := pointer(c)
		told := make(chan time.Time, n)
		now := has
		for _, d := range all {
			go func() {
				got, err := d.Heartbeat(b.Context(), d.id, beat(seq, 1, &now), 50*time.Second)
				if err != nil || got == nil || got.Bundle == nil || *got.Bundle != to {
					b.Errorf("told %+v, %v", got, err)
				}
				told <- time.Now()
			}()
		}
		for waiting(b, g) < n { // each look is a request: it takes its time
		}
		began := time.Now()
		if _, err := g.admin.MoveHead(b.Context(), "lobby", 0, api.Head{Seq: seq, Manifest: to.Manifest, Root: 1}); err != nil {
			b.Fatal(err)
		}
		var end time.Time
		for range n {
			end = <-told
		}
		last = append(last, end.Sub(began))
		has = to
	}
	slices.Sort(last)
	b.ReportMetric(float64(last[len(last)/2].Microseconds())/1000, "ms-to-last")
	b.ReportMetric(0, "ns/op")
}

// waiting reads from the relay's metrics how many heartbeats wait.
func waiting(b *testing.B, g *rig) (n int) {
	res, err := http.Get("http://" + g.OpsAddr().String() + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if _, err := fmt.Sscanf(line, "vitrine_heartbeats_waiting %d", &n); err == nil {
			return n
		}
	}
	return 0
}
