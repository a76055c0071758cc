package playout

import (
	"time"

	"vitrine/render/scene"
)

// Sign is a strip above everything, for whoever has just plugged something in: what goes on, and what not to do meanwhile.
type Sign struct {
	Title string
	Text  string  // a second line; "" = none
	Share float64 // of a bar, 0 to 1; less = no bar
	Bad   bool    // it says that something has gone wrong
}

// sign is the strip that is shown, and until when.
type sign struct {
	Sign
	until time.Time // zero = none
}

// ShowSign shows a strip for a time, instead of the one before; 0 takes it away.
func (p *Playout) ShowSign(s Sign, stay time.Duration) {
	p.mu.Lock()
	was := p.sign
	p.sign = sign{}
	if stay > 0 {
		p.sign = sign{s, time.Now().Add(stay)}
	}
	same := was.Sign == p.sign.Sign && was.until.IsZero() == p.sign.until.IsZero()
	p.mu.Unlock()
	if !same {
		p.nudge()
	}
}

// strip is the sign as a scene for a canvas; false = there is none.
func (p *Playout) strip(canvas scene.Size) (scene.Scene, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.sign.until) {
		p.sign = sign{}
		return scene.Scene{}, false
	}
	return p.sign.scene(canvas), true
}

// scene lays the strip out at the lower edge, as wide as can be read from some metres: a bar, a title, a line.
func (s Sign) scene(canvas scene.Size) scene.Scene {
	short := min(canvas.Width, canvas.Height)
	height, margin := max(short/7, 24), max(short/40, 4)
	width := min(canvas.Width-2*margin, 12*height)
	x, y := (canvas.Width-width)/2, canvas.Height-height-2*margin
	pad := height / 8
	line := func(top, size, weight int, text string, color scene.Color) scene.Zone {
		return scene.Zone{At: scene.Rect{x + 2*pad, top, width - 4*pad, size * 3 / 2}, Z: 2,
			Text: &scene.Text{Text: text, Style: scene.Style{Size: size, Weight: weight, Color: color, Align: "center"}}}
	}
	ground := scene.Color("#14181df2")
	if s.Bad {
		ground = "#7a1f12f2"
	}
	zones := []scene.Zone{
		{At: scene.Rect{x, y, width, height}, Radius: pad, Background: ground, Shape: &scene.Shape{Fill: ground}},
		line(y+pad, height*10/36, 700, s.Title, "#ffffff"),
	}
	if s.Text != "" {
		zones = append(zones, line(y+pad+height*15/36, height*8/36, 400, s.Text, "#e6e9ed"))
	}
	if s.Share >= 0 {
		bar := scene.Rect{x + 2*pad, y + height - pad*3/2, width - 4*pad, max(pad/2, 2)}
		zones = append(zones, scene.Zone{At: bar, Z: 1, Shape: &scene.Shape{Fill: "#ffffff33"}})
		if bar[2] = int(float64(bar[2]) * min(s.Share, 1)); bar[2] > 0 {
			zones = append(zones, scene.Zone{At: bar, Z: 2, Shape: &scene.Shape{Fill: "#4cc2ff"}})
		}
	}
	return scene.Scene{For: scene.Duration(time.Hour), Zones: zones}
}
