package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"vitrine/agent/connect/rows"
)

// The words of a table, which are those of rows.
type (
	Kind  = rows.Kind
	Value = rows.Value
)

// The kinds of value.
const (
	Null     = rows.Null
	Text     = rows.Text
	Decimal  = rows.Decimal
	Bool     = rows.Bool
	DateTime = rows.DateTime
	URL      = rows.URL
)

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
