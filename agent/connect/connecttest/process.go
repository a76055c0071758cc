// Package connecttest answers: how does a test get a real server, and a network that fails?
//
//	Stage ──Start──> smbd, postgres, nginx, … on loopback, in a folder of their own
//	client ──> Proxy (stall, reset, cut) ──> server
//
// Everything is private to one run: folders, ports, certificates; and ends with it.
package connecttest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// startTime is how long a server may take to answer on a busy machine.
const startTime = 90 * time.Second

// Stage holds what a test has started.
type Stage struct {
	Dir string

	mu   sync.Mutex
	ends []func()
}

// NewStage makes a folder that every user of the machine can go through.
func NewStage() (*Stage, error) {
	dir, err := os.MkdirTemp("", "vitrine-servers-")
	if err != nil {
		return nil, err
	}
	s := &Stage{Dir: dir}
	s.Defer(func() { os.RemoveAll(dir) })
	return s, os.Chmod(dir, 0o755)
}

// Defer has something done at the end, the last first.
func (s *Stage) Defer(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, f)
}

// Close ends everything. A stage that was never made has nothing to end.
func (s *Stage) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	ends := s.ends
	s.ends = nil
	s.mu.Unlock()
	for i := len(ends) - 1; i >= 0; i-- {
		ends[i]()
	}
}

// Together does several things at once, and waits for all of them.
func Together(things ...func() error) error {
	errs := make([]error, len(things))
	var all sync.WaitGroup
	for i, do := range things {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Main runs a package's tests between start and Close. Fuzzing needs no servers, and starts many processes.
func Main(m interface{ Run() int }, start func() error, end func()) {
	flag.Parse()
	fuzz, worker := flag.Lookup("test.fuzz"), flag.Lookup("test.fuzzworker")
	if fuzz != nil && fuzz.Value.String() != "" || worker != nil && worker.Value.String() == "true" {
		os.Exit(m.Run())
	}
	code, err := 1, start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	end()
	os.Exit(code)
}

// Port is a free one on loopback.
func Port() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// As makes a command run as a user of the machine, where this process may choose; some servers refuse to be root.
func As(cmd *exec.Cmd, name string) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return nil
}

// Give makes files those of a user, where this process may choose.
func Give(name string, files ...string) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, file := range files {
		err = errors.Join(err, os.Chown(file, uid, gid))
	}
	return err
}

// Run runs a command to its end; what it says is in the error.
func Run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Args[0], err, out)
	}
	return nil
}

// Start starts a server that stays in the foreground, and waits until ready is nil.
func (s *Stage) Start(cmd *exec.Cmd, ready func() error) error {
	var said lines
	if cmd.Stdout == nil {
		cmd.Stdout, cmd.Stderr = &said, &said
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL // a test that is killed leaves nothing
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	s.Defer(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that stay behind, too
		<-gone
	})
	late := time.After(startTime)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-gone:
			return fmt.Errorf("%s ended at once: %s", cmd.Args[0], said.String())
		case <-late:
			return fmt.Errorf("%s is not ready: %w: %s", cmd.Args[0], err, said.String())
		case <-time.After(20 * time.Millisecond): // a port that opens tells nobody
		}
	}
}

// Answers says whether something listens on a port of this machine.
func Answers(port int) func() error {
	return func() error {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// lines is what a server says, from several goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
