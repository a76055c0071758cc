package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/agent/store/powercut"
)

// rot flips a bit of a file, and nothing shows.
func rot(t *testing.T, path string, at int64) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(b[at:at+1], at)
		err = errors.Join(err, f.Sync(), f.Close(), os.Chtimes(path, time.Time{}, st.ModTime()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// counting counts the bytes that an origin gives.
type counting struct {
	store.Origin
	n int64
}

func (o *counting) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := o.Origin.Blob(ctx, d, from)
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r, tally{o}), r}, err
}

type tally struct{ of *counting }

func (w tally) Write(p []byte) (int, error) {
	w.of.n += int64(len(p))
	return len(p), nil
}

func TestWhatRotsOnTheDiskIsFoundWithinAWeek(t *testing.T) {
	p := bundletest.New(t)
	dir, clock := t.TempDir(), time.Now()
	s := pinned(t, p, store.Config{Dir: dir, Now: func() time.Time { return clock }})
	files := map[string][]byte{"media/a.mp4": noise(1, 5<<20), "media/b.png": noise(2, 1000)}
	content := p.Content(t, bundle.Manifest{Seq: 6}, files)
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil {
		t.Fatal(err)
	}
	scrub := func(missing ...string) {
		t.Helper()
		if err := s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l, _ := s.Live(); !slices.Equal(l.Missing, missing) || l.Damaged != (len(missing) > 0) {
			t.Fatalf("missing are %q, damaged is %v, want %q", l.Missing, l.Damaged, missing)
		}
	}
	scrub()
	rot(t, filepath.Join(dir, content.Manifest.Files["media/a.mp4"].BlobPath()), 3<<20)
	clock = clock.Add(6 * 24 * time.Hour)
	scrub() // nobody has looked
	clock = clock.Add(2 * 24 * time.Hour)
	scrub("a")
	o := &counting{Origin: &origin{content: content}}
	if _, err := s.Ingest(t.Context(), o, nil); err != nil || liveSeq(s) != 6 {
		t.Fatalf("live is version %d: %v", liveSeq(s), err)
	}
	if o.n > 1<<20 { // a segment
		t.Errorf("%d bytes were fetched again for one that was wrong", o.n)
	}
	rot(t, filepath.Join(dir, content.Manifest.Files["media/b.png"].BlobPath()), 3)
	scrub() // it was read two days ago
	clock = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	scrub("b") // a clock that leaps says nothing of when it was read
}

func TestTheBundleBeforeIsScrubbedToo(t *testing.T) {
	p := bundletest.New(t)
	dir, clock := t.TempDir(), time.Now()
	s := pinned(t, p, store.Config{Dir: dir, Now: func() time.Time { return clock }})
	live, _ := s.Live()
	before := filepath.Join(dir, live.Manifest.Files["media/a.png"].BlobPath())
	ingest(t, s, p, 6, map[string][]byte{"media/b.png": noise(2, 1000)})
	rot(t, before, 3)
	clock = clock.Add(8 * 24 * time.Hour)
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(before); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the damaged file is still in its place: %v", err)
	}
	if l, _ := s.Live(); liveSeq(s) != 6 || !l.NoWayBack || l.Damaged {
		t.Errorf("live is version %d, there is no way back: %v, damaged: %v", liveSeq(s), l.NoWayBack, l.Damaged)
	}
	o := &origin{content: p.Content(t, bundle.Manifest{Seq: 5}, map[string][]byte{"media/a.png": noise(1, 1000)})}
	if err := s.MendBefore(t.Context(), o, nil); err != nil || len(o.asked) != 1 {
		t.Errorf("the origin was asked %d times: %v", len(o.asked), err)
	}
	if l, _ := s.Live(); l.NoWayBack || liveSeq(s) != 6 {
		t.Errorf("live is version %d, there is no way back: %v", liveSeq(s), l.NoWayBack)
	}
	if err := s.Rollback(t.Context()); err != nil || liveSeq(s) != 5 {
		t.Errorf("it went back to %d: %v", liveSeq(s), err)
	}
}

