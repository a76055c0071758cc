package clock_test

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/clock"
)

// The real machine: its clock, its kernel's answer, its timer. Whether it is synchronised is not ours to say.
func TestTheRealMachineAnswers(t *testing.T) {
	c, err := clock.New(clock.Config{Built: day("2026-01-01"), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	if s, _ := c.State(); len(s.Faults) > 0 {
		t.Errorf("faults: %q", s.Faults)
	}
	if got := time.Until(c.Now()).Abs(); got > time.Minute && c.Now().After(day("2026-01-01")) {
		t.Errorf("the clock is %v off the system's", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Whoever runs this moves the system's clock by two seconds and back, so it asks first. It needs CAP_SYS_TIME, and makes
// the kernel forget that it was synchronised until the daemon's next word.
func TestTheRealClockIsStepped(t *testing.T) {
	if os.Getenv("VITRINE_TEST_SET_CLOCK") != "1" {
		t.Skip("set VITRINE_TEST_SET_CLOCK=1 to let this test move the system's clock by two seconds and back")
	}
	c, err := clock.New(clock.Config{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for i, by := range []int64{2, -2} {
		_, changed := c.State()
		move := unix.Timex{Modes: unix.ADJ_SETOFFSET}
		move.Time.Sec = by
		if _, err := unix.Adjtimex(&move); err != nil {
			t.Skipf("this machine does not let its clock be set: %v", err)
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatal("no word of the step")
		}
		if s, _ := c.State(); s.Steps != i+1 || (s.LastStep-time.Duration(by)*time.Second).Abs() > 100*time.Millisecond {
			t.Errorf("%d steps, the last of %v; want %d, of %d s", s.Steps, s.LastStep, i+1, by)
		}
	}
}
