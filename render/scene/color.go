package scene

import (
	"encoding/hex"
	"fmt"
	"image/color"
)

// Parse reads "#rrggbb" or "#rrggbbaa". Anything else, "" too, is an error that says how to write it.
func (c Color) Parse() (color.NRGBA, error) {
	if len(c) != 7 && len(c) != 9 || c[0] != '#' {
		return color.NRGBA{}, fmt.Errorf("a colour is written like \"#1a2b3c\" or \"#1a2b3c80\", not %q", string(c))
	}
	b, err := hex.DecodeString(string(c[1:]))
	if err != nil {
		return color.NRGBA{}, fmt.Errorf("a colour is written like \"#1a2b3c\" or \"#1a2b3c80\", not %q", string(c))
	}
	out := color.NRGBA{R: b[0], G: b[1], B: b[2], A: 0xff}
	if len(b) == 4 {
		out.A = b[3]
	}
	return out, nil
}

// RGBA makes a Color a color.Color (premultiplied, 16 bits a channel); "" and malformed colours are transparent.
func (c Color) RGBA() (r, g, b, a uint32) {
	v, err := c.Parse()
	if err != nil {
		return 0, 0, 0, 0
	}
	return v.RGBA()
}

// Or is the colour itself, or the other one where it is "" or malformed.
func (c Color) Or(other color.NRGBA) color.NRGBA {
	if v, err := c.Parse(); err == nil {
		return v
	}
	return other
}
