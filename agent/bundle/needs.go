package bundle

import (
	"path"
	"slices"
	"strings"

	"vitrine/render/scene"
)

// SceneFiles lists the blobs without which a scene cannot be shown, sorted, no doubles: media and their stand-ins, the
// folders of its pages, its sound, fonts, and the sources that are files of the bundle. An unknown scene has none.
func (m *Manifest) SceneFiles(id string) []Digest {
	var found []Digest
	add := func(p string) {
		if d, ok := m.Files[p]; ok {
			found = append(found, d)
		}
	}
	source := func(id string) {
		s := m.Sources[id]
		if add(s.Location.CA); s.Location.Type == "bundle" {
			add(s.Location.Path)
		}
	}
	item := func(i scene.Item) {
		add(i.Src)
		add(i.StandIn)
		source(i.Source)
		for _, p := range m.PageFiles(i) {
			add(p)
		}
	}
	s := m.Scenes[id]
	for _, z := range s.Zones {
		for _, i := range z.Playlist {
			item(i)
		}
		for _, f := range zoneFonts(z) {
			add(f)
		}
		if z.Cards != nil && z.Cards.Image != "" && z.Cards.Pictures != "" {
			for _, p := range m.filesBelow(z.Cards.Pictures) {
				add(p)
			}
		}
		source(z.SourceName())
	}
	if s.Audio != nil {
		for _, i := range s.Audio.Playlist {
			item(i)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// SceneSources names the sources whose rows a scene shows, sorted, no doubles.
func (m *Manifest) SceneSources(id string) []string {
	var names []string
	for _, z := range m.Scenes[id].Zones {
		names = append(names, z.SourceName())
		for _, i := range z.Playlist {
			names = append(names, i.Source)
		}
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// PageFolder is the folder that a page of the bundle lives in, all of which it may use; "" when it has none of its own.
func PageFolder(src string) string {
	if dir := path.Dir(src); dir != "." && !strings.Contains(src, "://") {
		return dir
	}
	return ""
}

// PageFiles are the files that an item of kind web may use, by their path within the page's folder: bundle paths. An
// item of another kind, or with an address, has none.
func (m *Manifest) PageFiles(i scene.Item) map[string]string {
	dir := PageFolder(i.Src)
	if i.Kind != scene.Web || dir == "" {
		return nil
	}
	files := map[string]string{}
	for _, p := range m.filesBelow(dir) {
		files[strings.TrimPrefix(p, dir+"/")] = p
	}
	return files
}

// CardPicture is the bundle path of the picture that a row of cards names, "" when the bundle has none of that name.
func (m *Manifest) CardPicture(c scene.Cards, named string) string {
	for _, p := range []string{path.Join(c.Pictures, named), named} {
		if _, ok := m.Files[p]; ok && named != "" && CheckPath(p) == nil && CheckPath(named) == nil {
			return p
		}
	}
	return ""
}

func (m *Manifest) filesBelow(dir string) []string {
	var found []string
	for p := range m.Files {
		if strings.HasPrefix(p, dir+"/") {
			found = append(found, p)
		}
	}
	return found
}
