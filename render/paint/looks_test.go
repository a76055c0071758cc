package paint_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// shades writes a picture with a slow gradient and returns its path.
func shades(t testing.TB, from, to color.NRGBA) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	for y := range 200 {
		for x := range 300 {
			k := float64(x+y) / 500
			part := func(a, b uint8) uint8 { return uint8(float64(a)*(1-k) + float64(b)*k) }
			img.SetNRGBA(x, y, color.NRGBA{part(from.R, to.R), part(from.G, to.G), part(from.B, to.B), 0xff})
		}
	}
	path := filepath.Join(t.TempDir(), "picture.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

// stories are rows of news: title, text, note, picture.
func stories(t testing.TB, n int) [][]string {
	sea := shades(t, color.NRGBA{0x1d, 0x6f, 0xa5, 0xff}, color.NRGBA{0xf2, 0xa9, 0x78, 0xff})
	rows := [][]string{
		{"La bibliothèque rouvre après six mois de travaux", "Nouvelles salles de lecture, un atelier numérique et une cafétéria attendent le public dès samedi.", "Il y a 20 min", sea},
		{"Collecte des encombrants avancée au mardi", "Sortez vos objets la veille après 19 h.", "09:40", ""},
		{"Anticonstitutionnellement", "", "Hier", filepath.Join(t.TempDir(), "missing.jpg")},
	}
	for i := len(rows); i < n; i++ {
		rows = append(rows, []string{fmt.Sprintf("Séance publique n° %d", i), "Ordre du jour en ligne.", "Mairie", sea})
	}
	return rows[:n]
}

func forecast() [][]string {
	return [][]string{{"Aujourd’hui", "2", "21.4", "12.6", "Vent d’ouest 18 km/h"}, {"Mar.", "63", "17", "11", ""}, {"Mer.", "80", "16", "9", ""},
		{"Jeu.", "0", "22", "10", ""}, {"Ven.", "95", "19", "12", ""}, {"Sam.", "71", "-2", "-7", ""}}
}

// skies has each condition once, by its word.
func skies() [][]string {
	rows := [][]string{{"", "clear", "20", "10", ""}}
	for _, s := range []string{"partly", "cloudy", "fog", "drizzle", "rain", "showers", "sleet", "snow", "thunder", "sandstorm"} {
		rows = append(rows, []string{s, s, "20", "10", ""})
	}
	return rows
}

func cities() []scene.City {
	return []scene.City{{Label: "Paris", Zone: "Europe/Paris"}, {Label: "New York", Zone: "America/New_York"}, {Label: "São Paulo", Zone: "America/Sao_Paulo"},
		{Label: "Tokyo", Zone: "Asia/Tokyo"}, {Label: "Auckland", Zone: "Pacific/Auckland"}}
}

func TestCardsWeatherAndCitiesLookAsTheyDid(t *testing.T) {
	cards := func(n int, style scene.Style) *scene.Cards {
		return &scene.Cards{Image: "photo", Accent: "#ffb454", Cells: stories(t, n), Style: style}
	}
	dark := scene.Style{Pad: 16, Color: "#1a2330"}
	for _, c := range []struct {
		name  string
		zone  scene.Zone
		size  image.Point
		after time.Duration
	}{
		{"cards-three", scene.Zone{Background: "#14202f", Cards: cards(3, scene.Style{Pad: 12})}, image.Pt(720, 320), 0},
		{"cards-one", scene.Zone{Background: "#14202f", Cards: cards(1, scene.Style{Pad: 12})}, image.Pt(560, 240), 0},
		{"cards-portrait", scene.Zone{Background: "#14202f", Cards: cards(40, scene.Style{Pad: 12})}, image.Pt(360, 640), 0},
		{"cards-text-only", scene.Zone{Background: "#f4f1ea", Cards: &scene.Cards{Cells: stories(t, 2), Style: dark}}, image.Pt(560, 240), 0},
		{"cards-between-pages", scene.Zone{Background: "#14202f", Cards: cards(4, scene.Style{Pad: 12})}, image.Pt(560, 320), 10*time.Second + 220*time.Millisecond},
		{"cards-none", scene.Zone{Background: "#14202f", Radius: 12, Cards: cards(0, scene.Style{Pad: 12})}, image.Pt(120, 80), 0},
		{"weather-wide", scene.Zone{Background: "#14304d", Radius: 12, Weather: &scene.Weather{Place: "Lyon", Cells: forecast(), Style: scene.Style{Pad: 20}}}, image.Pt(860, 250), 0},
		{"weather-tall", scene.Zone{Background: "#14304d", Weather: &scene.Weather{Place: "Lyon", Cells: forecast(), Style: scene.Style{Pad: 16}}}, image.Pt(270, 480), 0},
		{"weather-on-paper", scene.Zone{Background: "#f4f1ea", Weather: &scene.Weather{Place: "Aix-en-Provence", Unit: "°C", Rows: 2, Cells: forecast(), Style: dark}}, image.Pt(480, 290), 0},
		{"weather-skies", scene.Zone{Background: "#14304d", Weather: &scene.Weather{Cells: skies(), Style: scene.Style{Pad: 8}}}, image.Pt(1000, 140), 0},
		{"cities-digits", scene.Zone{Background: "#0b1626", Clock: &scene.Clock{Cities: cities(), Zone: "Europe/Paris", Style: scene.Style{Pad: 8}}}, image.Pt(860, 130), 0},
		{"cities-hands", scene.Zone{Background: "#0b1626", Clock: &scene.Clock{Cities: cities(), Face: "hands", Style: scene.Style{Pad: 8}}}, image.Pt(860, 230), 0},
		{"cities-rows", scene.Zone{Background: "#0b1626", Clock: &scene.Clock{Cities: cities(), Zone: "Europe/Paris", Style: scene.Style{Pad: 12}}}, image.Pt(420, 200), 0},
		{"dial", scene.Zone{Background: "#f4f1ea", Clock: &scene.Clock{Face: "hands", Format: "15:04:05"}}, image.Pt(200, 200), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := env(t, "fr")
			e.Patient = true
			golden(t, c.name, painted(t, c.zone, c.size, 1, e, c.after))
		})
	}
}

