package paint

import (
	"image"
	"image/color"
	"math"
	"reflect"
	"strings"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// The columns of a row of weather.
const (
	skyLabel = iota
	skySky
	skyHigh
	skyLow
	skyWind
)

// maxDays bounds the rows.
const maxDays = 24

// weather shows days or hours; the first is the largest.
//
//	wide                                 tall
//	┌───────────┬─────┬─────┬─────┐      ┌─────────────┐
//	│ Place     │ Tue │ Wed │ Thu │      │ Place       │
//	│  ☀  21°   │  ☁  │  ☂  │  ☀  │      │   ☀  21°    │
//	│ Clear     │ 19° │ 15° │ 20° │      ├─────────────┤
//	└───────────┴─────┴─────┴─────┘      │ Tue  ☁  19° │   between the two: the list beside the first
type weather struct {
	plate
	env    Env
	what   scene.Weather
	days   [][]string
	ink    color.NRGBA
	accent color.NRGBA
	done   bool
}

func newWeather(what scene.Weather, p plate, env Env) *weather {
	w := &weather{plate: p, env: env}
	w.take(what)
	return w
}

func (w *weather) take(what scene.Weather) {
	w.what, w.done, w.days = what, false, nil
	w.ink = what.Style.Color.Or(white())
	w.accent = what.Accent.Or(accentFor(w.ink))
	most := maxDays
	if what.Rows > 0 {
		most = min(most, what.Rows)
	}
	for _, row := range what.Cells[:min(len(what.Cells), most)] {
		full := make([]string, skyWind+1)
		for i := range min(len(row), len(full)) {
			full[i] = cutRunes(strings.TrimSpace(row[i]), maxCellRunes)
		}
		w.days = append(w.days, full)
	}
}

func (w *weather) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if w.done {
		return image.Rectangle{}
	}
	w.done = true
	w.wipe(dst, w.bounds())
	if box := w.bounds().Inset(int(w.px(w.what.Style.Pad))); !box.Empty() && len(w.days) > 0 {
		w.set(dst, box)
	}
	w.finish(dst, w.bounds())
	return w.bounds()
}

// set parts the zone between the first row and the others.
func (w *weather) set(dst *image.RGBA, box image.Rectangle) {
	width, height := float64(box.Dx()), float64(box.Dy())
	rest := len(w.days) - 1
	hero := box
	switch {
	case rest == 0:
	case width > 1.15*height && width <= 2.3*height:
		hero.Max.X = hero.Min.X + round(0.52*width)
		w.list(dst, image.Rect(hero.Max.X+round(0.05*width), box.Min.Y, box.Max.X, box.Max.Y))
	case width > height:
		wide := math.Min(math.Max(1.55*height, 0.24*width), 0.6*width)
		hero.Max.X = hero.Min.X + round(wide)
		gap := 0.05 * height
		w.columns(dst, image.Rect(hero.Max.X+round(gap), box.Min.Y, box.Max.X, box.Max.Y))
	default:
		tall := math.Min(math.Max(0.62*width, 0.34*height), 0.62*height)
		hero.Max.Y = hero.Min.Y + round(tall)
		w.list(dst, image.Rect(box.Min.X, hero.Max.Y+round(0.03*height), box.Max.X, box.Max.Y))
	}
	w.first(dst, hero)
}

func (w *weather) look(size float64, weight int) glyph.Look {
	l := lookOf(w.what.Style, w.scale, w.env.Locale)
	l.Size, l.Weight, l.Tabular = math.Max(size, minSize*w.scale), weight, true
	return l
}

// put sets one line into a box, smaller where it is too long.
func (w *weather) put(dst *image.RGBA, box image.Rectangle, s string, size float64, weight int, align string, c color.NRGBA) {
	if s == "" || box.Empty() {
		return
	}
	l := w.look(size, weight)
	if ln := w.env.Fonts.OneLine(s, l); ln.Width > float64(box.Dx()) {
		l.Size *= math.Max(0.7, 0.99*float64(box.Dx())/ln.Width)
	}
	b := w.env.Fonts.Layout(s, l, float64(box.Dx()), 1)
	w.env.Fonts.SetBlock(dst, box, b, align, "middle", image.NewUniform(c))
}

