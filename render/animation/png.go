package animation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"time"
)

const pngHead = "\x89PNG\r\n\x1a\n"

// openPNG walks the chunks of an animated PNG (PNG specification, third edition, 11.3.6).
func openPNG(r *reader) (*Animation, error) {
	a := &Animation{still: pngStill}
	if err := r.skip(int64(len(pngHead))); err != nil {
		return nil, err
	}
	var f *Frame
	moves := false
	for {
		h, err := r.next(8)
		if err != nil {
			return a, err
		}
		n, name := int64(binary.BigEndian.Uint32(h)), string(h[4:])
		if n > r.end-r.at-4 {
			return a, errShort
		}
		from := r.at
		switch name {
		case "IHDR", "PLTE", "tRNS":
			if err := a.pngCommon(r, name, n); err != nil {
				return nil, err
			}
		case "acTL":
			moves = true
		case "fcTL":
			if err := a.pngAdd(f); err != nil {
				return nil, err
			}
			if f, err = pngFrame(r, n); err != nil {
				return nil, err
			}
		case "IDAT", "fdAT":
			if !moves {
				return a, nil // before a picture's data, or never
			}
			if f != nil {
				if f.size == 0 {
					f.from = from - 8
				}
				f.size = from + n + 4 - f.from
			}
		case "IEND":
			return a, a.pngAdd(f)
		}
		if err := r.skip(from + n + 4 - r.at); err != nil {
			return a, err
		}
	}
}

// pngAdd appends a frame that has data.
func (a *Animation) pngAdd(f *Frame) error {
	if f == nil || f.size == 0 {
		return nil
	}
	if len(a.Frames) == 0 && f.then == thenRestore {
		f.then = thenClear
	}
	return a.add(*f)
}

// pngCommon takes what all frames share: the header's depth and colours.
func (a *Animation) pngCommon(r *reader, name string, n int64) error {
	if n > 1024 || name == "IHDR" && n != 13 {
		return errors.New("it is damaged: export it again")
	}
	b, err := r.next(int(n))
	if err != nil {
		return err
	}
	if name == "IHDR" {
		w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if w > 1<<20 || h > 1<<20 {
			return errors.New("its size cannot be")
		}
		a.Size, a.depth = image.Pt(int(w), int(h)), bytes.Clone(b[8:])
		return nil
	}
	if len(a.common) < 4096 {
		a.common = append(a.common, chunk(name, b)...)
	}
	return nil
}

func pngFrame(r *reader, n int64) (*Frame, error) {
	b, err := r.next(26)
	if err != nil || n != 26 {
		return nil, errors.Join(err, errors.New("it is damaged: export it again"))
	}
	var v [4]int
	for i := range v {
		u := binary.BigEndian.Uint32(b[4+4*i:])
		if u > 1<<20 {
			return nil, errors.New("a frame's size cannot be")
		}
		v[i] = int(u)
	}
	parts := int64(binary.BigEndian.Uint16(b[22:]))
	if parts == 0 {
		parts = 100
	}
	f := &Frame{At: image.Rect(v[2], v[3], v[2]+v[0], v[3]+v[1]), over: b[25] == 1,
		Stay: time.Duration(binary.BigEndian.Uint16(b[20:])) * time.Second / time.Duration(parts)}
	switch b[24] {
	case 1:
		f.then = thenClear
	case 2:
		f.then = thenRestore
	}
	return f, nil
}

// pngStill makes a PNG of one frame: fdAT chunks become IDAT.
func pngStill(a *Animation, f *Frame) (image.Image, error) {
	body, err := a.bytes(f)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(pngHead)
	var size [8]byte
	binary.BigEndian.PutUint32(size[:], uint32(f.At.Dx()))
	binary.BigEndian.PutUint32(size[4:], uint32(f.At.Dy()))
	b.Write(chunk("IHDR", append(size[:], a.depth...)))
	b.Write(a.common)
	for len(body) >= 12 {
		n := int(binary.BigEndian.Uint32(body))
		if n > len(body)-12 {
			return nil, errShort
		}
		switch data := body[8 : 8+n]; string(body[4:8]) {
		case "IDAT":
			b.Write(chunk("IDAT", data))
		case "fdAT":
			b.Write(chunk("IDAT", data[min(4, n):]))
		}
		body = body[n+12:]
	}
	b.Write(chunk("IEND", nil))
	return png.Decode(&b)
}

func chunk(name string, data []byte) []byte {
	b := make([]byte, 8, len(data)+12)
	binary.BigEndian.PutUint32(b, uint32(len(data)))
	copy(b[4:], name)
	b = append(b, data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}
