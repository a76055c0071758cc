package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"time"
)

// state is how a room is at an instant.
type state struct {
	name string
	on   *entry    // what is in it
	next *entry    // what comes next today
	till time.Time // when that changes; zero = not today
}

// roomsAt are all rooms at an instant: those that the author names, else those of the rows.
func (w *planner) roomsAt(now time.Time) []state {
	names := w.what.Rooms
	if len(names) == 0 {
		for _, e := range w.entries {
			if !slices.Contains(names, e.room) {
				names = append(slices.Clip(names), e.room)
			}
		}
		slices.Sort(names)
	}
	if len(names) == 0 {
		names = []string{""}
	}
	end := dayOf(now).AddDate(0, 0, 1)
	var all []state
	for _, name := range names {
		s := state{name: name}
		for i := range w.entries {
			e := &w.entries[i]
			switch {
			case !w.in(*e, name, len(names) > 1):
			case !e.start.After(now) && e.end.After(now):
				if s.on == nil || e.end.After(s.on.end) {
					s.on = e
				}
			case e.start.After(now) && e.start.Before(end) && (s.next == nil || e.start.Before(s.next.start)):
				s.next = e
			}
		}
		switch {
		case s.on != nil:
			s.till = s.on.end
			for _, e := range w.entries { // one may begin where the other ends
				if w.in(e, name, len(names) > 1) && !e.start.After(s.till) && e.end.After(s.till) {
					s.till = e.end
				}
			}
		case s.next != nil:
			s.till = s.next.start
		}
		if !s.till.Before(end) {
			s.till = time.Time{}
		}
		all = append(all, s)
	}
	return all
}

// in says whether an event is in a room. A calendar of one room need not name it.
func (w *planner) in(e entry, room string, several bool) bool {
	if e.room == room {
		return true
	}
	return !several && (e.room == "" || len(w.what.Rooms) == 0) && !slices.ContainsFunc(w.entries, func(e entry) bool { return room != "" && e.room == room })
}

func (w *planner) colorOf(s state) color.NRGBA {
	if s.on != nil {
		return w.what.Busy.Or(color.NRGBA{R: 0xd8, G: 0x3a, B: 0x45, A: 0xff})
	}
	return w.what.Free.Or(color.NRGBA{R: 0x1f, G: 0x9d, B: 0x5c, A: 0xff})
}

// word is the state in a word, until when it is so.
func (w *planner) word(s state) (word, until string) {
	if s.on != nil {
		word = w.say("Busy", "Occupée")
		if s.till.IsZero() {
			return word, w.say("all day", "toute la journée")
		}
	} else if word = w.say("Free", "Libre"); s.till.IsZero() {
		return word, w.say("for the rest of the day", "jusqu’à ce soir")
	}
	return word, w.say("until ", "jusqu’à ") + w.clock(s.till)
}

// rooms shows one room large, or several below each other.
func (w *planner) rooms(dst *image.RGBA, box image.Rectangle, now time.Time) {
	all := w.roomsAt(now)
	if len(all) == 1 {
		w.door(dst, box, all[0], now)
		return
	}
	columns := 1
	for float64(len(all))/float64(columns) > 7 || len(all) > 3 && float64(box.Dx()) > 2.6*float64(box.Dy())*float64(columns) {
		columns++
	}
	lines := (len(all) + columns - 1) / columns
	gap := math.Max(2, 0.014*float64(box.Dy()))
	high := math.Min((float64(box.Dy())-gap*float64(lines-1))/float64(lines), 0.3*float64(box.Dy()))
	wide := (float64(box.Dx()) - 2*gap*float64(columns-1)) / float64(columns)
	for i, s := range all {
		x := float64(box.Min.X) + float64(i/lines)*(wide+2*gap)
		y := float64(box.Min.Y) + float64(i%lines)*(high+gap)
		w.roomRow(dst, image.Rect(round(x), round(y), round(x+wide), round(y+high)), s)
	}
}