// degrees is a temperature as it is read: rounded where the source has decimals, with its sign's own character.
func (w *weather) degrees(s string) string {
	if s == "" {
		return ""
	}
	if v, ok := parseNumber(s, w.env.Locale); ok {
		s = formatNumber(v, 0, "", w.env.Locale)
	}
	unit := w.what.Unit
	if unit == "" {
		unit = "°"
	}
	if french(w.env.Locale) && len(unit) > len("°") {
		unit = "\u202f" + unit
	}
	return s + unit
}

// condition is the sky in words.
func (w *weather) condition(day []string) string {
	if s := skyOf(day[skySky]); s != skyNone {
		return skyWords(w.env.Locale)[s]
	}
	return day[skySky]
}

// first draws the largest row: place and label, sky and temperature, the condition in words and the wind.
func (w *weather) first(dst *image.RGBA, box image.Rectangle) {
	day := w.days[0]
	width, height := float64(box.Dx()), float64(box.Dy())
	k := math.Min(height, 0.72*width)
	quiet := withAlpha(w.ink, 0.78)
	y := float64(box.Min.Y)
	row := func(h float64) image.Rectangle {
		r := image.Rect(box.Min.X, round(y), box.Max.X, round(y+h))
		y += h
		return r
	}
	used := 0.57*k + 0.15*k
	if w.what.Place != "" {
		used += 0.17 * k
	}
	if day[skyLabel] != "" {
		used += 0.12 * k
	}
	if day[skyWind] != "" {
		used += 0.11 * k
	}
	if used > height {
		k *= height / used
		used = height
	}
	y += (height - used) / 2
	if w.what.Place != "" {
		w.put(dst, row(0.17*k), w.what.Place, 0.125*k, 700, "start", w.ink)
	}
	if day[skyLabel] != "" {
		w.put(dst, row(0.12*k), day[skyLabel], 0.085*k, 500, "start", w.accent)
	}
	middle := row(0.57 * k)
	side := 0.0
	if s := skyOf(day[skySky]); s != skyNone {
		side = 0.6 * k
		// The drawing keeps a margin in its field: it lines up with the text by its ink.
		drawSky(dst, s, float64(box.Min.X)-0.09*side, float64(middle.Min.Y)+(0.57*k-side)/2, side, w.ink)
		side *= 0.98
	}
	degrees := image.Rect(box.Min.X+round(side), middle.Min.Y, box.Max.X, middle.Max.Y)
	w.pair(dst, degrees, w.degrees(day[skyHigh]), w.degrees(day[skyLow]), 0.36*k)
	w.put(dst, row(0.15*k), w.condition(day), 0.105*k, 500, "start", w.ink)
	if day[skyWind] != "" {
		w.put(dst, row(0.11*k), day[skyWind], 0.078*k, 400, "start", quiet)
	}
}

// pair sets two temperatures on one baseline, the second one smaller; both get smaller where they are too wide.
func (w *weather) pair(dst *image.RGBA, box image.Rectangle, high, low string, size float64) {
	gap := 0.14 * size
	width := func(s string, size float64, weight int) float64 {
		return w.env.Fonts.OneLine(s, w.look(size, weight)).Width
	}
	total := width(high, size, 300)
	if low != "" {
		total += gap + width(low, 0.46*size, 400)
	}
	size *= math.Min(1, 0.99*float64(box.Dx())/math.Max(total, 1))
	y := math.Round(float64(box.Min.Y+box.Max.Y)/2 + 0.36*size)
	ln := w.env.Fonts.OneLine(high, w.look(size, 300))
	w.env.Fonts.Ink(dst, dst.Rect, &ln, float64(box.Min.X), y, image.NewUniform(w.ink))
	if low != "" {
		small := w.env.Fonts.OneLine(low, w.look(0.46*size, 400))
		w.env.Fonts.Ink(dst, dst.Rect, &small, float64(box.Min.X)+ln.Width+gap, y, image.NewUniform(withAlpha(w.ink, 0.78)))
	}
}

