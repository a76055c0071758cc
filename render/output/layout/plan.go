package layout

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"vitrine/render/output"
)

const largest = 16384 // pixels a side of a composition

// Plan works out where everything goes on a screen of the given size with the given monitors.
func (s Spec) Plan(screen image.Point, monitors []output.Monitor) (Plan, error) {
	if err := s.check(); err != nil {
		return Plan{}, err
	}
	p, err := s.plan(screen, monitors)
	if err != nil {
		return p, err
	}
	if p.Canvas.X > largest || p.Canvas.Y > largest {
		return p, fmt.Errorf("a composition of %d×%d pixels is more than %d a side; give a smaller --canvas", p.Canvas.X, p.Canvas.Y, largest)
	}
	return p, nil
}

func (s Spec) plan(screen image.Point, monitors []output.Monitor) (Plan, error) {
	switch {
	case s.Tiles != nil:
		return s.tiles(screen, monitors)
	case s.Wall != (Pair{}):
		return s.wall(screen)
	case s.Extend != nil:
		to, err := pick(s.Extend, screen, monitors)
		if err != nil {
			return Plan{}, err
		}
		return s.extend(to)
	case s.Mirror != nil:
		to, err := pick(s.Mirror, screen, monitors)
		if err != nil {
			return Plan{}, err
		}
		return s.same(to), nil
	default:
		return s.same([]image.Rectangle{{Max: screen}}), nil
	}
}

