package paint

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"reflect"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// maxCities bounds a world clock.
const maxCities = 24

// world shows the time in several cities, or one dial.
//
//	digits:  Paris    London   Tokyo       hands:   (◔)    (◑)    (◕)
//	         14:05    13:05    21:05                Paris  London Tokyo
//	                           tomorrow
type world struct {
	plate
	env    Env
	what   scene.Clock
	ink    color.NRGBA
	home   *time.Location
	cities []town
	step   time.Duration
	shown  time.Time // the step that has been painted
	fresh  bool
}

// town is a city with its place in the zone.
type town struct {
	label string
	zone  *time.Location
}

func newWorld(c scene.Clock, p plate, env Env) (*world, error) {
	if c.Face != "" && c.Face != "digits" && c.Face != "hands" {
		return nil, fmt.Errorf("clock: face is digits or hands, not %q", c.Face)
	}
	if len(c.Cities) > maxCities {
		return nil, fmt.Errorf("clock: %d cities are too many to be read: at most %d", len(c.Cities), maxCities)
	}
	w := &world{plate: p, env: env, what: c, home: env.Zone, fresh: true, ink: c.Style.Color.Or(white())}
	if w.what.Format == "" {
		w.what.Format = "15:04"
	}
	if w.what.Locale == "" {
		w.what.Locale = env.Locale
	}
	w.step = stepOf(w.what.Format)
	if c.Face == "hands" {
		w.step = max(w.step, time.Second)
	}
	if c.Zone != "" {
		var err error
		if w.home, err = loadZone(c.Zone); err != nil {
			return nil, err
		}
	}
	for _, city := range c.Cities {
		loc, err := loadZone(city.Zone)
		if err != nil {
			return nil, err
		}
		w.cities = append(w.cities, town{label: cutRunes(city.Label, 100), zone: loc})
	}
	if len(w.cities) == 0 {
		w.cities = []town{{zone: w.home}}
	}
	return w, nil
}

func loadZone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, fmt.Errorf("clock: %q is no time zone: use an IANA name such as Europe/Paris", name)
	}
	return loc, nil
}

func (w *world) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	at := now.Truncate(w.step)
	if !w.fresh && at.Equal(w.shown) {
		return image.Rectangle{}
	}
	w.fresh, w.shown = false, at
	w.wipe(dst, w.bounds())
	if box := w.bounds().Inset(int(w.px(w.what.Style.Pad))); !box.Empty() {
		w.set(dst, box, at)
	}
	w.finish(dst, w.bounds())
	return w.bounds()
}

// set places the cities: side by side where the zone is wide, one a row where it is narrow.
func (w *world) set(dst *image.RGBA, box image.Rectangle, at time.Time) {
	hands := w.what.Face == "hands"
	ideal := 1.9
	if hands {
		ideal = 0.78
		if w.cities[0].label == "" && len(w.cities) == 1 {
			ideal = 1
		}
	}
	n := len(w.cities)
	columns, best := 1, math.Inf(1)
	for c := 1; c <= n; c++ {
		rows := (n + c - 1) / c
		aspect := float64(box.Dx()) / float64(c) / (float64(box.Dy()) / float64(rows))
		if cost := math.Abs(math.Log(aspect/ideal)) + 0.3*float64(c*rows-n); cost < best {
			best, columns = cost, c
		}
	}
	rows := (n + columns - 1) / columns
	cw, ch := float64(box.Dx())/float64(columns), float64(box.Dy())/float64(rows)
	wide := !hands && columns == 1 && cw > 3.2*ch
	sizes := w.measure(cw, ch, wide)
	for i, city := range w.cities {
		x, y := float64(box.Min.X)+cw*float64(i%columns), float64(box.Min.Y)+ch*float64(i/columns)
		cell := image.Rect(round(x), round(y), round(x+cw), round(y+ch))
		switch {
		case hands:
			w.dial(dst, cell, city, at, sizes)
		case wide:
			if i > 0 {
				fillRound(dst, float64(cell.Min.X), float64(cell.Min.Y), cw, math.Max(1, 1.5*w.scale), 0, withAlpha(w.ink, 0.16))
			}
			w.row(dst, cell, city, at, sizes)
		default:
			if i%columns > 0 {
				fillRound(dst, math.Round(x), y+0.14*ch, math.Max(1, 1.5*w.scale), 0.72*ch, 0, withAlpha(w.ink, 0.16))
			}
			w.stack(dst, cell, city, at, sizes)
		}
	}
}

