package agent_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
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

// renderer builds the real one, without libmpv: pictures and widgets are enough here.
func renderer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(programs, "vitrine-render-plain")
	if _, err := os.Stat(path); err == nil {
		return path // another test has built it
	}
	cmd := exec.Command("go", "build", "-o", path, "vitrine/render/cmd/vitrine-render")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the renderer: %v\n%s", err, out)
	}
	return path
}

// programs is where TestMain lets tests build.
var programs string

// plain is a picture of one colour.
func plain(t *testing.T, c color.RGBA) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 64, 36))
	for i := range m.Pix {
		m.Pix[i] = []uint8{c.R, c.G, c.B, 255}[i%4]
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// player runs a player on a folder; stop ends it as a service manager would.
func player(t *testing.T, cfg agent.Config) (c *control.Client, stop func()) {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the player ended badly: %v", err)
		}
	}
	t.Cleanup(stop)
	c = control.Dial(cfg.Dir)
	until(t, "the player answers", func() bool {
		_, err := c.Status(t.Context())
		return err == nil
	})
	return c, stop
}

// shows waits until the middle of what is really on the screen has a colour.
func shows(t *testing.T, c *control.Client, want color.RGBA) {
	t.Helper()
	until(t, "the screen has the colour", func() bool {
		var b bytes.Buffer
		if err := c.Screenshot(t.Context(), &b, "png", 0); err != nil {
			return false
		}
		m, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		r, g, bl, _ := m.At(m.Bounds().Dx()/2, m.Bounds().Dy()/2).RGBA()
		return uint8(r>>8) == want.R && uint8(g>>8) == want.G && uint8(bl>>8) == want.B
	})
}

// until asks again and again: neither a screen nor the socket tells of a change.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(60 * time.Second)
	for !holds() {
		select {
		case <-late:
			t.Fatalf("it never came that %s", what)
		case <-t.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var (
	red  = color.RGBA{R: 200, G: 10, B: 10, A: 255}
	blue = color.RGBA{R: 10, G: 10, B: 200, A: 255}
)

func TestAPlayerShowsWhatItImportsAndGoesOnAfterARestart(t *testing.T) {
	pub := bundletest.New(t)
	program, dir := renderer(t), filepath.Join(t.TempDir(), "data")
	cfg := agent.Config{Dir: dir, Headless: "320x180", Renderer: program, Lang: "en"}
	c, stop := player(t, cfg)

	m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
	first := pub.File(t, m, map[string][]byte{"media/a.png": plain(t, red)})
	none := func(control.Step) {}
	if _, err := c.Import(t.Context(), first, "", none); err == nil || !strings.Contains(err.Error(), "trusts no publisher yet") {
		t.Fatalf("a stranger's bundle: %v", err)
	}
	words := strings.Join(bundle.Words(pub.Chain[0]), " ")
	if _, err := c.Import(t.Context(), first, "boto boto boto boto", none); err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("with the words of somebody else: %v", err)
	}
	step, err := c.Import(t.Context(), first, words, none)
	if err != nil || step.Same || step.Bundle.Seq != 1 {
		t.Fatalf("import: %+v, %v", step, err)
	}
	shows(t, c, red)
	if step, err = c.Import(t.Context(), first, "", none); err != nil || !step.Same {
		t.Errorf("the same again: %+v, %v", step, err)
	}

	m.Seq = 2
	second := pub.Tree(t, m, map[string][]byte{"media/a.png": plain(t, blue)})
	if _, err = c.Import(t.Context(), second, "", none); err != nil {
		t.Fatal(err)
	}
	shows(t, c, blue)
	if _, err = c.Import(t.Context(), first, "", none); err == nil || !strings.Contains(err.Error(), "older than version 2") {
		t.Errorf("an older bundle: %v", err)
	}

	stop()
	c, _ = player(t, cfg)
	shows(t, c, blue)
	s, err := c.Status(t.Context())
	if err != nil || s.Bundle.Seq != 2 || s.Showing.Scene != "a" || s.Publisher != words || s.Renderer.Output == "" {
		t.Errorf("status is %+v, %v", s, err)
	}
}

func TestABundleThatCannotBeShownGivesWayToTheOneBefore(t *testing.T) {
	pub := bundletest.New(t)
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t), Trial: 2 * time.Second})
	m := bundle.Manifest{Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
	words := strings.Join(bundle.Words(pub.Chain[0]), " ")
	good := pub.File(t, m, map[string][]byte{"media/a.png": plain(t, red)})
	if _, err := c.Import(t.Context(), good, words, func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	shows(t, c, red)
	m.Seq = 2
	broken := pub.File(t, m, map[string][]byte{"media/a.png": []byte("this is not a picture")})
	if _, err := c.Import(t.Context(), broken, "", func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "the first bundle is back", func() bool {
		s, err := c.Status(t.Context())
		return err == nil && s.Bundle.Seq == 1
	})
	shows(t, c, red)
	if _, err := c.Import(t.Context(), broken, "", func(control.Step) {}); err == nil || !strings.Contains(err.Error(), "went back from it") {
		t.Errorf("the same bundle again: %v", err)
	}
}

func slide(src string) scene.Scene {
	return scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 64, 36}, Playlist: []scene.Item{{Kind: scene.Image, Src: src, For: scene.Duration(time.Second)}}}}}
}

func TestTwoPlayersDoNotShareAFolder(t *testing.T) {
	cfg := agent.Config{Dir: t.TempDir(), Headless: "320x180"}
	player(t, cfg)
	if _, err := agent.New(cfg); err == nil || !strings.Contains(err.Error(), "already running") {
		t.Errorf("error is %v", err)
	}
}

func TestOthersMayNotOpenTheSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep", 30)) // longer than a socket's path may be
	player(t, agent.Config{Dir: dir, Headless: "320x180"})
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "control.sock"): 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, %v", filepath.Base(path), st.Mode().Perm(), err)
		}
	}
}

func TestWithoutAPlayerThereIsASentence(t *testing.T) {
	_, err := control.Dial(t.TempDir()).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "vitrine-player run") {
		t.Errorf("error is %v", err)
	}
}

func TestAPlayerWithoutABundleShowsAnAlert(t *testing.T) {
	dir := t.TempDir()
	c, _ := player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "320x180", Renderer: renderer(t), Lang: "en", Alerts: dir})
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05+00:00") }
	text := `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>1</identifier><sender>mairie@example.org</sender><sent>` + at(-time.Minute) +
		`</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>en</language><category>Fire</category>` +
		`<event>Fire</event><urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty><expires>` + at(time.Hour) +
		`</expires><headline>Leave the hall</headline><area><areaDesc>here</areaDesc></area></info></alert>`
	if err := os.WriteFile(filepath.Join(dir, "a.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the alert is on", func() bool {
		s, err := c.Status(t.Context())
		return err == nil && s.Showing.Layer == "emergency" && strings.HasPrefix(s.Showing.Scene, "@alert/") && s.Checks["alerts"] == "ok" &&
			len(s.Alerts) == 1 && strings.HasPrefix(s.Alerts[0], "Extreme: Leave the hall")
	})
	var shot bytes.Buffer
	if err := c.Screenshot(t.Context(), &shot, "png", 0); err != nil {
		t.Fatal(err)
	}
	if out := os.Getenv("VITRINE_KEEP_SHOT"); out != "" {
		if err := os.WriteFile(out, shot.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
