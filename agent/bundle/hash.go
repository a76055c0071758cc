package bundle

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// hashChunk is how much is read at a time.
const hashChunk = 512 << 10

// SegmentSize is the length of segments for blobs of these sizes: the smallest power of two for which no blob has more
// than MaxSegments and all together have few enough for a manifest to list.
func SegmentSize(sizes []int64) (int64, error) {
	const most = 60_000 // 67 bytes of manifest each, a third more in base64
	for segment := int64(MinSegment); segment <= MaxSegment; segment *= 2 {
		all, fits := int64(0), true
		for _, size := range sizes {
			n := (size + segment - 1) / segment
			fits = fits && n <= MaxSegments
			if n > 1 {
				all += n
			}
		}
		if fits && all <= most {
			return segment, nil
		}
	}
	return 0, fmt.Errorf("there is too much: a file can have %d GiB at most, a bundle about %d GiB", MaxBlob>>30, int64(most)*MaxSegment>>30)
}

// Hash reads a blob once and gives its digest with those of its segments. The reader must give exactly size bytes.
func Hash(ctx context.Context, r io.Reader, size, segment int64, progress func(n int)) (Blob, error) {
	h := &hasher{whole: sha256.New(), part: sha256.New(), blob: Blob{Size: size}}
	if size > segment {
		h.blob.Segment = segment
	}
	if err := h.run(ctx, r, progress); err != nil {
		return Blob{}, err
	}
	h.blob.Digest = digestOfHash(h.whole)
	return h.blob, nil
}

// hasher computes the whole file's digest on one core while another does the segments'.
type hasher struct {
	whole, part hash.Hash
	inPart      int64 // bytes of the running segment
	blob        Blob
}

func (h *hasher) run(ctx context.Context, r io.Reader, progress func(n int)) error {
	const buffers = 4
	free, full := make(chan []byte, buffers), make(chan []byte, buffers)
	for range buffers {
		free <- nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range full {
			h.whole.Write(b)
			free <- b[:0]
		}
	}()
	err := h.read(ctx, r, free, full, progress)
	close(full)
	<-done
	return err
}

func (h *hasher) read(ctx context.Context, r io.Reader, free <-chan []byte, full chan<- []byte, progress func(n int)) error {
	for left := h.blob.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := <-free
		if b == nil {
			b = make([]byte, min(hashChunk, left))
		}
		b = b[:min(int64(cap(b)), left)]
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("read: %w", shorter(err))
		}
		left -= int64(len(b))
		h.segments(b, left == 0)
		full <- b
		if progress != nil {
			progress(len(b))
		}
	}
	if n, _ := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return errors.New("there are more bytes than expected: somebody writes to the file")
	}
	return nil
}

// segments adds bytes to the running segment and ends it where it is full. Chunks divide segments.
func (h *hasher) segments(b []byte, last bool) {
	if h.blob.Segment == 0 {
		return
	}
	h.part.Write(b)
	h.inPart += int64(len(b))
	if h.inPart == h.blob.Segment || last {
		h.blob.Segments = append(h.blob.Segments, digestOfHash(h.part))
		h.part.Reset()
		h.inPart = 0
	}
}

func shorter(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the bytes end too early: the file is cut off, or somebody writes to it")
	}
	return err
}
