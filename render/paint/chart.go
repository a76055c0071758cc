package paint

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"reflect"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// maxPoints bounds the rows of a chart.
const maxPoints = 500

// chart draws rows as bars, lines or slices.
type chart struct {
	plate
	env  Env
	what scene.Chart
	done bool

	labels []string
	series [][]float64 // by column, then row; NaN = not a number
	look   glyph.Look
	ink    color.NRGBA
}

func newChart(c scene.Chart, p plate, env Env) (*chart, error) {
	switch c.Form {
	case "", "bar", "line", "pie":
	default:
		return nil, fmt.Errorf("chart: form is bar, line or pie, not %q", c.Form)
	}
	if len(c.Values) == 0 || len(c.Values) > 12 {
		return nil, fmt.Errorf("chart: it has %d columns of values: name 1 to 12", len(c.Values))
	}
	w := &chart{plate: p, env: env, look: lookOf(c.Style, p.scale, env.Locale), ink: c.Style.Color.Or(white())}
	if w.look.Size == 0 {
		w.look.Size = math.Max(0.052*math.Min(float64(p.size.Y), 0.8*float64(p.size.X)), minSize*p.scale)
	}
	w.look.Tabular = true
	w.take(c)
	return w, nil
}

// take reads the numbers of the rows.
func (c *chart) take(what scene.Chart) {
	c.what, c.labels = what, nil
	c.series = make([][]float64, len(what.Values))
	for _, row := range what.Cells[:min(len(what.Cells), maxPoints)] {
		if len(row) == 0 {
			continue
		}
		c.labels = append(c.labels, cutRunes(row[0], maxCellRunes))
		for i := range c.series {
			v := math.NaN()
			if i+1 < len(row) {
				if n, ok := parseNumber(row[i+1], c.env.Locale); ok {
					v = n
				}
			}
			c.series[i] = append(c.series[i], v)
		}
	}
}

// hue is the colour of a series or slice.
func (c *chart) hue(i int) color.NRGBA {
	own := [...]color.NRGBA{
		{0x4d, 0xa3, 0xff, 0xff}, {0xff, 0xb4, 0x54, 0xff}, {0x4f, 0xc9, 0x8f, 0xff}, {0xf4, 0x72, 0x6e, 0xff},
		{0xb0, 0x8c, 0xf0, 0xff}, {0x3f, 0xc1, 0xc9, 0xff}, {0xe6, 0x7f, 0xb8, 0xff}, {0x9a, 0xa8, 0xbc, 0xff},
	}
	d := own[i%len(own)]
	if i < len(c.what.Colors) {
		return c.what.Colors[i].Or(d)
	}
	return d
}

func (c *chart) seriesTitle(i int) string {
	if i < len(c.what.Titles) && c.what.Titles[i] != "" {
		return c.what.Titles[i]
	}
	return c.what.Values[i]
}

func (c *chart) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	if c.done {
		return image.Rectangle{}
	}
	c.done = true
	c.wipe(dst, c.bounds())
	pad := c.px(c.what.Style.Pad)
	if c.what.Style.Pad == 0 {
		pad = 0.8 * c.look.Size
	}
	box := c.bounds().Inset(int(pad))
	switch {
	case box.Dx() < 8 || box.Dy() < 8 || len(c.labels) == 0:
	case c.what.Form == "pie":
		c.paintPie(dst, box)
	default:
		if len(c.series) > 1 {
			box.Min.Y += round(c.legend(dst, box))
		}
		c.paintPlot(dst, box)
	}
	c.finish(dst, c.bounds())
	return c.bounds()
}

// legend names the series in one row at the top and returns its height.
func (c *chart) legend(dst *image.RGBA, box image.Rectangle) float64 {
	s, x := c.look.Size, float64(box.Min.X)
	y := float64(box.Min.Y) + 0.5*s
	for i := range c.series {
		left := float64(box.Max.X) - x - 1.1*s
		if left < 2*s {
			break
		}
		disc(dst, x+0.35*s, y, 0.3*s, c.hue(i))
		b := c.env.Fonts.Layout(c.seriesTitle(i), c.look, left, 1)
		r := image.Rect(round(x+0.95*s), round(y-s), round(x+0.95*s+left), round(y+s))
		c.env.Fonts.SetBlock(dst, r, leftToRight(b), "start", "middle", image.NewUniform(c.ink))
		x += b.Width + 2*s
	}
	return 1.9 * s
}

// leftToRight places a block's lines at the left whatever their text is.
func leftToRight(b glyph.Block) glyph.Block {
	for i := range b.Lines {
		b.Lines[i].RTL = false
	}
	return b
}

