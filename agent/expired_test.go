package agent_test

import (
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/render/scene"
)

// Rows that nobody can renew any more grow too old to be shown: what is on the screen then is what the bundle says.
func TestRowsThatAreTooOldGiveWayToWhatTheBundleSays(t *testing.T) {
	green := color.RGBA{R: 10, G: 200, B: 10, A: 255}
	for says, c := range map[string]struct {
		what string
		want color.RGBA
	}{
		"hide":     {"their zone is left out, and what is below it is seen", red},
		"fallback": {"the bundle's fallback stands in", green},
		"show":     {"they are shown all the same", blue},
	} {
		t.Run(says+": "+c.what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "menus.txt")
			write := func() {
				if err := errors.Join(os.WriteFile(file+".new", []byte("Soupe\n"), 0o600), os.Rename(file+".new", file)); err != nil {
					t.Fatal(err)
				}
			}
			write()
			menus := bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "file", Path: file}, Refresh: bundle.Refresh{Every: scene.Duration(time.Second)},
				Keep: bundle.Keep{MaxAge: scene.Duration(3 * time.Second), WhenExpired: says}}
			a := slide("media/red.png")
			a.Zones = append(a.Zones, scene.Zone{At: scene.Rect{0, 0, 64, 36}, Z: 1, Background: "#0a0ac8", Text: &scene.Text{Source: "menus", Text: "{{.text}}", Style: scene.Style{Size: 4, Valign: "top"}}})
			m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": a, "b": slide("media/green.png")},
				Fallback: []string{"b"}, Sources: map[string]bundle.SourceSpec{"menus": menus}}
			m.Schedule.Defaults.Fleet = []string{"a"}
			pub := bundletest.New(t)
			p, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t)})
			made := pub.File(t, m, map[string][]byte{"media/red.png": plain(t, red), "media/green.png": plain(t, green)})
			if _, err := p.Import(t.Context(), made, strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
				t.Fatal(err)
			}
			shows(t, p, blue)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			until(t, "the rows are too old", func() bool {
				all, err := p.Sources(t.Context(), 1)
				return err == nil && len(all) == 1 && all[0].Expired && all[0].Stale && len(all[0].Rows) == 1 && strings.Contains(all[0].Error, "put it there")
			})
			shows(t, p, c.want)
			write()
			shows(t, p, blue)
		})
	}
}
