package folder

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// still is the length of a picture that stays as long as its scene, when the scene's end comes from another zone.
const still = scene.Duration(24 * time.Hour)

// pageStays is how long a page of a document stays in a zone that does not say.
const pageStays = scene.Duration(10 * time.Second)

// scene turns an author's scene into its full form, and notes what is wrong with it.
func (l *loader) scene(pointer string, d sceneDoc) scene.Scene {
	s := scene.Scene{For: d.For, Background: lower(d.Background), Transition: l.transition(pointer, d.Transition), Audio: l.bed(pointer+"/audio", d.Audio)}
	l.tooLong(pointer, d.For)
	full := scene.Rect{0, 0, l.canvas.Width, l.canvas.Height}
	switch {
	case d.Media != "":
		items := l.items(pointer+"/media", itemDoc{Path: d.Media, Fit: d.Fit, Volume: d.Volume, For: d.For}, length{pointer, "for: 10s in the scene"})
		for i := range items {
			if items[i].Kind == scene.Video {
				items[i].For = 0 // its own length; the scene's cuts or repeats it
			}
		}
		s.Zones = []scene.Zone{{At: full, Playlist: items}}
	case len(d.Playlist) > 0:
		s.Zones = []scene.Zone{{At: full, Playlist: l.playlist(pointer+"/playlist", d.Playlist, itemDoc{Fit: d.Fit, Volume: d.Volume})}}
	default:
		for i, z := range d.Zones {
			s.Zones = append(s.Zones, l.zone(fmt.Sprintf("%s/zones/%d", pointer, i), z, d.For))
		}
	}
	timed := func(z scene.Zone) bool { return len(z.Playlist) > 0 && !lasting(z) }
	if s.For == 0 && len(s.Zones) > 0 && !slices.ContainsFunc(s.Zones, timed) && d.Media == "" {
		l.fault(pointer, true, "the scene has no length, and no playlist that could give it one", "write for: 20s in it")
	}
	if s.For == 0 {
		s.Zones = timedFirst(s.Zones, timed)
	}
	return s
}

// lasting tells whether a zone is one picture, page or stream for as long as its scene stays.
func lasting(z scene.Zone) bool {
	return len(z.Playlist) == 1 && z.Playlist[0].Kind != scene.Video && z.Playlist[0].For == still
}

// timedFirst puts zones that end before those that do not, since the first playlist gives a scene its length; Z keeps
// the order in which they are painted.
func timedFirst(zones []scene.Zone, timed func(scene.Zone) bool) []scene.Zone {
	first := slices.IndexFunc(zones, timed)
	if first < 0 || !slices.ContainsFunc(zones[:first], lasting) {
		return zones
	}
	slices.SortStableFunc(zones, func(a, b scene.Zone) int { return a.Z - b.Z })
	for i := range zones {
		zones[i].Z = i
	}
	first = slices.IndexFunc(zones, timed)
	z := zones[first]
	return slices.Insert(slices.Delete(zones, first, first+1), 0, z)
}

