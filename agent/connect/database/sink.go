package database

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"vitrine/agent/connect/rows"
)

// errTooLong is a query that gives more than it may.
var errTooLong = errors.New("its rows are longer than its limit; raise limits.bytes, or ask for less")

// errEnough stops a query that has given all the rows that are wanted.
var errEnough = errors.New("enough")

// sink takes rows as they come.
type sink struct {
	limits Limits
	table  rows.Table
	bytes  int64
	over   atomic.Bool // the connection gave all that it may
}

// columns names the columns; those without a name, or with one that was there before, are called c and their number.
func (s *sink) columns(names []string) error {
	if len(names) == 0 {
		return errors.New("its query gives no rows; it must be one that does, such as SELECT")
	}
	if len(names) > rows.MaxColumns {
		return fmt.Errorf("its query gives %d columns; %d are the most", len(names), rows.MaxColumns)
	}
	seen := map[string]bool{}
	for i, name := range names {
		if name = strings.ToValidUTF8(strings.TrimSpace(name), "\uFFFD"); name == "" || seen[name] {
			name = fmt.Sprintf("c%d", i+1)
		}
		seen[name] = true
		s.table.Columns = append(s.table.Columns, name)
	}
	return nil
}

// row takes a row; errEnough says that no more are wanted.
func (s *sink) row(values []rows.Value) error {
	if len(s.table.Rows) >= s.limits.Rows {
		s.table.Truncated = true
		return errEnough
	}
	if len(values) != len(s.table.Columns) {
		return fmt.Errorf("a row has %d values under %d columns", len(values), len(s.table.Columns))
	}
	for i, v := range values {
		values[i].Text = strings.ToValidUTF8(v.Text, "\uFFFD")
		s.bytes += int64(len(v.Text)) + 16
	}
	if s.bytes > s.limits.Bytes {
		return errTooLong
	}
	s.table.Rows = append(s.table.Rows, values)
	return nil
}

// null is no value.
var null = rows.Value{Kind: rows.Null}

// timed makes a value of what is written in one of layouts, else text.
func timed(kind rows.Kind, text string, write string, layouts ...string) rows.Value {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil && at.Year() < 10000 {
			return rows.Of(kind, at.Format(write))
		}
	}
	return rows.Of(rows.Text, text)
}

// How dates and times are written in rows.
const (
	dateForm  = "2006-01-02"
	timeForm  = "15:04:05.999999999"
	localForm = "2006-01-02T15:04:05.999999999"
)

// decimal is a number as it is written, unless it is none (NaN, Infinity).
func decimal(text string) rows.Value {
	for _, c := range text {
		if (c < '0' || c > '9') && !strings.ContainsRune("+-.eE", c) {
			return rows.Of(rows.Text, text)
		}
	}
	return rows.Of(rows.Decimal, text)
}

// hexadecimal is how bytes are shown.
func hexadecimal(b []byte) rows.Value {
	return rows.Of(rows.Text, fmt.Sprintf("%x", b[:min(len(b), rows.MaxCell/2)]))
}
