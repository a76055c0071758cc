// Package grid makes a table of the cells of a sheet, whichever program wrote it.
//
//	xlsx ─┐
//	biff ─┼─cells, in any order──> Grid: area, number formats, merged cells, header ──> rows.Table
//	ods  ─┘
//
// Empty rows are left out, and so are empty columns at both edges unless an area is named. A merged cell's value is in the
// first column of every row that it covers: a day that spans its dishes stands before each of them.
package grid

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vitrine/agent/connect/rows"
)

// Bounds of what is taken of a sheet.
const (
	maxCells  = 4_000_000 // of the finished table, empty ones too
	maxText   = 128 << 20 // bytes of all its cells
	maxMerges = 100_000
	maxWork   = 20_000_000 // cells that are looked at, and that merged areas cover
)

// ErrFull says that the rows that are wanted are there: the reader may stop.
var ErrFull = errors.New("the grid has all the rows that are wanted")

// Kind says what a cell holds.
type Kind uint8

// The kinds of cell.
const (
	Empty Kind = iota
	Number
	Text
	Bool     // Number is 0 or 1
	Error    // Text is #N/A and the like
	Date     // Text is 2006-01-02
	DateTime // Text is 2006-01-02T15:04:05
	Time     // Text is 15:04:05
)

// Cell is one cell as a file has it.
type Cell struct {
	Kind   Kind
	Number float64
	Text   string
	Format string // number format, as Excel writes it; "" = General
	Shown  string // how the file itself says that it is shown; "" = Format tells
	Unit   bool   // Shown is more than the number: percent, money
}

// Sheet is one sheet of a book.
type Sheet struct {
	Name   string
	Hidden bool
}

// Config says what is wanted of a sheet.
type Config struct {
	Area      *Area  // nil = all that is used
	Header    bool   // a row names the columns
	HeaderRow int    // which, from 1 within the area; 0 = the first that is not empty
	Cells     string // "", values, shown: as in format.Options
	Locale    string
	Date1904  bool
	Most      int // rows, without the header
}

// Grid collects cells.
type Grid struct {
	cfg     Config
	area    Area
	values  valuer
	lines   []line
	at      map[int]int // row of the sheet: place in lines
	merges  []Area
	cells   int
	puts    int
	text    int
	full    bool
	dropped rows.Table // only its drops
}

type line struct {
	row   int
	cells []entry
}

type entry struct {
	col int
	v   rows.Value
}

// New makes an empty grid.
func New(cfg Config) *Grid {
	g := &Grid{cfg: cfg, area: all, at: map[int]int{}, values: newValuer(cfg)}
	if cfg.Area != nil {
		g.area = *cfg.Area
	}
	if cfg.Header && cfg.HeaderRow > 1 {
		g.area.Top += cfg.HeaderRow - 1
	}
	return g
}

// Wants says whether a cell may matter, so that a reader need not make it.
func (g *Grid) Wants(row, col int) bool { return g.area.Has(row, col) }

// Top is the first row that is wanted.
func (g *Grid) Top() int { return g.area.Top }

// Columns cuts columns to those that are wanted; left is beyond right when none is.
func (g *Grid) Columns(left, right int) (int, int) {
	return max(left, g.area.Left), min(right, g.area.Right)
}

// Past says that nothing of this row or a later one is wanted.
func (g *Grid) Past(row int) bool { return row > g.area.Bottom }

// Put takes a cell. ErrFull: this and later rows are not wanted.
func (g *Grid) Put(row, col int, c Cell) error {
	if !g.area.Has(row, col) || c.Kind == Empty {
		return nil
	}
	if g.puts++; g.puts > maxWork {
		return fmt.Errorf("it holds more than %d cells: name a smaller range", maxWork)
	}
	v := g.values.of(c)
	if c.Kind == Error {
		g.dropped.Drop(Name(row, col), "the cell holds the error %s; it is shown as empty", c.Text)
	}
	if v.Kind == rows.Null || v.Kind == rows.Text && strings.TrimSpace(v.Text) == "" {
		return nil
	}
	i := len(g.lines) - 1
	known := i >= 0 && g.lines[i].row == row
	if !known {
		i, known = g.at[row]
	}
	if !known {
		if len(g.lines) > g.limit() {
			g.full = true
			return ErrFull
		}
		i = len(g.lines)
		g.lines = append(g.lines, line{row: row})
		g.at[row] = i
	}
	g.cells++
	g.text += len(v.Text)
	if g.cells > maxCells || g.text > maxText {
		return fmt.Errorf("it holds more than %d cells or %d MiB of text: name a smaller range", maxCells, maxText>>20)
	}
	if len(g.lines[i].cells) >= rows.MaxColumns {
		return fmt.Errorf("row %d has more than %d columns: name a range such as A1:D20", row+1, rows.MaxColumns)
	}
	g.lines[i].cells = append(g.lines[i].cells, entry{col, v})
	return nil
}

// Drop notes a cell that could not be taken.
func (g *Grid) Drop(row, col int, why string) {
	if g.area.Has(row, col) {
		g.dropped.Drop(Name(row, col), "%s", why)
	}
}

