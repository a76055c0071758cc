package paint_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func red() color.RGBA   { return color.RGBA{R: 0xff, A: 0xff} }
func green() color.RGBA { return color.RGBA{G: 0xff, A: 0xff} }
func blue() color.RGBA  { return color.RGBA{B: 0xff, A: 0xff} }
func white() color.RGBA { return color.RGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff} }

// quarters is a picture with a colour in each quarter: red, green over blue, white.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(image.Rect(0, 0, w/2, h/2), red())
	fill(image.Rect(w/2, 0, w, h/2), green())
	fill(image.Rect(0, h/2, w/2, h), blue())
	fill(image.Rect(w/2, h/2, w, h), white())
	return img
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t *testing.T, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, img) })
}

// oriented is a JPEG with an EXIF orientation.
func oriented(t *testing.T, img image.Image, order binary.AppendByteOrder, orientation uint16) []byte {
	t.Helper()
	plain := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, img, &jpeg.Options{Quality: 95}) })
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x0100, 77}, {0x0112, orientation}} {
		tiff = order.AppendUint16(tiff, e[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, e[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return append(append(out, body...), plain[2:]...)
}

// near says whether a pixel has nearly a colour.
func near(img image.Image, x, y int, want color.RGBA) bool {
	got := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
	d := func(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
	return d(got.R, want.R) < 40 && d(got.G, want.G) < 40 && d(got.B, want.B) < 40 && d(got.A, want.A) < 10
}

// corners checks the colours near the corners: top left, top right, bottom left, bottom right.
func corners(t *testing.T, img image.Image, want [4]color.RGBA) {
	t.Helper()
	b := img.Bounds()
	for i, p := range []image.Point{{b.Min.X + 2, b.Min.Y + 2}, {b.Max.X - 3, b.Min.Y + 2}, {b.Min.X + 2, b.Max.Y - 3}, {b.Max.X - 3, b.Max.Y - 3}} {
		if !near(img, p.X, p.Y, want[i]) {
			t.Errorf("corner %d is %v, want %v", i, img.At(p.X, p.Y), want[i])
		}
	}
}

func TestPhotographsAreTurnedAsTheCameraSays(t *testing.T) {
	r, g, b, w := red(), green(), blue(), white()
	for orientation, want := range map[uint16][4]color.RGBA{
		0: {r, g, b, w}, 1: {r, g, b, w}, 2: {g, r, w, b}, 3: {w, b, g, r}, 4: {b, w, r, g},
		5: {r, b, g, w}, 6: {b, r, w, g}, 7: {w, g, b, r}, 8: {g, w, r, b}, 9: {r, g, b, w},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			path := write(t, "photo.jpg", oriented(t, quarters(64, 32), order, orientation))
			size := image.Pt(64, 32)
			if orientation >= 5 && orientation <= 8 {
				size = image.Pt(32, 64)
			}
			img, err := paint.Picture(path, image.Point{})
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Size() != size {
				t.Fatalf("orientation %d: size %v, want %v", orientation, img.Bounds().Size(), size)
			}
			corners(t, img, want)
			half, err := paint.Picture(path, size.Div(2))
			if err != nil || half.Bounds().Size() != size.Div(2) {
				t.Fatalf("orientation %d reduced: %v, %v", orientation, half.Bounds(), err)
			}
			corners(t, half, want)
			fitted, err := paint.Fitted(path, image.Pt(40, 40), scene.Cover)
			if err != nil {
				t.Fatal(err)
			}
			corners(t, fitted, want)
		}
	}
}

func TestPicturesOfEveryKind(t *testing.T) {
	alpha := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	draw.Draw(alpha, image.Rect(0, 0, 8, 16), image.NewUniform(color.NRGBA{R: 0xff, A: 0x80}), image.Point{}, draw.Src)
	moving := &gif.GIF{Delay: []int{1, 1}, Config: image.Config{Width: 16, Height: 16}}
	for _, c := range []color.Color{red(), blue()} {
		frame := image.NewPaletted(image.Rect(0, 0, 16, 16), palette.Plan9)
		draw.Draw(frame, frame.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		moving.Image = append(moving.Image, frame)
	}
	webp := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	none := color.RGBA{}
	for _, c := range []struct {
		name        string
		data        []byte
		left, right color.RGBA
	}{
		{"a PNG with alpha is premultiplied", pngOf(t, alpha), color.RGBA{R: 0x80, A: 0x80}, none},
		{"a GIF shows its first frame", encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, moving) }), red(), red()},
		{"a lossy WebP", webp("lossy.webp"), red(), blue()},
		{"a lossless WebP", webp("lossless.webp"), red(), blue()},
		{"a JPEG without EXIF", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, quarters(16, 8), nil) }), red(), green()},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The name says nothing: the content does.
			img, err := paint.Picture(write(t, "picture.dat", c.data), image.Point{})
			if err != nil {
				t.Fatal(err)
			}
			if !near(img, 2, 2, c.left) || !near(img, img.Bounds().Max.X-3, 2, c.right) {
				t.Errorf("left %v, right %v", img.At(2, 2), img.At(img.Bounds().Max.X-3, 2))
			}
		})
	}
}

