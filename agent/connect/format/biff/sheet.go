package biff

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"vitrine/agent/connect/format/grid"
)

// Read gives the cells of a sheet to a grid.
func (k *Book) Read(ctx context.Context, at int, g *grid.Grid) error {
	b := k.bounds[k.sheets[at]]
	s := &stream{b: k.b, at: b.at}
	if r, ok := s.next(); !ok || r.kind != recBOF {
		return fmt.Errorf("its sheet %s is not where the file says: the file is damaged", b.Name)
	}
	err := k.records(ctx, s, g)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("its sheet %s: %w", b.Name, err)
	}
	return err
}

// records reads to the end of the sheet, over what is drawn on it. Merged cells come last.
func (k *Book) records(ctx context.Context, s *stream, g *grid.Grid) error {
	var formula *place // waits for its text
	full := false
	for n, depth := 0, 1; depth > 0; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r, ok := s.next()
		if !ok {
			return errors.New("it ends in the middle: the file was not copied whole")
		}
		var err error
		switch {
		case r.kind == recBOF:
			depth++
		case r.kind == recEOF:
			depth--
		case depth > 1:
		case r.kind == recFilePass:
			return ErrLocked
		case r.kind == recMerged:
			err = merged(r.first(), g)
		case full:
		case r.kind == recString:
			if formula != nil {
				c := r.chain(0)
				length := c.u16()
				text := ""
				if k.biff8 {
					text = c.unicode(length)
				} else {
					text = c.bytes(length, k.page)
				}
				err = k.put(g, *formula, grid.Cell{Kind: grid.Text, Text: text})
			}
			formula = nil
		case r.kind == recShared, r.kind == recArray, r.kind == recTable: // stand between a formula and its text
		default:
			formula, err = k.cells(r, g)
		}
		if errors.Is(err, grid.ErrFull) {
			full, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// place is where a cell is, and its style.
type place struct{ row, col, style int }

func (k *Book) put(g *grid.Grid, p place, c grid.Cell) error {
	c.Format = k.format(p.style)
	return g.Put(p.row, p.col, c)
}

// cells takes the cells of a record; what it gives back is a formula whose text comes in a later record.
func (k *Book) cells(r record, g *grid.Grid) (*place, error) {
	switch r.kind {
	case recFormula, recMulRK, recRString, recLabelSST, recNumber, recLabel, recBoolErr, recRK:
	default:
		return nil, nil
	}
	b := r.first()
	if len(b) < 6 {
		return nil, errShort
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	p := place{u16(0), u16(2), u16(4)}
	need := map[uint16]int{recFormula: 14, recLabelSST: 10, recNumber: 14, recLabel: 8, recRString: 8, recBoolErr: 8, recRK: 10}[r.kind]
	if len(b) < need {
		return nil, errShort
	}
	switch r.kind {
	case recMulRK:
		for at, col := 4, p.col; at+6 <= len(b)-2; at, col = at+6, col+1 {
			n := rk(binary.LittleEndian.Uint32(b[at+2:]))
			if err := k.put(g, place{p.row, col, u16(at)}, grid.Cell{Kind: grid.Number, Number: n}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case recRK:
		return nil, k.put(g, p, grid.Cell{Kind: grid.Number, Number: rk(binary.LittleEndian.Uint32(b[6:]))})
	case recNumber:
		return nil, k.put(g, p, grid.Cell{Kind: grid.Number, Number: math.Float64frombits(binary.LittleEndian.Uint64(b[6:]))})
	case recBoolErr:
		return nil, k.put(g, p, boolOrError(b[6], b[7] != 0))
	case recLabelSST:
		i := binary.LittleEndian.Uint32(b[6:])
		if int64(i) >= int64(len(k.shared)) {
			return nil, fmt.Errorf("cell %s names the text number %d, which is not there: the file is damaged", grid.Name(p.row, p.col), i)
		}
		return nil, k.put(g, p, grid.Cell{Kind: grid.Text, Text: k.shared[i]})
	case recLabel, recRString:
		c := r.chain(6)
		n, text := c.u16(), ""
		if k.biff8 {
			text = c.unicode(n)
		} else {
			text = c.bytes(n, k.page)
		}
		return nil, k.put(g, p, grid.Cell{Kind: grid.Text, Text: text})
	}
	return k.formula(b, p, g)
}

// formula takes the last value of a formula.
func (k *Book) formula(b []byte, p place, g *grid.Grid) (*place, error) {
	if b[12] != 0xff || b[13] != 0xff {
		return nil, k.put(g, p, grid.Cell{Kind: grid.Number, Number: math.Float64frombits(binary.LittleEndian.Uint64(b[6:]))})
	}
	switch b[6] {
	case 0:
		return &p, nil
	case 1, 2:
		return nil, k.put(g, p, boolOrError(b[8], b[6] == 2))
	}
	return nil, nil // an empty text
}

func boolOrError(v byte, isError bool) grid.Cell {
	if !isError {
		return grid.Cell{Kind: grid.Bool, Number: float64(v)}
	}
	text, ok := map[byte]string{0x00: "#NULL!", 0x07: "#DIV/0!", 0x0f: "#VALUE!", 0x17: "#REF!", 0x1d: "#NAME?", 0x24: "#NUM!", 0x2a: "#N/A"}[v]
	if !ok {
		text = "#ERROR!"
	}
	return grid.Cell{Kind: grid.Error, Text: text}
}

// rk unpacks a number of 30 bits: the top of a float or an integer, perhaps of hundredths.
func rk(v uint32) float64 {
	var n float64
	if v&2 != 0 {
		n = float64(int32(v) >> 2)
	} else {
		n = math.Float64frombits(uint64(v&^3) << 32)
	}
	if v&1 != 0 {
		n /= 100
	}
	return n
}

func merged(b []byte, g *grid.Grid) error {
	if len(b) < 2 {
		return errShort
	}
	for at := 2; at+8 <= len(b); at += 8 {
		u16 := func(i int) int { return int(binary.LittleEndian.Uint16(b[at+2*i:])) }
		if err := g.Merge(grid.Area{Top: u16(0), Bottom: u16(1), Left: u16(2), Right: u16(3)}); err != nil {
			return err
		}
	}
	return nil
}
