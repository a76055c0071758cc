package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/agent/control"
	"vitrine/cloud/api"
	"vitrine/render/paint"
	"vitrine/render/witness"
)

// stage is all that a demo runs: a display, a relay, a player, and the publisher's folder.
type stage struct {
	bin, dir string
	display  string
	screen   witness.Screen
	xvfb     *witness.Display // nil on a display that was there
	news     *feed
	relay    *program
	player   *program
	page     string // the relay's
	ca       string
	token    string
	listen   string // the relay's address, kept when it is started again
}

// program is a running program of ours, with its log in a file.
type program struct {
	cmd   *exec.Cmd
	lines chan string // of standard output; closed with it
	ended chan struct{}
}

// path is a file of the demo.
func (s *stage) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// raise opens the display: the one that is there, else an Xvfb.
func (s *stage) raise(ctx context.Context) (err error) {
	if s.display = os.Getenv("DISPLAY"); s.display != "" {
		if s.screen, err = witness.OpenDisplay(s.display); err == nil {
			return nil
		}
		fmt.Printf("the display %s cannot be read (%v): using Xvfb\n", s.display, err)
	}
	if s.xvfb, err = witness.StartXvfb(ctx, canvas()); err != nil {
		return err
	}
	s.display = s.xvfb.Name
	s.screen, err = s.xvfb.Screen()
	return err
}

// close ends everything.
func (s *stage) close() {
	for _, p := range []*program{s.player, s.relay} {
		if p != nil {
			p.stop(syscall.SIGTERM, 15*time.Second)
		}
	}
	if s.screen != nil {
		s.screen.Close()
	}
	if s.xvfb != nil {
		s.xvfb.Close()
	}
}

// environment is that of every program: settings of the person who runs the demo neither count nor change.
func (s *stage) environment() []string {
	return append(os.Environ(), "DISPLAY="+s.display, "LANG=C.UTF-8", "XDG_CONFIG_HOME="+s.path("config"),
		"VITRINE_RELAY="+s.page, "VITRINE_CA="+s.ca, "VITRINE_TOKEN_FILE="+s.token)
}

// start starts one of our programs; what it says goes to NAME.log.
func (s *stage) start(name string, args ...string) (*program, error) {
	log, err := os.OpenFile(s.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	p := &program{cmd: exec.Command(filepath.Join(s.bin, name), args...), lines: make(chan string, 100), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = s.environment(), log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which ends the others in order
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			select {
			case p.lines <- lines.Text():
			default: // nobody reads any more
			}
		}
		close(p.lines)
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	return p, nil
}

// stop signals a program and waits for its end; one that stays is killed, with all that it has started.
func (p *program) stop(sig syscall.Signal, limit time.Duration) {
	_ = p.cmd.Process.Signal(sig) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// startRelay starts the relay, on a free port the first time and on the same one later.
func (s *stage) startRelay() (err error) {
	if s.listen == "" {
		s.listen = "127.0.0.1:0"
	}
	s.token = s.path("token")
	args := []string{"serve", "--data", s.path("relay"), "--listen", s.listen, "--name", "127.0.0.1"}
	if s.page == "" {
		args = append(args, "--token-file", s.token)
	}
	if s.relay, err = s.start("vitrine-relay", args...); err != nil {
		return err
	}
	late := time.After(20 * time.Second)
	for {
		select {
		case line, open := <-s.relay.lines:
			if !open {
				return fmt.Errorf("the relay did not start: see %s", s.path("vitrine-relay.log"))
			}
			if v, ok := strings.CutPrefix(line, "ca:"); ok {
				s.ca = strings.TrimSpace(v)
				return nil
			}
			if v, ok := strings.CutPrefix(line, "page:"); ok {
				s.page = strings.TrimSuffix(strings.TrimSpace(v), "/")
				s.listen = strings.TrimPrefix(s.page, "https://")
			}
		case <-late:
			return fmt.Errorf("the relay did not say where it is within 20 s: see %s", s.path("vitrine-relay.log"))
		}
	}
}

// startPlayer starts the player.
func (s *stage) startPlayer() (err error) {
	s.player, err = s.start("vitrine-player", "run", "--data", s.path("player"), "--relay", s.page, "--relay-ca", s.ca, "--usb=false")
	return err
}

// vitrine runs the publisher's command, and gives its output.
func (s *stage) vitrine(ctx context.Context, args ...string) (string, error) {
	return s.run(ctx, "vitrine", args...)
}

// run runs a command of ours to its end. What it says is the error when it refuses.
func (s *stage) run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Env = s.environment()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return out.String(), fmt.Errorf("%s %s: %s", name, args[0], strings.TrimSpace(errs.String()))
		}
		return out.String(), fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return out.String(), nil
}

