package paint

import (
	"image"
	"image/color"
	"strings"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// CardInfo is what the player's own page shows, and the instant on its clock.
type CardInfo struct {
	scene.Card
	Now time.Time
}

// Card draws the player's own page. A scene with a card zone shows the same, with a clock that goes on.
func Card(size image.Point, c CardInfo, env Env) *image.RGBA {
	dst := image.NewRGBA(image.Rectangle{Max: size})
	if env.Fonts == nil {
		env.Fonts, _ = glyph.LoadFonts(glyph.FontConfig{NoSystem: true}) // without files nothing can fail
	}
	if env.Zone == nil {
		env.Zone = time.Local
	}
	drawCard(dst, size, c, env)
	return dst
}

// card is a zone with the player's own page.
type card struct {
	plate
	env   Env
	what  scene.Card
	shown time.Time // the minute
}

func newCard(c scene.Card, p plate, env Env) *card { return &card{plate: p, env: env, what: c} }

func (c *card) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	minute := now.Truncate(time.Minute)
	if minute.Equal(c.shown) {
		return image.Rectangle{}
	}
	c.shown = minute
	drawCard(dst, c.size, CardInfo{Card: c.what, Now: now}, c.env)
	c.finish(dst, c.bounds())
	return c.bounds()
}

// Next is the next full minute.
func (c *card) Next(now time.Time) time.Time {
	if !now.Truncate(time.Minute).Equal(c.shown) {
		return now
	}
	return c.shown.Add(time.Minute)
}

// Update takes other words.
func (c *card) Update(z scene.Zone) bool {
	if z.Card == nil || !c.same(z) {
		return false
	}
	c.what, c.shown = *z.Card, time.Time{}
	return true
}

// The card's colours: night blue, quiet text, one warm accent.
func night() color.NRGBA  { return color.NRGBA{R: 0x0a, G: 0x10, B: 0x1c, A: 0xff} }
func dusk() color.NRGBA   { return color.NRGBA{R: 0x10, G: 0x1b, B: 0x2e, A: 0xff} }
func paper() color.NRGBA  { return color.NRGBA{R: 0xf4, G: 0xf6, B: 0xfa, A: 0xff} }
func mist() color.NRGBA   { return color.NRGBA{R: 0x9f, G: 0xae, B: 0xc4, A: 0xff} }
func accent() color.NRGBA { return color.NRGBA{R: 0xff, G: 0xb4, B: 0x54, A: 0xff} }

// say is the card's own language.
type say struct{ connect, connectPlain, words, nothing, relay, here, service, sound string }

func sayIn(language string) say {
	if strings.HasPrefix(strings.ToLower(language), "fr") {
		return say{
			connect:      "Pour relier cet écran, ouvrez %s et saisissez ce code.",
			connectPlain: "Pour relier cet écran, saisissez ce code dans votre relais.",
			words:        "Vérifiez que le relais affiche les mêmes quatre mots",
			nothing:      "Aucun contenu pour l’instant",
			relay:        "Relais",
			here:         "Cet écran",
			service:      "Service",
			sound:        "Aucun défaut",
		}
	}
	return say{
		connect:      "To connect this screen, open %s and enter this code.",
		connectPlain: "To connect this screen, enter this code at your relay.",
		words:        "Check that the relay shows the same four words",
		nothing:      "No content yet",
		relay:        "Relay",
		here:         "This screen",
		service:      "Service",
		sound:        "No faults",
	}
}

// page is a card being laid out; lengths are in units of a sixteenth of a landscape page's width.
type page struct {
	sheet
	c    CardInfo
	env  Env
	say  say
	w, h float64
}

func drawCard(dst *image.RGBA, size image.Point, c CardInfo, env Env) {
	if c.Language == "" {
		c.Language = env.Locale
	}
	portrait := size.Y > size.X
	unit := min(float64(size.X)/16, float64(size.Y)/9)
	if portrait {
		unit = min(float64(size.X)/9, float64(size.Y)/16)
	}
	p := page{sheet: sheet{dst: dst, fonts: env.Fonts, unit: unit, locale: c.Language}, c: c, env: env, say: sayIn(c.Language),
		w: float64(size.X) / unit, h: float64(size.Y) / unit}
	shade(dst, dusk(), night(), []glow{
		{x: 0.12 * float64(size.X), y: -0.1 * float64(size.Y), reach: 0.9 * float64(max(size.X, size.Y)), color: color.NRGBA{R: 0x2b, G: 0x55, B: 0x86, A: 0x80}},
		{x: 1.02 * float64(size.X), y: 1.1 * float64(size.Y), reach: 0.6 * float64(max(size.X, size.Y)), color: color.NRGBA{R: 0x8a, G: 0x4b, B: 0x2a, A: 0x48}},
	})
	margin := 1.0
	if portrait {
		margin = 0.75
	}
	p.brand(margin)
	switch {
	case len(c.Facts) > 0:
		p.service(margin, portrait)
	case c.Code == "":
		p.quiet(margin, portrait)
	case portrait:
		p.portrait(margin)
	default:
		p.landscape(margin)
	}
	if len(c.Facts) == 0 {
		p.foot(margin)
	}
}

