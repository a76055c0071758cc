package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// everything calls each method that reads or writes index or diary once; n makes what it keeps its own.
func everything(s *store.Store, n int) error {
	name := fmt.Sprint("memo", n)
	s.Record(play(name))
	s.Boot()
	s.Dropped()
	s.PlaysHead()
	s.Live()
	s.Rows("menus")
	_, _, readErr := s.Plays(1)
	_, settingsErr := s.Settings()
	err := errors.Join(readErr, settingsErr,
		s.KeepMemo(name, []byte(name)),
		s.KeepRows("menus", []byte("soup")),
		s.DropRows(map[string]bool{"menus": true}),
		s.SetSettings(api.Settings{ID: "p1", Name: name}),
		s.RaiseTime(time.Unix(2e9+int64(n), 0)),
		s.Taken("nobody's", 1),
		s.Lose("nobody's", 1, "never was"))
	if memo, ok := s.Memo(name); err == nil && (!ok || string(memo) != name) {
		err = fmt.Errorf("memo %q is %q", name, memo)
	}
	return err
}

// readOnly is a store that stands beside a disk that it may only read; it goes onto the disk when that is written again.
func readOnly(t *testing.T, fault func(string) error) (s *store.Store, dir string) {
	t.Helper()
	dir = filepath.Join(mount(t, "64m"), "data")
	pinned(t, bundletest.New(t), store.Config{Dir: dir, Free: plenty}).Close()
	remount(t, filepath.Dir(dir), "ro")
	s, err := store.OpenWithFault(store.Config{Dir: dir, Free: plenty, Mend: time.Millisecond}, fault)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if !errors.Is(s.Failing(), unix.EROFS) {
		t.Fatalf("it says of the disk: %v", s.Failing())
	}
	return s, dir
}

func TestTheDiskIsSaidToFailUntilAllHasComeBackOntoIt(t *testing.T) {
	var s *store.Store
	during, called := make(chan error, 1), make(chan error, 1)
	s, dir := readOnly(t, func(step string) error {
		if step == "memory left" {
			during <- s.Failing()
			go func() { called <- everything(s, 1) }() // it comes in the midst of it
		}
		return nil
	})
	if err := s.KeepMemo("tally", []byte("7")); err != nil {
		t.Fatal(err)
	}
	remount(t, filepath.Dir(dir), "rw")
	runs(t, s)
	if err := <-during; !errors.Is(err, unix.EROFS) {
		t.Errorf("while it changes to the disk it says of it: %v", err)
	}
	if err := <-called; err != nil {
		t.Errorf("a call in the midst of the change: %v", err)
	}
	until(t, "the disk is in use again", func() bool { return s.Failing() == nil })
	if memo, ok := s.Memo("tally"); !ok || string(memo) != "7" {
		t.Errorf("the memo on the disk is %q", memo)
	}
}

func TestNoCallMeetsAClosedDatabaseWhileDiskAndMemoryChangePlaces(t *testing.T) {
	for range 12 {
		s, dir := readOnly(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		var callers sync.WaitGroup
		over := make(chan struct{})
		kept := []int{-1, -1, -1, -1}
		for c := range kept {
			callers.Go(func() {
				for n := c; ; n += len(kept) {
					if err := everything(s, n); err != nil {
						t.Errorf("call %d: %v", n, err)
						return
					}
					kept[c] = n
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
		remount(t, filepath.Dir(dir), "rw")
		until(t, "the disk is in use again", func() bool { return s.Failing() == nil || t.Failed() })
		close(over)
		callers.Wait()
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Fatal(err)
		}
		s = newStore(t, store.Config{Dir: dir, Free: plenty})
		for c, last := range kept {
			for n := c; n <= last; n += len(kept) {
				name := fmt.Sprint("memo", n)
				if memo, ok := s.Memo(name); !ok || string(memo) != name {
					t.Errorf("memo %q is %q on the disk", name, memo)
				}
			}
		}
		if set, err := s.Settings(); err != nil || !strings.HasPrefix(set.Name, "memo") {
			t.Errorf("settings are %+v, %v", set, err)
		}
	}
}

func TestABundleThatWasLeftInMemoryIsLeftOnTheDisk(t *testing.T) {
	p := bundletest.New(t)
	dir := filepath.Join(mount(t, "64m"), "data")
	s := pinned(t, p, store.Config{Dir: dir, Free: plenty})
	ingest(t, s, p, 6, map[string][]byte{"media/b.png": noise(2, 1000)})
	s.Close()
	remount(t, filepath.Dir(dir), "ro")
	s = newStore(t, store.Config{Dir: dir, Free: plenty, Mend: time.Millisecond})
	if err := s.Rollback(t.Context()); err != nil || liveSeq(s) != 5 {
		t.Fatalf("live is %d: %v", liveSeq(s), err)
	}
	remount(t, filepath.Dir(dir), "rw")
	runs(t, s)
	until(t, "the disk is in use again", func() bool { return s.Failing() == nil })
	if liveSeq(s) != 5 {
		t.Errorf("on the disk live is %d", liveSeq(s))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "floor")); err != nil || !bytes.Contains(b, []byte(`"seq":6`)) {
		t.Errorf("the floor sank: %s, %v", b, err)
	}
}
