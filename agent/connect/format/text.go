package format

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"vitrine/agent/connect/rows"
)

// decode makes UTF-8: by the byte order mark, else the zeros of UTF-16, else as it is if it is valid, else by the
// declared charset, else windows-1252.
func decode(b []byte, charset string) []byte {
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		return b[3:]
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), len(b) >= 4 && b[1] == 0 && b[3] == 0 && b[0] != 0:
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}), len(b) >= 4 && b[0] == 0 && b[2] == 0 && b[1] != 0:
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case utf8.Valid(b):
		return b
	default:
		e, _ = htmlindex.Get(charset) // nil for "" and for what Check has refused
		if e == nil || charset == "utf-8" {
			e = charmap.Windows1252
		}
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	return out
}

func textRow(cells ...string) []rows.Value {
	row := make([]rows.Value, len(cells))
	for i, c := range cells {
		row[i] = rows.Of(rows.Text, c)
	}
	return row
}

// lines makes a row of every line that is not empty.
func lines(b []byte, most int) rows.Table {
	t := rows.Table{Columns: []string{"text"}}
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(t.Rows) == most {
			t.Truncated = true
			break
		}
		t.Rows = append(t.Rows, textRow(l))
	}
	return t
}

// oneLine takes off the space around a text; a text that was broken to fit a file is one line again.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
