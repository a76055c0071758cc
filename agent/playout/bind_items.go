package playout

import (
	"path"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// item resolves the files of a playlist's item, and gives a page its rows.
func (b *binder) item(i *scene.Item) {
	if i.StandIn != "" {
		i.StandIn = b.file(i.StandIn)
	}
	switch {
	case i.Kind == scene.Web:
		b.page(i)
	case !strings.Contains(i.Src, "://"): // a stream has an address
		i.Src = b.file(i.Src)
	}
}

// page gives a page of the bundle the files of its folder by their names there, since files on the disk are named by what
// is in them. Rows that are too old to be shown are left out: the page shows what it has without them.
func (b *binder) page(i *scene.Item) {
	if files := b.live.Manifest.PageFiles(*i); len(files) > 0 {
		for name, file := range files {
			files[name] = b.file(file)
		}
		i.Src, i.Files = path.Base(i.Src), files
	}
	if i.Source == "" {
		return
	}
	r, ok := b.rows(i.Source)
	if !ok {
		return
	}
	for n := range r.Rows {
		i.Rows = append(i.Rows, r.Row(n))
	}
}

// bed is the sound below a scene.
func (b *binder) bed(from *scene.Bed) *scene.Bed {
	if from == nil {
		return nil
	}
	bed := *from
	bed.Playlist = slices.Clone(bed.Playlist)
	for i := range bed.Playlist {
		bed.Playlist[i].Src = b.file(bed.Playlist[i].Src)
	}
	return &bed
}

// cards are a title, a text, a note and a picture of the bundle for each row; a row without any words is left out.
func (b *binder) cards(c *scene.Cards) bool {
	r, ok := b.rows(c.Source)
	if !ok {
		return false
	}
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
		if c.Image != "" {
			cell[3] = b.picture(*c, r.Cell(n, c.Image))
		}
		if strings.Join(cell[:3], "") != "" {
			c.Cells = append(c.Cells, cell)
		}
	}
	return len(c.Cells) > 0
}

// picture is the file of a picture that a row names, "" when it is not here: the card is shown without it.
func (b *binder) picture(c scene.Cards, named string) string {
	name := b.live.Manifest.CardPicture(c, named)
	if _, ok := b.live.Path(name); !ok {
		return ""
	}
	return b.file(name)
}

func (b *binder) weather(w *scene.Weather) (ok bool) {
	w.Cells, ok = b.cells(w.Source, []string{w.Label, w.Sky, w.High, w.Low, w.Wind})
	if ok && w.Rows > 0 {
		w.Cells = w.Cells[:min(w.Rows, len(w.Cells))]
	}
	return ok
}
