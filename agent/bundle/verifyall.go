package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// VerifyAll reads every blob of a bundle once, with all cores, and checks its whole digest and those of its segments. The
// error joins what is wrong with each bad blob.
func VerifyAll(ctx context.Context, a *Archive, m *Manifest, progress Progress) error {
	faults := make([]error, len(m.Blobs))
	total := m.Size()
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, b := range m.Blobs {
		g.Go(func() error {
			faults[i] = a.verify(ctx, b, func(n int) { progress.tell(done.Add(int64(n)), total) })
			return ctx.Err()
		})
	}
	return errors.Join(g.Wait(), errors.Join(faults...))
}

func (a *Archive) verify(ctx context.Context, b Blob, progress func(int)) error {
	r, err := a.Blob(b.Digest)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("blob %s is missing: the copy is not complete", b.Digest.Short())
	}
	if err != nil {
		return err
	}
	defer r.Close()
	segment := b.Segment
	if segment == 0 {
		segment = b.Size
	}
	got, err := Hash(ctx, r, b.Size, segment, progress)
	if err != nil {
		return fmt.Errorf("blob %s: %w", b.Digest.Short(), err)
	}
	for i, want := range b.Segments {
		if got.Segments[i] != want {
			return &SegmentError{Blob: b.Digest, Segment: i, Offset: int64(i) * b.Segment, Reason: "the bytes are not those that were signed"}
		}
	}
	if got.Digest != b.Digest || !slices.Equal(got.Segments, b.Segments) {
		return &SegmentError{Blob: b.Digest, Reason: "the bytes are not those that were signed"}
	}
	return nil
}
