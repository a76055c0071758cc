package paint

import (
	"math"
	"testing"
	"time"
)

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		text, locale string
		want         float64
		ok           bool
	}{
		{"1234.5", "en", 1234.5, true}, {"1\u202f234,50\u202f€", "fr", 1234.5, true}, {"1,234", "en", 1234, true}, {"1,234", "fr", 1.234, true},
		{"1,5", "en", 1.5, true}, {"1.234,5", "de", 1234.5, true}, {"1,234.5", "fr", 1234.5, true}, {"12 %", "fr", 12, true}, {"−3", "fr", -3, true},
		{"$ 1'000", "en", 1000, true}, {"", "en", 0, false}, {"abc", "en", 0, false}, {"1.2.3", "en", 0, false}, {"NaN", "en", 0, false},
		{"99999999999999999999", "en", 0, false}, {"1e5", "en", 0, false},
	} {
		if got, ok := parseNumber(c.text, c.locale); ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%q in %s: %v, %v; want %v, %v", c.text, c.locale, got, ok, c.want, c.ok)
		}
	}
}

func TestNumbersAreWrittenInTheLanguage(t *testing.T) {
	for _, c := range []struct {
		v            float64
		decimals     int
		unit, locale string
		want         string
	}{
		{1234567.5, 1, "", "en", "1,234,567.5"}, {1234567.5, 1, "€", "fr", "1\u202f234\u202f567,5\u202f€"}, {-12000, 0, "", "fr", "−12\u202f000"},
		{2000, 0, "", "fr", "2000"}, {-0.01, 0, "", "en", "0"}, {12, 0, "%", "en", "12%"}, {12, 0, "%", "fr", "12\u202f%"},
	} {
		if got := formatNumber(c.v, c.decimals, c.unit, c.locale); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

func TestAxesHaveRoundNumbersAndCoverTheValues(t *testing.T) {
	for _, c := range []struct{ from, to, wantFrom, wantTo, step float64 }{
		{0, 2350, 0, 2500, 500}, {-300, 2400, -1000, 3000, 1000}, {0, 1, 0, 1, 0.2}, {0, 0.037, 0, 0.04, 0.01}, {95, 103, 94, 104, 2}, {5, 5, 5, 6, 0.2},
	} {
		a := newAxis(c.from, c.to, 5)
		if c.from == -300 {
			a = newAxis(c.from, c.to, 4)
		}
		if math.Abs(a.from-c.wantFrom) > 1e-9 || math.Abs(a.to-c.wantTo) > 1e-9 || math.Abs(a.step-c.step) > 1e-9 {
			t.Errorf("%v to %v: %+v", c.from, c.to, a)
		}
		if n := len(a.ticks()); n < 2 || n > 12 {
			t.Errorf("%v to %v: %d lines", c.from, c.to, n)
		}
	}
}

func TestCountdownTexts(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct {
		format string
		left   time.Duration
		want   string
	}{
		{"{d} j {hh}:{mm}:{ss}", 49*h + 61*time.Second, "2 j 01:01:01"}, {"{h}:{mm}", 49*h + 5*time.Minute, "49:05"}, {"{m} min", 90 * time.Minute, "90 min"},
		{"J−{d}", 72 * h, "J−3"}, {"{hh}", 5 * h, "05"}, {"bientôt", h, "bientôt"},
	} {
		if got := countText(c.format, c.left); got != c.want {
			t.Errorf("%q of %v: %q, want %q", c.format, c.left, got, c.want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("1 234,5 €", "fr")
	f.Add("--..,,", "en")
	f.Fuzz(func(t *testing.T, s, locale string) {
		v, ok := parseNumber(s, locale)
		if math.IsNaN(v) || math.IsInf(v, 0) || !ok && v != 0 {
			t.Errorf("%q: %v, %v", s, v, ok)
		}
	})
}
