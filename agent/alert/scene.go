package alert

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// Look is how a site's screen is.
type Look struct {
	Size   scene.Size     // of the canvas, pixels
	Zone   *time.Location // for the times in the text; nil = UTC, which is then said
	Locale string         // of the audience, for the player's own words where the message is neither French nor English
}

// The colours, dark on light or light on dark by at least 4.5 to 1 (WCAG 2.2, 1.4.3). Those of the severities are the ladder
// of public warning in Europe (Meteoalarm): red, orange, yellow, green; blue for what is not known.
const (
	night = scene.Color("#0b1016") // behind everything
	panel = scene.Color("#18222d") // behind what to do
	foot  = scene.Color("#05080b")
	snow  = scene.Color("#ffffff")
	mist  = scene.Color("#d5dde5")
	coal  = scene.Color("#14110a")
	drill = scene.Color("#5b2a86") // exercises and tests
)

// colors are a severity's band and the ink on it.
func colors(i *Info) (band, ink scene.Color) {
	if i.allClear() {
		return "#1e7a3c", snow
	}
	switch i.Severity {
	case "Extreme":
		return "#c8102e", snow
	case "Severe":
		return "#f58a07", coal
	case "Moderate":
		return "#ffd400", coal
	case "Minor":
		return "#1e7a3c", snow
	}
	return "#1f5fa8", snow
}

const maxPages = 9

// Show is the alert for the player: the event for its schedule, and the scenes that the event's items name. A text that
// does not fit on one page at a size that can be read from afar goes on on the next.
func (a Alert) Show(l Look) (schedule.Event, map[string]scene.Scene) {
	scenes := map[string]scene.Scene{}
	var items []string
	for i, s := range a.Scenes(l) {
		id := a.ID() + "/" + strconv.Itoa(i+1)
		items = append(items, id)
		scenes[id] = s
	}
	return a.Event(items...), scenes
}

// Scenes draws the alert: text and plain rectangles only, one scene for each page, each with the time that reading it takes.
func (a Alert) Scenes(l Look) []scene.Scene {
	if l.Zone == nil {
		l.Zone = time.UTC
	}
	b := newBoard(a, l)
	pages := b.pages()
	out := make([]scene.Scene, len(pages))
	for i, p := range pages {
		out[i] = b.draw(p, i+1, len(pages))
	}
	return out
}

// page is what differs from page to page.
type page struct {
	text, todo         string
	textSize, todoSize float64
}

// board is the geometry of one alert on one canvas; u is a pixel of a canvas whose shorter side is 1080.
type board struct {
	a               Alert
	l               Look
	words           labels
	w, h, u         float64
	margin          float64
	title, subtitle string
	titleSize       float64
	titleRoom       float64 // the most that the title may take of the height
	subSize         float64
	down            float64 // by which a title that is alone stands lower
	top, bottom     float64 // of the room for text
}

func newBoard(a Alert, l Look) *board {
	b := &board{a: a, l: l, words: labelsFor(a.Info.Language, l.Locale), w: float64(max(l.Size.Width, 1)), h: float64(max(l.Size.Height, 1))}
	b.u = min(b.w, b.h) / 1080
	b.margin = 72 * b.u
	b.title, b.subtitle = a.title(b.words), a.subtitle(b.words)
	b.titleRoom = 0.26 * b.h
	b.subSize = 40 * b.u
	largest := 100 * b.u
	alone := flow(a.Info.Description) == "" && a.instruction(b.words) == "" // the title is all there is
	if alone {
		b.titleRoom, largest, b.subSize = 0.5*b.h, 190*b.u, 56*b.u
	}
	b.titleSize = fit(b.title, b.inner()/heavy, b.titleRoom-12*b.u, 44*b.u, largest)
	if alone {
		b.down = max(0, b.h-b.footTall()-b.titleTop()-b.titleTall()-b.subTall()) / 2.6
	}
	b.top = b.titleTop() + b.titleTall() + b.subTall() + 24*b.u
	b.bottom = b.h - b.footTall() - 36*b.u
	return b
}

func (b *board) inner() float64    { return b.w - 2*b.margin }
func (b *board) bandTall() float64 { return 140 * b.u }
func (b *board) footTall() float64 { return 104 * b.u }
func (b *board) frame() float64    { return 20 * b.u }

