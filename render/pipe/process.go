package pipe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	maxQueue  = 4096            // commands that the renderer has not read yet
	farewell  = 3 * time.Second // from the quit command to the kill
	errorLine = 2000            // bytes of a line on stderr that are kept
	maxSaid   = 64              // lines on stderr that are remembered
)

// process is one life of the renderer program.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	queue  chan []byte
	quit   chan struct{} // closed: no more writing
	anew   chan struct{} // closed: it is to end, and its picture to stay
	heard  chan Report
	exited chan error
	log    *slog.Logger
	before map[string]bool // lines on stderr of the process before it, which are not logged again
	said   map[string]bool // its own; to be read when it has exited
}

// start runs the program. The kernel kills it when the player dies (pdeathsig), however the player dies.
func start(path string, args, env []string, log *slog.Logger, before map[string]bool) (*process, error) {
	p := &process{
		cmd:    exec.Command(path, args...),
		queue:  make(chan []byte, maxQueue),
		quit:   make(chan struct{}),
		anew:   make(chan struct{}),
		heard:  make(chan Report, 64),
		exited: make(chan error, 1),
		log:    log,
		before: before,
		said:   map[string]bool{},
	}
	p.cmd.Env = env
	dieWithParent(p.cmd)
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	started := make(chan error, 1)
	go p.live(stdout, stderr, started)
	if err := <-started; err != nil {
		return nil, err
	}
	go p.write()
	return p, nil
}

// live starts the program, reads it to its end and waits for it, all on one thread: pdeathsig counts from the thread
// that started the child.
func (p *process) live(stdout, stderr io.Reader, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	done := make(chan error, 2)
	go func() { done <- p.readReports(stdout) }()
	go func() { p.readErrors(stderr); done <- nil }()
	err := errors.Join(<-done, <-done)
	p.exited <- errors.Join(err, p.cmd.Wait())
}

func (p *process) readReports(r io.Reader) error {
	defer close(p.heard)
	return lines(r, func(line []byte) error {
		var rep Report
		if err := json.Unmarshal(line, &rep); err != nil {
			p.log.Warn("renderer wrote no report", "error", err)
			return nil
		}
		p.heard <- rep
		return nil
	})
}

func (p *process) readErrors(r io.Reader) {
	b := bufio.NewReaderSize(r, errorLine)
	for {
		line, isPrefix, err := b.ReadLine()
		if len(line) > 0 {
			p.note(string(line))
		}
		for isPrefix && err == nil {
			_, isPrefix, err = b.ReadLine()
		}
		if err != nil {
			return
		}
	}
}

// note logs a line on stderr, unless the process before said the same: one that cannot start says so until somebody comes.
func (p *process) note(line string) {
	if !p.before[line] {
		p.log.Warn("renderer said", "line", line)
	}
	if len(p.said) < maxSaid {
		p.said[line] = true
	}
}

func (p *process) send(c Command) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write command: %w", err)
	}
	if len(b) >= MaxLine {
		return fmt.Errorf("a scene of %d bytes is larger than the renderer reads (%d); show fewer rows", len(b), MaxLine)
	}
	select {
	case p.queue <- append(b, '\n'):
		return nil
	default:
		_ = p.cmd.Process.Kill() // it reads nothing any more; follow says so
		return errors.New("the renderer does not read its commands; it is being restarted")
	}
}

func (p *process) write() {
	for {
		select {
		case b := <-p.queue:
			if _, err := p.stdin.Write(b); err != nil {
				return // the process is gone or going
			}
		case <-p.quit:
			return
		}
	}
}

// follow hands each report to hear until the process ends, and kills it when its pulse stops. When ctx ends, the
// process is asked to leave (held: to leave its last frame on the screen) and killed if it does not; so it is when it is
// to be replaced.
func (p *process) follow(ctx context.Context, silence time.Duration, held func() bool, hear func(Report)) error {
	defer close(p.quit)
	alarm := time.NewTimer(patience * silence)
	defer alarm.Stop()
	heard, ending, anew, stuck := p.heard, ctx.Done(), p.anew, ""
	for {
		select {
		case rep, ok := <-heard:
			if !ok {
				heard = nil
				continue
			}
			if ending != nil && anew != nil {
				alarm.Reset(silence)
			}
			hear(rep)
		case <-ending:
			if ending = nil; anew != nil {
				p.leave(held())
				alarm.Reset(farewell)
			}
			anew = nil
		case <-anew:
			if anew = nil; ending != nil {
				p.leave(true)
				alarm.Reset(farewell)
			}
		case <-alarm.C:
			if stuck = "it did not end when it was asked to, and was killed"; ending != nil && anew != nil {
				stuck = "it gave no sign of life and was killed"
			}
			_ = p.cmd.Process.Kill()
		case err := <-p.exited:
			for heard != nil { // what it said before it ended
				rep, ok := <-heard
				if !ok {
					break
				}
				hear(rep)
			}
			return ended(err, stuck)
		}
	}
}

// replace has follow end the process; it is called once.
func (p *process) replace() { close(p.anew) }

func (p *process) leave(hold bool) {
	if !hold {
		_ = p.send(Command{Op: OpQuit})
		return
	}
	_ = p.stdin.Close() // the renderer ends, and its window stays
}

// killed says that somebody else has ended a process: a person, or a system that wanted its memory.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || errors.Is(err, errHung) {
		return false
	}
	st, ok := exit.Sys().(syscall.WaitStatus)
	return ok && st.Signaled() && (st.Signal() == syscall.SIGKILL || st.Signal() == syscall.SIGTERM)
}

// errHung is a renderer that was killed because it gave no sign of life.
var errHung = errors.New("the renderer hung")

func ended(err error, stuck string) error {
	switch {
	case stuck != "":
		return fmt.Errorf("%w: %s", errHung, stuck)
	case err != nil:
		return fmt.Errorf("the renderer ended by itself: %w", err)
	default:
		return errors.New("the renderer ended by itself, without an error")
	}
}
