package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
	"vitrine/cloud/shelf"
)

// open opens a fleet over a real file; close closes the file.
func open(t testing.TB, dir string) (*fleet.Fleet, func()) {
	t.Helper()
	s, err := shelf.Open(filepath.Join(dir, "relay.db"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*shelf.Case{}
	for _, name := range []string{"players", "reports", "proofs"} {
		if cases[name], err = s.Case(name); err != nil {
			t.Fatal(err)
		}
	}
	f, err := fleet.New(fleet.Config{Players: cases["players"], Reports: cases["reports"], Proofs: cases["proofs"], Pictures: filepath.Join(dir, "pictures"),
		Free: func() (int64, error) { return 1 << 40, nil }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func admit(t testing.TB, f *fleet.Fleet, name string, groups ...string) fleet.Member {
	t.Helper()
	m, err := f.Admit(api.EnrolRequest{Public: []byte(name)}, "key of "+name, api.Claim{Name: name, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func beat(rev uint64) *api.Heartbeat {
	return &api.Heartbeat{Boot: "b", Seq: 1, Rev: rev, Clock: "trusted"}
}

// in runs a test in a bubble, where time passes as soon as nothing else can.
func in(t *testing.T, f func(t *testing.T, fl *fleet.Fleet)) {
	synctest.Test(t, func(t *testing.T) {
		fl, done := open(t, t.TempDir())
		defer done()
		f(t, fl)
	})
}

func TestAHeartbeatWithNothingToDoWaitsForAsLongAsItMay(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m := admit(t, f, "a")
		began := time.Now()
		d, err := f.Heartbeat(t.Context(), m.ID, "", beat(m.Rev), 50*time.Second)
		if d != nil || err != nil || time.Since(began) != 50*time.Second || f.Waits() != 0 {
			t.Fatalf("%+v, %v after %s", d, err, time.Since(began))
		}
	})
}

func TestWhatChangesForOthersWakesNobody(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m, other := admit(t, f, "a", "canteen"), admit(t, f, "b")
		f.Moved(api.Stream{Name: "lobby", Head: api.Head{Seq: 1, Manifest: "m1"}})
		woken := make(chan *api.Desired, 1)
		go func() {
			d, _ := f.Heartbeat(t.Context(), m.ID, "", beat(m.Rev), 50*time.Second)
			woken <- d
		}()
		synctest.Wait()
		f.Moved(api.Stream{Name: "lobby", Head: api.Head{Seq: 2, Manifest: "m2"}})
		f.Followed(api.Channel{Group: "hall", Stream: "lobby"})
		if err := f.Ask(other.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case d := <-woken:
			t.Fatalf("told %+v", d)
		default:
		}
		f.Followed(api.Channel{Group: "canteen", Stream: "lobby"})
		if d := <-woken; d == nil || d.Bundle == nil || d.Bundle.Seq != 2 {
			t.Fatalf("%+v", d)
		}
	})
}

func TestTheFirstGroupWithAChannelWinsAndEveryoneIsLast(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m := admit(t, f, "a", "window", "canteen")
		for _, s := range []string{"all", "menus", "sale"} {
			f.Moved(api.Stream{Name: s, Head: api.Head{Seq: 1, Manifest: s}})
		}
		for _, step := range []struct {
			do   func()
			want string
		}{
			{func() {}, ""},
			{func() { f.Followed(api.Channel{Group: "*", Stream: "all"}) }, "all"},
			{func() { f.Followed(api.Channel{Group: "canteen", Stream: "menus"}) }, "menus"},
			{func() { f.Followed(api.Channel{Group: "window", Stream: "sale"}) }, "sale"},
			{func() { f.Followed(api.Channel{Group: "window", Stream: "not there"}) }, ""},
			{func() { f.Unfollowed("window") }, "menus"},
		} {
			step.do()
			p, err := f.Player(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if p.Desired != nil {
				got = p.Desired.Stream
			}
			if got != step.want {
				t.Fatalf("follows %q, want %q", got, step.want)
			}
		}
	})
}

func TestAPlayerWhoseConnectionBreaksIsOfflineSoon(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m := admit(t, f, "a")
		ctx, cut := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := f.Heartbeat(ctx, m.ID, "", beat(m.Rev), 50*time.Second)
			gone <- err
		}()
		synctest.Wait()
		online := func() bool {
			p, err := f.Player(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p.Online
		}
		if !online() || f.Waits() != 1 {
			t.Fatal("a player that waits is not online")
		}
		cut()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		time.Sleep(19 * time.Second)
		if !online() {
			t.Fatal("offline within the grace")
		}
		time.Sleep(2 * time.Second)
		if online() {
			t.Fatal("online still")
		}
	})
}

func TestAWishForAPictureIsForgottenAfterAMinute(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m := admit(t, f, "a")
		if err := f.Ask(m.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if d, err := f.Heartbeat(t.Context(), m.ID, "", beat(m.Rev), 0); d != nil || err != nil {
			t.Fatalf("%+v, %v", d, err)
		}
	})
}

