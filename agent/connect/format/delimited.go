package format

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/rows"
)

// delimited reads RFC 4180 with any separator; short records are filled, long ones cut.
func delimited(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	b, separator := hinted(b)
	separator = cmp.Or(o.Separator, separator, likely(b, max(o.HeaderRow-1, 0)))
	if err := narrow(ctx, b, separator); err != nil {
		return rows.Table{}, err
	}
	in := csv.NewReader(bytes.NewReader(b))
	in.Comma, _ = utf8.DecodeRuneInString(separator)
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	var t rows.Table
	for n := 1; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return t, ctx.Err()
		}
		rec, err := in.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("the table cannot be read: %w", err)
		}
		if n < o.HeaderRow && o.header() {
			continue
		}
		if t.Columns == nil {
			if len(rec) > rows.MaxColumns {
				return t, fmt.Errorf("it has %d columns, %d are allowed; is the separator right?", len(rec), rows.MaxColumns)
			}
			if t.Columns = grid.Names(rec); o.header() {
				continue
			}
			t.Columns = grid.Names(make([]string, len(rec)))
		}
		if len(t.Rows) == most {
			t.Truncated = true
			return t, nil
		}
		t.Rows = append(t.Rows, record(&t, in, rec))
	}
}

// Bounds of the cells of a line, and of a record whose quoted cells hold lines; those beyond the columns are left out.
const (
	maxFields = 20 * rows.MaxColumns
	maxRecord = 4_000_000
)

// narrow refuses lines of more cells than anybody needs, which would be in memory all at once. Records are counted more
// generously: a stray quote makes it take what is outside of quotes for what is within.
func narrow(ctx context.Context, b []byte, separator string) error {
	line, n, all, quoted := 1, 0, 0, false
	for len(b) > 0 {
		i := bytes.IndexAny(b[:min(len(b), 1<<16)], "\"\n"+separator)
		if i < 0 {
			b = b[min(len(b), 1<<16):]
			continue
		}
		switch {
		case b[i] == '"':
			quoted = !quoted
		case b[i] == '\n':
			if line++; line&0xffff == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if n = 0; !quoted {
				all = 0
			}
		case !quoted:
			n, all = n+1, all+1
		}
		if n > maxFields || all > maxRecord {
			return fmt.Errorf("line %d has more than %d columns, %d are allowed; is the separator right?", line, maxFields, rows.MaxColumns)
		}
		b = b[i+1:]
	}
	return nil
}

// record makes a row as wide as the table, and tells what does not fit.
func record(t *rows.Table, in *csv.Reader, rec []string) []rows.Value {
	cells := make([]rows.Value, len(t.Columns))
	line, _ := in.FieldPos(0)
	for i := range cells {
		cells[i].Kind = rows.Text
		if i < len(rec) {
			if len(rec[i]) > rows.MaxCell {
				t.Drop(fmt.Sprintf("line %d", line), "a cell is longer than %d KiB and was cut; is a quote missing?", rows.MaxCell>>10)
			}
			cells[i] = rows.Of(rows.Text, strings.TrimSpace(rec[i]))
		}
	}
	for _, extra := range rec[min(len(rec), len(cells)):] {
		if strings.TrimSpace(extra) != "" {
			t.Drop(fmt.Sprintf("line %d", line), "it has %d cells, the table %d columns; what is beyond was left out", len(rec), len(cells))
			break
		}
	}
	return cells
}

// hinted takes off the first line by which Excel names the separator, sep=;
func hinted(b []byte) (rest []byte, separator string) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if sep, ok := bytes.CutPrefix(line, []byte("sep=")); ok && utf8.RuneCount(sep) == 1 {
		return rest, string(sep)
	}
	return b, ""
}

// likely is the separator that most of the first records have as often as the one that names the columns, before which skip
// stand; a comma where none is.
func likely(b []byte, skip int) string {
	best, most := ",", 0
	head := string(b[:min(len(b), 64<<10)])
	for _, sep := range []byte(",;\t|") {
		var counts []int
		n, quoted := 0, false
		for i := 0; i < len(head) && len(counts) < 50; i++ {
			switch {
			case head[i] == '"':
				quoted = !quoted
			case quoted:
			case head[i] == sep:
				n++
			case head[i] == '\n':
				counts, n = append(counts, n), 0
			}
		}
		counts = append(counts, n)
		counts = counts[min(skip, len(counts)-1):]
		agree := 0
		for _, c := range counts {
			if c == counts[0] && c > 0 {
				agree += 1000 + min(c, 10)
			}
		}
		if agree > most {
			best, most = string(sep), agree
		}
	}
	return best
}
