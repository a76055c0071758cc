package clock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/clock"
)

// service is a timedate1 that a test sets.
type service struct {
	mu              sync.Mutex
	there, on, done bool
	err             error
	asked           int
}

func (s *service) TimeService(context.Context) (there, on, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.there, s.on, s.done, s.err
}

func (s *service) set(there, on, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.there, s.on, s.done, s.err = there, on, done, err
}

func (s *service) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func TestATimeServiceSaysWhyNobodySetsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := &service{}, &box{}
		b.lead = -30 * 365 * 24 * time.Hour // 1970
		c := start(t, b, clock.Config{Built: time.Now(), Service: s})
		why := func(want string) {
			t.Helper()
			synctest.Wait()
			st, _ := c.State()
			if st.Trust != clock.Estimated || !strings.Contains(st.Why(), want) || want == "" && strings.Contains(st.Why(), "service") {
				t.Errorf("%s: %q, want %q", st.Trust, st.Why(), want)
			}
		}
		why("no time service is installed")
		s.set(true, false, false, nil)
		time.Sleep(11 * time.Minute)
		why("timedatectl set-ntp true")
		s.set(true, true, false, nil)
		time.Sleep(11 * time.Minute)
		why("has reached no time server yet")
		s.set(false, false, false, errors.New("no bus"))
		time.Sleep(11 * time.Minute)
		why("")
		if n := s.times(); n != 4 {
			t.Errorf("it was asked %d times in 33 minutes", n)
		}
	})
}

func TestATimeServiceIsNotAskedWhileTheKernelSaysAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := &service{there: true, on: true}, &box{synced: true}
		c := start(t, b, clock.Config{Built: time.Now().Add(-time.Hour), Service: s})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if st, _ := c.State(); st.Trust != clock.Trusted || s.times() != 0 {
			t.Errorf("%s, asked %d times", st.Trust, s.times())
		}
		b.move(time.Hour) // by hand: the kernel is no longer synchronised
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if st, _ := c.State(); st.Trust != clock.Held || s.times() != 1 || st.Service == "" {
			t.Errorf("%s, asked %d times: %q", st.Trust, s.times(), st.Service)
		}
	})
}

func TestATimeServiceAnswersWhereTheKernelDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := &service{there: true, on: true, done: true}, &box{blind: errors.New("operation not permitted")}
		c := start(t, b, clock.Config{Built: time.Now().Add(-time.Hour), Service: s})
		synctest.Wait()
		if st, _ := c.State(); st.Trust != clock.Trusted || !st.Synchronised {
			t.Errorf("%s: %q", st.Trust, st.Why())
		}
		s.set(true, true, false, nil)
		b.move(time.Hour)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if st, _ := c.State(); st.Trust != clock.Held {
			t.Errorf("after a step: %s", st.Trust)
		}
	})
}
