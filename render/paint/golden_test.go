package paint_test

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	xdraw "golang.org/x/image/draw"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// builtIn are the Go fonts alone: pictures made with them are the same on every system.
func builtIn(t testing.TB) *paint.Fonts {
	t.Helper()
	fonts, err := paint.LoadFonts(paint.FontConfig{NoSystem: true})
	if err != nil {
		t.Fatal(err)
	}
	return fonts
}

// noon is a Saturday.
func noon() time.Time { return time.Date(2026, 11, 21, 12, 34, 56, 0, time.UTC) }

func env(t testing.TB, locale string) paint.Env {
	return paint.Env{Fonts: builtIn(t), Zone: time.UTC, Locale: locale}
}

// painted draws a zone as it looks after some time of running, sampled 60 times a second.
func painted(t testing.TB, z scene.Zone, size image.Point, scale float64, e paint.Env, after time.Duration) *image.RGBA {
	t.Helper()
	w, err := paint.New(z, size, scale, e)
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	for at := time.Duration(0); at < after; at += time.Second / 60 {
		w.Paint(dst, noon().Add(at))
	}
	w.Paint(dst, noon().Add(after))
	return dst
}

// golden compares a picture with testdata/name.png. Rasterising differs by a level or two between processors: squares of
// 4 × 4 pixels are compared by their mean colour. With VITRINE_GOLDEN=write the file is written instead.
func golden(t *testing.T, name string, got *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if os.Getenv("VITRINE_GOLDEN") == "write" {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v: write it with VITRINE_GOLDEN=write and look at it", err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewRGBA(img.Bounds())
	draw.Draw(want, want.Rect, img, image.Point{}, draw.Src)
	if want.Rect != got.Rect {
		t.Fatalf("%s is %v, drawn was %v", path, want.Rect, got.Rect)
	}
	if worst, mean := distance(want, got); worst > 14 || mean > 1 {
		seen := filepath.Join(t.TempDir(), name+".png")
		if f, err := os.Create(seen); err == nil {
			png.Encode(f, got) //nolint:errcheck // for a person's eyes only
			f.Close()
		}
		t.Errorf("differs from %s: worst square by %.1f levels, mean %.2f", path, worst, mean)
	}
}

// distance is the largest and the mean difference of squares of 4 × 4 pixels, in levels of 0 to 255.
func distance(a, b *image.RGBA) (worst, mean float64) {
	n := 0
	for y := 0; y < a.Rect.Dy(); y += 4 {
		for x := 0; x < a.Rect.Dx(); x += 4 {
			box := image.Rect(x, y, x+4, y+4).Intersect(a.Rect)
			ca, cb := meanColor(a, box), meanColor(b, box)
			for i := range ca {
				d := max(ca[i]-cb[i], cb[i]-ca[i])
				worst = max(worst, d)
				mean += d
				n++
			}
		}
	}
	return worst, mean / float64(n)
}

func meanColor(img *image.RGBA, box image.Rectangle) (c [4]float64) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			p := img.Pix[img.PixOffset(x, y):]
			for i := range c {
				c[i] += float64(p[i])
			}
		}
	}
	for i := range c {
		c[i] /= float64(box.Dx() * box.Dy())
	}
	return c
}

func meetings(n int) [][]string {
	var rows [][]string
	for i := range n {
		rows = append(rows, []string{fmt.Sprintf("%d:15", 8+i), "Commission des finances et du budget de la ville, séance publique", "B 204"})
	}
	return rows
}

func board(n int) *scene.Table {
	return &scene.Table{Header: true, Cells: meetings(n), Style: scene.Style{Pad: 8}, Columns: []scene.Column{
		{Name: "h", Title: "Heure"}, {Name: "titre", Title: "Réunion", Width: 4}, {Name: "salle", Title: "Salle", Align: "end"}}}
}

func news() *scene.Ticker {
	return &scene.Ticker{Items: []string{"La bibliothèque ferme à 18 h", "Collecte : mardi 24", "Marché de Noël"}}
}

