package connect

import (
	"cmp"
	"math"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// Filler puts rows into zones, the same way on a screen and in a preview.
type Filler struct {
	Rows    func(source string) (Result, bool)       // false: they are not to be shown
	Page    func(source string) bundle.RowPage       // how the source turns its rows over; nil = it says nothing
	Picture func(c scene.Cards, named string) string // the file of a picture of the bundle, "" = there is none
	Unknown func(source string) (missing bool)       // a preview that cannot reach the source marks its place; nil = never
}

// Zone binds the rows of a zone's source to its widget. false: nothing of it is to be shown.
func (f Filler) Zone(z *scene.Zone) bool {
	source := z.SourceName()
	if source == "" {
		if z.Ticker != nil {
			z.Ticker.Items = []string{z.Ticker.Text}
		}
		return true
	}
	if f.Unknown != nil && f.Unknown(source) {
		f.mark(z)
		return true
	}
	r, ok := f.Rows(source)
	if !ok {
		return false
	}
	quiet := z.ShowAge == "never" || z.ShowAge == "" && z.Text != nil // a line of text says so itself, by {{.stale}}
	if z.ShowAge == "always" || r.Stale && !quiet {
		z.Age = r.Age()
	}
	if z.Text != nil {
		return text(z.Text, r)
	}
	if len(r.Rows) == 0 {
		return false
	}
	var page bundle.RowPage
	if f.Page != nil {
		page = f.Page(source)
	}
	switch {
	case z.Ticker != nil:
		return ticker(z.Ticker, r)
	case z.Table != nil:
		table(z.Table, r, page)
	case z.Chart != nil:
		chart(z.Chart, r)
	case z.Cards != nil:
		return f.cards(z.Cards, r, page, z.At)
	case z.Weather != nil:
		w := z.Weather
		w.Cells = cells(r, []string{w.Label, w.Sky, w.High, w.Low, w.Wind})
		if w.Rows > 0 {
			w.Cells = w.Cells[:min(w.Rows, len(w.Cells))]
		}
	case z.Calendar != nil:
		calendar(z.Calendar, r)
	}
	return true
}

// text is made of one row, and of what is known of the source without any.
func text(t *scene.Text, r Result) bool {
	line, err := bundle.NewLine(t.Text)
	if err != nil {
		return false
	}
	row := r.Facts()
	if n := max(t.Row, 1) - 1; n < len(r.Rows) {
		row = r.Row(n)
	} else if n > 0 {
		return false
	}
	t.Text = line.Fill(row)
	return t.Text != ""
}

func ticker(t *scene.Ticker, r Result) bool {
	line, err := bundle.NewLine(t.Text)
	if err != nil {
		return false
	}
	for i := range r.Rows {
		if s := line.Fill(r.Row(i)); s != "" {
			t.Items = append(t.Items, s)
		}
	}
	return len(t.Items) > 0
}

func table(t *scene.Table, r Result, page bundle.RowPage) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	t.Cells = cells(r, names)
	t.Rows, t.Every = cmp.Or(t.Rows, page.Rows), cmp.Or(t.Every, page.Every)
}

// chart has its labels as people read them, and its numbers as programs do.
func chart(c *scene.Chart, r Result) {
	for i := range r.Rows {
		line := []string{r.Cell(i, c.Label)}
		for _, v := range c.Values {
			line = append(line, r.Plain(i, v))
		}
		c.Cells = append(c.Cells, line)
	}
}

// cards are a title, a text, a note and a picture for each row; a row without any words is left out.
func (f Filler) cards(c *scene.Cards, r Result, page bundle.RowPage, at scene.Rect) bool {
	var lines [3]bundle.Line
	for i, text := range []string{c.Title, c.Text, c.Note} {
		line, err := bundle.NewLine(text)
		if err != nil {
			return false
		}
		lines[i] = line
	}
	for n := range r.Rows {
		row := r.Row(n)
		cell := []string{lines[0].Fill(row), lines[1].Fill(row), lines[2].Fill(row), ""}
		if named := r.Plain(n, c.Image); named != "" {
			if cell[3] = r.Picture(named); cell[3] == "" && f.Picture != nil {
				cell[3] = f.Picture(*c, named)
			}
		}
		if strings.Join(cell[:3], "") != "" {
			c.Cells = append(c.Cells, cell)
		}
	}
	c.Every = cmp.Or(c.Every, page.Every)
	if page.Rows > 0 && c.Columns == 0 && c.Rows == 0 {
		c.Columns, c.Rows = parted(page.Rows, at)
	}
	return len(c.Cells) > 0
}

// parted lays n cards side by side and below each other, as square as the zone allows.
func parted(n int, at scene.Rect) (columns, rows int) {
	best := math.Inf(1)
	for c := 1; c <= min(n, 12); c++ {
		r := (n + c - 1) / c
		if r > 12 {
			continue
		}
		shape := float64(at[2]) / float64(c) / (float64(at[3]) / float64(r))
		if cost := math.Abs(math.Log(shape)) + float64(c*r-n); cost < best {
			best, columns, rows = cost, c, r
		}
	}
	return columns, rows
}

// calendar has times that programs read.
func calendar(c *scene.Calendar, r Result) {
	named := []string{cmp.Or(c.Title, "title"), cmp.Or(c.Start, "start"), cmp.Or(c.End, "end"), cmp.Or(c.Room, "place"), cmp.Or(c.AllDay, "allDay")}
	for i := range r.Rows {
		line := []string{r.Cell(i, named[0])}
		for _, column := range named[1:] {
			line = append(line, r.Plain(i, column))
		}
		c.Cells = append(c.Cells, line)
	}
}

// cells are these columns of all rows.
func cells(r Result, columns []string) [][]string {
	all := make([][]string, len(r.Rows))
	for i := range r.Rows {
		all[i] = make([]string, len(columns))
		for k, c := range columns {
			all[i][k] = r.Cell(i, c)
		}
	}
	return all
}

// mark puts the names of columns where rows would be.
func (f Filler) mark(z *scene.Zone) {
	dots := func(n int) [][]string {
		line := make([]string, n)
		for i := range line {
			line[i] = "…"
		}
		return [][]string{line}
	}
	switch {
	case z.Ticker != nil:
		z.Ticker.Items = []string{z.Ticker.Text}
	case z.Table != nil:
		z.Table.Cells = dots(len(z.Table.Columns))
	case z.Chart != nil:
		z.Chart.Cells = dots(1 + len(z.Chart.Values))
	case z.Cards != nil:
		z.Cards.Cells = [][]string{{z.Cards.Title, z.Cards.Text, z.Cards.Note, ""}}
	case z.Weather != nil:
		z.Weather.Cells = dots(5)
	case z.Calendar != nil:
		today := time.Now().Format("2006-01-02")
		z.Calendar.Cells = [][]string{{"…", today + "T09:00:00", today + "T10:00:00", "…", ""}}
	}
}
