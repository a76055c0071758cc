package paint

import (
	"cmp"
	"image"
	"image/color"
	"reflect"
	"slices"
	"strings"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// The columns of a row of a calendar.
const (
	entryTitle = iota
	entryStart
	entryEnd
	entryRoom
	entryAllDay
)

// maxEntries bounds the rows.
const maxEntries = 1000

// entry is an event of a calendar.
type entry struct {
	title, room string
	start, end  time.Time
	allDay      bool
}

// planner shows a day, a week, or rooms now.
type planner struct {
	plate
	env     Env
	what    scene.Calendar
	entries []entry
	ink     color.NRGBA
	accent  color.NRGBA
	shown   time.Time // the minute
}

func newPlanner(what scene.Calendar, p plate, env Env) *planner {
	w := &planner{plate: p, env: env}
	w.take(what)
	return w
}

// take reads rows; what has no time is left out.
func (w *planner) take(what scene.Calendar) {
	w.what, w.entries, w.shown = what, nil, time.Time{}
	w.ink = what.Style.Color.Or(white())
	w.accent = what.Accent.Or(accentFor(w.ink))
	for _, row := range what.Cells[:min(len(what.Cells), maxEntries)] {
		full := make([]string, entryAllDay+1)
		copy(full, row)
		e := entry{title: cutRunes(strings.TrimSpace(full[entryTitle]), maxCellRunes), room: strings.TrimSpace(full[entryRoom]), allDay: full[entryAllDay] == "true"}
		day, ok := false, false
		if e.start, day, ok = readInstant(full[entryStart], w.env.Zone); !ok {
			continue
		}
		if e.end, _, ok = readInstant(full[entryEnd], w.env.Zone); !ok || e.end.Before(e.start) {
			e.end = e.start
		}
		if e.allDay = e.allDay || day; e.allDay && !e.end.After(e.start) {
			e.end = e.start.AddDate(0, 0, 1)
		}
		w.entries = append(w.entries, e)
	}
	slices.SortStableFunc(w.entries, func(a, b entry) int { return cmp.Or(a.start.Compare(b.start), b.end.Compare(a.end)) })
}

// readInstant reads what playout binds; day says that it is a date alone.
func readInstant(s string, zone *time.Location) (t time.Time, day, ok bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(zone), false, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, false, true
		}
	}
	t, err := time.ParseInLocation("2006-01-02", s, zone)
	return t, true, err == nil
}

func (w *planner) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	minute := now.Truncate(time.Minute)
	if minute.Equal(w.shown) {
		return image.Rectangle{}
	}
	w.shown = minute
	w.wipe(dst, w.bounds())
	if box := w.bounds().Inset(int(w.px(w.what.Style.Pad))); !box.Empty() {
		at := now.In(w.env.Zone)
		switch w.what.View {
		case "rooms":
			w.rooms(dst, box, at)
		case "week":
			w.timetable(dst, box, w.weekdays(at), at)
		default:
			w.timetable(dst, box, w.lanesOfDay(at), at)
		}
	}
	w.finish(dst, w.bounds())
	return w.bounds()
}

// Next is the next full minute.
func (w *planner) Next(now time.Time) time.Time {
	if !now.Truncate(time.Minute).Equal(w.shown) {
		return now
	}
	return w.shown.Add(time.Minute)
}

// Update takes other rows.
func (w *planner) Update(z scene.Zone) bool {
	if z.Calendar == nil || !w.same(z) {
		return false
	}
	if !reflect.DeepEqual(w.what, *z.Calendar) {
		w.plate.zone = z
		w.take(*z.Calendar)
	}
	return true
}

func (w *planner) look(size float64, weight int) glyph.Look {
	l := lookOf(w.what.Style, w.scale, w.env.Locale)
	l.Size, l.Weight, l.Tabular = max(size, minSize*w.scale*0.8), weight, true
	return l
}

// line sets one line into a box, smaller down to shrink where it is too long, then shortened.
func (w *planner) line(dst *image.RGBA, box image.Rectangle, s string, size float64, weight int, align string, c color.NRGBA) {
	if s == "" || box.Dx() < 4 || box.Dy() < 2 {
		return
	}
	l := w.look(size, weight)
	if ln := w.env.Fonts.OneLine(s, l); ln.Width > float64(box.Dx()) {
		l.Size *= max(0.8, 0.99*float64(box.Dx())/ln.Width)
	}
	b := w.env.Fonts.Layout(s, l, float64(box.Dx()), 1)
	w.env.Fonts.SetBlock(dst, box, b, align, "middle", image.NewUniform(c))
}

// clock is a time of day.
func (w *planner) clock(t time.Time) string { return t.Format("15:04") }

func (w *planner) french() bool { return french(w.env.Locale) }

// say picks one of two languages.
func (w *planner) say(en, fr string) string {
	if w.french() {
		return fr
	}
	return en
}

func sameDay(a, b time.Time) bool {
	y, m, d := a.Date()
	y2, m2, d2 := b.Date()
	return y == y2 && m == m2 && d == d2
}

func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}
