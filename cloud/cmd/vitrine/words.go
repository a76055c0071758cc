package main

import (
	"fmt"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

// words are what a calendar says in one language.
type words struct {
	Lang, Title, Player, Groups, Tags, Zone, Made, Off, Events, Overlays, Interrupt, Legend, Decimal, Colon, More, Short, Long, Action string

	Layers, Deeds map[string]string
	Days, Months  []string // from Monday, from January
	dayForm, form string   // of dates: weekday, day, month, year
}

// language gives the words of a language, fr or en; $LANG decides when none is given.
func language(lang string) (words, error) {
	if lang == "" {
		lang = systemLanguage()
	}
	switch lang {
	case "fr":
		return wordsFrench(), nil
	case "en":
		return wordsEnglish(), nil
	}
	return words{}, usage("--lang is fr or en")
}

func wordsEnglish() words {
	return words{Lang: "en", Title: "What is on", Player: "player", Groups: "groups", Tags: "tags", Zone: "times of", Made: "made", Off: "Screen off",
		Events: "Events", Overlays: "On top", Interrupt: "In between", Legend: "Colours", Decimal: ".", Colon: ": ", More: "%d more",
		Short: "The clock goes forward: %d hours", Long: "The clock goes back: %d hours",
		Layers: map[string]string{schedule.LayerEmergency: "Emergency", schedule.LayerTakeover: "Takeover", schedule.LayerOff: "Screen off",
			schedule.LayerScheduled: "Scheduled", schedule.LayerDefault: "Default", schedule.LayerFallback: "Fallback"},
		Action: "Action",
		Deeds: map[string]string{schedule.DoReboot: "Restart", schedule.DoPowerOff: "Power off", schedule.DoScreenOn: "Screen on", schedule.DoScreenOff: "Screen off",
			schedule.DoVolume: "Volume", schedule.DoScreenshot: "Screenshot"},
		Days:    []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
		Months:  []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		dayForm: "{day} {n} {month}", form: "{n} {month} {year}"}
}

func wordsFrench() words {
	return words{Lang: "fr", Title: "À l’écran", Player: "lecteur", Groups: "groupes", Tags: "étiquettes", Zone: "heures de", Made: "établi le", Off: "Écran éteint",
		Events: "Événements", Overlays: "Par-dessus", Interrupt: "En alternance", Legend: "Couleurs", Decimal: ",", Colon: " : ", More: "%d de plus",
		Short: "Passage à l’heure d’été : %d heures", Long: "Passage à l’heure d’hiver : %d heures",
		Layers: map[string]string{schedule.LayerEmergency: "Urgence", schedule.LayerTakeover: "Prise d’antenne", schedule.LayerOff: "Écran éteint",
			schedule.LayerScheduled: "Programmé", schedule.LayerDefault: "Par défaut", schedule.LayerFallback: "Secours"},
		Action: "Action",
		Deeds: map[string]string{schedule.DoReboot: "Redémarrage", schedule.DoPowerOff: "Arrêt", schedule.DoScreenOn: "Écran allumé", schedule.DoScreenOff: "Écran éteint",
			schedule.DoVolume: "Volume", schedule.DoScreenshot: "Capture d’écran"},
		Days:    []string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"},
		Months:  []string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		dayForm: "{day} {n} {month}", form: "{n} {month} {year}"}
}

// weekday is a day's index from Monday.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

func (w words) fill(form string, t time.Time) string {
	n := fmt.Sprint(t.Day())
	if w.Lang == "fr" && t.Day() == 1 {
		n = "1er"
	}
	return strings.NewReplacer("{day}", w.Days[weekday(t)], "{n}", n, "{month}", w.Months[t.Month()-1], "{year}", fmt.Sprint(t.Year())).Replace(form)
}

// date is "4 January 2027".
func (w words) date(t time.Time) string { return w.fill(w.form, t) }
