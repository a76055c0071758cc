package paint

import (
	"bytes"
	"testing"
)

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Add([]byte("MM\x00*\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v := exifOrientation(b); v < 1 || v > 8 {
			t.Errorf("orientation %d", v)
		}
		if h := readJPEGHead(bytes.NewReader(b)); h.orientation < 1 || h.orientation > 8 {
			t.Errorf("orientation %d", h.orientation)
		}
		seg := append([]byte{0xff, 0xd8, 0xff, 0xe1, byte((len(b) + 8) >> 8), byte(len(b) + 8)}, "Exif\x00\x00"...)
		if len(b) < 60000 {
			if h := readJPEGHead(bytes.NewReader(append(seg, b...))); h.orientation != exifOrientation(b) {
				t.Errorf("orientation %d in a file, %d alone", h.orientation, exifOrientation(b))
			}
		}
	})
}
