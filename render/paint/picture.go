package paint

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"vitrine/render/scene"
)

// What a picture may cost. A file of a few kilobytes can name a picture of gigabytes: its header is read first.
const (
	maxPicturePixels = 100_000_000
	maxPictureBytes  = 640 << 20 // while it is decoded
	maxPictureFile   = 512 << 20
)

// Picture reads a PNG, JPEG (turned upright as its EXIF data say), WebP or GIF (its first frame). Where limit is not
// zero, a picture that is larger is reduced, proportions kept, until it fits into limit. The error says which file, and
// what to do.
func Picture(path string, limit image.Point) (image.Image, error) {
	img, orientation, err := decode(path)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	if orientation >= 5 {
		size = image.Pt(size.Y, size.X)
	}
	want := size
	if limit.X > 0 && limit.Y > 0 && (size.X > limit.X || size.Y > limit.Y) {
		want = inside(size, limit)
	}
	return turn(reduce(img, img.Bounds(), unturned(want, orientation)), orientation), nil
}

// Fitted reads a picture as Picture does and fits it into a surface of exactly size: what Contain leaves free is
// transparent.
func Fitted(path string, size image.Point, fit scene.Fit) (*image.RGBA, error) {
	if size.X < 1 || size.Y < 1 || size.X*size.Y > maxPixels {
		return nil, fmt.Errorf("picture %s cannot be fitted into %d×%d pixels", path, size.X, size.Y)
	}
	img, orientation, err := decode(path)
	if err != nil {
		return nil, err
	}
	natural := img.Bounds().Size()
	if orientation >= 5 {
		natural = image.Pt(natural.Y, natural.X)
	}
	src, dst := Place(natural, size, fit)
	src = turnRect(src, natural, orientation).Add(img.Bounds().Min)
	piece := turn(reduce(img, src, unturned(dst.Size(), orientation)), orientation)
	if dst == (image.Rectangle{Max: size}) {
		return piece, nil
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, dst, piece, piece.Rect.Min, draw.Src)
	return out, nil
}

// Place says which part of a medium of size src is shown, and where in a zone of size dst.
func Place(src, dst image.Point, fit scene.Fit) (from, to image.Rectangle) {
	from, to = image.Rectangle{Max: src}, image.Rectangle{Max: dst}
	switch fit {
	case scene.Stretch:
	case scene.Contain:
		size := inside(src, dst)
		at := dst.Sub(size).Div(2)
		to = image.Rectangle{Min: at, Max: at.Add(size)}
	default:
		size := inside(dst, src)
		at := src.Sub(size).Div(2)
		from = image.Rectangle{Min: at, Max: at.Add(size)}
	}
	return from, to
}

// inside is the largest size with the proportions of a that fits into b; each side is at least 1.
func inside(a, b image.Point) image.Point {
	if int64(a.X)*int64(b.Y) >= int64(b.X)*int64(a.Y) {
		return image.Pt(b.X, max(1, int((int64(a.Y)*int64(b.X)+int64(a.X)/2)/int64(a.X))))
	}
	return image.Pt(max(1, int((int64(a.X)*int64(b.Y)+int64(a.Y)/2)/int64(a.Y))), b.Y)
}

// decode opens, bounds and decodes a picture; orientation is EXIF's, 1 to 8.
func decode(path string) (image.Image, int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("picture cannot be opened: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("picture cannot be opened: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxPictureFile {
		return nil, 0, fmt.Errorf("picture %s must be a file of at most %d MB", path, maxPictureFile>>20)
	}
	img, orientation, err := decodeFrom(file)
	if err != nil {
		return nil, 0, fmt.Errorf("picture %s: %w", path, err)
	}
	return img, orientation, nil
}

// decodeFrom decodes a picture by its first bytes, not its name.
func decodeFrom(r io.ReadSeeker) (img image.Image, orientation int, err error) {
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("it is damaged (%v): export it again", p)
		}
	}()
	var magic [12]byte
	n, err := io.ReadFull(r, magic[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, errors.New("it is empty: export it again")
	}
	read, config, head := codec(magic[:n])
	if read == nil {
		return nil, 0, errors.New("it is not a PNG, JPEG, WebP or GIF: export it as one of these")
	}
	again := func() *bufio.Reader {
		r.Seek(0, io.SeekStart) //nolint:errcheck // the read that follows fails
		return bufio.NewReaderSize(r, 1<<16)
	}
	orientation, perPixel := 1, int64(4)
	if head {
		h := readJPEGHead(again())
		orientation = h.orientation
		if h.progressive { // coefficients of 4 bytes beside the samples
			perPixel = 15
		}
	}
	cfg, err := config(again())
	if err != nil {
		return nil, 0, fmt.Errorf("its header cannot be read, export it again: %w", err)
	}
	if cfg.ColorModel == color.NRGBA64Model || cfg.ColorModel == color.RGBA64Model {
		perPixel = 8
	}
	pixels := int64(cfg.Width) * int64(cfg.Height)
	if cfg.Width < 1 || cfg.Height < 1 || pixels > maxPicturePixels || pixels*perPixel > maxPictureBytes {
		return nil, 0, fmt.Errorf("it has %d×%d pixels, too many for a player's memory: reduce it to the screen's size", cfg.Width, cfg.Height)
	}
	img, err = read(again())
	if err != nil {
		return nil, 0, fmt.Errorf("it cannot be decoded, export it again: %w", err)
	}
	return img, orientation, nil
}

