package animation

import (
	"image"
	"image/color"
	"image/draw"
)

// Canvas is an animation's picture as it grows, frame over frame, with premultiplied alpha.
type Canvas struct {
	Pix   *image.RGBA // the present picture; Next changes it
	a     *Animation
	shown int         // frame, -1 = none
	saved *image.RGBA // what was there before a frame that goes away again
}

// NewCanvas is an empty canvas.
func (a *Animation) NewCanvas() *Canvas {
	return &Canvas{Pix: image.NewRGBA(image.Rectangle{Max: a.Size}), a: a, shown: -1}
}

// Shown is the present frame, -1 before the first.
func (c *Canvas) Shown() int { return c.shown }

// Next draws the frame after the present one; after the last comes the first, on an empty canvas. An error leaves the
// canvas as it was.
func (c *Canvas) Next() error {
	i := (c.shown + 1) % len(c.a.Frames)
	img, err := c.a.decode(i)
	if err != nil {
		return err
	}
	switch {
	case i == 0:
		wipe(c.Pix, c.Pix.Rect)
	case c.a.Frames[c.shown].then == thenClear:
		wipe(c.Pix, c.a.Frames[c.shown].At)
	case c.a.Frames[c.shown].then == thenRestore && c.saved != nil:
		draw.Draw(c.Pix, c.saved.Rect, c.saved, c.saved.Rect.Min, draw.Src)
	}
	f := c.a.Frames[i]
	if f.then == thenRestore {
		if c.saved == nil || c.saved.Rect != f.At {
			c.saved = image.NewRGBA(f.At)
		}
		draw.Draw(c.saved, f.At, c.Pix, f.At.Min, draw.Src)
	}
	c.put(img, f)
	c.shown = i
	return nil
}

func (c *Canvas) put(img image.Image, f Frame) {
	if p, ok := img.(*image.Paletted); ok {
		putPaletted(c.Pix, f.At, p, f.over)
		return
	}
	op := draw.Src
	if f.over {
		op = draw.Over
	}
	draw.Draw(c.Pix, f.At, img, img.Bounds().Min, op)
}

// putPaletted is draw.Draw for palettes whose colours are opaque or not there, as GIF's are, and for PNG's that are not:
// many times faster.
func putPaletted(dst *image.RGBA, at image.Rectangle, src *image.Paletted, over bool) {
	var table [256]color.RGBA
	for i, c := range src.Palette {
		table[i] = color.RGBAModel.Convert(c).(color.RGBA)
	}
	for y := range at.Dy() {
		from := src.Pix[y*src.Stride:][:at.Dx()]
		to := dst.Pix[dst.PixOffset(at.Min.X, at.Min.Y+y):][:at.Dx()*4]
		for x, index := range from {
			c, p := table[index], to[x*4:x*4+4:x*4+4]
			switch {
			case c.A == 255 || !over:
				p[0], p[1], p[2], p[3] = c.R, c.G, c.B, c.A
			case c.A > 0:
				rest := 255 - uint32(c.A)
				p[0] = c.R + uint8((uint32(p[0])*rest+127)/255)
				p[1] = c.G + uint8((uint32(p[1])*rest+127)/255)
				p[2] = c.B + uint8((uint32(p[2])*rest+127)/255)
				p[3] = c.A + uint8((uint32(p[3])*rest+127)/255)
			}
		}
	}
}

func wipe(dst *image.RGBA, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst.Pix[dst.PixOffset(r.Min.X, y):][:r.Dx()*4]
		for i := range row {
			row[i] = 0
		}
	}
}

// Opaque says that nothing can ever be seen through the animation, judged when its first frame is on the canvas.
func (c *Canvas) Opaque() bool {
	for i, f := range c.a.Frames {
		if f.then == thenClear && i < len(c.a.Frames)-1 || i > 0 && !f.over {
			return false
		}
	}
	return c.shown == 0 && c.Pix.Opaque()
}
