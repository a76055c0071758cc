package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"regexp"
	"strconv"

	"vitrine/render/child"
	"vitrine/render/scene"
)

// poppler is the Debian package of the two programs that read documents.
const poppler = "poppler-utils"

// page draws a page of a PDF as poppler does.
func page(ctx context.Context, file *os.File, number int, zone image.Point, fit scene.Fit) (*image.RGBA, error) {
	n := strconv.Itoa(max(1, number))
	natural, err := pageSize(ctx, file, n)
	if err != nil {
		return nil, err
	}
	drawn, _, _ := fill(natural, zone, fit)
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	// Its own scaling to a size is wrong on pages that are turned: a resolution is not, and the box cuts the rounding off.
	dpi := 7200 * max(float64(drawn.X)/float64(natural.X), float64(drawn.Y)/float64(natural.Y))
	out, err := child.Run(ctx, child.Job{Program: "pdftoppm", Package: poppler, Stdin: file, Memory: 2 << 30, Output: 4 * maxPixels,
		Args: []string{"-q", "-f", n, "-l", n, "-singlefile", "-cropbox", "-r", strconv.FormatFloat(dpi, 'f', 6, 64),
			"-x", "0", "-y", "0", "-W", strconv.Itoa(drawn.X), "-H", strconv.Itoa(drawn.Y), "-"}})
	if err != nil {
		return nil, fmt.Errorf("the document cannot be shown: %w", err)
	}
	img, err := readPPM(out)
	if err != nil {
		return nil, err
	}
	return fitted(img, natural, zone, fit), nil
}

// pageSize is a page's proportions, upright, in hundredths of a point.
func pageSize(ctx context.Context, file *os.File, n string) (image.Point, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return image.Point{}, err
	}
	out, err := child.Run(ctx, child.Job{Program: "pdfinfo", Package: poppler, Args: []string{"-f", n, "-l", n, "-"}, Stdin: file, Memory: 2 << 30, Output: 1 << 20})
	if err != nil {
		return image.Point{}, fmt.Errorf("the document cannot be read: %w", err)
	}
	m := regexp.MustCompile(`(?m)^Page +` + n + ` size: +([0-9.e+]+) x ([0-9.e+]+) pts`).FindSubmatch(out)
	if m == nil {
		return image.Point{}, errors.New("the document has no such page")
	}
	w, _ := strconv.ParseFloat(string(m[1]), 64)
	h, _ := strconv.ParseFloat(string(m[2]), 64)
	if !(w > 0 && h > 0 && w < 1e6 && h < 1e6) {
		return image.Point{}, errors.New("the page has no size: export the document again")
	}
	if r := regexp.MustCompile(`(?m)^Page +` + n + ` rot: +(90|270)`); r.Match(out) {
		w, h = h, w
	}
	return image.Pt(max(1, int(w*100)), max(1, int(h*100))), nil
}

// readPPM reads a binary PPM with 8 bits a colour.
func readPPM(b []byte) (*image.RGBA, error) {
	var w, h, most int
	bad := errors.New("the document's page could not be drawn: export it again")
	if _, err := fmt.Fscanf(bytes.NewReader(b[:min(len(b), 100)]), "P6\n%d %d\n%d\n", &w, &h, &most); err != nil || most != 255 {
		return nil, bad
	}
	if w < 1 || h < 1 || w > maxSide || h > maxSide || len(b) < w*h*3 {
		return nil, bad
	}
	pix := b[len(b)-w*h*3:]
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, j := 0, 0; j < len(pix); i, j = i+4, j+3 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = pix[j], pix[j+1], pix[j+2], 255
	}
	return img, nil
}

// Pages counts the pages of a PDF. The error is a sentence; a *child.MissingError is among them.
func Pages(ctx context.Context, file *os.File) (int, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	out, err := child.Run(ctx, child.Job{Program: "pdfinfo", Package: poppler, Args: []string{"-"}, Stdin: file, Memory: 2 << 30, Output: 1 << 20})
	if err != nil {
		if bytes.Contains([]byte(err.Error()), []byte("Incorrect password")) {
			return 0, errors.New("the document wants a password: save it without one")
		}
		return 0, fmt.Errorf("the document cannot be read: %w", err)
	}
	m := regexp.MustCompile(`(?m)^Pages: +([0-9]+)`).FindSubmatch(out)
	if m == nil {
		return 0, errors.New("the document has no pages")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil || n < 1 {
		return 0, errors.New("the document has no pages")
	}
	return n, nil
}