func TestWidgetsLookAsTheyDid(t *testing.T) {
	const long = "Bienvenue à l’Hôtel de Ville. Les guichets sont ouverts à 9 h 30 ; l’entrée est libre !"
	for _, c := range []struct {
		name  string
		zone  scene.Zone
		size  image.Point
		after time.Duration
	}{
		{"text-wrapped", scene.Zone{Background: "#1c2430", Radius: 16, Text: &scene.Text{Text: long, Style: scene.Style{Size: 20, Pad: 12}}}, image.Pt(320, 140), 0},
		{"text-shortened", scene.Zone{Background: "#1c2430", Text: &scene.Text{Text: long, Style: scene.Style{Size: 24, Pad: 8, Weight: 700}}}, image.Pt(320, 76), 0},
		{"text-fitted", scene.Zone{Background: "#f4f1ea", Text: &scene.Text{Text: "Soldes\njusqu’à −50 %", Style: scene.Style{Color: "#b3202c", Pad: 10, Align: "center", Weight: 700}}}, image.Pt(320, 140), 0},
		{"text-bottom-end", scene.Zone{Background: "#203040c0", Text: &scene.Text{Text: "Salle 4\n→ 2e étage", Style: scene.Style{Size: 26, Pad: 10, Align: "end", Valign: "bottom"}}}, image.Pt(240, 140), 0},
		{"clock", scene.Zone{Background: "#7a1f2b", Radius: 12, Clock: &scene.Clock{Format: "Monday 2 January 15:04", Locale: "fr", Style: scene.Style{Pad: 8, Align: "center"}}}, image.Pt(320, 60), 0},
		{"ticker-start", scene.Zone{Background: "#0d2b45", Radius: 10, Ticker: news()}, image.Pt(400, 48), 0},
		{"ticker-moved", scene.Zone{Background: "#0d2b45", Ticker: news()}, image.Pt(400, 48), 3205 * time.Millisecond},
		{"table-first", scene.Zone{Background: "#101820", Radius: 10, Table: board(11)}, image.Pt(420, 240), 0},
		{"table-second", scene.Zone{Background: "#101820", Radius: 10, Table: board(11)}, image.Pt(420, 240), 10 * time.Second},
		{"qr", scene.Zone{QR: &scene.QR{Text: "https://vitrine.example/", Color: "#102030"}}, image.Pt(150, 140), 0},
		{"blank", scene.Zone{Background: "#3355aa80", Radius: 30}, image.Pt(120, 80), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name, painted(t, c.zone, c.size, 1, env(t, "fr"), c.after))
		})
	}
}

// page is what a player shows that has not been claimed.
func page(language string) paint.CardInfo {
	return paint.CardInfo{Now: noon(), Card: scene.Card{
		Name: "Accueil — Hall nord", Language: language, Code: "K7PM-3XQD", URL: "https://relais.example.fr/c#K7PM-3XQD",
		Words: []string{"tabac", "gondole", "merisier", "aviron"}, Relay: "relais.example.fr", Address: "192.168.1.42",
		Notices: []string{"Aucun contenu pour l’instant"},
	}}
}

func TestCardLooksAsItDid(t *testing.T) {
	claimed := page("en")
	claimed.Code, claimed.Notices = "", nil
	for _, c := range []struct {
		name string
		size image.Point
		card paint.CardInfo
	}{
		{"card-landscape", image.Pt(640, 360), page("fr")},
		{"card-portrait", image.Pt(360, 640), page("fr")},
		{"card-quiet", image.Pt(480, 270), claimed},
	} {
		t.Run(c.name, func(t *testing.T) { golden(t, c.name, paint.Card(c.size, c.card, env(t, "fr"))) })
	}
}

func TestPicturesAreTheSameAtEveryScale(t *testing.T) {
	zones := map[string]scene.Zone{
		"text":   {Background: "#1c2430", Radius: 24, Text: &scene.Text{Text: "Ouvert à 9 h 30 ; fermé le dimanche et les jours fériés", Style: scene.Style{Size: 40, Pad: 24}}},
		"fitted": {Background: "#1c2430", Text: &scene.Text{Text: "Ouvert dès 9 h", Style: scene.Style{Pad: 24, Weight: 700}}},
		"clock":  {Background: "#7a1f2b", Clock: &scene.Clock{Style: scene.Style{Align: "center"}}},
		"ticker": {Background: "#0d2b45", Ticker: news()},
		"table":  {Background: "#101820", Table: board(5)},
	}
	for name, z := range zones {
		for _, scale := range []float64{2.0 / 3, 2} {
			t.Run(fmt.Sprintf("%s drawn at %.2f", name, scale), func(t *testing.T) {
				canvas := image.Pt(600, 240)
				size := image.Pt(int(600*scale), int(240*scale))
				one := painted(t, z, canvas, 1, env(t, "fr"), 0)
				other := painted(t, z, size, scale, env(t, "fr"), 0)
				small := image.Rect(0, 0, 100, 40)
				a, b := image.NewRGBA(small), image.NewRGBA(small)
				xdraw.ApproxBiLinear.Scale(a, small, blur(one, 6), image.Rect(0, 0, 100, 40), draw.Src, nil)
				xdraw.ApproxBiLinear.Scale(b, small, blur(other, int(6*scale)), image.Rect(0, 0, 100, 40), draw.Src, nil)
				if worst, mean := distance(a, b); worst > 24 || mean > 2 {
					t.Errorf("worst square differs by %.1f levels, mean %.2f", worst, mean)
				}
			})
		}
	}
}

// blur reduces by averaging squares of k × k pixels.
func blur(img *image.RGBA, k int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx()/k, img.Rect.Dy()/k))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			c := meanColor(img, image.Rect(x*k, y*k, x*k+k, y*k+k))
			for i := range c {
				out.Pix[out.PixOffset(x, y)+i] = uint8(c[i])
			}
		}
	}
	return out
}
