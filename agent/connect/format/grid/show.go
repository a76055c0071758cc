package grid

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// pick finds the section for a number, and whether a sign must be written.
func (c code) pick(n float64) (sec section, sign bool) {
	s := c.sections
	if len(s) == 4 {
		s = s[:3]
	}
	if len(s) == 0 {
		return section{shape: general}, n < 0
	}
	if len(s) > 1 && (s[0].when != "" || s[1].when != "") {
		for i, one := range s {
			if one.when == "" && i == len(s)-1 || one.holds(n) {
				return one, n < 0
			}
		}
		return s[len(s)-1], n < 0
	}
	switch {
	case n > 0 || len(s) == 1:
		return s[0], n < 0
	case n < 0:
		return s[1], false
	case len(s) == 3:
		return s[2], false
	}
	return s[0], false
}

func (sec section) holds(n float64) bool {
	op := strings.TrimRight(sec.when, "0123456789.-+eE ")
	limit, err := strconv.ParseFloat(strings.TrimSpace(sec.when[len(op):]), 64)
	if err != nil {
		return false
	}
	switch op {
	case "<":
		return n < limit
	case "<=":
		return n <= limit
	case ">":
		return n > limit
	case ">=":
		return n >= limit
	case "=":
		return n == limit
	case "<>":
		return n != limit
	}
	return false
}

// show writes a number as its format says.
func (v valuer) show(c code, n float64) string {
	sec, sign := c.pick(n)
	switch sec.shape {
	case general:
		return strings.Replace(decimal(n), ".", v.tongue.point, 1)
	case date, clock, dateTime, span:
		return v.showMoment(sec, n)
	}
	abs := math.Abs(n) * math.Pow10(2*min(sec.percent, 5))
	_, digits, exp := scientific(abs)
	var out strings.Builder
	spread := v.spread(sec, digits, exp)
	for i, p := range sec.parts {
		switch p.kind {
		case 'l':
			if sec.fraction(i) {
				continue
			}
			out.WriteString(p.text)
		case 'g':
			out.WriteString(strings.Replace(place(digits, exp), ".", v.tongue.point, 1))
		case 'd':
			switch {
			case spread != nil:
				out.WriteString(spread[i])
			case i+1 < len(sec.parts) && sec.fraction(i+1):
				out.WriteString(fraction(abs, sec, i))
			case i > 0 && sec.fraction(i-1), sec.whole(i):
			case strings.ContainsAny(p.text, "eE"):
				out.WriteString(v.showPower(p.text, digits, exp))
			default:
				out.WriteString(v.showDigits(p.text, digits, exp))
			}
		}
	}
	s := out.String()
	if sign && strings.ContainsAny(s, "123456789") {
		s = "-" + strings.TrimLeft(s, " ")
	}
	return s
}

// spread writes a number over several runs of placeholders, as in 00 00 00 00 00, by their places; nil where there is one.
func (v valuer) spread(sec section, digits string, exp int) map[int]string {
	var at []int
	holders := ""
	for i, p := range sec.parts {
		if p.kind == 'l' && sec.fraction(i) {
			return nil
		}
		if p.kind == 'd' {
			at, holders = append(at, i), holders+p.text
		}
	}
	if len(at) < 2 || strings.ContainsAny(holders, "eE") {
		return nil
	}
	left, right, point := strings.Cut(v.showDigits(strings.ReplaceAll(holders, ",", ""), digits, exp), v.tongue.point)
	out := map[int]string{}
	for i := len(at) - 1; i >= 0; i-- {
		whole, after, pointed := strings.Cut(sec.parts[at[i]].text, ".")
		switch n := len(whole); {
		case pointed && point:
			take := min(n, len(left))
			out[at[i]], left = left[len(left)-take:]+v.tongue.point+right[:min(len(after), len(right))], left[:len(left)-take]
			right = right[min(len(after), len(right)):]
		case i == 0:
			out[at[i]] = left
		default:
			take := min(n, len(left))
			out[at[i]], left = left[len(left)-take:], left[:len(left)-take]
		}
	}
	return out
}

