package cloud_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/cloud"
	"vitrine/cloud/api"
	"vitrine/cloud/gate"
)

// open are the routes that need nobody's proof. Every other one must refuse whoever brings none.
var open = []string{"GET /v1/time", "GET /openapi.json", "GET /static/{file}", "GET /sign-in", "POST /sign-in"}

// by makes a request of a route, as somebody.
func (g *rig) by(t *testing.T, c *api.Client, pattern, id, token, origin string) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	fill := strings.NewReplacer("{id}", id, "{code}", "BCDFGHJK", "{digest}", strings.Repeat("0", 64), "{version}", "1", "{stream}", "lobby",
		"{group}", "canteen", "{file}", "style.css", "{$}", "")
	req, err := http.NewRequestWithContext(t.Context(), method, g.base+fill.Replace(path), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if method == "GET" {
		req.Body, req.ContentLength = nil, 0
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestEveryRouteRefusesWhoeverHasNotProvenToBeItsOwn(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	mine, other, foreign := g.claimed(t, "Mine"), g.claimed(t, "Other"), g.device(t)
	token, err := mine.Token(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := foreign.Enrol(t.Context(), foreign.key, time.Now(), api.EnrolRequest{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(t *testing.T, who, pattern string, res *http.Response) {
		if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s gave %d to %s", pattern, res.Request.URL.Path, res.StatusCode, who)
		}
	}
	for _, r := range g.Routes() {
		if r.Who == gate.Anyone {
			if !slices.Contains(open, r.Pattern) {
				t.Errorf("%s is open to anyone, and is not one of %v", r.Pattern, open)
			}
			continue
		}
		c := g.client(t, nil)
		refused(t, "nobody", r.Pattern, g.by(t, c, r.Pattern, mine.id, "", g.base))
		refused(t, "a made-up token", r.Pattern, g.by(t, c, r.Pattern, mine.id, "vitrine-AAAAAAAAAAAAAAAAAAAAAAAAAA", g.base))
		refused(t, "a device that waits to be claimed", r.Pattern, g.by(t, c, r.Pattern, mine.id, e.DeviceCode, g.base))
		if strings.Contains(r.Pattern, "{id}") || r.Who == gate.Person || r.Who == gate.Browser {
			refused(t, "another player", r.Pattern, g.by(t, c, r.Pattern, other.id, token, g.base))
		}
		if r.Who == gate.Device || r.Who == gate.Browser || r.Who == gate.Key || r.Who == gate.Code {
			refused(t, "a person by a token", r.Pattern, g.by(t, c, r.Pattern, mine.id, g.token, g.base))
		}
	}
}

func TestTheTableOfRoutesIsTheOneThatIsServedAndDescribed(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	res := g.by(t, g.admin, "GET /openapi.json", "", "", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Security []map[string]any
			Summary  string
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatal(doc.OpenAPI, err)
	}
	described := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			described++
			pattern := strings.ToUpper(method) + " " + path
			i := slices.IndexFunc(g.Routes(), func(r gate.Route) bool { return r.Pattern == pattern })
			if i < 0 || op.Summary == "" || (len(op.Security) == 0) != (g.Routes()[i].Who == gate.Anyone) {
				t.Errorf("%s is described as %+v", pattern, op)
			}
		}
	}
	want := 0
	for _, r := range g.Routes() {
		if strings.Contains(r.Pattern, " /v1/") {
			want++
		}
		if r.Who == gate.Nobody {
			t.Errorf("%s is for nobody: its Who was forgotten", r.Pattern)
		}
	}
	if described != want || doc.Components.Schemas["Heartbeat"] == nil || doc.Components.Schemas["PageOfPlayer"] == nil {
		t.Errorf("%d routes are described, there are %d", described, want)
	}
}

func TestWhatIsNotThereSaysSoAndEveryAnswerBindsToTLS(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	for _, tc := range []struct {
		pattern string
		status  int
	}{
		{"GET /nothing", 404}, {"GET /v1/players", 401}, {"GET /v1/time", 200}, {"GET /sign-in", 200}, {"GET /", 401},
		{"DELETE /v1/time", 404}, {"GET /static/../../relay.db", 307}, {"GET /static/..%2f..%2frelay.db", 404},
	} {
		res := g.by(t, g.client(t, nil), tc.pattern, "", "", "")
		if res.StatusCode != tc.status && res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", tc.pattern, res.StatusCode)
		}
		for header, want := range map[string]string{"Strict-Transport-Security": "max-age=63072000", "X-Content-Type-Options": "nosniff"} {
			if res.Header.Get(header) != want {
				t.Errorf("%s: %s is %q", tc.pattern, header, res.Header.Get(header))
			}
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", tc.pattern, csp)
		}
	}
}

func TestASignedRequestIsTakenOnce(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	send := func(sign func(*http.Request)) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "POST", g.base+api.PathSession, nil)
		if err != nil {
			t.Fatal(err)
		}
		sign(req)
		res, err := d.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	var kept http.Header
	first := send(func(r *http.Request) {
		if err := api.Sign(r, nil, d.key, time.Now()); err != nil {
			t.Fatal(err)
		}
		kept = r.Header.Clone()
	})
	if first.StatusCode != 200 {
		t.Fatal(first.Status)
	}
	if again := send(func(r *http.Request) { r.Header = kept }); again.StatusCode != 401 {
		t.Fatal("a replay gave", again.Status)
	}
	dir := g.dir
	g.stop()
	again := start(t, dir, func(c *cloud.Config) {
		c.Listen = g.Addr().String()
		c.Now = func() time.Time { return time.Now().Add(2 * time.Second) }
	})
	if again.base != g.base {
		t.Fatal("the relay did not come back at its address")
	}
	if res := send(func(r *http.Request) { r.Header = kept }); res.StatusCode != 401 {
		t.Fatal("a replay after a restart gave", res.Status)
	}
}

