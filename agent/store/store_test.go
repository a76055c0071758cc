package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// noise is n bytes that are the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// origin hands out a bundle and may be told to lie.
type origin struct {
	content bundle.Content
	blob    func(d bundle.Digest, b []byte, from int64) io.Reader // nil = the truth
	asked   []int64                                               // offsets
}

func (o *origin) Roots(context.Context) ([][]byte, error)  { return o.content.Roots, nil }
func (o *origin) Manifest(context.Context) ([]byte, error) { return o.content.Envelope, nil }

func (o *origin) Blob(_ context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	o.asked = append(o.asked, from)
	r, err := o.content.Open(d)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if o.blob != nil {
		return io.NopCloser(o.blob(d, b, from)), nil
	}
	return io.NopCloser(bytes.NewReader(b[from:])), nil
}

func newStore(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// pinned is a store that trusts p and has version 5 of its bundle live.
func pinned(t *testing.T, p *bundletest.Publisher, cfg store.Config) *store.Store {
	t.Helper()
	s := newStore(t, cfg)
	if err := s.Pin(p.Chain); err != nil {
		t.Fatalf("pin: %v", err)
	}
	ingest(t, s, p, 5, map[string][]byte{"media/a.png": noise(1, 1000)})
	return s
}

func ingest(t *testing.T, s *store.Store, p *bundletest.Publisher, seq uint64, files map[string][]byte) store.Taken {
	t.Helper()
	got, err := s.Ingest(t.Context(), &origin{content: p.Content(t, bundle.Manifest{Seq: seq}, files)}, nil)
	if err != nil {
		t.Fatalf("ingest version %d: %v", seq, err)
	}
	return got
}

func liveSeq(s *store.Store) uint64 {
	l, _ := s.Live()
	if l.Manifest == nil || len(l.Missing) > 0 {
		return 0
	}
	return l.Manifest.Seq
}

func TestIngest(t *testing.T) {
	p, stranger := bundletest.New(t), bundletest.New(t)
	files := map[string][]byte{"media/a.png": noise(2, 3<<20+7), "media/b.png": noise(3, 10)}
	flip := func(d bundle.Digest, b []byte, from int64) io.Reader {
		b[len(b)-1] ^= 1
		return bytes.NewReader(b[from:])
	}
	cut := func(d bundle.Digest, b []byte, from int64) io.Reader { return bytes.NewReader(b[from : len(b)-1]) }
	endless := func(d bundle.Digest, b []byte, from int64) io.Reader {
		return io.MultiReader(bytes.NewReader(b[from:]), bytes.NewReader(make([]byte, 100)))
	}
	forged := func(c bundle.Content) bundle.Content {
		c.Roots = p.Chain
		return c
	}
	cases := []struct {
		name    string
		content bundle.Content
		blob    func(bundle.Digest, []byte, int64) io.Reader
		refuses string // part of the sentence; "" = taken
		retry   bool   // the refusal is not for good
	}{
		{"a newer version is taken", p.Content(t, bundle.Manifest{Seq: 6}, files), nil, "", false},
		{"a version may skip numbers", p.Content(t, bundle.Manifest{Seq: 600}, files), nil, "", false},
		{"another stream has a floor of its own", p.Content(t, bundle.Manifest{Seq: 1, Stream: "hall"}, files), nil, "", false},
		{"bytes after a blob's end are not kept", p.Content(t, bundle.Manifest{Seq: 6}, files), endless, "", false},
		{"an older version is refused", p.Content(t, bundle.Manifest{Seq: 4}, files), nil, "version 4 of \"lobby\" is older than version 5", false},
		{"the same version with other contents is refused", p.Content(t, bundle.Manifest{Seq: 5}, files), nil, "already taken with other contents", false},
		{"another publisher's bundle is refused", stranger.Content(t, bundle.Manifest{Seq: 9}, files), nil, "comes from another publisher", false},
		{"another publisher's signature under our roots is refused", forged(stranger.Content(t, bundle.Manifest{Seq: 9}, files)), nil, "manifest", false},
		{"a bundle for other players is refused", p.Content(t, bundle.Manifest{Seq: 6, Targets: &bundle.Targets{Players: []string{"p9"}, Groups: []string{"roof"}}}, files), nil, "this is player p1", false},
		{"a bundle for this player's group is taken", p.Content(t, bundle.Manifest{Seq: 6, Targets: &bundle.Targets{Groups: []string{"hall"}}}, files), nil, "", false},
		{"a blob with a flipped bit is not taken", p.Content(t, bundle.Manifest{Seq: 6}, files), flip, "not those that were signed", true},
		{"a truncated blob is not taken", p.Content(t, bundle.Manifest{Seq: 6}, files), cut, "end 1 too early", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := pinned(t, p, store.Config{})
			if err := s.SetSettings(api.Settings{ID: "p1", Groups: []string{"hall"}}); err != nil {
				t.Fatal(err)
			}
			before, changed := s.Live()
			_, err := s.Ingest(t.Context(), &origin{content: c.content, blob: c.blob}, nil)
			after, _ := s.Live()
			if c.refuses == "" {
				if err != nil {
					t.Fatalf("not taken: %v", err)
				}
				if after.Digest != bundle.DigestOf(c.content.Envelope) || len(after.Missing) > 0 {
					t.Fatalf("live is %s, missing %v", after.Digest.Short(), after.Missing)
				}
				select {
				case <-changed:
				default:
					t.Error("whoever watches was not woken")
				}
				for name, want := range files {
					path, ok := after.Path(name)
					if got, err := os.ReadFile(path); !ok || err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s is not what was published: %v", name, err)
					}
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.refuses) {
				t.Fatalf("error is %v, want one with %q", err, c.refuses)
			}
			var refused *store.RefusedError
			if errors.As(err, &refused) == c.retry {
				t.Errorf("refused for good is %v: %v", !c.retry, err)
			}
			if after.Digest != before.Digest || len(after.Missing) > 0 {
				t.Errorf("the old bundle is not on any more: %s, missing %v", after.Digest.Short(), after.Missing)
			}
		})
	}
}

