package paint

import (
	"bytes"
	"image"
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

func TestAPartOfATurnedPictureIsFound(t *testing.T) {
	stored := image.Pt(40, 30)
	part := image.Rect(3, 5, 14, 9)
	for orientation := 1; orientation <= 8; orientation++ {
		a := turned(part.Min, stored, orientation)
		b := turned(part.Max.Sub(image.Pt(1, 1)), stored, orientation)
		seen := image.Rect(min(a.X, b.X), min(a.Y, b.Y), max(a.X, b.X)+1, max(a.Y, b.Y)+1)
		if got := turnRect(seen, unturned(stored, orientation), orientation); got != part {
			t.Errorf("orientation %d: the part seen at %v is stored at %v, want %v", orientation, seen, got, part)
		}
	}
}
