package grid

import "strings"

// tongue is how a language writes numbers and days.
type tongue struct {
	point, group string
	day          string // short date
	yes, no      string
	months, days []string
	money        string // format of money, where a file leaves it to the machine
}

const noBreak = "\u202f" // narrow no-break space, as French groups thousands (CLDR)

// tongueOf finds the language of a locale such as fr-FR; English for all others.
func tongueOf(locale string) tongue {
	language, region, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "_", "-")), "-")
	euro := `#,##0.00\ "€"`
	switch language {
	case "fr":
		return tongue{",", noBreak, "dd/mm/yyyy", "VRAI", "FAUX", list("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
			list("dimanche lundi mardi mercredi jeudi vendredi samedi"), euro}
	case "de":
		return tongue{",", ".", "dd.mm.yyyy", "WAHR", "FALSCH", list("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
			list("Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag"), euro}
	case "es":
		return tongue{",", ".", "dd/mm/yyyy", "VERDADERO", "FALSO", list("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
			list("domingo lunes martes miércoles jueves viernes sábado"), euro}
	case "it":
		return tongue{",", ".", "dd/mm/yyyy", "VERO", "FALSO", list("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
			list("domenica lunedì martedì mercoledì giovedì venerdì sabato"), euro}
	case "nl":
		return tongue{",", ".", "dd-mm-yyyy", "WAAR", "ONWAAR", list("januari februari maart april mei juni juli augustus september oktober november december"),
			list("zondag maandag dinsdag woensdag donderdag vrijdag zaterdag"), euro}
	}
	t := tongue{".", ",", "m/d/yyyy", "TRUE", "FALSE", list("January February March April May June July August September October November December"),
		list("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"), `"$"#,##0.00`}
	if region == "gb" || region == "ie" || region == "au" || region == "nz" {
		t.day = "dd/mm/yyyy"
	}
	return t
}

func list(s string) []string { return strings.Fields(s) }

// short is the first three letters of a name; French months need four, to be told apart.
func (t tongue) short(name string) string {
	if r := []rune(name); len(r) > 4 && t.yes == "VRAI" && !strings.HasSuffix(name, "di") {
		switch name {
		case "janvier", "février", "juillet", "septembre":
			return string(r[:4]) + "."
		}
		return string(r[:3]) + "."
	} else if len(r) > 4 && strings.HasSuffix(name, "di") && t.yes == "VRAI" {
		return string(r[:3]) + "."
	} else if t.yes == "VRAI" {
		return name
	} else if t.yes == "WAHR" && len(r) < 11 && strings.HasSuffix(name, "tag") || strings.HasSuffix(name, "woch") {
		return string(r[:2])
	} else if len(r) > 3 {
		return string(r[:3])
	}
	return name
}

// BuiltIn is the format of a number that files use without defining it (ECMA-376 part 1, 18.8.30). Those that follow the
// machine's language follow the locale.
func BuiltIn(id int, locale string) string {
	t := tongueOf(locale)
	switch id {
	case 14, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58:
		return t.day
	case 22:
		return t.day + " h:mm"
	case 5, 6:
		return strings.ReplaceAll(t.money, ".00", "")
	case 7, 8, 42, 44:
		return t.money
	case 32, 33, 34, 35, 55, 56:
		return "h:mm:ss"
	}
	return map[int]string{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
		15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 37: "#,##0 ;(#,##0)",
		38: "#,##0 ;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 41: "#,##0", 43: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss",
		47: "mm:ss.0", 48: "##0.0E+0", 49: "@"}[id]
}
