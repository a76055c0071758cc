package paint

import (
	"image"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// chunkWidth is the width in pixels of the pieces in which a ticker's line is drawn ahead.
const chunkWidth = 256

// Bounds of a ticker's content: what is over is left out.
const (
	maxTickerItems = 500
	maxTickerRunes = 1000 // of one item
)

// ticker moves one endless line against the reading direction.
//
// Its line is a stream whose coordinate s grows in reading order; at any instant the zone shows the stream from offset on.
//
//	s:  0        256       512       768
//	    ├─ chunk ─┼─ chunk ─┼─ chunk ─┤        drawn once per quarter-pixel phase, then only copied
//	         └────── zone ──────┘
//	         offset = speed × time
//
// For right-to-left text the same stream is laid from the right edge, and moves right.
type ticker struct {
	plate
	env   Env
	what  scene.Ticker
	look  glyph.Look
	ink   *image.Uniform
	rtl   bool
	speed float64 // pixels a second
	base  float64 // baseline

	texts  []string
	lines  []glyph.Line // of texts
	sep    glyph.Line
	placed []placed // what is in the stream from the zone on, in order
	next   int      // of texts, the one to be placed next
	end    float64  // of the last placed

	begun   time.Time // when the offset was zero
	last    time.Time
	quarter int64 // offset in quarter pixels, as painted; -1 = not yet
	blank   bool  // nothing is to be seen and nothing will come
	chunks  []chunk
}

// placed is a line at its place in the stream.
type placed struct {
	ln         glyph.Line
	start, end float64
	text       string // "" = a separator
}

// chunk is a drawn piece of the stream at one phase.
type chunk struct {
	index int64 // -1 = none
	img   *image.RGBA
}

func newTicker(t scene.Ticker, p plate, env Env) *ticker {
	w := &ticker{plate: p, env: env, what: t, quarter: -1, look: lookOf(t.Style, p.scale, env.Locale),
		ink: image.NewUniform(t.Style.Color.Or(white()))}
	if w.look.Size == 0 {
		w.look.Size = math.Max(0.46*float64(p.size.Y-2*int(p.px(t.Style.Pad))), minSize*p.scale)
	}
	w.speed = p.px(t.Speed)
	if t.Speed <= 0 {
		w.speed = p.px(120)
	}
	separator := t.Separator
	if separator == "" {
		separator = " • "
	}
	w.sep = env.Fonts.OneLine(cutRunes(separator, 100), w.look)
	w.base = math.Round((float64(p.size.Y)-w.sep.Ascent-w.sep.Descent)/2 + w.sep.Ascent)
	w.chunks = make([]chunk, (p.size.X/chunkWidth+3)*glyph.Phases)
	for i := range w.chunks {
		w.chunks[i].index = -1
	}
	w.take(t)
	w.rtl = w.readsLeft()
	w.end = w.margin()
	return w
}

// margin is the room before the very first item.
func (t *ticker) margin() float64 { return math.Max(t.px(t.what.Style.Pad), 0.6*t.look.Size) }

// take shapes new texts; it says whether they differ from the ones before.
func (t *ticker) take(what scene.Ticker) bool {
	var texts []string
	for _, s := range tickerTexts(what) {
		if s = strings.TrimSpace(s); s != "" && len(texts) < maxTickerItems {
			texts = append(texts, cutRunes(s, maxTickerRunes))
		}
	}
	if slices.Equal(texts, t.texts) {
		return false
	}
	known := map[string]glyph.Line{}
	for i, s := range t.texts {
		known[s] = t.lines[i]
	}
	t.texts, t.lines = texts, make([]glyph.Line, len(texts))
	width := 0.0
	for i, s := range texts {
		ln, ok := known[s]
		if !ok {
			ln = t.env.Fonts.OneLine(s, t.look)
		}
		t.lines[i] = ln
		width += ln.Width
	}
	if width < 1 { // nothing that could be seen: the stream would never grow
		t.texts, t.lines = nil, nil
	}
	return true
}

func tickerTexts(t scene.Ticker) []string {
	if len(t.Items) == 0 && t.Source == "" {
		return []string{t.Text}
	}
	return t.Items
}

// cutRunes shortens a text to n runes.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

// readsLeft says whether more items are read from right to left than from left to right.
func (t *ticker) readsLeft() bool {
	n := 0
	for _, ln := range t.lines {
		if ln.RTL {
			n++
		}
	}
	return 2*n > len(t.lines)
}

// Update takes other items: they come in behind what is already to be seen.
func (t *ticker) Update(z scene.Zone) bool {
	if z.Ticker == nil || !t.same(z) {
		return false
	}
	a, b := t.what, *z.Ticker
	a.Items, b.Items, a.Text, b.Text = nil, nil, "", ""
	if !reflect.DeepEqual(a, b) {
		return false
	}
	t.what = *z.Ticker
	if t.take(*z.Ticker) {
		t.follow()
	}
	return true
}

// follow lets the new items begin where those that can already be seen end: after the same item, if it is still there.
func (t *ticker) follow() {
	t.blank = false
	if t.quarter < 0 {
		t.placed, t.next, t.end, t.rtl = nil, 0, t.margin(), t.readsLeft()
		return
	}
	offset := float64(t.quarter) / glyph.Phases
	seen := offset + float64(t.size.X) + 2
	for i, p := range t.placed {
		if p.start >= seen {
			t.placed = slices.Delete(t.placed, i, len(t.placed))
			break
		}
	}
	last := ""
	for _, p := range t.placed {
		t.end = p.end
		if p.text != "" {
			last = p.text
		}
	}
	t.next = slices.Index(t.texts, last) + 1
	if len(t.placed) == 0 || t.end < offset {
		t.placed, t.end, t.rtl = nil, offset+t.margin(), t.readsLeft()
	}
	t.forget(t.end - t.look.Size)
	if n := len(t.placed); n > 0 && len(t.texts) > 0 && t.placed[n-1].text != "" {
		t.place(t.sep, "")
	}
}

// forget gives up what has been drawn of the stream beyond s.
func (t *ticker) forget(s float64) {
	for i := range t.chunks {
		if float64((t.chunks[i].index+1)*chunkWidth) > s {
			t.chunks[i].index = -1
		}
	}
}

func (t *ticker) place(ln glyph.Line, text string) {
	t.placed = append(t.placed, placed{ln: ln, start: t.end, end: t.end + ln.Width, text: text})
	t.end += ln.Width
}

// reach places items until the stream is known up to s, and drops those before the offset.
func (t *ticker) reach(offset, s float64) {
	old := 0
	for old < len(t.placed) && t.placed[old].end < offset-t.look.Size {
		old++
	}
	if old > 0 {
		n := copy(t.placed, t.placed[old:])
		clear(t.placed[n:])
		t.placed = t.placed[:n]
	}
	for len(t.texts) > 0 && t.end < s {
		t.next %= len(t.texts)
		t.place(t.lines[t.next], t.texts[t.next])
		t.place(t.sep, "")
		t.next++
	}
}

// advance is the offset at an instant. A pause (the zone was not shown, or the clock was set) does not move the line.
func (t *ticker) advance(now time.Time) int64 {
	const pause = 2 * time.Second
	if t.last.IsZero() {
		t.begun = now
	} else if d := now.Sub(t.last); d < 0 || d > pause {
		t.begun = t.begun.Add(d)
	}
	t.last = now
	return int64(math.Round(now.Sub(t.begun).Seconds() * t.speed * glyph.Phases))
}

func (t *ticker) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	quarter := t.advance(now)
	if quarter == t.quarter {
		return image.Rectangle{}
	}
	empty := t.empty(quarter)
	if empty && t.blank {
		return image.Rectangle{}
	}
	t.blank = empty
	t.quarter = quarter
	pixel, phase := quarter/glyph.Phases, uint8(quarter%glyph.Phases)
	first, final := pixel/chunkWidth, (pixel+int64(t.size.X)-1)/chunkWidth
	t.reach(float64(first*chunkWidth), float64((final+1)*chunkWidth)+1)
	for k := first; k <= final; k++ {
		img := t.chunk(k, phase)
		x := int(k*chunkWidth - pixel)
		if t.rtl {
			x = t.size.X - x - chunkWidth
		}
		copyAt(dst, img, x)
	}
	t.finish(dst, t.bounds())
	return t.bounds()
}

