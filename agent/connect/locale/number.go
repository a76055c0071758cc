package locale

import (
	"math/big"
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// casing is Turkish and Azeri for those, and nothing special otherwise.
func casing(t language.Tag) unicode.SpecialCase {
	switch base, _ := t.Base(); base.String() {
	case "tr", "az":
		return unicode.TurkishCase
	}
	return nil
}

const maxDigits = 100

// Decimal reads a number as people write it, with its currency or unit around it, and gives it with a point: "1 234,50 €"
// is 1234.50 in France. Where both marks could be meant, the locale decides.
func (l Locale) Decimal(text string) (string, bool) {
	digits, negative, ok := bare(text)
	if !ok {
		return "", false
	}
	whole, fraction, ok := l.split(digits)
	if !ok || len(whole)+len(fraction) > maxDigits {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative && strings.Trim(whole, "0.") != "" {
		whole = "-" + whole
	}
	return whole, true
}

// bare takes sign, currency and unit away; what is left are digits, points, commas and marks between thousands.
func bare(text string) (digits string, negative, ok bool) {
	r := []rune(strings.TrimSpace(text))
	first, last := -1, -1
	for i, c := range r {
		if _, is := digit(c); is {
			if last = i; first < 0 {
				first = i
			}
		}
	}
	if first < 0 || len(r) > 2*maxDigits {
		return "", false, false
	}
	if first > 0 && (r[first-1] == '.' || r[first-1] == ',') {
		first-- // ".5"
	}
	signs := 0
	for _, c := range append(r[:first:first], r[last+1:]...) {
		switch {
		case c == '-' || c == '−' || c == '(':
			negative = true
			signs++
		case c == '+':
			signs++
		case !(unicode.IsLetter(c) || unicode.Is(unicode.Sc, c) || unicode.IsSpace(c) || strings.ContainsRune("%‰°²³/.)", c)):
			return "", false, false
		}
	}
	if signs > 1 || first > 10 || len(r)-last-1 > 12 {
		return "", false, false
	}
	var b strings.Builder
	for _, c := range r[first : last+1] {
		d, is := digit(c)
		switch {
		case is:
			b.WriteByte(d)
		case c == '.' || c == ',':
			b.WriteRune(c)
		case c == '\'' || c == '’' || unicode.IsSpace(c):
			b.WriteByte(' ')
		case c == '٫':
			b.WriteByte('.')
		default:
			return "", false, false
		}
	}
	return b.String(), negative, true
}

// digit knows those of Europe, Arabic and Persian.
func digit(c rune) (byte, bool) {
	for _, zero := range []rune{'0', '٠', '۰'} {
		if c >= zero && c <= zero+9 {
			return byte('0' + c - zero), true
		}
	}
	return 0, false
}

// split finds the mark before the decimals.
func (l Locale) split(s string) (whole, fraction string, ok bool) {
	point, comma := strings.Count(s, "."), strings.Count(s, ",")
	mark := ""
	switch {
	case point > 0 && comma > 0: // the last is before the decimals, the others are between thousands
		if mark = "."; strings.LastIndexByte(s, ',') > strings.LastIndexByte(s, '.') {
			mark = ","
		}
		if strings.Count(s, mark) > 1 {
			return "", "", false
		}
	case point == 1 && !(l.group == "." && thousands(s, ".")):
		mark = "."
	case comma == 1 && !(l.group == "," && thousands(s, ",")):
		mark = ","
	}
	whole = s
	if mark != "" {
		whole, fraction, _ = strings.Cut(s, mark)
	}
	for _, group := range []string{" ", ".", ","} {
		if strings.Contains(fraction, group) {
			return "", "", false
		}
		if strings.Contains(whole, group) {
			if !thousands(whole, group) {
				return "", "", false
			}
			whole = strings.ReplaceAll(whole, group, "")
		}
	}
	return whole, fraction, true
}

// thousands says whether a mark stands where thousands are parted, or, as in India, hundreds of them.
func thousands(s, group string) bool {
	parts := strings.Split(s, group)
	if parts[0] == "" || len(parts[0]) > 3 || parts[0] == "0" || len(parts[len(parts)-1]) != 3 {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		if len(p) != 3 && len(p) != 2 {
			return false
		}
	}
	return true
}

// Number writes a decimal as the locale does. show is a pattern such as "0.00 €" or "0 %": its zeros behind the point say
// how many decimals there are, "" leaves them as they are. What is no decimal comes back as it is.
func (l Locale) Number(decimal, show string) string {
	prefix, places, suffix := pattern(show)
	if places >= 0 {
		r, ok := new(big.Rat).SetString(decimal)
		if !ok || len(decimal) > 2*maxDigits || strings.ContainsAny(decimal, "eE/") {
			return decimal
		}
		decimal = r.FloatString(places)
	}
	sign, digits := "", decimal
	if rest, negative := strings.CutPrefix(decimal, "-"); negative {
		sign, digits = "-", rest
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return decimal
	}
	if strings.Trim(whole+fraction, "0") == "" {
		sign = ""
	}
	if len(whole) > 4 || len(whole) == 4 && (fraction != "" || show != "") { // 2027 alone may be a year
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + l.group + whole[i:]
		}
	}
	if fraction != "" {
		whole += l.decimal + fraction
	}
	return sign + prefix + whole + suffix
}

// pattern takes "0.00 €" apart; places is -1 where nothing says how many there are.
func pattern(show string) (prefix string, places int, suffix string) {
	first := strings.IndexAny(show, "0#")
	if first < 0 {
		if show == "" {
			return "", -1, ""
		}
		return "", -1, " " + show
	}
	last := first
	for last < len(show) && strings.IndexByte("0#.,", show[last]) >= 0 {
		last++
	}
	core := show[first:last]
	if mark := strings.LastIndexAny(core, ".,"); mark >= 0 && !strings.HasSuffix(core[mark+1:], "#") {
		places = len(core) - mark - 1
	}
	return show[:first], places, show[last:]
}
