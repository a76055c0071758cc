package ladder_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/ladder"
)

// memos are kept over restarts of the player.
type memos map[string][]byte

func (m memos) KeepMemo(name string, b []byte) error { m[name] = b; return nil }

func (m memos) Memo(name string) ([]byte, bool) { b, ok := m[name]; return b, ok }

type broken struct{ memos }

func (broken) KeepMemo(string, []byte) error { return errors.New("the disk is full") }

// standing looks once a second at a screen on which nothing moves, and starts the player again when the ladder says so.
// It returns what was done, each with its second.
func standing(t *testing.T, cfg ladder.Config, long time.Duration) (done []string, alarm error) {
	t.Helper()
	begun, wall := time.Now(), time.Now
	note := func(what string) {
		done = append(done, what+"@"+time.Since(begun).Truncate(time.Second).String())
	}
	cfg.Now = wall
	cfg.Restart = func(string) { note("renderer") }
	if cfg.Reboot != nil {
		cfg.Reboot = func(context.Context, string) error { note("machine"); return nil }
	}
	cfg.Check = func(err error) { alarm = err }
	l, err := ladder.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	life := time.Now()
	for time.Since(begun) < long {
		time.Sleep(time.Second)
		if err := l.Look(t.Context(), time.Since(life), "nothing moves"); errors.Is(err, ladder.ErrRestart) {
			note("player")
			life = time.Now()
			if l, err = ladder.New(cfg); err != nil {
				t.Fatal(err)
			}
		}
	}
	return done, alarm
}

func TestTheLadderIsClimbedAndEnds(t *testing.T) {
	yes := func() bool { return true }
	reboot := func(context.Context, string) error { return nil }
	for name, c := range map[string]struct {
		cfg  ladder.Config
		long time.Duration
		want string
	}{
		"a person runs it: only the renderer is started anew": {ladder.Config{Keep: memos{}}, 9 * time.Minute,
			"renderer@40s renderer@2m0s renderer@3m20s"},
		"a service: the player too": {ladder.Config{Keep: memos{}, Supervised: yes}, 9 * time.Minute,
			"renderer@40s player@1m20s renderer@2m0s player@2m40s renderer@3m20s player@4m0s"},
		"and the machine, once a day": {ladder.Config{Keep: memos{}, Supervised: yes, Reboot: reboot}, 9 * time.Minute,
			"renderer@40s player@1m20s renderer@2m0s player@2m40s renderer@3m20s player@4m0s machine@4m40s"},
		"what cannot be counted is not done": {ladder.Config{Keep: broken{}, Supervised: yes, Reboot: reboot}, 3 * time.Minute,
			"renderer@40s renderer@2m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done, alarm := standing(t, c.cfg, c.long)
				if got := strings.Join(done, " "); got != c.want {
					t.Errorf("it did\n%s\nwant\n%s", got, c.want)
				}
				if alarm == nil {
					t.Error("nobody was told that it did not help")
				}
			})
		})
	}
}

func TestADayOfStandingStillStaysWithinItsBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, _ := standing(t, ladder.Config{Keep: memos{}, Supervised: func() bool { return true }, Reboot: func(context.Context, string) error { return nil }}, 24*time.Hour-time.Minute)
		n := map[string]int{}
		for _, d := range done {
			what, _, _ := strings.Cut(d, "@")
			n[what]++
		}
		if n["machine"] != 1 || n["player"] != 3*24 || n["renderer"] > 3*6*24 || n["renderer"] < 24 {
			t.Errorf("in a day it did %v", n)
		}
	})
}

func TestAScreenThatMovesAgainBeginsAtTheFoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		restarts := 0
		var alarms []error
		l, err := ladder.New(ladder.Config{Keep: memos{}, Now: time.Now, Restart: func(string) { restarts++ }, Supervised: func() bool { return true },
			Check: func(err error) { alarms = append(alarms, err) }})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := l.Look(t.Context(), time.Minute, "x"); err != nil {
				t.Fatal(err)
			}
			if err := l.Look(t.Context(), time.Second, ""); err != nil {
				t.Fatal(err)
			}
		}
		if restarts != 2 || len(alarms) != 2 || alarms[0] != nil {
			t.Errorf("%d restarts of the renderer, alarms %v", restarts, alarms)
		}
	})
}
