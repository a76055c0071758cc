package media

import (
	"image"

	xdraw "golang.org/x/image/draw"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func place(natural, room image.Point, fit scene.Fit) (from, to image.Rectangle) {
	return paint.Place(natural, room, fit)
}

// scaler fits frames of one size into frames of another, and keeps what that takes.
type scaler struct {
	exact    xdraw.Scaler // for reductions, where the quick one would skip pixels
	from, to image.Point
	work     *image.RGBA
}

// scale fits a canvas into size, using the memory of spare when it has the size.
func (s *scaler) scale(src *image.RGBA, size image.Point, fit scene.Fit, spare shot) shot {
	if fit == scene.Contain {
		fit = scene.Stretch // size has the proportions already
	}
	part, _ := place(src.Rect.Size(), size, fit)
	out := spare
	if out.size != size {
		out = shot{pix: make([]byte, size.X*size.Y*4), size: size}
	}
	from := src.SubImage(part).(*image.RGBA)
	if part.Size() != size {
		if s.work == nil || s.work.Rect.Size() != size {
			s.work = image.NewRGBA(image.Rectangle{Max: size})
		}
		s.resize(s.work, from)
		from = s.work
	}
	for y := range size.Y {
		row, to := from.Pix[y*from.Stride:][:size.X*4], out.pix[y*size.X*4:][:size.X*4]
		for i := 0; i < len(row); i += 4 {
			to[i], to[i+1], to[i+2], to[i+3] = row[i+2], row[i+1], row[i], row[i+3]
		}
	}
	return out
}

func (s *scaler) resize(dst, src *image.RGBA) {
	from, to := src.Rect.Size(), dst.Rect.Size()
	if from.X <= 2*to.X && from.Y <= 2*to.Y {
		xdraw.ApproxBiLinear.Scale(dst, dst.Rect, src, src.Rect, xdraw.Src, nil)
		return
	}
	if s.exact == nil || s.from != from || s.to != to {
		s.exact, s.from, s.to = xdraw.BiLinear.NewScaler(to.X, to.Y, from.X, from.Y), from, to
	}
	s.exact.Scale(dst, dst.Rect, src, src.Rect, xdraw.Src, nil)
}

// stretch makes a shot of another size of one that is there: the order of the colours does not matter to it.
func (s *scaler) stretch(old shot, size image.Point) shot {
	out := shot{pix: make([]byte, size.X*size.Y*4), size: size}
	src := &image.RGBA{Pix: old.pix, Stride: old.size.X * 4, Rect: image.Rectangle{Max: old.size}}
	s.resize(&image.RGBA{Pix: out.pix, Stride: size.X * 4, Rect: image.Rectangle{Max: size}}, src)
	return out
}
