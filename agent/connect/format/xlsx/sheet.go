package xlsx

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/pack"
)

// Read gives the cells of a sheet to a grid.
func (k *Book) Read(ctx context.Context, at int, g *grid.Grid) error {
	shared, err := k.shared(ctx)
	if err != nil {
		return err
	}
	part := k.sheets[at].part
	r, err := k.pack.Part(ctx, part)
	if err != nil {
		return err
	}
	defer r.Close()
	s := &reader{book: k, shared: shared, x: pack.NewXML(ctx, r.Reader), g: g, row: -1, col: -1}
	err = s.read()
	if errors.Is(err, grid.ErrFull) {
		return merges(r, g)
	}
	if err != nil {
		return fmt.Errorf("its sheet %s: %w", k.sheets[at].Name, err)
	}
	return nil
}

// reader is where the reading of a sheet is.
type reader struct {
	book     *Book
	shared   []string
	x        *pack.XML
	g        *grid.Grid
	row, col int
}

func (s *reader) read() error {
	for {
		kind, err := s.x.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if kind != pack.Start {
			continue
		}
		switch s.x.Name() {
		case "row":
			s.row, s.col = s.row+1, -1
			if r, err := strconv.Atoi(s.x.Attr("r")); err == nil {
				s.row = r - 1
			}
			if s.row < 0 || s.row > grid.MaxRow {
				return fmt.Errorf("its row %d is beyond the last row of any sheet", s.row+1)
			}
			if s.g.Past(s.row) {
				return grid.ErrFull
			}
		case "c":
			if err := s.cell(); err != nil {
				return err
			}
		case "extLst":
			if err := s.x.Skip(); err != nil {
				return err
			}
		case "mergeCell":
			if ref, ok := grid.ParseRef(s.x.Attr("ref")); ok {
				if err := s.g.Merge(ref.Area); err != nil {
					return err
				}
			}
		}
	}
}

// cell reads a cell to its end.
func (s *reader) cell() error {
	s.col++
	var kind, style string
	for _, a := range s.x.Attrs() {
		switch a.Local {
		case "r":
			if r, c, ok := grid.ParseCell(a.Value()); ok {
				s.row, s.col = r, c
			}
		case "t":
			kind = a.Value()
		case "s":
			style = a.Value()
		}
	}
	if s.row < 0 || s.col > grid.MaxCol {
		return errors.New("it has a cell outside of every row and column")
	}
	if !s.g.Wants(s.row, s.col) {
		return s.x.Skip()
	}
	kind, value, has, formula, err := s.content(kind)
	if err != nil {
		return err
	}
	if !has {
		if formula {
			s.g.Drop(s.row, s.col, "the formula has no value yet: open the workbook in Excel or LibreOffice and save it")
		}
		return nil
	}
	c, err := s.value(kind, value)
	if err != nil {
		return fmt.Errorf("cell %s: %w", grid.Name(s.row, s.col), err)
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.formats) {
		c.Format = s.book.formats[i]
	} else if style == "" && len(s.book.formats) > 0 {
		c.Format = s.book.formats[0]
	}
	return s.g.Put(s.row, s.col, c)
}

// content reads what is in a cell: its value, how that is written, and whether a formula makes it.
func (s *reader) content(of string) (kind, value string, has, formula bool, err error) {
	kind = of
	for depth := s.x.Depth() - 1; s.x.Depth() > depth; {
		token, err := s.x.Next()
		if err != nil {
			return "", "", false, false, err
		}
		if token == pack.Start {
			switch s.x.Name() {
			case "v":
				value, err = s.x.Text()
				has = true
			case "is":
				value, err = runs(s.x)
				has, kind = true, "inlineStr"
			default:
				formula = formula || s.x.Is("f")
				err = s.x.Skip()
			}
			if err != nil {
				return "", "", false, false, err
			}
		}
	}
	return kind, value, has, formula, nil
}

