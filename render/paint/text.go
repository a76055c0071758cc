package paint

import (
	"image"
	"image/color"
	"math"
	"reflect"
	"time"

	"vitrine/render/scene"
)

// white is the ink of a style that names none.
func white() color.NRGBA { return color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff} }

// minSize is the smallest em in canvas pixels that fitting goes down to; smaller text cannot be read on a wall.
const minSize = 10

// lookOf makes a look of a style; size 0 stays 0.
func lookOf(s scene.Style, scale float64, locale string) look {
	l := look{families: s.Font, size: float64(s.Size) * scale, weight: s.Weight, locale: locale}
	if l.weight < 1 || l.weight > 1000 {
		l.weight = 400
	}
	return l
}

// text is a paragraph that stays.
type text struct {
	plate
	env  Env
	what scene.Text
	done bool
}

func newText(t scene.Text, p plate, env Env) *text { return &text{plate: p, env: env, what: t} }

func (t *text) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if t.done {
		return image.Rectangle{}
	}
	t.done = true
	t.wipe(dst, t.bounds())
	box := t.bounds().Inset(int(t.px(t.what.Style.Pad)))
	t.env.Fonts.paragraph(dst, box, t.what.Text, t.what.Style, lookOf(t.what.Style, t.scale, t.env.Locale), t.scale)
	t.finish(dst, t.bounds())
	return t.bounds()
}

func (t *text) Next(time.Time) time.Time { return time.Time{} }

// Update takes another text.
func (t *text) Update(z scene.Zone) bool {
	if z.Text == nil || !t.same(z) {
		return false
	}
	if !reflect.DeepEqual(t.what, *z.Text) {
		t.what, t.done = *z.Text, false
	}
	return true
}

// paragraph lays a text into a box and draws it: fitted when its size is 0, shortened when it does not fit.
func (f *Fonts) paragraph(dst *image.RGBA, box image.Rectangle, s string, style scene.Style, l look, scale float64) {
	if box.Empty() {
		return
	}
	var b block
	if l.size == 0 {
		b, _ = f.fit(s, l, box.Size(), minSize*scale)
	} else {
		b = f.layout(s, l, float64(box.Dx()), f.maxLines(l, box.Dy()))
	}
	f.setBlock(dst, box, b, style.Align, style.Valign, image.NewUniform(style.Color.Or(white())))
}

// maxLines is how many lines of a look fit into a height, at least one.
func (f *Fonts) maxLines(l look, height int) int {
	return max(1, int(float64(height)/(leading*l.size)+0.01))
}

// fit finds the largest size at which the text fits into the box, whole words on each line, and lays it out.
func (f *Fonts) fit(s string, l look, box image.Point, smallest float64) (block, look) {
	low, high := smallest, math.Max(smallest, float64(box.Y)/leading)
	try := func(size float64) (block, bool) {
		l.size, l.whole = size, true
		b := f.layout(s, l, float64(box.X), 0)
		return b, b.height <= float64(box.Y)+0.5 && b.width <= float64(box.X)+0.5
	}
	if b, ok := try(high); ok {
		l.whole = false
		return b, l
	}
	best, found := block{}, false
	bestSize := low
	for range 14 {
		mid := (low + high) / 2
		if b, ok := try(mid); ok {
			best, bestSize, found, low = b, mid, true, mid
		} else {
			high = mid
		}
		if high-low < 0.002*high {
			break
		}
	}
	l.size, l.whole = bestSize, false
	if !found {
		l.size = smallest
		best = f.layout(s, l, float64(box.X), f.maxLines(l, box.Y))
	}
	return best, l
}

// setBlock places a block in a box and draws it.
func (f *Fonts) setBlock(dst *image.RGBA, box image.Rectangle, b block, align, valign string, src image.Image) {
	y := float64(box.Min.Y)
	switch valign {
	case "", "middle":
		y += (float64(box.Dy()) - b.height) / 2
	case "bottom":
		y += float64(box.Dy()) - b.height
	}
	y = math.Max(math.Round(y), float64(box.Min.Y))
	for i := range b.lines {
		ln := &b.lines[i]
		f.ink(dst, box, ln, lineStart(box, ln, align), math.Round(y+ln.ascent), src)
		y += ln.ascent + ln.descent
	}
}

// lineStart is the left end of a line: start and end follow the text's own direction.
func lineStart(box image.Rectangle, ln *line, align string) float64 {
	free := float64(box.Dx()) - ln.width
	switch {
	case align == "center":
		return float64(box.Min.X) + free/2
	case (align == "end") != ln.rtl:
		return float64(box.Min.X) + free
	}
	return float64(box.Min.X)
}
