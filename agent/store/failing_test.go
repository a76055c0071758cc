package store_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// mount makes a file system of its own, a size in bytes large, that only root can make.
func mount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system; the test needs a real one")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "vitrine-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	return dir
}

func plenty(string) (int64, error) { return 1 << 40, nil }

func remount(t *testing.T, dir, how string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+how, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount %s: %s", how, out)
	}
}

// runs starts a store's Run, which ends with the test.
func runs(t *testing.T, s *store.Store) {
	t.Helper()
	done := make(chan error, 1)
	ctx := t.Context()
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// until asks again and again: a disk that comes back tells nobody.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !holds() {
		select {
		case <-late:
			t.Fatalf("it never came that %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// play is a record of one.
func play(scene string) api.Proof {
	return api.Proof{Start: time.Unix(1e9, 0).UTC(), End: time.Unix(1e9+5, 0).UTC(), Scene: scene, Layer: "default", Reason: "time", Clock: "trusted"}
}

func TestAReadOnlyFolderIsPlayedFromAndUsedAgainWhenItCanBeWritten(t *testing.T) {
	p := bundletest.New(t)
	dir := filepath.Join(mount(t, "16m"), "data")
	s, err := store.Open(store.Config{Dir: dir, Free: plenty})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	ingest(t, s, p, 1, map[string][]byte{"media/a.png": noise(1, 100_000)})
	if err := errors.Join(s.KeepRows("menus", []byte("soup")), s.SetSettings(api.Settings{ID: "p1", Name: "Hall"}), s.Close()); err != nil {
		t.Fatal(err)
	}
	remount(t, filepath.Dir(dir), "ro")
	before := snapshot(t, dir)

	s = newStore(t, store.Config{Dir: dir, Free: plenty, Mend: 20 * time.Millisecond})
	runs(t, s)
	live, _ := s.Live()
	if path, ok := live.Path("media/a.png"); live.Manifest == nil || !ok || live.Settings.Name != "Hall" || len(live.Missing) > 0 {
		t.Fatalf("live is %+v, its file %q %v", live, path, ok)
	}
	if rows, ok := s.Rows("menus"); !ok || string(rows) != "soup" {
		t.Errorf("the last good rows are %q", rows)
	}
	if err := s.Failing(); !errors.Is(err, unix.EROFS) {
		t.Errorf("it says of the disk: %v", err)
	}
	s.Record(play("kept"))
	s.Record(play("taken"))
	run, ok, err := s.Plays(10)
	if err != nil || !ok || len(run.Plays) != 2 {
		t.Fatalf("plays in memory: %+v, %v", run, err)
	}
	if err := s.Taken(run.Boot, run.Plays[1].N); err != nil {
		t.Fatal(err)
	}
	s.Record(play("later"))
	if err := s.KeepMemo("tally", []byte("7")); err != nil {
		t.Errorf("a memo in memory: %v", err)
	}
	if _, err := s.Ingest(t.Context(), &origin{content: p.Content(t, bundle.Manifest{Seq: 2}, map[string][]byte{"media/b.png": noise(2, 1000)})}, nil); !errors.Is(err, unix.EROFS) {
		t.Errorf("a bundle that cannot be kept: %v", err)
	}
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second player on the folder: %v", err)
	}
	if now := snapshot(t, dir); !bytes.Equal(before, now) {
		t.Error("a read-only folder has changed")
	}

	remount(t, filepath.Dir(dir), "rw")
	until(t, "the disk is in use again", func() bool { return s.Failing() == nil })
	if memo, ok := s.Memo("tally"); !ok || string(memo) != "7" {
		t.Errorf("the memo on the disk is %q", memo)
	}
	run, ok, err = s.Plays(10)
	if err != nil || !ok || len(run.Plays) != 1 || run.Plays[0].Scene != "later" {
		t.Errorf("plays on the disk: %+v, %v; want the one that nobody has taken", run, err)
	}
	ingest(t, s, p, 2, map[string][]byte{"media/a.png": noise(3, 1000)})
	if got := liveSeq(s); got != 2 {
		t.Errorf("live is %d", got)
	}
}

func TestAFullDiskIsPlayedFromAndClearedOfWhatNobodyNeeds(t *testing.T) {
	p := bundletest.New(t)
	dir := filepath.Join(mount(t, "8m"), "data")
	s, err := store.Open(store.Config{Dir: dir, Free: plenty})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	ingest(t, s, p, 1, map[string][]byte{"media/a.png": noise(1, 100_000)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What a download left behind fills the disk to its last byte.
	f, err := os.Create(filepath.Join(dir, "staging", "0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, err = f.Write(noise(2, 1<<20)); err == nil; _, err = f.Write(noise(2, 4096)) {
	}
	f.Close()
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	s, err = store.Open(store.Config{Dir: dir, Mend: time.Hour})
	if err != nil {
		t.Fatalf("a full disk: %v", err)
	}
	if !errors.Is(s.Failing(), unix.ENOSPC) || liveSeq(s) != 1 {
		t.Errorf("it says %v; live is %d", s.Failing(), liveSeq(s))
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s = newStore(t, store.Config{Dir: dir, Mend: 20 * time.Millisecond})
	runs(t, s)
	until(t, "room is made and the disk in use again", func() bool { return s.Failing() == nil })
	if liveSeq(s) != 1 {
		t.Errorf("live is %d", liveSeq(s))
	}
}

func TestADiskThatFillsUpWhilePlayingLosesNoPlays(t *testing.T) {
	dir := mount(t, "4m")
	s := newStore(t, store.Config{Dir: dir, Mend: 20 * time.Millisecond})
	runs(t, s)
	full := filepath.Join(dir, "somebody-elses")
	if err := os.WriteFile(full, noise(1, 8<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	for range 2000 { // more than what fits into the pages that the diary has
		s.Record(play("a"))
	}
	if _, _, err := s.Plays(1); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("a full disk takes plays: %v", err)
	}
	if !errors.Is(s.Failing(), unix.ENOSPC) {
		t.Errorf("it says %v", s.Failing())
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	until(t, "the disk is written again", func() bool { return s.Failing() == nil })
	n := 0
	for {
		run, ok, err := s.Plays(500)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		n += len(run.Plays)
		if err := s.Taken(run.Boot, run.Plays[len(run.Plays)-1].N); err != nil {
			t.Fatal(err)
		}
	}
	if n != 2000 {
		t.Errorf("%d of 2000 plays were kept", n)
	}
}

func TestAnEmptyFolderThatCannotBeWrittenIsNoError(t *testing.T) {
	dir := mount(t, "1m")
	remount(t, dir, "ro")
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	if live, _ := s.Live(); live.Manifest != nil || s.Failing() == nil {
		t.Errorf("live is %+v, the disk %v", live, s.Failing())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// snapshot is every file's name and bytes.
func snapshot(t *testing.T, dir string) []byte {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cd \"$1\" && find . -type f | sort | xargs sha256sum", "sh", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
