// Package power answers: is the display as bright or as dark as it is to be?
//
//	playout ──on or off──> Screen ──cec-ctl──> HDMI-CEC: <Image View On>, <Standby>
//	                         ▲                     │
//	                         └─── read back: <Give Device Power Status>, until it is so
//
// What the renderer does to its own output (DPMS) is not here. A display that says nothing is told once and believed; one
// that says otherwise is told again, and then a person is. It is never dark by mistake: off must have been wanted for some
// seconds, on is always said at once, and a player that ends leaves the display as it is.
//
// The program is cec-ctl of v4l-utils, cec-ctl(1); messages are those of HDMI 1.4, supplement 1 (CEC), 13.1 to 13.3.
package power

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	every   = 30 * time.Second
	settle  = 5 * time.Second // that off must have been wanted
	timeout = 10 * time.Second
	most    = 4 // commands in vain, until somebody is told
)

// Config says what is wanted and by which means.
type Config struct {
	// Want says whether the display is to be on now.
	Want func() bool
	// Check hears how the display is: nil, or that it does not follow. It must not block.
	Check   func(error)
	Program string          // "" = cec-ctl, in PATH
	Devices func() []string // the CEC adapters; nil = /dev/cec*
	Every   time.Duration   // between two looks; 0 = 30 s
	Settle  time.Duration   // that off must have been wanted; 0 = 5 s
	Log     *slog.Logger    // nil = silent
}

// Screen keeps displays on and off.
type Screen struct {
	cfg   Config
	poke  chan struct{}
	since time.Time // off is wanted; zero = it is not
	at    map[string]*display
}

// display is what hangs on one adapter.
type display struct {
	ready bool  // our adapter has an address
	told  *bool // what it was last told to be
	vain  int   // commands that it did not follow
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Screen, error) {
	if cfg.Want == nil {
		return nil, errors.New("power: what is wanted must be said")
	}
	if cfg.Devices == nil {
		cfg.Devices = func() []string {
			found, err := filepath.Glob("/dev/cec*")
			if err != nil {
				return nil
			}
			return found
		}
	}
	if cfg.Program == "" {
		cfg.Program = "cec-ctl"
	}
	if cfg.Every <= 0 {
		cfg.Every = every
	}
	if cfg.Settle <= 0 {
		cfg.Settle = settle
	}
	if cfg.Check == nil {
		cfg.Check = func(error) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Screen{cfg: cfg, poke: make(chan struct{}, 1), at: map[string]*display{}}, nil
}

// Poke looks soon: what is wanted may have changed.
func (s *Screen) Poke() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// Run looks after the displays until ctx ends. A machine without CEC costs a look at /dev now and then.
func (s *Screen) Run(ctx context.Context) error {
	for {
		t := time.NewTimer(s.round(ctx))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-s.poke:
			t.Stop()
		case <-t.C:
		}
	}
}

// round looks at each display once and says when to look again.
func (s *Screen) round(ctx context.Context) time.Duration {
	devices := s.cfg.Devices()
	maps.DeleteFunc(s.at, func(dev string, _ *display) bool { return !slices.Contains(devices, dev) })
	if len(devices) == 0 {
		s.cfg.Check(nil)
		return s.cfg.Every
	}
	on, next := s.cfg.Want(), s.cfg.Every
	switch {
	case on:
		s.since = time.Time{}
	case s.since.IsZero():
		s.since = time.Now()
		return s.cfg.Settle
	default:
		if left := s.cfg.Settle - time.Since(s.since); left > 0 {
			return left
		}
	}
	var errs []error
	for _, dev := range devices {
		d := s.at[dev]
		if d == nil {
			d = &display{}
			s.at[dev] = d
		}
		err := s.look(ctx, dev, d, on)
		if d.vain > 0 && d.vain < most {
			next = min(next, s.cfg.Every/5)
		}
		errs = append(errs, err)
	}
	s.cfg.Check(errors.Join(errs...))
	return next
}

// look asks a display how it is and tells it what it is to be where that differs.
func (s *Screen) look(ctx context.Context, dev string, d *display, on bool) error {
	if !d.ready { // it has no address of its own before
		if _, err := s.cec(ctx, dev, "--playback", "--osd-name", "Vitrine"); err != nil {
			return err
		}
		d.ready = true
	}
	out, err := s.cec(ctx, dev, "--to", "0", "--give-device-power-status")
	if err != nil {
		d.ready = false
		return err
	}
	is, known := powerOf(out)
	if known && is == on || !known && d.told != nil && *d.told == on {
		d.vain, d.told = 0, &on
		return nil
	}
	if d.vain >= most {
		err = fmt.Errorf("the display on %s does not follow: it is to be %s and says that it is %s; look at its settings for CEC", dev, word(on), word(is))
	}
	d.vain++
	d.told = &on
	return errors.Join(err, s.tell(ctx, dev, on))
}

// tell switches a display. One that is switched on is also told which of its inputs is ours.
func (s *Screen) tell(ctx context.Context, dev string, on bool) error {
	s.cfg.Log.Info("display told by CEC", "device", dev, "to_be", word(on))
	if !on {
		_, err := s.cec(ctx, dev, "--to", "0", "--standby")
		return err
	}
	out, err := s.cec(ctx, dev, "--to", "0", "--image-view-on")
	if err != nil {
		return err
	}
	if addr := physical(out); addr != "" {
		_, err = s.cec(ctx, dev, "--active-source", "phys-addr="+addr)
	}
	return err
}

func (s *Screen) cec(ctx context.Context, dev string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.cfg.Program, append([]string{"--device", dev}, args...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("there is a CEC adapter (%s) but no cec-ctl: install the package v4l-utils, or the display's power is not looked after", dev)
	case err != nil && strings.Contains(string(out), "Permission denied"):
		return "", fmt.Errorf("%s may not be opened: put the player's user into the group video", dev)
	case err != nil:
		last := strings.TrimSpace(string(out))
		return "", fmt.Errorf("cec-ctl %s on %s: %w: %.200s", args[len(args)-1], dev, err, last[strings.LastIndex(last, "\n")+1:])
	}
	return string(out), nil
}

// powerOf reads a <Report Power Status>: on and on its way there are one. Not known: no answer, or one without it.
func powerOf(out string) (on, known bool) {
	m := regexp.MustCompile(`pwr-state:\s*(on|standby|to-on|to-standby)\b`).FindStringSubmatch(out)
	if m == nil {
		return false, false
	}
	return strings.HasSuffix(m[1], "on"), true
}

// physical is the adapter's place in the tree of HDMI plugs, "" while nothing is plugged in.
func physical(out string) string {
	m := regexp.MustCompile(`Physical Address\s*:\s*([0-9a-f](?:\.[0-9a-f]){3})`).FindStringSubmatch(out)
	if m == nil || m[1] == "f.f.f.f" {
		return ""
	}
	return m[1]
}

func word(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
