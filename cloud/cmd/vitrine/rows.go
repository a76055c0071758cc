package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/render/scene"
)

// rows are what the sources of a folder give here and now. Sources that only a player can reach give one made-up row.
type rows struct {
	dir   string
	media map[string]string // media types by path
	set   *connect.Set
	specs map[string]bundle.SourceSpec
	notes []string
}

// shelf forgets rows with the program.
type shelf struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *shelf) KeepRows(key string, b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[key] = b
	return nil
}

func (s *shelf) Rows(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.m[key]
	return b, ok
}

func (s *shelf) DropRows(map[string]bool) error { return nil }

// readRows reads the sources that are files of the folder, by the player's own connectors.
func readRows(ctx context.Context, dir string, m *bundle.Manifest, media map[string]string) (*rows, error) {
	specs := m.Sources
	set, err := connect.New(connect.Config{Keep: &shelf{m: map[string][]byte{}}})
	if err != nil {
		return nil, err
	}
	own := map[string]bundle.SourceSpec{}
	for id, s := range specs {
		if s.Location.Type == "bundle" {
			own[id] = s
		}
	}
	r := &rows{dir: dir, media: media, set: set, specs: specs}
	if len(own) == 0 {
		return r, nil
	}
	set.Use(own, connect.Home{Zone: m.Zone, Locale: m.Locale}, func(p string) (string, bool) { return filepath.Join(dir, filepath.FromSlash(p)), true })
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- set.Run(ctx) }()
	for {
		changed := set.Changed()
		if r.all(own) {
			break
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		}
		break
	}
	stop()
	return r, <-done
}

func (r *rows) all(own map[string]bundle.SourceSpec) bool {
	for id := range own {
		if _, ok := r.set.Result(id); !ok {
			return false
		}
	}
	return true
}

// bind fills a zone's widget with rows, as playout does on a player.
func (r *rows) bind(z scene.Zone) scene.Zone {
	switch {
	case z.Ticker != nil:
		t := *z.Ticker
		t.Items = r.ticker(t)
		z.Ticker = &t
	case z.Table != nil:
		t := *z.Table
		t.Cells = r.cells(t.Source, columnNames(t.Columns))
		z.Table = &t
	case z.Chart != nil:
		c := *z.Chart
		c.Cells = r.cells(c.Source, append([]string{c.Label}, c.Values...))
		z.Chart = &c
	case z.Cards != nil:
		c := *z.Cards
		c.Cells = r.cards(c)
		z.Cards = &c
	case z.Weather != nil:
		w := *z.Weather
		w.Cells = r.cells(w.Source, []string{w.Label, w.Sky, w.High, w.Low, w.Wind})
		z.Weather = &w
	}
	return z
}

// cards are a title, a text, a note and a picture for each row; a row without any words is left out.
func (r *rows) cards(c scene.Cards) [][]string {
	result, ok := r.result(c.Source)
	if !ok {
		return [][]string{{c.Title, c.Text, c.Note, ""}}
	}
	var lines [3]bundle.Line
	for i, text := range []string{c.Title, c.Text, c.Note} {
		line, err := bundle.NewLine(text)
		if err != nil {
			return nil // Load has refused it
		}
		lines[i] = line
	}
	var cells [][]string
	for i := range result.Rows {
		row := result.Row(i)
		cell := []string{lines[0].Fill(row), lines[1].Fill(row), lines[2].Fill(row), ""}
		if c.Image != "" {
			cell[3] = r.picture(c, result.Cell(i, c.Image))
		}
		if strings.Join(cell[:3], "") != "" {
			cells = append(cells, cell)
		}
	}
	return cells
}

// picture is the file of a picture that a row names, "" when the folder has none of that name.
func (r *rows) picture(c scene.Cards, named string) string {
	for _, p := range []string{path.Join(c.Pictures, named), named} {
		if _, ok := r.media[p]; ok && named != "" {
			return filepath.Join(r.dir, filepath.FromSlash(p))
		}
	}
	return ""
}

func (r *rows) ticker(t scene.Ticker) []string {
	if t.Source == "" {
		return []string{t.Text}
	}
	result, ok := r.result(t.Source)
	if !ok {
		return []string{t.Text}
	}
	line, err := bundle.NewLine(t.Text)
	if err != nil {
		return nil // Load has refused it
	}
	var items []string
	for i := range result.Rows {
		if s := line.Fill(result.Row(i)); s != "" {
			items = append(items, s)
		}
	}
	return items
}

func columnNames(columns []scene.Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

func (r *rows) cells(source string, columns []string) [][]string {
	result, ok := r.result(source)
	var cells [][]string
	for i := range max(1, len(result.Rows)) {
		line := make([]string, len(columns))
		for k, c := range columns {
			if line[k] = "…"; ok {
				line[k] = result.Cell(i, c)
			}
		}
		cells = append(cells, line)
	}
	return cells
}

func (r *rows) result(id string) (connect.Result, bool) {
	result, ok := r.set.Result(id)
	switch {
	case !ok:
		r.notes = append(r.notes, fmt.Sprintf("source %s is not read here, only on a player; its place is marked", id))
	case result.Err != "":
		r.notes = append(r.notes, fmt.Sprintf("source %s: %s", id, result.Err))
	case len(result.Rows) == 0:
		r.notes = append(r.notes, fmt.Sprintf("source %s has no rows", id))
	}
	return result, ok && len(result.Rows) > 0
}