// columns are the other rows side by side.
func (w *weather) columns(dst *image.RGBA, box image.Rectangle) {
	width, height := float64(box.Dx()), float64(box.Dy())
	n := min(len(w.days)-1, max(1, int(width/math.Max(0.34*height, 54*w.scale))))
	step, left := width/float64(n), float64(box.Min.X)
	k := math.Min(step/0.62, height)
	tall := 0.92 * k
	top := float64(box.Min.Y) + (height-tall)/2
	for i, day := range w.days[1 : n+1] {
		x := left + step*float64(i)
		w.rule(dst, x, top+0.06*tall, 1.5*w.scale, 0.88*tall)
		cell := func(from, to float64) image.Rectangle {
			return image.Rect(round(x+0.06*step), round(top+from*tall), round(x+0.94*step), round(top+to*tall))
		}
		w.put(dst, cell(0.02, 0.2), day[skyLabel], 0.1*k, 500, "center", withAlpha(w.ink, 0.78))
		if s := skyOf(day[skySky]); s != skyNone {
			side := 0.4 * k
			drawSky(dst, s, x+(step-side)/2, top+0.22*tall, side, w.ink)
		} else {
			w.put(dst, cell(0.3, 0.55), day[skySky], 0.08*k, 400, "center", w.ink)
		}
		w.put(dst, cell(0.68, 0.86), w.degrees(day[skyHigh]), 0.14*k, 500, "center", w.ink)
		w.put(dst, cell(0.86, 1), w.degrees(day[skyLow]), 0.095*k, 400, "center", withAlpha(w.ink, 0.72))
	}
}

// list is the other rows one below the other: label, sky, high and low.
func (w *weather) list(dst *image.RGBA, box image.Rectangle) {
	width, height := float64(box.Dx()), float64(box.Dy())
	n := min(len(w.days)-1, max(1, int(height/math.Max(0.13*width, 30*w.scale))))
	step := math.Min(height/float64(n), 0.26*width)
	k := math.Min(step, 0.24*width)
	top := float64(box.Min.Y) + (height-step*float64(n))/2
	for i, day := range w.days[1 : n+1] {
		y := top + step*float64(i)
		w.rule(dst, float64(box.Min.X), y, width, 1.5*w.scale)
		cell := func(from, to float64) image.Rectangle {
			return image.Rect(round(float64(box.Min.X)+from*width), round(y), round(float64(box.Min.X)+to*width), round(y+step))
		}
		w.put(dst, cell(0, 0.4), day[skyLabel], 0.36*k, 500, "start", w.ink)
		if s := skyOf(day[skySky]); s != skyNone {
			side := 0.86 * k
			drawSky(dst, s, float64(box.Min.X)+0.47*width-side/2, y+(step-side)/2, side, w.ink)
		} else {
			w.put(dst, cell(0.37, 0.58), day[skySky], 0.28*k, 400, "center", w.ink)
		}
		w.put(dst, cell(0.56, 0.78), w.degrees(day[skyHigh]), 0.42*k, 500, "end", w.ink)
		w.put(dst, cell(0.8, 1), w.degrees(day[skyLow]), 0.42*k, 400, "end", withAlpha(w.ink, 0.72))
	}
}

// rule is a quiet line between rows.
func (w *weather) rule(dst *image.RGBA, x, y, width, height float64) {
	fillRound(dst, math.Round(x), math.Round(y), math.Max(1, width), math.Max(1, height), 0, withAlpha(w.ink, 0.16))
}

func (w *weather) Next(time.Time) time.Time { return time.Time{} }

// Update takes other rows.
func (w *weather) Update(z scene.Zone) bool {
	if z.Weather == nil || !w.same(z) {
		return false
	}
	if !reflect.DeepEqual(w.what, *z.Weather) {
		w.take(*z.Weather)
	}
	return true
}