// claim waits until the player shows a code, and takes it in under the words that it shows with it.
func (s *stage) claim(ctx context.Context) error {
	var st control.Status
	if err := s.poll(ctx, 30*time.Second, func() (bool, error) {
		out, err := s.run(ctx, "vitrine-player", "status", "--data", s.path("player"), "--json")
		if err != nil {
			return false, err
		}
		return json.Unmarshal([]byte(out), &st) == nil && st.Claim != nil && st.Claim.Code != "", nil
	}); err != nil {
		return fmt.Errorf("wait for the player's code: %w", err)
	}
	_, err := s.vitrine(ctx, "claim", st.Claim.Code, "--name", "Lobby", "--group", "lobby", "--zone", "Europe/Paris", "--words", strings.Join(st.Claim.Words, " "))
	return err
}

// poll asks four times a second until the answer is yes; the last error is why it never was.
func (s *stage) poll(ctx context.Context, limit time.Duration, ask func() (bool, error)) error {
	tick, late := time.NewTicker(250*time.Millisecond), time.After(limit)
	defer tick.Stop()
	for {
		yes, err := ask()
		if yes {
			return nil
		}
		select {
		case <-tick.C:
		case <-late:
			return errors.Join(fmt.Errorf("not within %v", limit), err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// players asks the relay.
func (s *stage) players(ctx context.Context) ([]api.Player, error) {
	out, err := s.vitrine(ctx, "players", "--json")
	if err != nil {
		return nil, err
	}
	var all []api.Player
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var p api.Player
		if err := dec.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the relay's players: %w", err)
		}
		all = append(all, p)
	}
}

// prepare makes keys, media and the two folders.
func (s *stage) prepare(ctx context.Context, drills bool) error {
	fonts, err := paint.LoadFonts(paint.FontConfig{})
	if err != nil {
		return err
	}
	a := artist{fonts}
	media := append(reel(), evening())
	if err := os.MkdirAll(s.path("lobby", "media"), 0o755); err != nil {
		return fmt.Errorf("make the media: %w", err)
	}
	makers, making := errgroup.WithContext(ctx)
	makers.SetLimit(runtime.NumCPU())
	for _, it := range media {
		makers.Go(func() error { return a.make(making, it, s.path("lobby", "media")) })
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	if err := lobbyFolder(s.path("lobby"), s.news.URL); err != nil {
		return err
	}
	if drills {
		if err := files(s.path("late"), map[string]string{"bundle.yaml": newsYAML, "media/.keep": ""}); err != nil {
			return err
		}
		if err := a.make(ctx, newsreel(), s.path("late", "media")); err != nil {
			return err
		}
	}
	_, err = s.vitrine(ctx, "key", "new", "--dir", s.path("keys"), "--customer", "atelier-nord")
	return err
}

// publish builds a folder and publishes it for every player.
func (s *stage) publish(ctx context.Context, folder string) error {
	_, err := s.vitrine(ctx, "build", s.path(folder), "--keys", s.path("keys"), "-publish", "--to", "*")
	return err
}
