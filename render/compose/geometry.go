package compose

import (
	"image"
	"math"

	"vitrine/render/scene"
)

// mapping puts a canvas onto the screen: as large as it goes, proportions kept, in the middle.
type mapping struct {
	scale  float64 // screen pixels a canvas pixel
	x, y   float64 // of the canvas' corner
	canvas image.Rectangle
}

func newMapping(canvas scene.Size, screen image.Point) mapping {
	if canvas.Width < 1 || canvas.Height < 1 {
		canvas = scene.Size{Width: screen.X, Height: screen.Y}
	}
	s := min(float64(screen.X)/float64(canvas.Width), float64(screen.Y)/float64(canvas.Height))
	m := mapping{
		scale: s,
		x:     (float64(screen.X) - s*float64(canvas.Width)) / 2,
		y:     (float64(screen.Y) - s*float64(canvas.Height)) / 2,
	}
	m.canvas = m.rect(scene.Rect{0, 0, canvas.Width, canvas.Height})
	return m
}

// rect rounds each edge by itself, so that zones that touch on the canvas touch on the screen.
func (m mapping) rect(r scene.Rect) image.Rectangle {
	edge := func(o float64, v int) int { return int(math.Round(o + m.scale*float64(v))) }
	out := image.Rect(edge(m.x, r[0]), edge(m.y, r[1]), edge(m.x, r[0]+r[2]), edge(m.y, r[1]+r[3]))
	out.Max.X, out.Max.Y = max(out.Max.X, out.Min.X+1), max(out.Max.Y, out.Min.Y+1)
	return out
}

// place is where a picture of the given size lands in a zone of the given size. For Cover it sticks out.
func place(picture, zone image.Point, fit scene.Fit) image.Rectangle {
	if fit == scene.Stretch || picture.X < 1 || picture.Y < 1 {
		return image.Rectangle{Max: zone}
	}
	sx, sy := float64(zone.X)/float64(picture.X), float64(zone.Y)/float64(picture.Y)
	s := max(sx, sy)
	if fit == scene.Contain {
		s = min(sx, sy)
	}
	w, h := int(math.Round(s*float64(picture.X))), int(math.Round(s*float64(picture.Y)))
	w, h = max(1, w), max(1, h)
	x, y := (zone.X-w)/2, (zone.Y-h)/2
	return image.Rect(x, y, x+w, y+h)
}

// add puts r into a list of rectangles, joined with those it overlaps; a long list becomes one rectangle.
func add(list []image.Rectangle, r image.Rectangle) []image.Rectangle {
	if r.Empty() {
		return list
	}
	for i := 0; i < len(list); {
		if !list[i].Overlaps(r) {
			i++
			continue
		}
		r = r.Union(list[i])
		list[i] = list[len(list)-1]
		list = list[:len(list)-1]
		i = 0
	}
	if list = append(list, r); len(list) <= 8 {
		return list
	}
	all := list[0]
	for _, l := range list[1:] {
		all = all.Union(l)
	}
	return append(list[:0], all)
}
