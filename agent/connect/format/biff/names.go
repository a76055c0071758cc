package biff

import (
	"context"
	"encoding/binary"
	"strings"

	"vitrine/agent/connect/format/grid"
)

// builtIn are the names that Excel writes as one letter.
var builtIn = map[byte]string{0x00: "Consolidate_Area", 0x03: "Database", 0x04: "Criteria", 0x05: "Extract", 0x06: "Print_Area",
	0x07: "Print_Titles", 0x0d: "_FilterDatabase"}

// name reads a defined name; what it means is found when it is asked for.
func (k *Book) name(r record) {
	c := r.chain(0)
	flags := c.u16()
	c.byte()
	n, code := int(c.byte()), c.u16()
	c.skip(2)
	scope := c.u16()
	c.skip(4)
	text := ""
	if k.biff8 {
		text = c.text(n, c.byte()&1 != 0)
	} else {
		text = c.bytes(n, k.page)
	}
	if flags&0x20 != 0 && len(text) == 1 {
		text = builtIn[text[0]]
	}
	if c.bad || text == "" || len(k.names) >= maxNames {
		return
	}
	b := make([]byte, 0, min(code, 64))
	for len(b) < min(code, 64) && c.left() {
		b = append(b, c.byte())
	}
	k.names = append(k.names, name{text, scope, b})
}

// link reads which sheets the references of names mean.
func (k *Book) link(r record) {
	if !k.biff8 {
		return // names of Excel 5 and 95 hold the sheet themselves
	}
	c := r.chain(0)
	for n := c.u16(); n > 0 && c.left() && len(k.links) < maxNames; n-- {
		book, first, last := c.u16(), c.u16(), c.u16()
		if book < len(k.own) && k.own[book] && first == last && !c.bad {
			k.links = append(k.links, first)
		} else {
			k.links = append(k.links, -1)
		}
	}
}

// Name finds what a defined name means; on is the sheet that is asked for, whose own names come first.
func (k *Book) Name(_ context.Context, wanted string, on int) (string, bool) {
	ref, ok := "", false
	for _, n := range k.names {
		if !strings.EqualFold(n.name, wanted) {
			continue
		}
		here := on >= 0 && on < len(k.sheets) && n.scope == k.sheets[on]+1
		if here || n.scope == 0 && !ok || !ok {
			ref, ok = k.reference(n.code), true
		}
	}
	return ref, ok
}

// reference writes the reference of a formula that is nothing else; "?" for every other one.
func (k *Book) reference(b []byte) string {
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	sheet := -1
	var a grid.Area
	switch {
	case len(b) == 0:
		return "?"
	case k.biff8 && len(b) == 11 && b[0]&0x1f == 0x1b: // PtgArea3d
		if i := u16(1); i < len(k.links) {
			sheet = k.links[i]
		}
		a = grid.Area{Top: u16(3), Bottom: u16(5), Left: u16(7) & 0xff, Right: u16(9) & 0xff}
	case k.biff8 && len(b) == 7 && b[0]&0x1f == 0x1a: // PtgRef3d
		if i := u16(1); i < len(k.links) {
			sheet = k.links[i]
		}
		a = grid.Area{Top: u16(3), Bottom: u16(3), Left: u16(5) & 0xff, Right: u16(5) & 0xff}
	case !k.biff8 && len(b) == 21 && b[0]&0x1f == 0x1b:
		if u16(1) >= 0x8000 && u16(11) == u16(13) {
			sheet = u16(11)
		}
		a = grid.Area{Top: u16(15) & 0x3fff, Bottom: u16(17) & 0x3fff, Left: int(b[19]), Right: int(b[20])}
	case !k.biff8 && len(b) == 18 && b[0]&0x1f == 0x1a:
		if u16(1) >= 0x8000 && u16(11) == u16(13) {
			sheet = u16(11)
		}
		a = grid.Area{Top: u16(15) & 0x3fff, Bottom: u16(15) & 0x3fff, Left: int(b[17]), Right: int(b[17])}
	}
	if sheet < 0 || sheet >= len(k.bounds) {
		return "?"
	}
	if a.Bottom == 0xffff {
		a.Bottom = grid.MaxRow
	}
	if a.Right == 0xff && a.Left == 0 {
		a.Right = grid.MaxCol
	}
	return "'" + strings.ReplaceAll(k.bounds[sheet].Name, "'", "''") + "'!" + grid.Name(a.Top, a.Left) + ":" + grid.Name(a.Bottom, a.Right)
}
