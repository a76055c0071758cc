package media

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"

	"vitrine/render/child"
	"vitrine/render/scene"
)

// IsSVG tells whether a file that begins with head is a drawing in SVG.
func IsSVG(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if !bytes.HasPrefix(text, []byte("<")) {
		return false
	}
	i := bytes.Index(text, []byte("<svg"))
	return i >= 0 && !bytes.Contains(bytes.ToLower(text[:i]), []byte("<html"))
}

// svg draws an SVG as librsvg does: without scripts, and without anything that it names outside of itself.
func svg(ctx context.Context, text []byte, zone image.Point, fit scene.Fit) (*image.RGBA, error) {
	natural, err := SVGSize(text)
	if err != nil {
		return nil, err
	}
	if natural == (image.Point{}) {
		img, err := drawSVG(ctx, text)
		if err != nil {
			return nil, err
		}
		natural = img.Rect.Size()
	}
	drawn, _, _ := fill(natural, zone, fit)
	img, err := drawSVG(ctx, text, "-w", strconv.Itoa(drawn.X), "-h", strconv.Itoa(drawn.Y))
	if err != nil {
		return nil, err
	}
	return fitted(img, natural, zone, fit), nil
}

func drawSVG(ctx context.Context, text []byte, args ...string) (*image.RGBA, error) {
	out, err := child.Run(ctx, child.Job{Program: "rsvg-convert", Package: "librsvg2-bin", Args: append(args, "-f", "png"),
		Stdin: bytes.NewReader(text), Output: 4 * maxPixels})
	if err != nil {
		return nil, fmt.Errorf("the drawing cannot be shown: %w", err)
	}
	c, err := png.DecodeConfig(bytes.NewReader(out))
	if err != nil || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return nil, errors.Join(errors.New("the drawing cannot be shown: give it a width, a height and a viewBox"), err)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("the drawing cannot be shown: %w", err)
	}
	rgba := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
	return rgba, nil
}

// SVGSize is the size that a drawing says it has, in CSS pixels; zero when it says none. The error is a sentence.
func SVGSize(text []byte) (image.Point, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names and numbers are ASCII in all
	for {
		tok, err := d.Token()
		if err != nil {
			return image.Point{}, errors.New("it is no drawing that can be read: export it again")
		}
		root, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if root.Name.Local != "svg" {
			return image.Point{}, errors.New("it is no drawing, though it has one in it: export it again")
		}
		return sizeOf(root.Attr), nil
	}
}

func sizeOf(attrs []xml.Attr) image.Point {
	var w, h float64
	var box []string
	for _, a := range attrs {
		switch a.Name.Local {
		case "width":
			w = pixels(a.Value)
		case "height":
			h = pixels(a.Value)
		case "viewBox":
			box = strings.FieldsFunc(a.Value, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) })
		}
	}
	if len(box) == 4 {
		bw, bh := pixels(box[2]), pixels(box[3])
		switch {
		case bw > 0 && bh > 0 && w > 0 && h == 0:
			h = w * bh / bw
		case bw > 0 && bh > 0 && h > 0 && w == 0:
			w = h * bw / bh
		case w == 0 && h == 0:
			w, h = bw, bh
		}
	}
	if w <= 0 || h <= 0 {
		return image.Point{}
	}
	if small := min(w, h); small < 100 { // its proportions matter, not its rounding
		w, h = w*100/small, h*100/small
	}
	if large := max(w, h); large > 1<<20 {
		w, h = max(1, w*(1<<20)/large), max(1, h*(1<<20)/large)
	}
	return image.Pt(int(w+0.5), int(h+0.5))
}

// pixels reads a length of CSS; zero when it is none, or one that depends on what is around it.
func pixels(s string) float64 {
	s = strings.TrimSpace(s)
	factor := 1.0
	for unit, f := range map[string]float64{"px": 1, "pt": 96.0 / 72, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			s, factor = rest, f
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > 1e9 {
		return 0
	}
	return v * factor
}
