package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
)

// watch is a player's clock.
type watch struct {
	now      time.Time
	believed bool
}

func (w *watch) believe() (time.Time, bool) { return w.now, w.believed }

var today = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// issued is a bundle that says when it was made.
func issued(t *testing.T, p *bundletest.Publisher, seq uint64, root int, at time.Time) bundle.Content {
	t.Helper()
	return p.Content(t, bundle.Manifest{Seq: seq, Root: root, Issued: at}, map[string][]byte{"media/a.png": noise(seq, 500)})
}

func takes(t *testing.T, s *store.Store, content bundle.Content) {
	t.Helper()
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil {
		t.Fatalf("version %d of %s: %v", content.Manifest.Seq, content.Manifest.Issued, err)
	}
}

func TestABundleFromTheFarFutureIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		clock   watch
		expires time.Time // of the root
		at      time.Time
		says    string // "" = taken
	}{
		"30 days ahead of a believed clock":               {watch{today, true}, time.Time{}, today.AddDate(0, 0, 30), ""},
		"32 days ahead of a believed clock":               {watch{today, true}, time.Time{}, today.AddDate(0, 0, 32), "made on 2026-12-03, and today is 2026-11-01"},
		"in 9999 by a believed clock":                     {watch{today, true}, time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "made on 9999-01-01, and today is 2026-11-01"},
		"while nobody knows the date, within ten years":   {watch{}, time.Time{}, today.AddDate(9, 0, 0), ""},
		"while nobody knows the date, in 9999":            {watch{}, time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "believes none after 2036-01-01"},
		"while nobody knows the date, within the root's":  {watch{}, today.AddDate(3, 0, 0), today.AddDate(2, 11, 0), ""},
		"while nobody knows the date, beyond the root's":  {watch{}, today.AddDate(3, 0, 0), today.AddDate(3, 1, 0), "believes none after 2029-11-01"},
		"the root is overdue, and it is made in its time": {watch{}, today.AddDate(0, -9, 0), bundle.AgentDate().AddDate(0, 11, 0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := bundletest.New(t)
			p.Chain = nil
			p.NextRoot(t, func(r *bundle.Root) { r.Expires = c.expires })
			s := pinned(t, p, store.Config{Believe: c.clock.believe})
			before := s.Floor().Time
			content := issued(t, p, 6, 1, c.at)
			if c.says == "" {
				takes(t, s, content)
				return
			}
			refuses(t, s, content, c.says)
			if now := s.Floor().Time; !now.Equal(before) {
				t.Errorf("the floor of the time went from %s to %s", before, now)
			}
		})
	}
}

// A stolen key leaps ahead of its owner in time and version, on a player that does not know the date; then a new root takes it
// away. That the root is taken is enough for the time: no bundle of its owner has come yet.
func TestANewRootTakesBackHowFarAStolenKeyHasLeapt(t *testing.T) {
	const last = 1<<53 - 1 // that there is
	for _, damaged := range []bool{false, true} {
		p, clock, dir := bundletest.New(t), &watch{}, t.TempDir()
		cfg := store.Config{Dir: dir, Believe: clock.believe}
		s := pinned(t, p, cfg)
		leap := time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)
		takes(t, s, issued(t, p, last, 1, leap))
		if err := s.RaiseTime(leap.Add(30 * time.Second)); err != nil { // the clock counts on from there
			t.Fatal(err)
		}
		if now := s.Floor().Time; !now.Equal(leap.Add(30 * time.Second)) {
			t.Fatalf("the floor of the time is %s", now)
		}
		s.Close()
		if damaged { // it must be found in the manifest
			for _, name := range []string{"index.db", "index.good", "floor"} {
				rot(t, filepath.Join(dir, name), 3)
			}
		}
		s = newStore(t, cfg)
		if now := s.Floor().Time; now.Before(leap) {
			t.Fatalf("after a start the floor of the time is %s", now)
		}
		thief := *p
		rekey(t, &p.Key)
		p.NextRoot(t, func(r *bundle.Root) { r.Issued = today })
		if err := s.Pin(p.Chain); err != nil {
			t.Fatal(err)
		}
		if err := s.RaiseTime(leap.Add(time.Minute)); err != nil { // of a clock that has not heard yet
			t.Fatal(err)
		}
		for range 2 {
			if now := s.Floor().Time; !now.Equal(today) {
				t.Errorf("after the new root the floor of the time is %s, want that of the root", now)
			}
			s.Close()
			s = newStore(t, cfg)
		}
		if seq := liveSeq(s); seq != last {
			t.Errorf("a revoked key takes the picture off: version %d is on", seq)
		}
		thief.Chain = p.Chain
		refuses(t, s, issued(t, &thief, last, 2, leap.AddDate(0, 1, 0)), "has taken that away")
		takes(t, s, issued(t, p, 6, 2, today.AddDate(0, 0, 1)))
		if now := s.Floor().Time; !now.Equal(today.AddDate(0, 0, 1)) || liveSeq(s) != 6 {
			t.Errorf("the owner's version %d is on, the floor of the time is %s", liveSeq(s), now)
		}
		s.Close()
	}
}

// The key that is stolen came with a later root than the one that its manifests name.
func TestWhichRootAThiefNamesDoesNotMakeALeapLast(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	thief := *p
	rekey(t, &thief.Key)
	p.NextRoot(t, func(r *bundle.Root) { r.Allow(bundle.RolePublisher, "second", thief.Key.Public()) })
	thief.Chain = p.Chain
	takes(t, s, issued(t, &thief, 1<<53-1, 1, today))
	p.NextRoot(t, nil)
	takes(t, s, issued(t, p, 6, 3, today))
}

func TestTimeThatABelievedClockHasKeptOutlivesTheKeys(t *testing.T) {
	p, clock := bundletest.New(t), &watch{now: today, believed: true}
	s := pinned(t, p, store.Config{Believe: clock.believe})
	takes(t, s, issued(t, p, 6, 1, today.AddDate(0, 0, 20)))
	clock.now = today.AddDate(0, 0, 25)
	if err := s.RaiseTime(clock.now); err != nil {
		t.Fatal(err)
	}
	rekey(t, &p.Key)
	p.NextRoot(t, func(r *bundle.Root) { r.Issued = today })
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	if now := s.Floor().Time; !now.Equal(clock.now) {
		t.Errorf("the floor of the time is %s, want %s", now, clock.now)
	}
}