func TestEnrolmentsOfOneAddressAreLimited(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.device(t)
	for i := range 40 {
		_, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{})
		if p, ok := err.(*api.Problem); ok && p.Status == http.StatusTooManyRequests && p.RetryAfter > 0 && i >= 30 {
			return
		} else if err != nil {
			t.Fatal(i, err)
		}
	}
	t.Fatal("40 enrolments were taken in a row")
}

func TestWrongCodesOfOneAddressAreCounted(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	for range 25 {
		_, err := g.admin.Waiting(t.Context(), "BBBB-BBBB")
		if p, ok := err.(*api.Problem); ok && p.Status == http.StatusTooManyRequests {
			return
		} else if !api.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	t.Fatal("25 wrong codes were answered")
}

func TestOldTLSAndCBCAreRefused(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	for name, tc := range map[string]struct {
		cfg *tls.Config
		ok  bool
	}{
		"TLS 1.3":            {&tls.Config{MinVersion: tls.VersionTLS13}, true},
		"TLS 1.2 with AEAD":  {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, true},
		"TLS 1.2 with CBC":   {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		"TLS 1.2 without DH": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
		"TLS 1.1":            {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.InsecureSkipVerify = true
			c, err := tls.Dial("tcp", g.Addr().String(), tc.cfg)
			if (err == nil) != tc.ok {
				t.Fatal(err)
			}
			if c != nil {
				c.Close()
			}
		})
	}
}

func TestPort80OnlySendsOnToHTTPS(t *testing.T) {
	g := start(t, t.TempDir(), func(c *cloud.Config) { c.Redirect, c.Names = "127.0.0.1:0", []string{"relay.example"} })
	_, port, err := net.SplitHostPort(g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, tc := range []struct {
		method, host, want string
	}{
		{"GET", "relay.example", "https://relay.example:" + port + "/claim?code=X"},
		{"GET", "RELAY.example:80", "https://RELAY.example:" + port + "/claim?code=X"},
		{"GET", "evil.example", ""},
		{"POST", "relay.example", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+g.RedirectAddr().String()+"/claim?code=X", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tc.host
		res, err := plain.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Location"); got != tc.want {
			t.Errorf("%s at %s leads to %q, want %q", tc.method, tc.host, got, tc.want)
		}
	}
}

func TestABundleOfManySmallBlobsIsNotTakenForAFlood(t *testing.T) {
	now := time.Now() // stands still: no try comes back meanwhile
	g := start(t, t.TempDir(), func(c *cloud.Config) { c.Now = func() time.Time { return now } })
	d := g.claimed(t, "Lobby")
	to := g.push(t, "lobby", 1, "x")
	for i := range 600 {
		if _, err := d.Manifest(t.Context(), to.Manifest); err != nil {
			t.Fatal(i, err)
		}
	}
	for range 201 {
		_, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, &to), 0)
		if p, ok := err.(*api.Problem); ok && p.Status == http.StatusTooManyRequests {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("a flood of heartbeats was let in")
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	g.claimed(t, "Lobby")
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ok", "/metrics": "\nvitrine_players 1\n"} {
		res, err := http.Get("http://" + g.OpsAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s %s", path, res.Status, b)
		}
		if res := g.by(t, g.client(t, nil), "GET "+path, "", "", ""); res.StatusCode != 404 {
			t.Errorf("%s is on the open network: %s", path, res.Status)
		}
	}
}

func TestAConnectionThatSaysNothingIsNotWaitedForByOthers(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	for range 10 { // silent before TLS
		c, err := tls.Dial("tcp", g.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nX: ")
	}
	if _, err := g.admin.Time(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// A header without end is cut off.
	c, err := tls.Dial("tcp", g.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { // ends with the connection
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n")
		for {
			if _, err := fmt.Fprintf(c, "X: %s\r\n", strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}()
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatal(res.Status)
	}
}

func TestATokenThatIsNotKnownSaysWhereANewOneComesFrom(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	_, err := g.client(t, api.Fixed("vitrine-AAAAAAAAAAAAAAAAAAAAAAAAAA")).Players(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "vitrine-relay token new") {
		t.Error(err)
	}
}
