package schedule

import (
	"fmt"
	"time"
)

// date is a local calendar day, counted from 1970-01-01 (proleptic Gregorian).
type date int

const (
	secondsADay = 24 * 60 * 60
	noDate      = date(1 << 40)  // after all days: "never"
	firstDate   = date(-1 << 40) // before all days: "unbounded"
	lastDate    = date(2932896)  // 9999-12-31, where every search ends
)

// newDate returns the day of a civil date that exists (Howard Hinnant, "chrono-compatible low-level date algorithms").
func newDate(y, m, d int) date {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	return date(era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468)
}

// civil is the inverse of newDate.
func (x date) civil() (y, m, d int) {
	z := int(x) + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// weekday counts from 0 = Monday.
func (x date) weekday() int { return ((int(x)+3)%7 + 7) % 7 }

func (x date) String() string {
	y, m, d := x.civil()
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}

// name is the date as a person says it.
func (x date) name() string { return x.String() + " (" + weekdayName(x.weekday()) + ")" }

func weekdayName(w int) string { return time.Weekday((w + 1) % 7).String() }

// parseDate takes YYYY-MM-DD and nothing else; a date that does not exist is an error.
func parseDate(s string) (date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date: write YYYY-MM-DD, a day that exists, such as \"2027-01-31\"", s)
	}
	return newDate(t.Year(), int(t.Month()), t.Day()), nil
}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func monthLength(y, m int) int {
	switch m {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
