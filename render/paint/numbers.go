package paint

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// parseNumber reads a number as people write it in tables: "1234.5", "1 234,50 €", "12 %", "-3". Where only a comma is
// there it is a decimal sign, unless it groups thousands in a language that does so.
func parseNumber(s, locale string) (float64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r == '.', r == ',', r == '-', r == '+':
			b.WriteRune(r)
		case r == '−':
			b.WriteRune('-')
		case unicode.IsSpace(r), r == '\u202f', r == '\'', r == '’', r == '%', unicode.Is(unicode.Sc, r):
		default:
			return 0, false
		}
	}
	s = b.String()
	dot, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	switch {
	case dot >= 0 && comma > dot:
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	case dot >= 0:
		s = strings.ReplaceAll(s, ",", "")
	case comma >= 0 && !french(locale) && len(s)-comma == 4:
		s = strings.ReplaceAll(s, ",", "")
	case comma >= 0:
		s = strings.Replace(s, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || math.Abs(v) > 1e15 {
		return 0, false
	}
	return v, true
}

func french(locale string) bool { return strings.HasPrefix(strings.ToLower(locale), "fr") }

// formatNumber writes a number with a count of decimals, its thousands grouped as the language does.
func formatNumber(v float64, decimals int, unit, locale string) string {
	group, point := ",", "."
	if french(locale) {
		group, point = "\u202f", ","
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, part, _ := strings.Cut(s, ".")
	var b strings.Builder
	if v < 0 && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 && len(whole) > 4 {
			b.WriteString(group)
		}
		b.WriteRune(r)
	}
	if part != "" {
		b.WriteString(point + part)
	}
	if unit != "" {
		if french(locale) || unit != "%" {
			b.WriteString("\u202f")
		}
		b.WriteString(unit)
	}
	return b.String()
}

// axis is a scale with round numbers.
type axis struct {
	from, to, step float64
	decimals       int
}

// newAxis covers a range with about n steps of 1, 2 or 5 times a power of ten.
func newAxis(from, to float64, n int) axis {
	if !(to > from) {
		to = from + 1
	}
	rough := (to - from) / float64(max(n, 1))
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, k := range []float64{1, 2, 5} {
		if k*power >= rough*0.999 {
			step = k * power
			break
		}
	}
	a := axis{step: step, from: math.Floor(from/step+1e-9) * step, to: math.Ceil(to/step-1e-9) * step}
	a.decimals = min(max(0, int(math.Ceil(-math.Log10(step)-1e-9))), 6)
	return a
}

// at is where a value lies between the ends, 0 to 1.
func (a axis) at(v float64) float64 { return (v - a.from) / (a.to - a.from) }

// ticks are the values of the lines across.
func (a axis) ticks() []float64 {
	var out []float64
	for i := 0; i <= 20; i++ {
		v := a.from + float64(i)*a.step
		if v > a.to+a.step/2 {
			break
		}
		out = append(out, v)
	}
	return out
}
