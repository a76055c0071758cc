package paint

import (
	"image"
	"testing"
	"time"

	"vitrine/render/scene"
)

func surface(b *testing.B, z scene.Zone, size image.Point) (Widget, *image.RGBA) {
	b.Helper()
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		b.Fatal(err)
	}
	w, err := New(z, size, 1, Env{Fonts: fonts, Zone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	return w, image.NewRGBA(image.Rectangle{Max: size})
}

// BenchmarkTickerFrame is a full-width ticker at 60 frames a second; the speed needs all four phases. What one frame
// must cost at least is the copying of its pixels, in BenchmarkCopyFrame.
func BenchmarkTickerFrame(b *testing.B) {
	items := []string{"La bibliothèque ferme à 18 h ce soir", "Les réunions du conseil sont publiques", "Collecte des déchets verts : mardi 24"}
	w, dst := surface(b, scene.Zone{Background: "#0d2b45", Ticker: &scene.Ticker{Items: items, Speed: 95}}, image.Pt(1920, 108))
	now := time.Now()
	w.Paint(dst, now)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second / 60)
		w.Paint(dst, now)
	}
}

func BenchmarkCopyFrame(b *testing.B) {
	src, dst := make([]byte, 1920*108*4), make([]byte, 1920*108*4)
	for b.Loop() {
		copy(dst, src)
	}
}

func BenchmarkClockTick(b *testing.B) {
	w, dst := surface(b, scene.Zone{Background: "#102030", Clock: &scene.Clock{Format: "15:04:05", Style: scene.Style{Align: "center"}}}, image.Pt(640, 160))
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		w.Paint(dst, now)
	}
}

func BenchmarkCard(b *testing.B) {
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		b.Fatal(err)
	}
	c := CardInfo{Now: time.Now(), Card: scene.Card{Code: "K7PM-3XQD", URL: "https://relais.example.fr/c", Words: []string{"a", "b", "c", "d"}}}
	for b.Loop() {
		Card(image.Pt(1920, 1080), c, Env{Fonts: fonts, Zone: time.UTC})
	}
}
