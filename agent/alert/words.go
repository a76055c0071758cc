package alert

import (
	"fmt"
	"strings"
	"time"
)

// labels are the player's own words beside the message's, in the message's language when that is French or English.
type labels struct {
	severity  map[string]string
	allClear  string
	todo      string
	from      string // with the sender
	sent      string
	until     string
	exercise  string
	test      string
	urgency   map[string]string
	certainty map[string]string
	responses map[string]string
	days      [7]string
	months    [12]string
	date      func(day string, n int, month, clock string) string
}

// labelsFor picks the labels of a text in one language for an audience of another.
func labelsFor(text, audience string) labels {
	for _, l := range []string{primary(text), primary(audience)} {
		switch l {
		case "fr":
			return french()
		case "en":
			return english()
		}
	}
	return english()
}

func french() labels {
	return labels{
		severity: map[string]string{"Extreme": "ALERTE – DANGER EXTRÊME", "Severe": "ALERTE – DANGER IMPORTANT",
			"Moderate": "AVERTISSEMENT – DANGER MODÉRÉ", "Minor": "INFORMATION – DANGER LIMITÉ", "Unknown": "ALERTE"},
		allClear: "FIN D’ALERTE", todo: "CE QU’IL FAUT FAIRE", from: "Source : %s", sent: "Émis %s", until: "Valable jusqu’au %s",
		exercise: "EXERCICE – CECI N’EST PAS UNE ALERTE RÉELLE", test: "ESSAI – CECI N’EST PAS UNE ALERTE RÉELLE",
		urgency:   map[string]string{"Immediate": "agissez immédiatement", "Expected": "agissez dans l’heure", "Future": "préparez-vous"},
		certainty: map[string]string{"Observed": "danger constaté", "Likely": "danger probable", "Possible": "danger possible", "Unlikely": "danger peu probable"},
		responses: map[string]string{"shelter": "Mettez-vous à l’abri.", "evacuate": "Évacuez les lieux.", "prepare": "Préparez-vous.",
			"execute": "Suivez les consignes prévues.", "avoid": "Éloignez-vous du danger.", "monitor": "Tenez-vous informés.", "assess": "Évaluez la situation."},
		days:   [7]string{"dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."},
		months: [12]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."},
		date: func(day string, n int, month, clock string) string {
			if n == 1 {
				return fmt.Sprintf("%s 1er %s, %s", day, month, clock)
			}
			return fmt.Sprintf("%s %d %s, %s", day, n, month, clock)
		},
	}
}

func english() labels {
	return labels{
		severity: map[string]string{"Extreme": "ALERT – EXTREME DANGER", "Severe": "ALERT – SEVERE DANGER",
			"Moderate": "WARNING – MODERATE DANGER", "Minor": "ADVISORY – MINOR DANGER", "Unknown": "ALERT"},
		allClear: "ALL CLEAR", todo: "WHAT TO DO", from: "Source: %s", sent: "Issued %s", until: "Valid until %s",
		exercise: "EXERCISE – THIS IS NOT A REAL ALERT", test: "TEST – THIS IS NOT A REAL ALERT",
		urgency:   map[string]string{"Immediate": "act immediately", "Expected": "act within the hour", "Future": "get ready"},
		certainty: map[string]string{"Observed": "observed", "Likely": "likely", "Possible": "possible", "Unlikely": "unlikely"},
		responses: map[string]string{"shelter": "Take shelter.", "evacuate": "Leave the area.", "prepare": "Get ready.",
			"execute": "Follow the planned instructions.", "avoid": "Keep away from the danger.", "monitor": "Stay informed.", "assess": "Judge the situation."},
		days:   [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		months: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"},
		date: func(day string, n int, month, clock string) string {
			return fmt.Sprintf("%s %d %s, %s", day, n, month, clock)
		},
	}
}

// when writes an instant in the site's zone.
func (l labels) when(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	s := l.date(l.days[t.Weekday()], t.Day(), l.months[t.Month()-1], t.Format("15:04"))
	if zone == time.UTC {
		s += " UTC"
	}
	return s
}

// title is the largest line: the headline, else the event, else where.
func (a Alert) title(l labels) string {
	for _, s := range []string{a.Info.Headline, a.Info.Event, a.Message.Note} {
		if s != "" {
			return flow(s)
		}
	}
	return l.heading(a)
}

// heading names the severity in words: colour alone does not speak to everyone.
func (l labels) heading(a Alert) string {
	if a.Info.allClear() {
		return l.allClear
	}
	return l.severity[a.Info.Severity]
}

// subtitle says where, how soon, how sure.
func (a Alert) subtitle(l labels) string {
	var parts []string
	var areas []string
	for _, area := range a.Info.Areas {
		if area.Description != "" && len(areas) < 4 {
			areas = append(areas, flow(area.Description))
		}
	}
	if len(areas) > 0 {
		parts = append(parts, strings.Join(areas, ", "))
	}
	if !a.Info.allClear() {
		for _, s := range []string{l.urgency[a.Info.Urgency], l.certainty[a.Info.Certainty]} {
			if s != "" {
				parts = append(parts, s)
			}
		}
	}
	return strings.Join(parts, " · ")
}

// instruction is what to do: the sender's words, else the kinds of response that it names.
func (a Alert) instruction(l labels) string {
	if a.Info.Instruction != "" {
		return flow(a.Info.Instruction)
	}
	var parts []string
	for _, r := range a.Info.Responses {
		if s := l.responses[strings.ToLower(r)]; s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// source is who warns.
func (a Alert) source() string {
	for _, s := range []string{a.Info.SenderName, a.Message.Source} {
		if s != "" {
			return flow(s)
		}
	}
	return a.Message.Sender
}

// flow joins lines that were broken for a teleprinter: a line end stays when an empty line or a bullet follows, or when the
// line was short on purpose.
func flow(s string) string {
	const broken = 50 // characters, from which a line is taken to have been broken at a column
	var b strings.Builder
	last := -1 // length of the line before; -1 = a paragraph begins
	for line := range strings.Lines(s) {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case line == "":
			last = -1
			continue
		case b.Len() == 0:
		case last >= broken && !strings.HasPrefix(line, "*") && !strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "•"):
			b.WriteByte(' ')
		default:
			b.WriteByte('\n')
		}
		b.WriteString(line)
		last = len(line)
	}
	return b.String()
}
