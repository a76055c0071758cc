package keyring

import (
	"crypto/rand"
	"math"
	"strings"
	"unicode"

	"vitrine/agent/bundle"
)

// Passphrase makes one that nobody guesses: eight words of 11 bits.
func Passphrase() string {
	words := append(bundle.Words([]byte(rand.Text())), bundle.Words([]byte(rand.Text()))...)
	return strings.Join(words, "-")
}

// enoughBits is what no thief of the file tries through at WorkFactor, about a second a try on one core.
const enoughBits = 75

// Weak says why a passphrase can be guessed, "" = it seems good. It is a rough count from above: a line of a song passes.
func Weak(passphrase string) string {
	classes := map[string]float64{}
	distinct := map[rune]bool{}
	runs := 0.0
	var last rune
	for i, r := range passphrase {
		switch {
		case unicode.IsDigit(r):
			classes["digits"] = 10
		case unicode.IsLower(r):
			classes["small"] = 26
		case unicode.IsUpper(r):
			classes["capital"] = 26
		default:
			classes["other"] = 30
		}
		if distance := r - last; i == 0 || distance < -1 || distance > 1 { // "aaaa" and "1234" add little
			runs++
		}
		distinct[r], last = true, r
	}
	pool := 0.0
	for _, n := range classes {
		pool += n
	}
	switch bits := min(runs, 2*float64(len(distinct))) * math.Log2(max(2, pool)); {
	case passphrase == "":
		return "it is empty"
	case strings.TrimSpace(passphrase) != passphrase:
		return "it begins or ends with a space, which is easily lost"
	case bits < enoughBits:
		return "it is short or repeats itself: take six words or more that have nothing to do with each other"
	}
	return ""
}
