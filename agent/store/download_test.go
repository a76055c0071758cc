package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// shop is a relay's blobs over real HTTP, whose connections break where a test says. It counts what it hands out.
type shop struct {
	origin
	client *api.Client
	many   int // blobs at once

	mu     sync.Mutex
	breaks func(d bundle.Digest, from int64) (after int64, ok bool)
	bytes  map[bundle.Digest][]byte
	sent   map[bundle.Digest][]int // how often each byte was sent
	spans  []string                // what was asked for
	enter  func()                  // when it is asked; nil = nothing
}

func newShop(t *testing.T, content bundle.Content) *shop {
	t.Helper()
	o := &shop{origin: origin{content: content}, bytes: map[bundle.Digest][]byte{}, sent: map[bundle.Digest][]int{}, many: 1}
	for _, b := range content.Manifest.Blobs {
		r, err := content.Open(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if o.bytes[b.Digest], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		o.sent[b.Digest] = make([]int, b.Size)
	}
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	o.client = &api.Client{Base: srv.URL, HTTP: srv.Client()}
	return o
}

func (o *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := bundle.Digest(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	b := o.bytes[d]
	if o.enter != nil {
		o.enter()
	}
	from, to := int64(0), int64(len(b))
	if span, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		first, last, _ := strings.Cut(span, "-")
		from, _ = strconv.ParseInt(first, 10, 64)
		if last != "" {
			to, _ = strconv.ParseInt(last, 10, 64)
			to++
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(b)))
	}
	o.mu.Lock()
	o.spans = append(o.spans, fmt.Sprintf("%s %d-%d", d.Short(), from, to))
	part, broken := b[from:to], false
	if o.breaks != nil {
		if n, ok := o.breaks(d, from); ok && n < int64(len(part)) {
			part, broken = part[:n], true
		}
	}
	for i := range part {
		o.sent[d][from+int64(i)]++
	}
	o.mu.Unlock()
	w.Header().Set("Content-Length", strconv.FormatInt(to-from, 10))
	w.Header().Set("Content-Type", "application/octet-stream")
	if r.Header.Get("Range") != "" {
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(part)
	if broken {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (o *shop) Streams() int { return o.many }

func (o *shop) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	return o.Span(ctx, d, from, int64(len(o.bytes[d])))
}

func (o *shop) Span(ctx context.Context, d bundle.Digest, from, to int64) (io.ReadCloser, error) {
	return o.client.Blob(ctx, string(d), from, to, int64(len(o.bytes[d])))
}

// twice says which whole segments of a blob were sent again though they had arrived; a broken one is sent again.
func (o *shop) twice(b bundle.Blob) (twice []int) {
	for i := range b.SegmentCount() {
		offset, length, _ := b.SegmentAt(i)
		if o.sent[b.Digest][offset+length-1] > 1 {
			twice = append(twice, i)
		}
	}
	return twice
}

// until takes a bundle however often its connections break, and says how often they did.
func (o *shop) until(t *testing.T, s *store.Store) (breaks int) {
	t.Helper()
	for {
		_, err := s.Ingest(t.Context(), o, nil)
		if err == nil {
			return breaks
		}
		var answer *api.AnswerError
		if breaks++; !errors.As(err, &answer) || !strings.Contains(err.Error(), "the connection ended") || breaks > 5000 {
			t.Fatalf("after %d breaks: %v", breaks, err)
		}
	}
}

func TestATransferThatBreaksAtAnyByteGoesOn(t *testing.T) {
	p := bundletest.New(t)
	files := map[string][]byte{}
	for i := range 160 { // 160 blobs of 159 bytes, the i-th of them broken after i bytes
		files[fmt.Sprintf("media/%03d.png", i)] = noise(uint64(100+i), 159)
	}
	content := p.Content(t, bundle.Manifest{Seq: 6}, files)
	o := newShop(t, content)
	at, broke := map[bundle.Digest]int64{}, map[bundle.Digest]bool{}
	for i := range 160 {
		at[content.Manifest.Files[fmt.Sprintf("media/%03d.png", i)]] = int64(i)
	}
	o.breaks = func(d bundle.Digest, _ int64) (int64, bool) {
		first := !broke[d]
		broke[d] = true
		return at[d], first
	}
	s := pinned(t, p, store.Config{})
	if n := o.until(t, s); n != 159 || liveSeq(s) != 6 {
		t.Errorf("it broke %d times, live is version %d", n, liveSeq(s))
	}
}

func TestATransferThatBreaksNeverFetchesAVerifiedSegmentAgain(t *testing.T) {
	p := bundletest.New(t)
	const segment = bundle.MinSegment
	video := noise(4, 3*segment+segment/2)
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": video})
	b := content.Manifest.Blobs[0]
	var offsets []int64
	for i := range int64(4) {
		for _, d := range []int64{-2, -1, 0, 1, 2, segment / 3} {
			if n := i*segment + d; n >= 0 && n < b.Size {
				offsets = append(offsets, n)
			}
		}
	}
	offsets = append(offsets, b.Size-1)
	for _, n := range offsets {
		t.Run(fmt.Sprint("after byte ", n), func(t *testing.T) {
			dir := t.TempDir()
			s := pinned(t, p, store.Config{Dir: dir})
			o := newShop(t, content)
			o.breaks = func(_ bundle.Digest, from int64) (int64, bool) { return n, from == 0 }
			if n < segment {
				first := true
				o.breaks = func(bundle.Digest, int64) (int64, bool) { was := first; first = false; return n, was }
			}
			_, err := s.Ingest(t.Context(), o, nil)
			if err == nil {
				t.Fatal("it did not break")
			}
			s.Close() // and the player is started again
			s = newStore(t, store.Config{Dir: dir})
			if o.until(t, s) != 0 || liveSeq(s) != 6 {
				t.Errorf("live is version %d", liveSeq(s))
			}
			whole := n / segment * segment // what was verified before
			if want := []string{fmt.Sprintf("%s 0-%d", b.Digest.Short(), b.Size), fmt.Sprintf("%s %d-%d", b.Digest.Short(), whole, b.Size)}; !slices.Equal(o.spans, want) {
				t.Errorf("asked for %q, want %q", o.spans, want)
			}
			if twice := o.twice(b); len(twice) > 0 {
				t.Errorf("segments %v were fetched twice", twice)
			}
		})
	}
}

func TestOnlyTheSegmentWithAWrongByteIsFetchedAgain(t *testing.T) {
	p := bundletest.New(t)
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(4, 6*bundle.MinSegment)})
	b := content.Manifest.Blobs[0]
	s := pinned(t, p, store.Config{})
	o := newShop(t, content)
	o.bytes[b.Digest][2*bundle.MinSegment+9] ^= 1
	o.breaks = func(_ bundle.Digest, from int64) (int64, bool) {
		if from > 0 { // it is right again
			o.bytes[b.Digest][2*bundle.MinSegment+9] ^= 1
		}
		return 0, false
	}
	if _, err := s.Ingest(t.Context(), o, nil); err != nil || liveSeq(s) != 6 {
		t.Fatalf("live is version %d, %v", liveSeq(s), err)
	}
	want := []string{fmt.Sprintf("%s 0-%d", b.Digest.Short(), b.Size), fmt.Sprintf("%s %d-%d", b.Digest.Short(), 2*bundle.MinSegment, 3*bundle.MinSegment)}
	if !slices.Equal(o.spans, want) {
		t.Errorf("asked for %q, want %q", o.spans, want)
	}
}

