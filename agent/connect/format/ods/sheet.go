package ods

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/pack"
)

// Read gives the cells of a sheet to a grid.
func (k *Book) Read(ctx context.Context, at int, g *grid.Grid) error {
	r, err := k.pack.Part(ctx, content)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, k.sheets[at].at); err != nil {
		return err
	}
	s := &reader{x: pack.NewXML(ctx, r.Reader), g: g}
	err = s.read()
	if err != nil && !errors.Is(err, grid.ErrFull) {
		return fmt.Errorf("its sheet %s: %w", k.sheets[at].Name, err)
	}
	return nil
}

// maxText bounds the text of a cell, bytes; Excel and LibreOffice allow 32,767 characters.
const maxText = 1 << 20

// reader is where the reading of a sheet is.
type reader struct {
	x   *pack.XML
	g   *grid.Grid
	row int
}

// run is a cell that is repeated in its row.
type run struct {
	left, right int // columns that are wanted of it
	span        int // rows that it covers
	cell        grid.Cell
}

func (s *reader) read() error {
	for begun := false; !begun || s.x.Depth() > 0; begun = true {
		kind, err := s.x.Next()
		if err == io.EOF {
			return errors.New("it ends in the middle")
		}
		if err != nil {
			return err
		}
		if kind != pack.Start {
			continue
		}
		switch s.x.Name() {
		case "table-row":
			err = s.line()
		case "shapes", "forms", "table-source", "named-expressions", "scenarios", "dde-source":
			err = s.x.Skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat is how often a row or cell is there: 1 unless it says so.
func repeat(value string, most int) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 1
	}
	return min(n, most)
}

// line reads a row to its end.
func (s *reader) line() error {
	times := repeat(s.x.Attr("number-rows-repeated"), grid.MaxRow+1)
	top := s.row
	if s.row += times; top > grid.MaxRow || s.g.Past(top) {
		return grid.ErrFull
	}
	var runs []run
	col := 0
	for depth := s.x.Depth() - 1; s.x.Depth() > depth; {
		kind, err := s.x.Next()
		if err != nil {
			return err
		}
		covered := s.x.Is("covered-table-cell")
		if kind != pack.Start || !covered && !s.x.Is("table-cell") {
			continue
		}
		a := s.attributes()
		count := repeat(a.columns, grid.MaxCol+1)
		r := run{span: repeat(a.rowSpan, grid.MaxRow+1)}
		r.left, r.right = s.g.Columns(min(col, grid.MaxCol+1), min(col+count-1, grid.MaxCol))
		if r.cell, err = s.cell(a); err != nil {
			return err
		}
		if col += count; !covered && r.cell.Kind != grid.Empty && r.left <= r.right {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	for row := max(top, s.g.Top()); row < top+times && !s.g.Past(row); row++ {
		if err := s.put(row, runs); err != nil {
			return err
		}
	}
	return nil
}

func (s *reader) put(row int, runs []run) error {
	for _, r := range runs {
		for col := r.left; col <= r.right; col++ {
			if err := s.g.Put(row, col, r.cell); err != nil {
				return err
			}
		}
		if r.span > 1 {
			if err := s.g.Merge(grid.Area{Top: row, Left: r.left, Bottom: min(row+r.span-1, grid.MaxRow), Right: r.left}); err != nil {
				return err
			}
		}
	}
	return nil
}

// attributes are those of a cell that matter.
type attributes struct {
	columns, rowSpan                       string
	kind, value, date, time, boolean, text string
	hasText, formula, failed               bool
}

func (s *reader) attributes() attributes {
	var a attributes
	for _, one := range s.x.Attrs() {
		switch one.Local {
		case "number-columns-repeated":
			a.columns = one.Value()
		case "number-rows-spanned":
			a.rowSpan = one.Value()
		case "value-type": // calcext:value-type says when a formula has failed
			if v := one.Value(); v == "error" {
				a.failed = true
			} else if a.kind == "" || one.Prefix == "office" {
				a.kind = v
			}
		case "value":
			a.value = one.Value()
		case "date-value":
			a.date = one.Value()
		case "time-value":
			a.time = one.Value()
		case "boolean-value":
			a.boolean = one.Value()
		case "string-value":
			a.text, a.hasText = one.Value(), true
		case "formula":
			a.formula = true
		}
	}
	return a
}

// cell reads a cell to its end.
func (s *reader) cell(a attributes) (grid.Cell, error) {
	shown, err := s.paragraphs()
	if err != nil {
		return grid.Cell{}, err
	}
	c := grid.Cell{Shown: shown}
	kind := a.kind
	switch {
	case a.failed:
		return grid.Cell{Kind: grid.Error, Text: shown}, nil
	case kind == "float", kind == "percentage", kind == "currency":
		n, err := strconv.ParseFloat(a.value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return grid.Cell{}, fmt.Errorf("row %d: %.40q is no number", s.row, a.value)
		}
		if strings.HasPrefix(shown, "#") {
			if shown == strings.Repeat("#", len(shown)) { // a column that was too narrow
				c.Shown = ""
			} else {
				return grid.Cell{Kind: grid.Error, Text: shown}, nil
			}
		}
		c.Kind, c.Number, c.Unit = grid.Number, n, c.Shown != "" && (kind != "float" || !bare(c.Shown))
	case kind == "boolean":
		c = grid.Cell{Kind: grid.Bool}
		if a.boolean == "true" {
			c.Number = 1
		}
	case kind == "date":
		c = date(a.date, shown)
	case kind == "time":
		c = span(a.time, shown)
	default:
		c.Kind, c.Text = grid.Text, shown
		if a.hasText && shown == "" {
			c.Text = a.text
		}
		switch {
		case c.Text == "":
			c.Kind = grid.Empty
		case a.formula && mistake.MatchString(c.Text):
			c.Kind = grid.Error
		}
	}
	return c, nil
}

// bare says whether a number is shown as nothing but a number; one with zeros in front is more, such as a postal code.
func bare(s string) bool {
	if s = strings.TrimLeft(s, "+-\u2212( "); len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		return false
	}
	return strings.Trim(s, "0123456789.,'\u2019 \u00a0\u202f\u2009+-\u2212()eE") == ""
}

var (
	mistake = regexp.MustCompile(`^(?:#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)|Err:[0-9]{3})$`)
	isoDate = regexp.MustCompile(`^(-?\d{4,5}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(\.\d+)?Z?)?$`)
	isoSpan = regexp.MustCompile(`^(-)?P(?:(\d{1,6})D)?T?(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:[.,](\d+))?S)?$`)
)

func date(value, shown string) grid.Cell {
	m := isoDate.FindStringSubmatch(value)
	switch {
	case m == nil:
		return grid.Cell{Kind: grid.Text, Text: shown}
	case m[2] == "":
		return grid.Cell{Kind: grid.Date, Text: m[1], Shown: shown}
	}
	at, err := time.Parse("2006-01-02T15:04:05.999999999", m[1]+"T"+m[2]+m[3])
	if err != nil {
		return grid.Cell{Kind: grid.Text, Text: shown}
	}
	return grid.Cell{Kind: grid.DateTime, Text: at.Round(time.Second).Format("2006-01-02T15:04:05"), Shown: shown}
}

// span is a time of day, or how long something lasts.
func span(value, shown string) grid.Cell {
	m := isoSpan.FindStringSubmatch(value)
	if m == nil {
		return grid.Cell{Kind: grid.Text, Text: shown}
	}
	var d time.Duration
	for i, unit := range map[int]time.Duration{2: 24 * time.Hour, 3: time.Hour, 4: time.Minute, 5: time.Second} {
		n, _ := strconv.ParseInt("0"+m[i], 10, 64)
		d += time.Duration(n) * unit
	}
	if f, err := strconv.ParseFloat("0."+m[6]+"0", 64); err == nil {
		d += time.Duration(f * float64(time.Second))
	}
	d = d.Round(time.Second)
	if m[1] != "" || d >= 24*time.Hour {
		if m[1] != "" {
			d = -d
		}
		if shown == "" {
			shown = grid.Duration(d)
		}
		return grid.Cell{Kind: grid.Text, Text: shown}
	}
	return grid.Cell{Kind: grid.Time, Text: time.Time{}.Add(d).Format(time.TimeOnly), Shown: shown}
}

// paragraphs is the text of a cell to its end, without its comments.
func (s *reader) paragraphs() (string, error) {
	var out strings.Builder
	n, inside := 0, 0
	for depth := s.x.Depth() - 1; s.x.Depth() > depth; {
		kind, err := s.x.Next()
		if err != nil {
			return "", err
		}
		name := s.x.Name()
		switch {
		case kind == pack.Text && inside > 0:
			out.WriteString(collapse(s.x.Said()))
		case kind == pack.Start:
			switch name {
			case "annotation", "frame", "table", "shapes", "detective", "g", "custom-shape", "rect", "line":
				if err := s.x.Skip(); err != nil {
					return "", err
				}
			case "p", "h":
				if inside++; n > 0 {
					out.WriteByte('\n')
				}
				n++
			case "s":
				out.WriteString(strings.Repeat(" ", repeat(s.x.Attr("c"), 1000)))
			case "tab":
				out.WriteByte('\t')
			case "line-break":
				out.WriteByte('\n')
			}
		case kind == pack.End && (name == "p" || name == "h"):
			inside--
		}
		if out.Len() > maxText {
			return "", fmt.Errorf("row %d has a cell of more than %d KiB", s.row, maxText>>10)
		}
	}
	return out.String(), nil
}

// collapse makes one space of all white space, as OpenDocument 1.3 part 3, 6.1.2 says.
func collapse(s string) string {
	if !strings.ContainsAny(s, "\t\r\n") && !strings.Contains(s, "  ") {
		return s
	}
	var out strings.Builder
	space := false
	for _, r := range s {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			space = true
			continue
		}
		if space {
			out.WriteByte(' ')
		}
		space = false
		out.WriteRune(r)
	}
	if space {
		out.WriteByte(' ')
	}
	return out.String()
}
