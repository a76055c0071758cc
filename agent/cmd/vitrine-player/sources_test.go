package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// asked is what the command line says, and how it ends.
func asked(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, bad bytes.Buffer
	code = exit(run(t.Context(), args, &out, &bad), &bad)
	return out.String(), bad.String(), code
}

// plays runs a player, without a screen and without a renderer, on a bundle of sources.
func plays(t *testing.T, sources map[string]bundle.SourceSpec) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	a, err := agent.New(agent.Config{Dir: dir, Headless: "64x36", Renderer: "/bin/false", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	pub := bundletest.New(t)
	made := pub.File(t, bundle.Manifest{Scenes: map[string]scene.Scene{"a": bundletest.Slide("media/a.png", time.Second)}, Sources: sources}, map[string][]byte{"media/a.png": []byte("x")})
	words := strings.Join(bundle.Words(pub.Chain[0]), " ")
	until(t, "it takes the bundle", func() bool {
		_, _, code := asked(t, "import", "--data", dir, made, "--trust", words)
		return code == 0
	})
	return dir
}

// until asks again and again: a socket does not tell of a change.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for late := time.After(time.Minute); !so(); {
		select {
		case <-late:
			t.Fatalf("it never came that %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestSourcesAreToldOnTheCommandLine(t *testing.T) {
	menus := filepath.Join(t.TempDir(), "menus.csv")
	missing := menus + ".gone"
	if err := os.WriteFile(menus, []byte("plat;prix\nSoupe;4,50\nGratin;gratuit\nTarte;3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	often := bundle.Refresh{Every: scene.Duration(time.Second)}
	short := bundle.SourceSpec{Type: "delimited", Separator: ";", Refresh: often, Location: bundle.Location{Type: "file", Path: menus}, Limits: bundle.RowLimits{Rows: 2}, Locale: "fr-FR",
		Map: []bundle.RowColumn{{Name: "title", From: "plat"}, {Name: "price", From: "prix", Type: "decimal"}}}
	dir := plays(t, map[string]bundle.SourceSpec{"menus": short, "gone": {Type: "text", Refresh: often, Location: bundle.Location{Type: "file", Path: missing}},
		"away": {Type: "json", Refresh: often, Location: bundle.Location{Type: "https", URL: "https://127.0.0.1:1/x.json?key=k", Auth: &bundle.Auth{Secret: "crm"}}}})
	feeds := func(more ...string) map[string]control.Feed {
		out, bad, code := asked(t, append([]string{"sources", "--json", "--data", dir}, more...)...)
		var all []control.Feed
		if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 {
			t.Fatalf("exit %d, %v: %s%s", code, err, out, bad)
		}
		by := map[string]control.Feed{}
		for _, f := range all {
			by[f.Name] = f
		}
		return by
	}
	until(t, "all sources have been asked", func() bool {
		f := feeds()
		return f["menus"].Count == 2 && f["gone"].Error != "" && f["away"].Error != ""
	})

	f := feeds()
	m := f["menus"]
	if len(f) != 3 || m.Stale || !m.Truncated || m.Fetched.IsZero() || m.Next.Before(m.Fetched) || len(m.Rows) != 0 || len(m.Dropped) != 1 || strings.Join(m.Columns, " ") != "title price" {
		t.Errorf("in JSON it tells %+v", m)
	}
	if g, a := f["gone"], f["away"]; g.Class != "unreachable" || !g.Stale || !g.Fetched.IsZero() || a.Class != "refused" || a.Secret != "crm" {
		t.Errorf("in JSON it tells %+v and %+v", g, a)
	}
	if m := feeds("--rows", "1")["menus"]; len(m.Rows) != 1 || strings.Join(m.Rows[0], "|") != "Soupe|4,50" {
		t.Errorf("a row is %q", m.Rows)
	}
	if one := feeds("menus"); len(one) != 1 || one["menus"].Count != 2 {
		t.Errorf("of one it tells %+v", one)
	}

	out, _, code := asked(t, "sources", "--data", dir, "--rows", "2")
	for _, want := range []string{"away: never read, 0 rows\n", "from     json, https://127.0.0.1:1/x.json?…, with the secret crm\n", "! refused ", `the secret "crm" is not on this player`,
		"gone: never read, 0 rows\n", "! unreachable ", missing, "menus: fresh, 2 rows\n", "from     delimited, file " + menus + "\n", "read     20", "next     20",
		"cut      it has more rows than limits.rows lets through\n", "dropped  row 2, column price: ", "took     read ", "  title   price\n  Soupe   4,50\n  Gratin  \n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if code != 0 || t.Failed() {
		t.Logf("exit %d:\n%s", code, out)
	}

	if err := os.Remove(menus); err != nil {
		t.Fatal(err)
	}
	until(t, "the rows are stale", func() bool {
		out, _, _ := asked(t, "sources", "menus", "--data", dir)
		return strings.Contains(out, "menus: stale, 2 rows\n") && strings.Contains(out, "! unreachable ")
	})
}

func TestWhatSourcesCannotTellIsSaid(t *testing.T) {
	dir := plays(t, nil)
	if out, _, code := asked(t, "sources", "--data", dir); code != 0 || out != "the player's bundle has no sources\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, _, code := asked(t, "sources", "--json", "--data", dir); code != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("exit %d: %s", code, out)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a source that is not there": {[]string{"menus", "--data", dir}, 1, `has no source "menus"; vitrine-player sources lists`},
		"too many rows":              {[]string{"--rows", "5000", "--data", dir}, 1, "from 0 to 1000"},
		"two sources":                {[]string{"a", "b", "--data", dir}, 2, `"b" is one word too many`},
		"a flag of another verb":     {[]string{"--width", "3"}, 2, "-width"},
		"no player":                  {[]string{"--data", t.TempDir()}, 1, "player"},
	} {
		t.Run(name, func(t *testing.T) {
			out, bad, code := asked(t, append([]string{"sources"}, c.args...)...)
			if code != c.code || out != "" || !strings.Contains(bad, c.says) {
				t.Errorf("exit %d, %q, %s", code, out, bad)
			}
		})
	}
}
