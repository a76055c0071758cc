package store_test

import (
	"testing"
	"time"

	"vitrine/agent/store"
	"vitrine/cloud/api"
)

func TestPlaysAreHandedOverAndStayUntilTheRelayHasThem(t *testing.T) {
	dir := t.TempDir()
	var chain string
	var at uint64
	for boot := range 3 {
		s, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			s.Record(api.Proof{Start: time.Unix(int64(boot*10+n), 0).UTC(), Scene: "a"})
		}
		if boot == 2 {
			seen := handed(t, s, "", 0, 2)
			if len(seen) != 15 || seen[0] != 1 || seen[14] != 15 {
				t.Errorf("all: %v", seen)
			}
			if again := handed(t, s, "", 0, 100); len(again) != 15 {
				t.Errorf("they did not stay: %v", again)
			}
			head, _ := s.PlaysHead()
			chain, at = head.Chain, 7
			if later := handed(t, s, chain, at, 3); len(later) != 8 || later[0] != 8 {
				t.Errorf("after %d: %v", at, later)
			}
			if none := handed(t, s, chain, 15, 3); len(none) != 0 {
				t.Errorf("after the last: %v", none)
			}
			if other := handed(t, s, "another", 9, 3); len(other) != 15 {
				t.Errorf("after a record of another chain: %v", other)
			}
			run, ok, err := s.Plays(4)
			if err != nil || !ok {
				t.Fatal(err)
			}
			if err := s.Taken(run.Boot, run.Plays[3].N); err != nil {
				t.Fatal(err)
			}
			if rest := handed(t, s, "", 0, 100); len(rest) != 11 || rest[0] != 5 {
				t.Errorf("after the relay took four: %v", rest)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// handed reads runs on from a record, as an export does, and checks that each is without a hole.
func handed(t *testing.T, s *store.Store, chain string, n uint64, limit int) (seen []uint64) {
	t.Helper()
	for {
		run, ok, err := s.PlaysAfter(chain, n, limit)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return seen
		}
		for i, p := range run.Plays {
			if i > 0 && (p.N != run.Plays[i-1].N+1 || p.Prev != api.PlayHash(run.Boot, run.Plays[i-1].Record())) {
				t.Fatalf("a hole before %d", p.N)
			}
			seen = append(seen, p.N)
			chain, n = p.Chain, p.N
		}
	}
}