// brand sets the wordmark at the left and the player's name at the right of the first line.
func (p page) brand(margin float64) {
	const y = 1.12
	p.box(margin, y-0.40, 0.5, 0.5, 0.13, accent())
	p.put(margin+0.25, y-0.025, 0.5, words{text: "V", size: 0.36, weight: 800, color: night()})
	w := p.put(margin+0.7, y, 0, words{text: "Vitrine", size: 0.46, weight: 600, color: paper(), tracking: -0.012})
	if p.c.Name != "" {
		p.put(p.w-margin, y, 1, words{text: p.c.Name, size: 0.4, weight: 500, color: paper(), width: p.w - 2*margin - w - 1.4, shrink: 0.75})
	}
}

func (p page) clock(x, y, align, size float64) {
	t := p.c.Now.In(p.env.Zone)
	p.put(x, y, align, words{text: t.Format("15:04"), size: size, weight: 300, color: paper(), tracking: -0.02})
}

func (p page) date(x, y, align, size float64) {
	t := p.c.Now.In(p.env.Zone)
	layout := "Monday, January 2"
	if strings.HasPrefix(p.c.Language, "fr") {
		layout = "Monday 2 January"
	}
	p.put(x, y, align, words{text: formatTime(t, layout, p.c.Language), size: size, weight: 400, color: mist(), width: p.w - 2})
}

// quiet is the page of a player that needs nobody.
func (p page) quiet(margin float64, portrait bool) {
	size, middle := 3.1, p.h/2
	if portrait {
		size = 2.5
	}
	p.clock(p.w/2, middle+0.55, 0.5, size)
	p.date(p.w/2, middle+1.4, 0.5, 0.46)
	p.notices(p.w/2, middle+2.35, 0.5)
}

func (p page) landscape(margin float64) {
	p.clock(margin-0.06, 3.3, 0, 1.9)
	p.date(margin, 3.92, 0, 0.4)
	p.notices(p.w-margin, 3.3-0.46*float64(max(len(p.lines())-1, 0)), 1)
	const top = 4.4
	height := p.h - top - 0.98
	p.panel(margin, top, p.w-2*margin, height)
	x := margin + 0.45
	if side := p.code(x, top+height/2, 0, height-0.7); side > 0 {
		x += side + 0.55
	}
	width := p.w - margin - 0.5 - x
	tall := 0.27 + 1.14
	if len(p.c.Words) > 0 {
		tall += 0.6 + pillDrop + p.pills(width).height
	}
	y := top + (height-tall)/2 + 0.27
	p.put(x, y, 0, words{text: p.instruction(), size: 0.34, weight: 400, color: mist(), width: width, shrink: 0.6})
	y += 1.14
	p.put(x-0.04, y, 0, words{text: p.c.Code, size: 1.12, weight: 700, color: paper(), tracking: 0.05, width: width, shrink: 0.4, tabular: true})
	if len(p.c.Words) > 0 {
		p.fourWords(x, y+0.6, 0, width)
	}
}

func (p page) portrait(margin float64) {
	p.clock(p.w/2, 3.6, 0.5, 2.1)
	p.date(p.w/2, 4.3, 0.5, 0.42)
	p.notices(p.w/2, 5.05, 0.5)
	top := 5.75 + 0.5*float64(max(len(p.lines())-1, 0))
	height := p.h - top - 1.2
	p.panel(margin, top, p.w-2*margin, height)
	inner := p.w - 2*margin - 0.9
	y := p.putLines(p.w/2, top+0.8, 0.5, 3, words{text: p.instruction(), size: 0.34, weight: 400, color: mist(), width: inner, shrink: 0.85})
	rest := 0.42 + 1.16 + 0.5
	if len(p.c.Words) > 0 {
		rest += 0.7 + pillDrop + p.pills(inner).height
	}
	free := top + height - y - rest
	side := p.code(p.w/2, y+0.42+max(0, free)/2, 0.5, min(3.8, free))
	y += 0.42 + (max(0, free)+side)/2 + 1.16
	p.put(p.w/2, y, 0.5, words{text: p.c.Code, size: 1.06, weight: 700, color: paper(), tracking: 0.05, width: inner, shrink: 0.4, tabular: true})
	if len(p.c.Words) > 0 {
		p.fourWords(p.w/2, y+0.7, 0.5, inner)
	}
}

func (p page) panel(x, y, w, h float64) {
	p.box(x, y, w, h, 0.3, color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0x0e})
	p.frame(x, y, w, h, 0.3, 0.012, color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0x1c})
}

// code draws the QR code, its quiet zone a white tile of at most side, in the middle of the height y. It returns the
// tile's side; without an address, or room for it, there is none.
func (p page) code(x, y, align, side float64) float64 {
	if p.c.URL == "" {
		return 0
	}
	c, err := encodeQR(p.c.URL, "M")
	if err != nil {
		return 0
	}
	n := c.Size + 2*quiet
	m := int(side*p.unit) / n
	if m < 1 {
		return 0
	}
	side = float64(n*m) / p.unit
	at := image.Pt(round((x-align*side)*p.unit), round((y-side/2)*p.unit))
	fillRound(p.dst, float64(at.X), float64(at.Y), float64(n*m), float64(n*m), 0.14*p.unit, color.White)
	drawQR(p.dst, image.Rectangle{Min: at, Max: at.Add(image.Pt(n*m, n*m))}, c, night(), nil)
	return side
}

