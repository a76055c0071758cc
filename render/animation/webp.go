package animation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"time"

	"golang.org/x/image/webp"
)

// openWebP walks the chunks of an animated WebP (RFC 9649, section 2.7.1).
func openWebP(r *reader) (*Animation, error) {
	a := &Animation{still: webpStill}
	head, err := r.next(12)
	if err != nil {
		return nil, err
	}
	end := min(r.end, int64(binary.LittleEndian.Uint32(head[4:]))+8)
	for r.at+8 <= end {
		h, err := r.next(8)
		if err != nil {
			return a, err
		}
		name, n := string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:]))
		from := r.at
		if n > end-from {
			return a, errShort
		}
		switch name {
		case "VP8 ", "VP8L":
			return a, nil // a still picture
		case "VP8X":
			b, err := r.next(10)
			if err != nil {
				return nil, err
			}
			a.Size = image.Pt(int24(b[4:])+1, int24(b[7:])+1)
			if b[0]&2 == 0 {
				return a, nil
			}
		case "ANMF":
			f, err := webpFrame(r, n)
			if err != nil {
				return nil, err
			}
			if err := a.add(f); err != nil {
				return nil, err
			}
		}
		r.at = from
		if err := r.skip(min(n+n&1, r.end-from)); err != nil {
			return a, err
		}
	}
	return a, nil
}

func webpFrame(r *reader, n int64) (Frame, error) {
	b, err := r.next(16)
	if err != nil || n < 24 {
		return Frame{}, errors.Join(err, errors.New("it is damaged: export it again"))
	}
	x, y := int24(b)*2, int24(b[3:])*2
	f := Frame{At: image.Rect(x, y, x+int24(b[6:])+1, y+int24(b[9:])+1), Stay: time.Duration(int24(b[12:])) * time.Millisecond,
		over: b[15]&2 == 0, from: r.at, size: n - 16}
	if b[15]&1 != 0 {
		f.then = thenClear
	}
	return f, nil
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpStill makes a WebP of one frame.
func webpStill(a *Animation, f *Frame) (image.Image, error) {
	body, err := a.bytes(f)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("RIFF\x00\x00\x00\x00WEBP")
	if bytes.HasPrefix(body, []byte("ALPH")) {
		x := append([]byte("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"), put24(f.At.Dx()-1)...)
		b.Write(append(x, put24(f.At.Dy()-1)...))
	}
	for len(body) >= 8 {
		n := int(binary.LittleEndian.Uint32(body[4:]))
		if n > len(body)-8 {
			return nil, errShort
		}
		end := min(8+n+n&1, len(body))
		switch string(body[:4]) {
		case "ALPH", "VP8 ", "VP8L":
			b.Write(body[:8+n])
			if n&1 != 0 {
				b.WriteByte(0)
			}
		}
		body = body[end:]
	}
	binary.LittleEndian.PutUint32(b.Bytes()[4:], uint32(b.Len()-8))
	return webp.Decode(&b)
}

func put24(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16)} }
