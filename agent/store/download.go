package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
)

const (
	// maxTries is how often in a row an origin may give nothing that is right before it is given up.
	maxTries = 3
	// patience is how long one fetch waits for segments that others are fetching before it fetches them too.
	patience = time.Second
)

// spanner is an origin that can be asked for less than the rest of a blob.
type spanner interface {
	Span(ctx context.Context, d bundle.Digest, from, to int64) (io.ReadCloser, error)
}

// download is a blob on its way. All who fetch it at once share it: each takes the next segment that nobody has, and
// finds in the file what others have brought.
//
//	relay ──claims 0, 1, 2 …───┐
//	stick ──claims the next ───┴─> verified ──> its place in staging/<sha256> ──> b/<2 hex>/<sha256>
//
// Only verified segments are written, so the file itself says after a restart what is there: each is verified again. What
// was never written is a hole, or reserved and not read.
type download struct {
	blob  bundle.Blob
	users int // guarded by the store's mu

	opening sync.Mutex // one reads what is there; the others wait
	ending  sync.Mutex // one moves it to its place
	settled bool       // guarded by ending

	mu     sync.Mutex
	file   *os.File
	got    []bool    // by segment: verified and in the file
	busy   []int     // by segment: how many fetch it
	left   int       // segments that are missing
	have   int64     // bytes that are here
	sum    hash.Hash // of the segments before summed
	summed int
	news   chan struct{} // closed when a segment has come or was given back
}

// join gives the one download of a blob, with what an earlier start has left of it.
func (s *Store) join(ctx context.Context, b bundle.Blob) (*download, func(), error) {
	s.mu.Lock()
	d := s.downloads[b.Digest]
	if d == nil {
		n := b.SegmentCount()
		d = &download{blob: b, got: make([]bool, n), busy: make([]int, n), left: n, sum: sha256.New(), news: make(chan struct{})}
		s.downloads[b.Digest] = d
	}
	d.users++
	s.mu.Unlock()
	release := func() {
		s.mu.Lock()
		d.users--
		last := d.users == 0
		if last && s.downloads[b.Digest] == d {
			delete(s.downloads, b.Digest)
		}
		s.mu.Unlock()
		if last && d.file != nil {
			d.file.Close()
		}
	}
	if err := d.open(ctx, s.path("staging", string(b.Digest))); err != nil {
		release()
		return nil, nil, err
	}
	return d, release, nil
}

// leaveDownload lets the next fetch of the blob begin with what is on the disk.
func (s *Store) leaveDownload(d *download) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.downloads[d.blob.Digest] == d {
		delete(s.downloads, d.blob.Digest)
	}
}

// open opens the staging file and verifies what is in it.
func (d *download) open(ctx context.Context, path string) error {
	d.opening.Lock()
	defer d.opening.Unlock()
	if d.file != nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open staging: %w", err)
	}
	if err := d.resume(ctx, f); err != nil {
		f.Close()
		return fmt.Errorf("read staging: %w", err)
	}
	d.mu.Lock()
	d.file = f
	d.mu.Unlock()
	return nil
}

// resume keeps the segments that are whole. A segment of another length, a hole or a disk's error is fetched again.
func (d *download) resume(ctx context.Context, f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() > d.blob.Size {
		if err := f.Truncate(d.blob.Size); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var buf []byte
	for i := range d.got {
		if err := ctx.Err(); err != nil {
			return err
		}
		offset, length, _ := d.blob.SegmentAt(i)
		if d.got[i] || !written(f, offset, length) {
			continue
		}
		if buf == nil {
			buf = make([]byte, length)
		}
		if _, err := f.ReadAt(buf[:length], offset); err == nil && d.right(i, buf[:length]) {
			if err := d.mark(f, i, buf[:length]); err != nil {
				return err
			}
		}
	}
	return nil
}

// written says whether there can be bytes in a span of a file: a hole holds none (lseek(2), SEEK_DATA). File systems that do
// not know say that there are.
func written(f *os.File, offset, length int64) bool {
	at, err := unix.Seek(int(f.Fd()), offset, unix.SEEK_DATA)
	if err != nil {
		return !errors.Is(err, unix.ENXIO) // there is none up to the end
	}
	return at < offset+length
}

// right says whether bytes are those of a segment.
func (d *download) right(i int, p []byte) bool {
	_, _, want := d.blob.SegmentAt(i)
	h := sha256.New()
	h.Write(p)
	return digestOf(h) == want
}

// mark notes that a segment is in the file, and hashes what follows on from what was hashed. The caller holds mu.
func (d *download) mark(f *os.File, i int, p []byte) error {
	d.got[i] = true
	d.left--
	d.have += int64(len(p))
	if i == d.summed {
		d.sum.Write(p)
		d.summed++
	}
	var buf []byte
	for ; d.summed < len(d.got) && d.got[d.summed]; d.summed++ {
		offset, length, _ := d.blob.SegmentAt(d.summed)
		if buf == nil {
			buf = make([]byte, d.blob.Segment)
		}
		if _, err := f.ReadAt(buf[:length], offset); err != nil {
			return fmt.Errorf("read staging: %w", err)
		}
		d.sum.Write(buf[:length])
	}
	return nil
}

// claim takes the next segment that nobody has or fetches, from a segment on, and says where the missing ones end; also
// takes those that others fetch as well. -1 = there is none.
func (d *download) claim(from int, also bool) (first, end int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := func(i int) bool { return !d.got[i] && (also || d.busy[i] == 0) }
	for i := from; i < len(d.got); i++ {
		if !free(i) {
			continue
		}
		d.busy[i]++
		for end = i + 1; end < len(d.got) && free(end); end++ {
		}
		return i, end
	}
	return -1, -1
}

// next takes the one segment that a stream goes on with.
func (d *download) next(i int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i >= len(d.got) || d.got[i] || d.busy[i] > 0 {
		return false
	}
	d.busy[i]++
	return true
}

// giveBack ends a claim.
func (d *download) giveBack(i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[i]--
	close(d.news)
	d.news = make(chan struct{})
}

// put writes a verified segment, unless somebody else has.
func (d *download) put(i int, p []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.got[i] {
		return nil
	}
	offset, _, _ := d.blob.SegmentAt(i)
	if _, err := d.file.WriteAt(p, offset); err != nil {
		return fmt.Errorf("write to the disk: %w", err)
	}
	return d.mark(d.file, i, p)
}

// state is how far it is, and a channel that is closed when that changes.
func (d *download) state() (left int, have int64, news <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left, d.have, d.news
}

// run fetches from one origin until all segments are here, whoever brings them. have hears how many bytes are here, and how
// many of them the origin has just given.
func (d *download) run(ctx context.Context, s *Store, from Origin, have func(have, fetched int64)) error {
	tries, also := 0, false
	for {
		left, before, news := d.state()
		have(before, 0)
		if left == 0 {
			return nil
		}
		first, end := d.claim(0, also)
		if first < 0 {
			t := time.NewTimer(patience)
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-news:
			case <-t.C:
				also = true
			}
			t.Stop()
			continue
		}
		also = false
		if err := s.fault("ask for blob"); err != nil {
			d.giveBack(first)
			return err
		}
		err := d.ask(ctx, from, first, end, have)
		var wrong *bundle.SegmentError
		if err != nil && !errors.As(err, &wrong) {
			return err
		}
		if _, now, _ := d.state(); now > before {
			tries = 0
		} else {
			tries++
		}
		if err != nil && tries >= maxTries {
			return fmt.Errorf("asked %d times: %w", maxTries, err)
		}
	}
}

