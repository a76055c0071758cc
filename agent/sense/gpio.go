package sense

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Line is a line of a GPIO chip that is watched as an input.
type Line struct {
	Name      string        // in gpio:NAME and gpio.NAME
	Chip      string        // gpiochip0
	Offset    int           // on the chip
	ActiveLow bool          // active when it is pulled to ground
	Pull      string        // "", up, down
	Debounce  time.Duration // 0 = as the hardware does it
}

// ParseLine reads a line as people write it: "door=gpiochip0:17,active-low,pull-up,debounce=20ms".
func ParseLine(text string) (Line, error) {
	how := errors.New("write it like door=gpiochip0:17,active-low,pull-up,debounce=20ms")
	name, rest, _ := strings.Cut(text, "=")
	parts := strings.Split(rest, ",")
	chip, offset, _ := strings.Cut(parts[0], ":")
	n, err := strconv.Atoi(offset)
	if err != nil {
		return Line{}, fmt.Errorf("GPIO line %q has no chip and number: %w", text, how)
	}
	l := Line{Name: name, Chip: chip, Offset: n}
	for _, option := range parts[1:] {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case option == "active-low":
			l.ActiveLow = true
		case option == "pull-up", option == "pull-down":
			l.Pull = strings.TrimPrefix(option, "pull-")
		case key == "debounce":
			if l.Debounce, err = time.ParseDuration(value); err != nil {
				return Line{}, fmt.Errorf("GPIO line %q: %q is not a length of time: %w", name, value, how)
			}
		default:
			return Line{}, fmt.Errorf("GPIO line %q: %q is not known: %w", name, option, how)
		}
	}
	return l, l.check()
}

func (l Line) check() error {
	switch {
	case !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`).MatchString(l.Name):
		return fmt.Errorf("GPIO line's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", l.Name)
	case !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`).MatchString(l.Chip):
		return fmt.Errorf("GPIO line %q: chip %q is not a name in /dev such as gpiochip0", l.Name, l.Chip)
	case l.Offset < 0 || l.Offset > 10_000:
		return fmt.Errorf("GPIO line %q: %d is not a line's number on its chip", l.Name, l.Offset)
	case l.Debounce < 0 || l.Debounce > time.Minute:
		return fmt.Errorf("GPIO line %q: debounce %s is not 0 to 1m", l.Name, l.Debounce)
	}
	return nil
}

// opener watches a line: it returns whether the line is active, and calls change each time that it becomes so or no longer is.
type opener func(l Line, change func(active bool)) (active bool, close func() error, err error)

// line reports a line until ctx ends.
func (s *Senses) line(ctx context.Context, l Line) error {
	changes := make(chan bool, 64)
	active, done, err := s.open(l, func(active bool) {
		select {
		case changes <- active:
		case <-ctx.Done():
		}
	})
	if err != nil {
		s.tell("gpio."+l.Name, nil)
		return fmt.Errorf("GPIO line %q cannot be watched: %w", l.Name, err)
	}
	defer done()
	s.cfg.Check("gpio:"+l.Name, nil)
	for {
		s.tell("gpio."+l.Name, map[string]any{"gpio." + l.Name: active})
		select {
		case <-ctx.Done():
			return nil
		case active = <-changes:
			if active {
				s.cfg.Fire("gpio:" + l.Name)
			}
		}
	}
}
