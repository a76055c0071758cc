// Package media answers: what does an item look like that is neither a photograph nor a video?
//
//	SVG ──rsvg-convert──┐
//	PDF ──pdftoppm──────┼─ Picture: pixels of the zone, sharp ──> compose
//	PNG, JPEG … ─paint──┘
//	GIF, APNG, WebP ────── Animation: frames at their times, with alpha ──> compose
//	HLS, UDP, RTSP … ───── Stream: a libmpv that is watched, and begun again when it stands still ──> compose
//
// The two programs are children with limits (package child): a drawing that is an attack costs a child. Where one is
// missing, the items that need it say so, and all others play.
package media

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"os"

	xdraw "golang.org/x/image/draw"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// Bounds of a drawing or a page.
const (
	maxSide    = 16384    // pixels of what a program draws
	maxPixels  = 64 << 20 // …
	maxDrawing = 32 << 20 // bytes of an SVG, unpacked
	maxPDF     = 512 << 20
)

// Picture is a still item fitted into exactly size: an image of any kind, or a page of a document. What Contain leaves
// free is transparent. The error says which file, and what to do.
func Picture(ctx context.Context, item scene.Item, size image.Point) (*image.RGBA, error) {
	if size.X < 1 || size.Y < 1 || size.X > maxSide || size.Y > maxSide || size.X*size.Y > maxPixels {
		return nil, fmt.Errorf("%s cannot be fitted into %d×%d pixels", item.Src, size.X, size.Y)
	}
	var out *image.RGBA
	file, err := open(item.Src)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if item.Kind == scene.Page {
		if out, err = page(ctx, file, item.Page, size, item.Fit); err != nil {
			return nil, fmt.Errorf("page %d of %s: %w", item.Page, item.Src, err)
		}
		return out, nil
	}
	switch drawing, err := unpack(file); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", item.Src, err)
	case drawing != nil:
		out, err = svg(ctx, drawing, size, item.Fit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", item.Src, err)
		}
	default:
		return paint.Fitted(item.Src, size, item.Fit)
	}
	return out, nil
}

func open(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the picture cannot be opened: %w", err)
	}
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxPDF {
		return nil, errors.Join(fmt.Errorf("%s must be a file of at most %d MiB", path, maxPDF>>20), err, file.Close())
	}
	return file, nil
}

// unpack is an SVG's text, nil when the file is none. The file is at its beginning again.
func unpack(file *os.File) ([]byte, error) {
	head := make([]byte, 4096)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	head = head[:n]
	var from io.Reader = file
	if packed := bytes.HasPrefix(head, []byte("\x1f\x8b")); packed {
		if from, err = gzip.NewReader(file); err != nil {
			return nil, errors.New("it is damaged: export it again")
		}
	} else if !IsSVG(head) {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(from, maxDrawing+1))
	switch {
	case err != nil:
		return nil, errors.New("it is cut short or damaged: export it again")
	case len(text) > maxDrawing:
		return nil, fmt.Errorf("its drawing has more than %d MiB: simplify it, or export it as PNG", maxDrawing>>20)
	case !IsSVG(text[:min(len(text), 4096)]):
		return nil, errors.New("it is a compressed file, but no drawing: unpack it")
	}
	return text, nil
}

// fill is what a program must draw for a fit: all of the picture at a size that needs no enlarging, and where of it and
// into which part of the zone.
func fill(natural, zone image.Point, fit scene.Fit) (drawn image.Point, from, to image.Rectangle) {
	from, to = paint.Place(natural, zone, fit)
	scale := max(float64(to.Dx())/float64(from.Dx()), float64(to.Dy())/float64(from.Dy()))
	scale = min(scale, maxSide/float64(natural.X), maxSide/float64(natural.Y))
	if area := float64(natural.X) * float64(natural.Y) * scale * scale; area > maxPixels {
		scale *= maxPixels / area // a sliver: less sharp, but there
	}
	drawn = image.Pt(max(1, int(float64(natural.X)*scale+0.5)), max(1, int(float64(natural.Y)*scale+0.5)))
	return drawn, from, to
}

// fitted cuts what was drawn to the zone, and scales it only where the fit loses the proportions.
func fitted(img *image.RGBA, natural, zone image.Point, fit scene.Fit) *image.RGBA {
	size := img.Rect.Size()
	from, to := paint.Place(size, zone, fit)
	if fit == scene.Contain { // of the exact proportions, not of those that were rounded
		_, to = paint.Place(natural, zone, fit)
		from = img.Rect
	}
	if from == img.Rect && to.Size() == size && to == (image.Rectangle{Max: zone}) {
		return img
	}
	out := image.NewRGBA(image.Rectangle{Max: zone})
	if from.Size() == to.Size() {
		draw.Draw(out, to, img, from.Min, draw.Src)
	} else {
		xdraw.CatmullRom.Scale(out, to, img, from, draw.Src, nil)
	}
	return out
}
