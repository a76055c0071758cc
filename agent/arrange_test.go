package agent_test

import (
	"bytes"
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
	"vitrine/agent/health"
	"vitrine/render/scene"
)

func TestTheServicePageTellsATechnician(t *testing.T) {
	pub := bundletest.New(t)
	for _, lang := range []string{"fr", "en"} {
		c, stop := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "1280x720", Renderer: renderer(t), Lang: lang, Relay: dead(t)})
		m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
		if _, err := c.Import(t.Context(), pub.File(t, m, map[string][]byte{"media/a.png": plain(t, red)}), strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
			t.Fatal(err)
		}
		shows(t, c, red)
		if err := c.Card(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		until(t, "the page covers the content", func() bool { return middle(t, c) != red })
		if dir := os.Getenv("VITRINE_SHOTS"); dir != "" {
			var b bytes.Buffer
			if err := c.Screenshot(t.Context(), &b, "png", 0); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "service-"+lang+".png"), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Card(t.Context(), -time.Second); err != nil {
			t.Fatal(err)
		}
		shows(t, c, red)
		stop()
	}
}

func TestAScreenIsArrangedAnewAndStaysSo(t *testing.T) {
	cfg := agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t), Lang: "en"}
	c, stop := player(t, cfg)
	size := func() (x, y int) { r := status(t, c).Renderer; return r.Width, r.Height }
	is := func(x, y int) {
		t.Helper()
		until(t, "the picture has its size", func() bool { w, h := size(); return w == x && h == y })
	}
	is(320, 180)
	now, err := c.Arrange(t.Context(), control.Order{Set: map[string]string{"rotate": "90"}})
	if err != nil || now.Set["rotate"] != "90" {
		t.Fatalf("it is %+v, %v", now, err)
	}
	is(180, 320)
	if word := status(t, c).Checks["renderer"]; word != health.OK && word != "" {
		t.Errorf("the change is told as a failure: %s", word)
	}
	if _, err := c.Arrange(t.Context(), control.Order{Set: map[string]string{"rotate": "17"}}); err == nil || !strings.Contains(err.Error(), "stays as it is") {
		t.Errorf("an angle that cannot be: %v", err)
	}
	if _, err := c.Arrange(t.Context(), control.Order{Set: map[string]string{"display": ":9"}}); err == nil {
		t.Error("a flag that is not the screen's was taken")
	}
	if err := c.SetVolume(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	stop()
	c, _ = player(t, cfg)
	is(180, 320)
	if v := status(t, c).Volume; v.Own != 30 || v.Now != 30 {
		t.Errorf("the volume is %+v", v)
	}
	if _, err := c.Arrange(t.Context(), control.Order{Reset: true}); err != nil {
		t.Fatal(err)
	}
	is(320, 180)
}

// middle is the colour in the middle of what is shown.
func middle(t *testing.T, c *control.Client) any {
	t.Helper()
	var b bytes.Buffer
	if err := c.Screenshot(t.Context(), &b, "png", 0); err != nil {
		return red
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	r, g, bl, _ := m.At(m.Bounds().Dx()/2, m.Bounds().Dy()/2).RGBA()
	now := red
	now.R, now.G, now.B = uint8(r>>8), uint8(g>>8), uint8(bl>>8)
	return now
}
