package main

import (
	"context"
	"fmt"
	"image"
	"maps"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/film"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// size is that of the picture.
func (v *view) size() (image.Point, error) {
	c := v.m.Canvas
	size := c.Point()
	if v.width > 0 {
		size = image.Pt(v.width, int(math.Round(float64(v.width)*float64(c.Height)/float64(c.Width))))
	}
	if size.X < 2 || size.Y < 2 || size.X*size.Y > 64<<20 {
		return size, usage("a picture of %d x %d pixels cannot be drawn; give another --width", size.X, size.Y)
	}
	return size, nil
}

// draw paints the view, so long after its scene has begun: what is not of the web in this process, by the same code as the
// renderer's; pages of the web by the renderer, where there is one.
func (v *view) draw(ctx context.Context, after time.Duration) (*image.RGBA, error) {
	const rate = 50 // frames a second in which time is counted here
	once := func(time.Time) (film.Program, error) { return v.program("", v.scene, v.overlays, true), nil }
	f, err := v.film(ctx, rate, v.now.Add(-after), once)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Frame(ctx, 0); err != nil { // so that what begins has begun
		return nil, err
	}
	return f.Frame(ctx, int(math.Round(after.Seconds()*rate)))
}

// film prepares a film of what is on from an instant.
func (v *view) film(ctx context.Context, rate int, begin time.Time, next func(time.Time) (film.Program, error)) (*film.Film, error) {
	size, err := v.size()
	if err != nil {
		return nil, err
	}
	if v.rows, err = readRows(ctx, v.dir, v.m, v.media, begin, v.zone.String()); err != nil {
		return nil, err
	}
	fonts, err := v.fonts()
	if err != nil {
		return nil, err
	}
	return film.New(film.Config{
		Size: size, Canvas: v.m.Canvas, Rate: rate,
		Env:   paint.Env{Fonts: fonts, Zone: v.zone, Locale: v.m.Locale, Patient: true},
		Other: otherFrame, Note: func(text string) {
			v.notes = append(v.notes, strings.ReplaceAll(text, v.dir+string(filepath.Separator), ""))
		},
	}, begin, next)
}

// program is a scene with its rows and files.
func (v *view) program(name string, s *scene.Scene, overlays []scene.Scene, alone bool) film.Program {
	p := film.Program{Name: name, Alone: alone}
	if s != nil {
		bound := v.bind(*s)
		p.Scene = &bound
	}
	for _, o := range overlays {
		p.Overlays = append(p.Overlays, v.bind(o))
	}
	return p
}

func (v *view) bind(s scene.Scene) scene.Scene {
	s.Zones = slices.Clone(s.Zones)
	for i, z := range s.Zones {
		z = v.rows.bind(z)
		z.Playlist = slices.Clone(z.Playlist)
		for k := range z.Playlist {
			it := &z.Playlist[k]
			switch {
			case it.Kind == scene.Web:
				v.page(it)
			case !strings.Contains(it.Src, "://"):
				it.Src = v.path(it.Src)
			}
			if it.StandIn != "" {
				it.StandIn = v.path(it.StandIn)
			}
		}
		s.Zones[i] = z
	}
	return s
}

// path is where a file of the bundle is: pages that were made of an office document lie elsewhere than what they are called.
// page gives a page of the folder its files and rows, as playout does on a player.
func (v *view) page(it *scene.Item) {
	m := bundle.Manifest{Files: map[string]bundle.Digest{}}
	for p := range v.media {
		m.Files[p] = ""
	}
	if files := m.PageFiles(*it); len(files) > 0 {
		for name, file := range files {
			files[name], _ = filepath.Abs(v.path(file)) // without a working directory nothing here would be found
		}
		it.Src, it.Files = path.Base(it.Src), files
	}
	if it.Source == "" {
		return
	}
	if result, ok := v.rows.result(it.Source); ok {
		for i := range result.Rows {
			it.Rows = append(it.Rows, result.Row(i))
		}
	}
}

func (v *view) path(name string) string {
	if v.file != nil {
		name = v.file(name)
	}
	return filepath.Join(v.dir, filepath.FromSlash(name))
}

// fonts are the system's with those of the bundle before them.
func (v *view) fonts() (*paint.Fonts, error) {
	if v.loaded != nil {
		return v.loaded, nil
	}
	var files []string
	for _, p := range slices.Sorted(maps.Keys(v.media)) {
		if strings.HasPrefix(v.media[p], "font/") {
			files = append(files, v.path(p))
		}
	}
	fonts, err := paint.LoadFonts(paint.FontConfig{Files: files})
	if err != nil {
		return nil, fmt.Errorf("load fonts: %w", err)
	}
	v.loaded = fonts
	return fonts, nil
}

// told are the notes that a person is to read, each once.
func (v *view) told() []string {
	notes := slices.Clone(v.notes)
	if v.rows != nil {
		notes = append(notes, v.rows.notes...)
	}
	slices.Sort(notes)
	return slices.Compact(notes)
}
