package format

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect/rows"
)

// dated makes rows of lines that begin with a date: columns start, end and text.
//
//	# one event a line; a line that is indented goes on with the text before
//	2026-11-30 09:00-10:30 Board meeting
//	30/11/2026 14h-15h30 ; Visite du site
//	lundi 30 novembre 2026 : Saint-André
//	24/12/2026-01/01/2027	Closed
//
// A date is 2026-11-30, 30/11/2026, 30.11.2026 or 30 novembre 2026 (en-US: 11/30/2026 too); a time 9:00, 09:00:30, 9h30, 9h
// or 9:30 pm; the end of either stands behind -, – or "au", "à", "to", "until". Then the separator of the options, or without one a tab,
// ; | , : - or nothing but space. Start and end are dates where there is no time, the last day included; an end before its
// start is on the next day.
func dated(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	t := rows.Table{Columns: []string{"start", "end", "text"}}
	n := 0
	for line := range strings.Lines(string(b)) {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return t, ctx.Err()
		}
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		row, err := datedLine(trimmed, o)
		if err != nil {
			if last := len(t.Rows) - 1; last >= 0 && line[0] != trimmed[0] { // indented
				t.Rows[last][2] = rows.Of(rows.Text, t.Rows[last][2].Text+"\n"+trimmed)
				continue
			}
			t.Drop(fmt.Sprintf("line %d", n), "%v", err)
			continue
		}
		if len(t.Rows) == most {
			t.Truncated = true
			return t, nil
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 && len(t.Dropped) > 0 {
		return t, fmt.Errorf("no line begins with a date such as 2026-11-30 or 30/11/2026 09:00; %s: %s", t.Dropped[0].Place, t.Dropped[0].Why)
	}
	return t, nil
}

// moment is a date, perhaps with a time of day.
type moment struct {
	at    time.Time
	timed bool
}

func (m moment) value() rows.Value {
	if m.timed {
		return rows.Of(rows.DateTime, m.at.Format("2006-01-02T15:04:05"))
	}
	return rows.Of(rows.Date, m.at.Format(time.DateOnly))
}

var (
	isoDay  = regexp.MustCompile(`^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:\D|$)`)
	dayLast = regexp.MustCompile(`^(\d\d?)[/.-](\d\d?)[/.-](\d{4}|\d\d)(?:\D|$)`)
	inWords = regexp.MustCompile(`^(?:\pL+\.?,?\s+)?(\d\d?)(?:er|st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?(\pL{3,})\.?,?\s+(?:de\s+)?(\d{4})(?:\D|$)`)
	atTime  = regexp.MustCompile(`^(?:T|,?\s+)?(?:(?:à|at|um|de|from)\s+)?(\d\d?)(?:[:hH](\d\d)(?::(\d\d))?|[hH])(?:\s?([AaPp])\.?[Mm]\.?)?(?:[^\d\pL:]|$)`)
	toward  = regexp.MustCompile(`^\s*(?:-|–|—|\.\.|→|(?:au|à|to|until|till|bis|jusqu['’]à|jusqu['’]au)\s)\s*`)
	between = regexp.MustCompile(`^\s*[;|,:\t–—-]?\s*`)
)

// datedLine takes one line apart.
func datedLine(s string, o Options) ([]rows.Value, error) {
	start, rest, err := cutMoment(s, o.Locale)
	if err != nil {
		return nil, err
	}
	end := rows.Value{Kind: rows.Null}
	if to := toward.FindString(rest); to != "" {
		if last, after, ok := cutEnd(rest[len(to):], start, o.Locale); ok {
			if last.at.Before(start.at) {
				return nil, fmt.Errorf("it ends before it begins")
			}
			end, rest = last.value(), after
		}
	}
	if o.Separator != "" {
		text, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), strings.TrimLeft(o.Separator, " "))
		if !ok {
			return nil, fmt.Errorf("the separator %q does not stand behind its date", o.Separator)
		}
		rest = text
	} else {
		rest = rest[len(between.FindString(rest)):]
	}
	return []rows.Value{start.value(), end, rows.Of(rows.Text, strings.TrimSpace(rest))}, nil
}

