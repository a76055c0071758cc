package layout

import (
	"fmt"
	"math"

	"vitrine/render/output"
)

// check says what is wrong with a correction.
func check(p output.Picture) error {
	switch {
	case p.Brightness < -100 || p.Brightness > 100:
		return fmt.Errorf("a brightness of %d cannot be; give -100 to 100", p.Brightness)
	case p.Contrast < -100 || p.Contrast > 100:
		return fmt.Errorf("a contrast of %d cannot be; give -100 to 100", p.Contrast)
	case p.Gamma != 0 && !(p.Gamma >= 0.2 && p.Gamma <= 5):
		return fmt.Errorf("a gamma of %g cannot be; give 0.2 to 5", p.Gamma)
	case p.Warmth < 0 || p.Warmth > 100:
		return fmt.Errorf("a warmth of %d cannot be; give 0 to 100", p.Warmth)
	}
	return nil
}

// newTables makes the look-up tables of a correction, nil for none.
func newTables(p output.Picture) *tables {
	l, changes := new(tables), false
	for c := range l {
		for v := range l[c] {
			l[c][v] = correct(p, c, v)
			changes = changes || int(l[c][v]) != v
		}
	}
	if !changes {
		return nil
	}
	return l
}

// correct is the value of a channel (0 blue, 1 green, 2 red) on the screen: gamma first, contrast around the middle
// grey, brightness, and then what warmth leaves of it. At 100, warmth is about the light of 3400 K.
func correct(p output.Picture, channel, value int) byte {
	v := float64(value) / 255
	if p.Gamma > 0 {
		v = math.Pow(v, 1/p.Gamma)
	}
	gain := 1 + float64(p.Contrast)/100 // as mpv has it
	v = (v-0.5)*gain + 0.5 + float64(p.Brightness)/100
	keep := [3]float64{0.52, 0.77, 1}[channel]
	v *= 1 - (1-keep)*float64(p.Warmth)/100
	return byte(math.Round(min(max(v, 0), 1) * 255))
}

// Correction is the value of a channel (0 blue, 1 green, 2 red) on the screen, for who corrects by other means.
func Correction(p output.Picture) func(channel, value int) byte {
	return func(channel, value int) byte { return correct(p, channel, value) }
}
