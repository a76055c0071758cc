package alert_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"vitrine/agent/alert"
	"vitrine/render/scene"
)

// one is the alert that a message is, an hour after noon.
func one(t *testing.T, change func(m *alert.Message)) alert.Alert {
	t.Helper()
	var b alert.Book
	m := message(alert.TypeAlert, "a", 0)
	m.Infos[0].Headline = "Nuage toxique sur la métropole"
	change(m)
	take(t, &b, m)
	list := b.Active(alert.Site{Exercises: true, Tests: true}, noon())
	if len(list) != 1 {
		t.Fatalf("%d alerts", len(list))
	}
	return list[0]
}

func hd() alert.Look {
	return alert.Look{Size: scene.Size{Width: 1920, Height: 1080}, Zone: time.FixedZone("CET", 3600), Locale: "fr"}
}

// texts are all the words of some scenes.
func texts(scenes []scene.Scene) string {
	var s []string
	for _, sc := range scenes {
		for _, z := range sc.Zones {
			if z.Text != nil {
				s = append(s, z.Text.Text)
			}
		}
	}
	return strings.Join(s, "\n")
}

func TestWhatAnAlertSaysOnTheScreen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *alert.Message)
		says   []string
		not    string
	}{
		"in French": {func(m *alert.Message) {
			i := &m.Infos[0]
			i.SenderName, i.Description, i.Instruction = "Préfecture", "Un nuage.", "Entrez."
			i.Areas = []alert.Area{{Description: "Lyon"}, {Description: "Bron"}}
			i.Urgency, i.Certainty = "Immediate", "Observed"
		}, []string{"ALERTE – DANGER IMPORTANT", "Nuage toxique", "Lyon, Bron · agissez immédiatement · danger constaté", "Un nuage.", "CE QU’IL FAUT FAIRE",
			"Entrez.", "Source : Préfecture", "Émis lun. 4 janv., 13:00", "Valable jusqu’au mar. 5 janv., 13:00"}, "RÉELLE"},
		"in English": {func(m *alert.Message) {
			m.Infos[0].Language, m.Infos[0].Severity, m.Infos[0].Instruction = "en-GB", "Extreme", "Go in."
		}, []string{"ALERT – EXTREME DANGER", "WHAT TO DO", "Issued Mon 4 Jan, 13:00"}, "ALERTE"},
		"in a language that has no labels, with the audience's": {func(m *alert.Message) { m.Infos[0].Language = "de" }, []string{"ALERTE – DANGER IMPORTANT"}, ""},
		"an exercise says that it is one":                       {func(m *alert.Message) { m.Status = alert.Exercise }, []string{"EXERCICE – CECI N’EST PAS UNE ALERTE RÉELLE"}, ""},
		"a test too":                                            {func(m *alert.Message) { m.Status = alert.Test }, []string{"ESSAI – CECI N’EST PAS UNE ALERTE RÉELLE"}, ""},
		"an all clear is no alert":                              {func(m *alert.Message) { m.Infos[0].Responses = []string{"AllClear"} }, []string{"FIN D’ALERTE"}, "DANGER"},
		"without a headline the event":                          {func(m *alert.Message) { m.Infos[0].Headline, m.Infos[0].Event = "", "Crue" }, []string{"Crue"}, ""},
		"without an instruction the kinds of response": {func(m *alert.Message) { m.Infos[0].Responses = []string{"Shelter", "Monitor"} },
			[]string{"Mettez-vous à l’abri. Tenez-vous informés."}, ""},
		"lines broken for a teleprinter are joined": {func(m *alert.Message) {
			m.Infos[0].Description = "* WHAT...Winds from the west of more than a hundred\nand ten kilometres an hour.\n\n* WHERE...Here.\nShort line.\nNext."
		}, []string{"more than a hundred and ten", "\n* WHERE...Here.\nShort line.\nNext."}, ""},
		"the sender's address where there is no name": {func(*alert.Message) {}, []string{"Source : warn@example.org"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := texts(one(t, c.change).Scenes(hd()))
			for _, s := range c.says {
				if !strings.Contains(got, s) {
					t.Errorf("it does not say %q but\n%s", s, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("it says %q:\n%s", c.not, got)
			}
		})
	}
}

func TestAnExerciseHasABandOfItsOwn(t *testing.T) {
	for _, z := range one(t, func(m *alert.Message) { m.Status = alert.Exercise }).Scenes(hd())[0].Zones {
		if z.Text != nil && strings.HasPrefix(z.Text.Text, "EXERCICE") {
			if z.Background == "" || z.At[0] != 0 || z.At[2] != 1920 {
				t.Errorf("its zone is %v on %q", z.At, z.Background)
			}
			return
		}
	}
	t.Error("no band")
}

func TestUTCIsNamedWhereNoZoneIsKnown(t *testing.T) {
	look := hd()
	look.Zone = nil
	if got := texts(one(t, func(*alert.Message) {}).Scenes(look)); !strings.Contains(got, "12:00 UTC") {
		t.Error(got)
	}
}

func TestALongTextGoesOnAndLosesNothing(t *testing.T) {
	words := strings.Fields(strings.Repeat("Un nuage de chlore s’échappe d’une usine au sud de la ville et avance. ", 25))
	long := strings.Join(words, " ")
	for name, size := range map[string]scene.Size{
		"on a wide screen": {Width: 1920, Height: 1080}, "on a tall one": {Width: 1080, Height: 1920}, "on a small one": {Width: 1280, Height: 720},
	} {
		t.Run(name, func(t *testing.T) {
			a := one(t, func(m *alert.Message) {
				m.Infos[0].Description, m.Infos[0].Instruction = long, "Entrez et fermez tout."
			})
			look := hd()
			look.Size = size
			event, scenes := a.Show(look)
			if len(event.Items) != len(scenes) || len(scenes) < 2 {
				t.Fatalf("%d items, %d scenes", len(event.Items), len(scenes))
			}
			var got []string
			for _, id := range event.Items {
				for _, z := range scenes[id].Zones {
					if z.Text != nil && z.Text.Style.Weight == 400 && z.Text.Style.Valign == "top" {
						got = append(got, strings.Fields(z.Text.Text)...)
					}
				}
				if d := time.Duration(scenes[id].For); d < 8*time.Second || d > time.Minute {
					t.Errorf("a page of %v", d)
				}
			}
			if strings.Join(got, " ") != long {
				t.Errorf("%d of %d words over %d pages", len(got), len(words), len(scenes))
			}
			first := texts([]scene.Scene{scenes[event.Items[0]]})
			if !strings.Contains(first, "Entrez et fermez tout.") {
				t.Error("what to do is not on the first page")
			}
		})
	}
}

// The drawing itself: within the canvas, readable type, dark on light or light on dark.
func TestTheDrawingIsReadable(t *testing.T) {
	for _, severity := range []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"} {
		for _, size := range []scene.Size{{Width: 3840, Height: 2160}, {Width: 1920, Height: 1080}, {Width: 1080, Height: 1920}, {Width: 1280, Height: 720}, {Width: 1920, Height: 360}} {
			for _, body := range []string{"", "Court.", strings.Repeat("Long texte de plusieurs mots. ", 60)} {
				a := one(t, func(m *alert.Message) {
					m.Status = alert.Exercise
					m.Infos[0].Severity, m.Infos[0].Description, m.Infos[0].Instruction = severity, body, body
					m.Infos[0].Areas = []alert.Area{{Description: strings.Repeat("Un très long nom de lieu, ", 9)}}
				})
				look := hd()
				look.Size = size
				for _, s := range a.Scenes(look) {
					checkScene(t, s, size, severity)
				}
			}
		}
	}
}

