package bundle

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// SegmentError names the segment of a blob whose bytes are not those that the publisher signed.
type SegmentError struct {
	Blob    Digest
	Segment int   // from 0
	Offset  int64 // of its first byte in the blob
	Reason  string
}

// Error says what is wrong with which bytes.
func (e *SegmentError) Error() string {
	return fmt.Sprintf("blob %s, segment %d (from byte %d): %s", e.Blob.Short(), e.Segment, e.Offset, e.Reason)
}

// SegmentCount is how many segments the blob has; at least 1.
func (b Blob) SegmentCount() int { return max(1, len(b.Segments)) }

// SegmentAt is the place and the digest of segment i, from 0.
func (b Blob) SegmentAt(i int) (offset, length int64, sum Digest) {
	if b.Segment == 0 {
		return 0, b.Size, b.Digest
	}
	offset = int64(i) * b.Segment
	return offset, min(b.Segment, b.Size-offset), b.Segments[i]
}

// Verify yields only bytes of segments that were checked whole, so that nothing unverified is ever handed on. The reader
// ends after the blob's size: bytes beyond it are an error, and are never read by more than one. Errors of the blob's
// content are *SegmentError. It holds one segment in memory.
func (b Blob) Verify(r io.Reader) io.Reader { return b.VerifyFrom(r, 0) }

// VerifyFrom is Verify for a reader that begins with segment first.
func (b Blob) VerifyFrom(r io.Reader, first int) io.Reader {
	return &verifier{blob: b, from: r, next: first, hash: sha256.New()}
}

type verifier struct {
	blob  Blob
	from  io.Reader
	next  int // segment
	buf   []byte
	ready []byte // of buf
	hash  hash.Hash
	err   error
}

func (v *verifier) Read(p []byte) (int, error) {
	if len(v.ready) == 0 && v.err == nil {
		v.fill()
	}
	if len(v.ready) > 0 {
		n := copy(p, v.ready)
		v.ready = v.ready[n:]
		return n, nil
	}
	return 0, v.err
}

// WriteTo spares io.Copy its own buffer.
func (v *verifier) WriteTo(w io.Writer) (n int64, err error) {
	for {
		if len(v.ready) == 0 && v.err == nil {
			v.fill()
		}
		if len(v.ready) == 0 {
			if v.err == io.EOF {
				return n, nil
			}
			return n, v.err
		}
		m, err := w.Write(v.ready)
		n += int64(m)
		v.ready = v.ready[m:]
		if err != nil {
			return n, err
		}
	}
}

func (v *verifier) fill() {
	if v.next >= v.blob.SegmentCount() {
		v.err = v.end()
		return
	}
	offset, length, want := v.blob.SegmentAt(v.next)
	if v.buf == nil {
		v.buf = make([]byte, length)
	}
	got, err := io.ReadFull(v.from, v.buf[:length])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		v.err = v.fault(offset, fmt.Sprintf("the bytes end %d too early", length-int64(got)))
		return
	}
	if err != nil {
		v.err = err
		return
	}
	v.hash.Reset()
	v.hash.Write(v.buf[:length])
	if digestOfHash(v.hash) != want {
		v.err = v.fault(offset, "the bytes are not those that were signed")
		return
	}
	v.ready = v.buf[:length]
	v.next++
}

func (v *verifier) end() error {
	var one [1]byte
	switch n, err := io.ReadFull(v.from, one[:]); {
	case n > 0:
		return &SegmentError{Blob: v.blob.Digest, Segment: v.blob.SegmentCount() - 1, Offset: v.blob.Size,
			Reason: "there are more bytes than were signed"}
	case err == io.EOF:
		return io.EOF
	default:
		return err
	}
}

func (v *verifier) fault(offset int64, reason string) error {
	return &SegmentError{Blob: v.blob.Digest, Segment: v.next, Offset: offset, Reason: reason}
}

// VerifyBytes checks a whole small blob.
func (b Blob) VerifyBytes(p []byte) error {
	_, err := io.Copy(io.Discard, b.Verify(bytes.NewReader(p)))
	return err
}
