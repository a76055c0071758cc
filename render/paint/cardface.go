package paint

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"vitrine/render/glyph"
)

// cardSizes are the type sizes of all cards of a zone, in output pixels: one scale, so that cards stand in a row.
type cardSizes struct{ title, text, note, pad, radius float64 }

// measure takes the sizes from a card's room for text, smaller where a title's longest word would be broken.
func (c *cards) measure() cardSizes {
	w, h := float64(c.grid.card.X), float64(c.grid.card.Y)
	if !c.grid.picture.Empty() {
		if c.grid.beside {
			w -= float64(c.grid.picture.Dx())
		} else {
			h -= float64(c.grid.picture.Dy())
		}
	}
	size := c.px(c.what.Style.Size)
	if size <= 0 {
		size = 0.088 * math.Sqrt(w*math.Min(h, 1.1*w))
		size = math.Min(size, h/c.lines())
		size = math.Max(minSize*1.3*c.scale, math.Min(size, 72*c.scale))
		size *= c.wordsFit(size, w-1.8*size)
	}
	s := cardSizes{title: size, text: math.Max(0.7*size, minSize*c.scale), note: math.Max(0.62*size, minSize*c.scale)}
	s.pad = math.Min(0.95*size, 0.1*math.Min(w, h)+0.3*size)
	s.radius = math.Min(0.5*size, 0.06*math.Min(float64(c.grid.card.X), float64(c.grid.card.Y)))
	return s
}

// lines is how much of a card's height its words need, in sizes of its title: what rows have none of needs none.
func (c *cards) lines() float64 {
	has := [cardPicture]float64{cardTitle: 1}
	for _, row := range c.what.Cells {
		for i := range has {
			if row[i] != "" {
				has[i] = 1
			}
		}
	}
	return 2.6 + 0.9*has[cardNote] + 1.1*has[cardText]
}

// wordsFit is by how much titles must be smaller so that their longest word stays whole; not under two thirds.
func (c *cards) wordsFit(size, width float64) float64 {
	widest, longest := 0.0, 0
	l := c.look(size, 700)
	for _, row := range c.what.Cells {
		for word := range strings.FieldsSeq(row[cardTitle]) {
			n := len([]rune(word))
			if n+3 < longest || n > 60 {
				continue // surely narrower; or no word at all
			}
			longest = max(longest, n)
			ln := c.env.Fonts.OneLine(word, l)
			widest = math.Max(widest, ln.Width)
		}
	}
	if widest <= width || widest == 0 {
		return 1
	}
	return math.Max(0.66, 0.99*width/widest)
}

// look is the zone's style at a size; weight 0 is the style's own.
func (c *cards) look(size float64, weight int) glyph.Look {
	l := lookOf(c.what.Style, c.scale, c.env.Locale)
	l.Size = size
	if weight > 0 {
		l.Weight = weight
	}
	return l
}

func (c *cards) drawCard(dst *image.RGBA, box image.Rectangle, row []string) {
	var edge path
	edge.round(float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), float64(box.Dy()), c.sizes.radius, false)
	mask := edge.mask()
	put := func(r image.Rectangle, src image.Image, at image.Point) {
		draw.DrawMask(dst, r, src, at, mask, r.Min, draw.Over)
	}
	put(box, image.NewUniform(c.fill), image.Point{})
	room := box
	if !c.grid.picture.Empty() {
		at := c.grid.picture.Add(box.Min)
		switch {
		case c.grid.beside && c.rtl:
			at = at.Add(image.Pt(box.Dx()-at.Dx(), 0))
			room.Max.X = at.Min.X
		case c.grid.beside:
			room.Min.X = at.Max.X
		default:
			room.Min.Y = at.Max.Y
		}
		if pic := c.shots.get(row[cardPicture]); pic != nil {
			put(at, pic, pic.Rect.Min)
		} else {
			put(at, image.NewUniform(withAlpha(c.accent, 0.22)), image.Point{})
			c.initial(dst, at, row[cardTitle])
		}
	}
	c.words(dst, room.Inset(round(c.sizes.pad)), row)
}

// initial stands where a picture is missing.
func (c *cards) initial(dst *image.RGBA, box image.Rectangle, title string) {
	letters := []rune(strings.ToUpper(strings.TrimSpace(title)))
	if len(letters) == 0 {
		return
	}
	l := c.look(0.42*float64(min(box.Dx(), box.Dy())), 500)
	b := c.env.Fonts.Layout(string(letters[:1]), l, float64(box.Dx()), 1)
	c.env.Fonts.SetBlock(dst, box, b, "center", "middle", image.NewUniform(withAlpha(c.ink, 0.6)))
}

// words sets a card's text from its top: the note, the title, and as many lines of text as there is room for. Beside a
// picture, and where there is a title alone, it stands in the middle.
func (c *cards) words(dst *image.RGBA, box image.Rectangle, row []string) {
	if box.Dx() < 4 || box.Dy() < 4 {
		return
	}
	s := c.sizes
	width, left := float64(box.Dx()), float64(box.Dy())
	type piece struct {
		glyph.Block
		ink   color.NRGBA
		after float64 // space below
	}
	var pieces []piece
	height := 0.0
	add := func(text string, size float64, weight, lines int, ink color.NRGBA, after float64) {
		if n := int((left - height) / (glyph.Leading * size)); strings.TrimSpace(text) != "" && n > 0 {
			b := c.env.Fonts.Layout(text, c.look(size, weight), width, min(n, lines))
			pieces = append(pieces, piece{b, ink, after})
			height += b.Height + after
		}
	}
	titleLines := 3
	if float64(box.Dy()) < 4.6*s.title {
		titleLines = 2
	}
	if strings.TrimSpace(row[cardNote]) != "" && left >= glyph.Leading*(s.note+s.title) {
		add(row[cardNote], s.note, 600, 1, c.accent, 0.18*s.title)
	}
	add(row[cardTitle], s.title, max(c.what.Style.Weight, 700), titleLines, c.ink, 0.3*s.title)
	add(row[cardText], s.text, 0, 40, withAlpha(c.ink, 0.86), 0)
	if len(pieces) == 0 {
		return
	}
	height -= pieces[len(pieces)-1].after
	y := float64(box.Min.Y)
	if c.grid.beside && !c.grid.picture.Empty() || len(pieces) == 1 || c.what.Style.Valign == "middle" {
		y += math.Max(0, (left-height)/2)
	}
	for _, p := range pieces {
		for i := range p.Lines {
			p.Lines[i].RTL = c.rtl
		}
		at := image.Rect(box.Min.X, round(y), box.Max.X, round(y+p.Height))
		c.env.Fonts.SetBlock(dst, at, p.Block, c.what.Style.Align, "top", image.NewUniform(p.ink))
		y += p.Height + p.after
	}
}
