package tdstest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Collations, for text of one byte a character: which language it is of says which code page (2.2.5.1.2).
var (
	French   = [5]byte{0x0C, 0x04, 0xD0, 0x00, 0x00} // windows-1252
	Russian  = [5]byte{0x19, 0x04, 0xD0, 0x00, 0x00} // windows-1251
	Japanese = [5]byte{0x11, 0x04, 0xD0, 0x00, 0x00} // shift-jis
)

// Column is one of a result. Type is its name in SQL: int, bigint, bit, decimal, money, real, float, date, time, datetime,
// datetime2, datetimeoffset, uniqueidentifier, nvarchar, nvarchar(max), varchar, varbinary, xml.
type Column struct {
	Name      string
	Type      string
	Scale     byte // of decimal, time, datetime2, datetimeoffset
	Collation [5]byte
}

// Table is an answer. Cells are as they are written in SQL, bytes (of varchar in its code page, of varbinary) as they are
// in a Go string; nil is NULL.
type Table struct {
	Columns []Column
	Rows    [][]any
	Repeat  int // the rows so many times more
}

// done is DONE (2.2.7.6).
func done(status uint16, count uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0xFD}, status)
	b = binary.LittleEndian.AppendUint16(b, 0xC1)
	return binary.LittleEndian.AppendUint64(b, count)
}

// fault is ERROR (2.2.7.10).
func fault(number uint32, class byte, text string) []byte {
	words := toUTF16(text)
	b := append(binary.LittleEndian.AppendUint32(nil, number), 1, class)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(words)/2)), words...)
	b = append(b, 0, 0, 1, 0, 0, 0)
	return append(binary.LittleEndian.AppendUint16([]byte{0xAA}, uint16(len(b))), b...)
}

// change is ENVCHANGE (2.2.7.9).
func change(kind byte, to, from []byte) []byte {
	b := append(append([]byte{kind}, to...), from...)
	return append(binary.LittleEndian.AppendUint16([]byte{0xE3}, uint16(len(b))), b...)
}

// counted is a B_VARCHAR of what is UTF-16 already.
func counted(utf16 []byte) []byte { return append([]byte{byte(len(utf16) / 2)}, utf16...) }

func (t Table) tokens() ([]byte, error) {
	out := binary.LittleEndian.AppendUint16([]byte{0x81}, uint16(len(t.Columns)))
	for _, c := range t.Columns {
		info, err := c.info()
		if err != nil {
			return nil, err
		}
		out = append(out, 0, 0, 0, 0, 9, 0) // no user type; may be null, may be written
		out = append(append(out, info...), counted(toUTF16(c.Name))...)
	}
	for range t.Repeat + 1 {
		for _, row := range t.Rows {
			out = append(out, 0xD1)
			for i, v := range row {
				cell, err := t.Columns[i].cell(v)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", t.Columns[i].Name, err)
				}
				out = append(out, cell...)
			}
		}
	}
	return append(out, done(0x10, uint64(len(t.Rows)))...), nil
}

// info is TYPE_INFO (2.2.5.6).
func (c Column) info() ([]byte, error) {
	switch c.Type {
	case "int":
		return []byte{0x26, 4}, nil
	case "bigint":
		return []byte{0x26, 8}, nil
	case "bit":
		return []byte{0x68, 1}, nil
	case "decimal":
		return []byte{0x6A, 17, 38, c.Scale}, nil
	case "money":
		return []byte{0x6E, 8}, nil
	case "real":
		return []byte{0x6D, 4}, nil
	case "float":
		return []byte{0x6D, 8}, nil
	case "date":
		return []byte{0x28}, nil
	case "datetime":
		return []byte{0x6F, 8}, nil
	case "time":
		return []byte{0x29, c.Scale}, nil
	case "datetime2":
		return []byte{0x2A, c.Scale}, nil
	case "datetimeoffset":
		return []byte{0x2B, c.Scale}, nil
	case "uniqueidentifier":
		return []byte{0x24, 16}, nil
	case "nvarchar":
		return append([]byte{0xE7, 0x40, 0x1F}, c.Collation[:]...), nil
	case "nvarchar(max)":
		return append([]byte{0xE7, 0xFF, 0xFF}, c.Collation[:]...), nil
	case "varchar":
		return append([]byte{0xA7, 0x40, 0x1F}, c.Collation[:]...), nil
	case "varbinary":
		return []byte{0xA5, 0x40, 0x1F}, nil
	case "xml":
		return []byte{0xF1, 0}, nil
	}
	return nil, fmt.Errorf("the type %s is not known", c.Type)
}

