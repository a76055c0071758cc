package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// drain takes all plays as an uplink does, and checks that each run is one chain.
func drain(t *testing.T, s *store.Store) (all []api.Proof) {
	t.Helper()
	for {
		run, ok, err := s.Plays(7)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		for i, p := range run.Plays {
			if i > 0 && (p.N != run.Plays[i-1].N+1 || p.Prev != api.PlayHash(run.Boot, run.Plays[i-1].Record())) {
				t.Fatalf("record %d does not follow %d", p.N, run.Plays[i-1].N)
			}
		}
		all = append(all, run.Plays...)
		if err := s.Taken(run.Boot, run.Plays[len(run.Plays)-1].N); err != nil {
			t.Fatal(err)
		}
	}
}

func record(s *store.Store, from, to int) {
	for i := from; i < to; i++ {
		s.Record(api.Proof{Scene: fmt.Sprintf("scene-%03d", i)})
	}
}

func TestAChainGoesOnOverRestarts(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		s := newStore(t, store.Config{Dir: dir})
		record(s, 10*i, 10*i+10)
		s.Close()
	}
	s := newStore(t, store.Config{Dir: dir})
	head, ok := s.PlaysHead()
	all := drain(t, s)
	last := all[len(all)-1]
	if !ok || len(all) != 30 || head.N != 30 || head.Chain != last.Chain || last.N != 30 || last.Scene != "scene-029" || all[0].Prev != "" {
		t.Errorf("%d plays, head %+v, last %+v", len(all), head, last)
	}
}

func TestPlaysBeyondTheBoundAreToldInTheChain(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, store.Config{Dir: dir, MaxPlays: 100})
	record(s, 0, 10)
	if got := drain(t, s); len(got) != 10 {
		t.Fatalf("%d plays", len(got))
	}
	for i := range 50 { // so often that gaps are dropped too
		record(s, 10+10*i, 20+10*i)
		if _, _, err := s.Plays(1); err != nil {
			t.Fatal(err)
		}
	}
	all := drain(t, s)
	var g *api.Gap
	for _, p := range all {
		if p.Gap != nil {
			g = p.Gap
		}
	}
	if len(all) > 100 || g == nil || g.From != 11 || g.To+1 != all[0].N || !slices.IsSortedFunc(all, func(a, b api.Proof) int { return int(a.N) - int(b.N) }) {
		t.Errorf("%d records from %d, the last gap is %+v", len(all), all[0].N, g)
	}
	if s.Dropped() == 0 {
		t.Error("nothing was counted as dropped")
	}
}

func TestADamagedRecordIsToldAndHoldsBackNothing(t *testing.T) {
	for name, c := range map[string]struct {
		word  string
		plays int
		says  string
	}{
		"a play":                  {"scene-012", 29, "damaged on the player's disk"},
		"the chain's end":         {`"taken":`, 30, "begun anew"},
		"a play that is too long": {"", 30, "cannot be written as a record"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := newStore(t, store.Config{Dir: dir})
			record(s, 0, 30)
			if c.word == "" {
				s.Record(api.Proof{Scene: strings.Repeat("x", 3000)})
			}
			s.Close()
			if c.word != "" {
				path := filepath.Join(dir, "diary.db")
				b, err := os.ReadFile(path)
				if err != nil || !bytes.Contains(b, []byte(c.word)) {
					t.Fatal("nothing to damage", err)
				}
				if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(c.word), []byte("#"+c.word[1:])), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s = newStore(t, store.Config{Dir: dir})
			plays, why := 0, ""
			for _, p := range drain(t, s) {
				if p.Gap != nil {
					why += p.Gap.Why
					continue
				}
				plays++
			}
			if plays != c.plays || !strings.Contains(why, c.says) {
				t.Errorf("%d plays, told: %s", plays, why)
			}
		})
	}
}

func TestAPlayThatTheRelayRefusesIsToldOnce(t *testing.T) {
	s := newStore(t, store.Config{Dir: t.TempDir()})
	record(s, 0, 3)
	if _, _, err := s.Plays(1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Lose(s.Boot(), 2, strings.Repeat("<", 5000)); err != nil {
			t.Fatal(err)
		}
	}
	all := drain(t, s)
	if len(all) != 3 || all[1].N != 3 || all[2].Gap == nil || all[2].Gap.From != 2 || all[2].Gap.To != 2 {
		t.Errorf("%+v", all)
	}
}
