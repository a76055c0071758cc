package paint

import (
	"image"
	"sync"

	"vitrine/render/scene"
)

// gallery holds the pictures that rows name, of the page that is on and of the next. They are decoded beside drawing: a
// page of large photographs must not hold a frame up.
type gallery struct {
	size image.Point

	mu    sync.Mutex
	known map[string]*image.RGBA // nil = cannot be shown
	busy  map[string]bool
}

func newGallery(size image.Point) *gallery {
	return &gallery{size: size, known: map[string]*image.RGBA{}, busy: map[string]bool{}}
}

// fetch begins to decode what is not there yet.
func (g *gallery) fetch(paths []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var missing []string
	for _, p := range paths {
		if _, ok := g.known[p]; !ok && !g.busy[p] && p != "" {
			g.busy[p] = true
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		go g.load(missing)
	}
}

func (g *gallery) load(paths []string) {
	for _, p := range paths {
		img, err := Fitted(p, g.size, scene.Cover)
		if err != nil {
			img = nil // the row is shown without it
		}
		g.mu.Lock()
		g.known[p] = img
		delete(g.busy, p)
		g.mu.Unlock()
	}
}

// wait decodes here and now what is not there yet.
func (g *gallery) wait(paths []string) {
	var missing []string
	g.mu.Lock()
	for _, p := range paths {
		if _, ok := g.known[p]; !ok && p != "" {
			missing = append(missing, p)
		}
	}
	g.mu.Unlock()
	g.load(missing)
}

// ready says that each picture has been decoded, or cannot be.
func (g *gallery) ready(paths []string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range paths {
		if _, ok := g.known[p]; !ok && p != "" {
			return false
		}
	}
	return true
}

func (g *gallery) get(path string) *image.RGBA {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known[path]
}

// keep forgets all pictures but these; what could not be shown is tried again when its turn comes.
func (g *gallery) keep(paths ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wanted := map[string]bool{}
	for _, p := range paths {
		wanted[p] = true
	}
	for p := range g.known {
		if !wanted[p] {
			delete(g.known, p)
		}
	}
}
