package uplink_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/identity"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
)

// TestMain lets this program be the player that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("VITRINE_TEST_PLAYER"); dir != "" {
		if err := playUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playUntilKilled is a player without a screen. It says on its standard output what it has, and ends when version 6 is live.
func playUntilKilled(dir string) error {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	me, err := identity.Load(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, err := uplink.New(uplink.Config{Base: os.Getenv("VITRINE_TEST_RELAY"), Trust: api.Trust{CAFile: os.Getenv("VITRINE_TEST_CA")}, Identity: me, Store: s, Clock: wall{},
		Describe: func(h *api.Heartbeat) {
			live, _ := s.Live()
			h.Active, h.Version = live.Pointer(), bundle.AgentVersion
		},
		Shot: func(context.Context, string, int) error { return os.ErrInvalid }, Claim: func(*uplink.Claim) {}, Check: func(error) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	go func() {
		had := int64(-1)
		for ctx.Err() == nil {
			if _, f := up.State(); f != nil && f.Total > 0 && f.Have != had {
				had = f.Have
				fmt.Println(had)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	go func() {
		for {
			live, changed := s.Live()
			if live.Manifest != nil && live.Manifest.Seq == 6 {
				cancel()
				return
			}
			<-changed
		}
	}()
	if err := up.Run(ctx); err != nil {
		return err
	}
	return s.Close()
}

// A real player is killed while bytes come, again and again. What it has said that it has is never asked for again.
func TestAKilledPlayerGoesOnWithWhatItHas(t *testing.T) {
	const segments = 12
	r, pub, dir := newRelay(t), bundletest.New(t), t.TempDir()
	enrolled(t, r, pub, dir).stop()
	ca := r.ca()
	body := make([]byte, segments*bundle.MinSegment+77)
	for i := range body {
		body[i] = byte(i >> 9 * i)
	}
	dice := rand.New(rand.NewPCG(5, 6))
	// Where the answer begins, and how many bytes of it come; at is what the player says that it has before it is killed.
	var first, after, at int64
	pid := 0
	r.set(func() {
		r.lie = blobs(func(w http.ResponseWriter, req *http.Request) {
			from, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(req.Header.Get("Range"), "bytes="), "-"), 10, 64)
			rest := body[from:]
			w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
			if err == nil {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
				w.WriteHeader(http.StatusPartialContent)
			}
			r.mu.Lock()
			first = from
			n, kill := min(after, int64(len(rest))), pid
			at = (from + n) / bundle.MinSegment * bundle.MinSegment
			now := at <= from || n%3 == 0
			r.mu.Unlock()
			w.Write(rest[:n])
			w.(http.Flusher).Flush()
			if n == int64(len(rest)) {
				return
			}
			if now { // whatever it has made of them
				_ = syscall.Kill(kill, syscall.SIGKILL)
			}
			<-req.Context().Done()
			panic(http.ErrAbortHandler)
		})
	})
	r.publish(pub.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": body}))
	has, kills := int64(0), 0
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "VITRINE_TEST_PLAYER="+dir, "VITRINE_TEST_RELAY="+r.URL, "VITRINE_TEST_CA="+ca)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		r.set(func() { // nothing is answered before the process is known
			if err = cmd.Start(); err == nil {
				pid, first, at, after = cmd.Process.Pid, -1, -1, dice.Int64N(3*bundle.MinSegment)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		said := int64(0)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				said = max(said, n)
				r.mu.Lock()
				if at >= 0 && said >= at && said > 0 {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				r.mu.Unlock()
			}
		}
		err = cmd.Wait()
		r.mu.Lock()
		if first >= 0 && first < has {
			t.Errorf("after it had %d bytes it asked for those from %d", has, first)
		}
		r.mu.Unlock()
		if err == nil {
			break
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("it ended by itself: %v", err)
		}
		has = max(has, said)
		if kills++; kills > 200 {
			t.Fatal("it makes no progress")
		}
	}
	if kills < 5 || has == 0 {
		t.Errorf("it was killed %d times, and had %d bytes: the test has shown nothing", kills, has)
	}
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	live, _ := s.Live()
	if live.Manifest == nil || live.Manifest.Seq != 6 || len(live.Missing) > 0 {
		t.Errorf("live is %+v", live.Manifest)
	}
	t.Logf("killed %d times", kills)
}
