package paint

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"reflect"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// Bounds of a table: rows and runes over them are left out.
const (
	maxTableRows = 2000
	maxCellRunes = 400
)

// defaultEvery is how long a page of a table stays.
const defaultEvery = 10 * time.Second

// table shows rows, page after page.
type table struct {
	plate
	env    Env
	what   scene.Table
	look   glyph.Look
	ink    color.NRGBA
	accent color.NRGBA
	every  time.Duration
	begun  time.Time
	shown  int // page, -1 = none
	rtl    bool

	box       image.Rectangle // inside the padding
	head      float64         // height of the header
	row       float64         // height of a row
	perPage   int
	foot      float64 // height of the page dots
	pageCount int
}

func newTable(t scene.Table, p plate, env Env) (*table, error) {
	if len(t.Columns) == 0 {
		return nil, fmt.Errorf("table: it has no columns: name at least one")
	}
	w := &table{plate: p, env: env, what: t, shown: -1, every: time.Duration(t.Every),
		ink: t.Style.Color.Or(white()), accent: t.Accent.Or(color.NRGBA{R: 0x4d, G: 0xa3, B: 0xff, A: 0xff})}
	if w.every <= 0 {
		w.every = defaultEvery
	}
	w.every = max(w.every, 100*time.Millisecond)
	w.measure()
	return w, nil
}

// measure settles the heights, the size of the text and the number of pages.
func (t *table) measure() {
	t.what.Cells = t.what.Cells[:min(len(t.what.Cells), maxTableRows)]
	t.box = t.bounds().Inset(int(t.px(t.what.Style.Pad)))
	t.look = lookOf(t.what.Style, t.scale, t.env.Locale)
	t.look.Tabular = true
	height := float64(t.box.Dy())
	n := len(t.what.Cells)
	header := 0.0
	if t.what.Header {
		header = 0.9 // of a row
	}
	lines := float64(min(max(n, 4), 8))
	switch {
	case t.what.Rows > 0:
		lines = float64(t.what.Rows)
	case t.look.Size > 0:
		lines = math.Max(1, math.Floor(height/(1.9*t.look.Size)-header))
	}
	foot := 0.0
	t.perPage = int(lines)
	if n > t.perPage {
		foot = 0.45
		if t.what.Rows == 0 && t.look.Size > 0 {
			t.perPage = max(1, int(height/(1.9*t.look.Size)-header-foot))
		}
	}
	t.row = height / (float64(t.perPage) + header + foot)
	if t.look.Size > 0 && t.what.Rows == 0 {
		t.row = math.Min(t.row, 2.3*t.look.Size)
	}
	if t.look.Size == 0 {
		t.look.Size = math.Max(0.44*t.row, minSize*t.scale)
	}
	t.head, t.foot = header*t.row, foot*t.row
	t.pageCount = max(1, (n+t.perPage-1)/t.perPage)
	t.rtl = readsLeft(t.texts)
}

// texts are those whose direction is the table's: titles, then cells.
func (t *table) texts(yield func(string) bool) {
	for _, c := range t.what.Columns {
		if t.what.Header && !yield(title(c)) {
			return
		}
	}
	for _, row := range t.what.Cells {
		for _, cell := range row {
			if !yield(cell) {
				return
			}
		}
	}
}

func title(c scene.Column) string {
	if c.Title != "" {
		return c.Title
	}
	return c.Name
}

func (t *table) page(now time.Time) int {
	if t.begun.IsZero() {
		t.begun = now
	}
	return pageAt(t.begun, now, t.every, t.pageCount)
}

func (t *table) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	page := t.page(now)
	if page == t.shown {
		return image.Rectangle{}
	}
	t.shown = page
	t.wipe(dst, t.bounds())
	y := float64(t.box.Min.Y)
	if t.what.Header {
		t.paintHeader(dst, y)
		y += t.head
	}
	for i := page * t.perPage; i < min((page+1)*t.perPage, len(t.what.Cells)); i++ {
		box := image.Rect(t.box.Min.X, round(y), t.box.Max.X, round(y+t.row))
		if (i-page*t.perPage)%2 == 0 {
			draw.Draw(dst, box, image.NewUniform(withAlpha(t.ink, 0.07)), image.Point{}, draw.Over)
		}
		t.paintRow(dst, box, t.look, func(c int) string {
			if c < len(t.what.Cells[i]) {
				return t.what.Cells[i][c]
			}
			return ""
		}, image.NewUniform(t.ink))
		y += t.row
	}
	if t.pageCount > 1 {
		box := image.Rect(t.box.Min.X, t.box.Max.Y-round(t.foot), t.box.Max.X, t.box.Max.Y)
		pager{fonts: t.env.Fonts, look: t.look, ink: t.ink, accent: t.accent, rtl: t.rtl}.draw(dst, box, page, t.pageCount)
	}
	t.finish(dst, t.bounds())
	return t.bounds()
}

func round(v float64) int { return int(math.Round(v)) }

func (t *table) paintHeader(dst *image.RGBA, y float64) {
	box := image.Rect(t.box.Min.X, round(y), t.box.Max.X, round(y+t.head))
	l := t.look
	l.Size *= 0.78
	l.Weight = max(l.Weight, 600)
	t.paintRow(dst, box, l, func(c int) string { return title(t.what.Columns[c]) }, image.NewUniform(withAlpha(t.ink, 0.72)))
	bar := box
	bar.Min.Y = bar.Max.Y - max(1, round(0.06*t.look.Size))
	draw.Draw(dst, bar, image.NewUniform(t.accent), image.Point{}, draw.Over)
}

// paintRow puts one text into each column of a row, shortened where it is too long.
func (t *table) paintRow(dst *image.RGBA, box image.Rectangle, l glyph.Look, cell func(int) string, src image.Image) {
	sum := 0.0
	for _, c := range t.what.Columns {
		sum += share(c)
	}
	gap := 0.45 * t.look.Size
	at := 0.0
	for i, c := range t.what.Columns {
		width := float64(box.Dx()) * share(c) / sum
		x0, x1 := float64(box.Min.X)+at, float64(box.Min.X)+at+width
		if t.rtl {
			x0, x1 = float64(box.Max.X)-at-width, float64(box.Max.X)-at
		}
		at += width
		inner := image.Rect(round(x0+gap), box.Min.Y, round(x1-gap), box.Max.Y)
		if inner.Empty() {
			continue
		}
		b := t.env.Fonts.Layout(cutRunes(cell(i), maxCellRunes), l, float64(inner.Dx()), 1)
		for j := range b.Lines {
			b.Lines[j].RTL = t.rtl // columns line up: alignment is the table's, not each text's
		}
		t.env.Fonts.SetBlock(dst, inner, b, c.Align, "middle", src)
	}
}

func share(c scene.Column) float64 {
	if c.Width > 0 {
		return c.Width
	}
	return 1
}

// Next is when the page changes.
func (t *table) Next(now time.Time) time.Time {
	if t.shown < 0 || t.page(now) != t.shown {
		return now
	}
	if t.pageCount < 2 {
		return time.Time{}
	}
	return turnsAt(t.begun, now, t.every)
}

// Update takes other rows; the pages go on in their time.
func (t *table) Update(z scene.Zone) bool {
	if z.Table == nil || !t.same(z) {
		return false
	}
	a, b := t.what, *z.Table
	a.Cells, b.Cells = nil, nil
	if !reflect.DeepEqual(a, b) {
		return false
	}
	if reflect.DeepEqual(t.what.Cells, z.Table.Cells) {
		return true
	}
	t.what = *z.Table
	t.measure()
	t.shown = -1
	return true
}
