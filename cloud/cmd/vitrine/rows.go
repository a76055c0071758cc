package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/render/scene"
)

// rows are what the sources of a folder give at an instant. The places of those that only a player can reach are marked.
type rows struct {
	dir   string
	media map[string]string // media types by path
	specs map[string]bundle.SourceSpec
	read  map[string]connect.Result
	notes []string
}

// readRows reads the sources that are files of the folder, by the player's own connectors, as they are shown at an instant.
func readRows(ctx context.Context, dir string, m *bundle.Manifest, media map[string]string, at time.Time, zone string) (*rows, error) {
	r := &rows{dir: dir, media: media, specs: m.Sources, read: map[string]connect.Result{}}
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	for id, spec := range m.Sources {
		if spec.Location.Type != "bundle" {
			continue
		}
		trial, err := connect.Try(ctx, connect.Config{Now: func() time.Time { return at }}, id, spec, connect.Home{Zone: zone, Locale: m.Locale}, fileOf(dir))
		if err != nil {
			return nil, err
		}
		r.read[id] = trial.Shown
	}
	return r, nil
}

// fileOf finds files of a bundle's folder.
func fileOf(dir string) func(string) (string, bool) {
	return func(p string) (string, bool) {
		full, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(p)))
		return full, err == nil
	}
}

// bind fills a zone's widget with rows, as playout does on a player.
func (r *rows) bind(z scene.Zone) scene.Zone {
	var bound scene.Zone
	b, err := json.Marshal(z)
	if err == nil {
		err = json.Unmarshal(b, &bound)
	}
	if err != nil {
		return z // cannot be: it was read from JSON
	}
	f := connect.Filler{Rows: r.result, Page: func(id string) bundle.RowPage { return r.specs[id].Page }, Picture: r.picture, Unknown: r.unknown}
	if !f.Zone(&bound) {
		return scene.Zone{At: z.At, Z: z.Z} // a player leaves it out
	}
	return bound
}

// unknown says that a source cannot be read here.
func (r *rows) unknown(id string) bool {
	if _, ok := r.read[id]; ok {
		return false
	}
	r.notes = append(r.notes, fmt.Sprintf("source %s is not read here, only on a player; its place is marked (vitrine source test DIR %s reads it)", id, id))
	return true
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

func (r *rows) result(id string) (connect.Result, bool) {
	result, ok := r.read[id]
	switch {
	case !ok:
		r.unknown(id)
	case result.Err != "":
		r.notes = append(r.notes, fmt.Sprintf("source %s: %s", id, result.Err))
	case len(result.Rows) == 0:
		r.notes = append(r.notes, fmt.Sprintf("source %s has no rows", id))
	}
	return result, ok && result.Err == ""
}