// mirrored says whether the message is read from the right.
func (b *board) mirrored() bool {
	return slices.Contains([]string{"ar", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"}, primary(b.a.Info.Language))
}

// drillTall is the height of the band that says that it is none.
func (b *board) drillTall() float64 {
	if b.a.Message.Status == Actual {
		return 0
	}
	return 76 * b.u
}

func (b *board) titleTop() float64 { return b.bandTall() + b.drillTall() + 36*b.u + b.down }
func (b *board) titleTall() float64 {
	return min(height(b.title, b.titleSize, b.inner()/heavy)+12*b.u, b.titleRoom)
}

func (b *board) subTall() float64 {
	if b.subtitle == "" {
		return 0
	}
	return min(height(b.subtitle, b.subSize, b.inner()), 2*leading*b.subSize) + 8*b.u
}

// boxInner is the width of text beside the box's bar, and boxExtra what the box needs beside its text's height.
func (b *board) boxInner() float64 { return (b.inner() - 96*b.u) / heavy }
func (b *board) boxExtra() float64 { return 128 * b.u }

// pages lays the text out: all of it on one page when it can be read there, else the instruction first.
func (b *board) pages() []page {
	text, todo := flow(b.a.Info.Description), b.a.instruction(b.words)
	room := b.bottom - b.top
	if text == "" && todo == "" {
		return []page{{}}
	}
	largest := 80 * b.u
	if text == "" {
		largest = 120 * b.u
	}
	for size := largest; size >= 36*b.u; size -= 2 * b.u {
		need := height(text, size, b.inner())
		if todo != "" {
			need += height(todo, size, b.boxInner()) + b.boxExtra()
			if text != "" {
				need += 28 * b.u
			}
		}
		if need <= room {
			return []page{{text: text, todo: todo, textSize: size, todoSize: size}}
		}
	}
	size := 44 * b.u
	var out []page
	for _, t := range split(todo, size, b.boxInner(), room-b.boxExtra(), maxPages/2) {
		out = append(out, page{todo: t, todoSize: fit(t, b.boxInner(), room-b.boxExtra(), size, 72*b.u)})
	}
	for _, t := range split(text, size, b.inner(), room, maxPages-len(out)) {
		out = append(out, page{text: t, textSize: size})
	}
	return out
}

// draw makes one page.
func (b *board) draw(p page, n, of int) scene.Scene {
	band, ink := colors(b.a.Info)
	s := scene.Scene{Background: night, For: reading(b.title, p.text, p.todo)}
	add := func(z scene.Zone) { s.Zones = append(s.Zones, z) }
	clock := 260 * b.u
	add(scene.Zone{At: rect(0, 0, b.w, b.bandTall()), Background: band})
	for _, side := range []float64{0, b.w - b.frame()} { // its colour is seen from where no word can be read
		add(scene.Zone{At: rect(side, b.bandTall(), b.frame(), b.h-b.bandTall()), Background: band})
	}
	heading := b.words.heading(b.a)
	wide := b.inner() - clock
	add(words(rect(b.margin, 0, wide, b.bandTall()), heading, fit(heading, wide/heavy, b.bandTall()*0.9, 34*b.u, 68*b.u), 800, ink, "start", "middle"))
	add(scene.Zone{At: rect(b.w-b.margin-clock, 0, clock, b.bandTall()), Clock: &scene.Clock{Zone: zoneName(b.l.Zone), Format: "15:04",
		Style: scene.Style{Size: int(64 * b.u), Weight: 600, Color: ink, Align: "end", Valign: "middle"}}})
	if tall := b.drillTall(); tall > 0 {
		notice := b.words.exercise
		if b.a.Message.Status == Test {
			notice = b.words.test
		}
		z := words(rect(0, b.bandTall(), b.w, tall), notice, fit(notice, b.inner()/heavy, tall, 26*b.u, 44*b.u), 800, snow, "center", "middle")
		z.Background = drill
		add(z)
	}
	add(words(rect(b.margin, b.titleTop(), b.inner(), b.titleTall()), b.title, b.titleSize, 700, snow, "start", "bottom"))
	if b.subtitle != "" {
		add(words(rect(b.margin, b.titleTop()+b.titleTall(), b.inner(), b.subTall()), b.subtitle, b.subSize, 500, lighter(band), "start", "top"))
	}
	b.body(p, band, add)
	b.footer(n, of, band, add)
	return s
}

// body is the description, and below it the box with what to do.
func (b *board) body(p page, band scene.Color, add func(scene.Zone)) {
	bottom := b.bottom
	if p.todo != "" {
		tall := min(height(p.todo, p.todoSize, b.boxInner())+b.boxExtra(), b.bottom-b.top)
		top := b.bottom - tall
		if p.text == "" {
			top = b.top
		}
		add(scene.Zone{At: rect(b.margin, top, b.inner(), tall), Background: panel})
		bar, label := b.margin, "start"
		if b.mirrored() {
			bar, label = b.w-b.margin-14*b.u, "end"
		}
		add(scene.Zone{At: rect(bar, top, 14*b.u, tall), Background: band})
		x, w := b.margin+52*b.u, b.inner()-96*b.u
		add(words(rect(x, top+22*b.u, w, 46*b.u), b.words.todo, 32*b.u, 700, lighter(band), label, "middle"))
		add(words(rect(x, top+76*b.u, w, tall-100*b.u), p.todo, p.todoSize, 600, snow, "start", "middle"))
		bottom = top - 28*b.u
	}
	if p.text != "" {
		add(words(rect(b.margin, b.top, b.inner(), bottom-b.top), p.text, p.textSize, 400, mist, "start", "top"))
	}
}

// footer says who warns, since when and until when, and which page this is.
func (b *board) footer(n, of int, band scene.Color, add func(scene.Zone)) {
	top := b.h - b.footTall()
	add(scene.Zone{At: rect(b.frame(), top, b.w-2*b.frame(), b.footTall()-b.frame()), Background: foot})
	add(scene.Zone{At: rect(0, b.h-b.frame(), b.w, b.frame()), Background: band})
	left := fmt.Sprintf(b.words.from, b.a.source()) + " · " + fmt.Sprintf(b.words.sent, b.words.when(b.a.Message.Sent, b.l.Zone))
	right := fmt.Sprintf(b.words.until, b.words.when(b.a.Until, b.l.Zone))
	if of > 1 {
		right += fmt.Sprintf("   %d/%d", n, of)
	}
	split := 0.58 * b.inner()
	gap := 32 * b.u
	line := func(text string, x, w float64, weight int, color scene.Color, align string) {
		add(words(rect(x, top, w, b.footTall()-b.frame()), text, fit(text, w, (b.footTall()-b.frame())*0.9, 22*b.u, 32*b.u), weight, color, align, "middle"))
	}
	line(left, b.margin, split-gap, 400, mist, "start")
	line(right, b.margin+split, b.inner()-split, 600, snow, "end")
}

// words is a zone with a text.
func words(at scene.Rect, text string, size float64, weight int, color scene.Color, align, valign string) scene.Zone {
	return scene.Zone{At: at, Text: &scene.Text{Text: text, Style: scene.Style{Size: max(int(size), 1), Weight: weight, Color: color, Align: align, Valign: valign}}}
}

func rect(x, y, w, h float64) scene.Rect {
	return scene.Rect{int(x), int(y), max(int(w), 1), max(int(h), 1)}
}

// lighter is a band's colour as ink on the dark ground.
func lighter(band scene.Color) scene.Color {
	switch band {
	case "#c8102e":
		return "#ff8f8f"
	case "#1e7a3c":
		return "#7ee2a0"
	case "#1f5fa8":
		return "#8fc1ff"
	}
	return band
}

// reading is how long a page stays: fifteen characters a second, and three seconds to notice it; eight to sixty seconds.
func reading(texts ...string) scene.Duration {
	n := 0
	for _, t := range texts {
		n += utf8.RuneCountInString(t)
	}
	d := 3*time.Second + time.Duration(n)*time.Second/15
	return scene.Duration(min(max(d, 8*time.Second), time.Minute).Round(time.Second))
}

// zoneName is the zone's name for a clock; the player's own where it has none that travels.
func zoneName(z *time.Location) string {
	if name := z.String(); name != "Local" {
		return name
	}
	return ""
}
