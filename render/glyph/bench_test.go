package glyph

import (
	"image"
	"strings"
	"testing"
)

func BenchmarkTextLayout(b *testing.B) {
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("Les guichets sont ouverts de 9 h à 18 h, sauf le dimanche. ", 8)
	b.ReportAllocs()
	for b.Loop() {
		fonts.Layout(text, Look{Size: 32, Weight: 400}, 900, 20)
	}
}

// BenchmarkLongestText is what the longest text that is looked at costs.
func BenchmarkLongestText(b *testing.B) {
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		b.Fatal(err)
	}
	for name, unit := range map[string]string{"words": "guichet ", "isolates": "\u2067a", "marks": "a\u0301\u0302\u0303", "one word": "m"} {
		text := strings.Repeat(unit, maxRunes)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				fonts.Layout(text, Look{Size: 32, Weight: 400}, 900, 20)
			}
		})
	}
}

func BenchmarkFitText(b *testing.B) {
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		fonts.Fit("Les guichets sont ouverts de 9 h à 18 h", Look{Weight: 400}, image.Pt(900, 400), 10)
	}
}
