package packaging

import (
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/alert"
	"vitrine/render/paint"
	screen "vitrine/render/scene"
)

// Pictures of each look are written to this folder: go test ./packaging -run Look -looks DIR.
var looks = flag.String("looks", "", "folder for pictures of the alerts")

// drawn paints a scene as the renderer does.
func drawn(t *testing.T, fonts *paint.Fonts, s screen.Scene, size screen.Size, now time.Time) *image.RGBA {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, size.Width, size.Height))
	draw.Draw(img, img.Rect, image.NewUniform(s.Background.Or(color.NRGBA{A: 255})), image.Point{}, draw.Src)
	for _, z := range s.Zones {
		widget, err := paint.New(z, z.At.Bounds().Size(), 1, paint.Env{Fonts: fonts, Zone: time.UTC, Locale: "fr", Patient: true})
		if err != nil {
			t.Fatal(err)
		}
		surface := image.NewRGBA(image.Rectangle{Max: z.At.Bounds().Size()})
		widget.Paint(surface, now)
		draw.Draw(img, z.At.Bounds(), surface, image.Point{}, draw.Over)
	}
	return img
}

// look is an alert as it would stand on a screen.
type look struct {
	lang, severity, headline, description, instruction, sender, area string
	status                                                           alert.Status
	clear                                                            bool
	size                                                             screen.Size
}

func (l look) alert(now time.Time) alert.Alert {
	m := &alert.Message{Version: "1.2", Identifier: "a", Sender: "mairie@example.org", Sent: now.Add(-time.Minute), Status: l.status, Type: alert.TypeAlert, Scope: alert.Public}
	if m.Status == "" {
		m.Status = alert.Actual
	}
	m.Infos = []alert.Info{{Language: l.lang, Severity: l.severity, Urgency: "Immediate", Certainty: "Observed", Headline: l.headline, Description: l.description,
		Instruction: l.instruction, SenderName: l.sender, Expires: now.Add(2 * time.Hour)}}
	if l.area != "" {
		m.Infos[0].Areas = []alert.Area{{Description: l.area}}
	}
	if l.clear {
		m.Infos[0].Responses = []string{"AllClear"}
	}
	return alert.Alert{Message: m, Info: &m.Infos[0], Match: alert.Here, Until: now.Add(2 * time.Hour)}
}

func allLooks() map[string]look {
	wide, tall, small, banner := screen.Size{Width: 1920, Height: 1080}, screen.Size{Width: 1080, Height: 1920}, screen.Size{Width: 1280, Height: 720}, screen.Size{Width: 1920, Height: 360}
	cloud := strings.TrimSpace(strings.Repeat("Un nuage de chlore s’échappe d’une usine au sud de la ville et avance vers le nord avec le vent. ", 22))
	return map[string]look{
		"1-extreme-fr": {lang: "fr", severity: "Extreme", headline: "Nuage toxique sur la métropole", description: "Un nuage de chlore s’échappe d’une usine au sud de Lyon et avance vers le centre.",
			instruction: "Entrez dans un bâtiment, fermez portes et fenêtres, coupez la ventilation. N’allez pas chercher vos enfants à l’école.", sender: "Préfecture du Rhône", area: "Lyon et Villeurbanne", size: wide},
		"2-severe-en": {lang: "en", severity: "Severe", headline: "Severe thunderstorm warning", description: "A storm with hail and gusts of 110 km/h reaches the city at about 15:00.",
			instruction: "Take shelter in a solid building until the storm has passed.", sender: "Weather office", area: "Whole county", size: wide},
		"3-moderate-headline-only": {lang: "fr", severity: "Moderate", headline: "Hall fermé : sortez par l’escalier B", sender: "Accueil", size: wide},
		"4-minor-portrait": {lang: "en", severity: "Minor", headline: "Water is turned off on floors 2 to 5", description: "Work on a pipe lasts until about 16:00.", instruction: "Use the taps of the ground floor.",
			sender: "House services", size: tall},
		"5-arabic": {lang: "ar", severity: "Severe", headline: "عاصفة رعدية شديدة تقترب من المدينة", description: "من المتوقع هطول أمطار غزيرة ورياح قوية تصل سرعتها إلى 110 كم/س.", instruction: "ابقوا داخل المباني وأغلقوا النوافذ.",
			sender: "الأرصاد الجوية", area: "المدينة القديمة", size: wide},
		"6-long":                 {lang: "fr", severity: "Extreme", headline: "Nuage toxique sur la métropole", description: cloud, instruction: "Entrez et fermez tout.", sender: "Préfecture", area: "Lyon", size: wide},
		"7-exercise":             {lang: "fr", severity: "Severe", headline: "Évacuation du bâtiment A", description: "Exercice annuel d’évacuation.", instruction: "Rejoignez le point de rassemblement sur le parvis.", sender: "Sécurité", status: alert.Exercise, size: small},
		"8-clear":                {lang: "fr", severity: "Minor", headline: "Fin de l’alerte : vous pouvez sortir", description: "Le nuage s’est dispersé.", sender: "Préfecture du Rhône", area: "Lyon", clear: true, size: wide},
		"9-unknown-small-banner": {lang: "en", severity: "Unknown", headline: "Please listen to the announcements", sender: "Station", size: banner},
	}
}

func TestEachLookOfAnAlertHasItsColourAndItsWords(t *testing.T) {
	fonts, err := paint.LoadFonts(paint.FontConfig{})
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2027, 1, 4, 13, 5, 0, 0, time.UTC)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.UTC
	}
	all := allLooks()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		l := all[name]
		t.Run(name, func(t *testing.T) {
			for i, s := range l.alert(now).Scenes(alert.Look{Size: l.size, Zone: paris, Locale: l.lang}) {
				img := drawn(t, fonts, s, l.size, now)
				if *looks != "" {
					keep(t, filepath.Join(*looks, name+"-"+string(rune('1'+i))+".png"), img)
				}
				for _, z := range s.Zones {
					if z.Text != nil && z.Text.Text != "" {
						legible(t, img, z)
					}
				}
			}
		})
	}
}

// legible holds a text to what can be read from afar: there is ink, it is not cut at its zone's edge, and its contrast with the
// ground is at least 4.5 to 1 (WCAG 2.2, 1.4.3).
func legible(t *testing.T, img *image.RGBA, z screen.Zone) {
	t.Helper()
	at := z.At.Bounds()
	ground := luminance(img.RGBAAt(at.Min.X+1, at.Min.Y+1))
	best, ink := 1.0, 0
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			c := contrast(luminance(img.RGBAAt(x, y)), ground)
			best = math.Max(best, c)
			if c > 2 {
				ink++
			}
		}
	}
	if best < 4.5 || ink < 100 {
		t.Errorf("%.40q has %d pixels of ink and a contrast of %.1f", z.Text.Text, ink, best)
	}
}

func luminance(c color.RGBA) float64 {
	lin := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
}

func contrast(a, b float64) float64 { return (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05) }

func keep(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
