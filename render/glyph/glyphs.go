package glyph

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"sync"

	"github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Phases is the number of horizontal positions inside one pixel at which a glyph is drawn.
const Phases = 4

// maxGlyphBytes is what the glyph cache may hold; beyond it the cache begins anew.
const maxGlyphBytes = 24 << 20

// maxGlyphSide is in pixels; a glyph that is larger is not drawn.
const maxGlyphSide = 8192

type glyphKey struct {
	font  *font.Font
	gid   font.GID
	size  fixed.Int26_6
	phase uint8
}

// glyph is the pixels of a glyph: a mask to be filled with the text's colour, or a picture of its own colours.
type glyph struct {
	mask    *image.Alpha
	picture *image.RGBA
	at      image.Point // of the top left pixel, from the dot
}

// glyphCache keeps the pixels of glyphs. The zero value is ready. It has a lock and faces of its own: drawing must not
// wait while a font is read or a long text is shaped elsewhere.
type glyphCache struct {
	mu    sync.Mutex
	m     map[glyphKey]glyph
	faces map[*font.Font]*font.Face
	bytes int
	ras   vector.Rasterizer
}

// get is a glyph's pixels; the caller holds the lock.
func (c *glyphCache) get(run *shaping.Output, g *shaping.Glyph, phase uint8) glyph {
	key := glyphKey{font: run.Face.Font, gid: g.GlyphID, size: run.Size, phase: phase}
	if v, ok := c.m[key]; ok {
		return v
	}
	if c.m == nil {
		c.forget()
	}
	v := c.render(c.face(run), run, g, phase)
	cost := 96
	if v.mask != nil {
		cost += len(v.mask.Pix)
	}
	if v.picture != nil {
		cost += len(v.picture.Pix)
	}
	if c.bytes+cost > maxGlyphBytes {
		c.forget()
	}
	c.m[key] = v
	c.bytes += cost
	return v
}

// forget begins the cache anew.
func (c *glyphCache) forget() {
	c.m, c.faces, c.bytes = make(map[glyphKey]glyph, 256), map[*font.Font]*font.Face{}, 0
}

// face is the cache's own face of a run's font.
func (c *glyphCache) face(run *shaping.Output) *font.Face {
	face := c.faces[run.Face.Font]
	if face == nil {
		face = font.NewFace(run.Face.Font)
		c.faces[run.Face.Font] = face
	}
	if len(face.BitmapSizes()) > 0 {
		ppem := uint16(min(max(run.Size.Round(), 1), 1024))
		face.SetPpem(ppem, ppem)
	}
	return face
}

// render draws a glyph; a glyph without ink, too large or damaged is empty.
func (c *glyphCache) render(face *font.Face, run *shaping.Output, g *shaping.Glyph, phase uint8) (v glyph) {
	defer func() {
		if recover() != nil { // a damaged font must not take the screen down
			v = glyph{}
		}
	}()
	switch data := face.GlyphData(g.GlyphID).(type) {
	case font.GlyphBitmap:
		if p := decodeStrike(data); p != nil {
			return scaleStrike(p, g)
		}
		if data.Outline != nil {
			return c.outline(*data.Outline, run, phase)
		}
	case font.GlyphOutline:
		return c.outline(data, run, phase)
	case font.GlyphSVG:
		return c.outline(data.Outline, run, phase)
	}
	if o, ok := face.GlyphDataOutline(g.GlyphID); ok {
		return c.outline(o, run, phase)
	}
	return glyph{}
}

func (c *glyphCache) outline(o font.GlyphOutline, run *shaping.Output, phase uint8) glyph {
	if len(o.Segments) == 0 {
		return glyph{}
	}
	scale := float32(run.Size) / 64 / float32(run.Face.Upem())
	shift := float32(phase) / Phases
	minX, minY, maxX, maxY := float32(1e9), float32(1e9), float32(-1e9), float32(-1e9)
	for i := range o.Segments {
		for _, p := range o.Segments[i].ArgsSlice() {
			x, y := p.X*scale+shift, -p.Y*scale
			minX, maxX, minY, maxY = min(minX, x), max(maxX, x), min(minY, y), max(maxY, y)
		}
	}
	if maxX-minX > maxGlyphSide || maxY-minY > maxGlyphSide || !(minX <= maxX) {
		return glyph{}
	}
	at := image.Pt(floor32(minX), floor32(minY))
	size := image.Pt(-floor32(-maxX), -floor32(-maxY)).Sub(at)
	if size.X < 1 || size.Y < 1 {
		return glyph{}
	}
	c.ras.Reset(size.X, size.Y)
	ox, oy := shift-float32(at.X), -float32(at.Y)
	for i := range o.Segments {
		s := &o.Segments[i]
		a := s.Args
		switch s.Op {
		case ot.SegmentOpMoveTo:
			c.ras.ClosePath()
			c.ras.MoveTo(a[0].X*scale+ox, -a[0].Y*scale+oy)
		case ot.SegmentOpLineTo:
			c.ras.LineTo(a[0].X*scale+ox, -a[0].Y*scale+oy)
		case ot.SegmentOpQuadTo:
			c.ras.QuadTo(a[0].X*scale+ox, -a[0].Y*scale+oy, a[1].X*scale+ox, -a[1].Y*scale+oy)
		case ot.SegmentOpCubeTo:
			c.ras.CubeTo(a[0].X*scale+ox, -a[0].Y*scale+oy, a[1].X*scale+ox, -a[1].Y*scale+oy, a[2].X*scale+ox, -a[2].Y*scale+oy)
		}
	}
	c.ras.ClosePath()
	mask := image.NewAlpha(image.Rectangle{Max: size})
	c.ras.DrawOp = draw.Src
	c.ras.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	return glyph{mask: mask, at: at}
}

func floor32(v float32) int {
	i := int(v)
	if float32(i) > v {
		i--
	}
	return i
}

// decodeStrike reads a font's embedded picture; nil where it has none that we can read.
func decodeStrike(b font.GlyphBitmap) image.Image {
	var img image.Image
	var err error
	switch b.Format {
	case font.PNG:
		if cfg, e := png.DecodeConfig(bytes.NewReader(b.Data)); e != nil || cfg.Width > 1024 || cfg.Height > 1024 {
			return nil
		}
		img, err = png.Decode(bytes.NewReader(b.Data))
	case font.JPG:
		if cfg, e := jpeg.DecodeConfig(bytes.NewReader(b.Data)); e != nil || cfg.Width > 1024 || cfg.Height > 1024 {
			return nil
		}
		img, err = jpeg.Decode(bytes.NewReader(b.Data))
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	return img
}

// scaleStrike brings a picture to the size and place that the shaper has measured for it.
func scaleStrike(img image.Image, g *shaping.Glyph) glyph {
	w, h := g.Width.Round(), -g.Height.Round()
	if w < 1 || h < 1 || w > maxGlyphSide || h > maxGlyphSide {
		return glyph{}
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.CatmullRom.Scale(dst, dst.Rect, img, img.Bounds(), draw.Src, nil)
	return glyph{picture: dst, at: image.Pt(g.XBearing.Round(), -g.YBearing.Round())}
}
