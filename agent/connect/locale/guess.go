package locale

import (
	"fmt"
	"strings"
	"time"
)

// Date reads a date that nothing is said of: as ISO 8601 has it, else as the locale writes dates.
func (l Locale) Date(text string, zone *time.Location) (time.Time, error) {
	d := l.dates.date
	return l.any(text, zone, "date", "2006-01-02", d, short(d), "2006/01/02", "20060102", "2 January 2006", "2 Jan 2006", "Monday 2 January 2006", "January 2, 2006", "Jan 2, 2006",
		"02.01.2006", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339, d+" 15:04:05", d+" 15:04")
}

// DateTime reads a date with a time of day that nothing else is said of; a date alone is its midnight.
func (l Locale) DateTime(text string, zone *time.Location) (time.Time, error) {
	d := l.dates.date
	return l.any(text, zone, "date with a time", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05-07", "2006-01-02T15:04:05Z0700", d+" 15:04:05", d+" 15:04", d+" "+l.dates.clock, short(d)+" 15:04", "2 January 2006 15:04", "20060102T150405Z", "20060102T150405",
		time.RFC1123Z, time.RFC1123, "2006-01-02", d)
}

// Clock reads a time of day that nothing else is said of.
func (l Locale) Clock(text string) (time.Time, error) {
	s := strings.ToUpper(strings.TrimSpace(text))
	if h, m, ok := strings.Cut(s, "H"); ok && !strings.ContainsAny(m, "H:") { // 18h, 18h30
		if m = strings.TrimSpace(m); m == "" {
			m = "00"
		}
		s = strings.TrimSpace(h) + ":" + m
	}
	return l.any(s, time.UTC, "time of day", "15:04:05", "15:04", "3:04 PM", "3:04PM", "3 PM", "3PM", "15.04", "1504", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.RFC3339)
}

// short is a layout with two digits of the year.
func short(layout string) string { return strings.Replace(layout, "2006", "06", 1) }

func (l Locale) any(text string, zone *time.Location, what string, layouts ...string) (time.Time, error) {
	for _, layout := range layouts {
		if t, err := l.Parse(text, layout, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a %s", text, what)
}

// Bool reads yes and no.
func (l Locale) Bool(text string) (is, ok bool) {
	switch fold(strings.TrimSpace(text)) {
	case "true", "yes", "y", "1", "-1", "x", "on", "t", "oui", "o", "vrai", "ja", "wahr", "si", "verdadero", "vero", "sim", "waar", "✓", "✔":
		return true, true
	case "false", "no", "n", "0", "off", "f", "non", "faux", "nein", "falsch", "falso", "nao", "nee", "onwaar":
		return false, true
	}
	return false, false
}
