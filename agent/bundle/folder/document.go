package folder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// document is bundle.yaml as its author writes it, short forms included.
type document struct {
	ID       string                       `json:"id"`
	Name     string                       `json:"name"`
	Zone     string                       `json:"zone"`
	Locale   string                       `json:"locale"`
	Canvas   *scene.Size                  `json:"canvas"`
	Expires  *time.Time                   `json:"expires"`
	Targets  *bundle.Targets              `json:"targets"`
	Sources  map[string]bundle.SourceSpec `json:"sources"`
	Scenes   map[string]sceneDoc          `json:"scenes"`
	Fallback []string                     `json:"fallback"`
	Tests    []bundle.Test                `json:"tests"`
	schedule.Schedule
}

type sceneDoc struct {
	For        scene.Duration `json:"for"`
	Background scene.Color    `json:"background"`
	Media      string         `json:"media"`
	Fit        scene.Fit      `json:"fit"`
	Volume     int            `json:"volume"`
	Playlist   []itemDoc      `json:"playlist"`
	Zones      []zoneDoc      `json:"zones"`
	Transition *transitionDoc `json:"transition"`
	Audio      *bedDoc        `json:"audio"`
}

type zoneDoc struct {
	At         *scene.Rect `json:"at"`
	Z          int         `json:"z"`
	Background scene.Color `json:"background"`
	Opacity    float64     `json:"opacity"`
	Radius     int         `json:"radius"`
	Fit        scene.Fit   `json:"fit"`
	Volume     int         `json:"volume"`
	Playlist   []itemDoc   `json:"playlist"`
	Image      string      `json:"image"`
	Video      string      `json:"video"`
	Text       *textDoc    `json:"text"`
	Ticker     *tickerDoc  `json:"ticker"`
	Clock      *clockDoc   `json:"clock"`
	Table      *tableDoc   `json:"table"`
	QR         *qrDoc      `json:"qr"`

	Countdown *countdownDoc `json:"countdown"`
	Chart     *chartDoc     `json:"chart"`
	Shape     *scene.Shape  `json:"shape"`
	Cards     *cardsDoc     `json:"cards"`
	Weather   *weatherDoc   `json:"weather"`
	Calendar  *calendarDoc  `json:"calendar"`
	ShowAge   string        `json:"showAge"`

	// Of an image, video, document, web page or stream that the zone shows.
	Document   string         `json:"document"`
	Web        string         `json:"web"`
	Stream     string         `json:"stream"`
	Transition *transitionDoc `json:"transition"` // of a playlist too: what its items do not say
	StandIn    string         `json:"standIn"`
	Pages      pagesDoc       `json:"pages"`
	Each       scene.Duration `json:"each"`
	Source     string         `json:"source"`
	Hosts      []string       `json:"hosts"`
}

type cardsDoc struct {
	scene.Cards
	Style styleDoc `json:"style"`
}

type calendarDoc struct {
	scene.Calendar
	Style styleDoc `json:"style"`
}

type weatherDoc struct {
	scene.Weather
	Style styleDoc `json:"style"`
}

// styleDoc allows one font without a list.
type styleDoc struct{ scene.Style }

func (s *styleDoc) UnmarshalJSON(b []byte) error {
	var one struct {
		Font fontsDoc `json:"font"`
		*noFont
	}
	one.noFont = (*noFont)(&s.Style)
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	s.Style.Font = one.Font
	return nil
}

// noFont is a style whose fonts are read elsewhere.
type noFont scene.Style

type fontsDoc []string

func (f *fontsDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		*f = make([]string, 1)
		return json.Unmarshal(b, &(*f)[0])
	}
	return json.Unmarshal(b, (*[]string)(f))
}

type textDoc struct {
	Text   string    `json:"text"`
	Source string    `json:"source"`
	Row    int       `json:"row"`
	Spans  []spanDoc `json:"spans"`
	Style  styleDoc  `json:"style"`
}

type spanDoc struct {
	Text   string      `json:"text"`
	Font   fontsDoc    `json:"font"`
	Scale  float64     `json:"scale"`
	Weight int         `json:"weight"`
	Italic bool        `json:"italic"`
	Color  scene.Color `json:"color"`
}

type countdownDoc struct {
	To     string   `json:"to"`
	Zone   string   `json:"zone"`
	Format string   `json:"format"`
	Done   string   `json:"done"`
	Locale string   `json:"locale"`
	Style  styleDoc `json:"style"`
}

type chartDoc struct {
	Source string        `json:"source"`
	Form   string        `json:"form"`
	Label  string        `json:"label"`
	Values []string      `json:"values"`
	Titles []string      `json:"titles"`
	Colors []scene.Color `json:"colors"`
	Unit   string        `json:"unit"`
	Style  styleDoc      `json:"style"`
}

func (t *textDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &t.Text)
	}
	type fields textDoc
	return json.Unmarshal(b, (*fields)(t))
}

type tickerDoc struct {
	Source    string   `json:"source"`
	Text      string   `json:"text"`
	Separator string   `json:"separator"`
	Speed     int      `json:"speed"`
	Style     styleDoc `json:"style"`
}

func (t *tickerDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &t.Text)
	}
	type fields tickerDoc
	return json.Unmarshal(b, (*fields)(t))
}

type clockDoc struct {
	Cities []scene.City `json:"cities"`
	Face   string       `json:"face"`
	Zone   string       `json:"zone"`
	Format string       `json:"format"`
	Locale string       `json:"locale"`
	Style  styleDoc     `json:"style"`
}

func (c *clockDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &c.Format)
	}
	type fields clockDoc
	return json.Unmarshal(b, (*fields)(c))
}

type tableDoc struct {
	Source  string         `json:"source"`
	Columns []columnDoc    `json:"columns"`
	Header  bool           `json:"header"`
	Rows    int            `json:"rows"`
	Every   scene.Duration `json:"every"`
	Accent  scene.Color    `json:"accent"`
	Style   styleDoc       `json:"style"`
}

type columnDoc struct{ scene.Column }

func (c *columnDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &c.Name)
	}
	return json.Unmarshal(b, &c.Column)
}

type qrDoc struct{ scene.QR }

func (q *qrDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &q.Text)
	}
	return json.Unmarshal(b, &q.QR)
}

func isString(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) }

// decode reads a checked tree. What the schema refused has been cut out of it.
func decode(value any) (*document, error) {
	if object, ok := value.(map[string]any); ok {
		plainSources(object)
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("this cannot be read: %w", err)
	}
	return &d, nil
}

// cut takes what a fault is about out of a tree: list elements become null, so that the others keep their places.
func cut(value any, pointer string) {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		last := i == len(parts)-1
		switch node := value.(type) {
		case map[string]any:
			if last {
				delete(node, part)
				return
			}
			value = node[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(node) {
				return
			}
			if last {
				node[n] = nil
				return
			}
			value = node[n]
		default:
			return
		}
	}
}
