package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestATickersMovementsAreHeldAgainstTheScreensFrames(t *testing.T) {
	const frame = time.Second / 60
	move := func(change func(i int, s *spot)) []spot {
		var out []spot
		for i := range 200 {
			s := spot{time.Duration(i) * frame, 1800 - float64(i)*tickerSpeed/60}
			change(i, &s)
			out = append(out, s)
		}
		return out
	}
	for _, tc := range []struct {
		name, off, late string
		spots           []spot
	}{
		{"even", "0.00 px", "0 of 199", move(func(int, *spot) {})},
		{"a jump of two pixels", "2.00 px", "0 of 199", move(func(i int, s *spot) {
			if i >= 100 {
				s.x -= 2
			}
		})},
		{"a frame left out moves as far as two", "0.00 px", "1 of 199", move(func(i int, s *spot) {
			if i >= 100 {
				s.at, s.x = s.at+frame, s.x-tickerSpeed/60.0
			}
		})},
		{"another letter", "0.00 px", "0 of 197", move(func(i int, s *spot) {
			if i == 100 {
				s.x = math.NaN()
			}
		})},
	} {
		f, err := even(tc.spots)
		if err != nil || !strings.HasPrefix(f[0].Ours, tc.off) || f[1].Ours != tc.late {
			t.Errorf("%s: %v, %v; want %s and %s", tc.name, f, err, tc.off, tc.late)
		}
	}
	if _, err := even(nil); err == nil {
		t.Error("nothing was seen, and nothing is said of it")
	}
}
