package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// draw paints the view: what is not video in this process, by the same code as the renderer's; videos by the renderer,
// where there is one.
func (v *view) draw(ctx context.Context) (*image.RGBA, error) {
	scale := 1.0
	if v.width > 0 {
		scale = float64(v.width) / float64(v.m.Canvas.Width)
	}
	size := scaled(image.Rectangle{Max: v.m.Canvas.Point()}, scale).Size()
	if size.X*size.Y > 64<<20 {
		return nil, usage("a picture of %d x %d pixels is too large; give a --width", size.X, size.Y)
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(img, img.Rect, image.Black, image.Point{}, draw.Src)
	if v.scene == nil {
		return img, nil
	}
	data, err := readRows(ctx, v.dir, v.m, v.media)
	if err != nil {
		return nil, err
	}
	fonts, err := v.fonts()
	if err != nil {
		return nil, err
	}
	env := paint.Env{Fonts: fonts, Zone: v.zone, Locale: v.m.Locale, Patient: true}
	for i, s := range append([]scene.Scene{*v.scene}, v.overlays...) {
		if s.Background != "" || i == 0 {
			draw.Draw(img, img.Rect, image.NewUniform(s.Background.Or(color.NRGBA{A: uint8(max(0, 255-255*i))})), image.Point{}, draw.Over)
		}
		zones := slices.Clone(s.Zones)
		slices.SortStableFunc(zones, func(a, b scene.Zone) int { return a.Z - b.Z })
		for _, z := range zones {
			if err := v.drawZone(ctx, img, data.bind(z), scale, env); err != nil {
				return nil, err
			}
		}
	}
	v.notes = append(v.notes, data.notes...)
	slices.Sort(v.notes)
	v.notes = slices.Compact(v.notes)
	return img, nil
}

func (v *view) drawZone(ctx context.Context, img *image.RGBA, z scene.Zone, scale float64, env paint.Env) error {
	at := scaled(z.At.Bounds(), scale)
	if at.Empty() {
		return nil
	}
	widget, err := paint.New(z, at.Size(), scale, env)
	if err != nil {
		return fmt.Errorf("draw a zone: %w", err)
	}
	surface := image.NewRGBA(image.Rectangle{Max: at.Size()})
	if z.Ticker != nil {
		widget.Paint(surface, v.now.Add(-time.Minute)) // so that the line is under way, not about to come
	}
	widget.Paint(surface, v.now)
	if len(z.Playlist) > 0 {
		medium, err := v.medium(ctx, z.Playlist[0], at.Size())
		if err != nil {
			return err
		}
		draw.Draw(surface, surface.Rect, medium, image.Point{}, draw.Over)
		paint.Rounded(surface, float64(z.Radius)*scale)
	}
	opacity := z.Opacity
	if opacity == 0 {
		opacity = 1
	}
	mask := image.NewUniform(color.Alpha{A: uint8(math.Round(255 * opacity))})
	draw.DrawMask(img, at, surface, image.Point{}, mask, image.Point{}, draw.Over)
	return nil
}

// medium is the picture of a playlist's item, as large as its zone.
func (v *view) medium(ctx context.Context, item scene.Item, size image.Point) (*image.RGBA, error) {
	path := filepath.Join(v.dir, filepath.FromSlash(item.Src))
	if item.Kind == scene.Image {
		return paint.Fitted(path, size, item.Fit)
	}
	frame, err := videoFrame(ctx, path, item, size)
	if err == nil {
		return frame, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	v.notes = append(v.notes, fmt.Sprintf("%s is drawn as a grey plate: %v", item.Src, err))
	plate := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(plate, plate.Rect, image.NewUniform(color.RGBA{0x30, 0x34, 0x3a, 0xff}), image.Point{}, draw.Src)
	return plate, nil
}

// fonts are the system's with those of the bundle before them.
func (v *view) fonts() (*paint.Fonts, error) {
	var files []string
	for _, p := range slices.Sorted(maps.Keys(v.media)) {
		if strings.HasPrefix(v.media[p], "font/") {
			files = append(files, filepath.Join(v.dir, filepath.FromSlash(p)))
		}
	}
	fonts, err := paint.LoadFonts(paint.FontConfig{Files: files})
	if err != nil {
		return nil, fmt.Errorf("load fonts: %w", err)
	}
	return fonts, nil
}

// scaled is a rectangle of the canvas on the picture; neighbours stay neighbours.
func scaled(r image.Rectangle, scale float64) image.Rectangle {
	at := func(v int) int { return int(math.Round(float64(v) * scale)) }
	return image.Rect(at(r.Min.X), at(r.Min.Y), at(r.Max.X), at(r.Max.Y))
}
