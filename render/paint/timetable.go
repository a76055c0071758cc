package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strconv"
	"time"
)

// lane is a column of a timetable: a day, or a room on one day.
type lane struct {
	name, note string // the note is above the name
	day        time.Time
	today      bool
	entries    []entry
	whole      []entry // that last all day
}

// weekdays are the lanes of the week that an instant is in.
func (w *planner) weekdays(now time.Time) []lane {
	days := w.what.Days
	if days < 1 || days > 7 {
		days = 7
	}
	monday := dayOf(now).AddDate(0, 0, -(int(now.Weekday())+6)%7)
	var lanes []lane
	for i := range days {
		day := monday.AddDate(0, 0, i)
		l := lane{note: formatTime(day, "Mon", w.env.Locale), name: strconv.Itoa(day.Day()), day: day, today: sameDay(day, now)}
		w.fill(&l, func(entry) bool { return true })
		lanes = append(lanes, l)
	}
	return lanes
}

// lanesOfDay are the rooms on the day of an instant, or one lane for all.
func (w *planner) lanesOfDay(now time.Time) []lane {
	day := dayOf(now)
	if len(w.what.Rooms) == 0 {
		l := lane{name: formatTime(day, "Monday 2 January", w.env.Locale), day: day, today: true}
		w.fill(&l, func(entry) bool { return true })
		return []lane{l}
	}
	var lanes []lane
	for _, room := range w.what.Rooms {
		l := lane{name: room, day: day, today: true}
		w.fill(&l, func(e entry) bool { return e.room == room })
		lanes = append(lanes, l)
	}
	return lanes
}

func (w *planner) fill(l *lane, wanted func(entry) bool) {
	end := l.day.AddDate(0, 0, 1)
	for _, e := range w.entries {
		switch {
		case !wanted(e) || !e.start.Before(end) || !e.end.After(l.day) && !e.start.Equal(l.day) && !e.start.After(l.day):
		case e.allDay || !e.start.After(l.day) && !e.end.Before(end):
			l.whole = append(l.whole, e)
		default:
			l.entries = append(l.entries, e)
		}
	}
}

// span are the first and the last hour of a timetable, in minutes of the day: what the author says, and whatever there is.
func (w *planner) span(lanes []lane) (from, to int) {
	from, to = minutesOf(w.what.From, 8*60), minutesOf(w.what.To, 18*60)
	for _, l := range lanes {
		for _, e := range l.entries {
			a, b := l.minutes(e)
			from, to = min(from, a/60*60), max(to, (b+59)/60*60)
		}
	}
	return from, min(max(to, from+60), 24*60)
}

func minutesOf(text string, otherwise int) int {
	if text == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return otherwise
	}
	return t.Hour()*60 + t.Minute()
}

// minutes are where an entry is in its lane's day, by the clock.
func (l lane) minutes(e entry) (from, to int) {
	from, to = 0, 24*60
	if e.start.After(l.day) {
		from = e.start.Hour()*60 + e.start.Minute()
	}
	if e.end.Before(l.day.AddDate(0, 0, 1)) {
		to = e.end.Hour()*60 + e.end.Minute()
	}
	return from, max(to, from+1)
}

// grating is the geometry of a timetable.
type grating struct {
	box      image.Rectangle // of the lanes, below their heads
	size     float64         // of the text
	gutter   int
	from, to int // minutes of the day
	lane     float64
}

func (g grating) y(minute int) float64 {
	return float64(g.box.Min.Y) + float64(g.box.Dy())*float64(minute-g.from)/float64(g.to-g.from)
}

