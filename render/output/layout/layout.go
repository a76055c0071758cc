// Package layout answers: which pixel of the composition is where on the screens?
//
//	compose ──> composition ──tiles: a part, turned, mirrored, scaled, corrected──> the X screen's frame
//	                 ^                                                                     │
//	                 └── Locate: a touch ── Shot: an upright picture ──────────────────────┘
//
//	one screen, turned     [A] ─> [∀]            the same twice       [A] ─> [A][A]
//	one across two         [AB] ─> [A][B]        a place of a wall    [AB] ─> [B]
//
// All of it is one list of tiles. When the list says nothing but "as it is", the composition is the screen's own frame and
// nothing is copied.
package layout

import "image"

// Tile is a part of the composition on a rectangle of the screen. Where both have the same size it is exact.
type Tile struct {
	From   image.Rectangle // of the composition
	To     image.Rectangle // of the X screen
	Turn   int             // degrees clockwise: 0, 90, 180, 270
	Mirror bool            // left and right are swapped, before it is turned
}

// Plan is where everything goes.
type Plan struct {
	Canvas image.Point // the composition's size
	Tiles  []Tile
}

// plain says that the composition is the screen.
func (p Plan) plain(screen image.Point) bool {
	whole := image.Rectangle{Max: screen}
	return p.Canvas == screen && len(p.Tiles) == 1 && p.Tiles[0] == Tile{From: whole, To: whole}
}

// Visible is the part of the composition that is on a screen.
func (p Plan) Visible() image.Rectangle {
	var r image.Rectangle
	for _, t := range p.Tiles {
		r = r.Union(t.From)
	}
	return r
}

// Locate returns the composition's pixel that a pixel of the screen shows; false where it shows none.
func (p Plan) Locate(at image.Point) (image.Point, bool) {
	for _, t := range p.Tiles {
		if !at.In(t.To) {
			continue
		}
		size := t.Upright()
		a := t.way(1, 0).of(at.Sub(t.To.Min))
		a.X, a.Y = a.X*t.From.Dx()/size.X, a.Y*t.From.Dy()/size.Y
		return a.Add(t.From.Min), true
	}
	return image.Point{}, false
}

// Upright is the size that the tile has on the screen, before it is turned.
func (t Tile) Upright() image.Point { return turned(t.To.Size(), t.Turn) }

func (t Tile) exact() bool { return t.Upright() == t.From.Size() }

// turned is a size after turning by degrees.
func turned(p image.Point, degrees int) image.Point {
	if degrees%180 != 0 {
		p.X, p.Y = p.Y, p.X
	}
	return p
}

// way finds the upright pixel of a tile's pixel: base + u·across + v·down, in units of step bytes a pixel, stride bytes a row.
type way struct {
	base, across, down int
	size               image.Point
	t                  Tile
}

func (t Tile) way(step, stride int) way {
	w := way{size: t.Upright(), t: t}
	at := func(u, v int) int { p := w.of(image.Pt(u, v)); return p.Y*stride + p.X*step }
	w.base = at(0, 0)
	w.across, w.down = at(1, 0)-w.base, at(0, 1)-w.base
	return w
}

// of returns the upright pixel that is at a pixel of the tile on the screen.
func (w way) of(p image.Point) image.Point {
	var a image.Point
	switch w.t.Turn {
	case 90:
		a = image.Pt(p.Y, w.size.Y-1-p.X)
	case 180:
		a = image.Pt(w.size.X-1-p.X, w.size.Y-1-p.Y)
	case 270:
		a = image.Pt(w.size.X-1-p.Y, p.X)
	default:
		a = p
	}
	if w.t.Mirror {
		a.X = w.size.X - 1 - a.X
	}
	return a
}

// place returns the rectangle of the screen on which an upright rectangle of the tile comes to lie.
func (w way) place(r image.Rectangle) image.Rectangle {
	if w.t.Mirror {
		r.Min.X, r.Max.X = w.size.X-r.Max.X, w.size.X-r.Min.X
	}
	switch w.t.Turn {
	case 90:
		r = image.Rect(w.size.Y-r.Max.Y, r.Min.X, w.size.Y-r.Min.Y, r.Max.X)
	case 180:
		r = image.Rect(w.size.X-r.Max.X, w.size.Y-r.Max.Y, w.size.X-r.Min.X, w.size.Y-r.Min.Y)
	case 270:
		r = image.Rect(r.Min.Y, w.size.X-r.Max.X, r.Max.Y, w.size.X-r.Min.X)
	}
	return r.Add(w.t.To.Min)
}