// pick finds monitors by their names.
func pick(names []string, screen image.Point, monitors []output.Monitor) ([]image.Rectangle, error) {
	var out []image.Rectangle
	if slices.Equal(names, []string{All}) {
		left := slices.SortedFunc(slices.Values(monitors), func(a, b output.Monitor) int {
			return (a.At.Min.X-b.At.Min.X)*2*largest + a.At.Min.Y - b.At.Min.Y
		})
		for _, m := range left {
			out = append(out, m.At)
		}
		if len(out) == 0 {
			out = append(out, image.Rectangle{Max: screen})
		}
		return out, nil
	}
	for _, name := range names {
		at, err := find(name, monitors)
		if err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, nil
}

func find(name string, monitors []output.Monitor) (image.Rectangle, error) {
	var known []string
	for _, m := range monitors {
		if m.Name == name {
			return m.At, nil
		}
		known = append(known, m.Name)
	}
	if len(known) == 0 {
		return image.Rectangle{}, fmt.Errorf("there is no monitor called %q: this screen names none; leave monitors out, or give tiles by their place on it", name)
	}
	return image.Rectangle{}, fmt.Errorf("there is no monitor called %q; connected are %s", name, strings.Join(known, ", "))
}

// tile turns a whole rectangle as all are turned.
func (s Spec) tile(from, to image.Rectangle) Tile {
	return Tile{From: from, To: to, Turn: int(s.Rotate), Mirror: s.Flip}
}

// same shows all of the composition on each rectangle, as large as it can be without being distorted.
func (s Spec) same(to []image.Rectangle) Plan {
	p := Plan{Canvas: image.Point(s.Canvas)}
	if s.Canvas == (Pair{}) {
		p.Canvas = turned(to[0].Size(), int(s.Rotate))
	}
	for _, r := range to {
		size := turned(p.Canvas, int(s.Rotate))
		fit := image.Pt(r.Dx(), size.Y*r.Dx()/size.X)
		if fit.Y > r.Dy() {
			fit = image.Pt(size.X*r.Dy()/size.Y, r.Dy())
		}
		fit.X, fit.Y = max(1, fit.X), max(1, fit.Y)
		at := r.Min.Add(r.Size().Sub(fit).Div(2))
		p.Tiles = append(p.Tiles, s.tile(image.Rectangle{Max: p.Canvas}, image.Rectangle{Min: at, Max: at.Add(fit)}))
	}
	return p
}

// extend puts one composition across rectangles, from left to right, their upper edges in line.
func (s Spec) extend(to []image.Rectangle) (Plan, error) {
	var p Plan
	for _, r := range to {
		size := turned(r.Size(), int(s.Rotate))
		from := image.Rectangle{Min: image.Pt(p.Canvas.X, 0), Max: image.Pt(p.Canvas.X+size.X, size.Y)}
		p.Canvas = image.Pt(from.Max.X, max(p.Canvas.Y, size.Y))
		p.Tiles = append(p.Tiles, s.tile(from, r))
	}
	return s.scaled(p)
}

// wall is one place of many screens of this one's size.
func (s Spec) wall(screen image.Point) (Plan, error) {
	size := turned(screen, int(s.Rotate))
	step := size.Add(image.Point(s.Bezel))
	min := image.Pt(s.Place.X*step.X, s.Place.Y*step.Y)
	p := Plan{Canvas: image.Pt(s.Wall.X*step.X-s.Bezel.X, s.Wall.Y*step.Y-s.Bezel.Y)}
	p.Tiles = []Tile{s.tile(image.Rectangle{Min: min, Max: min.Add(size)}, image.Rectangle{Max: screen})}
	return s.scaled(p)
}

// scaled gives a plan the canvas that is asked for.
func (s Spec) scaled(p Plan) (Plan, error) {
	want, have := image.Point(s.Canvas), p.Canvas
	if want == (image.Point{}) || want == have {
		return p, nil
	}
	if off := float64(want.X*have.Y)/float64(want.Y*have.X) - 1; off > 0.02 || off < -0.02 {
		return p, fmt.Errorf("a canvas of %d×%d would be distorted on screens of %d×%d pixels together; give %d×%d, or leave it out",
			want.X, want.Y, have.X, have.Y, want.X, (want.X*have.Y+have.X/2)/have.X)
	}
	p.Canvas = want
	for i := range p.Tiles {
		r := &p.Tiles[i].From
		r.Min.X, r.Max.X = r.Min.X*want.X/have.X, r.Max.X*want.X/have.X
		r.Min.Y, r.Max.Y = r.Min.Y*want.Y/have.Y, r.Max.Y*want.Y/have.Y
		if r.Empty() {
			return p, fmt.Errorf("a canvas of %d×%d is too small for so many screens", want.X, want.Y)
		}
	}
	return p, nil
}

// tiles takes a layout that is written out.
func (s Spec) tiles(screen image.Point, monitors []output.Monitor) (Plan, error) {
	p := Plan{Canvas: image.Point(s.Canvas)}
	if len(s.Tiles) == 0 {
		return p, errors.New("the list of tiles is empty: nothing would be shown")
	}
	for i, g := range s.Tiles {
		t, err := g.tile(screen, monitors, &p.Canvas)
		if err != nil {
			return p, fmt.Errorf("tile %d: %w", i+1, err)
		}
		for j, o := range p.Tiles {
			if t.To.Overlaps(o.To) {
				return p, fmt.Errorf("tiles %d and %d both show on the same pixels of the screen", j+1, i+1)
			}
		}
		p.Tiles = append(p.Tiles, t)
	}
	return p, nil
}

// tile is one of them; the first one without a canvas makes it.
func (g Given) tile(screen image.Point, monitors []output.Monitor, canvas *image.Point) (Tile, error) {
	t := Tile{To: image.Rectangle{Max: screen}, Turn: int(g.Rotate), Mirror: g.Flip}
	if g.Monitor != "" {
		var err error
		if t.To, err = find(g.Monitor, monitors); err != nil {
			return t, err
		}
	}
	if g.To != nil {
		r := rect(*g.To).Add(t.To.Min)
		if r.Empty() || !r.In(t.To) {
			return t, fmt.Errorf("to %v is not within the %d×%d pixels that are there", *g.To, t.To.Dx(), t.To.Dy())
		}
		t.To = r
	}
	if *canvas == (image.Point{}) {
		if g.From != nil {
			return t, errors.New("from needs the size of the whole; give the canvas, like \"canvas\": [3840, 1080]")
		}
		*canvas = t.Upright()
	}
	t.From = image.Rectangle{Max: *canvas}
	if g.From != nil {
		if t.From = rect(*g.From); t.From.Empty() || !t.From.In(image.Rectangle{Max: *canvas}) {
			return t, fmt.Errorf("from %v is not within the canvas of %d×%d", *g.From, canvas.X, canvas.Y)
		}
	}
	return t, nil
}

func rect(v [4]int) image.Rectangle {
	return image.Rectangle{Min: image.Pt(v[0], v[1]), Max: image.Pt(v[0]+v[2], v[1]+v[3])}
}