// serviceCard is what a technician calls up on the screen.
func serviceCard(language string) paint.CardInfo {
	facts := [][2]string{{"Nom", "Accueil — Hall nord"}, {"Adresse", "192.168.1.42"}, {"Heure", "sûre, par le réseau (±12 ms)"}, {"Contenu", "lobby, n° 148"},
		{"Relais", "relais.example.fr"}, {"Dernier contact", "il y a 12 s"}, {"Disque", "41 Go libres sur 64 Go"}, {"Rendu", "mpv 0.40, décodage vaapi"}, {"Version", "2.4.1"}}
	if language == "en" {
		facts = [][2]string{{"Name", "Lobby — north hall"}, {"Address", "192.168.1.42"}, {"Clock", "trusted, from the network (±12 ms)"}, {"Bundle", "lobby, serial 148"},
			{"Relay", "relay.example.com"}, {"Last heartbeat", "12 s ago"}, {"Disk", "41 GB free of 64 GB"}, {"Renderer", "mpv 0.40, vaapi decoding"}}
	}
	return paint.CardInfo{Now: noon(), Card: scene.Card{Name: "Hall nord", Language: language, Relay: "relais.example.fr", Address: "192.168.1.42", Facts: facts}}
}

func TestServicePageLooksAsItDid(t *testing.T) {
	faulty := serviceCard("fr")
	faulty.Notices = []string{"Le disque est presque plein : 0,9 Go libres. Videz /var ou mettez un disque plus grand.", "Aucun contact avec le relais depuis 3 h : vérifiez le câble réseau."}
	for _, c := range []struct {
		name string
		size image.Point
		card paint.CardInfo
	}{
		{"service-landscape", image.Pt(960, 540), faulty},
		{"service-sound", image.Pt(640, 360), serviceCard("en")},
		{"service-portrait", image.Pt(360, 640), faulty},
	} {
		t.Run(c.name, func(t *testing.T) { golden(t, c.name, paint.Card(c.size, c.card, env(t, "fr"))) })
	}
}
