package pipeline

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/collate"

	"vitrine/agent/connect/rows"
)

// work is one run.
type work struct {
	*Pipeline
	in  rows.Table
	out *Rows
	now time.Time

	of []int // the row of in that each row of out is made of
}

// mapped makes the columns, and for each row its cells.
func (w *work) mapped() error {
	if len(w.columns) == 0 {
		w.out.Columns = w.in.Columns
		for range w.in.Columns {
			w.out.Looks = append(w.out.Looks, Look{locale: w.locale, zone: w.zone})
		}
		w.out.Rows = slices.Clone(w.in.Rows)
		w.of = make([]int, len(w.in.Rows))
		for i := range w.of {
			w.of[i] = i
		}
		return nil
	}
	from := make([]int, len(w.columns))
	for i, c := range w.columns {
		w.out.Columns = append(w.out.Columns, c.Name)
		w.out.Looks = append(w.out.Looks, Look{Show: c.Show, typed: c.Type == "decimal" || c.Show != "" || c.Expr != "", locale: c.locale, zone: w.zone})
		from[i] = find(w.in.Columns, cmp.Or(c.From, c.Name))
	}
	cells := make([]rows.Value, len(w.columns)*len(w.in.Rows)) // one piece of memory for all
	tally := make([]tally, len(w.columns))
	env := w.env()
	for n, row := range w.in.Rows {
		made := cells[n*len(w.columns) : (n+1)*len(w.columns) : (n+1)*len(w.columns)]
		env.row(n, row)
		for i, c := range w.columns {
			v, err := w.cell(c, from[i], row, env)
			if err != nil {
				w.out.Drop(fmt.Sprintf("row %d, column %s", n+1, c.Name), "%v", err)
			}
			tally[i].count(v, err)
			made[i] = v
			env.set(c.Name, v)
		}
		w.out.Rows = append(w.out.Rows, made)
		w.of = append(w.of, n)
	}
	for i, t := range tally {
		if t.bad > 1 && t.good == 0 && w.columns[i].formula == nil {
			return fmt.Errorf("column %q: none of its %d values is as the bundle says, as %w: mend the source, or write in the bundle what it has", w.columns[i].Name, t.bad, t.err)
		}
	}
	return nil
}

// tally counts what became of a column's cells.
type tally struct {
	good, bad int
	err       error
}

func (t *tally) count(v rows.Value, err error) {
	if err != nil {
		t.bad++
		t.err = cmp.Or(t.err, err)
	} else if v.Kind != rows.Null {
		t.good++
	}
}

func (w *work) cell(c column, from int, row []rows.Value, env *env) (rows.Value, error) {
	v := rows.Value{Kind: rows.Null}
	switch {
	case c.formula != nil:
		var err error
		if v, err = env.value(c.formula); err != nil {
			return rows.Value{Kind: rows.Null}, err
		}
	case from >= 0 && from < len(row):
		v = row[from]
	}
	if c.Type == "" || v.Kind == rows.Null {
		return v, nil
	}
	typed, err := convert(v, c, w.read, w.zone)
	if err != nil {
		return rows.Value{Kind: rows.Null}, err
	}
	return typed, nil
}

// convert makes of a value one of the column's type. Nothing stays nothing.
func convert(v rows.Value, c column, read, zone *time.Location) (rows.Value, error) {
	text := strings.TrimSpace(v.Text)
	kind := rows.Kind(c.Type)
	if text == "" && kind != rows.Text {
		return rows.Value{Kind: rows.Null}, nil
	}
	if v.Kind == kind && !(kind == rows.DateTime) {
		return v, nil
	}
	switch kind {
	case rows.Text:
		return rows.Of(rows.Text, v.Text), nil
	case rows.Decimal:
		l := c.locale
		if v.Kind != rows.Text { // a source that knows numbers writes them with a point
			l = c.plain
		}
		if d, ok := l.Decimal(text); ok {
			return rows.Of(rows.Decimal, d), nil
		}
		return v, fmt.Errorf("%.60q is not a number", text)
	case rows.Bool:
		if is, ok := c.locale.Bool(text); ok {
			return rows.Of(rows.Bool, map[bool]string{true: "true", false: "false"}[is]), nil
		}
		return v, fmt.Errorf("%.60q is neither yes nor no", text)
	case rows.URL:
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return v, fmt.Errorf("%.60q is not an address that begins with https://", text)
		}
		return rows.Of(rows.URL, text), nil
	}
	t, err := moment(v, text, c, read)
	if err != nil {
		return v, err
	}
	switch kind {
	case rows.Date:
		if v.Kind == rows.DateTime { // an instant is on that date here
			t = t.In(zone)
		}
		return rows.Of(rows.Date, t.Format("2006-01-02")), nil
	case rows.Time:
		if v.Kind == rows.DateTime {
			t = t.In(zone)
		}
		return rows.Of(rows.Time, t.Format("15:04:05")), nil
	}
	return rows.Of(rows.DateTime, t.In(zone).Format(time.RFC3339)), nil
}