func (l *loader) zone(pointer string, d zoneDoc, sceneFor scene.Duration) scene.Zone {
	z := scene.Zone{Z: d.Z, Background: lower(d.Background), Opacity: d.Opacity, Radius: d.Radius, ShowAge: d.ShowAge}
	if d.At != nil {
		z.At = *d.At
		l.rect(pointer+"/at", z.At)
	}
	if content := l.oneContent(pointer, d); !slices.Contains([]string{"image", "video", "document", "web", "stream", ""}, content) {
		l.alone(pointer, content, d)
	}
	forever := sceneFor
	if forever == 0 {
		forever = still
	}
	one := itemDoc{Image: d.Image, Video: d.Video, Document: d.Document, Web: d.Web, Stream: d.Stream, Fit: d.Fit, Volume: d.Volume,
		Transition: d.Transition, StandIn: d.StandIn, Pages: d.Pages, Each: d.Each, Source: d.Source, Hosts: d.Hosts}
	switch word, _ := one.word(); {
	case word == "document":
		if one.Each == 0 {
			one.Each = pageStays
		}
		z.Playlist = l.items(pointer, one, length{})
	case word == "video":
		z.Playlist = l.items(pointer, one, length{})
	case word != "":
		one.For = forever
		z.Playlist = l.items(pointer, one, length{})
	case len(d.Playlist) > 0:
		z.Playlist = l.playlist(pointer+"/playlist", d.Playlist, one)
	case d.Text != nil:
		z.Text = l.text(pointer+"/text", *d.Text)
	case d.Ticker != nil:
		z.Ticker = l.ticker(pointer+"/ticker", *d.Ticker)
	case d.Clock != nil:
		z.Clock = l.clock(pointer+"/clock", *d.Clock)
	case d.Table != nil:
		z.Table = l.table(pointer+"/table", *d.Table)
	case d.QR != nil:
		z.QR = &scene.QR{Text: d.QR.Text, Level: d.QR.Level, Color: lower(d.QR.Color)}
	case d.Countdown != nil:
		z.Countdown = l.countdown(pointer+"/countdown", *d.Countdown)
	case d.Chart != nil:
		z.Chart = l.chart(pointer+"/chart", *d.Chart)
	case d.Shape != nil:
		shape := *d.Shape
		shape.Fill, shape.To, shape.Border = lower(shape.Fill), lower(shape.To), lower(shape.Border)
		z.Shape = &shape
	case d.Cards != nil:
		z.Cards = l.cards(pointer+"/cards", *d.Cards)
	case d.Weather != nil:
		z.Weather = l.weather(pointer+"/weather", *d.Weather)
	case d.Calendar != nil:
		z.Calendar = l.calendar(pointer+"/calendar", *d.Calendar)
	}
	if z.ShowAge != "" && z.SourceName() == "" {
		l.fault(pointer+"/showAge", true, "only a zone with rows of a source tells of when they are", "take it out")
	}
	return z
}

// alone finds what is written for a zone but belongs to the items of its playlist, or to nothing that it shows.
func (l *loader) alone(pointer, content string, d zoneDoc) {
	for _, f := range []struct {
		field string
		has   bool
	}{{"pages", d.Pages != ""}, {"each", d.Each != 0}, {"source", d.Source != ""}, {"hosts", len(d.Hosts) > 0}, {"standIn", d.StandIn != ""},
		{"transition", d.Transition != nil && content != "playlist"}} {
		switch {
		case !f.has:
		case content == "playlist":
			l.fault(pointer+"/"+f.field, true, fmt.Sprintf("a playlist has no %q", f.field), "write it at the item of the playlist that it is for")
		case f.field == "source":
			l.fault(pointer+"/source", true, fmt.Sprintf("a zone has a source of its own only with a page, and this one has %q", content), "write it within "+content+":, or take it out")
		default:
			l.fault(pointer+"/"+f.field, true, fmt.Sprintf("a zone with %q has no %q", content, f.field), "take it out")
		}
	}
}

// oneContent wants a zone to show one thing, and says which. That it shows something is in the schema.
func (l *loader) oneContent(pointer string, d zoneDoc) string {
	var has []string
	for _, c := range []struct {
		is   bool
		name string
	}{{len(d.Playlist) > 0, "playlist"}, {d.Image != "", "image"}, {d.Video != "", "video"}, {d.Document != "", "document"},
		{d.Web != "", "web"}, {d.Stream != "", "stream"}, {d.Cards != nil, "cards"}, {d.Weather != nil, "weather"}, {d.Calendar != nil, "calendar"}, {d.Text != nil, "text"}, {d.Ticker != nil, "ticker"},
		{d.Clock != nil, "clock"}, {d.Table != nil, "table"}, {d.QR != nil, "qr"},
		{d.Countdown != nil, "countdown"}, {d.Chart != nil, "chart"}, {d.Shape != nil, "shape"}} {
		if c.is {
			has = append(has, c.name)
		}
	}
	if len(has) > 1 {
		l.fault(pointer+"/"+has[1], true, fmt.Sprintf("the zone has both %q and %q", has[0], has[1]), "make two zones of it, or keep one of them")
	}
	if len(has) == 0 {
		return ""
	}
	return has[0]
}

