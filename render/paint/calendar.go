package paint

import (
	"strings"
	"time"
)

// formatTime is time.Time.Format with the names of months and days in the locale's language, as its typography writes
// them. Languages without a table here get English names.
func formatTime(t time.Time, layout, locale string) string {
	if !strings.HasPrefix(strings.ToLower(locale), "fr") {
		return t.Format(layout)
	}
	var b strings.Builder
	for layout != "" {
		i, name := nextName(layout)
		b.WriteString(t.Format(layout[:i]))
		layout = layout[i+len(name):]
		switch name {
		case "January":
			b.WriteString(frenchMonth(t.Month()))
		case "Jan":
			b.WriteString(frenchShortMonth(t.Month()))
		case "Monday":
			b.WriteString(frenchDay(t.Weekday()))
		case "Mon":
			b.WriteString(frenchDay(t.Weekday())[:3] + ".")
		case "PM", "pm":
			b.WriteString(t.Format(name))
		}
	}
	return b.String()
}

// nextName finds the first month or day name in a layout; at the end of the layout there is none.
func nextName(layout string) (int, string) {
	for i := range layout {
		for _, name := range [...]string{"January", "Jan", "Monday", "Mon"} {
			if strings.HasPrefix(layout[i:], name) {
				return i, name
			}
		}
	}
	return len(layout), ""
}

func frenchMonth(m time.Month) string {
	return [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
		"novembre", "décembre"}[m-1]
}

// frenchShortMonth follows the Imprimerie nationale's abbreviations.
func frenchShortMonth(m time.Month) string {
	return [...]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juill.", "août", "sept.", "oct.", "nov.", "déc."}[m-1]
}

func frenchDay(d time.Weekday) string {
	return [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}[d]
}