// cutEnd reads a later date, or a time of the same day or of the next.
func cutEnd(s string, start moment, locale string) (moment, string, bool) {
	if end, rest, err := cutMoment(s, locale); err == nil {
		if start.timed && !end.timed {
			end = moment{end.at.Add(24 * time.Hour), true} // to the end of that day
		}
		return end, rest, true
	}
	if !start.timed {
		return moment{}, "", false
	}
	clock, rest, ok := cutTime(s)
	if !ok {
		return moment{}, "", false
	}
	day := time.Date(start.at.Year(), start.at.Month(), start.at.Day(), 0, 0, 0, 0, time.UTC)
	end := day.Add(clock)
	if end.Before(start.at) {
		end = end.AddDate(0, 0, 1)
	}
	return moment{end, true}, rest, true
}

// cutMoment reads a date and perhaps a time off the beginning.
func cutMoment(s, locale string) (moment, string, error) {
	year, month, day, used := 0, 0, 0, 0
	if m := isoDay.FindStringSubmatch(s); m != nil {
		year, month, day, used = number(m[1]), number(m[2]), number(m[3]), len(m[1])+len(m[2])+len(m[3])+2
	} else if m := dayLast.FindStringSubmatch(s); m != nil {
		day, month, year, used = number(m[1]), number(m[2]), number(m[3]), len(m[1])+len(m[2])+len(m[3])+2
		if strings.EqualFold(strings.ReplaceAll(locale, "_", "-"), "en-US") {
			day, month = month, day
		}
		if len(m[3]) == 2 {
			year += 2000
		}
	} else if m := inWords.FindStringSubmatchIndex(s); m != nil {
		day, month, year, used = number(s[m[2]:m[3]]), monthOf(s[m[4]:m[5]]), number(s[m[6]:m[7]]), m[7]
	} else {
		return moment{}, "", fmt.Errorf("it begins with %.30q, not with a date", s)
	}
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || at.Day() != day || year == 0 {
		return moment{}, "", fmt.Errorf("there is no date %q", s[:used])
	}
	m, rest := moment{at: at}, s[used:]
	if clock, after, ok := cutTime(rest); ok {
		m, rest = moment{at.Add(clock), true}, after
	}
	return m, rest, nil
}

func cutTime(s string) (time.Duration, string, bool) {
	m := atTime.FindStringSubmatchIndex(s)
	if m == nil {
		return 0, s, false
	}
	part := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return s[m[2*i]:m[2*i+1]]
	}
	h, min, sec := number(part(1)), number(part(2)), number(part(3))
	if half := strings.ToLower(part(4)); half != "" {
		if h < 1 || h > 12 {
			return 0, s, false
		}
		h %= 12
		if half == "p" {
			h += 12
		}
	}
	if h > 24 || min > 59 || sec > 59 || h == 24 && min+sec > 0 {
		return 0, s, false
	}
	used := m[1]
	if used < len(s) || !strings.HasSuffix(s[:used], part(1)) { // give back the character that ended it
		used = m[3]
		for i := 4; i < len(m); i += 2 {
			used = max(used, m[i+1])
		}
		for used < len(s) && strings.IndexByte("hHmM.", s[used]) >= 0 {
			used++
		}
	}
	return time.Duration(h)*time.Hour + time.Duration(min)*time.Minute + time.Duration(sec)*time.Second, s[used:], true
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // digits only, or none
	return n
}

// monthNames are the first letters that tell a month, in French, English, German, Spanish, Italian and Dutch.
var monthNames = [][]string{{"jan", "ene", "gen"}, {"fév", "fev", "feb"}, {"mar", "mär", "maa", "mrt"}, {"avr", "apr", "abr"}, {"mai", "may", "mag", "mei"},
	{"juin", "jun", "giu"}, {"juil", "jul", "lug"}, {"août", "aou", "aug", "ago"}, {"sep", "set"}, {"oct", "okt", "ott"}, {"nov"}, {"déc", "dec", "dez", "dic"}}

// monthOf is the number of a month's name; 0 for any other word.
func monthOf(word string) int {
	word = strings.ToLower(word)
	for i, starts := range monthNames {
		for _, s := range starts {
			if strings.HasPrefix(word, s) {
				return i + 1
			}
		}
	}
	return 0
}
