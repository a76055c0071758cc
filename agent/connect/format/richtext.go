package format

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/rtf"
	"vitrine/agent/connect/rows"
)

// richText makes rows of an RTF document: those of its first table, or of the one whose number the options name as sheet;
// where there is none, or sheet is "text", a row of every paragraph.
func richText(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	if is := sniff(b); is.id != "rtf" {
		return rows.Table{}, fmt.Errorf("it is no RTF but %s: %s", is.name, is.fix)
	}
	doc, err := rtf.Read(ctx, b)
	if err != nil {
		return rows.Table{}, fmt.Errorf("the RTF cannot be read: %w", err)
	}
	if o.Sheet == "text" || o.Sheet == "" && len(doc.Tables) == 0 {
		t := rows.Table{Columns: []string{"text"}, Truncated: len(doc.Paragraphs) > most}
		for _, p := range doc.Paragraphs[:min(len(doc.Paragraphs), most)] {
			t.Rows = append(t.Rows, textRow(p))
		}
		return t, nil
	}
	at := 1
	if o.Sheet != "" {
		if at, err = strconv.Atoi(o.Sheet); err != nil || at < 1 || at > len(doc.Tables) {
			return rows.Table{}, fmt.Errorf("the document has no table %q: write a number from 1 to %d, or text for what is outside of tables", o.Sheet, len(doc.Tables))
		}
	}
	return ruled(doc.Tables[at-1], o, most), nil
}

// ruled makes a table of lines of cells; lines without any are left out.
func ruled(lines [][]string, o Options, most int) rows.Table {
	var t rows.Table
	width := 0
	for _, l := range lines {
		width = max(width, min(len(l), rows.MaxColumns))
	}
	header := make([]string, width)
	if o.header() {
		skip := max(o.HeaderRow, 1)
		if len(lines) >= skip {
			copy(header, lines[skip-1])
			lines = lines[skip:]
		}
		for i, h := range header {
			header[i] = strings.Join(strings.Fields(h), " ")
		}
	}
	t.Columns = grid.Names(header)
	for _, l := range lines {
		if strings.Join(l, "") == "" {
			continue
		}
		if len(t.Rows) == most {
			t.Truncated = true
			break
		}
		cells := make([]string, width)
		copy(cells, l)
		t.Rows = append(t.Rows, textRow(cells...))
	}
	return t
}
