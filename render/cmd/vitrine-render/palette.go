package main

import (
	"image"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"vitrine/render/compose"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// palette is what widgets are painted with. The system's fonts are looked for as soon as the program starts.
type palette struct {
	cache string

	mu    sync.Mutex
	fonts map[string]*paint.Fonts // by the font files that they have beside the system's
}

// maxFonts is how many sets of font files are kept: a bundle has one or two.
const maxFonts = 8

func newPalette(cache string) *palette {
	p := &palette{cache: cache, fonts: map[string]*paint.Fonts{}}
	go func() {
		if f, err := p.with(nil); err == nil {
			f.Warm()
		}
	}()
	return p
}

func (p *palette) widget(z scene.Zone, size image.Point, scale float64, at compose.Place) (compose.Widget, error) {
	fonts, err := p.with(fontFiles(z))
	if err != nil {
		return nil, err
	}
	return paint.New(z, size, scale, paint.Env{Fonts: fonts, Zone: at.Zone, Locale: at.Locale})
}

// with returns the system's fonts and some files.
func (p *palette) with(files []string) (*paint.Fonts, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.Join(files, "\x00")
	if f := p.fonts[key]; f != nil {
		return f, nil
	}
	f, err := paint.LoadFonts(paint.FontConfig{CacheDir: p.cache, Files: files})
	if err != nil {
		return nil, err
	}
	if len(p.fonts) >= maxFonts {
		clear(p.fonts) // widgets keep theirs
	}
	p.fonts[key] = f
	return f, nil
}

// fontFiles are the files that a zone's style names.
func fontFiles(z scene.Zone) []string {
	var names []string
	switch {
	case z.Text != nil:
		names = z.Text.Style.Font
	case z.Ticker != nil:
		names = z.Ticker.Style.Font
	case z.Clock != nil:
		names = z.Clock.Style.Font
	case z.Table != nil:
		names = z.Table.Style.Font
	case z.Countdown != nil:
		names = z.Countdown.Style.Font
	case z.Chart != nil:
		names = z.Chart.Style.Font
	case z.Cards != nil:
		names = z.Cards.Style.Font
	case z.Weather != nil:
		names = z.Weather.Style.Font
	}
	if z.Text != nil {
		for _, s := range z.Text.Spans {
			names = slices.Concat(names, s.Font)
		}
	}
	var out []string
	for _, n := range names {
		if filepath.IsAbs(n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}
