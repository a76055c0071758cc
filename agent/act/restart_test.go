package act_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/schedule"
)

func TestARestartIsDoneWhenTheMachineHasStartedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(late(at("r", "reboot", "04:00"), "2h"))
		stop := w.run(t)
		until(1, "04:00:05")
		stop()
		w.boot, w.started = "two", time.Now()
		stop = w.run(t)
		until(2, "03:00:00")
		stop()
		w.wants(t, "01 04:00:00 reboot")
		if w.said("action:r") != "<nil>" {
			t.Errorf("check: %s", w.said("action:r"))
		}
	})
}

func TestARestartThatDoesNotComeIsAskedForAgainAndThenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(at("r", "reboot", "04:00"))
		stop := w.run(t)
		until(1, "12:00:00")
		stop()
		w.wants(t, "01 04:00:00 reboot", "01 04:02:00 reboot", "01 04:04:00 reboot")
		if want := "reboot, due at 2000-01-01T04:00:00Z: it was asked for 3 times, and the machine has not restarted"; w.said("action:r") != want {
			t.Errorf("check: %s", w.said("action:r"))
		}
	})
}

func TestRestartsHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hourly []schedule.Action
		for h := 1; h < 24; h++ {
			hourly = append(hourly, at(fmt.Sprintf("r%02d", h), "reboot", fmt.Sprintf("%02d:00", h)))
		}
		w := newWorld(append(hourly, at("soon", "poweroff", "01:05"))...) // five minutes after a start
		w.obeys = true
		stop := w.run(t)
		until(2, "12:00:00")
		stop()
		w.wants(t, "01 01:00:00 reboot", "01 02:00:00 reboot", "01 03:00:00 reboot", "01 04:00:00 reboot",
			"02 01:00:00 reboot", "02 02:00:00 reboot", "02 03:00:00 reboot", "02 04:00:00 reboot")
	})
}

func TestNoRestartJustAfterAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(at("r", "poweroff", "00:05"))
		w.started = time.Now().Add(-4 * time.Minute)
		stop := w.run(t)
		until(1, "00:30:00")
		stop()
		w.wants(t)
	})
}
