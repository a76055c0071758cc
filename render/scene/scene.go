// Package scene says what is on a screen: data only.
//
//	bundle.yaml ──> bundle (normalises) ──> manifest ──> playout (binds rows, resolves files) ──> pipe ──> renderer
//
// One Scene travels the whole way unchanged in shape. Its author's short forms are gone once it is in a manifest, its
// paths are bundle paths there ("media/a.mp4") and file-system paths once playout has resolved them, and the rows of
// its widgets are empty until playout has bound them.
package scene

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a length of time, written "20s" or "1m30s" in JSON and YAML.
type Duration time.Duration

// MarshalJSON writes the form that time.Duration.String gives.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads what time.ParseDuration reads; negative lengths are refused.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is written like \"20s\" or \"1m30s\", not %s", b)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("a duration is written like \"20s\" or \"1m30s\", not %q", s)
	}
	*d = Duration(v)
	return nil
}

// Size is a width and a height in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Rect is x, y, width, height in canvas pixels; x and y may be negative, width and height are at least 1.
type Rect [4]int

// Color is "#rrggbb" or "#rrggbbaa"; "" means the widget's default.
type Color string

// Scene is what the whole canvas shows for a while.
type Scene struct {
	// For is how long the scene stays. Zero: until its first playlist zone has played through once.
	For Duration `json:"for,omitempty"`
	// Background fills what no zone covers; "" is black.
	Background Color       `json:"background,omitempty"`
	Zones      []Zone      `json:"zones"`
	Transition *Transition `json:"transition,omitempty"` // how the scene comes; nil = cut
	Audio      *Bed        `json:"audio,omitempty"`      // below everything; nil = none
}

// Zone is a rectangle with exactly one kind of content. Zones are painted in order of Z, then in order of the list.
type Zone struct {
	At         Rect    `json:"at"`
	Z          int     `json:"z,omitempty"`
	Background Color   `json:"background,omitempty"` // "" leaves what is below visible
	Opacity    float64 `json:"opacity,omitempty"`    // 0 < o <= 1; 0 stands for 1
	Radius     int     `json:"radius,omitempty"`     // of the corners, canvas pixels
	// ShowAge says when a zone with rows tells of when they are: stale, always, never; "" = stale, of a text never.
	ShowAge string `json:"showAge,omitempty"`
	Age     string `json:"age,omitempty"` // bound by playout: "data of 20/11 18:05"; "" = nothing is told

	Playlist  []Item     `json:"playlist,omitempty"`
	Text      *Text      `json:"text,omitempty"`
	Ticker    *Ticker    `json:"ticker,omitempty"`
	Clock     *Clock     `json:"clock,omitempty"`
	Countdown *Countdown `json:"countdown,omitempty"`
	Table     *Table     `json:"table,omitempty"`
	Chart     *Chart     `json:"chart,omitempty"`
	QR        *QR        `json:"qr,omitempty"`
	Shape     *Shape     `json:"shape,omitempty"`
	Cards     *Cards     `json:"cards,omitempty"`
	Weather   *Weather   `json:"weather,omitempty"`
	Calendar  *Calendar  `json:"calendar,omitempty"`
	Card      *Card      `json:"card,omitempty"` // the player's own page; not for bundles
}

// Style is how text looks. Zero values are the widget's defaults.
type Style struct {
	Font   []string `json:"font,omitempty"`   // family names or bundle paths (fonts/x.ttf), best first
	Size   int      `json:"size,omitempty"`   // canvas pixels of an em; 0 = fit to the zone
	Weight int      `json:"weight,omitempty"` // 100 to 900; 0 = 400
	Color  Color    `json:"color,omitempty"`
	Align  string   `json:"align,omitempty"`  // start, center, end (along the text's own direction); "" = start
	Valign string   `json:"valign,omitempty"` // top, middle, bottom; "" = middle
	Pad    int      `json:"pad,omitempty"`    // canvas pixels inside the zone
}