func TestADayOfHeartbeatsOfAPlayerThatCannotFollowIsNoStorm(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m := admit(t, f, "a")
		beats := 0
		for began := time.Now(); time.Since(began) < 24*time.Hour && beats < 20_000; beats++ { // a storm would never end
			if _, err := f.Heartbeat(t.Context(), m.ID, "", beat(m.Rev-1), 50*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if beats > 24*3600/5+2 {
			t.Fatal(beats, "heartbeats in a day")
		}
	})
}

func TestReportsAreWrittenBehindAndAreThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	f, done := open(t, dir)
	m := admit(t, f, "a")
	h := beat(m.Rev)
	h.Version = "1.2.3"
	if _, err := f.Heartbeat(t.Context(), m.ID, "192.0.2.1", h, 0); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := f.Run(ctx); err != nil { // what is left is written at the end
		t.Fatal(err)
	}
	done()
	f, done = open(t, dir)
	defer done()
	p, err := f.Player(m.ID)
	if err != nil || p.Last == nil || p.Last.Version != "1.2.3" || p.Address != "192.0.2.1" || p.Online {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, ok := f.ByKey("key of a"); !ok {
		t.Fatal("the key is not known after a restart")
	}
}

func TestListingsGoOnAfterTheirCursor(t *testing.T) {
	f, done := open(t, t.TempDir())
	defer done()
	for i := range 25 {
		admit(t, f, fmt.Sprint("player ", i))
	}
	seen, after := map[string]bool{}, ""
	for {
		page, err := f.Players(after, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			seen[p.ID], after = true, p.ID
		}
		if len(page) < 10 {
			break
		}
	}
	if len(seen) != 25 {
		t.Fatal(len(seen), "players")
	}
}

func TestAnEditionChangesWithWhatItNames(t *testing.T) {
	in(t, func(t *testing.T, f *fleet.Fleet) {
		m, other := admit(t, f, "a"), admit(t, f, "b")
		one, err := f.Edition(m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Await(t.Context(), m.ID, "an old one"); err != nil {
			t.Fatal("what had changed before was waited for:", err)
		}
		if _, err := f.Heartbeat(t.Context(), other.ID, "", beat(1), 0); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := f.Await(ctx, m.ID, one); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("another player's heartbeat changed this one's edition:", err)
		}
		if _, err := f.Heartbeat(t.Context(), m.ID, "", beat(1), 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Await(t.Context(), m.ID, one); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARunOfPlaysThatCannotBeOneIsRefused(t *testing.T) {
	f, done := open(t, t.TempDir())
	defer done()
	m := admit(t, f, "a")
	for name, p := range map[string]api.Proofs{
		"without a boot":         {},
		"with a path for a boot": {Boot: "../other/b"},
		"with a long boot":       {Boot: strings.Repeat("b", 65)},
		"with too many plays":    {Boot: "b", Plays: make([]api.Proof, fleet.MaxPlays+1)},
	} {
		if _, err := f.Prove(m.ID, p); !errors.Is(err, fleet.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