// fraction says whether the part at i is the stroke of a fraction: between placeholders, or before a fixed number.
func (sec section) fraction(i int) bool {
	if sec.parts[i].kind != 'l' || !strings.HasPrefix(sec.parts[i].text, "/") || i == 0 || sec.parts[i-1].kind != 'd' {
		return false
	}
	if len(sec.parts[i].text) > 1 {
		_, err := strconv.Atoi(sec.parts[i].text[1:])
		return err == nil
	}
	return i+1 < len(sec.parts) && sec.parts[i+1].kind == 'd'
}

// whole says whether the digits at i are the whole number before a fraction, which fraction writes.
func (sec section) whole(i int) bool {
	return i+3 < len(sec.parts) && sec.parts[i+1].kind == 'l' && strings.TrimSpace(sec.parts[i+1].text) == "" && sec.parts[i+2].kind == 'd' && sec.fraction(i+3)
}

// fraction writes a number as whole and nearest fraction; at is the place of its numerator.
func fraction(n float64, sec section, at int) string {
	most, fixed := 9, 0
	if stroke := sec.parts[at+1].text; len(stroke) > 1 {
		fixed, _ = strconv.Atoi(stroke[1:])
	} else if below := sec.parts[at+2].text; strings.Trim(below, "0#?") == "" {
		most = int(math.Pow10(min(len(below), 4))) - 1
	}
	whole, rest := 0.0, n
	mixed := at >= 2 && sec.whole(at-2)
	if mixed {
		whole = math.Floor(n)
		rest = n - whole
	}
	top, below := math.Round(rest), 1
	for d := 2; d <= most && fixed == 0; d++ {
		if t := math.Round(rest * float64(d)); math.Abs(t/float64(d)-rest) < math.Abs(top/float64(below)-rest)-1e-12 {
			top, below = t, d
		}
	}
	if fixed > 0 {
		top, below = math.Round(rest*float64(fixed)), fixed
	}
	if mixed && top == float64(below) {
		whole, top = whole+1, 0
	}
	f := strconv.FormatFloat
	switch {
	case mixed && top == 0:
		return f(whole, 'f', 0, 64)
	case mixed && whole != 0:
		return f(whole, 'f', 0, 64) + " " + f(top, 'f', 0, 64) + "/" + strconv.Itoa(below)
	}
	return f(top, 'f', 0, 64) + "/" + strconv.Itoa(below)
}

// showDigits writes a number into placeholders such as #,##0.00.
func (v valuer) showDigits(holders, digits string, exp int) string {
	whole, after, _ := strings.Cut(holders, ".")
	scaled := strings.TrimRight(whole, ",")
	if after != "" && strings.HasSuffix(after, ",") {
		exp -= 3 * (len(after) - len(strings.TrimRight(after, ",")))
	}
	exp -= 3 * (len(whole) - len(scaled)) // a comma at the end divides by a thousand
	after = strings.ReplaceAll(after, ",", "")
	grouped := strings.Contains(scaled, ",")
	least := 0 // digits from the first 0 on
	if bare := strings.ReplaceAll(scaled, ",", ""); strings.Contains(bare, "0") {
		least = len(bare) - strings.IndexByte(bare, '0')
	}
	if digits != "" {
		digits, exp = round(digits, exp, len(after))
	}
	left, right, _ := strings.Cut(place(digits, exp), ".")
	left = strings.TrimLeft(left, "0")
	left = strings.Repeat("0", max(0, least-len(left))) + left
	if grouped {
		left = group(left, v.tongue.group)
	}
	right += strings.Repeat("0", max(0, len(after)-len(right)))
	for len(right) > 0 && len(right) <= len(after) && right[len(right)-1] == '0' && after[len(right)-1] != '0' {
		right = right[:len(right)-1]
	}
	if right == "" && !strings.HasSuffix(holders, ".") {
		return left
	}
	return left + v.tongue.point + right
}

func group(digits, by string) string {
	var out []string
	for len(digits) > 3 {
		out = append([]string{digits[len(digits)-3:]}, out...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, out...), by)
}

