package agent

import (
	"log/slog"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/clock"
	"vitrine/agent/store"
)

func TestTheClockIsToldOfALeapAndOfTheRootThatTakesItBack(t *testing.T) {
	p := bundletest.New(t)
	s, err := store.Open(store.Config{Dir: t.TempDir(), Believe: func() (time.Time, bool) { return time.Time{}, false }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	c, err := clock.New(clock.Config{Built: bundle.AgentDate(), Keep: s, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{store: s, clock: c}
	past := a.tellClock(s.Floor().Time)
	leap := time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)
	stolen := p.Tree(t, bundle.Manifest{Issued: leap}, map[string][]byte{"media/a.png": []byte("a picture")})
	b, err := bundle.Open(stolen)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := s.Ingest(t.Context(), store.FromArchive(b), nil); err != nil {
		t.Fatal(err)
	}
	past = a.tellClock(past)
	if now := c.TLSTime(); now.Before(leap) {
		t.Fatalf("certificates are judged by %s", now)
	}
	if p.Key, err = bundle.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	p.NextRoot(t, nil)
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	a.tellClock(past)
	if now := c.TLSTime(); !now.Before(leap) {
		t.Errorf("after the new root certificates are judged by %s", now)
	}
}