// ask reads one answer for as long as it brings what is missing. A segment that is wrong is left out, to be asked for
// alone; after two of them in a row the rest is not believed either.
func (d *download) ask(ctx context.Context, from Origin, first, end int, have func(have, fetched int64)) (err error) {
	claimed := first
	defer func() {
		if claimed >= 0 {
			d.giveBack(claimed)
		}
	}()
	begin, _, _ := d.blob.SegmentAt(first)
	last, length, _ := d.blob.SegmentAt(end - 1)
	var r io.ReadCloser
	if span, ok := from.(spanner); ok {
		r, err = span.Span(ctx, d.blob.Digest, begin, last+length)
	} else {
		r, err = from.Blob(ctx, d.blob.Digest, begin)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	var wrong error
	_, longest, _ := d.blob.SegmentAt(0)
	buf := make([]byte, longest)
	for bad := 0; ; {
		offset, length, _ := d.blob.SegmentAt(claimed)
		n, err := io.ReadFull(contextReader{ctx, r}, buf[:length])
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return d.fault(claimed, offset, fmt.Sprintf("the bytes end %d too early", length-int64(n)))
		case err != nil:
			return err
		case d.right(claimed, buf[:length]):
			bad = 0
			if err := d.put(claimed, buf[:length]); err != nil {
				return err
			}
			_, now, _ := d.state()
			have(now, length)
		default:
			bad++
			wrong = d.fault(claimed, offset, "the bytes are not those that were signed")
		}
		d.giveBack(claimed)
		i := claimed + 1
		claimed = -1
		if bad > 1 || i >= end || !d.next(i) {
			return wrong
		}
		claimed = i
	}
}

func (d *download) fault(i int, offset int64, reason string) error {
	return &bundle.SegmentError{Blob: d.blob.Digest, Segment: i, Offset: offset, Reason: reason}
}

// finish moves a whole blob to its place, once.
func (d *download) finish(s *Store) error {
	d.ending.Lock()
	defer d.ending.Unlock()
	if d.settled {
		return nil
	}
	d.mu.Lock()
	whole := digestOf(d.sum) == d.blob.Digest
	d.mu.Unlock()
	err := error(&RefusedError{Reason: "its segments are not those of the blob; build the bundle again"})
	if whole {
		err = s.settleBlob(d.file, d.blob)
	} else {
		err = errors.Join(err, removeFile(d.file.Name()))
	}
	d.settled = err == nil
	if err != nil {
		s.leaveDownload(d)
	}
	return err
}

// reserve makes sure of a blob's place on the disk before the first of its bytes is fetched: what fills the disk meanwhile
// must not break off a download. File systems that cannot do that do without.
func (s *Store) reserve(b bundle.Blob) error {
	if err := s.fault("reserve"); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path("staging", string(b.Digest)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open staging: %w", err)
	}
	defer f.Close()
	for {
		err = unix.Fallocate(int(f.Fd()), 0, 0, b.Size)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reserve %d MiB on the disk: %w", (b.Size+1<<20-1)>>20, err)
	}
	return nil
}

// contextReader ends between two reads when its context ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