// timetable draws lanes of events over the hours of the day, with a line for now.
//
//	         Mon 16   Tue 17  (Wed 18)
//	8:00  ──┬────────┬───────┬────────
//	        │▌Standup│       │▌Review
//	9:00  ──┼────────┼───────┼────────
func (w *planner) timetable(dst *image.RGBA, box image.Rectangle, lanes []lane, now time.Time) {
	width, height := float64(box.Dx()), float64(box.Dy())
	size := w.px(w.what.Style.Size)
	if size <= 0 {
		size = math.Min(math.Max(0.021*height, 0.15*width/float64(len(lanes))/2.2), 0.034*height+4*w.scale)
		size = math.Min(math.Max(size, 11*w.scale), 34*w.scale)
	}
	head := 2.1 * size
	if lanes[0].note != "" {
		head = 3.3 * size
	}
	whole := 0
	for _, l := range lanes {
		whole = max(whole, min(len(l.whole), 2))
	}
	g := grating{size: size, gutter: round(3.5 * size)}
	g.from, g.to = w.span(lanes)
	g.box = image.Rect(box.Min.X+g.gutter, box.Min.Y+round(head+float64(whole)*1.75*size+0.5*size), box.Max.X, box.Max.Y-round(0.6*size))
	if g.box.Dx() < 8 || g.box.Dy() < 8 {
		return
	}
	g.lane = float64(g.box.Dx()) / float64(len(lanes))
	w.hours(dst, g)
	for i, l := range lanes {
		x0, x1 := float64(g.box.Min.X)+g.lane*float64(i), float64(g.box.Min.X)+g.lane*float64(i+1)
		w.headOf(dst, image.Rect(round(x0), box.Min.Y, round(x1), box.Min.Y+round(head)), l, size, len(lanes) > 1)
		if i > 0 {
			draw.Draw(dst, image.Rect(round(x0), g.box.Min.Y, round(x0)+max(1, round(w.scale)), g.box.Max.Y), image.NewUniform(withAlpha(w.ink, 0.12)), image.Point{}, draw.Over)
		}
		for k, e := range l.whole[:min(len(l.whole), 2)] {
			top := box.Min.Y + round(head+float64(k)*1.75*size)
			w.strip(dst, image.Rect(round(x0+0.2*size), top, round(x1-0.2*size), top+round(1.55*size)), e, size)
		}
	}
	w.nowLine(dst, g, lanes, now) // below the events, so that their words can be read
	for i, l := range lanes {
		w.lane(dst, g, l, float64(g.box.Min.X)+g.lane*float64(i), float64(g.box.Min.X)+g.lane*float64(i+1), now)
	}
}

// hours draws the lines of the full hours and their names.
func (w *planner) hours(dst *image.RGBA, g grating) {
	every := 60
	for float64(g.box.Dy())*float64(every)/float64(g.to-g.from) < 2*g.size {
		every *= 2
	}
	for m := (g.from + every - 1) / every * every; m <= g.to; m += every {
		y := round(g.y(m))
		draw.Draw(dst, image.Rect(g.box.Min.X, y, g.box.Max.X, y+max(1, round(w.scale))), image.NewUniform(withAlpha(w.ink, 0.13)), image.Point{}, draw.Over)
		text := strconv.Itoa(m/60%24) + ":00"
		if w.french() {
			text = strconv.Itoa(m/60%24) + " h"
		}
		at := image.Rect(g.box.Min.X-g.gutter, y-round(g.size), g.box.Min.X-round(0.7*g.size), y+round(g.size))
		w.line(dst, at, text, 0.8*g.size, 400, "end", withAlpha(w.ink, 0.62))
	}
}

// headOf names a lane; that of today is marked.
func (w *planner) headOf(dst *image.RGBA, box image.Rectangle, l lane, size float64, several bool) {
	if l.note == "" {
		align := "start"
		if several {
			align = "center"
		}
		w.line(dst, box, l.name, 1.25*size, 650, align, w.ink)
		return
	}
	upper := box
	upper.Max.Y = box.Min.Y + round(1.3*size)
	lower := box
	lower.Min.Y = upper.Max.Y
	ink, note := w.ink, withAlpha(w.ink, 0.62)
	if l.today {
		r := 0.92 * size
		cx, cy := float64(box.Min.X+box.Max.X)/2, float64(lower.Min.Y+lower.Max.Y)/2
		disc(dst, cx, cy, r, w.accent)
		ink, note = inkOn(w.accent), w.accent
	}
	w.line(dst, upper, l.note, 0.82*size, 550, "center", note)
	w.line(dst, lower, l.name, 1.15*size, 650, "center", ink)
}

// inkOn is black or white, whichever can be read on a colour.
func inkOn(c color.NRGBA) color.NRGBA {
	if luminance(c) > 0.3 {
		return color.NRGBA{R: 0x10, G: 0x16, B: 0x20, A: 0xff}
	}
	return white()
}

// strip is an event that lasts all day.
func (w *planner) strip(dst *image.RGBA, box image.Rectangle, e entry, size float64) {
	fillRound(dst, float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), float64(box.Dy()), 0.3*size, withAlpha(w.accent, 0.85))
	w.line(dst, box.Inset(round(0.35*size)), e.title, 0.8*size, 600, "start", inkOn(w.accent))
}

