// Package biff reads workbooks of Excel 5 to 2003 (.xls): which cells does this sheet hold?
//
//	compound file ──> stream Workbook (97 to 2003) or Book (5, 95) ──records──> sheets, names, formats, shared texts
//	                                                        └──> a sheet, cell by cell ──> grid
//
// Formulas are not computed: Excel keeps their last values. The format is published: [MS-XLS], [MS-CFB].
package biff

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/richardlehane/mscfb"

	"vitrine/agent/connect/format/grid"
)

// Bounds of a workbook.
const (
	maxSheets  = 4096
	maxStyles  = 70_000
	maxNames   = 50_000
	maxStrings = 4_000_000
	maxText    = 128 << 20
	maxEntries = 10_000 // streams of the compound file
)

// ErrLocked says that a password is needed.
var ErrLocked = errors.New("it is locked with a password: save it without one")

// Book is an open workbook.
type Book struct {
	b        []byte // the stream
	biff8    bool
	page     int
	Date1904 bool
	bounds   []bound // all, in the file's order
	sheets   []int   // those of bounds that are worksheets
	formats  map[int]string
	styles   []int // number format of each cell style
	shared   []string
	names    []name
	links    []int // sheet of each entry of EXTERNSHEET; -1 = another book's
	own      []bool
	locale   string
}

type bound struct {
	grid.Sheet
	at   int
	kind byte
}

type name struct {
	name  string
	scope int // 0 = the book, else a sheet from 1
	code  []byte
}

// Streams are the names of what a compound file holds, such as Workbook, EncryptedPackage or WordDocument.
func Streams(b []byte) ([]string, error) {
	var out []string
	_, err := walk(b, func(f *mscfb.File) bool { out = append(out, f.Name); return false })
	return out, err
}

// walk looks for an entry.
func walk(b []byte, wanted func(*mscfb.File) bool) (*mscfb.File, error) {
	d, err := mscfb.New(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("its compound file cannot be read, perhaps it was not copied whole: %w", err)
	}
	for range maxEntries {
		f, err := d.Next()
		if err != nil {
			return nil, nil // the end, or damage behind what could be read
		}
		if wanted(f) {
			return f, nil
		}
	}
	return nil, nil
}

// Open reads what a workbook says of itself. locale is for the formats that files leave to the machine.
func Open(ctx context.Context, b []byte, locale string) (*Book, error) {
	k := &Book{page: 1252, formats: map[int]string{}, locale: locale}
	if bytes.HasPrefix(b, []byte{0x09, 0x08}) { // a bare stream, as some web sites make it
		k.b = b
	} else {
		var old *mscfb.File
		f, err := walk(b, func(f *mscfb.File) bool {
			if strings.EqualFold(f.Name, "Book") {
				old = f
			}
			return strings.EqualFold(f.Name, "Workbook")
		})
		if err != nil {
			return nil, err
		}
		if f == nil {
			if f = old; f == nil {
				return nil, errors.New("it holds no workbook")
			}
			if _, err = f.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
		}
		if k.b, err = io.ReadAll(io.LimitReader(f, int64(len(b)))); err != nil && len(k.b) == 0 {
			return nil, fmt.Errorf("its workbook cannot be read: %w", err)
		}
	}
	return k, k.globals(ctx)
}

// globals reads the records before the sheets.
func (k *Book) globals(ctx context.Context) error {
	s := &stream{b: k.b}
	r, ok := s.next()
	if !ok || r.kind != recBOF || len(r.first()) < 4 {
		return errors.New("it is of Excel 4 or older, or damaged: open it and save it as .xlsx")
	}
	k.biff8 = binary.LittleEndian.Uint16(r.first()) >= 0x0600
	if binary.LittleEndian.Uint16(r.first()[2:]) == 0x0010 { // nothing but a sheet
		k.bounds, k.sheets = []bound{{Sheet: grid.Sheet{Name: "Sheet1"}}}, []int{0}
		return nil
	}
	for n := 0; ; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r, ok := s.next()
		if !ok || r.kind == recEOF {
			break
		}
		if err := k.global(r); err != nil {
			return err
		}
	}
	if len(k.sheets) == 0 {
		return errors.New("it has no sheet with cells")
	}
	return nil
}

func (k *Book) global(r record) error {
	b := r.first()
	switch r.kind {
	case recFilePass:
		return ErrLocked
	case recCodePage:
		if len(b) >= 2 {
			k.page = int(binary.LittleEndian.Uint16(b))
		}
	case recDateMode:
		k.Date1904 = len(b) >= 1 && b[0] == 1
	case recBoundSheet:
		return k.bound(r)
	case recFormat:
		c := r.chain(0)
		id, format := c.u16(), ""
		if k.biff8 {
			format = c.unicode(c.u16())
		} else {
			format = c.bytes(int(c.byte()), k.page)
		}
		if !c.bad && len(k.formats) < maxStyles {
			k.formats[id] = format
		}
	case recXF:
		if len(b) >= 4 && len(k.styles) < maxStyles {
			k.styles = append(k.styles, int(binary.LittleEndian.Uint16(b[2:])))
		}
	case recSST:
		return k.sst(r)
	case recSupBook:
		k.own = append(k.own, len(b) == 4 && b[2] == 1 && b[3] == 4)
	case recExternSheet:
		k.link(r)
	case recName:
		k.name(r)
	}
	return nil
}

func (k *Book) bound(r record) error {
	c := r.chain(0)
	at, state, kind, n := c.u32(), c.byte(), c.byte(), int(c.byte())
	title := ""
	if k.biff8 {
		title = c.unicode(n)
	} else {
		title = c.bytes(n, k.page)
	}
	if c.bad {
		return errShort
	}
	if len(k.bounds) >= maxSheets {
		return fmt.Errorf("it has more than %d sheets", maxSheets)
	}
	if kind&0x0f == 0 {
		k.sheets = append(k.sheets, len(k.bounds))
	}
	k.bounds = append(k.bounds, bound{grid.Sheet{Name: title, Hidden: state&3 != 0}, at, kind})
	return nil
}

// sst reads the texts that cells name by number.
func (k *Book) sst(r record) error {
	c := r.chain(8)
	size := 0
	for c.left() {
		s := c.unicode(c.u16())
		if c.bad {
			return nil // damaged behind what could be read: a cell that names one of the lost texts says so
		}
		if size += len(s); len(k.shared) >= maxStrings || size > maxText {
			return fmt.Errorf("it has more than %d texts or %d MiB of them", maxStrings, maxText>>20)
		}
		k.shared = append(k.shared, s)
	}
	return nil
}

// format is the number format of a cell style.
func (k *Book) format(style int) string {
	if style < 0 || style >= len(k.styles) {
		return ""
	}
	id := k.styles[style]
	if f, ok := k.formats[id]; ok && id != 14 { // 14 is the machine's own short date, whatever the file says
		return f
	}
	return grid.BuiltIn(id, k.locale)
}

// Sheets are the worksheets in their order.
func (k *Book) Sheets() []grid.Sheet {
	var out []grid.Sheet
	for _, i := range k.sheets {
		out = append(out, k.bounds[i].Sheet)
	}
	return out
}
