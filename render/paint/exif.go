package paint

import (
	"encoding/binary"
	"io"
)

// jpegHead is what is to be known of a JPEG before it is decoded.
type jpegHead struct {
	orientation int // 1 to 8 (EXIF 2.32, tag 0x0112); 1 is upright
	progressive bool
}

// readJPEGHead walks the segments before the picture (ITU-T T.81, annex B). It reads at most maxJPEGHead bytes; what it
// does not find or understand stays at the default.
func readJPEGHead(r io.Reader) jpegHead {
	const maxJPEGHead = 1 << 20
	r = io.LimitReader(r, maxJPEGHead)
	head := jpegHead{orientation: 1}
	var b [4]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil || b[0] != 0xff || b[1] != 0xd8 {
		return head
	}
	for {
		if _, err := io.ReadFull(r, b[:2]); err != nil || b[0] != 0xff {
			return head
		}
		for b[1] == 0xff { // fill bytes
			if _, err := io.ReadFull(r, b[1:2]); err != nil {
				return head
			}
		}
		marker := b[1]
		if marker == 0xda || marker == 0xd9 { // the picture's own data, or the end
			return head
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= 0xd7 {
			continue
		}
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return head
		}
		n := int(binary.BigEndian.Uint16(b[:2])) - 2
		if n < 0 {
			return head
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return head
		}
		switch {
		case marker == 0xe1 && n > 6 && string(body[:6]) == "Exif\x00\x00":
			head.orientation = exifOrientation(body[6:])
		case marker == 0xc2:
			head.progressive = true
		}
	}
}

// exifOrientation reads tag 0x0112 of the first directory of a TIFF block; 1 where there is none.
func exifOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at < 8 || at+2 > int64(len(b)) {
		return 1
	}
	n := int64(order.Uint16(b[at:]))
	for i := range n {
		e := at + 2 + i*12
		if e+12 > int64(len(b)) {
			return 1
		}
		if order.Uint16(b[e:]) != 0x0112 {
			continue
		}
		const short = 3
		v := int(order.Uint16(b[e+8:]))
		if order.Uint16(b[e+2:]) != short || v < 1 || v > 8 {
			return 1
		}
		return v
	}
	return 1
}
