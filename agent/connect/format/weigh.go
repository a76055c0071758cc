package format

import (
	"bytes"
	"errors"
	"fmt"

	"vitrine/agent/connect/format/pack"
	"vitrine/agent/connect/rows"
)

// Bounds of a document that is held in memory as a tree, and of any table.
const (
	maxNodes  = 1_000_000 // elements and attributes of XML
	maxValues = 2_000_000 // values of JSON
	maxDepth  = 512
	maxCells  = 5_000_000
	maxTotal  = 256 << 20 // bytes of all cells
)

// weighJSON counts values and depth without making them.
func weighJSON(b []byte) error {
	nodes, depth := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			nodes++
		case '[', '{':
			depth++
			nodes++
		case ']', '}':
			depth--
		case ',':
			nodes++
		}
		if depth > maxDepth {
			return fmt.Errorf("its values are nested more than %d deep", maxDepth)
		}
		if nodes > 2*maxValues { // and their keys
			return fmt.Errorf("it holds more than %d values: ask its server for less", maxValues)
		}
	}
	return nil
}

// weighXML counts elements, attributes and depth without making them, and refuses entities of its own. A plain DOCTYPE,
// which old feeds have, is allowed where doctype says so.
func weighXML(b []byte, doctype bool) error {
	nodes, depth := 0, 0
	for len(b) > 0 {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return nil
		}
		b = b[i:]
		end := 0
		switch {
		case bytes.HasPrefix(b, []byte("<![CDATA[")):
			end = bytes.Index(b, []byte("]]>"))
		case bytes.HasPrefix(b, []byte("<!--")):
			end = bytes.Index(b[2:], []byte("-->"))
		case b[1] == '!':
			end = bytes.IndexByte(b, '>')
			if head := b[:min(len(b), 4096)]; !doctype || bytes.IndexByte(head[:min(len(head), max(end, 0))], '[') >= 0 {
				return pack.ErrDoctype
			}
		case b[1] == '?':
			end = bytes.IndexByte(b, '>')
		case b[1] == '/':
			end, depth = bytes.IndexByte(b, '>'), depth-1
		default:
			var attrs int
			end, attrs = tag(b)
			nodes += 1 + attrs
			if end < 0 || b[end-1] != '/' {
				depth++
			}
		}
		if depth > maxDepth {
			return fmt.Errorf("its elements are nested more than %d deep", maxDepth)
		}
		if nodes > maxNodes {
			return fmt.Errorf("it holds more than %d elements and attributes: ask its server for less", maxNodes)
		}
		if end < 0 {
			return nil // whoever reads it will say that it ends too early
		}
		b = b[end+1:]
	}
	return nil
}

// tag finds the end of a tag and counts its attributes; -1 where it has no end.
func tag(b []byte) (end, attrs int) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '>':
			return i, attrs
		case '=':
			attrs++
		case '"', '\'':
			n := bytes.IndexByte(b[i+1:], b[i])
			if n < 0 {
				return -1, attrs
			}
			i += n + 1
		}
	}
	return -1, attrs
}

// weighTable refuses a table that is too much for whoever keeps and shows it.
func weighTable(t rows.Table) error {
	if len(t.Rows)*len(t.Columns) > maxCells {
		return fmt.Errorf("it has %d rows of %d columns, %d cells are allowed: ask for fewer columns", len(t.Rows), len(t.Columns), maxCells)
	}
	total := 0
	for _, row := range t.Rows {
		for _, v := range row {
			total += len(v.Text)
		}
	}
	if total > maxTotal {
		return errors.New("its cells hold more than 256 MiB of text: ask for fewer columns")
	}
	return nil
}
