package format

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"vitrine/agent/connect/rows"
)

// delimited reads RFC 4180 with any separator; short records are filled, long ones cut.
func delimited(b []byte, o Options, most int) (rows.Table, error) {
	in := csv.NewReader(bytes.NewReader(b))
	in.Comma, _ = utf8.DecodeRuneInString(cmp.Or(o.Separator, ","))
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	var t rows.Table
	for {
		rec, err := in.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("the table cannot be read: %w", err)
		}
		if t.Columns == nil {
			if len(rec) > rows.MaxColumns {
				return t, fmt.Errorf("it has %d columns, %d are allowed; is the separator right?", len(rec), rows.MaxColumns)
			}
			if t.Columns = names(rec); o.header() {
				continue
			}
			t.Columns = names(make([]string, len(rec)))
		}
		if len(t.Rows) == most {
			t.Truncated = true
			return t, nil
		}
		cells := make([]string, len(t.Columns))
		copy(cells, rec)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		t.Rows = append(t.Rows, textRow(cells...))
	}
}
