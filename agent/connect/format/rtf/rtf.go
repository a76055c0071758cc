// Package rtf reads the words of an RTF document: which paragraphs and tables does it hold?
//
//	bytes ──> groups, control words, text ──code pages──> characters ──> paragraphs
//	            │ destinations that are not shown: skipped           └──> tables, row by row
//	            └ \bin, pictures, hidden text: skipped
//
// After Microsoft's Rich Text Format Specification 1.9.1. Nothing recurses: a group costs a few bytes, however deep.
package rtf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"vitrine/agent/connect/format/codepage"
)

// Bounds of a document.
const (
	maxGroups = 10_000 // within one another
	maxCells  = 1000   // of a row
	maxFonts  = 70_000
	maxRows   = 1_000_000 // and paragraphs
)

// Document is what a reader would see, without its looks.
type Document struct {
	Paragraphs []string     // outside of tables; empty ones are left out
	Tables     [][][]string // tables of rows of cells
}

// group is what ends with the brace that closes it.
type group struct {
	skip   bool // a destination that is not shown
	hidden bool
	uc     int // bytes that stand for a \u
	font   int
	dest   string // fonttbl, or ""
}

type reader struct {
	ctx   context.Context
	b     []byte
	at    int
	doc   Document
	stack []group
	group
	first  bool // just behind a {
	star   bool // just behind {\*
	page   int  // code page of the document
	fonts  map[int]int
	deff   int
	lost   int    // what is still to be skipped behind a \u
	bytes  []byte // in a code page, not yet characters
	of     int    // the code page that they are in
	high   uint16 // first half of a pair of \u
	text   strings.Builder
	inTbl  bool
	cells  []string
	open   bool   // rows go on in the last table
	merged []bool // cells that go on from the row above, as the row's definition says
	merge  bool   // the cell that is being defined does
	count  int
}

// Read reads a document.
func Read(ctx context.Context, b []byte) (Document, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(b, "\ufeff \r\n\t"), []byte(`{\rtf`)) {
		return Document{}, errors.New(`it does not begin with {\rtf`)
	}
	r := &reader{ctx: ctx, b: b, page: 1252, fonts: map[int]int{}, group: group{uc: 1}}
	if err := r.read(); err != nil {
		return Document{}, err
	}
	return r.doc, nil
}

func (r *reader) read() error {
	for n := 0; r.at < len(r.b); n++ {
		if n&0xffff == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		c := r.b[r.at]
		r.at++
		switch c {
		case '{':
			r.flush()
			r.lost = 0
			if len(r.stack) >= maxGroups {
				return fmt.Errorf("its groups are nested more than %d deep", maxGroups)
			}
			r.stack = append(r.stack, r.group)
			r.first = true
			continue
		case '}':
			r.flush()
			r.lost = 0
			if len(r.stack) == 0 {
				return nil // what stands behind the document is not it
			}
			r.group, r.stack = r.stack[len(r.stack)-1], r.stack[:len(r.stack)-1]
			if len(r.stack) == 0 {
				r.end()
				return r.tooLong()
			}
		case '\\':
			if err := r.control(); err != nil {
				return err
			}
			continue
		case '\r', '\n':
		default:
			r.byte(c)
		}
		r.first, r.star = false, false
	}
	r.flush()
	r.end()
	return r.tooLong() // a document that ends too early is shown as far as it goes
}

func (r *reader) tooLong() error {
	if r.count > maxRows {
		return fmt.Errorf("it has more than %d paragraphs and rows", maxRows)
	}
	return nil
}

// end takes what stands behind the last paragraph mark.
func (r *reader) end() {
	if len(r.cells) > 0 {
		r.endCell()
		r.endRow()
	}
	r.endParagraph()
}

// control reads what stands behind a backslash.
func (r *reader) control() error {
	if r.at >= len(r.b) {
		return nil
	}
	c := r.b[r.at]
	if c|0x20 < 'a' || c|0x20 > 'z' {
		r.at++
		r.symbol(c)
		return nil
	}
	from := r.at
	for r.at < len(r.b) && r.at-from < 32 && r.b[r.at]|0x20 >= 'a' && r.b[r.at]|0x20 <= 'z' {
		r.at++
	}
	word := string(r.b[from:r.at])
	from = r.at
	if r.at < len(r.b) && r.b[r.at] == '-' {
		r.at++
	}
	for r.at < len(r.b) && r.at-from < 11 && r.b[r.at] >= '0' && r.b[r.at] <= '9' {
		r.at++
	}
	n, err := strconv.Atoi(string(r.b[from:r.at]))
	has := err == nil
	if !has && r.at > from { // a minus and no digits belongs to the text
		r.at = from
	}
	if r.at < len(r.b) && r.b[r.at] == ' ' {
		r.at++
	}
	if word == "bin" {
		r.at = min(len(r.b), r.at+max(0, n))
		return nil
	}
	if r.lost > 0 && word != "u" { // a control word counts as one character
		r.lost--
		return nil
	}
	first, star := r.first, r.star
	r.first, r.star = false, false
	return r.word(word, n, has, first, star)
}

