package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/ladder"
	"vitrine/agent/system"
)

// ErrAgain ends a player that is to be started again by whoever supervises it; the last frame stays on the screen.
var ErrAgain = errors.New("start the player again")

// climb looks after a screen that stands still.
func (a *Agent) climb(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		still, why := a.playout.Standing()
		if err := a.ladder.Look(ctx, still, why); err != nil {
			a.renderer.Hold()
			return fmt.Errorf("%w: %w", ErrAgain, err)
		}
	}
}

func (a *Agent) newLadder() (*ladder.Ladder, error) {
	cfg := ladder.Config{Keep: a.store, Now: a.clock.Now, Restart: a.renderer.Restart, Patience: a.cfg.Patience, Log: a.log,
		// What was spent is forgotten with the memory that stands in for a disk: then the player does not end itself.
		Supervised: func() bool { return a.cfg.Supervised && a.store.Failing() == nil },
		Check:      func(err error) { a.board.Set("screen", err); a.poke() }}
	if a.cfg.MayReboot {
		cfg.Reboot = func(ctx context.Context, _ string) error { return system.New(system.Config{}).Reboot(ctx) }
	}
	return ladder.New(cfg)
}

// lit says that the display is to be on.
func (a *Agent) lit() bool { return a.playout.Status().Showing.Screen != "off" }

// Alive says that somebody still looks after the screen: whoever supervises the player may ask.
func (a *Agent) Alive() bool {
	turned := a.playout.Turned()
	if turned.IsZero() {
		turned = a.begun
	}
	return time.Since(turned) < mostIdle
}

const (
	mostIdle     = 150 * time.Second // playout turns at least each minute
	leastCeiling = 512 << 20
	mostCeiling  = 2 << 30
)

// rendererCeiling is how much memory the renderer may have when nobody says: a quarter of the machine's, within 512 MiB
// and 2 GiB.
func rendererCeiling() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return leastCeiling
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:")
		if !ok {
			continue
		}
		if kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64); err == nil {
			return min(max(kib<<10/4, leastCeiling), mostCeiling)
		}
	}
	return leastCeiling
}
