package playout

import (
	"path"
	"slices"
	"strings"

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

// picture is the file of a picture that a row names, "" when it is not here: the card is shown without it.
func (b *binder) picture(c scene.Cards, named string) string {
	name := b.live.Manifest.CardPicture(c, named)
	if _, ok := b.live.Path(name); !ok {
		return ""
	}
	return b.file(name)
}