func (p page) instruction() string {
	if p.c.Relay == "" {
		return p.say.connectPlain
	}
	return strings.Replace(p.say.connect, "%s", p.c.Relay, 1)
}

// The measures of the pills in which words stand.
const (
	pillHigh = 0.6
	pillGap  = 0.16
	pillPad  = 0.26
	pillDrop = 0.24 // from the sentence's baseline
)

// pillRows are words in rows that fit into a width.
type pillRows struct {
	rows   [][]pill
	height float64
}

type pill struct {
	words
	wide float64
}

// pillSize makes words smaller where that puts them into one row.
func (p page) pillSize(width float64) float64 {
	const size, smallest = 0.34, 0.25
	sum, room := 0.0, width+pillGap
	for _, word := range p.c.Words[:min(len(p.c.Words), 8)] {
		sum += p.measure(words{text: word, size: size, weight: 600}).Width / p.unit
		room -= 2*pillPad + pillGap
	}
	if fits := 0.995 * size * room / sum; p.w > p.h && sum > 0 && fits >= smallest {
		return min(size, fits)
	}
	return size
}

func (p page) pills(width float64) pillRows {
	out := pillRows{height: pillHigh}
	size := p.pillSize(width)
	used := 0.0
	for _, word := range p.c.Words[:min(len(p.c.Words), 8)] {
		w := words{text: word, size: size, weight: 600, color: accent(), width: width - 2*pillPad, shrink: 0.5}
		wide := p.measure(w).Width/p.unit + 2*pillPad
		if used > 0 && used+wide > width {
			used = 0
			out.height += pillHigh + pillGap
		}
		if used == 0 {
			out.rows = append(out.rows, nil)
		}
		last := len(out.rows) - 1
		out.rows[last] = append(out.rows[last], pill{words: w, wide: wide})
		used += wide + pillGap
	}
	if len(out.rows) == 2 && len(out.rows[1]) == 1 && len(out.rows[0]) == 3 { // two and two look better than three and one
		out.rows[1] = append([]pill{out.rows[0][2]}, out.rows[1]...)
		out.rows[0] = out.rows[0][:2]
	}
	return out
}

// fourWords sets the fingerprint's words in pills under their sentence, whose baseline is at y.
func (p page) fourWords(x, y, align, width float64) {
	p.put(x, y, align, words{text: p.say.words, size: 0.27, weight: 400, color: mist(), width: width, shrink: 0.7})
	y += pillDrop
	for _, row := range p.pills(width).rows {
		wide := -pillGap
		for _, b := range row {
			wide += b.wide + pillGap
		}
		at := x - align*wide
		for _, b := range row {
			p.box(at, y, b.wide, pillHigh, pillHigh/2, withAlpha(accent(), 0.13))
			p.put(at+pillPad, y+pillHigh/2+0.122, 0, b.words)
			at += b.wide + pillGap
		}
		y += pillHigh + pillGap
	}
}

// lines are the notices to be shown.
func (p page) lines() []string {
	if len(p.c.Notices) == 0 && p.c.Code == "" {
		return []string{p.say.nothing}
	}
	return p.c.Notices[:min(len(p.c.Notices), 4)]
}

// notices sets each notice on its own line, a dot of the accent before it.
func (p page) notices(x, y, align float64) {
	limit := p.w - 2
	if align == 1 {
		limit = p.w/2 - 0.6
	}
	for i, text := range p.lines() {
		w := words{text: text, size: 0.34, weight: 500, color: paper(), width: limit, shrink: 0.75}
		ln := p.measure(w)
		wide := ln.Width/p.unit + 0.3
		left := x - align*wide
		at := y + 0.5*float64(i)
		disc(p.dst, (left+0.07)*p.unit, (at-0.115)*p.unit, 0.065*p.unit, accent())
		p.put(left+0.3, at, 0, w)
	}
}

// foot names the addresses, one below the other where they are too long to stand side by side.
func (p page) foot(margin float64) {
	y := p.h - 0.5
	width := p.w - 2*margin
	label := func(name, value string) words {
		if value != "" {
			value = name + "  " + value
		}
		return words{text: value, size: 0.25, weight: 400, color: mist()}
	}
	relay, here := label(p.say.relay, p.c.Relay), label(p.say.here, p.c.Address)
	both := (p.measure(relay).Width + p.measure(here).Width) / p.unit
	relay.width, relay.shrink, here.width, here.shrink = width, 0.7, width, 0.7
	if both+0.5 > width {
		p.put(margin, y-0.18, 0, relay)
		p.put(margin, y+0.18, 0, here)
		return
	}
	p.put(margin, y, 0, relay)
	p.put(p.w-margin, y, 1, here)
}
