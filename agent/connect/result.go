package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Kind says what a Value is.
type Kind string

// The kinds of value. A source that knows no types gives text.
const (
	Null     Kind = "null"
	Text     Kind = "text"
	Decimal  Kind = "decimal" // as it was written: never a float
	Bool     Kind = "bool"
	DateTime Kind = "datetime" // RFC 3339
	URL      Kind = "url"
)

// Value is one cell: what it is, and how it is written.
type Value struct {
	Kind Kind   `json:"k"`
	Text string `json:"t,omitempty"`
}

// Result is what is known of a source now. It does not change once it is handed out.
type Result struct {
	Columns   []string  `json:"columns"`
	Rows      [][]Value `json:"rows"`      // each as long as Columns
	FetchedAt time.Time `json:"fetchedAt"` // of the last good rows; zero = there have never been any
	Version   string    `json:"version"`   // hash of the rows
	Truncated bool      `json:"truncated,omitempty"`

	Stale   bool   `json:"-"` // older than its source allows, or the last try failed
	Expired bool   `json:"-"` // so old that it is not to be shown as it is: see bundle.Keep
	Err     string `json:"-"` // why the last try failed, a sentence; "" = it did not
}

// Cell is the text of a column of a row, "" when there is none.
func (r Result) Cell(row int, column string) string {
	for i, name := range r.Columns {
		if name == column && row < len(r.Rows) && i < len(r.Rows[row]) {
			return r.Rows[row][i].Text
		}
	}
	return ""
}

// Row is a row by the names of its columns.
func (r Result) Row(row int) map[string]string {
	m := make(map[string]string, len(r.Columns))
	for i, name := range r.Columns {
		m[name] = r.Rows[row][i].Text
	}
	return m
}

// version is the hash of what is in the rows.
func (r Result) version() string {
	b, err := json.Marshal(struct {
		C []string
		R [][]Value
	}{r.Columns, r.Rows})
	if err != nil {
		return "" // cannot be: strings only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
