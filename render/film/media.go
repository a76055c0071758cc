package film

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"time"

	xdraw "golang.org/x/image/draw"

	"vitrine/render/animation"
	"vitrine/render/child"
	"vitrine/render/media"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// ownLength is how long an item is for itself, zero where it has no length or that cannot be found out.
func (f *Film) ownLength(ctx context.Context, it scene.Item) (time.Duration, error) {
	switch it.Kind {
	case scene.Video:
		p, _ := probeVideo(ctx, it.Src) // open says what is wrong
		return p.length, ctx.Err()
	case scene.Animation:
		a, file, err := openAnimation(it.Src)
		if err != nil {
			return 0, err
		}
		return a.Length(), file.Close()
	}
	return 0, nil
}

func openAnimation(path string) (*animation.Animation, *os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("the animation cannot be opened: %w", err)
	}
	st, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	a, err := animation.Open(file, st.Size())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return a, file, nil
}

// open begins an item. What cannot be shown without a renderer is drawn by one, standing still, or as a grey plate; both
// are noted.
func (f *Film) open(ctx context.Context, it scene.Item, size image.Point, length time.Duration) (medium, error) {
	switch it.Kind {
	case scene.Image, scene.Page:
		img, err := media.Picture(ctx, it, size)
		if missing := (*child.MissingError)(nil); errors.As(err, &missing) {
			f.note("%s is drawn as a grey plate: %v", it.Src, err)
			return plate(size), nil
		}
		if err != nil {
			return nil, err
		}
		return still{exactly(img, size)}, nil
	case scene.Animation:
		return newMoving(it, size)
	case scene.Video:
		v, err := f.newVideo(ctx, it, size, length)
		if err == nil {
			return v, nil
		}
		f.note("%s does not move here: %v", it.Src, err)
	}
	return f.other(ctx, it, size)
}

// other asks who can draw what this package cannot.
func (f *Film) other(ctx context.Context, it scene.Item, size image.Point) (medium, error) {
	why := errors.New("only a renderer can draw it")
	if f.cfg.Other != nil && it.Kind != scene.Stream {
		img, err := f.cfg.Other(ctx, it, size)
		if err == nil {
			return still{exactly(img, size)}, nil
		}
		why = err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if it.StandIn != "" {
		img, err := media.Picture(ctx, scene.Item{Kind: scene.Image, Src: it.StandIn, Fit: it.Fit}, size)
		if err == nil {
			f.note("%s is drawn as its stand-in", it.Src)
			return still{exactly(img, size)}, nil
		}
	}
	f.note("%s is drawn as a grey plate: %v", it.Src, why)
	return plate(size), nil
}

func plate(size image.Point) medium {
	img := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{0x30, 0x34, 0x3a, 0xff}), image.Point{}, draw.Src)
	return still{img}
}

// still is a picture.
type still struct{ img *image.RGBA }

func (s still) at(context.Context, time.Duration) (*image.RGBA, error) { return s.img, nil }

func (s still) close() {}

// moving is an animation, round and round.
type moving struct {
	a      *animation.Animation
	file   *os.File
	canvas *animation.Canvas
	fit    scene.Fit
	out    *image.RGBA
	rounds time.Duration // that have been drawn
}

func newMoving(it scene.Item, size image.Point) (*moving, error) {
	a, file, err := openAnimation(it.Src)
	if err != nil {
		return nil, err
	}
	return &moving{a: a, file: file, canvas: a.NewCanvas(), fit: it.Fit, out: image.NewRGBA(image.Rectangle{Max: size})}, nil
}

func (m *moving) at(_ context.Context, d time.Duration) (*image.RGBA, error) {
	want, _ := m.a.At(d)
	round := d / m.a.Length()
	if m.canvas.Shown() == want && m.rounds == round {
		return m.out, nil
	}
	for first := true; first || m.canvas.Shown() != want; first = false {
		if err := m.canvas.Next(); err != nil {
			return nil, err
		}
	}
	m.rounds = round
	from, to := paint.Place(m.a.Size, m.out.Rect.Max, m.fit)
	clear(m.out.Pix)
	xdraw.BiLinear.Scale(m.out, to, m.canvas.Pix, from, draw.Src, nil)
	return m.out, nil
}

func (m *moving) close() { _ = m.file.Close() }
