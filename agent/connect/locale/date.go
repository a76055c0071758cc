package locale

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// layouts are how a locale writes times that nothing else is said of.
type layouts struct{ date, clock string }

func layoutsOf(language, region string) layouts {
	switch {
	case language == "en" && region == "US":
		return layouts{"01/02/2006", "3:04 PM"}
	case language == "de" || language == "pl" || language == "cs" || language == "da" || language == "nb" || language == "fi":
		return layouts{"02.01.2006", "15:04"}
	case language == "nl":
		return layouts{"02-01-2006", "15:04"}
	case language == "sv" || language == "hu" || language == "ja" || language == "zh" || language == "ko":
		return layouts{"2006-01-02", "15:04"}
	}
	return layouts{"02/01/2006", "15:04"}
}

// DateLayout is how dates are usually written, ClockLayout times of day: Go's layouts.
func (l Locale) DateLayout() string { return l.dates.date }

// ClockLayout is how times of day are usually written.
func (l Locale) ClockLayout() string { return l.dates.clock }

// words are names as a language has them, in Go's order.
type words struct {
	months, shortMonths [12]string
	days, shortDays     [7]string // from Sunday
}

var english = words{
	months:      [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	shortMonths: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
	days:        [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	shortDays:   [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
}

// wordsOf gives the names in a language (CLDR's, formatted ones); English where this program knows no other.
func wordsOf(language string) *words {
	lists := map[string]string{
		"fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre|janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.|dimanche lundi mardi mercredi jeudi vendredi samedi|dim. lun. mar. mer. jeu. ven. sam.",
		"de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember|Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.|Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag|So Mo Di Mi Do Fr Sa",
		"es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre|ene feb mar abr may jun jul ago sept oct nov dic|domingo lunes martes miércoles jueves viernes sábado|dom lun mar mié jue vie sáb",
		"it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre|gen feb mar apr mag giu lug ago set ott nov dic|domenica lunedì martedì mercoledì giovedì venerdì sabato|dom lun mar mer gio ven sab",
		"nl": "januari februari maart april mei juni juli augustus september oktober november december|jan feb mrt apr mei jun jul aug sep okt nov dec|zondag maandag dinsdag woensdag donderdag vrijdag zaterdag|zo ma di wo do vr za",
		"pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro|jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.|domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado|dom. seg. ter. qua. qui. sex. sáb.",
	}
	list, ok := lists[language]
	if !ok {
		return &english
	}
	var w words
	for i, names := range strings.Split(list, "|") {
		to := [][]string{w.months[:], w.shortMonths[:], w.days[:], w.shortDays[:]}[i]
		copy(to, strings.Fields(names))
	}
	return &w
}

// Format writes a time by a Go layout, with the locale's names of months and days.
func (l Locale) Format(t time.Time, layout string) string {
	if l.words == nil || l.words == &english {
		return t.Format(layout)
	}
	// Private characters stand for the names: a name may look like a part of a layout.
	marks := []struct {
		name string
		is   string
	}{{"January", l.words.months[t.Month()-1]}, {"Monday", l.words.days[t.Weekday()]}, {"Jan", l.words.shortMonths[t.Month()-1]}, {"Mon", l.words.shortDays[t.Weekday()]}}
	for i, m := range marks {
		layout = strings.ReplaceAll(layout, m.name, string(rune(0xe000+i)))
	}
	s := t.Format(layout)
	for i, m := range marks {
		s = strings.ReplaceAll(s, string(rune(0xe000+i)), m.is)
	}
	return s
}

// Parse reads a time by a Go layout, names of months and days in the locale's language or in English, with or without
// accents, dots and capitals. What names no zone is in zone. Days and months may be written without their leading zero.
func (l Locale) Parse(text, layout string, zone *time.Location) (time.Time, error) {
	s := strings.Join(strings.Fields(text), " ")
	if strings.Contains(layout, "Jan") || strings.Contains(layout, "Mon") {
		s = l.english(s, strings.Contains(layout, "January"), strings.Contains(layout, "Monday"))
	}
	t, err := time.ParseInLocation(layout, s, zone)
	if err == nil {
		return t, nil
	}
	if loose := relaxed(layout); loose != layout {
		if t, again := time.ParseInLocation(loose, s, zone); again == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not written like %q", text, layout)
}

// relaxed takes the leading zeros out of a layout whose numbers are parted by something.
func relaxed(layout string) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		alone := func(n int) bool {
			before := i == 0 || !isDigit(layout[i-1])
			return before && (i+n >= len(layout) || !isDigit(layout[i+n]))
		}
		if layout[i] == '0' && i+1 < len(layout) && layout[i+1] >= '1' && layout[i+1] <= '5' && alone(2) {
			continue
		}
		b.WriteByte(layout[i])
	}
	return b.String()
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// english puts English names in the place of the locale's own, long or short as the layout has them.
func (l Locale) english(s string, longMonth, longDay bool) string {
	var b strings.Builder
	for len(s) > 0 {
		end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) })
		if end == 0 {
			end = strings.IndexFunc(s, unicode.IsLetter)
			if end < 0 {
				end = len(s)
			}
			b.WriteString(s[:end])
			s = s[end:]
			continue
		}
		if end < 0 {
			end = len(s)
		}
		word := s[:end]
		s = s[end:]
		if name, dotted, ok := l.name(word, longMonth, longDay); ok {
			if word = name; dotted {
				s = strings.TrimPrefix(s, ".")
			}
		}
		b.WriteString(word)
	}
	return b.String()
}

// name is the English name of a month or day.
func (l Locale) name(word string, longMonth, longDay bool) (name string, dotted, ok bool) {
	folded := fold(word)
	for _, w := range []*words{l.words, &english} {
		if w == nil {
			continue
		}
		for i := range w.months {
			if folded == fold(w.months[i]) || folded == fold(w.shortMonths[i]) {
				if longMonth {
					return english.months[i], folded != fold(w.months[i]), true
				}
				return english.shortMonths[i], folded != fold(w.months[i]), true
			}
		}
		for i := range w.days {
			if folded == fold(w.days[i]) || folded == fold(w.shortDays[i]) {
				if longDay {
					return english.days[i], folded != fold(w.days[i]), true
				}
				return english.shortDays[i], folded != fold(w.days[i]), true
			}
		}
	}
	return "", false, false
}

// fold takes accents, dots and capitals away.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || r == '.' {
			return -1
		}
		return r
	}, norm.NFD.String(s))
	return strings.ToLower(s)
}
