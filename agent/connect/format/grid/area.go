package grid

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The largest sheet of any program: a million rows, sixteen thousand columns.
const (
	MaxRow = 1<<20 - 1
	MaxCol = 1<<14 - 1
)

// Area is a rectangle of cells; rows and columns are counted from 0 and the last ones belong to it.
type Area struct{ Top, Left, Bottom, Right int }

// All is every cell of a sheet.
var all = Area{0, 0, MaxRow, MaxCol}

// Has says whether a cell is within the area.
func (a Area) Has(row, col int) bool {
	return row >= a.Top && row <= a.Bottom && col >= a.Left && col <= a.Right
}

// Ref is an area of a sheet; Sheet is "" where none is named.
type Ref struct {
	Sheet string
	Area  Area
}

var (
	rectangle = regexp.MustCompile(`^\$?([A-Za-z]{0,3})\$?([0-9]{0,7})(?::\.?\$?([A-Za-z]{0,3})\$?([0-9]{0,7}))?$`)
	onSheet   = regexp.MustCompile(`^\$?(?:'((?:[^']|'')+)'|([^'!.]+))[!.](.+)$`)
)

// ParseRef reads A1:D20, B:D, 2:9, C3 and the same behind a sheet's name, as Excel (Sheet!A1) and as OpenDocument ($Sheet.A1)
// write it. false: it is none of these, so perhaps the name of an area.
func ParseRef(s string) (Ref, bool) {
	var ref Ref
	if m := onSheet.FindStringSubmatch(s); m != nil {
		ref.Sheet = strings.ReplaceAll(m[1], "''", "'") + m[2]
		s = m[3]
		if i := strings.Index(s, ":"); i >= 0 { // the sheet may be named at the second corner again
			if n := onSheet.FindStringSubmatch(s[i+1:]); n != nil {
				s = s[:i+1] + n[3]
			}
		}
	}
	m := rectangle.FindStringSubmatch(s)
	if m == nil || m[1] == "" && m[2] == "" || !strings.Contains(s, ":") && (m[1] == "" || m[2] == "") {
		return Ref{}, false
	}
	if !strings.Contains(s, ":") {
		m[3], m[4] = m[1], m[2]
	}
	if (m[1] == "") != (m[3] == "") || (m[2] == "") != (m[4] == "") {
		return Ref{}, false
	}
	a := all
	if m[1] != "" {
		a.Left, a.Right = column(m[1]), column(m[3])
	}
	if m[2] != "" {
		a.Top, a.Bottom = row(m[2]), row(m[4])
	}
	a.Left, a.Right = min(a.Left, a.Right), max(a.Left, a.Right)
	a.Top, a.Bottom = min(a.Top, a.Bottom), max(a.Top, a.Bottom)
	if a.Top < 0 || a.Left < 0 || a.Bottom > MaxRow || a.Right > MaxCol {
		return Ref{}, false
	}
	ref.Area = a
	return ref, true
}

// ParseCell reads the name of one cell, such as BC17.
func ParseCell(s string) (r, c int, ok bool) {
	n := 0
	for n < len(s) && n < 4 && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	if n == 0 || n > 3 {
		return 0, 0, false
	}
	r, err := strconv.Atoi(s[n:])
	c = column(s[:n])
	return r - 1, c, err == nil && r >= 1 && r-1 <= MaxRow && c <= MaxCol
}

func column(letters string) int {
	n := 0
	for _, l := range strings.ToUpper(letters) {
		n = n*26 + int(l-'A') + 1
	}
	return n - 1
}

func row(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n - 1
}

// Name is how a cell is called, such as BC17.
func Name(r, c int) string {
	letters := ""
	for n := c + 1; n > 0; n = (n - 1) / 26 {
		letters = string(rune('A'+(n-1)%26)) + letters
	}
	return fmt.Sprintf("%s%d", letters, r+1)
}
