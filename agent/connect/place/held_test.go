package place_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/connect/place"
)

func TestWhatHasAnsweredCanBeAskedAgainAtOnce(t *testing.T) {
	var h place.Held
	for range 20_000 {
		if err := h.Do(t.Context(), "a share", func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.Do(t.Context(), "a share", func() error { panic("foreign bytes") }); err == nil {
			t.Fatal("a panic was taken for an answer")
		}
	}
}

// A read that was called off needs a moment to hang up; whoever asks again just then is not told that it hangs.
func TestAReadThatWasCalledOffIsWaitedForAMoment(t *testing.T) {
	for how, c := range map[string]struct {
		back time.Duration
		ok   bool
	}{"it comes back": {100 * time.Millisecond, true}, "it hangs": {time.Hour, false}} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h place.Held
				ctx, cancel := context.WithCancel(t.Context())
				cut := make(chan error)
				go func() { cut <- h.Do(ctx, "a share", func() error { <-time.After(c.back); return nil }) }()
				synctest.Wait()
				cancel()
				if err := <-cut; err == nil {
					t.Error("what was called off is an answer")
				}
				if err := h.Do(t.Context(), "a share", func() error { return nil }); (err == nil) != c.ok {
					t.Errorf("the next is told: %v", err)
				}
				if err := h.Do(t.Context(), "another", func() error { return nil }); err != nil {
					t.Errorf("another is told: %v", err)
				}
				<-time.After(c.back)
			})
		})
	}
}
