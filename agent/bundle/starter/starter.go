// Package starter answers: with which folder does an author begin?
//
//	templates/menu-board/*  ── words in English or French ──┐
//	easel: plates, views, waves, drawn here ────────────────┼─> Files ──> vitrine new
//	the name of the folder ─────────────────────────────────┘
//
// Each starting point is a whole bundle that checks, builds and plays as it stands. Its pictures are drawn when it is made:
// they are anybody's to use, and the source tree holds none.
package starter

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// Point is one starting point.
type Point struct {
	Name  string
	Short string // what it is, in English
	art   func() (map[string][]byte, error)
}

// Points are all starting points; the first one is that of an author who names none.
func Points() []Point {
	return []Point{
		{"lobby", "welcome, the day's programme, a clock and a news line, for a screen in a lobby", lobbyArt},
		{"lobby-portrait", "the same for an upright screen: welcome, programme, weather", portraitArt},
		{"menu-board", "dishes with prices and pictures: breakfast, lunch and dinner by the time of day", menuArt},
		{"meeting-rooms", "which rooms are free, who meets where and when", roomsArt},
		{"departures", "trains or buses: the next ones of a GTFS timetable, with line, destination and platform", noArt},
		{"news-wall", "news as cards with pictures, weather, time and a line of short news", newsArt},
		{"video-wall", "four screens as one canvas: moving picture, large words, the time in four cities", wallArt},
	}
}

// Find is the starting point of a name.
func Find(name string) (Point, bool) {
	for _, p := range Points() {
		if p.Name == name {
			return p, true
		}
	}
	return Point{}, false
}

// words are what the templates may ask for.
type words struct {
	ID   string
	Lang string // en, fr
	Zone string
}

// Files are all files of a starting point by their paths in the folder. The id is made of name; lang is "en" or "fr".
func (p Point) Files(name, lang string) (map[string][]byte, error) {
	files, err := p.Texts(name, lang)
	if err != nil {
		return nil, err
	}
	art, err := p.art()
	if err != nil {
		return nil, fmt.Errorf("draw the starting point %s: %w", p.Name, err)
	}
	for name, b := range art {
		files["media/"+name] = b
	}
	return files, nil
}

// pack makes zip files of folders that are called like one; they are the same each time.
func pack(files map[string][]byte) (map[string][]byte, error) {
	out, packed := map[string][]byte{}, map[string]*bytes.Buffer{}
	zips := map[string]*zip.Writer{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		folder, inner, is := strings.Cut(name, ".zip/")
		if !is {
			out[name] = files[name]
			continue
		}
		folder += ".zip"
		if packed[folder] == nil {
			packed[folder] = &bytes.Buffer{}
			zips[folder] = zip.NewWriter(packed[folder])
		}
		w, err := zips[folder].Create(inner)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	for folder, z := range zips {
		if err := z.Close(); err != nil {
			return nil, fmt.Errorf("pack %s: %w", folder, err)
		}
		out[folder] = packed[folder].Bytes()
	}
	return out, nil
}

// Texts are the files of a starting point but for its pictures, which have no language.
func (p Point) Texts(name, lang string) (map[string][]byte, error) {
	w := words{ID: identifier(name, p.Name), Lang: lang, Zone: "Europe/London"}
	if lang == "fr" {
		w.Zone = "Europe/Paris"
	}
	files := map[string][]byte{}
	dir := path.Join("templates", p.Name)
	err := fs.WalkDir(templates, dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates, file)
		if err != nil {
			return err
		}
		to := strings.TrimSuffix(strings.TrimPrefix(file, dir+"/"), ".tmpl")
		files[to], err = w.fill(to, string(text))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write the starting point %s: %w", p.Name, err)
	}
	return pack(files)
}

// fill writes one file. In a template <%t "English" "French"%> is one of the two, and q the same in quotes.
func (w words) fill(name, text string) ([]byte, error) {
	say := func(en, fr string) string {
		if w.Lang == "fr" {
			return fr
		}
		return en
	}
	quoted := func(en, fr string) string { return `"` + say(en, fr) + `"` }
	t, err := template.New(name).Delims("<%", "%>").Funcs(template.FuncMap{"t": say, "q": quoted}).Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, w); err != nil {
		return nil, err
	}
	if path.Ext(name) == ".ics" { // RFC 5545, 3.1
		return bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n")), nil
	}
	return out.Bytes(), nil
}

// identifier makes a bundle's id of a folder's name.
func identifier(name, other string) string {
	id := strings.Trim(regexp.MustCompile(`[^a-zA-Z0-9._-]+`).ReplaceAllString(name, "-"), "-._")
	if id == "" {
		return other
	}
	return id[:min(len(id), 64)]
}