// scaleOf is the axis of all values: from zero, but for lines far away from it.
func (c *chart) scaleOf(height float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for _, v := range s {
			if !math.IsNaN(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if c.what.Form != "line" || low > 0 && low < 0.6*high || high < 0 && high > 0.6*low {
		low, high = math.Min(low, 0), math.Max(high, 0)
	}
	return newAxis(low, high, min(max(int(height/(3.2*c.look.Size)), 1), 6))
}

// plot is the area of a chart with axes.
type plot struct {
	box image.Rectangle
	ax  axis
}

func (p plot) y(v float64) float64 {
	return float64(p.box.Max.Y) - p.ax.at(v)*float64(p.box.Dy())
}

// paintPlot draws the lines across with their numbers, then bars or lines, then the labels below.
func (c *chart) paintPlot(dst *image.RGBA, box image.Rectangle) {
	s := c.look.Size
	small := c.look
	small.Size *= 0.85
	p := plot{box: box, ax: c.scaleOf(float64(box.Dy()))}
	p.box.Max.Y -= round(1.7 * s)
	p.box.Min.Y += round(0.5 * s)
	wide := 0.0
	for _, v := range p.ax.ticks() {
		wide = math.Max(wide, c.env.Fonts.Layout(formatNumber(v, p.ax.decimals, c.what.Unit, c.env.Locale), small, 1e6, 1).Width)
	}
	p.box.Min.X += round(math.Min(wide+0.6*s, 0.4*float64(box.Dx())))
	if p.box.Empty() {
		return
	}
	for _, v := range p.ax.ticks() {
		y := round(p.y(v))
		strength := 0.14
		if v == 0 {
			strength = 0.5
		}
		line := image.Rect(p.box.Min.X, y, p.box.Max.X, y+max(1, round(0.04*s)))
		draw.Draw(dst, line, image.NewUniform(withAlpha(c.ink, strength)), image.Point{}, draw.Over)
		b := c.env.Fonts.Layout(formatNumber(v, p.ax.decimals, c.what.Unit, c.env.Locale), small, float64(p.box.Min.X-box.Min.X), 1)
		r := image.Rect(box.Min.X, y-round(s), p.box.Min.X-round(0.5*s), y+round(s))
		c.env.Fonts.SetBlock(dst, r, leftToRight(b), "end", "middle", image.NewUniform(withAlpha(c.ink, 0.75)))
	}
	if c.what.Form == "line" {
		c.paintLines(dst, p)
	} else {
		c.paintBars(dst, p)
	}
	c.paintLabels(dst, p, small)
}

// slot is the middle and the width of a row's place on the horizontal axis.
func (c *chart) slot(p plot, row int) (x, width float64) {
	width = float64(p.box.Dx()) / float64(len(c.labels))
	return float64(p.box.Min.X) + (float64(row)+0.5)*width, width
}

func (c *chart) paintBars(dst *image.RGBA, p plot) {
	n := float64(len(c.series))
	for row := range c.labels {
		mid, width := c.slot(p, row)
		group := math.Min(0.72*width, 4.5*c.look.Size*n)
		bar := group / n
		for i, s := range c.series {
			v := s[row]
			if math.IsNaN(v) || v == 0 {
				continue
			}
			x := mid - group/2 + float64(i)*bar + 0.04*bar
			top, bottom := p.y(math.Max(v, 0)), p.y(math.Min(v, 0))
			w := 0.92 * bar
			r := math.Min(0.28*c.look.Size, math.Min(w/2, bottom-top))
			var b path
			b.begin()
			if v > 0 { // round at the end away from zero only
				b.to(x, bottom)
				b.arc(x+r, top+r, r, math.Pi, math.Pi*3/2)
				b.arc(x+w-r, top+r, r, -math.Pi/2, 0)
				b.to(x+w, bottom)
			} else {
				b.to(x, top)
				b.to(x+w, top)
				b.arc(x+w-r, bottom-r, r, 0, math.Pi/2)
				b.arc(x+r, bottom-r, r, math.Pi/2, math.Pi)
			}
			b.fill(dst, image.NewUniform(c.hue(i)))
		}
	}
}

// paintLines joins the points of each series; a value that is missing is a gap.
func (c *chart) paintLines(dst *image.RGBA, p plot) {
	half := math.Max(1, 0.09*c.look.Size)
	for i, s := range c.series {
		var stroke path
		px, py, drawn := 0.0, 0.0, false
		for row, v := range s {
			if math.IsNaN(v) {
				drawn = false
				continue
			}
			x, _ := c.slot(p, row)
			y := p.y(v)
			if drawn {
				d := math.Hypot(x-px, y-py)
				nx, ny := (y-py)/d*half, -(x-px)/d*half
				stroke.begin()
				stroke.to(px+nx, py+ny)
				stroke.to(x+nx, y+ny)
				stroke.to(x-nx, y-ny)
				stroke.to(px-nx, py-ny)
			}
			r := half
			if len(s) <= 40 {
				r = 2.1 * half
			}
			stroke.begin()
			stroke.arc(x, y, r, 0, 2*math.Pi)
			px, py, drawn = x, y, true
		}
		stroke.fill(dst, image.NewUniform(c.hue(i)))
	}
}

// paintLabels writes the rows' labels below, as many as have room.
func (c *chart) paintLabels(dst *image.RGBA, p plot, l glyph.Look) {
	_, width := c.slot(p, 0)
	every := max(1, int(math.Ceil(3.2*l.Size/width)))
	for row := 0; row < len(c.labels); row += every {
		mid, _ := c.slot(p, row)
		room := width * float64(every) * 0.94
		b := c.env.Fonts.Layout(c.labels[row], l, room, 1)
		r := image.Rect(round(mid-room/2), p.box.Max.Y+round(0.35*l.Size), round(mid+room/2), p.box.Max.Y+round(1.9*l.Size))
		c.env.Fonts.SetBlock(dst, r, b, "center", "top", image.NewUniform(withAlpha(c.ink, 0.85)))
	}
}

func (c *chart) Next(time.Time) time.Time { return time.Time{} }

// Update takes other rows.
func (c *chart) Update(z scene.Zone) bool {
	if z.Chart == nil || !c.same(z) {
		return false
	}
	a, b := c.what, *z.Chart
	a.Cells, b.Cells = nil, nil
	if !reflect.DeepEqual(a, b) {
		return false
	}
	if !reflect.DeepEqual(c.what.Cells, z.Chart.Cells) {
		c.take(*z.Chart)
		c.done = false
	}
	return true
}
