package web

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"sync"
)

// picture is what a page looked like: premultiplied blue, green, red, alpha.
type picture struct {
	pix   []byte
	size  image.Point
	clear bool // some of it is not opaque
}

// decode reads what the browser sent. Pictures that are far larger than the zone are refused before they are unpacked.
func decode(b []byte, zone image.Point, into *picture) (*picture, error) {
	isPNG := bytes.HasPrefix(b, []byte("\x89PNG"))
	config, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if isPNG {
		config, err = png.DecodeConfig(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fmt.Errorf("read the browser's picture: %w", err)
	}
	if config.Width > zone.X+64 || config.Height > zone.Y+64 {
		return nil, fmt.Errorf("the browser drew %d×%d pixels instead of %d×%d", config.Width, config.Height, zone.X, zone.Y)
	}
	var m image.Image
	if isPNG {
		m, err = png.Decode(bytes.NewReader(b))
	} else {
		m, err = jpeg.Decode(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fmt.Errorf("read the browser's picture: %w", err)
	}
	out := into
	size := m.Bounds().Size()
	if out == nil || out.size != size {
		out = &picture{pix: make([]byte, size.X*size.Y*4), size: size}
	}
	out.clear = false
	switch m := m.(type) {
	case *image.YCbCr:
		out.bands(func(from, to int) bool { out.fromYCbCr(m, from, to); return false })
	case *image.NRGBA:
		out.clear = out.bands(func(from, to int) bool { return out.fromNRGBA(m, from, to) })
	case *image.RGBA:
		out.bands(func(from, to int) bool { out.fromRGBA(m, from, to); return false })
	default:
		r := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(r, r.Rect, m, m.Bounds().Min, draw.Src)
		out.fromRGBA(r, 0, size.Y)
	}
	return out, nil
}

// bands works on the upper and the lower half at once.
func (p *picture) bands(work func(from, to int) bool) bool {
	var lower bool
	var wait sync.WaitGroup
	wait.Go(func() { lower = work(p.size.Y/2, p.size.Y) })
	upper := work(0, p.size.Y/2)
	wait.Wait()
	return upper || lower
}

// fromYCbCr converts as JFIF says, in 16.16 fixed point like package image/color.
func (p *picture) fromYCbCr(m *image.YCbCr, from, to int) {
	for y := from; y < to; y++ {
		row := p.pix[y*p.size.X*4 : (y+1)*p.size.X*4]
		for x := range p.size.X {
			yi, ci := m.YOffset(x, y), m.COffset(x, y)
			yy, cb, cr := int32(m.Y[yi])*0x10101, int32(m.Cb[ci])-128, int32(m.Cr[ci])-128
			r, g, b := (yy+91881*cr)>>16, (yy-22554*cb-46802*cr)>>16, (yy+116130*cb)>>16
			binary.LittleEndian.PutUint32(row[x*4:], uint32(byteOf(b))|uint32(byteOf(g))<<8|uint32(byteOf(r))<<16|0xff000000)
		}
	}
}

func byteOf(v int32) uint8 { return uint8(min(max(v, 0), 255)) }

func (p *picture) fromNRGBA(m *image.NRGBA, from, to int) (clear bool) {
	for y := from; y < to; y++ {
		row := p.pix[y*p.size.X*4 : (y+1)*p.size.X*4]
		src := m.Pix[y*m.Stride : y*m.Stride+p.size.X*4]
		for i := 0; i < len(row); i += 4 {
			r, g, b, a := uint32(src[i]), uint32(src[i+1]), uint32(src[i+2]), uint32(src[i+3])
			if a != 0xff {
				clear = true
				r, g, b = (r*a+127)/255, (g*a+127)/255, (b*a+127)/255
			}
			binary.LittleEndian.PutUint32(row[i:], b|g<<8|r<<16|a<<24)
		}
	}
	return clear
}

func (p *picture) fromRGBA(m *image.RGBA, from, to int) {
	for y := from; y < to; y++ {
		row := p.pix[y*p.size.X*4 : (y+1)*p.size.X*4]
		src := m.Pix[y*m.Stride : y*m.Stride+p.size.X*4]
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2], row[i+3] = src[i+2], src[i+1], src[i], src[i+3]
		}
	}
}

// draw puts the picture into a zone. They are of one size but for the rounding of a scaled canvas: what is missing then is
// the last column or row once more.
func (p *picture) draw(pix []byte, stride int, size image.Point) {
	for y := range size.Y {
		row := pix[y*stride : y*stride+size.X*4]
		from := min(y, p.size.Y-1) * p.size.X * 4
		n := copy(row, p.pix[from:from+p.size.X*4])
		for ; n < len(row); n += 4 {
			copy(row[n:n+4], row[n-4:n])
		}
	}
}