// roomRow is a room in a list: its name, its state, what is in it or comes next.
func (w *planner) roomRow(dst *image.RGBA, box image.Rectangle, s state) {
	h := float64(box.Dy())
	size := w.px(w.what.Style.Size)
	if size <= 0 {
		size = math.Min(math.Min(0.3*h, 0.05*float64(box.Dx())), 44*w.scale)
	}
	r := math.Min(0.16*h, 16*w.scale)
	fillRound(dst, float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), h, r, withAlpha(w.ink, 0.08))
	c := w.colorOf(s)
	bar := max(3, round(0.22*size))
	var shape path // the bar has the corners of the box
	shape.round(float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), h, r, false)
	edge := image.Rect(box.Min.X, box.Min.Y, box.Min.X+2*bar, box.Max.Y)
	draw.DrawMask(dst, edge, image.NewUniform(c), image.Point{}, shape.mask(), edge.Min, draw.Over)
	word, until := w.word(s)
	left, right := box, box
	left.Min.X, left.Max.X = box.Min.X+2*bar+round(0.7*size), box.Min.X+round(0.62*float64(box.Dx()))
	right.Min.X, right.Max.X = left.Max.X+round(0.4*size), box.Max.X-round(0.8*size)
	upper := func(b image.Rectangle) image.Rectangle {
		return image.Rect(b.Min.X, b.Min.Y+round(0.5*h-1.35*size), b.Max.X, b.Min.Y+round(0.5*h+0.05*size))
	}
	lower := func(b image.Rectangle) image.Rectangle {
		return image.Rect(b.Min.X, b.Min.Y+round(0.5*h+0.05*size), b.Max.X, b.Min.Y+round(0.5*h+1.2*size))
	}
	w.line(dst, upper(left), s.name, 1.05*size, 680, "start", w.ink)
	w.line(dst, lower(left), w.about(s), 0.74*size, 430, "start", withAlpha(w.ink, 0.75))
	w.line(dst, upper(right), word, 0.95*size, 680, "end", lifted(c, w.ink))
	w.line(dst, lower(right), until, 0.74*size, 430, "end", withAlpha(w.ink, 0.75))
}

// lifted makes a colour lighter on a dark ground, so that it can be read there.
func lifted(c, ink color.NRGBA) color.NRGBA {
	if !bright(ink) {
		return c
	}
	lift := func(v uint8) uint8 { return uint8(255 - (255-int(v))*62/100) }
	return color.NRGBA{R: lift(c.R), G: lift(c.G), B: lift(c.B), A: c.A}
}

// about is what is in a room, or what comes next.
func (w *planner) about(s state) string {
	switch {
	case s.on != nil:
		return s.on.title
	case s.next != nil:
		return w.say("Next: ", "Ensuite : ") + w.clock(s.next.start) + "  " + s.next.title
	}
	return w.say("Nothing more today", "Plus rien aujourd’hui")
}

// door is the sign of one room: its state fills the zone.
//
//	┌──────────────────────────┐
//	│ Salle Curie        14:05 │
//	│ Occupée                  │
//	│ jusqu’à 15:00            │
//	│ Comité de pilotage       │
//	├──────────────────────────┤
//	│ Ensuite  15:30–16:00 …   │
//	└──────────────────────────┘
func (w *planner) door(dst *image.RGBA, box image.Rectangle, s state, now time.Time) {
	c := w.colorOf(s)
	width, height := float64(box.Dx()), float64(box.Dy())
	u := math.Min(math.Max(width/22, math.Min(width/15, height/19)), height/13) // a unit of the layout
	r := 0.9 * u
	foot := 2.9 * u
	fillRound(dst, float64(box.Min.X), float64(box.Min.Y), width, height, r, c)
	edge := box.Max.Y - round(foot)
	under := image.NewRGBA(image.Rect(box.Min.X, edge, box.Max.X, box.Max.Y))
	draw.Draw(under, under.Rect, image.NewUniform(color.NRGBA{A: 0x52}), image.Point{}, draw.Src)
	var shape path
	shape.round(float64(box.Min.X), float64(box.Min.Y), width, height, r, false)
	draw.DrawMask(dst, under.Rect, under, under.Rect.Min, shape.mask(), image.Pt(under.Rect.Min.X, under.Rect.Min.Y), draw.Over)
	pad := round(1.1 * u)
	ink := white()
	at := func(top, high float64) image.Rectangle {
		return image.Rect(box.Min.X+pad, box.Min.Y+round(top*u), box.Max.X-pad, box.Min.Y+round((top+high)*u))
	}
	word, until := w.word(s)
	free := (height - foot) / u // units above the foot
	top := math.Max(0.6, (free-9.2)/2)
	name := at(top, 1.8)
	name.Max.X -= round(4.6 * u)
	w.line(dst, name, s.name, 1.3*u, 600, "start", ink)
	w.line(dst, at(top, 1.8), w.clock(now), 1.3*u, 600, "end", withAlpha(ink, 0.9))
	w.line(dst, at(top+2, 3.4), word, 3*u, 760, "start", ink)
	w.line(dst, at(top+5.3, 1.8), until, 1.35*u, 500, "start", withAlpha(ink, 0.92))
	if s.on != nil {
		w.line(dst, at(top+7.2, 1.9), s.on.title, 1.35*u, 650, "start", ink)
	}
	next := w.say("Nothing more today", "Plus rien aujourd’hui")
	label := ""
	if s.next != nil {
		label = w.say("Next", "Ensuite")
		next = w.clock(s.next.start) + "–" + w.clock(s.next.end) + "   " + s.next.title
	}
	line := image.Rect(box.Min.X+pad, edge, box.Max.X-pad, box.Max.Y)
	if label != "" {
		w.line(dst, line, label, 0.95*u, 450, "start", withAlpha(ink, 0.8))
		line.Min.X += round(4.3 * u)
	}
	w.line(dst, line, next, 1.1*u, 600, "start", ink)
}
