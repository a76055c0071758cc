package paint

import (
	"image/color"
	"math"
	"strings"

	"vitrine/render/glyph"
)

// maxFacts bounds a service page: more cannot be read from two metres.
const maxFacts = 16

// good is the colour of a player without faults.
func good() color.NRGBA { return color.NRGBA{R: 0x5f, G: 0xd3, B: 0x9a, A: 0xff} }

// service is the page for a technician who stands two metres away: faults first, then what the player knows of itself.
//
//	Service            14:05
//	● fault …
//	──────────────────────────────
//	label  value │ label  value
func (p page) service(margin float64, portrait bool) {
	title := p.c.Title
	if title == "" {
		title = p.say.service
	}
	const y = 2.42
	clock := p.measure(words{text: p.c.Now.In(p.env.Zone).Format("15:04"), size: 0.72, weight: 300, tracking: -0.02})
	p.put(margin-0.02, y, 0, words{text: title, size: 0.72, weight: 700, color: paper(), tracking: -0.015, width: p.w - 2*margin - clock.Width/p.unit - 0.5, shrink: 0.6})
	p.clock(p.w-margin, y, 1, 0.72)
	top := p.faults(margin, y+0.62)
	facts := p.c.Facts[:min(len(p.c.Facts), maxFacts)]
	bottom := p.h - 0.6
	columns, most := 2, 0.78
	if portrait || len(facts) <= 4 {
		columns, most = 1, 0.9
	}
	rows := (len(facts) + columns - 1) / columns
	gap := 0.5
	wide := (p.w - 2*margin - gap*float64(columns-1)) / float64(columns)
	high := math.Min(most, (bottom-top)/float64(rows))
	for i, fact := range facts {
		x := margin + (wide+gap)*float64(i/rows)
		p.fact(x, top+high*float64(i%rows), wide, high, fact)
	}
}

// faults are what is wrong, each on as many lines as it needs, three at most; it returns where the next part begins.
func (p page) faults(margin, y float64) float64 {
	notices := p.c.Notices[:min(len(p.c.Notices), 4)]
	ink := accent()
	if len(notices) == 0 {
		notices, ink = []string{p.say.sound}, good()
	}
	const size, apart = 0.31, 0.24
	wide := p.w - 2*margin - 0.96
	bottom := y
	for dry := true; ; dry = false { // the panel lies below the text: measure, then draw
		at := y + 0.12
		for _, text := range notices {
			w := words{text: text, size: size, weight: 600, color: ink, width: wide}
			if dry {
				at += 1.32 * size * float64(p.linesOf(w, 3)-1)
			} else {
				disc(p.dst, (margin+0.36)*p.unit, (at-0.11)*p.unit, 0.085*p.unit, ink)
				at = p.putLines(margin+0.66, at, 0, 3, w)
			}
			at += size + apart
		}
		if !dry {
			return bottom + 0.22
		}
		bottom = at - size - apart + 0.28
		p.box(margin, y-0.36, p.w-2*margin, bottom-y+0.36, 0.16, withAlpha(ink, 0.13))
	}
}

// linesOf is how many lines a text takes, at most n.
func (p page) linesOf(w words, n int) int {
	l := glyph.Look{Size: w.size * p.unit, Weight: w.weight, Locale: p.locale}
	return max(1, len(p.fonts.Layout(w.text, l, w.width*p.unit, n).Lines))
}

// fact is a label and its value between two quiet lines; both stand on one baseline.
func (p page) fact(x, y, wide, high float64, fact [2]string) {
	size := math.Min(0.34, 0.46*high)
	base := y + high/2 + 0.36*size
	p.box(x, y, wide, math.Max(0.012, 1/p.unit), 0, color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0x22})
	label := math.Min(0.36*wide, 2.75)
	p.put(x, base, 0, words{text: strings.TrimSpace(fact[0]), size: 0.86 * size, weight: 400, color: mist(), width: label - 0.2, shrink: 0.75})
	p.put(x+label, base, 0, words{text: strings.TrimSpace(fact[1]), size: size, weight: 500, color: paper(), width: wide - label, shrink: 0.62, tabular: true})
}
