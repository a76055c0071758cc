package act_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"vitrine/agent/act"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/clock"
	"vitrine/agent/schedule"
	"vitrine/agent/store"
	"vitrine/agent/system"
)

// TestMain is also the player that a test kills: a process of its own with a real store, a real bus, and its death as an order.
func TestMain(m *testing.M) {
	if dir := os.Getenv("ACT_PLAYER"); dir != "" {
		if err := player(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// mortal counts steps, and dies at one.
type mortal struct {
	*store.Store
	machine *system.Machine
	mu      sync.Mutex
	steps   int
	dies    int
}

func (p *mortal) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.steps++; p.steps == p.dies {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (p *mortal) KeepMemo(name string, memo []byte) error {
	p.step()
	err := p.Store.KeepMemo(name, memo)
	p.step()
	return err
}

func (p *mortal) Reboot(ctx context.Context) error {
	p.step()
	err := p.machine.Reboot(ctx)
	p.step()
	return err
}

func (p *mortal) PowerOff(ctx context.Context) error { return p.machine.PowerOff(ctx) }

// body is the mortal's machine; its store has another Boot.
type body struct{ *mortal }

func (b body) Boot() (string, time.Duration, error) { return b.machine.Boot() }

// wall is a clock that says a quarter past four, and goes on.
type wall struct{ begun time.Time }

func (w wall) State() (clock.State, <-chan struct{}) {
	now := time.Date(2027, 1, 4, 4, 15, 0, 0, time.UTC).Add(time.Since(w.begun))
	return clock.State{Trust: clock.Trusted, Now: now}, nil
}

type quiet struct{}

func (quiet) SetScreen(bool) {}
func (quiet) SetVolume(int)  {}

func player(dir string) error {
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "data")})
	if err != nil {
		return err
	}
	dies, _ := strconv.Atoi(os.Getenv("ACT_DIES"))
	p := &mortal{Store: s, machine: system.New(system.Config{Bus: os.Getenv("ACT_BUS"), Proc: filepath.Join(dir, "proc")}), dies: dies}
	a, err := act.New(act.Config{Store: p, Clock: wall{time.Now()}, Machine: body{p}, Stage: quiet{}, Patience: time.Millisecond,
		Picture: func(_ context.Context, action string, due time.Time) error {
			p.step()
			err := os.WriteFile(filepath.Join(dir, "picture "+action+" "+due.Format("1504")), nil, 0o600)
			p.step()
			return err
		},
		Check: func(name string, err error) { fmt.Println(name, err) }})
	if err != nil {
		return err
	}
	return a.Run(context.Background())
}

// logind restarts the machine: another boot_id, and the player's process is killed.
type logind struct {
	t     *testing.T
	proc  string
	mu    sync.Mutex
	asked int
	down  func()
}

func (l *logind) Reboot(interactive bool) *dbus.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	l.write(fmt.Sprintf("boot-%d", l.asked+1))
	time.AfterFunc(0, l.down) // after the answer, or before it
	return nil
}

func (l *logind) write(boot string) {
	for name, text := range map[string]string{"sys/kernel/random/boot_id": boot, "uptime": "3600.00 1.00\n"} {
		path := filepath.Join(l.proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			l.t.Error(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			l.t.Error(err)
		}
	}
}

// privateBus starts a dbus-daemon and returns its address.
func privateBus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Fatalf("the package dbus is missing (packaging/debian-packages.txt): %v", err)
	}
	daemon := exec.Command(program, "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:tmpdir=/tmp")
	out, err := daemon.StdoutPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// prepare makes a player's folder with a bundle whose reboot and screenshot were due at four.
func prepare(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := bundletest.New(t)
	m := bundle.Manifest{Zone: "UTC", Schedule: schedule.Schedule{Actions: []schedule.Action{
		{ID: "nightly", Do: "reboot", At: "04:00", Late: "2h"}, {ID: "proof", Do: "screenshot", At: "04:05", Late: "2h"}}}}
	archive, err := bundle.Open(p.File(t, m, map[string][]byte{"media/a.png": []byte("picture")}))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ingest(t.Context(), store.FromArchive(archive), nil); err != nil {
		t.Fatal(err)
	}
	// Known since yesterday: else nothing would be made up for.
	entries := map[string]any{}
	for _, a := range m.Schedule.Actions {
		rule, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		entries[a.ID] = map[string]any{"rule": string(rule), "since": "2027-01-03T12:00:00Z"}
	}
	memo, err := json.Marshal(map[string]any{"actions": entries})
	if err == nil {
		err = s.KeepMemo("act.ledger", memo)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestARebootIsAskedForOnceWhereverThePlayerIsKilled(t *testing.T) {
	address := privateBus(t)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.RequestName("org.freedesktop.login1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	// The steps of a day: picture begun (2), taken (2), done (2); reboot begun (2), asked (2). At 0 nobody is killed.
	for dies := 0; dies <= 10; dies++ {
		t.Run(fmt.Sprintf("at step %d", dies), func(t *testing.T) {
			dir := t.TempDir()
			prepare(t, dir)
			l := &logind{t: t, proc: filepath.Join(dir, "proc")}
			l.write("boot-1")
			if err := conn.Export(l, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"); err != nil {
				t.Fatal(err)
			}
			starts := 0
			for alive := true; alive; starts++ {
				if starts > 5 {
					t.Fatal("it never comes to an end")
				}
				alive = !l.life(t, address, dir, dies*min(1, max(0, 1-starts)))
			}
			pictures, err := filepath.Glob(filepath.Join(dir, "picture *"))
			if err != nil || len(pictures) != 1 {
				t.Errorf("pictures: %q %v", pictures, err)
			}
			if l.asked != 1 {
				t.Errorf("logind was asked %d times in %d starts", l.asked, starts)
			}
			if killed := dies > 0; starts < 2 || killed && dies < 9 && starts != 3 {
				t.Errorf("%d starts", starts)
			}
		})
	}
}

// life is one process of the player: until it dies, until the machine restarts, or until it has said that the reboot is done.
func (l *logind) life(t *testing.T, address, dir string, dies int) (over bool) {
	t.Helper()
	p := exec.Command(os.Args[0])
	p.Env = append(os.Environ(), "ACT_PLAYER="+dir, "ACT_BUS="+address, fmt.Sprintf("ACT_DIES=%d", dies))
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	err = p.Start()
	l.down = func() { _ = p.Process.Kill() }
	l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, "error:") {
			t.Error(line)
		}
		if line == "action:nightly <nil>\n" {
			over = true
			_ = p.Process.Kill()
		}
		if err == io.EOF {
			break
		}
	}
	_ = p.Wait()
	return over
}
