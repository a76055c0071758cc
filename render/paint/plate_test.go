package paint_test

import (
	"image"
	"image/color"
	"math"
	"sync"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func TestRoundCornersCutEverythingSmoothly(t *testing.T) {
	for name, z := range map[string]scene.Zone{
		"a background": {Background: "#ffffff", Radius: 20},
		"a clock":      {Background: "#ffffff", Radius: 20, Clock: &scene.Clock{Format: "15:04:05"}},
		"a ticker":     {Background: "#ffffff", Radius: 20, Ticker: news()},
		"a table":      {Background: "#ffffff", Radius: 20, Table: board(3)},
		"a card":       {Radius: 20, Card: &scene.Card{}},
	} {
		t.Run(name, func(t *testing.T) {
			// After some seconds of running: corners must be cut once, not again and again.
			img := painted(t, z, image.Pt(200, 100), 1, env(t, "en"), 2*time.Second)
			for _, p := range []image.Point{{0, 0}, {199, 0}, {0, 99}, {199, 99}} {
				if a := img.RGBAAt(p.X, p.Y).A; a != 0 {
					t.Errorf("the corner at %v has alpha %d", p, a)
				}
			}
			// The area that a quarter circle of radius 20 leaves is known.
			sum := 0.0
			for y := range 20 {
				for x := range 20 {
					sum += float64(img.RGBAAt(x, y).A) / 255
				}
			}
			if want := math.Pi * 100; math.Abs(sum-want) > 3 {
				t.Errorf("the first corner keeps %.1f pixels, want %.1f", sum, want)
			}
			for y := range 100 {
				for x := range 200 {
					if c := img.RGBAAt(x, y); c.R > c.A || c.G > c.A || c.B > c.A {
						t.Fatalf("pixel %d, %d is not premultiplied: %v", x, y, c)
					}
				}
			}
		})
	}
}

func TestBackgrounds(t *testing.T) {
	for _, c := range []struct {
		name       string
		background scene.Color
		want       color.RGBA
	}{
		{"none leaves the surface transparent", "", color.RGBA{}},
		{"half transparent is premultiplied", "#ff000080", color.RGBA{R: 0x80, A: 0x80}},
		{"opaque", "#102030", color.RGBA{R: 0x10, G: 0x20, B: 0x30, A: 0xff}},
		{"malformed is none", "red", color.RGBA{}},
	} {
		img := painted(t, scene.Zone{Background: c.background, Text: &scene.Text{}}, image.Pt(20, 20), 1, env(t, "en"), 0)
		if got := img.RGBAAt(10, 10); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestZonesThatCannotBeDrawnAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  image.Point
		scale float64
	}{
		{"no width", image.Pt(0, 10), 1}, {"a negative height", image.Pt(10, -1), 1}, {"a million pixels wide", image.Pt(1e6, 10), 1},
		{"more pixels than memory", image.Pt(16000, 16000), 1}, {"no scale", image.Pt(10, 10), 0}, {"no number as scale", image.Pt(10, 10), math.NaN()},
	} {
		if w, err := paint.New(scene.Zone{Text: &scene.Text{Text: "a"}}, c.size, c.scale, env(t, "en")); err == nil || w != nil {
			t.Errorf("%s: widget %v, error %v", c.name, w, err)
		}
	}
}

func TestZonesOfOnePixelAreDrawn(t *testing.T) {
	for _, z := range []scene.Zone{
		{Background: "#ffffff", Radius: 99, Text: &scene.Text{Text: "Bienvenue", Style: scene.Style{Pad: 50}}}, {Clock: &scene.Clock{}}, {Ticker: news()},
		{Table: board(20)}, {Card: &scene.Card{Code: "K7PM-3XQD", URL: "https://relais.example.fr", Words: []string{"a"}}},
	} {
		painted(t, z, image.Pt(1, 1), 1, env(t, "en"), 0)
		painted(t, z, image.Pt(1, 300), 1, env(t, "en"), 0)
		painted(t, z, image.Pt(300, 1), 1, env(t, "en"), 0)
	}
}

func TestWidgetsShareTheirFonts(t *testing.T) {
	e := env(t, "fr")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			z := []scene.Zone{{Ticker: news()}, {Clock: &scene.Clock{Format: "15:04:05"}}, {Table: board(9)}, {Text: &scene.Text{Text: "Bienvenue à tous"}}}[i%4]
			w, err := paint.New(z, image.Pt(200, 60), 1, e)
			if err != nil {
				t.Error(err)
				return
			}
			dst := image.NewRGBA(image.Rect(0, 0, 200, 60))
			for j := range 60 {
				w.Paint(dst, noon().Add(time.Duration(j)*time.Second/10))
			}
		})
	}
	wg.Wait()
}

func TestTheCardsClockGoesOn(t *testing.T) {
	w, err := paint.New(scene.Zone{Card: &scene.Card{Name: "Hall"}}, image.Pt(320, 180), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 320, 180))
	w.Paint(dst, noon())
	minute := noon().Truncate(time.Minute).Add(time.Minute)
	if next := w.Next(noon()); !next.Equal(minute) {
		t.Errorf("next is %v, want %v", next, minute)
	}
	if !w.Paint(dst, minute.Add(-time.Millisecond)).Empty() || w.Paint(dst, minute).Empty() {
		t.Error("the card is not painted when the minute changes, and only then")
	}
	if !w.(paint.Updater).Update(scene.Zone{Card: &scene.Card{Name: "Étage"}}) || w.Paint(dst, minute).Empty() {
		t.Error("the card does not take another name")
	}
}
