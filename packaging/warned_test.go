package packaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/alert"
	"vitrine/agent/bundle"
	"vitrine/agent/control"
	"vitrine/cloud"
	"vitrine/cloud/api"
	"vitrine/render/paint"
	screen "vitrine/render/scene"
	"vitrine/render/witness"
)

// house is a relay, a publisher's command, and a real player with the real renderer on an Xvfb.
type house struct {
	t      *testing.T
	bin    string
	dir    string
	env    []string
	relay  *cloud.Relay
	admin  *api.Client
	player *control.Client
	pixels witness.Screen
	size   image.Point
}

// build builds programs of the tree, without libmpv: pictures and widgets are enough here.
func build(t *testing.T, bin string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		cmd := exec.Command("go", "build", "-o", bin+"/", "vitrine/"+p)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", p, err, out)
		}
	}
}

// lit starts the relay.
func lit(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, bin: t.TempDir(), dir: t.TempDir(), size: image.Pt(1280, 720)}
	build(t, h.bin, "cloud/cmd/vitrine", "render/cmd/vitrine-render")
	var err error
	if h.relay, err = cloud.New(cloud.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	token, err := h.relay.Token()
	if err != nil {
		t.Fatal(err)
	}
	h.run("the relay", h.relay.Run)
	pin := h.relay.Authority().Pin()
	hc, err := api.NewHTTP(api.Trust{Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hc.CloseIdleConnections)
	h.admin = &api.Client{Base: "https://" + h.relay.Addr().String(), HTTP: hc, Token: api.Fixed(token)}
	file := filepath.Join(h.dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	h.env = append(os.Environ(), "XDG_CONFIG_HOME="+h.dir, "VITRINE_RELAY="+h.admin.Base, "VITRINE_PIN="+pin, "VITRINE_TOKEN_FILE="+file, "LANG=en_GB.UTF-8")
	h.vitrine("key", "new", "--customer", "acme")
	return h
}

// run runs a part until the test ends.
func (h *house) run(what string, part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("%s ended with %v", what, err)
		}
	}
	h.t.Cleanup(stop)
	return stop
}

