package compose

import (
	"math/rand/v2"
	"testing"
)

// slowOver is the definition: each byte by itself.
func slowOver(d, s uint32) uint32 {
	a := s >> 24
	k := 256 - a - a>>7
	var out uint32
	for shift := 0; shift < 24; shift += 8 {
		out |= (s>>shift&0xff + d>>shift&0xff*k>>8) & 0xff << shift
	}
	return out
}

// veil is a row as widgets paint it: mostly one half transparent colour, some of it letters.
func veil(n int) []uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]uint32, n)
	for i := range out {
		switch a := uint32(r.IntN(256)); {
		case i%64 < 40:
			out[i] = 0xc0302010
		case i%64 < 44:
			out[i] = 0
		case i%64 < 50:
			out[i] = 0xffeeddcc
		default:
			out[i] = a<<24 | a/2<<16 | a/3<<8 | a
		}
	}
	return out
}

func TestRowsAreBlendedAsEachPixelByItself(t *testing.T) {
	for _, n := range []int{1, 2, 3, 63, 640} {
		src, got := veil(n), make([]uint32, n)
		for i := range got {
			got[i] = uint32(i) * 0x01030507
		}
		want := make([]uint32, n)
		for i := range want {
			want[i] = slowOver(got[i], swap(src[i]))
		}
		blendSwapped(got, src)
		for i := range got {
			if got[i]&0xffffff != want[i] {
				t.Fatalf("of %d pixels number %d, %08x, became %06x, want %06x", n, i, src[i], got[i]&0xffffff, want[i])
			}
		}
	}
}

func BenchmarkBlendSwapped(b *testing.B) {
	src, dst := veil(1920), make([]uint32, 1920)
	b.SetBytes(1920 * 4)
	for b.Loop() {
		blendSwapped(dst, src)
	}
}
