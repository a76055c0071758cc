package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strconv"
	"time"

	"vitrine/agent/connect/pipeline"
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
	Date     = rows.Date
	Time     = rows.Time
	DateTime = rows.DateTime
	URL      = rows.URL
)

// Result is what zones see of a source now. It does not change once it is handed out.
type Result struct {
	Columns   []string
	Rows      [][]Value // each as long as Columns
	FetchedAt time.Time // when the source last said that this is how it is; zero = it has never been asked with success
	Changed   time.Time // when the rows were last others
	Version   string    // hash of the rows
	Truncated bool      // the source has more than it may give
	Dropped   []rows.Drop

	Stale   bool   // older than its source allows, or the last try failed
	Expired bool   // so old that it is not to be shown as it is: see bundle.Keep
	Err     string // why the last try failed, a sentence; "" = it did not
	Class   Class  // what kind of fault that is

	looks    []pipeline.Look
	pictures map[string]string // address -> file, of those that are here
	tongue   tongue
}

// column is the place of a column, -1 = there is none of the name.
func (r Result) column(name string) int {
	for i, c := range r.Columns {
		if c == name {
			return i
		}
	}
	return -1
}

// Cell is a column of a row as it is written for people, "" when there is none.
func (r Result) Cell(row int, column string) string {
	i := r.column(column)
	if i < 0 || row < 0 || row >= len(r.Rows) || i >= len(r.Rows[row]) {
		return ""
	}
	return r.text(row, i)
}

func (r Result) text(row, i int) string {
	if i < len(r.looks) {
		return r.looks[i].Text(r.Rows[row][i])
	}
	return r.Rows[row][i].Text
}

// Plain is a column of a row as programs read it: numbers with a point, dates as ISO 8601 has them.
func (r Result) Plain(row int, column string) string {
	i := r.column(column)
	if i < 0 || row < 0 || row >= len(r.Rows) || i >= len(r.Rows[row]) {
		return ""
	}
	return r.Rows[row][i].Text
}

// Row is a row by the names of its columns, with what is known of the source as a whole: count, stale, fetched_at and error,
// where no column is called so. stale and error are "" when all is well.
func (r Result) Row(row int) map[string]string {
	m := make(map[string]string, len(r.Columns)+4)
	maps.Copy(m, r.Facts())
	for i, name := range r.Columns {
		m[name] = r.text(row, i)
	}
	return m
}

// Facts are what is known of the source as a whole, as templates have it.
func (r Result) Facts() map[string]string {
	m := map[string]string{"count": strconv.Itoa(len(r.Rows)), "fetched_at": r.tongue.when(r.FetchedAt), "error": r.Class.In(r.tongue.lang), "stale": ""}
	if r.Stale {
		m["stale"] = r.tongue.dataOf(r.FetchedAt)
	}
	return m
}

// Age says of when the rows are: "data of 20/11 18:05".
func (r Result) Age() string { return r.tongue.dataOf(r.FetchedAt) }

// Picture is the file of a picture that a row names by its address, "" when it is not here (yet).
func (r Result) Picture(address string) string { return r.pictures[address] }

// version is the hash of what is in rows.
func version(columns []string, lines [][]Value) string {
	h := sha256.New()
	var b []byte
	put := func(kind, text string) {
		b = append(strconv.AppendInt(append(append(b, kind...), ' '), int64(len(text)), 10), ' ')
		b = append(b, text...)
		if len(b) > 32<<10 {
			h.Write(b)
			b = b[:0]
		}
	}
	for _, c := range columns {
		put("c", c)
	}
	for _, row := range lines {
		for _, v := range row {
			put(string(v.Kind), v.Text)
		}
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)[:8])
}
