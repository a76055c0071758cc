package paint

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"time"

	"rsc.io/qr"

	"vitrine/render/scene"
)

// quiet is the margin of a QR code in modules (ISO/IEC 18004, 6.3.8).
const quiet = 4

// code is a QR code whose modules are whole pixels.
type code struct {
	plate
	what scene.QR
	qr   *qr.Code
	done bool
}

func newCode(q scene.QR, p plate) (*code, error) {
	c, err := encodeQR(q.Text, q.Level)
	if err != nil {
		return nil, err
	}
	if side := c.Size + 2*quiet; min(p.size.X, p.size.Y) < side {
		return nil, fmt.Errorf("qr: this text needs %d pixels in both directions, the zone has %d×%d: enlarge it or shorten the text",
			side, p.size.X, p.size.Y)
	}
	return &code{plate: p, what: q, qr: c}, nil
}

func encodeQR(text, level string) (*qr.Code, error) {
	if text == "" {
		return nil, errors.New("qr: there is no text to encode: give the zone's qr a text")
	}
	levels := map[string]qr.Level{"": qr.M, "L": qr.L, "M": qr.M, "Q": qr.Q, "H": qr.H}
	l, ok := levels[level]
	if !ok {
		return nil, fmt.Errorf("qr: level is L, M, Q or H, not %q", level)
	}
	c, err := qr.Encode(text, l)
	if err != nil {
		return nil, fmt.Errorf("qr: %d bytes are too long for a QR code of level %q: shorten the text or lower the level", len(text), level)
	}
	return c, nil
}

func (c *code) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if c.done {
		return image.Rectangle{}
	}
	c.done = true
	c.wipe(dst, c.bounds())
	var light image.Image
	if c.fill == nil { // a code needs its light ground
		light = image.White
	}
	drawQR(dst, c.bounds(), c.qr, c.what.Color.Or(color.NRGBA{A: 0xff}), light)
	c.finish(dst, c.bounds())
	return c.bounds()
}

func (c *code) Next(time.Time) time.Time { return time.Time{} }

// Update takes another text.
func (c *code) Update(z scene.Zone) bool {
	if z.QR == nil || !c.same(z) {
		return false
	}
	if *z.QR == c.what {
		return true
	}
	next, err := newCode(*z.QR, c.plate)
	if err != nil {
		return false
	}
	*c = *next
	return true
}

// drawQR draws a code as large as whole pixels per module allow, in the middle of a box; light nil draws no ground.
func drawQR(dst *image.RGBA, box image.Rectangle, c *qr.Code, dark color.Color, light image.Image) {
	n := c.Size + 2*quiet
	m := min(box.Dx(), box.Dy()) / n
	at := box.Min.Add(box.Size().Sub(image.Pt(n*m, n*m)).Div(2))
	if light != nil {
		draw.Draw(dst, image.Rectangle{Min: at, Max: at.Add(image.Pt(n*m, n*m))}, light, image.Point{}, draw.Src)
	}
	ink := image.NewUniform(dark)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				p := at.Add(image.Pt((x+quiet)*m, (y+quiet)*m))
				draw.Draw(dst, image.Rectangle{Min: p, Max: p.Add(image.Pt(m, m))}, ink, image.Point{}, draw.Over)
			}
		}
	}
}