// showPower writes a number into placeholders such as 0.00E+00.
func (v valuer) showPower(holders, digits string, exp int) string {
	i := strings.IndexAny(holders, "eE")
	mantissa, power := holders[:i], holders[i+1:]
	whole, after, _ := strings.Cut(mantissa, ".")
	step := max(1, len(whole))
	e := 0
	if digits != "" {
		e = int(math.Floor(float64(exp-1)/float64(step))) * step
		if d, x := round(digits, exp-e, len(after)); x > step {
			digits, exp = d, x+e
			e += step
		}
	}
	sign := ""
	if e < 0 {
		sign = "-"
	} else if power[0] == '+' {
		sign = "+"
	}
	written := strconv.Itoa(max(e, -e))
	written = strings.Repeat("0", max(0, strings.Count(power, "0")-len(written))) + written
	return v.showDigits(mantissa, digits, exp-e) + "E" + sign + written
}

func (v valuer) showMoment(sec section, n float64) string {
	fraction, half := 0, false
	for _, p := range sec.parts {
		if p.kind == 't' && p.text[0] == '.' {
			fraction = min(len(p.text)-1, 3)
		}
		half = half || p.kind == 't' && (p.text == "am/pm" || p.text == "a/p")
	}
	at, leap, ok := v.at(math.Abs(n), fraction)
	if !ok || n < 0 && sec.shape != span {
		return strings.Replace(decimal(n), ".", v.tongue.point, 1)
	}
	seconds := math.Round(math.Abs(n) * 86400)
	var out strings.Builder
	if n < 0 {
		out.WriteString("-")
	}
	for _, p := range sec.parts {
		switch p.kind {
		case 't':
			out.WriteString(v.piece(p.text, at, seconds, half, leap))
		case 'l':
			out.WriteString(p.text)
		case 'd':
			out.WriteString(p.text)
		}
	}
	return out.String()
}

// piece writes one token of a date.
func (v valuer) piece(token string, at time.Time, seconds float64, half, leap bool) string {
	pad := func(n, width int) string {
		s := strconv.Itoa(n)
		return strings.Repeat("0", max(0, min(width, 20)-len(s))) + s
	}
	month, day, hour := at.Month(), at.Day(), at.Hour()
	if leap {
		month, day = time.February, 29
	}
	if half {
		hour = (hour+11)%12 + 1
	}
	switch width := len(token); token[0] {
	case 'y':
		if width <= 2 {
			return pad(at.Year()%100, 2)
		}
		return pad(at.Year(), 4)
	case 'm':
		name := v.tongue.months[month-1]
		switch {
		case width == 3:
			return v.tongue.short(name)
		case width == 5:
			return string([]rune(name)[:1])
		case width > 3:
			return name
		}
		return pad(int(month), width)
	case 'd':
		name := v.tongue.days[at.Weekday()]
		switch {
		case width == 3:
			return v.tongue.short(name)
		case width > 3:
			return name
		}
		return pad(day, width)
	case 'h':
		return pad(hour, min(width, 2))
	case 'n':
		return pad(at.Minute(), width)
	case 's':
		return pad(at.Second(), min(width, 2))
	case '.':
		return v.tongue.point + pad(at.Nanosecond()/1e6, 3)[:min(width-1, 3)]
	case 'a':
		words := []string{"AM", "PM"}
		if token == "a/p" {
			words = []string{"A", "P"}
		}
		return words[at.Hour()/12]
	case '[':
		per := map[byte]float64{'h': 3600, 'm': 60, 's': 1}[token[1]]
		return pad(int(seconds/per), width-2)
	}
	return token
}

// showText writes a text as its format says: the @ of the last section.
func (v valuer) showText(c code, text string) string {
	if len(c.sections) == 0 {
		return text
	}
	var out strings.Builder
	found := false
	for _, p := range c.sections[len(c.sections)-1].parts {
		switch p.kind {
		case '@':
			found = true
			out.WriteString(text)
		case 'l':
			out.WriteString(p.text)
		}
	}
	if !found {
		return text
	}
	return out.String()
}
