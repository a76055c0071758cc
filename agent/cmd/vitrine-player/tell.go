package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"vitrine/agent"
	"vitrine/agent/control"
)

// card shows the service page on the screen.
func card(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir string
	var stay time.Duration
	var off bool
	f := newFlags("card", "  vitrine-player card\n  vitrine-player card --for 5m\n  vitrine-player card --off")
	f.data(&dir)
	f.DurationVar(&stay, "for", time.Minute, "how `long` it stays")
	f.BoolVar(&off, "off", false, "take it away")
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	if stay <= 0 || stay > 24*time.Hour {
		fmt.Fprintf(stderr, "vitrine-player card: --for is more than nothing and a day at most\n")
		return errUsage
	}
	if off {
		stay = -time.Second
	}
	return control.Dial(dir).Card(ctx, stay)
}

// volume says or sets how loud the player is.
func volume(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir string
	f := newFlags("volume", "  vitrine-player volume\n  vitrine-player volume 40")
	f.data(&dir)
	if done, err := f.parse(args, 1, stdout, stderr); done {
		return err
	}
	c := control.Dial(dir)
	if len(f.args) == 0 {
		s, err := c.Status(ctx)
		if err == nil {
			fmt.Fprintf(stdout, "%d %%, set to %d %% of what the schedule says\n", s.Volume.Now, s.Volume.Own)
		}
		return err
	}
	percent, err := strconv.Atoi(f.args[0])
	if err != nil || percent < 0 || percent > 100 {
		fmt.Fprintf(stderr, "vitrine-player volume: %q is not 0 to 100 per cent\n\nExample:\n%s\n", f.args[0], f.example)
		return errUsage
	}
	return c.SetVolume(ctx, percent)
}

// screenFlags adds the renderer's flags of the screen; what is given goes into the map.
func (f *flags) screenFlags(to map[string]string) {
	for name, usage := range agent.ScreenFlags() {
		f.Func(name, usage, func(v string) error { to[name] = v; return nil })
	}
}

// screen says or changes how the picture comes onto displays.
func screen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir string
	o := control.Order{Set: map[string]string{}}
	f := newFlags("screen", "  vitrine-player screen --rotate 90\n  vitrine-player screen --wall 3x2 --place 1,0\n  vitrine-player screen --reset")
	f.data(&dir)
	f.BoolVar(&o.Reset, "reset", false, "as the player was started, but for what is given beside this")
	f.screenFlags(o.Set)
	f.deaf = true // what the environment says is for run
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	now, err := control.Dial(dir).Arrange(ctx, o)
	if err != nil {
		return err
	}
	all := maps.Clone(now.Given)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, now.Set)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			fmt.Fprintf(stdout, "--%s=%s\n", name, all[name])
		}
	}
	return nil
}
