package animation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"time"
)

// openGIF walks the blocks of a GIF (GIF89a specification, sections 17 to 27).
func openGIF(r *reader) (*Animation, error) {
	head, err := r.next(13)
	if err != nil {
		return nil, err
	}
	a := &Animation{Size: image.Pt(int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))), still: gifStill}
	a.common = bytes.Clone(head)
	if head[10]&0x80 != 0 {
		table, err := r.next(3 << (head[10]&7 + 1))
		if err != nil {
			return nil, err
		}
		a.common = append(a.common, table...)
	}
	var ctrl []byte
	for {
		kind, err := r.byte()
		if err != nil {
			return a, endGIF(a, err)
		}
		switch kind {
		case 0x21:
			if ctrl, err = gifExtension(r, ctrl); err != nil {
				return a, endGIF(a, err)
			}
		case 0x2c:
			f, err := gifFrame(r, ctrl)
			if err != nil {
				return a, endGIF(a, err)
			}
			if a.Size == (image.Point{}) {
				a.Size = f.At.Max // as browsers do
			}
			if err := a.add(f); err != nil {
				return nil, err
			}
			ctrl = nil
		case 0x3b:
			return a, nil
		default:
			return a, endGIF(a, errors.New("it is damaged: export it again"))
		}
	}
}

// endGIF is the end of a GIF that does not end as it should: what was there plays, as in browsers, if anything was.
func endGIF(a *Animation, err error) error {
	if len(a.Frames) > 1 {
		return nil
	}
	return err
}

// gifExtension skips an extension, but for the graphic control that it returns.
func gifExtension(r *reader, ctrl []byte) ([]byte, error) {
	label, err := r.byte()
	if err != nil {
		return nil, err
	}
	for {
		n, err := r.byte()
		if err != nil || n == 0 {
			return ctrl, err
		}
		b, err := r.next(int(n))
		if err != nil {
			return nil, err
		}
		if label == 0xf9 && n == 4 {
			ctrl = bytes.Clone(b)
		}
	}
}

func gifFrame(r *reader, ctrl []byte) (Frame, error) {
	f := Frame{from: r.at, ctrl: ctrl, over: true}
	d, err := r.next(9)
	if err != nil {
		return f, err
	}
	x, y := int(binary.LittleEndian.Uint16(d)), int(binary.LittleEndian.Uint16(d[2:]))
	f.At = image.Rect(x, y, x+int(binary.LittleEndian.Uint16(d[4:])), y+int(binary.LittleEndian.Uint16(d[6:])))
	if d[8]&0x80 != 0 {
		if err := r.skip(3 << (d[8]&7 + 1)); err != nil {
			return f, err
		}
	}
	if err := r.skip(1); err != nil { // LZW's first code size
		return f, err
	}
	for {
		n, err := r.byte()
		if err != nil {
			return f, err
		}
		if n == 0 {
			break
		}
		if err := r.skip(int64(n)); err != nil {
			return f, err
		}
	}
	f.size = r.at - f.from
	if ctrl != nil {
		f.Stay = time.Duration(binary.LittleEndian.Uint16(ctrl[1:])) * 10 * time.Millisecond
		switch ctrl[0] >> 2 & 7 {
		case 2:
			f.then = thenClear
		case 3:
			f.then = thenRestore
		}
	}
	return f, nil
}

// gifStill makes a GIF of one frame, at the corner of a screen of its size.
func gifStill(a *Animation, f *Frame) (image.Image, error) {
	body, err := a.bytes(f)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.Clone(a.common))
	binary.LittleEndian.PutUint16(b.Bytes()[6:], uint16(f.At.Dx()))
	binary.LittleEndian.PutUint16(b.Bytes()[8:], uint16(f.At.Dy()))
	if f.ctrl != nil {
		b.Write([]byte{0x21, 0xf9, 4})
		b.Write(f.ctrl)
		b.WriteByte(0)
	}
	b.WriteByte(0x2c)
	b.Write(make([]byte, 4))
	b.Write(body[4:])
	b.WriteByte(0x3b)
	return gif.Decode(b)
}