type (
	decoder      func(io.Reader) (image.Image, error)
	configReader func(io.Reader) (image.Config, error)
)

// codec picks the decoder; jpeg says that the file has JPEG segments to look into.
func codec(magic []byte) (d decoder, c configReader, isJPEG bool) {
	has := func(at int, s string) bool { return len(magic) >= at+len(s) && string(magic[at:at+len(s)]) == s }
	switch {
	case has(0, "\x89PNG\r\n\x1a\n"):
		return png.Decode, png.DecodeConfig, false
	case has(0, "\xff\xd8\xff"):
		return jpeg.Decode, jpeg.DecodeConfig, true
	case has(0, "RIFF") && has(8, "WEBP"):
		return webp.Decode, webp.DecodeConfig, false
	case has(0, "GIF8"):
		return gif.Decode, gif.DecodeConfig, false
	}
	return nil, nil, false
}

// reduce scales the part r of a picture to a size. Large reductions go by boxes of whole pixels first: a wide filter
// over a large photograph would cost seconds and hundreds of megabytes.
func reduce(img image.Image, r image.Rectangle, size image.Point) *image.RGBA {
	kx, ky := max(1, 2*r.Dx()/(3*size.X)), max(1, 2*r.Dy()/(3*size.Y))
	if kx > 1 || ky > 1 {
		img = boxes(img, r, kx, ky)
		r = img.Bounds()
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	if r.Size() == size {
		draw.Draw(dst, dst.Rect, img, r.Min, draw.Src)
		return dst
	}
	xdraw.CatmullRom.Scale(dst, dst.Rect, img, r, draw.Src, nil)
	return dst
}

// boxes averages boxes of kx × ky pixels, strip by strip.
func boxes(img image.Image, r image.Rectangle, kx, ky int) *image.RGBA {
	w, h := r.Dx()/kx, r.Dy()/ky
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	strip := image.NewRGBA(image.Rect(0, 0, r.Dx(), ky))
	n := uint32(kx * ky)
	for y := range h {
		draw.Draw(strip, strip.Rect, img, image.Pt(r.Min.X, r.Min.Y+y*ky), draw.Src)
		row := out.Pix[y*out.Stride:]
		for x := range w {
			var sum [4]uint32
			for j := range ky {
				p := strip.Pix[j*strip.Stride+x*kx*4:]
				for i := range kx * 4 {
					sum[i&3] += uint32(p[i])
				}
			}
			for i := range 4 {
				row[x*4+i] = uint8((sum[i] + n/2) / n)
			}
		}
	}
	return out
}

// unturned is the size before an EXIF orientation is applied.
func unturned(size image.Point, orientation int) image.Point {
	if orientation >= 5 {
		return image.Pt(size.Y, size.X)
	}
	return size
}

// turned maps a point of the stored picture (of size s) to where it is seen (EXIF 2.32, tag 0x0112).
func turned(p, s image.Point, orientation int) image.Point {
	switch orientation {
	case 2:
		return image.Pt(s.X-1-p.X, p.Y)
	case 3:
		return image.Pt(s.X-1-p.X, s.Y-1-p.Y)
	case 4:
		return image.Pt(p.X, s.Y-1-p.Y)
	case 5:
		return image.Pt(p.Y, p.X)
	case 6:
		return image.Pt(s.Y-1-p.Y, p.X)
	case 7:
		return image.Pt(s.Y-1-p.Y, s.X-1-p.X)
	case 8:
		return image.Pt(p.Y, s.X-1-p.X)
	}
	return p
}

// turn applies an orientation.
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	s := img.Rect.Size()
	out := image.NewRGBA(image.Rectangle{Max: unturned(s, orientation)})
	for y := range s.Y {
		for x := range s.X {
			q := turned(image.Pt(x, y), s, orientation)
			copy(out.Pix[out.PixOffset(q.X, q.Y):][:4], img.Pix[img.PixOffset(x, y):])
		}
	}
	return out
}

// turnRect is the part of the stored picture that is seen as r, where the picture is seen with the size natural.
func turnRect(r image.Rectangle, natural image.Point, orientation int) image.Rectangle {
	back := orientation
	switch orientation {
	case 6:
		back = 8
	case 8:
		back = 6
	}
	a := turned(r.Min, natural, back)
	b := turned(r.Max.Sub(image.Pt(1, 1)), natural, back)
	return image.Rect(min(a.X, b.X), min(a.Y, b.Y), max(a.X, b.X)+1, max(a.Y, b.Y)+1)
}