// cell is a value (2.2.5.5).
func (c Column) cell(v any) ([]byte, error) {
	text, ok := v.(string)
	long := c.Type == "nvarchar(max)" || c.Type == "xml"
	short := c.Type == "nvarchar" || c.Type == "varchar" || c.Type == "varbinary"
	switch {
	case v == nil && long:
		return []byte{255, 255, 255, 255, 255, 255, 255, 255}, nil
	case v == nil && short:
		return []byte{255, 255}, nil
	case v == nil:
		return []byte{0}, nil
	case !ok:
		return nil, fmt.Errorf("%T is not text", v)
	case long:
		return chunks(toUTF16(text)), nil
	case c.Type == "nvarchar":
		b := toUTF16(text)
		return append(binary.LittleEndian.AppendUint16(nil, uint16(len(b))), b...), nil
	case short:
		return append(binary.LittleEndian.AppendUint16(nil, uint16(len(text))), text...), nil
	}
	b, err := c.fixed(text)
	return append([]byte{byte(len(b))}, b...), err
}

// chunks is a PLP body (2.2.5.2.3): its length, then pieces, then none.
func chunks(b []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(b)))
	for len(b) > 0 {
		n := min(len(b), 3000)
		out = append(binary.LittleEndian.AppendUint32(out, uint32(n)), b[:n]...)
		b = b[n:]
	}
	return append(out, 0, 0, 0, 0)
}

func (c Column) fixed(text string) ([]byte, error) {
	switch c.Type {
	case "int", "bigint":
		n, err := strconv.ParseInt(text, 10, 64)
		return binary.LittleEndian.AppendUint64(nil, uint64(n))[:map[string]int{"int": 4, "bigint": 8}[c.Type]], err
	case "bit":
		return []byte{text[0] - '0'}, nil
	case "decimal":
		n, err := scaled(text, int(c.Scale))
		if err != nil {
			return nil, err
		}
		sign := byte(1)
		if n.Sign() < 0 {
			sign = 0
		}
		b := make([]byte, 17)
		n.Abs(n).FillBytes(b[1:])
		for i := 1; i <= 8; i++ {
			b[i], b[17-i] = b[17-i], b[i]
		}
		b[0] = sign
		return b, nil
	case "money":
		n, err := scaled(text, 4)
		if err != nil {
			return nil, err
		}
		b := binary.LittleEndian.AppendUint32(nil, uint32(n.Int64()>>32))
		return binary.LittleEndian.AppendUint32(b, uint32(n.Int64())), nil
	case "real":
		f, err := strconv.ParseFloat(text, 32)
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(f))), err
	case "float":
		f, err := strconv.ParseFloat(text, 64)
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)), err
	case "uniqueidentifier":
		b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		if err != nil || len(b) != 16 {
			return nil, fmt.Errorf("%q is no uniqueidentifier", text)
		}
		return []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]}, nil
	}
	return c.moment(text)
}

// scaled is a decimal as a whole number of its smallest unit.
func scaled(text string, scale int) (*big.Int, error) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > scale {
		return nil, fmt.Errorf("%s has more than %d decimals", text, scale)
	}
	n, ok := new(big.Int).SetString(whole+part+strings.Repeat("0", scale-len(part)), 10)
	if !ok {
		return nil, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}

// moment is a date or a time (2.2.5.5.1.8).
func (c Column) moment(text string) ([]byte, error) {
	layout := map[string]string{"date": "2006-01-02", "time": "15:04:05", "datetime": "2006-01-02 15:04:05", "datetime2": "2006-01-02 15:04:05", "datetimeoffset": "2006-01-02 15:04:05 -07:00"}[c.Type]
	at, err := time.Parse(layout, text)
	if err != nil {
		return nil, err
	}
	_, offset := at.Zone()
	at = at.UTC()
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	since := at.Sub(midnight)
	if c.Type == "datetime" {
		days := midnight.Unix()/86400 - time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix()/86400
		b := binary.LittleEndian.AppendUint32(nil, uint32(int32(days)))
		return binary.LittleEndian.AppendUint32(b, uint32((since.Milliseconds()*3+5)/10)), nil
	}
	days := midnight.Unix()/86400 - time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()/86400
	date := []byte{byte(days), byte(days >> 8), byte(days >> 16)}
	units := uint64(since.Nanoseconds())
	for range 9 - int(c.Scale) {
		units /= 10
	}
	width := 5
	if c.Scale <= 2 {
		width = 3
	} else if c.Scale <= 4 {
		width = 4
	}
	clock := binary.LittleEndian.AppendUint64(nil, units)[:width]
	switch c.Type {
	case "date":
		return date, nil
	case "time":
		return clock, nil
	case "datetimeoffset":
		return binary.LittleEndian.AppendUint16(append(clock, date...), uint16(int16(offset/60))), nil
	}
	return append(clock, date...), nil
}
