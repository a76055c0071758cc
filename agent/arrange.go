package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"vitrine/agent/control"
	"vitrine/render/pipe"
)

// Keys are names of keys, as X has them with their modifiers: F12, ctrl+alt+s. They are a flag's value, with commas.
type Keys []string

// String implements flag.Value.
func (k *Keys) String() string { return strings.Join(*k, ",") }

// Set implements flag.Value: it replaces them.
func (k *Keys) Set(v string) error {
	*k = nil
	if v != "" {
		*k = strings.Split(v, ",")
	}
	return nil
}

const memoScreen = "screen"

// ScreenFlags are the renderer's flags that say how its picture comes onto displays, with what they are for.
func ScreenFlags() map[string]string {
	return map[string]string{
		"output": "`kind` of drawing: x11, gl or auto",
		"rotate": "turn the picture clockwise: `degrees` 90, 180 or 270, or left or right",
		"flip":   "`true`: swap left and right, for rear projection",
		"mirror": "show the same on each of these `monitors`, or all",
		"extend": "show one picture across these `monitors`, from left to right, or all",
		"wall":   "this screen is one of a wall of so many `screens`, like 3x2",
		"place":  "with --wall: the screen's `place`, from 0,0 at the upper left",
		"bezel":  "with --wall: `pixels` lost between two screens, across and down, like 12,12",
		"canvas": "compose so many `pixels`, like 1920x1080, and scale them to what shows them",
		"layout": "read the layout from a JSON `file`",
		"mode":   "set connected displays to a `mode`: auto, 1920x1080 or 1920x1080@50",
	}
}

// arranged are the renderer's flags: those that the player was started with, and what was set since.
func (a *Agent) arranged() control.Screen {
	s := control.Screen{Given: a.cfg.Screen}
	if b, ok := a.store.Memo(memoScreen); ok {
		if err := json.Unmarshal(b, &s.Set); err != nil {
			a.log.Warn("arrangement of the screen not read", "error", err)
		}
	}
	return s
}

// args are the renderer's command line.
func (a *Agent) args(s control.Screen) []string {
	flags := maps.Clone(s.Given)
	if flags == nil {
		flags = map[string]string{}
	}
	if s.Set["layout"] != "" { // a file says all of it
		maps.DeleteFunc(flags, func(name, _ string) bool { return name != "mode" && name != "output" })
	}
	maps.Copy(flags, s.Set)
	args := a.cfg.screen()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if v := flags[name]; v != "" {
			args = append(args, "--"+name+"="+v)
		}
	}
	return args
}

// withKeys adds the keys that are heard whatever window has the focus.
func (a *Agent) withKeys(args []string) []string {
	keys := slices.Concat(a.cfg.ServiceKeys, a.cfg.Keys)
	if len(keys) == 0 || a.cfg.Headless != "" {
		return args
	}
	slices.Sort(keys)
	return append(args, "--keys="+strings.Join(slices.Compact(keys), ","))
}

// Arrange implements the control socket's player: the renderer is asked whether it could show that, and is then started
// anew behind its last frame.
func (a *Agent) Arrange(ctx context.Context, o control.Order) (control.Screen, error) {
	s := a.arranged()
	if len(o.Set) == 0 && !o.Reset {
		return s, nil
	}
	if s.Set == nil || o.Reset {
		s.Set = map[string]string{}
	}
	for name, v := range o.Set {
		if _, known := ScreenFlags()[name]; !known {
			return s, fmt.Errorf("%q is not a flag of the screen", name)
		}
		s.Set[name] = v
	}
	args := a.args(s)
	if err := a.tryArgs(ctx, args); err != nil {
		return s, err
	}
	b, err := json.Marshal(s.Set)
	if err != nil {
		return s, err
	}
	kept := a.store.KeepMemo(memoScreen, b)
	a.renderer.SetArgs(a.withKeys(args))
	a.renderer.Restart("the screen is arranged anew")
	if kept != nil {
		return s, fmt.Errorf("the screen is arranged anew, but that will be forgotten at the next start: %w", kept)
	}
	return s, nil
}

// tryArgs asks a renderer of its own whether it could work with these flags.
func (a *Agent) tryArgs(ctx context.Context, args []string) error {
	path := a.cfg.Renderer
	if path == "" {
		var err error
		if path, err = pipe.Find(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, path, append(slices.Clone(args), "--probe")...)
	cmd.Stderr, cmd.WaitDelay = &said, time.Second
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(said.String()), "vitrine-render: "), "\n")
		if line == "" {
			line = err.Error()
		}
		return errors.New("the screen stays as it is: " + line)
	}
	return nil
}

// Card implements the control socket's player.
func (a *Agent) Card(stay time.Duration) { a.playout.ShowService(stay) }

// SetVolume implements the control socket's player.
func (a *Agent) SetVolume(percent int) error { return a.playout.SetOwnVolume(percent) }

func volumeOf(_, now int) int { return now }
