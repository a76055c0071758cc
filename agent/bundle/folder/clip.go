package folder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxIndex bounds an MP4's index, bytes.
const maxIndex = 64 << 20

// clip is what an MP4 or a Matroska says of its picture.
type clip struct {
	codec         string // as the file names it
	width, height int
	sound, locked bool
}

// known are codecs that libmpv plays, as MP4 (RFC 6381's sample entries) and Matroska name them.
func known() []string {
	return []string{"avc1", "avc2", "avc3", "avc4", "hvc1", "hev1", "vp08", "vp09", "av01", "mp4v", "mp2v", "m1v ", "jpeg", "mjpa", "mjpg", "dvh1", "dvhe",
		"apch", "apcn", "apcs", "apco", "ap4h", "ap4x", "AVdn", "H263", "h263", "s263", "vc-1", "rle ", "png ", "FFV1", "xd5b", "xd55", "xdv7",
		"V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC", "V_VP8", "V_VP9", "V_AV1", "V_MPEG1", "V_MPEG2", "V_MPEG4/ISO/ASP", "V_MPEG4/ISO/SP", "V_MPEG4/ISO/AP",
		"V_THEORA", "V_MJPEG", "V_FFV1", "V_PRORES", "V_MS/VFW/FOURCC", "V_UNCOMPRESSED", "V_MPEG4/MS/V3"}
}

// judge says what is wrong with a video as far as its own words tell, and what is only doubtful.
func (m *medium) judge(c clip) (doubt string, err error) {
	switch {
	case c.locked:
		return "", errors.New("it is locked by copy protection (DRM): get a copy without it")
	case c.codec == "" && c.sound:
		m.mime, m.what = strings.Replace(m.mime, "video/", "audio/", 1), "a sound file"
		return "", nil
	case c.codec == "":
		return "", errors.New("it has no picture in it")
	case c.width > 8192 || c.height > 8192:
		return "", fmt.Errorf("it has %d x %d pixels, 8192 each way are the most: convert it to the screen's size", c.width, c.height)
	case !slices.Contains(known(), c.codec):
		return fmt.Sprintf("%s has the codec %q, which may not play: try it with mpv, or convert it to H.264", m.path, c.codec), nil
	}
	return "", nil
}

// mp4Clip reads the tracks of an MP4's index (ISO/IEC 14496-12, 8.3 to 8.5).
func mp4Clip(index []byte) clip {
	var c clip
	each(index, func(name string, trak []byte) {
		if name != "trak" {
			return
		}
		handler := boxAt(trak, "mdia", "hdlr")
		entries := boxAt(trak, "mdia", "minf", "stbl", "stsd")
		if len(handler) < 12 || len(entries) < 16 {
			return
		}
		codec := string(entries[12:16])
		switch string(handler[8:12]) {
		case "soun":
			c.sound = true
			c.locked = c.locked || codec == "enca" || codec == "drms"
		case "vide":
			c.locked = c.locked || codec == "encv" || codec == "drmi"
			if c.codec == "" {
				c.codec = codec
				if len(entries) >= 44 {
					c.width, c.height = int(binary.BigEndian.Uint16(entries[40:])), int(binary.BigEndian.Uint16(entries[42:]))
				}
			}
		}
	})
	return c
}

// each calls do for the boxes that follow one another in b.
func each(b []byte, do func(name string, body []byte)) {
	for len(b) >= 8 {
		n := int64(binary.BigEndian.Uint32(b))
		if n < 8 || n > int64(len(b)) {
			return
		}
		do(string(b[4:8]), b[8:n])
		b = b[n:]
	}
}

// boxAt is the body of the first box at a path, nil when there is none.
func boxAt(b []byte, names ...string) []byte {
	for _, name := range names {
		var found []byte
		each(b, func(n string, body []byte) {
			if n == name && found == nil {
				found = body
			}
		})
		if b = found; b == nil {
			return nil
		}
	}
	return b
}

// matroskaClip looks for the names of codecs where a Matroska file begins (RFC 9559, element CodecID 0x86).
func matroskaClip(head []byte) clip {
	var c clip
	for i := 0; i+3 < len(head); i++ {
		n := int(head[i+1]) & 0x7f
		if head[i] != 0x86 || head[i+1]&0x80 == 0 || i+2+n > len(head) || n < 3 || n > 40 {
			continue
		}
		switch id := strings.TrimRight(string(head[i+2:i+2+n]), "\x00"); {
		case strings.HasPrefix(id, "V_") && c.codec == "":
			c.codec = id
		case strings.HasPrefix(id, "A_"):
			c.sound = true
		}
	}
	return c
}

// video looks into a video for what a player needs.
func (m *medium) video(f io.ReadSeeker) error {
	var c clip
	switch m.mime {
	case "video/mp4", "video/quicktime", "audio/mp4":
		index, err := mp4Boxes(f, m.size)
		if err != nil {
			return err
		}
		if len(index) == 0 || !strings.Contains(string(index), "stsd") {
			return nil // fragments, or an index that is packed
		}
		c = mp4Clip(index)
	case "video/matroska":
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		head, err := io.ReadAll(io.LimitReader(f, 256<<10))
		if err != nil {
			return err
		}
		if c = matroskaClip(head); c.codec == "" && !c.sound {
			return nil // its tracks are described further on
		}
	default:
		return nil
	}
	doubt, err := m.judge(c)
	m.doubt = doubt
	return err
}
