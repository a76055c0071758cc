package bundle_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"vitrine/agent/bundle"
)

// noise is n bytes that do not repeat.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // never fails
	return b
}

func hashed(t *testing.T, b []byte) bundle.Blob {
	t.Helper()
	blob, err := bundle.Hash(t.Context(), bytes.NewReader(b), int64(len(b)), bundle.MinSegment, nil)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestOnlyVerifiedBytesAreHandedOn(t *testing.T) {
	whole := noise(3<<20 + 7)
	blob := hashed(t, whole)
	if blob.SegmentCount() != 4 || blob.Digest != bundle.DigestOf(whole) {
		t.Fatalf("%d segments, digest %s; want 4 and that of the bytes", blob.SegmentCount(), blob.Digest)
	}
	flipped := bytes.Clone(whole)
	flipped[2<<20+5] ^= 1
	last := bytes.Clone(whole)
	last[len(last)-1] ^= 1
	small := hashed(t, whole[:100])
	for name, c := range map[string]struct {
		blob    bundle.Blob
		from    io.Reader
		given   int // bytes that may be handed on
		segment int // that the error names; -1 = no error
	}{
		"all is right":                     {blob, bytes.NewReader(whole), len(whole), -1},
		"bytes come one by one":            {small, iotest.OneByteReader(bytes.NewReader(whole[:100])), 100, -1},
		"the first segment is wrong":       {blob, bytes.NewReader(make([]byte, len(whole))), 0, 0},
		"a bit of the third is flipped":    {blob, bytes.NewReader(flipped), 2 << 20, 2},
		"a bit of the short last one":      {blob, bytes.NewReader(last), 3 << 20, 3},
		"it is cut off within a segment":   {blob, bytes.NewReader(whole[:2<<20+9]), 2 << 20, 2},
		"it is cut off between segments":   {blob, bytes.NewReader(whole[:2<<20]), 2 << 20, 2},
		"one byte follows":                 {blob, bytes.NewReader(append(bytes.Clone(whole), 0)), len(whole), 3},
		"bytes without end follow":         {blob, io.MultiReader(bytes.NewReader(whole), zeros{}), len(whole), 3},
		"there are only zeros, endless":    {blob, zeros{}, 0, 0},
		"a small blob is wrong":            {small, bytes.NewReader(make([]byte, 100)), 0, 0},
		"a small blob is empty":            {small, bytes.NewReader(nil), 0, 0},
		"a page of a portal is in its way": {small, bytes.NewReader([]byte("<html>sign in</html>")), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(c.blob.Verify(c.from))
			if !bytes.Equal(got, whole[:c.given]) {
				t.Errorf("%d bytes were handed on; want the first %d", len(got), c.given)
			}
			var fault *bundle.SegmentError
			if c.segment < 0 {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.As(err, &fault) || fault.Segment != c.segment {
				t.Errorf("%v; want an error about segment %d", err, c.segment)
			}
		})
	}
}

func TestVerifyingCanBeginAtAnySegment(t *testing.T) {
	whole := noise(3<<20 + 7)
	blob := hashed(t, whole)
	for first := range blob.SegmentCount() {
		offset, length, _ := blob.SegmentAt(first)
		got, err := io.ReadAll(blob.VerifyFrom(bytes.NewReader(whole[offset:]), first))
		if err != nil || !bytes.Equal(got, whole[offset:]) {
			t.Errorf("from segment %d: %d bytes, %v", first, len(got), err)
		}
		if length < 1 || offset+length > blob.Size {
			t.Errorf("segment %d is at %d, %d long", first, offset, length)
		}
	}
}

func TestAFaultOfTheReaderIsNotOneOfTheBlob(t *testing.T) {
	blob := hashed(t, noise(100))
	_, err := io.ReadAll(blob.Verify(iotest.ErrReader(io.ErrClosedPipe)))
	if !errors.Is(err, io.ErrClosedPipe) || errors.As(err, new(*bundle.SegmentError)) {
		t.Errorf("%v; want the reader's own error", err)
	}
}

func TestHashingNoticesThatAFileChangesItsLength(t *testing.T) {
	for name, size := range map[string]int64{"shorter": 101, "longer": 99} {
		t.Run(name, func(t *testing.T) {
			if _, err := bundle.Hash(t.Context(), bytes.NewReader(noise(100)), size, bundle.MinSegment, nil); err == nil {
				t.Error("taken")
			}
		})
	}
}
