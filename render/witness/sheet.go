package witness

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// ContactSheet lays stills out in rows, each with its time and name below.
func ContactSheet(stills []Still, columns int) *image.RGBA {
	const gap, line = 12, 20
	if len(stills) == 0 || columns < 1 {
		return image.NewRGBA(image.Rect(0, 0, 1, 1))
	}
	var cell image.Point
	for _, s := range stills {
		cell.X, cell.Y = max(cell.X, s.Image.Bounds().Dx()), max(cell.Y, s.Image.Bounds().Dy())
	}
	columns = min(columns, len(stills))
	rows := (len(stills) + columns - 1) / columns
	out := image.NewRGBA(image.Rect(0, 0, gap+columns*(cell.X+gap), gap+rows*(cell.Y+line+gap)))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.RGBA{R: 24, G: 26, B: 32, A: 255}), image.Point{}, draw.Src)
	for i, s := range stills {
		at := image.Pt(gap+i%columns*(cell.X+gap), gap+i/columns*(cell.Y+line+gap))
		draw.Draw(out, s.Image.Bounds().Add(at), s.Image, image.Point{}, draw.Src)
		d := font.Drawer{Dst: out, Src: image.NewUniform(color.RGBA{R: 220, G: 222, B: 228, A: 255}), Face: basicfont.Face7x13,
			Dot: fixed.P(at.X, at.Y+cell.Y+line-6)}
		d.DrawString(fmt.Sprintf("%6.2f s  item %d  %s", s.At.Truncate(10*time.Millisecond).Seconds(), s.Item, s.Label))
	}
	return out
}