func (s *reader) value(kind, value string) (grid.Cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || i < 0 || i >= len(s.shared) {
			return grid.Cell{}, fmt.Errorf("there is no text number %q", value)
		}
		return grid.Cell{Kind: grid.Text, Text: s.shared[i]}, nil
	case "str", "inlineStr":
		return grid.Cell{Kind: grid.Text, Text: unescape(value)}, nil
	case "b":
		c := grid.Cell{Kind: grid.Bool}
		if truth(strings.TrimSpace(value)) {
			c.Number = 1
		}
		return c, nil
	case "e":
		return grid.Cell{Kind: grid.Error, Text: value}, nil
	case "d":
		return moment(strings.TrimSpace(value)), nil
	}
	if strings.TrimSpace(value) == "" {
		return grid.Cell{}, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return grid.Cell{}, fmt.Errorf("%.40q is no number", value)
	}
	return grid.Cell{Kind: grid.Number, Number: n}, nil
}

var iso = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)?T?(\d\d:\d\d(?::\d\d)?)?(?:\.\d+)?Z?$`)

// moment is a date as ISO 8601, which strict workbooks hold.
func moment(s string) grid.Cell {
	m := iso.FindStringSubmatch(s)
	if m == nil {
		return grid.Cell{Kind: grid.Text, Text: s}
	}
	if len(m[2]) == 5 {
		m[2] += ":00"
	}
	switch {
	case m[1] != "" && m[2] != "":
		return grid.Cell{Kind: grid.DateTime, Text: m[1] + "T" + m[2]}
	case m[1] != "":
		return grid.Cell{Kind: grid.Date, Text: m[1]}
	case m[2] != "":
		return grid.Cell{Kind: grid.Time, Text: m[2]}
	}
	return grid.Cell{}
}

// shared reads the texts that cells name by number.
func (k *Book) shared(ctx context.Context) ([]string, error) {
	if k.strings == "" || !k.pack.Has(k.strings) {
		return nil, nil
	}
	var out []string
	size := 0
	err := k.each(ctx, k.strings, func(x *pack.XML) error {
		if !x.Is("si") {
			return nil
		}
		text, err := runs(x)
		if err != nil {
			return err
		}
		size += len(text)
		if len(out) >= maxStrings || size > maxText {
			return fmt.Errorf("it has more than %d texts or %d MiB of them", maxStrings, maxText>>20)
		}
		out = append(out, unescape(text))
		return nil
	})
	return out, err
}

// runs is the text of all the t of the element that has just begun, but for readings in kana (rPh).
func runs(x *pack.XML) (string, error) {
	var b strings.Builder
	for depth := x.Depth() - 1; x.Depth() > depth; {
		kind, err := x.Next()
		if err != nil {
			return "", err
		}
		if kind != pack.Start {
			continue
		}
		switch x.Name() {
		case "t":
			text, err := x.Text()
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		case "rPh":
			if err := x.Skip(); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape undoes _x000D_ (ECMA-376 part 1, 22.9.2.19).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var units []uint16
	out := escaped.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[2:6], 16, 16)
		if err != nil {
			return m
		}
		units = append(units[:0], uint16(n))
		return string(utf16.Decode(units))
	})
	return strings.ReplaceAll(out, "\r\n", "\n")
}

var mergeRef = regexp.MustCompile(`<(?:\w+:)?mergeCell\s[^<]*?ref="([^"]{1,40})"`)

// merges looks for merged cells behind rows that are not wanted, which are not taken apart.
func merges(r *pack.Part, g *grid.Grid) error {
	for {
		tag, err := r.ReadSlice('>')
		if len(tag) < 200 && bytes.Contains(tag, []byte("mergeCell")) {
			if m := mergeRef.FindSubmatch(tag); m != nil {
				if ref, ok := grid.ParseRef(string(m[1])); ok {
					if err := g.Merge(ref.Area); err != nil {
						return err
					}
				}
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil // a sheet that is too long: what is wanted is here
		}
	}
}