func TestTheSameBundleAgainAsksForNothing(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	o := &origin{content: p.Content(t, bundle.Manifest{Seq: 5}, map[string][]byte{"media/a.png": noise(1, 1000)})}
	got, err := s.Ingest(t.Context(), o, nil)
	if err != nil || got.Changed || len(o.asked) > 0 {
		t.Fatalf("changed %v, asked %v, error %v", got.Changed, o.asked, err)
	}
}

func TestABlobThatIsThereIsNotFetchedAgain(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	o := &origin{content: p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/z.png": noise(1, 1000), "media/new.png": noise(9, 10)})}
	if _, err := s.Ingest(t.Context(), o, nil); err != nil || len(o.asked) != 1 {
		t.Fatalf("asked %d times, error %v", len(o.asked), err)
	}
}

func TestABrokenDownloadGoesOnAtTheLastWholeSegment(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	gone := errors.New("the line is gone")
	o := &origin{content: p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(4, 5<<20)})}
	o.blob = func(_ bundle.Digest, b []byte, from int64) io.Reader {
		return io.MultiReader(bytes.NewReader(b[from:2<<20+300]), errReader{gone})
	}
	if _, err := s.Ingest(t.Context(), o, nil); !errors.Is(err, gone) {
		t.Fatalf("error is %v", err)
	}
	s.Close() // and the player is started again
	s = newStore(t, store.Config{Dir: dir})
	o.blob, o.asked = nil, nil
	if _, err := s.Ingest(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	if len(o.asked) != 1 || o.asked[0] != 2<<20 || liveSeq(s) != 6 {
		t.Errorf("asked from %v, live is version %d", o.asked, liveSeq(s))
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestABundleThatDoesNotFitIsNotTaken(t *testing.T) {
	p := bundletest.New(t)
	free := int64(1 << 30)
	s := pinned(t, p, store.Config{Free: func(string) (int64, error) { return free, nil }})
	free = 64 << 20
	_, err := s.Ingest(t.Context(), &origin{content: p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/b.png": noise(3, 100)})}, nil)
	var space *store.SpaceError
	if !errors.As(err, &space) || liveSeq(s) != 5 {
		t.Fatalf("error is %v, live is version %d", err, liveSeq(s))
	}
}

func TestGarbageIsCollectedButNeverTheBundleBefore(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	for seq := uint64(6); seq <= 8; seq++ {
		ingest(t, s, p, seq, map[string][]byte{"media/a.png": noise(seq, 500)})
	}
	blobs, _ := filepath.Glob(filepath.Join(dir, "b", "*", "*"))
	manifests, _ := filepath.Glob(filepath.Join(dir, "m", "*"))
	if len(blobs) != 2 || len(manifests) != 2 {
		t.Errorf("%d blobs and %d manifests are left, want 2 of each", len(blobs), len(manifests))
	}
	if err := s.Rollback(t.Context()); err != nil || liveSeq(s) != 7 {
		t.Errorf("went back to %d: %v", liveSeq(s), err)
	}
}

func TestGoingBackDoesNotLowerTheFloor(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	six := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": noise(6, 500)})
	if _, err := s.Ingest(t.Context(), &origin{content: six}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Rollback(t.Context()); err != nil || liveSeq(s) != 5 {
		t.Fatalf("went back to %d: %v", liveSeq(s), err)
	}
	if _, err := s.Ingest(t.Context(), &origin{content: six}, nil); err == nil || !strings.Contains(err.Error(), "went back from it") {
		t.Errorf("the bundle that was left was taken again: %v", err)
	}
	again := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": noise(7, 500)})
	if _, err := s.Ingest(t.Context(), &origin{content: again}, nil); err == nil || !strings.Contains(err.Error(), "other contents") {
		t.Errorf("another version 6 was taken: %v", err)
	}
	ingest(t, s, p, 7, map[string][]byte{"media/a.png": noise(8, 500)})
}

func TestARootThatTakesAKeyAwayStartsTheCountAnew(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	ingest(t, s, p, 1<<50, map[string][]byte{"media/a.png": noise(6, 500)}) // a stolen key signed far ahead
	stolen := p.Key
	var err error
	if p.Key, err = bundle.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	p.NextRoot(t, nil)
	ingest(t, s, p, 6, map[string][]byte{"media/a.png": noise(7, 500)})
	if liveSeq(s) != 6 {
		t.Errorf("live is version %d", liveSeq(s))
	}
	thief := &bundletest.Publisher{Customer: p.Customer, Root: p.Root, Key: stolen, Chain: p.Chain}
	_, err = s.Ingest(t.Context(), &origin{content: thief.Content(t, bundle.Manifest{Seq: 1<<50 + 1}, map[string][]byte{"media/a.png": noise(8, 500)})}, nil)
	var refused *store.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("a revoked key's bundle: %v", err)
	}
}

func TestASecondPlayerOnTheSameFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	newStore(t, store.Config{Dir: dir})
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("error is %v", err)
	}
}

func TestNothingIsTakenBeforeSomebodyIsTrusted(t *testing.T) {
	p := bundletest.New(t)
	s := newStore(t, store.Config{})
	_, err := s.Ingest(t.Context(), &origin{content: p.Content(t, bundle.Manifest{}, map[string][]byte{"a.png": noise(1, 10)})}, nil)
	if !errors.Is(err, store.ErrNotPinned) {
		t.Fatalf("error is %v", err)
	}
}

func TestTheClockNeverGoesBelowTheFloor(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	late := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := s.RaiseTime(late); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = newStore(t, store.Config{Dir: dir, Now: func() time.Time { return time.Unix(0, 0) }})
	if now, held := s.Time(); held || now.Before(late) {
		t.Errorf("the time is %v, held %v", now, held)
	}
}

func TestPlaysAreKeptUntilTheyAreTaken(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, store.Config{Dir: dir})
	first := s.Boot()
	for i := range 3 {
		s.Record(api.Proof{Scene: fmt.Sprint("a", i)})
	}
	s.Close()
	s = newStore(t, store.Config{Dir: dir})
	s.Record(api.Proof{Scene: "b0"})
	run, ok, err := s.Plays(2)
	if err != nil || !ok || run.Boot != first || len(run.Plays) != 2 || run.Plays[0].N != 1 || run.Plays[1].Scene != "a1" {
		t.Fatalf("first run: %+v, %v, %v", run, ok, err)
	}
	for _, n := range []uint64{2, 2, 3} { // a double does no harm
		if err := s.Taken(first, n); err != nil {
			t.Fatal(err)
		}
	}
	run, ok, err = s.Plays(10)
	if err != nil || !ok || run.Boot != s.Boot() || len(run.Plays) != 1 || run.Plays[0].N != 4 || run.Plays[0].Scene != "b0" {
		t.Fatalf("second run: %+v, %v, %v", run, ok, err)
	}
	if err := s.Taken(s.Boot(), 4); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Plays(10); ok || err != nil {
		t.Errorf("plays are left: %v, %v", ok, err)
	}
}