func checkScene(t *testing.T, s scene.Scene, size scene.Size, severity string) {
	t.Helper()
	for i, z := range s.Zones {
		x, y, w, h := z.At[0], z.At[1], z.At[2], z.At[3]
		if x < 0 || y < 0 || w < 1 || h < 1 || x+w > size.Width || y+h > size.Height {
			t.Errorf("%v %s: zone %d at %v", size, severity, i, z.At)
		}
		if len(z.Contents()) > 1 {
			t.Errorf("zone %d has %v", i, z.Contents())
		}
		var style scene.Style
		switch {
		case z.Text != nil:
			style = z.Text.Style
		case z.Clock != nil:
			style = z.Clock.Style
		default:
			continue
		}
		if least := min(size.Width, size.Height) * 22 / 1080; style.Size < least {
			t.Errorf("%v %s: %d pixels for %q, at least %d", size, severity, style.Size, z.Text.Text, least)
		}
		if got := contrast(t, style.Color, behind(s, i)); got < 4.5 {
			t.Errorf("%s: %s on %s has a contrast of %.1f", severity, style.Color, behind(s, i), got)
		}
	}
}

// behind is the colour on which a zone is painted.
func behind(s scene.Scene, at int) scene.Color {
	z := s.Zones[at]
	if z.Background != "" {
		return z.Background
	}
	for i := at - 1; i >= 0; i-- {
		if below := s.Zones[i]; below.Background != "" && z.At.Bounds().Overlaps(below.At.Bounds()) && z.At.Bounds().In(below.At.Bounds()) {
			return below.Background
		}
	}
	return s.Background
}

// contrast is WCAG 2.2's contrast ratio.
func contrast(t *testing.T, a, b scene.Color) float64 {
	t.Helper()
	light := func(c scene.Color) float64 {
		v, err := c.Parse()
		if err != nil {
			t.Fatal(err)
		}
		part := func(u uint8) float64 {
			x := float64(u) / 255
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*part(v.R) + 0.7152*part(v.G) + 0.0722*part(v.B)
	}
	x, y := light(a)+0.05, light(b)+0.05
	return max(x, y) / min(x, y)
}
