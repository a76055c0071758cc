package shelf_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vitrine/cloud/shelf"
)

// records is what every engine must give.
type records interface {
	Get(key string) ([]byte, uint64, error)
	Put(key string, value []byte, want uint64) (uint64, bool, error)
	PutAll(map[string][]byte) error
	Delete(key string, want uint64) (bool, error)
	DeleteAll(keys []string) error
	Each(prefix, after string, f func(string, []byte, uint64) bool) error
}

func TestEveryEngineKeepsItsPromises(t *testing.T) {
	for engine, open := range map[string]func(t *testing.T) (r records, reopen func() records){
		"bbolt": func(t *testing.T) (records, func() records) {
			path := filepath.Join(t.TempDir(), "relay.db")
			var s *shelf.Shelf
			reopen := func() records {
				if s != nil {
					s.Close()
				}
				var err error
				if s, err = shelf.Open(path); err != nil {
					t.Fatal(err)
				}
				c, err := s.Case("things")
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			t.Cleanup(func() { s.Close() })
			return reopen(), reopen
		},
	} {
		t.Run(engine, func(t *testing.T) { promises(t, open) })
	}
}

func promises(t *testing.T, open func(t *testing.T) (records, func() records)) {
	t.Run("a record is there after a restart, at its revision", func(t *testing.T) {
		r, reopen := open(t)
		rev := put(t, r, "a", "1", 0)
		if v, got, err := reopen().Get("a"); err != nil || string(v) != "1" || got != rev {
			t.Fatalf("%q at %d, want 1 at %d: %v", v, got, rev, err)
		}
	})
	t.Run("records are deleted together, and those that are not there do no harm", func(t *testing.T) {
		r, reopen := open(t)
		for _, key := range []string{"a", "b", "c"} {
			put(t, r, key, "1", 0)
		}
		if err := r.DeleteAll([]string{"a", "c", "z"}); err != nil {
			t.Fatal(err)
		}
		r = reopen()
		for key, want := range map[string]bool{"a": false, "b": true, "c": false} {
			if _, rev, err := r.Get(key); err != nil || (rev > 0) != want {
				t.Errorf("%s is at %d, %v", key, rev, err)
			}
		}
	})
	t.Run("what is not there has revision 0", func(t *testing.T) {
		r, _ := open(t)
		if v, rev, err := r.Get("a"); v != nil || rev != 0 || err != nil {
			t.Fatal(v, rev, err)
		}
	})
	t.Run("an older revision changes nothing", func(t *testing.T) {
		r, _ := open(t)
		first := put(t, r, "a", "1", 0)
		second := put(t, r, "a", "2", first)
		for _, want := range []uint64{0, first, second + 1} {
			if _, ok, err := r.Put("a", []byte("3"), want); ok || err != nil {
				t.Fatalf("written at revision %d", want)
			}
			if ok, err := r.Delete("a", want); ok || err != nil {
				t.Fatalf("deleted at revision %d", want)
			}
		}
		if v, rev, _ := r.Get("a"); string(v) != "2" || rev != second || second <= first {
			t.Fatal(string(v), first, second, rev)
		}
	})
	t.Run("a deleted record does not come back with an old revision", func(t *testing.T) {
		r, _ := open(t)
		first := put(t, r, "a", "1", 0)
		if ok, err := r.Delete("a", first); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if again := put(t, r, "a", "1", 0); again <= first {
			t.Fatal("revision", again, "after", first)
		}
	})
	t.Run("of many who swap at once each wins once", func(t *testing.T) {
		r, _ := open(t)
		var wg sync.WaitGroup
		var wins atomic.Int64
		rev := put(t, r, "a", "0", 0)
		for i := range 20 {
			wg.Go(func() {
				if _, ok, err := r.Put("a", fmt.Append(nil, i), rev); err != nil {
					t.Error(err)
				} else if ok {
					wins.Add(1)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatal(wins.Load(), "won")
		}
	})
	t.Run("a listing goes on after its cursor, within its prefix, in order", func(t *testing.T) {
		r, _ := open(t)
		if err := r.PutAll(map[string][]byte{"a": nil, "p/1": nil, "p/2": nil, "p/3": nil, "q": nil}); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct{ prefix, after, want string }{
			{"", "", "a p/1 p/2 p/3 q"}, {"p/", "", "p/1 p/2 p/3"}, {"p/", "p/1", "p/2 p/3"}, {"p/", "p/15", "p/2 p/3"}, {"", "q", ""}, {"x", "", ""},
		} {
			var got []string
			if err := r.Each(tc.prefix, tc.after, func(k string, _ []byte, _ uint64) bool { got = append(got, k); return true }); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, strings.Fields(tc.want)) && len(got)+len(strings.Fields(tc.want)) > 0 {
				t.Errorf("%q after %q: %v, want %s", tc.prefix, tc.after, got, tc.want)
			}
		}
		n := 0
		r.Each("", "", func(string, []byte, uint64) bool { n++; return n < 2 })
		if n != 2 {
			t.Error("a listing that was told to stop went on")
		}
	})
}

func put(t *testing.T, r records, key, value string, want uint64) uint64 {
	t.Helper()
	rev, ok, err := r.Put(key, []byte(value), want)
	if err != nil || !ok || rev == 0 {
		t.Fatalf("put %s: %v %v %v", key, rev, ok, err)
	}
	return rev
}

func TestAFileThatIsOpenElsewhereIsRefusedWithASentence(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the file's lock")
	}
	path := filepath.Join(t.TempDir(), "relay.db")
	s, err := shelf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := shelf.Open(path); err == nil || !strings.Contains(err.Error(), "another relay has it open") {
		t.Fatal(err)
	}
}
