package odbc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"vitrine/agent/connect/database/errand"
	"vitrine/agent/connect/rows"
)

// C types that values are asked for as.
const (
	cChar   = 1
	cWide   = -8
	cBinary = -2
)

// chunk is how many bytes are asked for at once: long columns come in pieces.
const chunk = 16 << 10

// column is one of the result.
type column struct {
	number uint16
	kind   int16
	as     int16 // C type
}

// read gives columns and rows.
func (l *library) read(stmt uintptr, r errand.Request, w *errand.Writer) error {
	columns, err := l.columns(stmt, w)
	if err != nil {
		return err
	}
	left := r.Bytes
	for n := 0; n < r.Rows && left >= 0; n++ { // the player says what is too much, once it has seen it
		switch code := l.fetch(stmt); {
		case code == noData:
			return nil
		case !good(code):
			return l.fault("read", handleStmt, stmt)
		}
		row := make([]rows.Value, len(columns))
		for i := range columns {
			if row[i], err = l.value(stmt, &columns[i]); err != nil {
				return err
			}
			left -= int64(len(row[i].Text)) + 16
		}
		if err := w.Write(errand.Line{Row: row}); err != nil {
			return err
		}
	}
	return nil
}

func (l *library) columns(stmt uintptr, w *errand.Writer) ([]column, error) {
	var count int16
	if !good(l.numResultCols(stmt, &count)) {
		return nil, l.fault("query", handleStmt, stmt)
	}
	if count <= 0 || int(count) > rows.MaxColumns {
		return nil, &errand.Fault{Step: "query", Message: fmt.Sprintf("the query gives %d columns, not 1 to %d; it must be one that gives rows, such as SELECT", count, rows.MaxColumns)}
	}
	var columns []column
	var names []string
	for i := uint16(1); i <= uint16(count); i++ {
		var name [256]uint16
		var length, kind, digits, nullable int16
		var size uint64
		if !good(l.describeCol(stmt, i, &name[0], int16(len(name)), &length, &kind, &size, &digits, &nullable)) {
			return nil, l.fault("query", handleStmt, stmt)
		}
		names = append(names, string(utf16.Decode(name[:max(0, min(int(length), len(name)-1))])))
		columns = append(columns, column{number: i, kind: kind, as: askedAs(kind)})
	}
	return columns, w.Write(errand.Line{Columns: names})
}

// askedAs is the C type for a SQL type: what is plain ASCII as that, bytes as bytes, all else as UTF-16.
func askedAs(kind int16) int16 {
	switch kind {
	case -2, -3, -4: // BINARY, VARBINARY, LONGVARBINARY
		return cBinary
	case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 91, 92, 93, -5, -6, -7:
		return cChar
	}
	return cWide
}

// value reads a column of the current row.
func (l *library) value(stmt uintptr, c *column) (rows.Value, error) {
	b, null, code := l.get(stmt, c)
	if !good(code) && code != noData && c.as == cWide { // a driver that knows no UTF-16
		c.as = cChar
		b, null, code = l.get(stmt, c)
	}
	switch {
	case !good(code) && code != noData:
		return rows.Value{}, l.fault("read", handleStmt, stmt)
	case null:
		return rows.Value{Kind: rows.Null}, nil
	case c.as == cBinary:
		return rows.Of(rows.Text, hex.EncodeToString(b[:min(len(b), rows.MaxCell/2)])), nil
	}
	return typed(c.kind, text(c.as, b)), nil
}

// get reads a value piece by piece, up to what a cell may hold.
func (l *library) get(stmt uintptr, c *column) (all []byte, null bool, code int16) {
	end := map[int16]int{cChar: 1, cWide: 2, cBinary: 0}[c.as] // bytes of the zero at its end
	buf := l.buf[:]
	for len(all) < 2*rows.MaxCell {
		code = l.getData(stmt, c.number, c.as, unsafe.Pointer(&l.buf), chunk, &l.indicator)
		indicator := l.indicator
		switch {
		case code == noData && all != nil:
			return all, false, success
		case !good(code):
			return all, code == noData, code
		case indicator == -1: // SQL_NULL_DATA
			return nil, true, code
		}
		full := chunk - end
		switch {
		case indicator >= 0 && indicator <= int64(full):
			return append(all, buf[:indicator]...), false, success
		case code == success && indicator < 0: // a driver that does not tell
			return append(all, ended(buf[:full], end)...), false, success
		case code == success:
			return append(all, buf[:full]...), false, success
		}
		all = append(all, buf[:full]...)
	}
	return all, false, success
}

// ended cuts at the zero at the end.
func ended(b []byte, width int) []byte {
	for i := 0; width > 0 && i+width <= len(b); i += width {
		if b[i] == 0 && b[i+width-1] == 0 {
			return b[:i]
		}
	}
	return b
}

func text(as int16, b []byte) string {
	if as != cWide {
		if utf8.Valid(b) {
			return string(b)
		}
		wide := make([]rune, len(b)) // ISO 8859-1: a driver that was not told of UTF-8
		for i, c := range b {
			wide[i] = rune(c)
		}
		return string(wide)
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// typed makes a value of a column's text by its SQL type.
func typed(kind int16, s string) rows.Value {
	switch kind {
	case 2, 3, 4, 5, 6, 7, 8, -5, -6:
		s = strings.TrimSpace(s)
		if strings.HasPrefix(s, ".") {
			s = "0" + s
		} else if strings.HasPrefix(s, "-.") {
			s = "-0" + s[1:]
		}
		if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
			return rows.Of(rows.Text, s)
		}
		return rows.Of(rows.Decimal, s)
	case -7:
		return rows.Of(rows.Bool, map[bool]string{true: "false", false: "true"}[s == "0" || s == "" || s == "f"])
	case 9, 91:
		return timed(rows.Date, s, time.DateOnly, time.DateOnly, time.DateTime)
	case 10, 92:
		return timed(rows.Time, s, "15:04:05.999999999", time.TimeOnly)
	case 11, 93:
		return timed(rows.DateTime, s, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly)
	}
	return rows.Of(rows.Text, s)
}

func timed(kind rows.Kind, s, write string, layouts ...string) rows.Value {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return rows.Of(kind, at.Format(write))
		}
	}
	return rows.Of(rows.Text, s)
}