func TestABlobOfWrongBytesIsGivenUpSoon(t *testing.T) {
	p := bundletest.New(t)
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(4, 5*bundle.MinSegment)})
	b := content.Manifest.Blobs[0]
	s := pinned(t, p, store.Config{})
	o := newShop(t, content)
	o.bytes[b.Digest] = noise(5, int(b.Size))
	var wrong *bundle.SegmentError
	if _, err := s.Ingest(t.Context(), o, nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "asked 3 times") || liveSeq(s) != 5 {
		t.Fatalf("live is version %d, %v", liveSeq(s), err)
	}
	if len(o.spans) != 3 {
		t.Errorf("asked for %q", o.spans)
	}
}

func TestASegmentThatRotsInStagingIsFetchedAgain(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(4, 5*bundle.MinSegment)})
	b := content.Manifest.Blobs[0]
	s := pinned(t, p, store.Config{Dir: dir})
	o := newShop(t, content)
	o.breaks = func(_ bundle.Digest, from int64) (int64, bool) { return 4*bundle.MinSegment + 5, from == 0 }
	if _, err := s.Ingest(t.Context(), o, nil); err == nil {
		t.Fatal("it did not break")
	}
	s.Close()
	f, err := os.OpenFile(filepath.Join(dir, "staging", string(b.Digest)), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("rot"), bundle.MinSegment+7); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	s = newStore(t, store.Config{Dir: dir})
	o.spans = nil
	if _, err := s.Ingest(t.Context(), o, nil); err != nil || liveSeq(s) != 6 {
		t.Fatalf("live is version %d, %v", liveSeq(s), err)
	}
	want := []string{fmt.Sprintf("%s %d-%d", b.Digest.Short(), bundle.MinSegment, 2*bundle.MinSegment), fmt.Sprintf("%s %d-%d", b.Digest.Short(), 4*bundle.MinSegment, b.Size)}
	if !slices.Equal(o.spans, want) {
		t.Errorf("asked for %q, want %q", o.spans, want)
	}
}

