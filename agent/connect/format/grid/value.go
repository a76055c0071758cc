package grid

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect/rows"
)

// valuer makes values of cells.
type valuer struct {
	cells    string
	date1904 bool
	tongue   tongue
	codes    map[string]code
}

func newValuer(cfg Config) valuer {
	return valuer{cells: cfg.Cells, date1904: cfg.Date1904, tongue: tongueOf(cfg.Locale), codes: map[string]code{}}
}

// maxCodes bounds how many formats are remembered: Excel knows 65,490 of them.
const maxCodes = 70_000

func (v valuer) code(format string) code {
	c, ok := v.codes[format]
	if !ok {
		if c = parseCode(format); len(v.codes) < maxCodes {
			v.codes[format] = c
		}
	}
	return c
}

// of is the value of a cell; see Config.Cells.
func (v valuer) of(c Cell) rows.Value {
	shown := v.cells == "shown"
	switch c.Kind {
	case Text:
		if shown && strings.Contains(c.Format, "@") && c.Format != "@" {
			return rows.Of(rows.Text, strings.TrimSpace(v.showText(v.code(c.Format), c.Text)))
		}
		return rows.Of(rows.Text, strings.TrimSpace(c.Text))
	case Bool:
		word, truth := v.tongue.no, c.Number != 0
		if truth {
			word = v.tongue.yes
		}
		if shown {
			return rows.Of(rows.Text, word)
		}
		return rows.Of(rows.Bool, strconv.FormatBool(truth))
	case Number:
		return v.number(c)
	case Date, DateTime, Time:
		if shown && c.Shown != "" {
			return rows.Of(rows.Text, c.Shown)
		}
		return rows.Of(map[Kind]rows.Kind{Date: rows.Date, DateTime: rows.DateTime, Time: rows.Time}[c.Kind], c.Text)
	}
	return rows.Value{Kind: rows.Null}
}

func (v valuer) number(c Cell) rows.Value {
	if math.IsNaN(c.Number) || math.IsInf(c.Number, 0) {
		return rows.Value{Kind: rows.Null}
	}
	if c.Shown != "" {
		if v.cells == "shown" || v.cells == "" && c.Unit {
			return rows.Of(rows.Text, strings.TrimSpace(c.Shown))
		}
		return rows.Of(rows.Decimal, decimal(c.Number))
	}
	code := v.code(c.Format)
	sec, _ := code.pick(c.Number)
	if v.cells == "shown" {
		return rows.Of(rows.Text, strings.TrimSpace(v.show(code, c.Number)))
	}
	switch sec.shape {
	case date, clock, dateTime:
		if value, ok := v.moment(sec, c.Number); ok {
			return value
		}
	case span, unit, words:
		if v.cells == "" {
			return rows.Of(rows.Text, strings.TrimSpace(v.show(code, c.Number)))
		}
	}
	return rows.Of(rows.Decimal, decimal(c.Number))
}

// moment is the date or time of a serial number.
func (v valuer) moment(sec section, n float64) (rows.Value, bool) {
	fraction := 0
	for _, p := range sec.parts {
		if p.kind == 't' && p.text[0] == '.' {
			fraction = min(len(p.text)-1, 3)
		}
	}
	at, leap, ok := v.at(n, fraction)
	tail := "15:04:05"
	if fraction > 0 {
		tail += "." + strings.Repeat("0", fraction)
	}
	day := at.Format(time.DateOnly)
	if leap {
		day = "1900-02-29"
	}
	switch {
	case !ok:
		return rows.Value{}, false
	case sec.shape == clock:
		return rows.Of(rows.Time, at.Format(tail)), true
	case leap: // a day that there was not
		return rows.Of(rows.Text, day), true
	case sec.shape == date:
		return rows.Of(rows.Date, day), true
	}
	return rows.Of(rows.DateTime, day+"T"+at.Format(tail)), true
}

// maxSerial is 9999-12-31, the last day of both calendars of Excel.
const maxSerial = 2958466

// at is the time of a serial number: days since 1900 or 1904. In the first calendar 1900 is taken for a leap year, as
// Lotus did: 60 is a 29 February that there was not, and days before it are one later than in the rest of the world.
func (v valuer) at(n float64, fraction int) (t time.Time, leap, ok bool) {
	if n < 0 || n >= maxSerial {
		return time.Time{}, false, false
	}
	unit := math.Pow10(fraction)
	ticks := math.Round(n * 86400 * unit) // 15:59:59.9999 is 16:00:00
	days := math.Floor(ticks / (86400 * unit))
	rest := ticks - days*86400*unit
	since := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case v.date1904:
		since = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60:
		since = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	t = since.AddDate(0, 0, int(days)).Add(time.Duration(rest * 1e9 / unit).Round(time.Millisecond))
	return t, days == 60 && !v.date1904, true
}

// decimal writes a number as it is, to the 15 digits that spreadsheets keep.
func decimal(n float64) string {
	neg, digits, exp := scientific(n)
	s := place(digits, exp)
	if neg {
		s = "-" + s
	}
	return s
}

// scientific is a number as 0.digits × 10^exp, digits without zeros at the end; "" is nought.
func scientific(n float64) (neg bool, digits string, exp int) {
	s := strconv.FormatFloat(math.Abs(n), 'e', 14, 64) // d.dddde±xx
	mantissa, e, _ := strings.Cut(s, "e")
	exp, _ = strconv.Atoi(e)
	digits = strings.TrimRight(strings.Replace(mantissa, ".", "", 1), "0")
	if digits == "" {
		return false, "", 0
	}
	return n < 0, digits, exp + 1
}

// place writes 0.digits × 10^exp with a point.
func place(digits string, exp int) string {
	switch {
	case digits == "":
		return "0"
	case exp <= 0:
		return "0." + strings.Repeat("0", -exp) + digits
	case exp >= len(digits):
		return digits + strings.Repeat("0", exp-len(digits))
	}
	return digits[:exp] + "." + digits[exp:]
}

// round rounds 0.digits × 10^exp to places after the point, halves away from nought, as people do.
func round(digits string, exp, places int) (string, int) {
	keep := exp + places
	if keep >= len(digits) {
		return digits, exp
	}
	if keep < 0 {
		return "", 0
	}
	up := digits[keep] >= '5'
	b := []byte(digits[:keep])
	for i := len(b) - 1; up && i >= 0; i-- {
		if b[i]++; b[i] <= '9' {
			up = false
			break
		}
		b[i] = '0'
	}
	if up {
		b, exp = append([]byte{'1'}, b...), exp+1
	}
	return strings.TrimRight(string(b), "0"), exp
}

// Duration writes an ISO 8601 duration of hours, minutes and seconds as [h]:mm:ss.
func Duration(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	sign := ""
	if s < 0 {
		sign, s = "-", -s
	}
	return fmt.Sprintf("%s%d:%02d:%02d", sign, s/3600, s/60%60, s%60)
}

// Plain writes a number that has an exponent without one, to 15 digits; what is no number stays as it is.
func Plain(s string) string {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return s
	}
	return decimal(n)
}
