package packaging

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud"
	"vitrine/cloud/api"
)

// wire stands between player and relay: it can be cut, and it can swallow answers.
type wire struct {
	net.Listener
	to      string
	traffic chan struct{} // something came from the relay

	mu      sync.Mutex
	up      bool
	swallow int // how many answers to long requests still get lost
	conns   []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to, traffic: make(chan struct{}, 1), up: true}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		for _, c := range w.conns { // a player keeps its connections
			c.Close()
		}
		w.mu.Unlock()
		open.Wait()
	})
	return w
}

func (w *wire) set(up bool, swallow int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up, w.swallow = up, swallow
}

// lost says whether the answer to a request of so many bytes gets lost.
func (w *wire) lost(sent int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent < 50_000 || w.swallow == 0 {
		return false
	}
	w.swallow--
	return true
}

func (w *wire) carry(c net.Conn) {
	defer c.Close()
	w.mu.Lock()
	up := w.up
	w.conns = append(w.conns, c)
	w.mu.Unlock()
	if !up {
		return
	}
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	sent := &counter{}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(io.MultiWriter(far, sent), c)
		far.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := far.Read(buf)
		if err != nil || w.lost(sent.take()) { // a relay that speaks HTTP/1.1 has stored it before it says anything
			break
		}
		if _, err := c.Write(buf[:n]); err != nil {
			break
		}
		select {
		case w.traffic <- struct{}{}:
		default:
		}
	}
	c.Close()
	<-gone
}

// counter counts what was sent since the last answer.
type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(len(b))
	return len(b), nil
}

func (c *counter) take() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}

// wall is the machine's clock.
type wallClock struct{}

func (wallClock) Now() time.Time     { return time.Now() }
func (wallClock) TLSTime() time.Time { return time.Now() }
func (wallClock) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: clock.Held, Now: time.Now()}, nil
}
func (wallClock) Relay(time.Time, time.Duration) error { return nil }

// join runs a player's store and uplink until the test or stop ends it.
func join(t *testing.T, base, pin, dir string, s *store.Store, claim func(*uplink.Claim)) (stop func()) {
	t.Helper()
	me, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	up, err := uplink.New(uplink.Config{Base: base, Trust: api.Trust{Pin: pin}, Identity: me, Store: s, Clock: wallClock{},
		Describe: func(*api.Heartbeat) {}, Claim: claim, Check: func(error) {}, Plays: 10 * time.Millisecond,
		Shot: func(context.Context, string, int) error { return os.ErrNotExist }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A week without the relay: six restarts, a record that rots on the disk, one that cannot be one; then the relay comes back
// and the wire loses its first answers.
func TestAWeekOfPlaysReachesTheRelayOnceAndInOrder(t *testing.T) {
	const plays, rotten, long = 10_000, 4321, 777
	relay, err := cloud.New(cloud.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	token, err := relay.Token()
	if err != nil {
		t.Fatal(err)
	}
	ctx, halt := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	t.Cleanup(func() {
		halt()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	pin := relay.Authority().Pin()
	hc, err := api.NewHTTP(api.Trust{Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hc.CloseIdleConnections)
	admin := &api.Client{Base: "https://" + relay.Addr().String(), HTTP: hc, Token: api.Fixed(token)}
	w := newWire(t, relay.Addr().String())
	base, dir := "https://"+w.Addr().String(), t.TempDir()

	s := openStore(t, dir)
	claims := make(chan *uplink.Claim, 10)
	stop := join(t, base, pin, dir, s, func(c *uplink.Claim) { claims <- c })
	c := <-claims
	player, err := admin.Claim(t.Context(), c.Code, api.Claim{Name: "Lobby"})
	if err != nil {
		t.Fatal(err)
	}
	for c != nil {
		c = <-claims
	}
	stop()

	w.set(false, 3)
	week := time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)
	for i := range plays {
		if i%(plays/7) == plays/7-1 { // power
			s.Close()
			if i > rotten {
				rot(t, filepath.Join(dir, "diary.db"), scene(rotten))
			}
			s = openStore(t, dir)
		}
		p := api.Proof{Start: week.Add(time.Duration(i) * 7 * 24 * time.Hour / plays), Scene: scene(i), Stream: "lobby", Bundle: 1, Layer: "default", Reason: "eof", Clock: "held"}
		p.End = p.Start.Add(time.Minute)
		if i == long {
			p.Event = strings.Repeat("x", 3000)
		}
		s.Record(p)
	}
	w.set(true, 3)
	stop = join(t, base, pin, dir, s, func(*uplink.Claim) {})
	defer stop()
	all := s.Boot() + fmt.Sprintf("/%020d", plays) // before the last record: a gap more than plays
	for done := false; !done; {
		<-w.traffic
		page, err := admin.Plays(t.Context(), player.ID, all)
		if err != nil {
			t.Fatal(err)
		}
		done = len(page.Items) > 0
	}
	w.mu.Lock()
	if w.swallow != 0 {
		t.Errorf("%d answers were not lost: the test shows nothing", w.swallow)
	}
	w.mu.Unlock()
	inOrder(t, admin, player.ID, plays, rotten, long)
	commands(t, admin.Base, pin, token, player, plays)
}

func scene(i int) string { return fmt.Sprintf("scene-%05d-of-the-week", i) }

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// rot changes a letter wherever a word stands in a file.
func rot(t *testing.T, path, word string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(word), []byte("X"+word[1:])), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inOrder looks at every play that the relay has.
func inOrder(t *testing.T, admin *api.Client, id string, plays, rotten, long int) {
	t.Helper()
	next, gaps, n := 0, []api.Gap{}, uint64(0)
	for cursor := ""; ; {
		page, err := admin.Plays(t.Context(), id, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			if p.N <= n {
				t.Fatalf("record %d comes after %d", p.N, n)
			}
			if n = p.N; p.Gap != nil {
				gaps = append(gaps, *p.Gap)
				continue
			}
			for next == rotten || next == long {
				next++
			}
			if p.Scene != scene(next) {
				t.Fatalf("record %d is of %s, the next in order is %s", p.N, p.Scene, scene(next))
			}
			next++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if next != plays || len(gaps) != 2 || gaps[0].Plays != 1 || gaps[1].From != uint64(rotten+1) || gaps[1].To != gaps[1].From {
		t.Fatalf("%d plays of %d, told as lost: %+v", next, plays, gaps)
	}
}

// commands verifies and exports with the command itself.
func commands(t *testing.T, base, pin, token string, player api.Player, plays int) {
	t.Helper()
	dir := t.TempDir()
	vitrine, file, sheet := filepath.Join(dir, "vitrine"), filepath.Join(dir, "token"), filepath.Join(dir, "week.csv")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", vitrine, "vitrine/cloud/cmd/vitrine").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), vitrine, append(args, "--player", player.ID, "--relay", base, "--pin", pin, "--token-file", file)...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("vitrine %q: %v", args, err)
		}
		return string(out)
	}
	if out := run("plays", "verify"); !strings.Contains(out, "9998 plays in 10000 records: every one is as the player wrote it") || strings.Count(out, "note: The player says that") != 2 {
		t.Errorf("verify says:\n%s", out)
	}
	if out := run("plays", "export", "-o", sheet); out != "" {
		t.Errorf("export says %s", out)
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != plays+1 || rows[1][7] != scene(0) || rows[plays-1][7] != scene(plays-1) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
