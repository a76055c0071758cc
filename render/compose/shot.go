package compose

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"

	"vitrine/render/output"
	"vitrine/render/pipe"
)

// shoot writes a picture of what the screen shows, read back from the screen itself.
func (s *Stage) shoot(c pipe.Command) {
	go func() {
		r := pipe.Report{Ev: pipe.EvShot, ID: c.ID, Path: c.Path}
		if err := s.writeShot(c.Path, c.Width); err != nil {
			r.Error = fmt.Sprintf("no picture of the screen: %s", err)
		}
		s.report(r)
	}()
}

func (s *Stage) writeShot(path string, width int) error {
	img, err := s.out.Shot()
	if err != nil {
		return err
	}
	if size := img.Bounds().Size(); width > 0 && width < size.X {
		small := image.NewRGBA(image.Rect(0, 0, width, max(1, size.Y*width/size.X)))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
		img = small
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".shot-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	if strings.EqualFold(filepath.Ext(path), ".png") {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, img)
	} else {
		err = jpeg.Encode(f, img, &jpeg.Options{Quality: 85})
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// correct has the screen change the colours of all that it shows.
func (s *Stage) correct(p *pipe.Picture) {
	o, can := s.out.(interface {
		Correct(output.Picture) error
	})
	if p == nil {
		p = &pipe.Picture{}
	}
	err := errors.New("the colours of this screen cannot be corrected")
	if can {
		err = o.Correct(output.Picture(*p))
	}
	if err != nil {
		s.report(pipe.Report{Ev: pipe.EvFailed, Error: err.Error()})
		return
	}
	s.soil(image.Rectangle{Max: s.size})
}