func (l *loader) rect(pointer string, r scene.Rect) {
	switch {
	case r[2] < 1 || r[3] < 1:
		l.fault(pointer, false, fmt.Sprintf("the zone's width and height are %d and %d", r[2], r[3]), "write [x, y, width, height], width and height at least 1")
	case bundle.CheckRect(r, l.canvas) != nil:
		l.fault(pointer, false, fmt.Sprintf("the zone is outside of the canvas, which has %d x %d pixels", l.canvas.Width, l.canvas.Height),
			"write [x, y, width, height] so that a part of it is inside")
	}
}

// playlist resolves items; what they do not say themselves is as all says.
func (l *loader) playlist(pointer string, items []itemDoc, all itemDoc) []scene.Item {
	var out []scene.Item
	for i, d := range items {
		at := fmt.Sprintf("%s/%d", pointer, i)
		if d.Fit == "" {
			d.Fit = all.Fit
		}
		if d.Volume == 0 {
			d.Volume = all.Volume
		}
		if d.Transition == nil {
			d.Transition = all.Transition
		}
		word, src := d.word()
		if word == "" {
			word = "image"
			if f := l.files[src]; f != nil && f.kind() == scene.Web {
				word = "web"
			}
		}
		out = append(out, l.items(at, d, length{at, fmt.Sprintf("{%s: %s, for: 8s}", word, src)})...)
	}
	return out
}

// below appends a field unless the pointer ends in it already.
func below(pointer, field string) string {
	if strings.HasSuffix(pointer, "/"+field) {
		return pointer
	}
	return pointer + "/" + field
}

func (l *loader) style(pointer string, d styleDoc) scene.Style {
	s := d.Style
	s.Color = lower(s.Color)
	l.fonts(pointer, s.Font)
	return s
}

// fonts checks those of a style's fonts that are files.
func (l *loader) fonts(pointer string, fonts []string) {
	for i, f := range fonts {
		at := fmt.Sprintf("%s/font/%d", pointer, i)
		if _, listed := l.tree.values[at]; !listed {
			at = pointer + "/font"
		}
		if !strings.Contains(f, "/") {
			continue // a family of the player's own
		}
		if file := l.file(at, f); file != nil && !strings.HasPrefix(file.mime, "font/") {
			l.fault(at, false, fmt.Sprintf("%s is not a font, it is %s", f, file.what), "use a TrueType or OpenType file (.ttf, .otf, .ttc)")
		}
	}
}

func (l *loader) text(pointer string, d textDoc) *scene.Text {
	t := &scene.Text{Text: d.Text, Source: d.Source, Row: d.Row, Style: l.style(pointer+"/style", d.Style)}
	if l.source(pointer+"/source", d.Source); d.Source != "" {
		l.template(pointer+"/text", d.Text)
	}
	if d.Source != "" && len(d.Spans) > 0 {
		l.fault(pointer+"/spans", true, "a text with a source has no spans", "write text: with {{.column}} in it")
	}
	for i, s := range d.Spans {
		l.fonts(fmt.Sprintf("%s/spans/%d", pointer, i), s.Font)
		t.Spans = append(t.Spans, scene.Span{Text: s.Text, Font: s.Font, Scale: s.Scale, Weight: s.Weight, Italic: s.Italic, Color: lower(s.Color)})
	}
	return t
}

func (l *loader) countdown(pointer string, d countdownDoc) *scene.Countdown {
	l.zoneName(pointer+"/zone", d.Zone)
	if d.To != "" && !bundle.IsInstant(d.To) {
		l.fault(pointer+"/to", false, fmt.Sprintf("%q is not a time that exists", short(d.To)), "write it like \"2026-12-31T24:00\"")
	}
	return &scene.Countdown{To: d.To, Zone: d.Zone, Format: d.Format, Done: d.Done, Locale: d.Locale, Style: l.style(pointer+"/style", d.Style)}
}

func (l *loader) chart(pointer string, d chartDoc) *scene.Chart {
	l.source(pointer+"/source", d.Source)
	c := &scene.Chart{Source: d.Source, Form: d.Form, Label: d.Label, Values: d.Values, Titles: d.Titles, Unit: d.Unit, Style: l.style(pointer+"/style", d.Style)}
	for _, one := range d.Colors {
		c.Colors = append(c.Colors, lower(one))
	}
	return c
}

