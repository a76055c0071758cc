package witness

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// A plate is a mark by itself, to be put where it disturbs a picture least. Who looks for it gives a Look whose Zone lies
// around it, and whose Size has a shorter side of 20 squares.

// Plate draws a mark with squares of side pixels and a border as wide as half of one.
func (m Mark) Plate(side int) *image.RGBA {
	edge := side / 2
	img := image.NewRGBA(image.Rect(0, 0, markWide*side+2*edge, markHigh*side+2*edge))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: 16}), image.Point{}, draw.Src)
	for i := range markBits {
		if m.word()>>i&1 == 1 {
			r := image.Rect(0, 0, side, side).Add(image.Pt(edge+i%markWide*side, edge+i/markWide*side))
			draw.Draw(img, r, image.NewUniform(color.Gray{Y: 235}), image.Point{}, draw.Src)
		}
	}
	return img
}

// PlateSource is the same for a video, as a source of ffmpeg's (lavfi) whose every frame carries its number.
func PlateSource(item, rate, side int) string {
	edge := side / 2
	return fmt.Sprintf("%s,pad=%d:%d:%d:%d:color=black,format=yuv420p", markSource(item, rate, side),
		markWide*side+2*edge, markHigh*side+2*edge, edge, edge)
}

// markSource is ffmpeg's source of gray frames that are marks and nothing else.
func markSource(item, rate, side int) string {
	return fmt.Sprintf("color=c=black:s=%dx%d:r=%d,format=gray,geq=lum='16+219*mod(floor((%d+%d+4096*N+16777216*mod(%d+N*%d,%d))/pow(2,X+%d*Y)),2)',scale=%d:%d:flags=neighbor",
		markWide, markHigh, rate, markSync, item*16, item*checkItem+checkPlus, checkFrame, checkRange, markWide, markWide*side, markHigh*side)
}
