package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var kills = flag.Bool("kills", false, "also kill the player at every step of an update")

// given are programs that were built already; without it they are built.
var given = flag.String("bin", "", "`folder` of the programs, absolute")

// bin is where the programs are.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "vitrine-post-")
	if bin = *given; bin == "" && err == nil {
		bin = dir
		err = build()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// build makes the programs; the renderer without libmpv, which pictures do not need.
func build() error {
	for _, p := range []string{"agent/cmd/vitrine-player", "cloud/cmd/vitrine-relay", "cloud/cmd/vitrine", "render/cmd/vitrine-render"} {
		if err := goBuild(filepath.Join(bin, filepath.Base(p)), p, ""); err != nil {
			return err
		}
	}
	return nil
}

// goBuild builds a program, stamped with a version.
func goBuild(to, pkg, version string) error {
	stamp := "-s -w"
	if version != "" {
		stamp += " -X vitrine/agent/bundle.AgentVersion=" + version
	}
	cmd := exec.Command("go", "build", "-ldflags", stamp, "-o", to, "vitrine/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// desk is a publisher's machine.
type desk struct {
	t    *testing.T
	home string
	keys string
	said bytes.Buffer // all that any program has ever written, for the search
	mu   sync.Mutex
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, home: t.TempDir()}
	d.keys = filepath.Join(d.home, "keys")
	d.run("", "vitrine", "key", "new", "--dir", d.keys, "--customer", "acme", "--no-passphrase")
	return d
}

func (d *desk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.Write(p)
}

// told is all that any program has written; the canary is not in it.
func (d *desk) told() string {
	d.t.Helper()
	d.mu.Lock()
	said := d.said.String()
	d.mu.Unlock()
	for _, word := range spellings() {
		if i := strings.Index(said, word); i >= 0 {
			d.t.Errorf("a program said it: …%s…", said[max(0, i-200):min(len(said), i+60)])
		}
	}
	return said
}

// try runs a program to its end.
func (d *desk) try(stdin, program string, args ...string) (stdout, stderr string, err error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, program), args...)
	var out, bad bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &bad
	cmd.Env = d.env()
	err = cmd.Run()
	d.Write(out.Bytes())
	d.Write(bad.Bytes())
	return out.String(), bad.String(), err
}

func (d *desk) env() []string {
	return append(os.Environ(), "HOME="+d.home, "XDG_CONFIG_HOME="+filepath.Join(d.home, "config"), "LANG=en_GB.UTF-8", "LC_ALL=", "SSH_AUTH_SOCK=",
		"NOTIFY_SOCKET=", "INVOCATION_ID=", "PATH="+bin+":"+os.Getenv("PATH"))
}

// run is try for what must go right.
func (d *desk) run(stdin, program string, args ...string) string {
	d.t.Helper()
	out, bad, err := d.try(stdin, program, args...)
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, bad)
	}
	return out
}

// refuses is try for what must not.
func (d *desk) refuses(says, stdin, program string, args ...string) {
	d.t.Helper()
	out, bad, err := d.try(stdin, program, args...)
	if err == nil || !strings.Contains(out+bad, says) {
		d.t.Errorf("%s %s: %v, %q; want a refusal with %q", program, strings.Join(args, " "), err, out+bad, says)
	}
}

// process is a program that runs on.
type process struct {
	d    *desk
	cmd  *exec.Cmd
	done chan error
}

func (d *desk) start(program string, args ...string) *process {
	d.t.Helper()
	return d.startTo(d, program, args...)
}

// startTo is start for a program whose standard output somebody reads.
func (d *desk) startTo(out io.Writer, program string, args ...string) *process {
	d.t.Helper()
	p := &process{d: d, cmd: exec.Command(filepath.Join(bin, program), args...), done: make(chan error, 1)}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = d.env(), out, d
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a kill takes the renderer along, as a cut would
	if err := p.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	d.t.Cleanup(p.kill)
	return p
}

// kill ends the process and its children at once, as a power cut would.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(time.Minute):
		p.d.t.Error("a process that was killed does not end")
	}
}

// limit is how long is waited for anything, on however busy a machine.
const limit = 4 * time.Minute

// until waits for something that will be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(20 * time.Millisecond) { // a look at another process: nothing tells of it
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

func answer[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// site is a relay.
type site struct {
	*process
	data  string
	flags []string // of vitrine
	url   string
	pin   string
}

func (d *desk) relay() *site {
	d.t.Helper()
	s := &site{data: filepath.Join(d.t.TempDir(), "relay")}
	token := filepath.Join(d.t.TempDir(), "token")
	out := filepath.Join(d.t.TempDir(), "said")
	f, err := os.Create(out)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { f.Close() })
	s.process = d.startTo(f, "vitrine-relay", "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--name", "127.0.0.1", "--reserve", "1", "--token-file", token)
	said := func(name string) string {
		b, err := os.ReadFile(out)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if v, ok := strings.CutPrefix(line, name+":"); ok {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	until(d.t, "the relay says where it is", func() bool { return said("token") != "" })
	s.url, s.pin = strings.TrimSuffix(said("page"), "/"), said("pin")
	s.flags = []string{"--relay", s.url, "--pin", s.pin, "--token-file", token}
	return s
}

// status is what a player says of itself.
type status struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Relay   string `json:"relay"`
	Public  []byte `json:"public"`
	Claim   *struct {
		Code  string   `json:"code"`
		Words []string `json:"words"`
	} `json:"claim"`
	Bundle *struct {
		Seq uint64 `json:"seq"`
	} `json:"bundle"`
	Renderer struct {
		Output    string `json:"output"`
		Presented uint64 `json:"presented"`
	} `json:"renderer"`
	Volume struct {
		Own int `json:"own"`
	} `json:"volume"`
	Sources map[string]struct {
		Rows  int    `json:"rows"`
		Error string `json:"error"`
	} `json:"sources"`
}

// screen is a player.
type screen struct {
	*process
	data string
}

func (d *desk) player(data string, more ...string) *screen {
	d.t.Helper()
	args := append([]string{"run", "--data", data, "--headless", "320x180", "--usb=false", "--cec=false", "--debug"}, more...)
	s := &screen{d.start("vitrine-player", args...), data}
	until(d.t, "the player answers", func() bool { _, err := s.status(); return err == nil })
	return s
}

func (s *screen) status() (status, error) {
	out, _, err := s.d.try("", "vitrine-player", "status", "--json", "--data", s.data)
	if err != nil {
		return status{}, err
	}
	return answer[status](s.d.t, out), nil
}

// shows waits until the player says of itself what is looked for.
func (s *screen) shows(what string, so func(status) bool) status {
	s.d.t.Helper()
	var last status
	defer func() {
		if s.d.t.Failed() {
			s.d.t.Logf("it says of itself %+v", last)
		}
	}()
	until(s.d.t, what, func() bool {
		var err error
		last, err = s.status()
		return err == nil && so(last)
	})
	return last
}

// searched is every file below a folder that holds one of some words.
func searched(t *testing.T, dir string, words ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil // a scratch file that went meanwhile
		}
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) {
				found = append(found, path)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}
