package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
)

// slow is a relay that gives the first blobs, and of the others half; the rest when it is let go.
type slow struct {
	origin
	free   int           // how many blobs are given at once
	opened chan int64    // offset of each blob that it stands still in
	goOn   chan struct{} // closed: it gives all
}

func (o *slow) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := o.origin.Blob(ctx, d, from)
	if err != nil {
		return nil, err
	}
	if o.free--; o.free >= 0 {
		return r, nil
	}
	size := int64(0)
	if b, ok := o.content.Manifest.Blob(d); ok {
		size = b.Size
	}
	rest := &waiting{Reader: r, ctx: ctx, opened: func() { o.opened <- from }, goOn: o.goOn}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, max(0, size/2-from)), rest), r}, nil
}

type waiting struct {
	io.Reader
	ctx    context.Context
	opened func()
	goOn   chan struct{}
}

func (w *waiting) Read(p []byte) (int, error) {
	if w.opened != nil {
		w.opened()
		w.opened = nil
	}
	select {
	case <-w.goOn:
		return w.Reader.Read(p)
	case <-w.ctx.Done():
		return 0, w.ctx.Err()
	}
}

type outcome struct {
	store.Taken
	err error
}

func begin(t *testing.T, s *store.Store, o store.Origin) <-chan outcome {
	end := make(chan outcome, 1)
	go func() {
		got, err := s.Ingest(t.Context(), o, nil)
		end <- outcome{got, err}
	}()
	return end
}

func newSlow(content bundle.Content, free int) *slow {
	return &slow{origin: origin{content: content}, free: free, opened: make(chan int64, 100), goOn: make(chan struct{})}
}

func TestASlowRelayHoldsUpNobody(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	ingest(t, s, p, 6, map[string][]byte{"media/a.png": noise(6, 500)})
	video := noise(9, 5<<20)
	relay := newSlow(p.Content(t, bundle.Manifest{Seq: 8}, map[string][]byte{"media/a.png": noise(8, 500), "media/v.mp4": video}), 1)
	if relay.content.Manifest.Blobs[0].Size > 500 {
		relay.free = 0
	}
	end := begin(t, s, relay)
	<-relay.opened

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only so that a test that fails ends
	defer cancel()
	if err := s.Rollback(ctx); err != nil || liveSeq(s) != 5 {
		t.Fatalf("went back to %d: %v", liveSeq(s), err)
	}
	<-relay.opened // it decided anew, and goes on
	stick := &origin{content: p.Content(t, bundle.Manifest{Seq: 7}, map[string][]byte{"media/a.png": noise(7, 500), "media/v.mp4": video})}
	if _, err := s.Ingest(ctx, stick, nil); err != nil || liveSeq(s) != 7 {
		t.Fatalf("the stick: live is version %d, %v", liveSeq(s), err)
	}
	close(relay.goOn)
	if got := <-end; got.err != nil || !got.Changed || liveSeq(s) != 8 {
		t.Fatalf("the relay: live is version %d, %v", liveSeq(s), got.err)
	}
	if err := s.Rollback(ctx); err != nil || liveSeq(s) != 7 {
		t.Errorf("went back to %d, %v", liveSeq(s), err)
	}
}

func TestWhatAFetchHasIsKeptThroughOthersCollections(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	relay := newSlow(p.Content(t, bundle.Manifest{Seq: 9}, map[string][]byte{"media/a.mp4": noise(21, 3<<20), "media/b.mp4": noise(22, 4<<20)}), 1)
	end := begin(t, s, relay)
	<-relay.opened
	for seq := uint64(6); seq <= 8; seq++ { // each collects garbage
		ingest(t, s, p, seq, map[string][]byte{"media/a.png": noise(seq, 500)})
		if from := <-relay.opened; from == 0 {
			t.Errorf("after version %d the fetch began from nothing", seq)
		}
	}
	close(relay.goOn)
	if got := <-end; got.err != nil || liveSeq(s) != 9 {
		t.Fatalf("live is version %d, %v", liveSeq(s), got.err)
	}
	whole := 0
	for _, from := range relay.asked {
		if from == 0 {
			whole++
		}
	}
	if whole != 2 {
		t.Errorf("blobs were begun %d times, want each once: %v", whole, relay.asked)
	}
}

func TestAFetchEndsAsWhatIsLiveThenAsksFor(t *testing.T) {
	p := bundletest.New(t)
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(9, 5<<20)})
	newer := p.Content(t, bundle.Manifest{Seq: 7}, map[string][]byte{"media/v.mp4": noise(10, 100)})
	cases := []struct {
		name    string
		during  func(t *testing.T, s *store.Store, relay *slow)
		live    uint64
		refuses string // "" = nothing to do any more
	}{
		{"a stick brings the same bundle", func(t *testing.T, s *store.Store, _ *slow) {
			if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil {
				t.Fatal(err)
			}
		}, 6, ""},
		{"a stick brings a newer one", func(t *testing.T, s *store.Store, _ *slow) {
			if _, err := s.Ingest(t.Context(), &origin{content: newer}, nil); err != nil {
				t.Fatal(err)
			}
		}, 7, "older than version 7"},
		{"its publisher's key is revoked", func(t *testing.T, s *store.Store, relay *slow) {
			q := *p
			var err error
			if q.Key, err = bundle.GenerateKey(); err != nil {
				t.Fatal(err)
			}
			q.NextRoot(t, nil)
			if err := s.Pin(q.Chain); err != nil {
				t.Fatal(err)
			}
			close(relay.goOn)
		}, 5, "manifest"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := pinned(t, p, store.Config{})
			relay := newSlow(content, 0)
			end := begin(t, s, relay)
			<-relay.opened
			c.during(t, s, relay)
			got := <-end
			var refused *store.RefusedError
			if errors.As(got.err, &refused) != (c.refuses != "") || c.refuses != "" && !strings.Contains(got.err.Error(), c.refuses) {
				t.Errorf("error is %v", got.err)
			}
			if got.Changed || liveSeq(s) != c.live {
				t.Errorf("changed is %v, live is version %d, want %d", got.Changed, liveSeq(s), c.live)
			}
		})
	}
}

func TestABlobThatTwoBundlesWantIsFetchedOnce(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	video := noise(9, 9<<20)
	one := newSlow(p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": video}), 0)
	endOne := begin(t, s, one)
	<-one.opened // it has four segments, and waits in the fifth
	stick := &origin{content: p.Content(t, bundle.Manifest{Seq: 2, Stream: "hall"}, map[string][]byte{"media/v.mp4": video})}
	got, err := s.Ingest(t.Context(), stick, nil)
	if err != nil || !got.Changed || liveSeq(s) != 2 {
		t.Fatalf("live is version %d, %v", liveSeq(s), err)
	}
	if want := []int64{5 << 20, 4 << 20}; !slices.Equal(stick.asked, want) {
		t.Errorf("the stick was asked for what follows %v, want %v: all that nobody was fetching, then what did not come", stick.asked, want)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "staging", "*")); len(parts) != 0 {
		t.Errorf("in staging is left %q", parts)
	}
	close(one.goOn)
	if got := <-endOne; got.err != nil {
		t.Fatal(got.err)
	}
	live, _ := s.Live()
	path, ok := live.Path("media/v.mp4")
	if b, err := os.ReadFile(path); !ok || err != nil || !bytes.Equal(b, video) {
		t.Errorf("the video is not what was published: %v, %v", ok, err)
	}
}
