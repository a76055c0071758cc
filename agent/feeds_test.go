package agent

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/connect"
	"vitrine/agent/control"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
	"vitrine/render/scene"
)

// A player tells its own people all about its sources, and the relay how fresh they are: no row, no cell, no path, no secret.
func TestTheRelayHearsOfSourcesWithoutTheirRows(t *testing.T) {
	const canary, cell, path = "k4narienvogel-9981", "Bœuf bourguignon", "menus-of-the-week.csv"
	dir, data := t.TempDir(), filepath.Join(t.TempDir(), path)
	if err := os.WriteFile(data, []byte("plat;prix\n"+cell+";gratuit\nSoupe;4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a, err := New(Config{Dir: dir, Headless: "320x180", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.store.Close()
	if err := a.store.Pin(bundletest.New(t).Trust(t).Chain()); err != nil {
		t.Fatal(err)
	}
	if err := a.vault.Set("canteen", secret.Secret{User: "screen", Password: canary, Hosts: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	source := bundle.SourceSpec{Type: "delimited", Separator: ";", Location: bundle.Location{Type: "file", Path: data}, Refresh: bundle.Refresh{Every: scene.Duration(time.Second)},
		Map: []bundle.RowColumn{{Name: "title", From: "plat"}, {Name: "price", From: "prix", Type: "decimal"}}}
	away := bundle.SourceSpec{Type: "json", Location: bundle.Location{Type: "https", URL: "https://127.0.0.1:1/" + path + "?key=" + cell, Auth: &bundle.Auth{Secret: "canteen"}}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	a.sources.Use(map[string]bundle.SourceSpec{"menus": source, "away": away}, connect.Home{}, nil)
	go func() { defer close(done); a.sources.Run(ctx) }()
	settled := func() map[string]control.Feed {
		for late := time.After(30 * time.Second); ; {
			changed := a.sources.Changed()
			feeds := map[string]control.Feed{}
			for _, f := range a.Feeds(1) {
				feeds[f.Name] = f
			}
			if feeds["menus"].Count == 2 && feeds["away"].Error != "" {
				return feeds
			}
			select {
			case <-changed:
			case <-late:
				t.Fatalf("the sources are %+v", feeds)
			}
		}
	}
	feeds := settled()
	cancel()
	<-done
	m := feeds["menus"]
	if m.Where != "file "+data || len(m.Rows) != 1 || m.Rows[0][0] != cell || len(m.Dropped) != 1 || !strings.Contains(m.Dropped[0].Why, "gratuit") || len(m.Steps) < 3 || m.Stale {
		t.Errorf("its own people hear %+v", m)
	}
	if f := feeds["away"]; f.Class != "unreachable" || f.Secret != "canteen" || strings.Contains(f.Where, cell) {
		t.Errorf("of the other they hear %+v", f)
	}
	if quiet := a.Feeds(0); len(quiet) != 2 || len(quiet[1].Rows) != 0 {
		t.Errorf("rows are told that nobody asked for: %+v", quiet)
	}
	var h api.Heartbeat
	a.describe(&h)
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{canary, cell, path, "gratuit"} {
		if strings.Contains(string(b), word) {
			t.Errorf("the relay hears %q: %s", word, b)
		}
	}
	if len(h.Sources) != 2 || h.Sources[0].Fault != "unreachable" || h.Sources[1].Count != 2 || h.Sources[1].Stale || !strings.HasPrefix(h.Checks["source:away"], "unreachable: ") {
		t.Errorf("it hears %+v, %s", h.Sources, h.Checks["source:away"])
	}
	all, err := json.Marshal([]any{a.Feeds(1000), a.Status()})
	if err != nil || strings.Contains(string(all)+log.String(), canary) {
		t.Errorf("the secret is in a status or the log: %v", err)
	}
}
