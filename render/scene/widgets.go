package scene

// Span is a piece of a text. What it does not say is as the text's Style says.
type Span struct {
	Text   string   `json:"text"`
	Font   []string `json:"font,omitempty"`
	Scale  float64  `json:"scale,omitempty"`  // of the text's size; 0 = 1
	Weight int      `json:"weight,omitempty"` // 100 to 900; 0 = the text's
	Italic bool     `json:"italic,omitempty"`
	Color  Color    `json:"color,omitempty"`
}

// Countdown shows how long it is until an instant, in whole units of the finest that its format has, rounded up: it
// reaches zero at the instant itself.
type Countdown struct {
	// To is the instant: "2026-12-31T24:00" or with seconds in Zone, or with an offset (RFC 3339).
	To   string `json:"to"`
	Zone string `json:"zone,omitempty"` // IANA name; "" = the player's
	// Format has {d}, {h}, {m}, {s} and, with two digits, {hh}, {mm}, {ss}; a unit that it leaves out is counted in the
	// next one. "" = days, if there are any, and hours, minutes and seconds.
	Format string `json:"format,omitempty"`
	Done   string `json:"done,omitempty"`   // shown from the instant on; "" = zero
	Locale string `json:"locale,omitempty"` // "fr", "en"; "" = the player's
	Style  Style  `json:"style,omitzero"`
}

// Shape is a rectangle (its corners are the zone's) or an ellipse that fills the zone.
type Shape struct {
	Form   string `json:"form,omitempty"`   // rect, ellipse; "" = rect
	Fill   Color  `json:"fill,omitempty"`   // "" = none
	To     Color  `json:"to,omitempty"`     // the other end of a gradient; "" = one colour
	Angle  int    `json:"angle,omitempty"`  // of the gradient, degrees clockwise: 0 goes right, 90 goes down
	Border Color  `json:"border,omitempty"` // "" = none
	Width  int    `json:"width,omitempty"`  // of the border, canvas pixels; 0 = 2
}

// Chart draws rows of a source.
type Chart struct {
	Source string     `json:"source,omitempty"`
	Form   string     `json:"form,omitempty"`   // bar, line, pie; "" = bar
	Label  string     `json:"label"`            // the source's column with the labels
	Values []string   `json:"values"`           // the source's columns with the numbers; a pie shows the first
	Titles []string   `json:"titles,omitempty"` // of Values, in the legend; missing ones are the columns' names
	Colors []Color    `json:"colors,omitempty"` // of Values, of a pie's slices; missing ones are chosen
	Unit   string     `json:"unit,omitempty"`   // behind numbers: "%", "€"
	Style  Style      `json:"style,omitzero"`
	Cells  [][]string `json:"cells,omitempty"` // bound by playout: the label, then Values
}

// City is one of a world clock.
type City struct {
	Label string `json:"label"`
	Zone  string `json:"zone"` // IANA name
}

// Cards shows rows as cards side by side, page after page: news, offers, people, rooms. Title, Text and Note are
// text/template over a row, like a ticker's.
type Cards struct {
	Source string `json:"source,omitempty"`
	Title  string `json:"title"`
	Text   string `json:"text,omitempty"`
	Note   string `json:"note,omitempty"`  // small, above the title: a time, a place, a price
	Image  string `json:"image,omitempty"` // the column that names a picture of the bundle; "" = none
	// Pictures is the folder of the bundle that Image's names are looked for in, before the bundle as a whole.
	Pictures string     `json:"pictures,omitempty"`
	Columns  int        `json:"columns,omitempty"` // side by side; 0 = as the zone's shape says
	Rows     int        `json:"rows,omitempty"`    // below each other; 0 = as the zone's shape says
	Every    Duration   `json:"every,omitempty"`   // a page stays; 0 = 10 s
	Accent   Color      `json:"accent,omitempty"`
	Fill     Color      `json:"fill,omitempty"` // of a card; "" = a light veil over what is below
	Style    Style      `json:"style,omitzero"`
	Cells    [][]string `json:"cells,omitempty"` // bound by playout: title, text, note, path of the picture
}

// Weather shows rows as days or hours with a drawn sky. The first is the largest.
type Weather struct {
	Source string `json:"source,omitempty"`
	Place  string `json:"place,omitempty"` // headline, fixed
	Label  string `json:"label"`           // the source's columns: "Mon", "14:00"
	Sky    string `json:"sky"`             // a WMO code (WMO 306, table 4677, as open forecasts give it) or a word: clear, partly, cloudy, fog, drizzle, rain, showers, sleet, snow, thunder
	High   string `json:"high,omitempty"`
	Low    string `json:"low,omitempty"`
	Wind   string `json:"wind,omitempty"`
	Unit   string `json:"unit,omitempty"` // behind temperatures; "" = "°"
	Rows   int    `json:"rows,omitempty"` // at most; 0 = as many as fit
	Accent Color  `json:"accent,omitempty"`
	Style  Style  `json:"style,omitzero"`

	Cells [][]string `json:"cells,omitempty"` // bound by playout: label, sky, high, low, wind
}

// Calendar shows rows that have a beginning and an end: today, this week, or rooms as they are now.
type Calendar struct {
	Source string   `json:"source,omitempty"`
	View   string   `json:"view,omitempty"`   // day, week, rooms; "" = day
	Title  string   `json:"title,omitempty"`  // the source's columns; "" = title
	Start  string   `json:"start,omitempty"`  // "" = start
	End    string   `json:"end,omitempty"`    // "" = end
	Room   string   `json:"room,omitempty"`   // "" = place
	AllDay string   `json:"allDay,omitempty"` // "" = allDay
	Rooms  []string `json:"rooms,omitempty"`  // in this order, those without events too: the columns of a day, the rooms that are told of
	From   string   `json:"from,omitempty"`   // "08:00": the hours that a day shows at least
	To     string   `json:"to,omitempty"`     // "18:00"
	Days   int      `json:"days,omitempty"`   // of a week, from Monday: 5, 7; 0 = 7
	Accent Color    `json:"accent,omitempty"`
	Free   Color    `json:"free,omitempty"` // of rooms that are free; "" = green
	Busy   Color    `json:"busy,omitempty"` // of those that are not; "" = red
	Style  Style    `json:"style,omitzero"`

	Cells [][]string `json:"cells,omitempty"` // bound by playout: title, start and end (RFC 3339, or a date), room, "true" for a whole day
}
