package paint

import "vitrine/render/glyph"

// Fonts, FontConfig and LoadFonts are package glyph's: who makes widgets needs no other package for them.
type (
	Fonts      = glyph.Fonts
	FontConfig = glyph.FontConfig
)

// LoadFonts prepares fonts; see package glyph.
func LoadFonts(cfg FontConfig) (*Fonts, error) { return glyph.LoadFonts(cfg) }