// vitrine runs the publisher's command.
func (h *house) vitrine(args ...string) string {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.bin, "vitrine"), args...)
	cmd.Env = h.env
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("vitrine %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// publish publishes a folder of one picture with an overlay.
func (h *house) publish(more string) {
	h.t.Helper()
	dir := filepath.Join(h.dir, "hall")
	if err := os.MkdirAll(filepath.Join(dir, "media"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := (witness.Picture{Item: 1, Size: h.size}).Make(filepath.Join(dir, "media", "a.png")); err != nil {
		h.t.Fatal(err)
	}
	text := `id: hall
zone: UTC
canvas: {width: 1280, height: 720}
scenes:
  a: {for: 5s, zones: [{at: [0, 0, 1280, 720], playlist: [{image: media/a.png, for: 5s}]}]}
  logo: {for: 1m, zones: [{at: [1040, 600, 200, 80], background: "#00ff00"}]}
events:
  - {id: logo, kind: overlay, items: [logo]}
defaults: {fleet: [a]}
fallback: [a]
` + more
	if err := os.WriteFile(filepath.Join(dir, "bundle.yaml"), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	h.vitrine("build", dir, "-publish", "--to", "*")
}

// play starts a player on a display of its own and claims it.
func (h *house) play(cfg agent.Config) {
	h.t.Helper()
	display, err := witness.StartXvfb(h.t.Context(), h.size)
	if err != nil {
		h.t.Skip(err)
	}
	h.t.Cleanup(display.Close)
	if h.pixels, err = display.Screen(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.pixels.Close)
	cfg.Dir, cfg.Display, cfg.Renderer = filepath.Join(h.dir, "player"), display.Name, filepath.Join(h.bin, "vitrine-render")
	cfg.Relay, cfg.Trust, cfg.Log = h.admin.Base, api.Trust{Pin: h.relay.Authority().Pin()}, slog.New(slog.NewTextHandler(h.t.Output(), nil))
	a, err := agent.New(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.run("the player", a.Run)
	h.player = control.Dial(cfg.Dir)
	code := ""
	h.until("the player shows a code", func() bool {
		s, err := h.player.Status(h.t.Context())
		if err == nil && s.Claim != nil {
			code = s.Claim.Code
		}
		return code != ""
	})
	if _, err := h.admin.Claim(h.t.Context(), code, api.Claim{Name: "Hall", Groups: []string{"hall"}}); err != nil {
		h.t.Fatal(err)
	}
}

// until asks again and again: a screen tells nobody of a change.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	late := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-late:
			s, _ := h.player.Status(h.t.Context())
			h.t.Fatalf("it never came that %s; the status is %+v", what, s)
		case <-h.t.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (h *house) picture() *image.RGBA {
	h.t.Helper()
	p, err := h.pixels.Read()
	if err != nil {
		h.t.Fatal(err)
	}
	return p.RGBA()
}

// at is the colour of one pixel.
func (h *house) at(x, y int) color.RGBA { return h.picture().RGBAAt(x, y) }

func (h *house) logo() color.RGBA { return h.at(1140, 640) }

func (h *house) band() color.RGBA { return h.at(640, 3) }

// content says whether the bundle's picture is on, with its overlay.
func (h *house) content() bool {
	p, err := h.pixels.Read()
	if err != nil {
		h.t.Fatal(err)
	}
	m, ok := witness.Look{Zone: image.Rectangle{Max: h.size}, Sizes: []image.Point{h.size}, Fit: screen.Stretch}.Read(p)
	return ok && m.Item == 1 && h.logo() == color.RGBA{0, 255, 0, 255}
}

func (h *house) dark() bool {
	for _, at := range []image.Point{{640, 3}, {640, 360}, {1140, 640}, {10, 700}} {
		if h.at(at.X, at.Y) != (color.RGBA{A: 255}) {
			return false
		}
	}
	return true
}

var (
	extreme  = color.RGBA{0xc8, 0x10, 0x2e, 255}
	severe   = color.RGBA{0xf5, 0x8a, 0x07, 255}
	moderate = color.RGBA{0xff, 0xd4, 0x00, 255}
	minor    = color.RGBA{0x1e, 0x7a, 0x3c, 255}
)

// alone waits until an alert of a colour has the screen, and no overlay is above it.
func (h *house) alone(what string, band color.RGBA) {
	h.t.Helper()
	h.until(what+" has the screen", func() bool { return h.band() == band })
	if h.logo() == (color.RGBA{0, 255, 0, 255}) {
		h.t.Errorf("the overlay is above %s", what)
	}
	if dir := *looks; dir != "" {
		keep(h.t, filepath.Join(dir, "screen-"+strings.ReplaceAll(what, " ", "-")+".png"), h.picture())
	}
}

// capMessage is a message of a source in the house.
func capMessage(id, kind, severity, more string, life time.Duration) string {
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05+00:00") }
	return `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>` + id + `</identifier><sender>mairie@example.org</sender><sent>` + at(-time.Minute) +
		`</sent><status>Actual</status><msgType>` + kind + `</msgType><scope>Public</scope>` + strings.Split(more, "|")[0] + `<info><language>fr</language><category>Fire</category>` +
		`<event>Incendie</event><urgency>Immediate</urgency><severity>` + severity + `</severity><certainty>Observed</certainty><expires>` + at(life) +
		`</expires><headline>Quittez le hall</headline><area><areaDesc>ici</areaDesc>` + strings.Join(strings.Split(more, "|")[1:], "") + `</area></info></alert>`
}

func TestWarningsTakeARealScreenFromWhereverTheyCome(t *testing.T) {
	t.Parallel()
	h := lit(t)
	folder := t.TempDir()
	var feed atomic.Pointer[func() string]
	elsewhere := func() string {
		return capMessage("paris", "Alert", "Extreme", "|<circle>48.85,2.35 10</circle><geocode><valueName>INSEE</valueName><value>75056</value></geocode>", time.Hour)
	}
	feed.Store(&elsewhere)
	lan := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, (*feed.Load())()) }))
	t.Cleanup(lan.Close)
	h.publish("")
	h.play(agent.Config{Lang: "fr", Alerts: folder, AlertFeed: lan.URL,
		Site: alert.Site{Position: &alert.Point{Lat: 45.76, Lon: 4.84}, Geocodes: []alert.Pair{{Name: "INSEE", Value: "69123"}}}})
	h.until("the content is on, and no warning of another town", h.content)

	h.vitrine("alert", "send", "--headline", "fr=Nuage toxique sur la ville", "--headline", "en=Toxic cloud over the city", "--instruction", "fr=Entrez et fermez tout.",
		"--instruction", "en=Go in and shut everything.", "--severity", "Extreme", "--shape", "45.76,4.84 12", "--group", "hall")
	h.alone("an extreme warning by relay", extreme)
	h.reads("fr")
	h.drop(folder, "a.xml", capMessage("a", "Alert", "Severe", "|<polygon>45,4 45,5 46,5 46,4 45,4</polygon>", time.Hour))
	h.until("the folder's warning stands too", func() bool {
		s, err := h.player.Status(t.Context())
		return err == nil && len(s.Alerts) == 2
	})
	if h.band() != extreme {
		t.Error("the lesser of two warnings is on")
	}
	en := "en"
	players, err := h.admin.Players(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.admin.ChangePlayer(t.Context(), players.Items[0].ID, 0, api.Changes{Locale: &en}); err != nil {
		t.Fatal(err)
	}
	h.reads("en")
	if out := h.vitrine("alert", "cancel", "1"); !strings.Contains(out, "off on 1 of 1 player") {
		t.Errorf("the cancel says %q", out)
	}
	h.alone("a severe warning by folder", severe)
	reference := "<references>mairie@example.org,a," + sentOf(t, filepath.Join(folder, "a.xml")) + "</references>"
	h.drop(folder, "b.xml", capMessage("b", "Cancel", "Severe", reference, time.Hour))
	h.until("the content is back after the cancels", h.content)

	short := func() string {
		return capMessage("lyon", "Alert", "Minor", "|<geocode><valueName>INSEE</valueName><value>69123</value></geocode>", 6*time.Second)
	}
	feed.Store(&short)
	h.alone("a minor warning by feed", minor)
	feed.Store(&elsewhere)
	h.until("the content is back after the expiry", h.content)

	closed := time.Now().UTC().Add(6 * time.Hour)
	h.publish(fmt.Sprintf("workingHours: {windows: [[%q, %q]]}\n", closed.Format("15:04"), closed.Add(time.Minute).Format("15:04")))
	h.until("the screen is off", h.dark)
	h.vitrine("alert", "send", "--headline", "The water is off", "--severity", "Moderate")
	h.alone("a moderate warning on a screen that was off", moderate)
	if list := h.vitrine("alert", "list"); !strings.Contains(list, "1 of 1") || !strings.Contains(list, "The water is off") {
		t.Errorf("the list says %s", list)
	}
	h.vitrine("alert", "cancel", "3")
	h.until("the screen is off again", h.dark)
}

// drop puts a file into a folder as people do: written beside, then renamed.
func (h *house) drop(dir, name, text string) {
	h.t.Helper()
	tmp := filepath.Join(dir, "."+name)
	if err := errors.Join(os.WriteFile(tmp, []byte(text), 0o600), os.Rename(tmp, filepath.Join(dir, name))); err != nil {
		h.t.Fatal(err)
	}
}

func sentOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "<sent>")
	sent, _, _ := strings.Cut(rest, "</sent>")
	return sent
}

