package agent_test

import (
	"bytes"
	"encoding/json"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/usb/importer"
)

// loaded is a stick with warnings and nothing else.
func loaded(t *testing.T, roots [][]byte, envelopes ...[]byte) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, "vitrine", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	index := importer.Index{Format: "vitrine-stick/1", Roots: len(roots)}
	for i, r := range roots {
		put(bundle.RootPath(i+1), r)
	}
	for _, e := range envelopes {
		d := string(bundle.DigestOf(e))
		put("w/"+d+".json", e)
		index.Warnings = append(index.Warnings, d)
	}
	b, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	put("stick.json", b)
	return dir
}

// warning signs a message that stands for an hour.
func warning(t *testing.T, pub *bundletest.Publisher, serial uint64, kind, severity, more string) []byte {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	at := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05+00:00") }
	id := map[string]string{"Alert": "1", "Cancel": "2"}[kind]
	text := `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>` + id + `</identifier><sender>acme</sender><sent>2026-01-01T00:00:00+00:00</sent><status>Actual</status><msgType>` +
		kind + `</msgType><scope>Public</scope>` + more + `<info><language>en</language><category>Fire</category><event>Fire</event><urgency>Immediate</urgency><severity>` +
		severity + `</severity><certainty>Observed</certainty><effective>` + at(0) + `</effective><expires>` + at(time.Hour) + `</expires><headline>Leave the hall</headline></info></alert>`
	text = strings.ReplaceAll(text, "2026-01-01T00:00:00+00:00", now.Truncate(24*time.Hour).Format("2006-01-02T15:04:05+00:00"))
	w := &bundle.Warning{Format: bundle.FormatWarning, Customer: pub.Customer, Serial: serial, Root: len(pub.Chain), Issued: now, Expires: now.Add(time.Hour), CAP: []byte(text)}
	b, err := w.Seal(pub.Key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// band is the colour of the upper edge of what is really shown.
func band(t *testing.T, c *control.Client) color.RGBA {
	t.Helper()
	var b bytes.Buffer
	if err := c.Screenshot(t.Context(), &b, "png", 0); err != nil {
		return color.RGBA{}
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	r, g, bl, _ := m.At(m.Bounds().Dx()/2, 1).RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8), 255}
}

func TestAWarningFromAStickTakesTheScreenAndOutlivesARestart(t *testing.T) {
	pub, thief := bundletest.New(t), bundletest.New(t)
	cfg := agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "640x360", Renderer: renderer(t), Lang: "en"}
	c, stop := player(t, cfg)
	none := func(control.Step) {}
	words := strings.Join(bundle.Words(pub.Chain[0]), " ")
	extreme := color.RGBA{0xc8, 0x10, 0x2e, 255}

	first := warning(t, pub, 1, "Alert", "Extreme", "")
	if _, err := c.Import(t.Context(), loaded(t, pub.Chain, first), "", none); err == nil || !strings.Contains(err.Error(), "trusts no publisher yet") {
		t.Fatalf("a stranger's stick: %v", err)
	}
	if step, err := c.Import(t.Context(), loaded(t, pub.Chain, first), words, none); err != nil || step.Bundle != nil {
		t.Fatalf("%+v, %v", step, err)
	}
	until(t, "the warning is on", func() bool { return band(t, c) == extreme })
	stop()
	c, _ = player(t, cfg)
	until(t, "the warning is on after a restart", func() bool { return band(t, c) == extreme })

	cancels := "<references>acme,1," + time.Now().UTC().Truncate(24*time.Hour).Format("2006-01-02T15:04:05+00:00") + "</references>"
	forged := warning(t, thief, 2, "Cancel", "Extreme", cancels)
	if _, err := c.Import(t.Context(), loaded(t, pub.Chain, forged), "", none); err == nil || !strings.Contains(err.Error(), "0 of the publisher keys") {
		t.Errorf("a forged cancel: %v", err)
	}
	if band(t, c) != extreme {
		t.Error("the forged cancel ended the warning")
	}
	if _, err := c.Import(t.Context(), loaded(t, pub.Chain, first, forged, warning(t, pub, 2, "Cancel", "Extreme", cancels)), "", none); err == nil {
		t.Error("the forged one beside a good one is not told")
	}
	until(t, "the good cancel ends it", func() bool {
		s, err := c.Status(t.Context())
		return err == nil && len(s.Alerts) == 0 && band(t, c) != extreme
	})
}