// Text is a paragraph; lines are broken at the zone's width and the last is shortened with an ellipsis.
type Text struct {
	Text   string `json:"text"`             // with a source: text/template over a row
	Source string `json:"source,omitempty"` // name of the source that gives the row
	Row    int    `json:"row,omitempty"`    // which, from 1; 0 = the first
	Style  Style  `json:"style,omitzero"`
	Spans  []Span `json:"spans,omitempty"` // instead of Text: pieces with looks of their own
}

// Ticker is one line that moves against the reading direction, without end. A size of 0 fits it to the zone's height.
type Ticker struct {
	Source    string   `json:"source,omitempty"`    // name of the source that gives the rows
	Text      string   `json:"text"`                // text/template over a row, or a fixed text without a source
	Separator string   `json:"separator,omitempty"` // between items; "" = " • "
	Speed     int      `json:"speed,omitempty"`     // canvas pixels a second; 0 = 120
	Style     Style    `json:"style,omitzero"`
	Items     []string `json:"items,omitempty"` // bound by playout
}

// Clock shows the time of day, here or in several cities.
type Clock struct {
	Cities []City `json:"cities,omitempty"` // a world clock: one after the other; none = Zone's time alone
	Face   string `json:"face,omitempty"`   // digits, hands; "" = digits
	Zone   string `json:"zone,omitempty"`   // IANA name; "" = the player's
	Format string `json:"format,omitempty"` // Go layout, month and day names put into Locale; "" = "15:04"
	Locale string `json:"locale,omitempty"` // "fr", "en"; "" = the player's
	Style  Style  `json:"style,omitzero"`
}

// Table shows rows of a source, page after page. A size of 0 fits the text to the rows.
type Table struct {
	Source  string     `json:"source,omitempty"`
	Columns []Column   `json:"columns"`
	Header  bool       `json:"header,omitempty"`
	Rows    int        `json:"rows,omitempty"`  // on a page; 0 = as many as fit
	Every   Duration   `json:"every,omitempty"` // a page stays; 0 = 10 s
	Accent  Color      `json:"accent,omitempty"`
	Style   Style      `json:"style,omitzero"`
	Cells   [][]string `json:"cells,omitempty"` // bound by playout, one string a column
}

// Column is one column of a Table.
type Column struct {
	Name  string  `json:"name"`            // the source's column
	Title string  `json:"title,omitempty"` // in the header; "" = Name
	Width float64 `json:"width,omitempty"` // share of the width; 0 = 1
	Align string  `json:"align,omitempty"`
}

// QR is a QR code (ISO/IEC 18004), quiet zone included.
type QR struct {
	Text  string `json:"text"`
	Level string `json:"level,omitempty"` // L, M, Q, H; "" = M
	Color Color  `json:"color,omitempty"`
}

// Card is the player's own page: what it shows while it has nothing to show, and to whom it can be connected. With Facts
// it is the service page, for a technician who stands before the screen.
type Card struct {
	Name     string   `json:"name,omitempty"`     // of the player
	Language string   `json:"language,omitempty"` // "fr", "en"; "" = the player's
	Code     string   `json:"code,omitempty"`     // claim code, XXXX-XXXX; "" = nothing to claim
	URL      string   `json:"url,omitempty"`      // in the QR code beside the claim code
	Words    []string `json:"words,omitempty"`    // the fingerprint's four words
	Relay    string   `json:"relay,omitempty"`    // address as a person types it
	Address  string   `json:"address,omitempty"`  // the player's own, in its network
	Notices  []string `json:"notices,omitempty"`  // short sentences; none and no code: that there is no content yet

	// The service page: what a technician asks, label and value, at most 16. Notices are its faults there; none = no faults.
	Title string      `json:"title,omitempty"` // "" = "Service" in the card's language
	Facts [][2]string `json:"facts,omitempty"`
}
