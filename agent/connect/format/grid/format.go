package grid

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape says what a number looks like in a format.
type shape uint8

const (
	general  shape = iota
	plain          // digits and nothing else
	unit           // digits and more: percent, money, fractions, zeros in front
	date           // of a day
	clock          // of a time of day
	dateTime       // of both
	span           // hours that go beyond a day
	words          // no digits at all
)

// part is one piece of a section of a format.
type part struct {
	kind byte   // 'l' literal, 'd' digits, 't' date or time, '@' the text, 'g' General
	text string // the literal, the placeholders, or the letters such as mmm, [h], AM/PM, .00
}

// section is one of the up to four parts of a format: positive; negative; zero; text.
type section struct {
	parts   []part
	shape   shape
	percent int
	when    string // condition such as >=100
}

// code is a number format (ECMA-376 part 1, 18.8.31; the same language in .xls).
type code struct{ sections []section }

// maxCode bounds the length of a format: Excel's own is 255 characters.
const maxCode = 1024

func parseCode(s string) code {
	if len(s) > maxCode {
		s = ""
	}
	var c code
	for _, text := range cut(s) {
		c.sections = append(c.sections, parseSection(text))
		if len(c.sections) == 4 {
			break
		}
	}
	return c
}

// cut cuts at the semicolons that are not quoted.
func cut(s string) []string {
	var out []string
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == '\\':
			i++
		case !quoted && s[i] == ';':
			out, from = append(out, s[from:i]), i+1
		}
	}
	return append(out, s[from:])
}

func parseSection(s string) section {
	var sec section
	for len(s) > 0 {
		s = s[sec.next(s):]
	}
	sec.classify()
	return sec
}

// literal adds text that is shown as it is.
func (sec *section) literal(text string) {
	if n := len(sec.parts); n > 0 && sec.parts[n-1].kind == 'l' {
		sec.parts[n-1].text += text
	} else {
		sec.parts = append(sec.parts, part{'l', text})
	}
}

// next takes one piece of a section and says how long it is.
func (sec *section) next(s string) (used int) {
	switch {
	case s[0] == '"':
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			end = len(s) - 1
		}
		sec.literal(s[1 : 1+end])
		return min(end+2, len(s))
	case s[0] == '\\' || s[0] == '_' || s[0] == '*': // the next is shown, is as wide as, or fills
		_, n := utf8.DecodeRuneInString(s[1:])
		if s[0] == '\\' {
			sec.literal(s[1 : 1+n])
		} else if s[0] == '_' {
			sec.literal(" ")
		}
		return 1 + n
	case s[0] == '[':
		return sec.bracket(s)
	case s[0] == '@':
		sec.parts = append(sec.parts, part{'@', ""})
		return 1
	case strings.IndexByte("0#?", s[0]) >= 0, s[0] == '.' && len(s) > 1 && strings.IndexByte("0#?", s[1]) >= 0 && !(sec.afterSeconds() && s[1] == '0'):
		used = digits(s)
		sec.parts = append(sec.parts, part{'d', s[:used]})
		return used
	case s[0] == '%':
		sec.percent++
		sec.literal("%")
		return 1
	}
	if used = sec.word(s); used == 0 {
		_, used = utf8.DecodeRuneInString(s)
		sec.literal(s[:used])
	}
	return used
}

// word takes General, or a piece of a date; 0 where there is none.
func (sec *section) word(s string) (used int) {
	has := func(word string) bool { return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) }
	for _, name := range []string{"General", "Standard"} {
		if has(name) {
			sec.parts = append(sec.parts, part{'g', ""})
			return len(name)
		}
	}
	for _, half := range []string{"am/pm", "a/p"} {
		if has(half) {
			sec.parts = append(sec.parts, part{'t', half})
			return len(half)
		}
	}
	letter := s[0] | 0x20
	same := func(c byte) bool { return c|0x20 == letter }
	if s[0] == '.' && sec.afterSeconds() && len(s) > 1 && s[1] == '0' {
		used, same = 1, func(c byte) bool { return c == '0' }
	} else if strings.IndexByte("ymdhs", letter) < 0 {
		return 0
	}
	for used < len(s) && same(s[used]) {
		used++
	}
	sec.parts = append(sec.parts, part{'t', strings.ToLower(s[:used])})
	return used
}