// worldSizes are one scale for all cities of a zone.
type worldSizes struct{ time, label float64 }

// measure takes the sizes from a cell, and from the widest time and label in it.
func (w *world) measure(cw, ch float64, wide bool) worldSizes {
	s := worldSizes{time: 0.46 * ch, label: 0.19 * ch}
	room := 0.84 * cw
	switch {
	case w.what.Face == "hands":
		s = worldSizes{time: 0.1 * math.Min(ch, 1.2*cw), label: 0.085 * math.Min(ch, 1.25*cw)}
		room = 0.94 * cw
	case wide:
		s = worldSizes{time: 0.5 * ch, label: 0.34 * ch}
		room = 0.4 * cw
	}
	if w.what.Style.Size > 0 {
		k := w.px(w.what.Style.Size) / s.time
		s.time, s.label = s.time*k, s.label*math.Min(k, 1.5)
	}
	sample := widest(formatTime(w.shown.In(w.home), w.what.Format, w.what.Locale))
	if ln := w.env.Fonts.OneLine(sample, w.look(s.time, true)); ln.Width > room {
		s.time *= room / ln.Width
	}
	for _, city := range w.cities {
		if ln := w.env.Fonts.OneLine(city.label, w.look(s.label, false)); ln.Width > room {
			s.label = math.Max(0.66*s.label, math.Min(s.label, s.label*room/ln.Width))
		}
	}
	return s
}

func (w *world) look(size float64, figures bool) glyph.Look {
	l := lookOf(w.what.Style, w.scale, w.what.Locale)
	l.Size, l.Tabular = math.Max(size, minSize*w.scale), true
	if !figures {
		l.Weight = max(500, l.Weight)
	} else if w.what.Style.Weight == 0 {
		l.Weight = 300
	}
	return l
}

func (w *world) put(dst *image.RGBA, box image.Rectangle, s string, l glyph.Look, align string, c color.NRGBA) {
	if s == "" || box.Empty() {
		return
	}
	b := w.env.Fonts.Layout(s, l, float64(box.Dx()), 1)
	w.env.Fonts.SetBlock(dst, box, b, align, "middle", image.NewUniform(c))
}

// day says where it is another day than at home.
func (w *world) day(city town, at time.Time) string {
	here, there := at.In(w.home), at.In(city.zone)
	a := time.Date(here.Year(), here.Month(), here.Day(), 0, 0, 0, 0, time.UTC)
	b := time.Date(there.Year(), there.Month(), there.Day(), 0, 0, 0, 0, time.UTC)
	switch {
	case b.After(a) && french(w.what.Locale):
		return "demain"
	case b.Before(a) && french(w.what.Locale):
		return "hier"
	case b.After(a):
		return "tomorrow"
	case b.Before(a):
		return "yesterday"
	}
	return ""
}

func (w *world) time(city town, at time.Time) string {
	return formatTime(at.In(city.zone), w.what.Format, w.what.Locale)
}

// stack is a city's cell: its label above its time, another day below.
func (w *world) stack(dst *image.RGBA, cell image.Rectangle, city town, at time.Time, s worldSizes) {
	cell = cell.Inset(round(0.04 * float64(cell.Dx())))
	tall := 1.3*s.label + 1.16*s.time + 0.95*s.label
	y := float64(cell.Min.Y) + (float64(cell.Dy())-tall)/2
	part := func(h float64) image.Rectangle {
		r := image.Rect(cell.Min.X, round(y), cell.Max.X, round(y+h))
		y += h
		return r
	}
	w.put(dst, part(1.3*s.label), city.label, w.look(s.label, false), "center", withAlpha(w.ink, 0.82))
	w.put(dst, part(1.16*s.time), w.time(city, at), w.look(s.time, true), "center", w.ink)
	w.put(dst, part(0.95*s.label), w.day(city, at), w.look(0.66*s.label, false), "center", accentFor(w.ink))
}

// row is a city in a narrow zone: its label at the left, its time at the right.
func (w *world) row(dst *image.RGBA, cell image.Rectangle, city town, at time.Time, s worldSizes) {
	left, right := cell, cell
	right.Min.X = cell.Max.X - round(0.45*float64(cell.Dx()))
	left.Max.X = right.Min.X - round(0.02*float64(cell.Dx()))
	if day := w.day(city, at); day != "" {
		b := left
		b.Min.Y, b.Max.Y = left.Min.Y+round(0.54*float64(cell.Dy())), left.Max.Y-round(0.08*float64(cell.Dy()))
		left.Max.Y = left.Min.Y + round(0.66*float64(cell.Dy()))
		w.put(dst, b, day, w.look(0.6*s.label, false), "start", accentFor(w.ink))
	}
	w.put(dst, left, city.label, w.look(s.label, false), "start", withAlpha(w.ink, 0.9))
	w.put(dst, right, w.time(city, at), w.look(s.time, true), "end", w.ink)
}

