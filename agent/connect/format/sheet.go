package format

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vitrine/agent/connect/format/biff"
	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/ods"
	"vitrine/agent/connect/format/xlsx"
	"vitrine/agent/connect/rows"
)

// book is an open workbook, whichever program wrote it.
type book interface {
	Sheets() []grid.Sheet
	// Name finds what the name of an area means, such as Sheet1!$A$1:$D$20; names of the sheet on come first.
	Name(ctx context.Context, name string, on int) (string, bool)
	Read(ctx context.Context, sheet int, g *grid.Grid) error
}

// sheet reads a workbook by what it is; the type's name says no more than that it is one.
func sheet(ctx context.Context, o Options, b []byte, most int) (rows.Table, error) {
	var k book
	var err error
	epoch1904 := false
	switch is := sniff(b); is.id {
	case "xlsx":
		var x *xlsx.Book
		if x, err = xlsx.Open(ctx, b, o.Locale); err == nil {
			k, epoch1904 = x, x.Date1904
		}
	case "xls":
		var x *biff.Book
		if x, err = biff.Open(ctx, b, o.Locale); err == nil {
			k, epoch1904 = x, x.Date1904
		}
	case "ods":
		k, err = ods.Open(ctx, b)
	case "locked":
		return rows.Table{}, fmt.Errorf("the workbook is %s: %s", is.name, is.fix)
	default:
		return rows.Table{}, fmt.Errorf("it is no workbook but %s: %s", is.name, is.fix)
	}
	if err != nil {
		return rows.Table{}, fmt.Errorf("the workbook cannot be read: %w", err)
	}
	at, area, err := choose(ctx, k, o)
	if err != nil {
		return rows.Table{}, err
	}
	g := grid.New(grid.Config{Area: area, Header: o.header(), HeaderRow: o.HeaderRow, Cells: o.Cells, Locale: o.Locale, Date1904: epoch1904, Most: most})
	if err := k.Read(ctx, at, g); err != nil {
		return rows.Table{}, fmt.Errorf("the workbook cannot be read: %w", err)
	}
	return g.Table()
}

// choose finds the sheet and the area that the options name; a nil area is all that is used.
func choose(ctx context.Context, k book, o Options) (at int, area *grid.Area, err error) {
	sheets := k.Sheets()
	if len(sheets) == 0 {
		return 0, nil, errors.New("the workbook has no sheet with cells")
	}
	if at, err = find(sheets, o.Sheet); err != nil || o.Range == "" {
		return at, nil, err
	}
	ref, ok := grid.ParseRef(o.Range)
	if !ok {
		means, known := k.Name(ctx, o.Range, at)
		if !known {
			return 0, nil, fmt.Errorf("the workbook has no area named %q: define it there, or write a range such as A1:D20", o.Range)
		}
		if ref, ok = grid.ParseRef(means); !ok {
			return 0, nil, fmt.Errorf("the name %q of the workbook means %q, which is not one rectangle of cells: define it as one", o.Range, means)
		}
	}
	if ref.Sheet != "" {
		on, err := find(sheets, ref.Sheet)
		if err != nil {
			return 0, nil, err
		}
		if o.Sheet != "" && on != at {
			return 0, nil, fmt.Errorf("the range %q is on the sheet %s, not on %s: take one of the two out", o.Range, sheets[on].Name, sheets[at].Name)
		}
		at = on
	}
	return at, &ref.Area, nil
}

// find finds a sheet: by its name, else by its number from 1; "" is the first that is not hidden.
func find(sheets []grid.Sheet, wanted string) (int, error) {
	if wanted == "" {
		for i, s := range sheets {
			if !s.Hidden {
				return i, nil
			}
		}
		return 0, nil
	}
	for i, s := range sheets {
		if s.Name == wanted {
			return i, nil
		}
	}
	for i, s := range sheets {
		if strings.EqualFold(strings.TrimSpace(s.Name), strings.TrimSpace(wanted)) {
			return i, nil
		}
	}
	if n, err := strconv.Atoi(wanted); err == nil && n >= 1 && n <= len(sheets) {
		return n - 1, nil
	}
	var names []string
	for _, s := range sheets[:min(len(sheets), 12)] {
		names = append(names, s.Name)
	}
	return 0, fmt.Errorf("the workbook has no sheet %q: its sheets are %s", wanted, strings.Join(names, ", "))
}