// bracket reads [Red], [>=100], [h] and [$€-40C].
func (sec *section) bracket(s string) (used int) {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		sec.literal("[")
		return 1
	}
	in := s[1:end]
	switch low := strings.ToLower(in); {
	case low != "" && (strings.Trim(low, "h") == "" || strings.Trim(low, "m") == "" || strings.Trim(low, "s") == ""):
		sec.parts = append(sec.parts, part{'t', "[" + low + "]"})
	case in != "" && strings.IndexByte("<>=", in[0]) >= 0:
		sec.when = in
	case strings.HasPrefix(in, "$"):
		symbol, _, _ := strings.Cut(in[1:], "-")
		sec.literal(symbol)
	}
	return end + 1
}

func (sec *section) afterSeconds() bool {
	n := len(sec.parts)
	return n > 0 && sec.parts[n-1].kind == 't' && strings.Trim(sec.parts[n-1].text, "[s]") == ""
}

// digits is how long a run of placeholders is, with its separators, point, exponent.
func digits(s string) int {
	n := 0
	for n < len(s) {
		switch {
		case strings.IndexByte("0#?.,", s[n]) >= 0:
			n++
		case s[n]|0x20 == 'e' && n+2 < len(s) && (s[n+1] == '+' || s[n+1] == '-') && strings.IndexByte("0#?", s[n+2]) >= 0:
			n += 2
		default:
			return n
		}
	}
	return n
}

// classify finds what a number looks like, and which m are minutes.
func (sec *section) classify() {
	var days, times, spans, holders, other bool
	runs := 0
	for i, p := range sec.parts {
		switch p.kind {
		case 't':
			if strings.Trim(p.text, "m") == "" && len(p.text) <= 2 && sec.minutes(i) {
				sec.parts[i].text = strings.Repeat("n", len(p.text)) // n for minutes
				times = true
				continue
			}
			switch p.text[0] {
			case '[':
				spans = true
			case 'y', 'm', 'd':
				days = true
			default:
				times = true
			}
		case 'd', 'g':
			holders = true
			whole, _, _ := strings.Cut(p.text, ".")
			if runs++; runs > 1 || strings.HasPrefix(whole, "00") { // a telephone number, a postal code
				other = true
			}
		case 'l':
			other = other || strings.ContainsFunc(p.text, func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune("()+-\u2212", r) })
		}
	}
	switch {
	case spans:
		sec.shape = span
	case days && times:
		sec.shape = dateTime
	case days:
		sec.shape = date
	case times:
		sec.shape = clock
	case holders && other:
		sec.shape = unit
	case len(sec.parts) == 0, len(sec.parts) == 1 && sec.parts[0].kind == 'g':
		sec.shape = general
	case holders:
		sec.shape = plain
	case len(sec.parts) == 1 && sec.parts[0].kind == '@':
		sec.shape = general
	default:
		sec.shape = words
	}
}

// minutes says whether the m at i are minutes: after hours or before seconds.
func (sec *section) minutes(i int) bool {
	for j := i - 1; j >= 0; j-- {
		if sec.parts[j].kind == 't' {
			if t := strings.Trim(sec.parts[j].text, "[]"); t[0] == 'h' {
				return true
			}
			break
		}
	}
	for j := i + 1; j < len(sec.parts); j++ {
		if sec.parts[j].kind == 't' {
			return strings.Trim(sec.parts[j].text, "[]")[0] == 's'
		}
	}
	return false
}