// limit is how many lines make a full table.
func (g *Grid) limit() int {
	if g.cfg.Header {
		return g.cfg.Most + 1
	}
	return g.cfg.Most
}

// Merge tells of cells that are one.
func (g *Grid) Merge(a Area) error {
	if a.Bottom <= a.Top || a.Left < 0 || a.Top < 0 || a.Right < a.Left || a.Bottom > MaxRow || a.Right > MaxCol {
		return nil
	}
	if g.merges = append(g.merges, a); len(g.merges) > maxMerges {
		return fmt.Errorf("more than %d cells are merged: name a sheet that is a table", maxMerges)
	}
	return nil
}

// Table is what was collected.
func (g *Grid) Table() (rows.Table, error) {
	t := rows.Table{Truncated: g.full, Dropped: g.dropped.Dropped}
	slices.SortFunc(g.lines, func(a, b line) int { return a.row - b.row })
	for i := range g.lines {
		c := g.lines[i].cells
		slices.SortStableFunc(c, func(a, b entry) int { return a.col - b.col })
	}
	if err := g.spread(); err != nil {
		return t, err
	}
	var header line
	if g.cfg.Header && len(g.lines) > 0 {
		if g.cfg.HeaderRow == 0 || g.lines[0].row == g.area.Top {
			header, g.lines = g.lines[0], g.lines[1:]
		}
	}
	if len(g.lines) > g.cfg.Most {
		g.lines, t.Truncated = g.lines[:g.cfg.Most], true
	}
	left, right := g.edges(header)
	width := right - left + 1
	switch {
	case width > rows.MaxColumns:
		return t, fmt.Errorf("it has more than %d columns: name a range such as A1:D20", rows.MaxColumns)
	case width*len(g.lines) > maxCells:
		return t, fmt.Errorf("it has %d rows of %d columns, %d cells are allowed: name a range such as A1:D20", len(g.lines), width, maxCells)
	case width <= 0:
		return t, nil
	}
	t.Columns = g.names(header, left, width)
	t.Rows = make([][]rows.Value, len(g.lines))
	for i, l := range g.lines {
		row := make([]rows.Value, width)
		for c := range row {
			row[c].Kind = rows.Null
		}
		for _, e := range l.cells {
			row[e.col-left] = e.v
		}
		t.Rows[i] = row
	}
	return t, nil
}

// spread repeats the values of merged cells downwards in the rows that are there.
func (g *Grid) spread() error {
	work := 0
	for _, a := range g.merges {
		first, ok := slices.BinarySearchFunc(g.lines, a.Top, func(l line, row int) int { return l.row - row })
		if work++; !ok {
			continue
		}
		v, ok := g.lines[first].find(a.Left)
		for i := first + 1; ok && i < len(g.lines) && g.lines[i].row <= a.Bottom; i++ {
			if work++; work > maxWork {
				return errors.New("its merged cells cover one another without end: take the merging out")
			}
			g.lines[i].fill(a.Left, v)
		}
	}
	return nil
}

func (l *line) find(col int) (rows.Value, bool) {
	i, ok := slices.BinarySearchFunc(l.cells, col, func(e entry, col int) int { return e.col - col })
	if !ok {
		return rows.Value{}, false
	}
	return l.cells[i].v, true
}

// fill sets a cell that is empty.
func (l *line) fill(col int, v rows.Value) {
	i, ok := slices.BinarySearchFunc(l.cells, col, func(e entry, col int) int { return e.col - col })
	if !ok && len(l.cells) < rows.MaxColumns {
		l.cells = slices.Insert(l.cells, i, entry{col, v})
	}
}

// edges are the first and last columns that matter.
func (g *Grid) edges(header line) (left, right int) {
	left, right = MaxCol+1, -1
	for _, l := range append([]line{header}, g.lines...) {
		if n := len(l.cells); n > 0 {
			left, right = min(left, l.cells[0].col), max(right, l.cells[n-1].col)
		}
	}
	if g.cfg.Area != nil && right >= 0 { // a named area keeps its columns, a whole-row one only up to what is used
		left = g.area.Left
		if g.area.Right < MaxCol {
			right = g.area.Right
		}
	}
	return left, right
}

func (g *Grid) names(header line, left, width int) []string {
	out := make([]string, width)
	for _, e := range header.cells {
		out[e.col-left] = strings.Join(strings.Fields(e.v.Text), " ")
	}
	return Names(out)
}

// Names makes of a header names that are there and are different: c2 is the second column.
func Names(header []string) []string {
	out, seen := make([]string, len(header)), map[string]bool{}
	for _, h := range header {
		seen[strings.TrimSpace(h)] = true
	}
	taken := map[string]bool{}
	for i, h := range header {
		h = strings.TrimSpace(h)
		if h == "" || taken[h] {
			for h = "c" + strconv.Itoa(i+1); seen[h]; {
				h += "_"
			}
		}
		out[i], taken[h], seen[h] = h, true, true
	}
	return out
}
