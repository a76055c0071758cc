package compose

import (
	"image"
	"slices"
	"testing"
	"time"
)

// stripes are rows of pixels that say where they are from.
func stripes(of uint32) rows {
	return func(y int) []uint32 {
		out := make([]uint32, 4)
		for x := range out {
			out[x] = of<<8 | uint32(y)<<4 | uint32(x)
		}
		return out
	}
}

func TestASlideMovesBothPictures(t *testing.T) {
	size := image.Pt(4, 4)
	a, b := stripes(0xa), stripes(0xb)
	for toward, want := range map[string][]uint32{ // row 1, half of the way
		"left":  {0xa12, 0xa13, 0xb10, 0xb11},
		"right": {0xb12, 0xb13, 0xa10, 0xa11},
		"up":    {0xa30, 0xa31, 0xa32, 0xa33},
		"down":  {0xb30, 0xb31, 0xb32, 0xb33},
	} {
		p := passage{kind: "slide", toward: toward, part: 0.5}
		dst := make([]uint32, 4)
		if p.row(dst, 1, size, a, b); !slices.Equal(dst, want) {
			t.Errorf("toward %s row 1 is %x, want %x", toward, dst, want)
		}
	}
}

func TestEveryTransitionBeginsAndEndsWhole(t *testing.T) {
	size := image.Pt(4, 4)
	a, b := stripes(0xa), stripes(0xb)
	for _, kind := range []string{"fade", "slide", "wipe"} {
		for _, toward := range []string{"", "left", "right", "up", "down"} {
			for part, whole := range map[float64]rows{0: a, 1: b} {
				p := passage{kind: kind, toward: toward, part: part}
				for y := range size.Y {
					dst := make([]uint32, size.X)
					if p.row(dst, y, size, a, b); !slices.Equal(dst, whole(y)) {
						t.Errorf("%s %s at %v: row %d is %x, want %x", kind, toward, part, y, dst, whole(y))
					}
				}
			}
		}
	}
}

func TestAMixIsOfAllFourBytes(t *testing.T) {
	a := []uint32{0x00ff8010, 0xffffffff, 0x10203040}
	b := []uint32{0xff00ff20, 0x00000000, 0x10203040}
	dst := make([]uint32, 3)
	mix(dst, a, b, 128)
	if want := []uint32{0x7f7fbf18, 0x7f7f7f7f, 0x10203040}; !slices.Equal(dst, want) {
		t.Errorf("half of each is %x, want %x", dst, want)
	}
}

func TestASlowMachineShowsFewerStepsOfATransition(t *testing.T) {
	begin := time.Unix(1000, 0)
	tick := ticks{epoch: begin, period: 16 * time.Millisecond}
	p := passage{kind: "fade", began: begin, length: time.Second}
	for _, at := range []time.Duration{0, 300 * time.Millisecond, 950 * time.Millisecond} { // nothing was drawn in between
		if changed, over := p.step(begin.Add(at), tick); !changed || over {
			t.Fatalf("at %v: changed %v, over %v", at, changed, over)
		}
		if want := float64(at+tick.period) / float64(time.Second); p.part < want-0.001 || p.part > want+0.001 {
			t.Errorf("at %v it is at %v, want %v", at, p.part, want)
		}
	}
	if _, over := p.step(begin.Add(1200*time.Millisecond), tick); !over {
		t.Error("it is not over after its time")
	}
}
