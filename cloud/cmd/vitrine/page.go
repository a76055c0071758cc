package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

//go:embed calendar.html.tmpl
var pageText string

const (
	weekDays = 7   // the most days that are drawn hour by hour
	pageDays = 400 // the most days of a page
	cellSize = 8   // lines in a day of a month
)

// page is a calendar for people.
type page struct {
	W      words
	Name   string
	Facts  []string
	Legend []layerName
	Week   []dayColumn
	Hours  []int
	Months []month
}

type layerName struct{ Layer, Name string }

// dayColumn is a day hour by hour; positions are shares of its length, 0 to 100.
type dayColumn struct {
	Weekday, Date, Note string
	Lines               []float64
	Blocks              []block
	Marks               []mark
}

// mark is an action at its time of a day.
type mark struct {
	Top              float64
	When, Title, Tip string
	Up               bool // drawn above its time: there is no room below
}

// block is a stretch, or the part of it that is in one day.
type block struct {
	Layer, Title, When, Tip string
	More                    []string
	Top, Height             float64
	Size                    string // how much text fits: "", low, thin, bare
}

type month struct {
	Title string
	Weeks [][]cell
}

type cell struct {
	Day     int // 0 = not of this month, or outside of the outlook
	Out     bool
	Entries []block
	More    string
}

// page writes an outlook as a page without scripts: hour by hour up to a week, else by month.
func (o *outlook) page(w io.Writer, all []stretch, deeds []deed, say words, made time.Time) error {
	t, err := template.New("calendar").Parse(pageText)
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	days := o.days()
	if len(days) > pageDays {
		return usage("a page has %d days at most; ask for less, or use --ics", pageDays)
	}
	p := page{W: say, Name: o.name, Facts: o.facts(say, made)}
	for _, layer := range []string{schedule.LayerEmergency, schedule.LayerTakeover, schedule.LayerScheduled, schedule.LayerDefault, schedule.LayerFallback, schedule.LayerOff} {
		if slices.ContainsFunc(all, func(s stretch) bool { return s.Layer == layer }) {
			p.Legend = append(p.Legend, layerName{layer, say.Layers[layer]})
		}
	}
	if len(deeds) > 0 {
		p.Legend = append(p.Legend, layerName{"action", say.Action})
	}
	if len(days) <= weekDays {
		for h := 0; h <= 24; h += 2 {
			p.Hours = append(p.Hours, h)
		}
		for _, d := range days {
			p.Week = append(p.Week, o.column(d, all, deeds, say))
		}
	} else {
		p.Months = o.months(days, all, deeds, say)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func (o *outlook) facts(say words, made time.Time) []string {
	last := o.end.Add(-time.Second).In(o.zone)
	facts := []string{say.date(o.begin.In(o.zone)) + " – " + say.date(last)}
	if first := o.begin.In(o.zone); say.date(first) == say.date(last) {
		facts[0] = say.Days[weekday(first)] + " " + say.date(first)
	}
	if o.player.ID != "" {
		facts = append(facts, say.Player+" "+o.player.ID)
	}
	if len(o.player.Groups) > 0 {
		facts = append(facts, say.Groups+" "+strings.Join(o.player.Groups, ", "))
	}
	if len(o.player.Tags) > 0 {
		facts = append(facts, say.Tags+" "+strings.Join(o.player.Tags, ", "))
	}
	return append(facts, say.Zone+" "+o.zone.String(), say.Made+" "+say.date(made.In(o.zone))+", "+made.In(o.zone).Format("15:04"))
}

// localDay is one day of a zone, from midnight to midnight, which need not be 24 hours.
type localDay struct{ from, to time.Time }

// days are the days that an outlook touches.
func (o *outlook) days() []localDay {
	var list []localDay
	y, m, d := o.begin.In(o.zone).Date()
	for i := 0; len(list) <= pageDays; i++ {
		day := localDay{midnight(y, m, d+i, o.zone), midnight(y, m, d+i+1, o.zone)}
		if !day.from.Before(o.end) {
			break
		}
		if day.from.Before(day.to) { // a zone that crosses the date line has left a day out
			list = append(list, day)
		}
	}
	return list
}

// midnight is when a day begins: an hour later where daylight saving begins at midnight.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if t.Hour() > 12 {
		t = t.Add(time.Hour)
	}
	return t
}

