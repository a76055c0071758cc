package clock_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/clock"
)

func TestTLSTime(t *testing.T) {
	signed := day("2026-06-01")
	for name, c := range map[string]struct {
		wall   time.Time
		synced bool
		relay  time.Time
		want   time.Time
	}{
		"the system's clock counts when it is above":                 {wall: day("2028-06-01"), want: day("2028-06-01")},
		"the floor counts when the clock is in 1970":                 {wall: time.Unix(0, 0), want: signed},
		"a hardware clock 73 years ahead of all that was signed":     {wall: day("2099-01-01"), want: signed},
		"one that was eight years on a shelf counts":                 {wall: day("2034-06-01"), want: day("2034-06-01")},
		"a relay's time counts when it is above":                     {wall: time.Unix(0, 0), relay: day("2027-06-01"), want: day("2027-06-01")},
		"a relay's time below the floor counts for nothing":          {wall: time.Unix(0, 0), relay: day("2020-06-01"), want: signed},
		"a clock far ahead counts when the relay's agrees":           {wall: day("2038-01-01"), relay: day("2038-01-01"), want: day("2038-01-01")},
		"a time server's word does not reach further than a relay's": {wall: day("2099-01-01"), synced: true, want: signed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := start(t, &box{lead: time.Until(c.wall), synced: c.synced}, clock.Config{Persisted: signed})
				if !c.relay.IsZero() {
					if err := k.Relay(c.relay, 100*time.Millisecond); err != nil {
						t.Fatal(err)
					}
				}
				if got := k.TLSTime(); !near(got, c.want) {
					t.Errorf("%s, want %s", got, c.want)
				}
				time.Sleep(time.Hour)
				if got := k.TLSTime(); !near(got, c.want.Add(time.Hour)) {
					t.Errorf("an hour later %s, want an hour more than %s", got, c.want)
				}
			})
		})
	}
}

func TestARelaysTimeThatCannotBeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, &box{lead: time.Until(day("2026-07-01"))}, clock.Config{Built: day("2026-01-01")})
		for name, ask := range map[string]func() error{
			"the zero time":         func() error { return k.Relay(time.Time{}, time.Second) },
			"an answer before":      func() error { return k.Relay(day("2026-07-01"), -time.Second) },
			"an answer of an hour":  func() error { return k.Relay(day("2026-07-01"), time.Hour) },
			"the beginning of Unix": func() error { return k.Relay(time.Unix(0, 0), 0) },
		} {
			if ask() == nil {
				t.Errorf("%s was taken", name)
			}
		}
	})
}

func TestAStepEndsTheRelaysAgreement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{lead: time.Until(day("2026-07-01"))}
		k := start(t, b, clock.Config{Built: day("2026-01-01")})
		if err := k.Relay(b.Wall(), 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if s := state(k); s.Trust != clock.Trusted {
			t.Fatalf("%s after the relay's word", s.Trust)
		}
		b.move(b.lead + 30*time.Second)
		synctest.Wait()
		if s := state(k); s.Trust != clock.Held || s.Agreed {
			t.Errorf("%s after a step", s.Trust)
		}
	})
}

func TestWhyTheTimeIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		state clock.State
		want  string
	}{
		"it is trusted": {clock.State{Trust: clock.Trusted}, ""},
		"it is held, though the kernel says nothing": {clock.State{Trust: clock.Held, Faults: []string{"no adjtimex"}}, ""},
		"nobody has confirmed it":                    {clock.State{Trust: clock.None}, "nobody has confirmed this machine's clock"},
		"nor does the kernel say anything":           {clock.State{Trust: clock.None, Faults: []string{"no adjtimex"}}, "; no adjtimex"},
		"it is before the floor":                     {clock.State{Trust: clock.Estimated, Floor: day("2026-07-01")}, "before 2026-07-01 00:00:00, which is past"},
	} {
		if got := c.state.Why(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: it says %q", name, got)
		}
	}
}
