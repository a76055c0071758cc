// Package ladder answers: what is done about a screen that stands still, and how often?
//
//	playout: nothing moves since … ──> Look ──> renderer anew ──> player anew ──> machine anew (if allowed)
//	                                     └── a budget for each, kept over restarts; all spent: an alarm, and the last frame stays
//
// A single item that fails is no matter of the ladder: playout leaves it out. The ladder is for a screen on which nothing
// starts and nothing moves whatever is queued.
package ladder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Rung is something that can be started anew.
type Rung int

// The rungs, lowest first.
const (
	Renderer Rung = iota
	Player
	Machine
	rungs
)

// String names a rung for people.
func (r Rung) String() string { return [...]string{"renderer", "player", "machine"}[r] }

// limit is how often a rung may be taken: so many times within a time.
type limit struct {
	times  int
	within time.Duration
}

func limitOf(r Rung) limit {
	return [...]limit{{3, 10 * time.Minute}, {3, time.Hour}, {1, 24 * time.Hour}}[r]
}

const (
	patience = 40 * time.Second // a renderer has 15 s to come up, a scene 15 s for its first frame
	memo     = "ladder"
)

// ErrRestart ends a player that is to be started again by whoever supervises it.
var ErrRestart = errors.New("the screen stands still and a new renderer did not help; the player is to be started again")

type keeper interface {
	KeepMemo(name string, memo []byte) error
	Memo(name string) ([]byte, bool)
}

// Config says what the rungs are.
type Config struct {
	Keep    keeper           // of what was spent
	Now     func() time.Time // wall clock; a budget outlives the process
	Restart func(why string) // the renderer
	// Supervised says whether somebody starts the player again when it ends; nil = nobody does.
	Supervised func() bool
	// Reboot starts the machine anew; nil = it is not allowed.
	Reboot func(ctx context.Context, why string) error
	// Check hears how the screen is: nil, or that all rungs were taken in vain. It must not block.
	Check    func(error)
	Patience time.Duration // that each rung is given to help; 0 = 40 s
	Log      *slog.Logger  // nil = silent
}

// Ladder remembers how high it has climbed. Only one goroutine may use it.
type Ladder struct {
	cfg   Config
	next  Rung
	acted time.Time // with its monotonic part; zero = not in this trouble
	spent map[Rung][]time.Time
	given bool // up
}

// New reads what was spent.
func New(cfg Config) (*Ladder, error) {
	if cfg.Keep == nil || cfg.Now == nil || cfg.Restart == nil {
		return nil, errors.New("ladder: a memory, a clock and a renderer are needed")
	}
	if cfg.Patience <= 0 {
		cfg.Patience = patience
	}
	if cfg.Check == nil {
		cfg.Check = func(error) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Ladder{cfg: cfg, spent: map[Rung][]time.Time{}}
	if b, ok := cfg.Keep.Memo(memo); ok {
		if err := json.Unmarshal(b, &l.spent); err != nil {
			cfg.Log.Warn("budget of restarts not read", "error", err)
		}
	}
	if l.spent == nil {
		l.spent = map[Rung][]time.Time{}
	}
	return l, nil
}

// Look is told how long nothing has moved, and takes the next rung when that is too long. It returns ErrRestart when the
// player itself is to end.
func (l *Ladder) Look(ctx context.Context, still time.Duration, why string) error {
	if still < l.cfg.Patience {
		if l.given || l.next > 0 {
			l.cfg.Log.Info("screen moves again")
			l.cfg.Check(nil)
		}
		l.next, l.given, l.acted = 0, false, time.Time{}
		return nil
	}
	if !l.acted.IsZero() && time.Since(l.acted) < l.cfg.Patience {
		return nil // what was done last still has time to help
	}
	for r := l.next; r < rungs; r++ {
		if !l.allowed(r) || !l.spend(r) {
			continue
		}
		l.next, l.acted = r+1, time.Now()
		return l.take(ctx, r, why)
	}
	l.next, l.acted = 0, time.Now() // budgets refill
	if !l.given {
		l.given = true
		l.cfg.Log.Error("screen stands still, and all that may be done was done", "why", why)
	}
	l.cfg.Check(fmt.Errorf("the screen stands still: %s; what may be started anew was started anew, and it did not help: look at the display, its driver and the log", why))
	return nil
}

func (l *Ladder) take(ctx context.Context, r Rung, why string) error {
	l.cfg.Log.Error("screen stands still; starting anew", "what", r.String(), "why", why)
	switch r {
	case Player:
		return fmt.Errorf("%w: %s", ErrRestart, why)
	case Machine:
		if err := l.cfg.Reboot(ctx, why); err != nil {
			l.cfg.Log.Error("machine not started anew", "error", err)
		}
	default:
		l.cfg.Restart("the screen stands still: " + why)
	}
	return nil
}

func (l *Ladder) allowed(r Rung) bool {
	switch r {
	case Player:
		return l.cfg.Supervised != nil && l.cfg.Supervised()
	case Machine:
		return l.cfg.Reboot != nil
	}
	return true
}

// spend takes one from a rung's budget, and keeps that before anything is done: a loop of restarts must end.
func (l *Ladder) spend(r Rung) bool {
	now, lim := l.cfg.Now(), limitOf(r)
	var left []time.Time
	for _, t := range l.spent[r] {
		if d := now.Sub(t).Abs(); d < lim.within { // a clock may also have gone back
			left = append(left, t)
		}
	}
	l.spent[r] = left
	if len(left) >= lim.times {
		return false
	}
	l.spent[r] = append(left, now.Round(0))
	b, err := json.Marshal(l.spent)
	if err == nil {
		err = l.cfg.Keep.KeepMemo(memo, b)
	}
	if err != nil {
		l.cfg.Log.Warn("restart not counted", "error", err)
		return r == Renderer // what ends this process must be counted
	}
	return true
}
