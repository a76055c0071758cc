package witness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Display is an X server of our own, whose screen is in memory.
type Display struct {
	Name string // ":7"
	Size image.Point

	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
}

const startWait = 20 * time.Second

// StartXvfb starts an Xvfb with one screen of 24 bits on a display number of its own choice. Close ends it.
func StartXvfb(ctx context.Context, size image.Point) (*Display, error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, errors.New("there is no Xvfb on this machine; install the package xvfb")
	}
	dir, err := os.MkdirTemp("", "witness-")
	if err != nil {
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	d := &Display{Size: size, dir: dir, exited: make(chan struct{})}
	cmd := exec.CommandContext(ctx, path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", d.Size.X, d.Size.Y),
		"-fbdir", d.dir, "-nolisten", "tcp", "-noreset")
	if err := d.start(cmd); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	return d, nil
}

// start runs a server that writes its display number to the descriptor 3.
func (d *Display) start(cmd *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	d.cmd = cmd
	d.cmd.ExtraFiles = []*os.File{w}
	err = d.cmd.Start()
	_ = w.Close()
	if err != nil {
		return err
	}
	go func() {
		_ = d.cmd.Wait() // how it ended does not matter to anyone
		close(d.exited)
	}()
	_ = r.SetReadDeadline(time.Now().Add(startWait))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		d.Close()
		return fmt.Errorf("it did not say its display number within %v: %w", startWait, err)
	}
	d.Name = ":" + strings.TrimSpace(line)
	return nil
}

// Screen opens an Xvfb's frame buffer, which costs the X server nothing. Other servers are asked for their pixels.
func (d *Display) Screen() (Screen, error) {
	path := filepath.Join(d.dir, "Xvfb_screen0")
	if _, err := os.Stat(path); err != nil {
		return OpenDisplay(d.Name)
	}
	return openFramebuffer(path, d.Name)
}

// PID is the server's process.
func (d *Display) PID() int { return d.cmd.Process.Pid }

// Close ends the server.
func (d *Display) Close() {
	_ = d.cmd.Process.Kill()
	<-d.exited
	_ = os.RemoveAll(d.dir)
}
