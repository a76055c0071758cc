package cloud_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"vitrine/cloud/api"
)

// browser is a real one, that takes the relay's own certificate as a person would after comparing the pin.
func browser(t *testing.T, language string) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium on this machine: install the packages of packaging/debian-packages.txt")
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), chromedp.Headless, chromedp.NoSandbox, chromedp.IgnoreCertErrors, chromedp.DisableGPU,
		chromedp.Flag("accept-lang", language), chromedp.WindowSize(1280, 900))
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // the first call's context is the browser's life
		t.Fatal("start chromium:", err)
	}
	ctx, late := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(late)
	return ctx
}

// keep writes what the page looks like, when PAGES names a folder.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("PAGES")
	if dir == "" {
		return
	}
	for size, width := range map[string]int64{"wide": 1280, "phone": 390} {
		run(t, ctx, chromedp.EmulateViewport(width, 900))
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+size+".png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, ctx, chromedp.EmulateViewport(1280, 900))
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		html, _ := chromedp.Run(late, chromedp.OuterHTML(chromedp.CSS("body")))
		t.Fatalf("%v\n%s", err, html)
	}
}

// read gives an element's text, once it is there.
func read(t *testing.T, ctx context.Context, css string) string {
	t.Helper()
	run(t, ctx, seen(css))
	s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(css)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seen(css string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(chromedp.CSS(css)) }

func typed(css, keys string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(css), keys)
}

func TestAPersonSignsInClaimsAScreenAndSeesIt(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	ctx := browser(t, "en-GB")
	d := g.device(t)
	e, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{Version: "0.1.0", Hostname: "lobby-box"})
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := g.admin.Waiting(t.Context(), e.UserCode)
	if err != nil {
		t.Fatal(err)
	}

	// The code on the screen leads here; first comes the sign-in.
	run(t, ctx, chromedp.Navigate(e.Verify))
	body := read(t, ctx, "main")
	if !strings.Contains(body, "Administrator's token") {
		t.Fatal(body)
	}
	keep(t, ctx, "signin")
	run(t, ctx, typed("#token", "vitrine-WRONG\r"), seen("[role=alert]"))
	if body = read(t, ctx, "main"); !strings.Contains(body, "not the administrator") {
		t.Fatal(body)
	}
	run(t, ctx, typed("#token", g.token+"\r"), seen(".words"))
	body = read(t, ctx, "main")
	for _, w := range waiting.Words {
		if !strings.Contains(body, w) {
			t.Errorf("the word %q is not on the page:\n%s", w, body)
		}
	}
	if !strings.Contains(body, "lobby-box") {
		t.Error(body)
	}
	keep(t, ctx, "claim")
	run(t, ctx, typed("#groups", "hall, left"), typed("#name", "Lobby & <b>bar</b>\r"))
	if body = read(t, ctx, "#player h1"); body != "Lobby & <b>bar</b>" {
		t.Fatalf("the name on the page is %q", body)
	}
	got, err := d.Enrolled(t.Context(), e, 0)
	if err != nil || got == nil || len(got.Settings.Groups) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}

	// The page refreshes itself when the player speaks.
	h := beat(1, 1, nil)
	h.Showing = &api.Showing{Scene: "welcome", Layer: "default", Screen: "on", Since: time.Now()}
	h.Checks = map[string]string{"renderer": "<script>alert(1)</script>"}
	d.id = got.Settings.ID
	if _, err := d.Heartbeat(t.Context(), d.id, h, 0); err != nil {
		t.Fatal(err)
	}
	if body = read(t, ctx, "dd b"); body != "welcome" {
		t.Error("on the screen is", body)
	}
	if body = read(t, ctx, "section.alert"); !strings.Contains(body, "<script>alert(1)</script>") {
		t.Error("what a player says is not shown as it said it:", body)
	}

	if cookies, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie")); err != nil || cookies != "" {
		t.Error("scripts can read the cookie:", cookies, err)
	}
	run(t, ctx, chromedp.Click(chromedp.CSS("nav .quiet")), seen("#token"), chromedp.Navigate(g.base+"/"))
	if body = read(t, ctx, "main"); !strings.Contains(body, "Administrator's token") {
		t.Error("signed out, and the players are shown still")
	}
}

func TestThePagesSpeakFrench(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	ctx := browser(t, "fr-FR")
	run(t, ctx, chromedp.Navigate(g.base), typed("#token", g.token+"\r"), seen(".empty"))
	if body := read(t, ctx, "main"); !strings.Contains(body, "Aucun écran pour l’instant") {
		t.Fatal(body)
	} else if !strings.Contains(body, "--relay-pin "+g.Authority().Pin()) {
		t.Fatal("a player started as the page says would not believe this relay:", body)
	}
	keep(t, ctx, "empty")
}

// form posts a form as a page of some origin would, with a browser's cookie.
func (g *rig) form(t *testing.T, path, origin string, cookie *http.Cookie, values url.Values) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", g.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	res, err := g.admin.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestOnlyAPageOfThisRelayMayPost(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	signIn := url.Values{"token": {g.token}, "next": {"//evil.example/"}}
	if res := g.form(t, "/sign-in", "https://evil.example", nil, signIn); res.StatusCode != 403 {
		t.Fatal("signed in from elsewhere:", res.Status)
	}
	res := g.form(t, "/sign-in", g.base, nil, signIn)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" || len(res.Cookies()) != 1 {
		t.Fatal(res.Status, res.Header)
	}
	c := res.Cookies()[0]
	if c.Name != "__Host-vitrine" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	for _, origin := range []string{"", "null", "https://evil.example", "http://" + g.Addr().String(), g.base + ".evil.example", g.base + "/"} {
		if res := g.form(t, "/players/"+d.id+"/remove", origin, c, nil); res.StatusCode != 403 {
			t.Errorf("a form from %q gave %s", origin, res.Status)
		}
	}
	if res := g.form(t, "/players/"+d.id+"/remove", g.base, c, nil); res.StatusCode != http.StatusSeeOther {
		t.Error("the relay's own page was refused:", res.Status)
	}
}