// moment reads a date, a time of day or both.
func moment(v rows.Value, text string, c column, read *time.Location) (time.Time, error) {
	switch {
	case v.Kind == rows.Date, v.Kind == rows.DateTime, v.Kind == rows.Time:
		t, err := instant(rows.Value{Kind: v.Kind, Text: text}, read)
		if err != nil {
			return t, fmt.Errorf("%.60q is no time", text)
		}
		return t, nil
	case c.Format != "":
		return c.locale.Parse(text, c.Format, read)
	case c.Type == "date":
		return c.locale.Date(text, read)
	case c.Type == "time":
		return c.locale.Clock(text)
	}
	return c.locale.DateTime(text, read)
}

// filtered leaves out the rows that the filter does not want. A row that it cannot judge is left out and told.
func (w *work) filtered() {
	if w.filter == nil {
		return
	}
	env := w.env()
	kept := w.out.Rows[:0]
	for n, row := range w.out.Rows {
		env.row(w.of[n], w.in.Rows[w.of[n]])
		for i := range w.columns {
			env.set(w.columns[i].Name, row[i])
		}
		is, err := env.truth(w.filter)
		if err != nil {
			w.out.Drop(fmt.Sprintf("row %d", w.of[n]+1), "the filter cannot judge it: %v", err)
		}
		if is {
			kept = append(kept, row)
		}
	}
	clear(w.out.Rows[len(kept):])
	w.out.Rows = kept
}

// sorted puts the rows in order; what has no value comes last in either direction.
func (w *work) sorted() error {
	if len(w.spec.Sort) == 0 || len(w.out.Rows) < 2 {
		return nil
	}
	type keyed struct {
		at  int
		row []rows.Value
	}
	all := make([]keyed, len(w.out.Rows))
	for n, row := range w.out.Rows {
		all[n] = keyed{n, row}
	}
	keys := make([][]key, len(w.spec.Sort))
	for i, by := range w.spec.Sort {
		at := find(w.out.Columns, by.By)
		if at < 0 {
			if w.keyed {
				continue
			}
			return &MissingError{Missing: []string{by.By}, Have: w.out.Columns}
		}
		order := w.locale.Collator()
		if at < len(w.columns) {
			order = w.columns[at].locale.Collator()
		}
		var buffer collate.Buffer
		keys[i] = make([]key, len(all))
		for n := range all {
			keys[i][n] = keyOf(all[n].row[at], order, &buffer, w.zone)
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { // rows that are equal stay in their order
		for i, by := range w.spec.Sort {
			if keys[i] == nil {
				continue
			}
			x, y := &keys[i][a.at], &keys[i][b.at]
			c := x.compare(y)
			if by.Descending && x.there && y.there {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.at, b.at)
	})
	for n := range all {
		w.out.Rows[n] = all[n].row
	}
	return nil
}

// key is what a value is ordered by.
type key struct {
	there  bool
	number bool
	near   float64 // of a number, or of an instant in seconds
	exact  string  // of a number: decides where two are as near
	words  []byte
}

func keyOf(v rows.Value, order *collate.Collator, buffer *collate.Buffer, zone *time.Location) key {
	switch v.Kind {
	case rows.Null:
		return key{}
	case rows.Decimal:
		if f, err := strconv.ParseFloat(v.Text, 64); err == nil {
			return key{there: true, number: true, near: f, exact: v.Text}
		}
	case rows.Date, rows.DateTime, rows.Time:
		if t, err := instant(v, zone); err == nil {
			return key{there: true, near: float64(t.UnixMilli()) / 1000}
		}
	}
	buffer.Reset()
	return key{there: v.Text != "", words: bytes.Clone(order.KeyFromString(buffer, v.Text))}
}

func (k *key) compare(o *key) int {
	switch {
	case k.there != o.there:
		if k.there {
			return -1
		}
		return 1
	case k.number != o.number: // numbers before words
		if k.number {
			return -1
		}
		return 1
	}
	if c := cmp.Or(cmp.Compare(k.near, o.near), bytes.Compare(k.words, o.words)); c != 0 || !k.number || k.exact == o.exact {
		return c
	}
	a, ok1 := new(big.Rat).SetString(k.exact)
	b, ok2 := new(big.Rat).SetString(o.exact)
	if !ok1 || !ok2 || len(k.exact)+len(o.exact) > 400 || strings.ContainsAny(k.exact+o.exact, "eE") {
		return 0
	}
	return a.Cmp(b)
}