// dial is a city's clock face: light by day, dark by night; the label stands below it.
func (w *world) dial(dst *image.RGBA, cell image.Rectangle, city town, at time.Time, s worldSizes) {
	width, height := float64(cell.Dx()), float64(cell.Dy())
	below := 0.0
	if city.label != "" {
		below = 1.5*s.label + 1.1*s.label
	}
	r := 0.5 * math.Min(0.9*width, height-below-0.06*height)
	if r < 4 {
		return
	}
	gap := 0.35 * s.label
	x := float64(cell.Min.X) + width/2
	y := float64(cell.Min.Y) + (height-2*r-below-gap)/2 + r
	w.face(dst, x, y, r, at.In(city.zone))
	top := y + r + gap
	label := image.Rect(cell.Min.X, round(top), cell.Max.X, round(top+1.5*s.label))
	w.put(dst, label, city.label, w.look(s.label, false), "center", w.ink)
	under := image.Rect(cell.Min.X, label.Max.Y, cell.Max.X, label.Max.Y+round(1.1*s.label))
	w.put(dst, under, w.day(city, at), w.look(0.72*s.label, false), "center", accentFor(w.ink))
}

// face draws a dial: a rim, twelve marks, the hands; a third hand where the format has seconds.
func (w *world) face(dst *image.RGBA, x, y, r float64, t time.Time) {
	ground, ink := hex(0xf6f8fb), hex(0x16202e)
	if t.Hour() < 6 || t.Hour() >= 18 {
		ground, ink = hex(0x1b2635), hex(0xeef2f8)
	}
	disc(dst, x, y, r, ground)
	var ring path
	ring.round(x-r, y-r, 2*r, 2*r, r, false)
	rim := math.Max(1, 0.018*r)
	ring.round(x-r+rim, y-r+rim, 2*(r-rim), 2*(r-rim), r-rim, true)
	ring.fill(dst, image.NewUniform(withAlpha(mist(), 0.9)))
	var marks, hands path
	for i := range 12 {
		a := math.Pi / 6 * float64(i)
		length, thick := 0.08, 0.013
		if i%3 == 0 {
			length, thick = 0.13, 0.024
		}
		spoke(&marks, x, y, a, (0.9-length)*r, 0.9*r, thick*r)
	}
	marks.fill(dst, image.NewUniform(withAlpha(ink, 0.75)))
	seconds := float64(t.Second())
	minutes := float64(t.Minute())
	if w.step < time.Minute {
		minutes += seconds / 60
	}
	hours := float64(t.Hour()%12) + minutes/60
	spoke(&hands, x, y, hours*math.Pi/6, -0.1*r, 0.52*r, 0.042*r)
	spoke(&hands, x, y, minutes*math.Pi/30, -0.1*r, 0.78*r, 0.03*r)
	hands.fill(dst, image.NewUniform(ink))
	hub := ink
	if w.step < time.Minute {
		var second path
		spoke(&second, x, y, seconds*math.Pi/30, -0.16*r, 0.82*r, 0.011*r)
		hub = hex(0xe0562f)
		second.fill(dst, image.NewUniform(hub))
	}
	disc(dst, x, y, 0.055*r, hub)
}

// spoke adds a stroke from the centre outwards; the angle is clockwise from the top.
func spoke(p *path, x, y, angle, from, to, thick float64) {
	dx, dy := math.Sin(angle), -math.Cos(angle)
	p.stick(x+dx*from, y+dy*from, x+dx*to, y+dy*to, thick)
}

// Next is the next step: zones are whole minutes away from UTC in this century.
func (w *world) Next(now time.Time) time.Time {
	if w.fresh || !now.Truncate(w.step).Equal(w.shown) {
		return now
	}
	return w.shown.Add(w.step)
}

// Update takes no other content: a clock has none.
func (w *world) Update(z scene.Zone) bool {
	return z.Clock != nil && w.same(z) && reflect.DeepEqual(*w.plate.zone.Clock, *z.Clock)
}