// column draws a day in proportion to the hours that it really has.
func (o *outlook) column(d localDay, all []stretch, deeds []deed, say words) dayColumn {
	length := d.to.Sub(d.from)
	share := func(t time.Time) float64 { return float64(t.Sub(d.from)) / float64(length) * 100 }
	c := dayColumn{Weekday: say.Days[weekday(d.from)], Date: fmt.Sprintf("%d %s", d.from.Day(), say.Months[d.from.Month()-1])}
	switch hours := int(length.Round(time.Hour).Hours()); {
	case length < 24*time.Hour:
		c.Note = fmt.Sprintf(say.Short, hours)
	case length > 24*time.Hour:
		c.Note = fmt.Sprintf(say.Long, hours)
	}
	for h := 0; h <= 24; h += 2 {
		at := time.Date(d.from.Year(), d.from.Month(), d.from.Day(), h, 0, 0, 0, o.zone)
		if !at.Before(d.from) && !at.After(d.to) {
			c.Lines = append(c.Lines, share(at))
		}
	}
	for _, s := range within(all, d) {
		b := o.block(s, d, say)
		from, to := later(s.from, d.from), earlier(s.to, d.to)
		b.Top, b.Height = share(from), share(to)-share(from)
		switch {
		case b.Height < 1.3:
			b.Size = "bare"
		case b.Height < 4:
			b.Size = "thin"
		case b.Height < 8:
			b.Size = "low"
		}
		c.Blocks = append(c.Blocks, b)
	}
	for _, one := range deeds {
		if !one.at.Before(d.from) && one.at.Before(d.to) {
			top := share(one.at)
			c.Marks = append(c.Marks, mark{Top: top, When: clock(one.at.In(o.zone)), Title: say.does(one.Action), Tip: one.ID, Up: top > 97})
		}
	}
	return c
}

// block is a stretch in words, as seen from one day.
func (o *outlook) block(s stretch, d localDay, say words) block {
	b := block{Layer: s.Layer, Title: say.shows(s.Decision), More: say.details(s.Decision)}
	from, to := "", ""
	if !s.from.Before(d.from) {
		from = clock(s.from.In(o.zone))
	}
	if s.to.Before(d.to) {
		to = clock(s.to.In(o.zone))
	}
	if from != "" && !s.from.After(d.from) {
		from = ""
	}
	switch {
	case from != "" && to != "":
		b.When = from + "–" + to
	case from != "":
		b.When = from + " →"
	case to != "":
		b.When = "→ " + to
	}
	whole := s.from.In(o.zone).Format("2006-01-02 15:04") + " – " + s.to.In(o.zone).Format("2006-01-02 15:04 MST")
	b.Tip = strings.Join(append([]string{b.Title, whole, say.Layers[s.Layer]}, b.More...), "\n")
	return b
}

// clock is a time of day, with seconds where there are some.
func clock(t time.Time) string {
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// within are the stretches that a day has something of.
func within(all []stretch, d localDay) []stretch {
	first := 0
	for first < len(all) && !all[first].to.After(d.from) {
		first++
	}
	last := first
	for last < len(all) && all[last].from.Before(d.to) {
		last++
	}
	return all[first:last]
}

// months lays days out by month, weeks from Monday.
func (o *outlook) months(days []localDay, all []stretch, deeds []deed, say words) []month {
	var list []month
	for _, d := range days {
		if n := len(list); n == 0 || d.from.Day() == 1 {
			list = append(list, month{Title: say.Months[d.from.Month()-1] + fmt.Sprintf(" %d", d.from.Year())})
		}
		m := &list[len(list)-1]
		if n := len(m.Weeks); n == 0 || len(m.Weeks[n-1]) == 7 {
			m.Weeks = append(m.Weeks, nil)
		}
		row := &m.Weeks[len(m.Weeks)-1]
		for len(*row) < weekday(d.from) {
			*row = append(*row, cell{Out: true})
		}
		*row = append(*row, o.cell(d, within(all, d), deeds, say))
	}
	for i := range list {
		row := &list[i].Weeks[len(list[i].Weeks)-1]
		for len(*row) < 7 {
			*row = append(*row, cell{Out: true})
		}
	}
	return list
}

// cell is a day of a month. What plays when no event does is told only where nothing else is.
func (o *outlook) cell(d localDay, parts []stretch, deeds []deed, say words) cell {
	c := cell{Day: d.from.Day()}
	special := slices.DeleteFunc(slices.Clone(parts), func(s stretch) bool {
		return s.Layer == schedule.LayerDefault || s.Layer == schedule.LayerFallback
	})
	if len(special) == 0 {
		special = parts[:min(1, len(parts))]
	}
	for i, s := range special {
		if i == cellSize-1 && len(special) > cellSize {
			c.More = fmt.Sprintf(say.More, len(special)-i)
			break
		}
		c.Entries = append(c.Entries, o.block(s, d, say))
	}
	for _, one := range deeds {
		if !one.at.Before(d.from) && one.at.Before(d.to) && len(c.Entries) < cellSize {
			c.Entries = append(c.Entries, block{Layer: "action", Title: say.does(one.Action), When: clock(one.at.In(o.zone)), Tip: one.ID})
		}
	}
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
