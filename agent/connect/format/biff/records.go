package biff

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"

	"vitrine/agent/connect/format/codepage"
)

// The records that matter ([MS-XLS] 2.3.2; for Excel 5 and 95 the "Excel 97 Developer's Kit").
const (
	recFormula     = 0x0006
	recEOF         = 0x000a
	recExternSheet = 0x0017
	recName        = 0x0018
	recDateMode    = 0x0022
	recFilePass    = 0x002f
	recContinue    = 0x003c
	recCodePage    = 0x0042
	recBoundSheet  = 0x0085
	recMulRK       = 0x00bd
	recRString     = 0x00d6
	recXF          = 0x00e0
	recMerged      = 0x00e5
	recSST         = 0x00fc
	recLabelSST    = 0x00fd
	recSupBook     = 0x01ae
	recNumber      = 0x0203
	recLabel       = 0x0204
	recBoolErr     = 0x0205
	recString      = 0x0207
	recArray       = 0x0221
	recTable       = 0x0236
	recRK          = 0x027e
	recFormat      = 0x041e
	recShared      = 0x04bc
	recBOF         = 0x0809
)

var errShort = errors.New("a record is shorter than it should be: the file is damaged")

// record is one record with those that continue it.
type record struct {
	kind  uint16
	parts [][]byte
}

// first is the record without what continues it.
func (r record) first() []byte { return r.parts[0] }

// stream is a row of records.
type stream struct {
	b  []byte
	at int
}

// next is the next record. false: there is none.
func (s *stream) next() (record, bool) {
	kind, body, ok := s.one()
	if !ok {
		return record{}, false
	}
	r := record{kind, [][]byte{body}}
	for kind != recContinue {
		before := s.at
		k, body, ok := s.one()
		if !ok || k != recContinue {
			s.at = before
			break
		}
		r.parts = append(r.parts, body)
	}
	return r, true
}

func (s *stream) one() (kind uint16, body []byte, ok bool) {
	if s.at < 0 || s.at+4 > len(s.b) {
		return 0, nil, false
	}
	kind = binary.LittleEndian.Uint16(s.b[s.at:])
	n := int(binary.LittleEndian.Uint16(s.b[s.at+2:]))
	if s.at+4+n > len(s.b) {
		return 0, nil, false
	}
	body = s.b[s.at+4 : s.at+4+n]
	s.at += 4 + n
	return kind, body, true
}

// chain reads through a record and what continues it.
type chain struct {
	parts [][]byte
	at    int
	bad   bool
}

func (r record) chain(skip int) *chain {
	c := &chain{parts: append([][]byte(nil), r.parts...)}
	c.skip(skip)
	return c
}

func (c *chain) left() bool {
	for len(c.parts) > 0 && c.at >= len(c.parts[0]) {
		c.parts, c.at = c.parts[1:], 0
	}
	return len(c.parts) > 0
}

func (c *chain) byte() byte {
	if !c.left() {
		c.bad = true
		return 0
	}
	c.at++
	return c.parts[0][c.at-1]
}

func (c *chain) u16() int {
	low := int(c.byte())
	return low | int(c.byte())<<8
}

func (c *chain) u32() int {
	low := c.u16()
	return low | c.u16()<<16
}

func (c *chain) skip(n int) {
	for n > 0 {
		if !c.left() {
			c.bad = true
			return
		}
		k := min(n, len(c.parts[0])-c.at)
		c.at, n = c.at+k, n-k
	}
}

// text reads n characters of a Unicode string behind its flags; where a record continues, new flags say how wide they go on.
func (c *chain) text(n int, wide bool) string {
	units := make([]uint16, 0, min(n, 1<<16))
	for n > 0 {
		if len(c.parts) > 0 && c.at >= len(c.parts[0]) {
			c.parts, c.at = c.parts[1:], 0
			if len(c.parts) > 0 && len(c.parts[0]) > 0 {
				wide, c.at = c.parts[0][0]&1 != 0, 1
			}
			continue
		}
		if len(c.parts) == 0 {
			c.bad = true
			break
		}
		b := c.parts[0][c.at:]
		switch {
		case !wide:
			k := min(n, len(b))
			for _, x := range b[:k] {
				units = append(units, uint16(x))
			}
			c.at, n = c.at+k, n-k
		case len(b) < 2:
			c.bad = true
			return ""
		default:
			k := min(n, len(b)/2)
			for i := range k {
				units = append(units, binary.LittleEndian.Uint16(b[2*i:]))
			}
			c.at, n = c.at+2*k, n-k
		}
	}
	return string(utf16.Decode(units))
}

// unicode reads a string of BIFF8 whose length was read: flags, text, and what belongs to it.
func (c *chain) unicode(n int) string {
	flags := c.byte()
	runs, extra := 0, 0
	if flags&8 != 0 {
		runs = c.u16()
	}
	if flags&4 != 0 {
		extra = c.u32()
	}
	s := c.text(n, flags&1 != 0)
	c.skip(4 * runs)
	c.skip(extra)
	return s
}

// bytes reads a string of the file's code page.
func (c *chain) bytes(n, page int) string {
	b := make([]byte, 0, min(n, 1<<16))
	for range n {
		if !c.left() {
			break
		}
		b = append(b, c.byte())
	}
	out, err := codepage.Of(page).NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}
