package web

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/target"
)

// engine is one running browser process with all it has started.
type engine struct {
	pid   int // and its process group
	wire  *wire
	root  session // the browser's own
	said  *tail
	ended chan struct{} // the process is gone, and its profile too

	mu      sync.Mutex
	homes   map[cdp.BrowserContextID]bool // of pages, and whether the page is there: more than one is an intruder
	users   int                           // pages that hold it
	tired   bool                          // no page is to come to it any more
	since   time.Time                     // it has had no page
	charge  error                         // why pages are killed …
	charged time.Time                     // … and when
	meant   bool                          // it was ended on purpose
	tabbed  bool                          // it has windows, as the whole of Chromium does
}

// launch is how a browser is started.
type launch struct {
	program string
	flags   []string
	memory  string // directory for the profile, "" = where there is RAM
	user    *account
	free    bool // without its sandbox
}

const (
	startTime = 20 * time.Second
	patience  = 10 * time.Second // for an answer that takes the browser no time
)

// start starts a browser and returns when it answers.
func (l launch) start(ctx context.Context) (*engine, error) {
	dir, err := os.MkdirTemp(l.memory, profileName+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("make a profile for the browser: %w", err)
	}
	e := &engine{said: &tail{}, ended: make(chan struct{}), homes: map[cdp.BrowserContextID]bool{}}
	in, toBrowser, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	fromBrowser, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), toBrowser.Close(), os.RemoveAll(dir))
	}
	cmd := l.command(dir, in, out)
	cmd.Stderr, cmd.WaitDelay = e.said, 50*time.Millisecond // its children hold stderr open
	if err = l.user.own(dir); err == nil {
		err = e.run(cmd, dir)
	}
	_, _ = in.Close(), out.Close() // the browser has its own
	if err != nil {
		_, _, _ = toBrowser.Close(), fromBrowser.Close(), os.RemoveAll(dir)
		return nil, fmt.Errorf("start %s: %w", l.program, err)
	}
	e.wire = newWire(fromBrowser, toBrowser)
	e.root = session{wire: e.wire}
	e.wire.listen("", e.hear)
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	v, err := call(ctx, e.root, browser.GetVersion, cdp.Empty{})
	if err == nil {
		e.tabbed = !strings.HasPrefix(v.Product, "Headless")
		_, err = call(ctx, e.root, target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true})
	}
	if err != nil {
		e.kill()
		<-e.ended
		return nil, &startError{said: e.said.String(), err: err}
	}
	lastResort(cmd.Process.Pid)
	return e, nil
}

// startError says that the browser did not come up.
type startError struct {
	said string
	err  error
}

func (e *startError) Unwrap() error { return e.err }

func (e *startError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("the browser did not start: %v", e.err)
	}
	return fmt.Sprintf("the browser did not start: %v; it said: %s", e.err, e.said)
}

// caged says that the browser ended for want of a sandbox.
func (e *startError) caged() bool {
	return strings.Contains(e.said, "sandbox") || strings.Contains(e.said, "Sandbox") || strings.Contains(e.said, "namespace")
}

// command is the browser's command line. What it says over the network by itself is turned off, and has nowhere to go.
func (l launch) command(dir string, in, out *os.File) *exec.Cmd {
	args := append([]string{"--user-data-dir=" + dir, "--remote-debugging-pipe"}, flags()...)
	if l.free {
		args = append(args, "--no-sandbox")
	}
	if !roomy(shm) {
		args = append(args, "--disable-dev-shm-usage")
	}
	cmd := exec.Command(l.program, append(append(args, l.flags...), "about:blank")...)
	cmd.Dir = "/"
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "XDG_RUNTIME_DIR=" + dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent"}
	cmd.ExtraFiles = []*os.File{in, out} // descriptors 3 and 4
	l.user.confine(cmd)
	return cmd
}

// run starts the process and waits for its end. The kernel kills it with the thread that started it, so that one is kept.
func (e *engine) run(cmd *exec.Cmd, dir string) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			e.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how it ended is in what it said
		killGroup(e.pid)
		removeAll(dir)
		close(e.ended)
	}()
	return <-started
}

// removeAll takes a profile away that dying processes may still write to.
func removeAll(dir string) {
	for range 50 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// windows asks for a window of its own for each page: in a tab behind another it would not be drawn.
func (e *engine) windows() *bool {
	if e.tabbed {
		return &e.tabbed
	}
	return nil
}

func (e *engine) kill() {
	e.mu.Lock()
	e.meant = true
	e.mu.Unlock()
	killGroup(e.pid)
}

func (e *engine) dead() bool {
	select {
	case <-e.ended:
		return true
	case <-e.wire.gone:
		return true
	default:
		return false
	}
}

// hear takes the browser's own events: what a page opens beside itself is closed before anybody could see it.
func (e *engine) hear(method string, params jsonv2.Value) {
	if method != target.TargetCreated.Method {
		return
	}
	var ev target.EventTargetCreated
	if jsonv2.Unmarshal(params, &ev) != nil || ev.TargetInfo == nil {
		return
	}
	if e.intruder(ev.TargetInfo) {
		tell(e.root, target.CloseTarget, target.CloseTargetParams{TargetID: ev.TargetInfo.TargetID})
	}
}

// tail keeps the last words of a program.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 2000
	if t.b = append(t.b, p...); len(t.b) > most {
		t.b = append(t.b[:0], t.b[len(t.b)-most:]...)
	}
	return len(p), nil
}

// String leaves out what the browser always complains about.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var kept []string
	for line := range strings.Lines(string(t.b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, "dbus/") && !strings.Contains(line, ":WARNING:") {
			kept = append(kept, line)
		}
	}
	said := strings.Join(kept, " / ")
	return said[:min(len(said), 300)]
}

const shm = "/dev/shm"

// ram is a directory in memory that the browser's user gets to, "" where there is none: the profile is never to wear a
// disk out.
func ram(user *account) string {
	dirs := []string{shm}
	if user == nil {
		dirs = []string{os.Getenv("XDG_RUNTIME_DIR"), shm}
	}
	for _, dir := range dirs {
		if dir != "" && filepath.IsAbs(dir) && inMemory(dir) && roomy(dir) && writable(dir) {
			return dir
		}
	}
	return ""
}

const profileName = "vitrine-web-" // then the number of the process that made it, and a random part

// sweep takes away the profiles of processes that were killed and could not do it themselves.
func sweep(dir string) {
	if dir == "" {
		dir = os.TempDir()
	}
	found, _ := filepath.Glob(filepath.Join(dir, profileName+"*-*"))
	for _, profile := range found {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(profile), profileName), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && !alive(n) {
			_ = os.RemoveAll(profile) // another user's stays
		}
	}
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, profileName)
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}
