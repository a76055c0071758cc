package agent

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/agent/act"
	"vitrine/agent/control"
	"vitrine/agent/sense"
	"vitrine/agent/system"
	"vitrine/agent/trigger"
)

// Pictures that actions have taken are in this folder of the player's data, so many at most.
const (
	pictures     = "screenshots"
	mostPictures = 100
)

// wireDeeds wires what is done at its time, what is felt, and who may say that something happened.
func (a *Agent) wireDeeds() (err error) {
	cfg := a.cfg
	if a.actor, err = act.New(act.Config{Store: a.store, Clock: a.clock, Machine: system.New(system.Config{}), Stage: a.playout,
		Metrics: a.playout.Conditions, Picture: a.picture, Check: a.board.Set, Gone: a.board.Drop, Log: cfg.Log}); err != nil {
		return err
	}
	if a.senses, err = sense.New(sense.Config{Report: a.playout.SetMetric, Fire: func(name string) { a.playout.Trigger(name) }, Lines: cfg.Lines,
		Check: a.board.Set, Log: cfg.Log}); err != nil {
		return err
	}
	if cfg.TriggerListen != "" {
		a.triggers, err = trigger.New(trigger.Config{Address: cfg.TriggerListen, Dir: cfg.Dir, Fire: a.playout.Trigger, Log: cfg.Log})
	}
	return err
}

// picture keeps what is really shown on the disk, and sends one to the relay, where there is one.
func (a *Agent) picture(ctx context.Context, action string, due time.Time) error {
	dir := filepath.Join(a.cfg.Dir, pictures)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of pictures: %w", err)
	}
	path := filepath.Join(dir, due.UTC().Format("20060102T150405Z")+"-"+action+".png")
	part := filepath.Join(dir, "part.png")
	if err := a.playout.Shot(ctx, part, 0); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("keep the picture: %w", err)
	}
	if a.uplink != nil {
		a.uplink.Picture()
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*Z-*.png")) // sorted: the oldest first
	if err != nil {
		return err
	}
	for _, old := range kept[:max(0, len(kept)-mostPictures)] {
		if err := os.Remove(old); err != nil {
			a.log.Warn("old picture not removed", "file", old, "error", err)
		}
	}
	return nil
}

// deeds are the actions, for people on this machine.
func (a *Agent) deeds() []control.Action {
	var all []control.Action
	for _, s := range a.actor.Status() {
		all = append(all, control.Action{ID: s.ID, Do: s.Do, Next: s.Next, Last: s.Last, State: s.State, Why: s.Why})
	}
	return all
}

// felt are the metrics that conditions may ask, but those of sources, which have lines of their own; what counts the seconds
// since an instant as it is now.
func (a *Agent) felt(now time.Time) map[string]any {
	values, since := a.playout.Conditions()
	maps.DeleteFunc(values, func(name string, _ any) bool {
		word, _, _ := strings.Cut(name, ".")
		return !slices.Contains([]string{"temperature", "network", "gpio", "relay"}, word)
	})
	for name, t := range since {
		values[name] = int64(max(now.Sub(t), 0).Seconds())
	}
	return values
}

// timeService is what systemd knows of who keeps the machine's time.
type timeService struct{ *system.Machine }

// TimeService implements the clock's service.
func (s timeService) TimeService(ctx context.Context) (there, on, done bool, err error) {
	t, err := s.Machine.TimeService(ctx)
	return t.There, t.On, t.Done, err
}

func machineTime() timeService { return timeService{system.New(system.Config{})} }
