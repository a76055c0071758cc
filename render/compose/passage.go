package compose

import (
	"encoding/binary"
	"image"
	"math"
	"time"

	"vitrine/render/scene"
)

// passage is a transition under way. How far it is follows from the clock alone: a machine that is too slow for it shows
// fewer steps, and is through at the same time.
type passage struct {
	kind, toward string
	began        time.Time
	length       time.Duration
	part         float64   // 0 = what was there, 1 = what comes
	due          time.Time // of the next step
}

const (
	usualPassage   = 600 * time.Millisecond
	longestPassage = 5 * time.Second
)

// passageOf is how long a transition takes, zero for a cut.
func passageOf(t *scene.Transition) time.Duration {
	switch {
	case t == nil || t.Kind != "fade" && t.Kind != "slide" && t.Kind != "wipe":
		return 0
	case t.For <= 0:
		return usualPassage
	}
	return min(time.Duration(t.For), longestPassage)
}

// newPassage begins a transition, nil for a cut. It is over before longest is, where that is not zero.
func newPassage(t *scene.Transition, longest time.Duration, now time.Time) *passage {
	length := passageOf(t)
	if longest > 0 {
		length = min(length, longest)
	}
	if length == 0 {
		return nil
	}
	return &passage{kind: t.Kind, toward: t.Toward, began: now, length: length}
}

// step moves the passage on and says whether there is something new to be drawn; over is its end.
func (p *passage) step(now time.Time, c ticks) (changed, over bool) {
	if !now.Before(p.began.Add(p.length)) {
		return true, true
	}
	if now.Before(p.due) {
		return false, false
	}
	p.due = c.after(now)
	// What is drawn now is seen a frame later: the first step already shows some of what comes.
	p.part = min(1, float64(now.Sub(p.began)+c.period)/float64(p.length))
	return true, false
}

// eased is the way of what moves: slow at both ends.
func (p *passage) eased() float64 { return p.part * p.part * (3 - 2*p.part) }

// rows gives row y of a picture as premultiplied pixels, which hold until the next call.
type rows func(y int) []uint32

// row draws row y of a picture of the given size that is on its way from a to b.
func (p *passage) row(dst []uint32, y int, size image.Point, a, b rows) {
	switch p.kind {
	case "slide":
		p.slide(dst, y, size, a, b)
	case "wipe":
		p.wipe(dst, y, size, a, b)
	default:
		mix(dst, a(y), b(y), uint32(math.Round(p.part*256)))
	}
}

// slide has what comes push out what was there.
func (p *passage) slide(dst []uint32, y int, size image.Point, a, b rows) {
	o, v := int(math.Round(p.eased()*float64(size.X))), int(math.Round(p.eased()*float64(size.Y)))
	switch p.toward {
	case "right":
		copy(dst[:o], b(y)[size.X-o:])
		copy(dst[o:], a(y)[:size.X-o])
	case "up":
		if y < size.Y-v {
			copy(dst, a(y+v))
		} else {
			copy(dst, b(y-size.Y+v))
		}
	case "down":
		if y < v {
			copy(dst, b(y+size.Y-v))
		} else {
			copy(dst, a(y-v))
		}
	default:
		copy(dst[:size.X-o], a(y)[o:])
		copy(dst[size.X-o:], b(y)[:o])
	}
}

// wipe uncovers what comes behind a soft edge.
func (p *passage) wipe(dst []uint32, y int, size image.Point, a, b rows) {
	long, at, back := size.X, 0, p.toward != "right" && p.toward != "down" // at counts from where the edge begins
	if p.toward == "up" || p.toward == "down" {
		if long, at = size.Y, y; back {
			at = size.Y - 1 - y
		}
		mix(dst, a(y), b(y), p.uncovered(at, long))
		return
	}
	ra, rb := a(y), b(y)
	soft := max(1, long/32)
	edge := int(p.eased() * float64(long+soft)) // beyond it all is as it was, soft pixels before it all is new
	from, to := max(0, edge-soft), min(long, edge)
	if back {
		copy(dst[:long-to], ra)
		copy(dst[long-from:], rb[long-from:])
		for x := long - to; x < long-from; x++ {
			mix(dst[x:x+1], ra[x:x+1], rb[x:x+1], p.uncovered(long-1-x, long))
		}
		return
	}
	copy(dst[:from], rb)
	copy(dst[to:], ra[to:])
	for x := from; x < to; x++ {
		mix(dst[x:x+1], ra[x:x+1], rb[x:x+1], p.uncovered(x, long))
	}
}

// uncovered is the weight of what comes, of 256, at a place that counts from where the edge begins.
func (p *passage) uncovered(at, long int) uint32 {
	soft := max(1, long/32)
	edge := p.eased() * float64(long+soft)
	return uint32(256 * min(1, max(0, (edge-float64(at))/float64(soft))))
}

// mix is k/256 of b and the rest of a, all four bytes of each pixel; two pixels at a time.
func mix(dst, a, b []uint32, k uint32) {
	switch k {
	case 0:
		copy(dst, a[:len(dst)])
		return
	case 256:
		copy(dst, b[:len(dst)])
		return
	}
	const low = 0x00ff00ff00ff00ff
	j, l := uint64(256-k), uint64(k)
	d, x, y := octets(dst), octets(a[:len(dst)]), octets(b[:len(dst)])
	for len(d) >= 8 && len(x) >= 8 && len(y) >= 8 {
		v, w := binary.LittleEndian.Uint64(x), binary.LittleEndian.Uint64(y)
		even := (v&low*j + w&low*l) >> 8 & low
		odd := (v>>8&low*j + w>>8&low*l) &^ low
		binary.LittleEndian.PutUint64(d, even|odd)
		d, x, y = d[8:], x[8:], y[8:]
	}
	if n := len(dst) - 1; len(d) > 0 {
		v, w := uint64(a[n]), uint64(b[n])
		dst[n] = uint32((v&low*j+w&low*l)>>8&low | (v>>8&low*j+w>>8&low*l)&^low)
	}
}