// empty says whether there are no items and the last ones have left the zone.
func (t *ticker) empty(quarter int64) bool {
	return len(t.texts) == 0 && (len(t.placed) == 0 || t.end+t.look.Size < float64(quarter)/glyph.Phases)
}

// copyAt copies a chunk into the zone with its left side at x.
func copyAt(dst, img *image.RGBA, x int) {
	from, to := max(0, -x), min(chunkWidth, dst.Rect.Dx()-x)
	if from >= to {
		return
	}
	for y := range min(img.Rect.Dy(), dst.Rect.Dy()) {
		copy(dst.Pix[y*dst.Stride+(x+from)*4:][:(to-from)*4], img.Pix[y*img.Stride+from*4:])
	}
}

// chunk is a piece of the stream, drawn if it has not been.
func (t *ticker) chunk(k int64, phase uint8) *image.RGBA {
	slots := int64(len(t.chunks) / glyph.Phases)
	c := &t.chunks[(k%slots)*glyph.Phases+int64(phase)]
	if c.index == k {
		return c.img
	}
	if c.img == nil {
		c.img = image.NewRGBA(image.Rect(0, 0, chunkWidth, t.size.Y))
	}
	c.index = k
	t.wipe(c.img, c.img.Rect)
	left := float64(k*chunkWidth) + float64(phase)/glyph.Phases
	for i := range t.placed {
		p := &t.placed[i]
		if p.end < left-t.look.Size || p.start > left+chunkWidth+t.look.Size {
			continue
		}
		x := p.start - left
		if t.rtl {
			x = chunkWidth - (p.end - left)
		}
		t.env.Fonts.Ink(c.img, c.img.Rect, &p.ln, x, t.base, t.ink)
	}
	return c.img
}

// Next is each frame while there is something to move.
func (t *ticker) Next(now time.Time) time.Time {
	if t.blank {
		return time.Time{}
	}
	return now
}