func TestRoomIsReservedBeforeTheFirstByteIsFetched(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.mp4": noise(4, 5*bundle.MinSegment), "media/b.mp4": noise(5, 7*bundle.MinSegment)})
	o := newShop(t, content)
	o.breaks = func(bundle.Digest, int64) (int64, bool) {
		for _, b := range content.Manifest.Blobs {
			st, err := os.Stat(filepath.Join(dir, "staging", string(b.Digest)))
			if err != nil || st.Size() != b.Size {
				t.Errorf("of %d bytes nothing is reserved: %v", b.Size, err)
			}
		}
		return 0, true
	}
	if _, err := s.Ingest(t.Context(), o, nil); err == nil {
		t.Error("it did not break")
	}
}

func TestSmallBlobsComeSeveralAtOnce(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	files := map[string][]byte{}
	for i := range 12 {
		files[fmt.Sprintf("media/%d.png", i)] = noise(uint64(30+i), 5000)
	}
	o := newShop(t, p.Content(t, bundle.Manifest{Seq: 6}, files))
	o.many = 4
	var asked atomic.Int32
	four := make(chan struct{})
	o.enter = func() { // nobody is answered before four have asked
		if asked.Add(1) == 4 {
			close(four)
		}
		<-four
	}
	var mu sync.Mutex
	var last store.Progress
	if _, err := s.Ingest(t.Context(), o, func(at store.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if at.Have < last.Have || at.Have > at.Total {
			t.Errorf("after %d of %d came %d", last.Have, last.Total, at.Have)
		}
		last = at
	}); err != nil || liveSeq(s) != 6 {
		t.Fatalf("live is version %d, %v", liveSeq(s), err)
	}
	if last.Have != 12*5000 || last.Total != 12*5000 {
		t.Errorf("in the end it has %d of %d bytes", last.Have, last.Total)
	}
	if asked.Load() != 12 {
		t.Errorf("%d blobs were asked for", asked.Load())
	}
	live, _ := s.Live()
	for name, want := range files {
		path, _ := live.Path(name)
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what was published: %v", name, err)
		}
	}
}
