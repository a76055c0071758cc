package witness

import (
	"encoding/binary"
	"testing"
)

func FuzzParseXWD(f *testing.F) {
	good := make([]byte, 25*4+4*3*2)
	for i, v := range map[int]uint32{0: 100, 1: 7, 4: 3, 5: 2, 11: 32, 12: 12} {
		binary.BigEndian.PutUint32(good[i*4:], v)
	}
	f.Add(good)
	f.Add(good[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseXWD(b)
		if err != nil {
			return
		}
		_ = p.luma(p.Size.X-1, p.Size.Y-1) // the last pixel is there
	})
}