func (l *loader) ticker(pointer string, d tickerDoc) *scene.Ticker {
	at := pointer + "/text"
	if _, long := l.tree.values[at]; !long {
		at = pointer
	}
	if strings.Contains(d.Text, "{{") {
		if d.Source == "" {
			l.fault(at, false, "the text has {{…}} but the ticker has no source", "write source: with the name of one of the sources")
		}
		l.template(at, d.Text)
	}
	l.source(pointer+"/source", d.Source)
	return &scene.Ticker{Source: d.Source, Text: d.Text, Separator: d.Separator, Speed: d.Speed, Style: l.style(pointer+"/style", d.Style)}
}

func (l *loader) clock(pointer string, d clockDoc) *scene.Clock {
	l.zoneName(pointer+"/zone", d.Zone)
	a, b := time.Date(2001, 11, 22, 23, 44, 55, 0, time.UTC), time.Date(2002, 3, 5, 7, 18, 39, 0, time.UTC)
	if d.Format != "" && a.Format(d.Format) == b.Format(d.Format) {
		at := pointer + "/format"
		if _, long := l.tree.values[at]; !long {
			at = pointer
		}
		l.fault(at, false, fmt.Sprintf("the clock's format %q never changes", short(d.Format)),
			"write how Monday 2 January 2006, 15:04:05 would look, such as \"15:04\" or \"Monday 2 January\"")
	}
	for i, city := range d.Cities {
		l.zoneName(fmt.Sprintf("%s/cities/%d/zone", pointer, i), city.Zone)
	}
	return &scene.Clock{Cities: d.Cities, Face: d.Face, Zone: d.Zone, Format: d.Format, Locale: d.Locale, Style: l.style(pointer+"/style", d.Style)}
}

func (l *loader) table(pointer string, d tableDoc) *scene.Table {
	l.source(pointer+"/source", d.Source)
	t := &scene.Table{Source: d.Source, Header: d.Header, Rows: d.Rows, Every: d.Every, Accent: lower(d.Accent), Style: l.style(pointer+"/style", d.Style)}
	for _, c := range d.Columns {
		t.Columns = append(t.Columns, c.Column)
	}
	return t
}

func (l *loader) cards(pointer string, d cardsDoc) *scene.Cards {
	l.source(pointer+"/source", d.Source)
	c := d.Cards
	for _, t := range []struct{ field, text string }{{"title", c.Title}, {"text", c.Text}, {"note", c.Note}} {
		l.template(pointer+"/"+t.field, t.text)
	}
	if c.Pictures = l.pictures(pointer+"/pictures", c.Pictures); c.Pictures != "" && c.Image == "" {
		l.fault(pointer+"/pictures", true, "the cards have pictures, but no column says which", "write image: with the column that names the picture")
	}
	c.Accent, c.Fill, c.Style = lower(c.Accent), lower(c.Fill), l.style(pointer+"/style", d.Style)
	return &c
}

func (l *loader) weather(pointer string, d weatherDoc) *scene.Weather {
	l.source(pointer+"/source", d.Source)
	w := d.Weather
	w.Accent, w.Style = lower(w.Accent), l.style(pointer+"/style", d.Style)
	return &w
}

func (l *loader) calendar(pointer string, d calendarDoc) *scene.Calendar {
	l.source(pointer+"/source", d.Source)
	c := d.Calendar
	for field, hour := range map[string]string{"from": c.From, "to": c.To} {
		if _, err := time.Parse("15:04", hour); err != nil && hour != "" && hour != "24:00" {
			l.fault(pointer+"/"+field, false, fmt.Sprintf("%q is no time of day", short(hour)), `write one such as "08:00"`)
		}
	}
	c.Accent, c.Free, c.Busy, c.Style = lower(c.Accent), lower(c.Free), lower(c.Busy), l.style(pointer+"/style", d.Style)
	return &c
}

// template checks a text over a row.
func (l *loader) template(at, text string) {
	if _, err := bundle.NewLine(text); err != nil {
		l.fault(at, false, "the text's {{…}} is not right: "+err.Error(), "write {{.title}} for the column title, {{if .title}}…{{end}} for when there is one")
	}
}

func lower(c scene.Color) scene.Color { return scene.Color(strings.ToLower(string(c))) }
