package paint

import (
	"image"
	"math"

	"vitrine/render/scene"
)

// grid is how cards stand in a zone.
//
//	┌──────┐ ┌──────┐ ┌──────┐     picture: the part of a card that is one, from its top left corner;
//	│ ▒▒▒▒ │ │ ▒▒▒▒ │ │ ▒▒▒▒ │     on top of a tall card, at the side of a wide one
//	│ text │ │ text │ │ text │
//	└──────┘ └──────┘ └──────┘
//	          • o o                dots
type grid struct {
	box           image.Rectangle
	columns, rows int
	pages         int
	gap           float64
	card          image.Point
	picture       image.Rectangle // empty = none
	beside        bool            // the picture stands beside the text
	dots          image.Rectangle
}

func newGrid(box image.Rectangle, what scene.Cards, n int, scale float64) grid {
	g := grid{box: box, pages: 1}
	size := box.Size()
	g.gap = math.Max(2, math.Min(0.022*float64(max(size.X, size.Y)), 0.06*float64(min(size.X, size.Y))))
	g.columns, g.rows = g.shape(what, n, scale)
	if per := g.columns * g.rows; n > per {
		g.pages = (n + per - 1) / per
		foot := math.Max(1.6*g.gap, 14*scale)
		g.dots = image.Rect(box.Min.X, box.Max.Y-round(foot), box.Max.X, box.Max.Y)
		g.box.Max.Y -= round(foot)
	}
	g.card = image.Pt(
		max(1, int((float64(g.box.Dx())-g.gap*float64(g.columns-1))/float64(g.columns))),
		max(1, int((float64(g.box.Dy())-g.gap*float64(g.rows-1))/float64(g.rows))))
	if what.Image != "" {
		g.place()
	}
	return g
}

// place gives the picture its part of a card.
func (g *grid) place() {
	w, h := float64(g.card.X), float64(g.card.Y)
	if g.beside = w > 1.25*h; g.beside {
		g.picture = image.Rect(0, 0, round(math.Min(0.42*w, 1.2*h)), g.card.Y)
		return
	}
	g.picture = image.Rect(0, 0, g.card.X, round(math.Min(0.56*h, 0.8*w)))
}

// shape is the number of cards side by side and below each other: what the author says, else what comes nearest to well
// proportioned cards, as many as there are rows, without a last page that is nearly empty.
func (g *grid) shape(what scene.Cards, n int, scale float64) (columns, rows int) {
	ideal := 1.15
	if what.Image != "" {
		ideal = 0.85
	}
	w, h := float64(g.box.Dx()), float64(g.box.Dy())
	least := math.Max(170*scale, math.Min(0.24*w, 400*scale)) // a narrower card has no room for words that can be read from afar
	best := math.Inf(1)
	columns, rows = max(1, what.Columns), max(1, what.Rows)
	for c := 1; c <= 6; c++ {
		for r := 1; r <= 6; r++ {
			if what.Columns > 0 && c != what.Columns || what.Rows > 0 && r != what.Rows || c*r > max(1, n) && what.Columns == 0 && what.Rows == 0 {
				continue
			}
			cw, ch := (w-g.gap*float64(c-1))/float64(c), (h-g.gap*float64(r-1))/float64(r)
			if (cw < least || ch < 0.55*least) && c*r > 1 && (what.Columns == 0 || c == 1) && (what.Rows == 0 || r == 1) {
				continue
			}
			pages := (max(1, n) + c*r - 1) / (c * r)
			empty := float64(pages*c*r-max(1, n)) / float64(c*r)
			cost := math.Abs(math.Log(cw/ch/ideal)) + 0.8*empty/float64(pages) + 0.12*math.Log(float64(pages))
			if cost < best {
				best, columns, rows = cost, c, r
			}
		}
	}
	return columns, rows
}

func (g *grid) perPage() int { return g.columns * g.rows }

// cell is the place of a page's card, in reading order.
func (g *grid) cell(i int, rtl bool) image.Rectangle {
	column, row := i%g.columns, i/g.columns
	if rtl {
		column = g.columns - 1 - column
	}
	x := float64(g.box.Min.X) + float64(column)*(float64(g.card.X)+g.gap)
	y := float64(g.box.Min.Y) + float64(row)*(float64(g.card.Y)+g.gap)
	at := image.Pt(round(x), round(y))
	return image.Rectangle{Min: at, Max: at.Add(g.card)}
}
