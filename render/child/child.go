// Package child answers: how is a foreign program given foreign bytes?
//
//	file ──stdin──> prlimit ──> program ──stdout──> at most so many bytes
//	                memory, processor time, open files; no network where the kernel allows; a deadline; niceness
//
// The program gets the file itself, never its name: nothing in a name is an option or an address for it. What it says on
// stderr becomes part of the error.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Job is one run of a program.
type Job struct {
	Program string   // its name, looked for in the PATH
	Package string   // the Debian package that has it, for the error when it is missing
	Args    []string // the program's own
	Stdin   io.Reader
	Dir     string        // to run in; "" = the root directory
	Home    string        // of its settings and caches; "" = none
	Time    time.Duration // deadline, and processor time; 0 = 20 s
	Memory  int64         // bytes of address space; 0 = 1 GiB
	Output  int64         // bytes of stdout at most; 0 = 64 MiB
	Writes  bool          // it writes files of its own
}

// MissingError says that a program is not installed.
type MissingError struct{ Program, Package string }

// Error says what to install.
func (e *MissingError) Error() string {
	return fmt.Sprintf("the program %s is not installed: install the package %s (apt install %s)", e.Program, e.Package, e.Package)
}

// Available is nil where the program is installed, else a *MissingError.
func Available(program, pkg string) error {
	if _, err := exec.LookPath(program); err != nil {
		return &MissingError{program, pkg}
	}
	return nil
}

// Run runs the program and gives what it writes on stdout. Errors are sentences; a *MissingError is among them.
func Run(ctx context.Context, j Job) ([]byte, error) {
	if err := Available(j.Program, j.Package); err != nil {
		return nil, err
	}
	if j.Time == 0 {
		j.Time = 20 * time.Second
	}
	if j.Memory == 0 {
		j.Memory = 1 << 30
	}
	if j.Output == 0 {
		j.Output = 64 << 20
	}
	ctx, cancel := context.WithTimeout(ctx, j.Time)
	defer cancel()
	out, err := j.start(ctx, true)
	var refused *startError
	if errors.As(err, &refused) { // a kernel or a unit that gives nobody a network of their own
		out, err = j.start(ctx, false)
	}
	switch {
	case err == nil:
		return out, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s had not finished after %s: the file is too much for it", j.Program, j.Time)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%s failed: %w", j.Program, err)
}

// startError says that a process could not even begin.
type startError struct{ error }

func (e *startError) Unwrap() error { return e.error }

func (j Job) start(ctx context.Context, alone bool) ([]byte, error) {
	name, args := j.Program, j.Args
	if limiter, err := exec.LookPath("prlimit"); err == nil {
		limits := []string{"--core=0", "--nofile=256", "--as=" + strconv.FormatInt(j.Memory, 10), "--cpu=" + strconv.Itoa(int(j.Time.Seconds())+1)}
		if !j.Writes {
			limits = append(limits, "--fsize=0")
		}
		name, args = limiter, append(append(limits, "--", j.Program), j.Args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + j.Home}
	if cmd.Dir = j.Dir; j.Dir == "" {
		cmd.Dir = "/"
	}
	confine(cmd, alone)
	cmd.WaitDelay = time.Second
	cmd.Stdin = j.Stdin
	stdout := &bounded{left: j.Output, stop: func() { _ = cmd.Cancel() }}
	said := &bounded{left: 2000}
	cmd.Stdout, cmd.Stderr = stdout, said
	if err := cmd.Start(); err != nil {
		return nil, &startError{err}
	}
	stepBack(cmd)
	err := cmd.Wait()
	switch {
	case stdout.over:
		return nil, fmt.Errorf("it wrote more than %d MiB", j.Output>>20)
	case err != nil:
		if words := strings.Join(strings.Fields(said.String()), " "); words != "" {
			return nil, fmt.Errorf("%w: %.300s", err, words)
		}
		return nil, err
	}
	return stdout.Bytes(), nil
}

// bounded keeps so many bytes, and asks to stop at more.
type bounded struct {
	bytes.Buffer
	left int64
	over bool
	stop func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		if b.stop != nil && !b.over {
			b.stop()
		}
		b.over = true
		b.Buffer.Write(p[:b.left])
		b.left = 0
		return len(p), nil // the program is killed, or its words cut
	}
	b.left -= int64(len(p))
	return b.Buffer.Write(p)
}

// ReadFrom is hidden: what is read must be counted.
func (b *bounded) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}