// pngHeader is a PNG that names a size and holds nothing.
func pngHeader(w, h uint32, depth, kind byte) []byte {
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	ihdr = append(ihdr, depth, kind, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, ihdr...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(ihdr))
}

func TestPicturesThatWouldHarmAreRefusedWithAReason(t *testing.T) {
	good := pngOf(t, quarters(16, 16))
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"a picture of 2,500 megapixels", pngHeader(50000, 50000, 8, 2), "too many"},
		{"90 megapixels of 16 bits", pngHeader(9500, 9500, 16, 6), "too many"},
		{"a picture without width", pngHeader(0, 10, 8, 2), "header"},
		{"a picture cut short", good[:len(good)/2], "decoded"},
		{"a text", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "not a PNG"},
		{"nothing", nil, "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "bad.png", c.data)
			img, err := paint.Picture(path, image.Point{})
			if err == nil || img != nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("picture %v, error %v; it must say %q and name the file", img, err, c.says)
			}
		})
	}
	if _, err := paint.Picture(t.TempDir(), image.Point{}); err == nil {
		t.Error("a directory was taken for a picture")
	}
	if _, err := paint.Picture("/dev/zero", image.Point{}); err == nil {
		t.Error("a device was taken for a picture")
	}
}

func TestFitting(t *testing.T) {
	path := write(t, "wide.png", pngOf(t, quarters(200, 100)))
	for _, c := range []struct {
		name   string
		fit    scene.Fit
		size   image.Point
		filled image.Rectangle // of the zone
		mid    int             // column where red changes to green
	}{
		{"cover crops the sides", scene.Cover, image.Pt(50, 50), image.Rect(0, 0, 50, 50), 25},
		{"cover is the default", "", image.Pt(50, 50), image.Rect(0, 0, 50, 50), 25},
		{"contain leaves bars", scene.Contain, image.Pt(50, 50), image.Rect(0, 13, 50, 37), 25},
		{"contain enlarges", scene.Contain, image.Pt(400, 400), image.Rect(0, 100, 400, 300), 200},
		{"stretch loses the proportions", scene.Stretch, image.Pt(50, 90), image.Rect(0, 0, 50, 90), 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := paint.Fitted(path, c.size, c.fit)
			if err != nil {
				t.Fatal(err)
			}
			if img.Rect != (image.Rectangle{Max: c.size}) {
				t.Fatalf("the surface is %v", img.Rect)
			}
			y := c.filled.Min.Y + 3
			if !near(img, c.mid-4, y, red()) || !near(img, c.mid+4, y, green()) {
				t.Errorf("at %d: %v, %v", c.mid, img.At(c.mid-4, y), img.At(c.mid+4, y))
			}
			if c.filled.Min.Y > 0 && img.RGBAAt(c.mid, c.filled.Min.Y-3).A != 0 {
				t.Error("the bar above is not transparent")
			}
			corners(t, img.SubImage(c.filled), [4]color.RGBA{red(), green(), blue(), white()})
		})
	}
}

func TestLargeReductionsKeepTheMean(t *testing.T) {
	board := image.NewRGBA(image.Rect(0, 0, 1000, 1000))
	for y := range 1000 {
		for x := range 1000 {
			if (x+y)%2 == 0 {
				board.SetRGBA(x, y, white())
			} else {
				board.SetRGBA(x, y, color.RGBA{A: 0xff})
			}
		}
	}
	img, err := paint.Picture(write(t, "board.png", pngOf(t, board)), image.Pt(37, 37))
	if err != nil {
		t.Fatal(err)
	}
	for y := range 37 {
		for x := range 37 {
			if !near(img, x, y, color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff}) {
				t.Fatalf("pixel %d, %d of a fine chessboard is %v, want grey", x, y, img.At(x, y))
			}
		}
	}
}

func FuzzPicture(f *testing.F) {
	var b bytes.Buffer
	jpeg.Encode(&b, quarters(16, 16), nil) //nolint:errcheck // into memory
	f.Add(b.Bytes())
	f.Add(pngHeader(50000, 50000, 8, 2))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x20Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		path := filepath.Join(dir, "fuzz")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		img, err := paint.Picture(path, image.Pt(64, 64))
		if (img == nil) == (err == nil) {
			t.Errorf("picture %v, error %v", img, err)
		}
		if err == nil && (img.Bounds().Dx() > 64 || img.Bounds().Dy() > 64 || img.Bounds().Empty()) {
			t.Errorf("size %v", img.Bounds())
		}
	})
}
