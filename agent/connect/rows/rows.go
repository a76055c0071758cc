// Package rows is a table of typed values: what every source of data gives, whatever it is read from.
//
//	a file, a share, a database, a calendar ──> Table ──> agent/connect's pipeline ──> a zone
package rows

import (
	"fmt"
	"strings"
)

// Bounds of any table.
const (
	MaxColumns = 500
	MaxCell    = 64 << 10 // bytes
)

// Kind says what a Value is.
type Kind string

// The kinds of value. A source that knows no types gives text.
const (
	Null     Kind = "null"
	Text     Kind = "text"
	Decimal  Kind = "decimal"  // as it was written, with a point: never a float
	Bool     Kind = "bool"     // true or false
	Date     Kind = "date"     // 2006-01-02
	Time     Kind = "time"     // 15:04:05
	DateTime Kind = "datetime" // RFC 3339; without an offset where the source knows no zone
	URL      Kind = "url"
)

// Value is one cell: what it is, and how it is written.
type Value struct {
	Kind Kind   `json:"k"`
	Text string `json:"t,omitempty"`
}

// Of makes a value, cut to MaxCell at a whole character.
func Of(kind Kind, text string) Value {
	if len(text) > MaxCell {
		text = strings.ToValidUTF8(text[:MaxCell], "")
	}
	return Value{Kind: kind, Text: text}
}

// Table is what was read. Every row is as long as Columns.
type Table struct {
	Columns   []string  `json:"columns"`
	Rows      [][]Value `json:"rows"`
	Truncated bool      `json:"truncated,omitempty"` // there was more than the limit
	Dropped   []Drop    `json:"dropped,omitempty"`   // what could not be taken: at most MaxDrops are told
}

// MaxDrops is how many drops a table tells of.
const MaxDrops = 20

// Drop is a part of the source that is not among the rows.
type Drop struct {
	Place string `json:"place"` // row 7, line 12, event "x"
	Why   string `json:"why"`   // a sentence for the person who keeps the source
}

// Drop notes what could not be taken.
func (t *Table) Drop(place, why string, args ...any) {
	if len(t.Dropped) < MaxDrops {
		t.Dropped = append(t.Dropped, Drop{Place: place, Why: fmt.Sprintf(why, args...)})
	}
}