// reads waits until the words on the screen are those of the relay's first warning in a language: pixel for pixel what the
// same message looks like when it is drawn here, but for the clock.
func (h *house) reads(lang string) {
	h.t.Helper()
	fonts, err := paint.LoadFonts(paint.FontConfig{})
	if err != nil {
		h.t.Fatal(err)
	}
	page, err := h.admin.Warnings(h.t.Context(), 0, 0)
	if err != nil || len(page.Items) == 0 {
		h.t.Fatal(len(page.Items), err)
	}
	m, err := alert.Parse(bytes.NewReader(h.message(page.Items[0].Envelope)))
	if err != nil {
		h.t.Fatal(err)
	}
	var book alert.Book
	if _, err := book.Take(m); err != nil {
		h.t.Fatal(err)
	}
	size := screen.Size{Width: h.size.X, Height: h.size.Y}
	want := drawn(h.t, fonts, book.Active(alert.Site{Locale: lang}, time.Now())[0].Scenes(alert.Look{Size: size, Zone: time.UTC, Locale: lang})[0], size, time.Now())
	h.until("the words are in "+lang, func() bool { return differ(h.picture(), want, image.Rect(0, 100, 1280, 640)) == 0 })
}

// message takes a signed warning apart.
func (h *house) message(envelope []byte) []byte {
	h.t.Helper()
	roots, err := h.admin.Roots(h.t.Context(), 1)
	if err != nil {
		h.t.Fatal(err)
	}
	return unsealed(h.t, roots, envelope)
}

// differ counts the pixels that are more than a rounding apart.
func differ(a, b *image.RGBA, in image.Rectangle) (n int) {
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			p, q := a.RGBAAt(x, y), b.RGBAAt(x, y)
			if max(p.R, q.R)-min(p.R, q.R) > 2 || max(p.G, q.G)-min(p.G, q.G) > 2 || max(p.B, q.B)-min(p.B, q.B) > 2 {
				n++
			}
		}
	}
	return n
}

func unsealed(t *testing.T, roots [][]byte, envelope []byte) []byte {
	t.Helper()
	trust, err := bundle.NewTrust(roots)
	if err != nil {
		t.Fatal(err)
	}
	w, err := trust.Warning(envelope)
	if err != nil {
		t.Fatal(err)
	}
	return w.CAP
}
