package act_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/act"
	"vitrine/agent/clock"
	"vitrine/agent/schedule"
)

func TestWhatIsDueIsDoneOnceAtItsTime(t *testing.T) {
	cases := []struct {
		name  string
		does  func(t *testing.T, w *world)
		given []schedule.Action
		want  []string
	}{
		{"each at its second, day after day", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(2, "12:00:00")
			stop()
		}, []schedule.Action{volume("v", 40, "08:00"), at("p", "screenshot", "09:30"), at("off", "screenOff", "22:00"), at("on", "screenOn", "06:00")},
			[]string{"01 08:00:00 volume 40", "01 09:30:00 picture of 09:30", "01 22:00:00 screen off", "02 06:00:00 screen on", "02 09:30:00 picture of 09:30"}},
		{"off at the time, and skipped", func(t *testing.T, w *world) {
			w.run(t)()
			until(1, "04:30:00")
			stop := w.run(t)
			until(1, "05:00:00")
			stop()
		}, []schedule.Action{at("r", "reboot", "04:00")}, nil},
		{"off at the time, and late enough to do", func(t *testing.T, w *world) {
			w.run(t)()
			until(1, "04:30:00")
			stop := w.run(t)
			until(1, "04:45:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "1h")}, []string{"01 04:30:00 picture of 04:00"}},
		{"off at the time, and too late", func(t *testing.T, w *world) {
			w.run(t)()
			until(1, "05:30:00")
			stop := w.run(t)
			until(1, "06:00:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "1h")}, nil},
		{"done, and the player starts again", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "04:00:30")
			stop()
			stop = w.run(t)
			until(1, "05:30:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "2h")}, []string{"01 04:00:00 picture of 04:00"}},
		{"a bundle that comes later makes up for nothing", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "04:30:00")
			w.publish(late(at("r", "reboot", "04:00"), "2h"))
			until(1, "06:00:00")
			stop()
		}, nil, nil},
		{"a changed rule is another", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "04:30:00")
			w.publish(at("p", "screenshot", "05:00"))
			until(1, "06:00:00")
			stop()
		}, []schedule.Action{at("p", "screenshot", "04:00")}, []string{"01 04:00:00 picture of 04:00", "01 05:00:00 picture of 05:00"}},
		{"nothing by a clock that is not believed, and made up for when it is", func(t *testing.T, w *world) {
			w.run(t)()
			w.trust = clock.Estimated
			stop := w.run(t)
			until(1, "05:00:00")
			w.set(clock.Trusted, 0)
			until(1, "06:00:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "2h"), at("r", "reboot", "04:30")}, []string{"01 05:00:00 picture of 04:00"}},
		{"a held clock will do", func(t *testing.T, w *world) {
			w.trust = clock.Held
			stop := w.run(t)
			until(1, "05:00:00")
			stop()
		}, []schedule.Action{at("p", "screenshot", "04:00")}, []string{"01 04:00:00 picture of 04:00"}},
		{"the clock goes back an hour: not twice", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "04:10:00")
			w.set(clock.Trusted, -time.Hour)
			until(1, "06:00:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "2h")}, []string{"01 04:00:00 picture of 04:00"}},
		{"a clock of 2099 that is set right does not keep anything from being done", func(t *testing.T, w *world) {
			w.set(clock.Held, 99*365*24*time.Hour)
			stop := w.run(t)
			until(1, "05:00:00")
			w.set(clock.Trusted, 0)
			until(2, "05:00:00")
			stop()
		}, []schedule.Action{late(at("p", "screenshot", "04:00"), "30h")}, []string{"07 04:00:00 picture of 04:00", "02 04:00:00 picture of 04:00"}},
		{"a condition is asked when it is due", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "04:30:00")
			w.measure("temperature", 80)
			until(2, "05:00:00")
			stop()
		}, []schedule.Action{{ID: "p", Do: "screenshot", At: "04:00", Late: "2h", When: []schedule.Condition{{Metric: "temperature", Op: "gt", Value: 70}}}}, []string{"02 04:00:00 picture of 04:00"}},
		{"two switches at one instant leave the screen on", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "09:00:00")
			stop()
		}, []schedule.Action{at("on", "screenOn", "08:00"), at("off", "screenOff", "08:00")}, nil},
		{"the screen stays off over a restart, and the volume low", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "23:00:00")
			stop()
			stop = w.run(t)
			until(2, "00:00:00")
			stop()
		}, []schedule.Action{at("off", "screenOff", "22:00"), at("on", "screenOn", "06:00"), volume("v", 10, "21:00")},
			[]string{"01 21:00:00 volume 10", "01 22:00:00 screen off", "01 23:00:00 volume 10", "01 23:00:00 screen off"}},
		{"a screenOn that was missed is made up for in every case", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "23:00:00")
			stop()
			until(3, "07:00:00")
			stop = w.run(t)
			until(3, "08:00:00")
			stop()
		}, []schedule.Action{at("off", "screenOff", "22:00"), at("on", "screenOn", "06:00")}, []string{"01 22:00:00 screen off"}},
		{"the screen is on while the clock is not believed", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "23:00:00")
			w.set(clock.Estimated, 0)
			until(1, "23:30:00")
			w.set(clock.Trusted, 0)
			until(1, "23:40:00")
			stop()
		}, []schedule.Action{at("off", "screenOff", "22:00"), at("on", "screenOn", "06:00")},
			[]string{"01 22:00:00 screen off", "01 23:00:00 screen on", "01 23:30:00 screen off"}},
		{"a bundle that no longer switches it leaves the screen on", func(t *testing.T, w *world) {
			stop := w.run(t)
			until(1, "23:00:00")
			w.publish(at("off", "screenOff", "22:00"))
			until(3, "00:00:00")
			stop()
		}, []schedule.Action{at("off", "screenOff", "22:00"), at("on", "screenOn", "06:00")}, []string{"01 22:00:00 screen off", "01 23:00:00 screen on"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(c.given...)
				c.does(t, w)
				w.wants(t, c.want...)
			})
		})
	}
}

func TestWhatCannotBeWrittenDownIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(at("r", "reboot", "04:00"))
		w.full = true
		stop := w.run(t)
		until(1, "05:00:00")
		stop()
		w.wants(t)
		if want := "reboot, due at 2000-01-01T04:00:00Z: what is done cannot be written down, and so it is not done: no space left on device"; w.said("action:r") != want {
			t.Errorf("check: %s", w.said("action:r"))
		}
	})
}

func TestARefusalIsReportedAndGoesWithItsAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(at("r", "reboot", "04:00"))
		w.refuse = errors.New("logind refuses: no")
		stop := w.run(t)
		until(1, "12:00:00")
		w.wants(t, "01 04:00:00 reboot")
		if want := "reboot, due at 2000-01-01T04:00:00Z: logind refuses: no"; w.said("action:r") != want {
			t.Errorf("check: %s", w.said("action:r"))
		}
		w.publish()
		synctest.Wait()
		if w.said("action:r") != "" {
			t.Errorf("check: %s", w.said("action:r"))
		}
		stop()
	})
}

func TestEveryActionIsSaidAndWhyItIsNeverDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := at("others", "reboot", "04:00")
		others.Target = &schedule.Target{Devices: []string{"p9"}}
		w := newWorld(at("p", "screenshot", "04:00"), others, at("odd", "reboot", "4h"), at("dark", "screenOff", "22:00"))
		a, err := act.New(act.Config{Store: w, Clock: w, Stage: &stage{world: w, volume: 100}, Picture: func(context.Context, string, time.Time) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go a.Run(ctx)
		until(1, "05:00:00")
		var got []string
		for _, s := range a.Status() {
			got = append(got, fmt.Sprintf("%s %s %s", s.ID, s.State, s.Why))
		}
		want := []string{"p done ", "others  its target does not name this player", `odd  it is left out: "4h" is not a time of day: write "00:00" to "23:59"`,
			"dark  it is left out: nothing switches the screen on again: add an action with do: screenOn, or use workingHours"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestItWakesOnlyForWhatIsDueAndOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(at("p", "screenshot", "12:00:30"))
		stop := w.run(t)
		begin := w.looked()
		until(1, "12:00:00")
		looks := w.looked() - begin
		if each := looks / 720; each < 1 || each > 4 || looks%720 != 0 {
			t.Errorf("%d looks at the clock in 720 minutes", looks)
		}
		stop()
		w.publish()
		stop = w.run(t)
		begin = w.looked()
		until(2, "12:00:00")
		if looks := w.looked() - begin; looks != 0 {
			t.Errorf("without actions it woke %d times", looks)
		}
		stop()
	})
}