// lane draws the events of a lane; those that overlap stand beside each other.
func (w *planner) lane(dst *image.RGBA, g grating, l lane, x0, x1 float64, now time.Time) {
	for _, group := range overlapping(l) {
		step := (x1 - x0 - 0.4*g.size) / float64(group.wide)
		for i, e := range group.entries {
			a, b := l.minutes(e)
			left := x0 + 0.2*g.size + step*float64(group.at[i])
			top, bottom := g.y(a)+w.scale, math.Max(g.y(b)-w.scale, g.y(a)+1.1*g.size)
			w.event(dst, image.Rect(round(left), round(top), round(left+step-0.15*g.size), min(round(bottom), g.box.Max.Y)), e, g.size, l.today && !e.end.After(now))
		}
	}
}

// cluster are events that overlap, each with its place beside the others.
type cluster struct {
	entries []entry
	at      []int
	wide    int
}

func overlapping(l lane) []cluster {
	var all []cluster
	until := -1
	var ends []int
	for _, e := range l.entries {
		from, to := l.minutes(e)
		if from >= until || len(all) == 0 {
			all, ends = append(all, cluster{}), nil
		}
		c := &all[len(all)-1]
		place := slices.IndexFunc(ends, func(end int) bool { return end <= from })
		if place < 0 {
			place = len(ends)
			ends = append(ends, 0)
		}
		ends[place] = to
		c.entries, c.at = append(c.entries, e), append(c.at, place)
		c.wide, until = max(c.wide, len(ends)), max(until, to)
	}
	return all
}

// event is a block with a bar at its side; what is over is pale.
func (w *planner) event(dst *image.RGBA, box image.Rectangle, e entry, size float64, over bool) {
	strength := 1.0
	if over {
		strength = 0.45
	}
	r := math.Min(0.35*size, float64(min(box.Dx(), box.Dy()))/3)
	fillRound(dst, float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), float64(box.Dy()), r, withAlpha(w.accent, 0.26*strength))
	bar := max(2, round(0.2*size))
	fillRound(dst, float64(box.Min.X), float64(box.Min.Y), float64(bar), float64(box.Dy()), math.Min(r, float64(bar)/2), withAlpha(w.accent, strength))
	room := image.Rect(box.Min.X+bar+round(0.4*size), box.Min.Y, box.Max.X-round(0.25*size), box.Max.Y)
	if room.Dx() < round(1.5*size) {
		return
	}
	ink := withAlpha(w.ink, 0.35+0.65*strength)
	when := w.clock(e.start) + "–" + w.clock(e.end)
	if float64(room.Dy()) < 2.5*size {
		text := e.title
		if float64(room.Dx()) > 14*size {
			text = when + "  " + e.title
		}
		w.line(dst, room, text, math.Min(0.9*size, 0.8*float64(room.Dy())), 600, "start", ink)
		return
	}
	lines := max(1, int((float64(room.Dy())-1.6*size)/(1.25*size)))
	b := w.env.Fonts.Layout(e.title, w.look(0.95*size, 620), float64(room.Dx()), min(lines, 4))
	title := room
	pad := math.Min(0.3*size, math.Max(0, (float64(room.Dy())-2.35*size)/2)) // an hour has room for its title and its time
	title.Min.Y += round(pad)
	w.env.Fonts.SetBlock(dst, title, b, "start", "top", image.NewUniform(ink))
	if float64(room.Dx()) < 5.5*size {
		return
	}
	below := room
	below.Min.Y += round(1.5*pad + float64(len(b.Lines))*1.25*size)
	below.Max.Y = min(room.Max.Y, below.Min.Y+round(1.2*size))
	note := when
	if e.room != "" && len(w.what.Rooms) == 0 {
		note += " · " + e.room
	}
	w.line(dst, below, note, 0.78*size, 450, "start", withAlpha(ink, 0.78))
}

// nowLine marks the present in the lane of today.
func (w *planner) nowLine(dst *image.RGBA, g grating, lanes []lane, now time.Time) {
	minute := now.Hour()*60 + now.Minute()
	if minute < g.from || minute > g.to {
		return
	}
	red := w.what.Busy.Or(color.NRGBA{R: 0xff, G: 0x5a, B: 0x5f, A: 0xff})
	y, thick := g.y(minute), math.Max(2, 0.12*g.size)
	for i, l := range lanes {
		if !l.today {
			continue
		}
		x0, x1 := float64(g.box.Min.X)+g.lane*float64(i), float64(g.box.Min.X)+g.lane*float64(i+1)
		fillRound(dst, x0, y-thick/2, x1-x0, thick, thick/2, red)
		if i == 0 || !lanes[i-1].today {
			disc(dst, x0, y, 0.32*g.size, red)
		}
	}
}
