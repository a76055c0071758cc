package folder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// alignLengths writes the lengths of videos into the scenes of aligned events: players agree on where a loop is only if all
// of them know how long each item stays before they have opened it.
func (l *loader) alignLengths(m *bundle.Manifest) {
	for i, e := range m.Schedule.Events {
		if !e.Align {
			continue
		}
		for j, item := range e.Items {
			s, ok := m.Scenes[item]
			if _, known := s.Length(); !ok || known {
				continue
			}
			lead := slices.IndexFunc(s.Zones, func(z scene.Zone) bool { return len(z.Playlist) > 0 })
			if lead < 0 {
				continue // it has no length at all, which is a fault already
			}
			for n := range s.Zones[lead].Playlist {
				one := &s.Zones[lead].Playlist[n]
				if one.For > 0 {
					continue
				}
				d, err := l.videoLength(one.Src)
				if err != nil {
					l.fault(fmt.Sprintf("/events/%d/items/%d", i, j), false, fmt.Sprintf("event %q is aligned, and how long %s plays is not known: %v", e.ID, one.Src, err),
						"write its length in the scene, as in {video: "+one.Src+", for: 30s}")
					continue
				}
				one.For = scene.Duration(d)
			}
		}
	}
}

// videoLength reads how long a video plays, to the millisecond below: none of it must be shown twice.
func (l *loader) videoLength(p string) (time.Duration, error) {
	f, err := openRegular(l.root, p)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	head := make([]byte, 12)
	if _, err := io.ReadFull(f, head); err != nil {
		return 0, errors.New("it is cut off")
	}
	var d time.Duration
	if binary.BigEndian.Uint32(head) == 0x1a45dfa3 {
		d, err = matroskaLength(f)
	} else if slices.Contains([]string{"ftyp", "moov", "mdat", "wide", "free"}, string(head[4:8])) {
		d, err = mp4Length(f)
	} else {
		err = errors.New("it is neither MP4 nor Matroska (WebM)")
	}
	if d = d.Truncate(time.Millisecond); err == nil && (d <= 0 || d > bundle.MaxFor) {
		err = errors.New("it does not say")
	}
	return d, err
}

// mp4Length is the length of the longest track as it is played (ISO/IEC 14496-12, 8.2.2: the movie header).
func mp4Length(f *os.File) (time.Duration, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	moov, err := mp4Boxes(f, st.Size())
	if err != nil {
		return 0, err
	}
	for len(moov) >= 8 {
		size := int(binary.BigEndian.Uint32(moov))
		if size < 8 || size > len(moov) {
			break
		}
		if box := moov[8:size]; string(moov[4:8]) == "mvhd" && len(box) >= 32 {
			scale, units := uint64(binary.BigEndian.Uint32(box[12:])), uint64(binary.BigEndian.Uint32(box[16:]))
			if box[0] == 1 {
				scale, units = uint64(binary.BigEndian.Uint32(box[20:])), binary.BigEndian.Uint64(box[24:])
			}
			if scale == 0 || units > math.MaxInt64/1000 {
				break
			}
			return time.Duration(units*1000/scale) * time.Millisecond, nil
		}
		moov = moov[size:]
	}
	return 0, errors.New("it does not say")
}

// The parts of a Matroska file that lead to its length (RFC 9559).
const (
	idSegment   = 0x18538067
	idInfo      = 0x1549a966
	idScale     = 0x2ad7b1
	idDuration  = 0x4489
	mostInfo    = 1 << 20
	unknownSize = -1
)

func matroskaLength(f io.ReadSeeker) (time.Duration, error) {
	at, end := int64(0), int64(math.MaxInt64)
	for range 1000 { // parts before Info
		id, size, body, err := element(f, at)
		if err != nil || body >= end {
			break
		}
		switch id {
		case idSegment:
			at = body
			continue
		case idInfo:
			if size < 0 || size > mostInfo {
				return 0, errors.New("it does not say")
			}
			return infoLength(f, body, body+size)
		}
		if size == unknownSize {
			break
		}
		at = body + size
	}
	return 0, errors.New("it does not say")
}

// infoLength reads duration × scale, nanoseconds.
func infoLength(f io.ReadSeeker, at, end int64) (time.Duration, error) {
	scale, length := 1e6, 0.0
	for at < end {
		id, size, body, err := element(f, at)
		if err != nil || size < 0 || size > end-body {
			break
		}
		b := make([]byte, min(size, 8))
		if _, err := f.Seek(body, io.SeekStart); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(f, b); err != nil {
			return 0, err
		}
		switch {
		case id == idScale:
			n := uint64(0)
			for _, c := range b {
				n = n<<8 | uint64(c)
			}
			scale = float64(n)
		case id == idDuration && size == 4:
			length = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		case id == idDuration && size == 8:
			length = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		at = body + size
	}
	if ns := length * scale; ns >= 1e6 && ns < float64(bundle.MaxFor) {
		return time.Duration(ns), nil
	}
	return 0, errors.New("it does not say")
}

// element reads the head of an EBML element (RFC 8794): its id, its size, and where its body begins.
func element(f io.ReadSeeker, at int64) (id, size, body int64, err error) {
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return 0, 0, 0, err
	}
	head := make([]byte, 12)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, 0, 0, err
	}
	number := func(from, most int, marked bool) (int64, int) {
		if from >= n || head[from] == 0 {
			return 0, 0
		}
		width := 1
		for mask := byte(0x80); head[from]&mask == 0; mask >>= 1 {
			width++
		}
		if width > most || from+width > n {
			return 0, 0
		}
		v, ones := int64(0), true
		for i, b := range head[from : from+width] {
			if i == 0 && !marked {
				b &^= 0x80 >> (width - 1)
				ones = int(b) == 0x7f>>(width-1)
			} else {
				ones = ones && b == 0xff
			}
			v = v<<8 | int64(b)
		}
		if !marked && ones {
			v = unknownSize
		}
		return v, width
	}
	id, wide := number(0, 4, true)
	size, long := number(wide, 8, false)
	if wide == 0 || long == 0 {
		return 0, 0, 0, errors.New("it is cut off")
	}
	return id, size, at + int64(wide+long), nil
}