func TestABundleBeforeThatIsWholeAsksForNothing(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	o := &origin{content: p.Content(t, bundle.Manifest{Seq: 5}, map[string][]byte{"media/a.png": noise(1, 1000)})}
	if err := s.MendBefore(t.Context(), o, nil); err != nil || len(o.asked) != 0 {
		t.Errorf("without one: asked %d times, %v", len(o.asked), err)
	}
	ingest(t, s, p, 6, map[string][]byte{"media/b.png": noise(2, 1000)})
	s.Close()
	file := filepath.Join(dir, o.content.Manifest.Files["media/a.png"].BlobPath())
	if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	s = newStore(t, store.Config{Dir: dir})
	l, changed := s.Live()
	if !l.NoWayBack {
		t.Fatal("a file that does not look as it did is taken for whole")
	}
	runs(t, s) // reads it
	select {
	case <-changed:
	case <-time.After(time.Minute):
	}
	if l, _ := s.Live(); l.NoWayBack {
		t.Error("it was read, and there is no way back")
	}
}

func TestAScrubLeavesTheDiskToWhatIsShown(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	ingest(t, s, p, 6, map[string][]byte{"media/v.mp4": noise(1, 12<<20)})
	s.Close()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: dir, Now: func() time.Time { return time.Now().AddDate(100, 0, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		begun := time.Now()
		if err := s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < (12<<20)*time.Second/store.ScrubPace {
			t.Errorf("12 MiB were read within %v", took)
		}
	})
}

func TestAScrubWritesNothingWhereNothingIsDue(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	before := snapshot(t, dir)
	_, changed := s.Live()
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, snapshot(t, dir)) {
		t.Error("something was written")
	}
	select {
	case <-changed:
		t.Error("whoever watches was woken")
	default:
	}
}

func TestAFileThatAWornDiskCannotReadIsLeftOutAndFetchedAgain(t *testing.T) {
	if why := powercut.Able(); why != "" {
		t.Skip(why)
	}
	p := bundletest.New(t)
	disk := powercut.NewWorn(t, 64<<20)
	s := pinned(t, p, store.Config{Dir: filepath.Join(disk.Dir, "data"), Free: plenty})
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.mp4": noise(1, 3<<20), "media/b.png": noise(2, 9000)})
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil {
		t.Fatal(err)
	}
	a := content.Manifest.Files["media/a.mp4"].BlobPath()
	disk.Spoil(t, filepath.Join(disk.Dir, "data", a), 1<<20)
	s.Close()
	disk.Wear(t)

	s = newStore(t, store.Config{Dir: filepath.Join(disk.Dir, "data"), Free: plenty})
	if _, err := os.ReadFile(filepath.Join(disk.Dir, "data", a)); !errors.Is(err, unix.EIO) {
		t.Fatalf("the disk is not worn: %v", err)
	}
	if liveSeq(s) != 6 {
		t.Fatalf("live is version %d", liveSeq(s))
	}
	runs(t, s)
	_, changed := s.Live()
	s.Doubt("a") // it was to be shown, and could not be
	<-changed
	l, _ := s.Live()
	if !slices.Equal(l.Missing, []string{"a"}) || !l.Damaged {
		t.Fatalf("missing are %q, damaged is %v", l.Missing, l.Damaged)
	}
	path, ok := l.Path("media/b.png")
	if b, err := os.ReadFile(path); !ok || err != nil || !bytes.Equal(b, noise(2, 9000)) {
		t.Errorf("the other picture cannot be shown: %v, %v", ok, err)
	}
	if err := s.Failing(); err != nil {
		t.Errorf("of the whole disk it says: %v", err)
	}
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil || liveSeq(s) != 6 {
		t.Errorf("fetched again, live is version %d: %v", liveSeq(s), err)
	}
}
