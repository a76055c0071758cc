package layout

import (
	"image"
	"math"
)

// scaler makes a picture larger or smaller: Catmull and Rom's cubic, widened when it becomes smaller, so that lines
// neither flicker nor vanish. Any part of it comes out as it does in the whole.
type scaler struct {
	from, to image.Point
	x, y     []taps
	out      source
	lines    [][]float32 // of the source, scaled across: by row modulo their number
	line     []int       // which row is there
	wide     []float32   // a row of the source
	sum      []float32   // a row of the picture
}

// taps are the source pixels that make one pixel: from first on.
type taps struct {
	first   int
	weights []float32
}

func newScaler(from, to image.Point) *scaler {
	s := &scaler{from: from, to: to, x: kernel(from.X, to.X), y: kernel(from.Y, to.Y)}
	s.out = source{pix: make([]byte, to.X*to.Y*4), stride: to.X * 4}
	s.wide, s.sum = make([]float32, from.X*3), make([]float32, to.X*3)
	high := 1
	for _, t := range s.y {
		high = max(high, len(t.weights))
	}
	s.lines, s.line = make([][]float32, high), make([]int, high)
	for i := range s.lines {
		s.lines[i] = make([]float32, to.X*3)
	}
	return s
}

// kernel says for each of m pixels which of n make it.
func kernel(n, m int) []taps {
	ratio := float64(n) / float64(m)
	widen := max(1, ratio)
	out := make([]taps, m)
	for i := range out {
		centre := (float64(i)+0.5)*ratio - 0.5
		lo, hi := int(math.Ceil(centre-2*widen)), int(math.Floor(centre+2*widen))
		first, last := min(max(0, lo), n-1), max(0, min(n-1, hi))
		w, sum := make([]float64, last-first+1), 0.0
		for j := lo; j <= hi; j++ {
			k := catmullRom((float64(j) - centre) / widen)
			w[min(max(j, first), last)-first] += k // beyond the edge the edge goes on
			sum += k
		}
		t := taps{first: first, weights: make([]float32, len(w))}
		for j := range w {
			t.weights[j] = float32(w[j] / sum)
		}
		out[i] = t
	}
	return out
}

func catmullRom(t float64) float64 {
	t = math.Abs(t)
	switch {
	case t < 1:
		return (1.5*t-2.5)*t*t + 1
	case t < 2:
		return ((-0.5*t+2.5)*t-4)*t + 2
	}
	return 0
}

// scale brings up to date what a dirty part of the source changes, and returns which pixels these are.
func (s *scaler) scale(from source, dirty image.Rectangle) image.Rectangle {
	var r image.Rectangle
	r.Min.X, r.Max.X = reach(s.x, dirty.Min.X, dirty.Max.X)
	r.Min.Y, r.Max.Y = reach(s.y, dirty.Min.Y, dirty.Max.Y)
	for i := range s.line {
		s.line[i] = -1
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		t := s.y[y]
		for j := range t.weights {
			s.across(from, t.first+j, r.Min.X, r.Max.X)
		}
		s.blend(t, y, r.Min.X, r.Max.X)
	}
	return r
}

// reach is the range of pixels that are made of any of the source's lo to hi.
func reach(all []taps, lo, hi int) (int, int) {
	a, b := len(all), 0
	for i, t := range all {
		if t.first < hi && t.first+len(t.weights) > lo {
			a, b = min(a, i), i+1
		}
	}
	return min(a, b), b
}

// across scales a row of the source, unless it is there.
func (s *scaler) across(from source, row, x0, x1 int) {
	n := row % len(s.lines)
	if s.line[n] == row {
		return
	}
	s.line[n] = row
	first := s.x[x0].first
	end := s.x[x1-1].first + len(s.x[x1-1].weights)
	src := from.pix[row*from.stride+first*4 : row*from.stride+end*4]
	wide := s.wide[:(end-first)*3]
	for i, o := 0, 0; i+4 <= len(src) && o+3 <= len(wide); i, o = i+4, o+3 {
		wide[o], wide[o+1], wide[o+2] = float32(src[i]), float32(src[i+1]), float32(src[i+2])
	}
	dst := s.lines[n]
	for x := x0; x < x1; x++ {
		t := &s.x[x]
		p := wide[(t.first-first)*3:]
		var b, g, r float32
		for _, w := range t.weights {
			q := p[:3:3]
			b += w * q[0]
			g += w * q[1]
			r += w * q[2]
			p = p[3:]
		}
		d := dst[x*3 : x*3+3 : x*3+3]
		d[0], d[1], d[2] = b, g, r
	}
}

// blend makes one row of the picture of the rows that are there.
func (s *scaler) blend(t taps, y, x0, x1 int) {
	sum := s.sum[:(x1-x0)*3]
	for i, w := range t.weights {
		line := s.lines[(t.first+i)%len(s.lines)][x0*3 : x1*3]
		if i == 0 {
			for j, v := range line {
				sum[j] = w * v
			}
			continue
		}
		for j, v := range line[:len(sum)] {
			sum[j] += w * v
		}
	}
	dst := s.out.pix[y*s.out.stride+x0*4 : y*s.out.stride+x1*4]
	for i, o := 0, 0; i+4 <= len(dst) && o+3 <= len(sum); i, o = i+4, o+3 {
		dst[i], dst[i+1], dst[i+2] = whole(sum[o]), whole(sum[o+1]), whole(sum[o+2])
	}
}

func whole(v float32) byte {
	n := int32(v + 0.5)
	if uint32(n) <= 255 {
		return byte(n)
	}
	if n < 0 {
		return 0
	}
	return 255
}
