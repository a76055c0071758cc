package folder

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"vitrine/render/animation"
	"vitrine/render/child"
	"vitrine/render/media"
	"vitrine/render/scene"
)

// maxPictureArea is the most pixels that a player decodes of a picture.
const maxPictureArea = 100_000_000

// picture checks the size of a picture, its end, and whether it moves.
func (m *medium) picture(f io.ReadSeeker) error {
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return err
	}
	switch {
	case c.Width < 1 || c.Height < 1:
		return errors.New("it has no pixels")
	case c.Width > maxSide || c.Height > maxSide:
		return fmt.Errorf("it has %d x %d pixels, %d each way are the most: reduce it", c.Width, c.Height, maxSide)
	case c.Width*c.Height > maxPictureArea:
		return fmt.Errorf("it has %d x %d pixels, %d million are the most: reduce it", c.Width, c.Height, maxPictureArea/1_000_000)
	}
	if err := pictureEnd(f, m.mime, m.size); err != nil {
		return err
	}
	at, ok := f.(io.ReaderAt)
	if m.mime == "image/jpeg" || !ok {
		return nil
	}
	a, err := animation.Open(at, m.size)
	switch {
	case errors.Is(err, animation.ErrStill):
		return nil
	case err != nil:
		return err
	}
	if err := a.NewCanvas().Next(); err != nil {
		return err
	}
	m.moves, m.length = true, a.Length()
	m.what = map[string]string{"image/gif": "an animated GIF", "image/png": "an animated PNG", "image/webp": "an animated WebP"}[m.mime]
	return nil
}

// drawing finds SVG, compressed or not, and has it drawn once where that can be done here.
func (m *medium) drawing(f *os.File, head []byte) (bool, error) {
	packed := bytes.HasPrefix(head, []byte("\x1f\x8b"))
	if packed {
		z, err := gzip.NewReader(io.NewSectionReader(f, 0, m.size))
		if err != nil {
			return false, nil
		}
		unpacked := make([]byte, 4096)
		n, _ := io.ReadFull(z, unpacked)
		head = unpacked[:n]
	}
	if !media.IsSVG(head) {
		return false, nil
	}
	m.mime, m.what = "image/svg+xml", "an SVG drawing"
	path, err := filepath.Abs(f.Name())
	if err != nil {
		return true, err
	}
	_, err = media.Picture(context.Background(), scene.Item{Kind: scene.Image, Src: path, Fit: scene.Contain}, image.Pt(256, 256))
	var missing *child.MissingError
	if errors.As(err, &missing) {
		m.doubt = fmt.Sprintf("%s could not be tried: %v", m.path, missing)
		return true, nil
	}
	return true, err
}