// symbol takes a control of one character.
func (r *reader) symbol(c byte) {
	switch c {
	case '\'':
		if r.at+2 <= len(r.b) {
			if v, err := strconv.ParseUint(string(r.b[r.at:r.at+2]), 16, 8); err == nil {
				r.at += 2
				r.byte(byte(v))
			}
		}
	case '*':
		r.star = true
		return
	case '~':
		r.put("\u00a0")
	case '_':
		r.put("\u2011")
	case '\\', '{', '}':
		r.byte(c)
	case '\r', '\n':
		r.flush()
		r.paragraph()
	}
	r.first, r.star = false, false
}

// byte takes a byte of text.
func (r *reader) byte(c byte) {
	if r.lost > 0 {
		r.lost--
		return
	}
	if r.skip || r.hidden || r.dest != "" {
		return
	}
	page := r.page
	if p := codepage.OfCharset(r.fonts[r.font]); p != 0 {
		page = p
	} else if p := r.fonts[r.font]; p < 0 { // \cpg
		page = -p
	}
	if page != r.of {
		r.flush()
		r.of = page
	}
	r.bytes = append(r.bytes, c)
}

// flush makes characters of the bytes that wait.
func (r *reader) flush() {
	if len(r.bytes) == 0 {
		return
	}
	out, err := codepage.Of(r.of).NewDecoder().Bytes(r.bytes)
	if err != nil {
		out = bytes.ToValidUTF8(r.bytes, []byte("\ufffd"))
	}
	r.text.Write(out)
	r.bytes = r.bytes[:0]
}

// put takes characters.
func (r *reader) put(s string) {
	if r.lost > 0 {
		r.lost--
		return
	}
	r.flush()
	if !r.skip && !r.hidden && r.dest == "" {
		r.text.WriteString(s)
	}
}

// unicode takes a \u: 16 bits with a sign, in pairs beyond the first plane.
func (r *reader) unicode(n int) {
	r.lost = 0
	r.flush()
	u := uint16(n)
	high := r.high
	r.high = 0
	switch {
	case utf16.IsSurrogate(rune(u)) && high == 0:
		r.high = u
	case high != 0:
		r.put(string(utf16.DecodeRune(rune(high), rune(u))))
	default:
		r.put(string(rune(u)))
	}
	r.lost = r.uc
}

// paragraph ends a paragraph, or begins a line in a cell.
func (r *reader) paragraph() {
	if r.skip || r.dest != "" {
		return
	}
	if r.inTbl {
		r.text.WriteByte('\n')
		return
	}
	r.endParagraph()
}

func (r *reader) endParagraph() {
	text := strings.TrimSpace(r.text.String())
	r.text.Reset()
	if r.count++; text == "" || r.count > maxRows {
		return
	}
	r.doc.Paragraphs = append(r.doc.Paragraphs, text)
	r.open = false
}

func (r *reader) endCell() {
	text := strings.TrimSpace(r.text.String())
	r.text.Reset()
	if len(r.cells) < maxCells {
		r.cells = append(r.cells, text)
	}
}

// endRow puts the cells into the table that is open. A cell that goes on from above has what is there.
func (r *reader) endRow() {
	if r.count++; r.count > maxRows || len(r.cells) == 0 {
		return
	}
	if !r.open {
		r.doc.Tables = append(r.doc.Tables, nil)
		r.open = true
	}
	last := len(r.doc.Tables) - 1
	rows := r.doc.Tables[last]
	for i := range r.cells {
		if i < len(r.merged) && r.merged[i] && r.cells[i] == "" && len(rows) > 0 && i < len(rows[len(rows)-1]) {
			r.cells[i] = rows[len(rows)-1][i]
		}
	}
	r.doc.Tables[last] = append(rows, r.cells)
	r.cells = nil
}
