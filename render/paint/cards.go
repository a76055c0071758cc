package paint

import (
	"fmt"
	"image"
	"image/color"
	"reflect"
	"slices"
	"time"

	"vitrine/render/scene"
)

// The columns of a card's row.
const (
	cardTitle = iota
	cardText
	cardNote
	cardPicture
)

// maxCards bounds the rows; maxGrid the cards side by side and below each other.
const (
	maxCards = 400
	maxGrid  = 12
)

// again is how soon a page is looked for again whose pictures were not there in time.
const again = 100 * time.Millisecond

// cards shows rows as cards, page after page.
type cards struct {
	plate
	env    Env
	what   scene.Cards
	ink    color.NRGBA
	accent color.NRGBA
	fill   color.NRGBA
	every  time.Duration
	rtl    bool
	grid   grid
	sizes  cardSizes
	shots  *gallery

	begun time.Time
	shown int // page, -1 = none
	fresh bool
	move  *passage
}

func newCards(c scene.Cards, p plate, env Env) (*cards, error) {
	if c.Columns < 0 || c.Columns > maxGrid || c.Rows < 0 || c.Rows > maxGrid {
		return nil, fmt.Errorf("cards: %d columns and %d rows cannot be drawn: 0 to %d of each, where 0 is as the zone's shape says", c.Columns, c.Rows, maxGrid)
	}
	w := &cards{plate: p, env: env, shown: -1, every: time.Duration(c.Every), ink: c.Style.Color.Or(white())}
	w.accent = c.Accent.Or(accentFor(w.ink))
	w.fill = c.Fill.Or(withAlpha(w.ink, 0.1))
	if w.every <= 0 {
		w.every = defaultEvery
	}
	w.every = max(w.every, 2*calm)
	w.take(c)
	return w, nil
}

// take settles the grid and the sizes for new rows.
func (c *cards) take(what scene.Cards) {
	c.what = what
	c.what.Cells = nil
	for _, row := range what.Cells[:min(len(what.Cells), maxCards)] {
		full := make([]string, cardPicture+1)
		for i := range min(len(row), len(full)) {
			if full[i] = row[i]; i != cardPicture {
				full[i] = cutRunes(row[i], maxTickerRunes)
			}
		}
		c.what.Cells = append(c.what.Cells, full)
	}
	c.rtl = readsLeft(func(yield func(string) bool) {
		for _, row := range c.what.Cells {
			if !yield(row[cardTitle]) {
				return
			}
		}
	})
	c.grid = newGrid(c.bounds().Inset(int(c.px(what.Style.Pad))), what, len(c.what.Cells), c.scale)
	c.sizes = c.measure()
	if c.shots == nil || c.shots.size != c.grid.picture.Size() {
		c.shots = newGallery(c.grid.picture.Size())
	}
	c.fresh = true
}

// paths are the pictures of a page.
func (c *cards) paths(page int) []string {
	var out []string
	if c.what.Image == "" || c.grid.picture.Empty() {
		return nil
	}
	for _, row := range c.rows(page) {
		if row[cardPicture] != "" {
			out = append(out, row[cardPicture])
		}
	}
	return out
}

func (c *cards) rows(page int) [][]string {
	n := len(c.what.Cells)
	return c.what.Cells[min(page*c.grid.perPage(), n):min((page+1)*c.grid.perPage(), n)]
}

func (c *cards) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	if c.begun.IsZero() {
		c.begun = now
	}
	changed := c.turn(dst, now)
	if c.move == nil {
		return changed
	}
	if c.move.paint(dst, now) {
		c.move = nil
	}
	return c.bounds()
}

// turn begins the page that is due, if its pictures are there.
func (c *cards) turn(dst *image.RGBA, now time.Time) image.Rectangle {
	page := pageAt(c.begun, now, c.every, c.grid.pages)
	if page == c.shown && !c.fresh {
		return image.Rectangle{}
	}
	paths := c.paths(page)
	if c.shown < 0 || c.env.Patient {
		c.shots.wait(paths)
	} else if !c.shots.ready(paths) {
		c.shots.fetch(paths)
		return image.Rectangle{}
	}
	to := image.NewRGBA(c.bounds())
	c.draw(to, page)
	first := c.shown < 0
	c.shown, c.fresh = page, false
	next := c.paths((page + 1) % c.grid.pages)
	c.shots.keep(slices.Concat(paths, next)...)
	c.shots.fetch(next)
	if first {
		copy(dst.Pix, to.Pix)
		return c.bounds()
	}
	from := image.NewRGBA(c.bounds())
	copy(from.Pix, dst.Pix)
	c.move = &passage{from: from, to: to, begun: now}
	return c.bounds()
}

func (c *cards) draw(dst *image.RGBA, page int) {
	c.wipe(dst, c.bounds())
	for i, row := range c.rows(page) {
		c.drawCard(dst, c.grid.cell(i, c.rtl), row)
	}
	if c.grid.pages > 1 {
		l := lookOf(c.what.Style, c.scale, c.env.Locale)
		l.Size = c.sizes.text
		pager{fonts: c.env.Fonts, look: l, ink: c.ink, accent: c.accent, rtl: c.rtl}.draw(dst, c.grid.dots, page, c.grid.pages)
	}
	c.finish(dst, c.bounds())
}

// Next is when the page changes, and each frame while it does.
func (c *cards) Next(now time.Time) time.Time {
	switch {
	case c.shown < 0 || c.move != nil:
		return now
	case c.fresh || pageAt(c.begun, now, c.every, c.grid.pages) != c.shown:
		if c.shots.ready(c.paths(pageAt(c.begun, now, c.every, c.grid.pages))) {
			return now
		}
		return now.Add(again)
	case c.grid.pages < 2:
		return time.Time{}
	}
	return turnsAt(c.begun, now, c.every)
}

// Update takes other rows; the pages go on in their time.
func (c *cards) Update(z scene.Zone) bool {
	if z.Cards == nil || !c.same(z) {
		return false
	}
	a, b := *c.plate.zone.Cards, *z.Cards
	a.Cells, b.Cells = nil, nil
	if !reflect.DeepEqual(a, b) {
		return false
	}
	if !reflect.DeepEqual(c.plate.zone.Cards.Cells, z.Cards.Cells) {
		c.plate.zone = z
		c.take(*z.Cards)
	}
	return true
}
