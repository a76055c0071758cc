package trigger_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vitrine/agent/trigger"
)

// serve runs a Server of a free port, and gives its address, its token and what was fired.
func serve(t *testing.T) (address, token string, fired func() []string) {
	t.Helper()
	var mu sync.Mutex
	var names []string
	dir, where := t.TempDir(), make(chan string, 1)
	s, err := trigger.New(trigger.Config{Address: "127.0.0.1:0", Dir: dir, Log: slog.New(told{where}), Fire: func(name string) bool {
		mu.Lock()
		defer mu.Unlock()
		if name == "http:nobody" {
			return false
		}
		names = append(names, name)
		return true
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(filepath.Join(dir, trigger.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	return <-where, strings.TrimSpace(string(text)), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return names
	}
}

// told hears in the log where it listens.
type told struct{ where chan string }

func (told) Enabled(context.Context, slog.Level) bool { return true }
func (l told) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l told) WithGroup(string) slog.Handler          { return l }
func (l told) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "address" {
			l.where <- a.Value.Any().(net.Addr).String()
		}
		return true
	})
	return nil
}

func ask(t *testing.T, method, address, path string, header map[string]string) (code int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if h := header["Host"]; h != "" {
		r.Host = h
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page of another origin is let in")
	}
	return a.StatusCode, string(b)
}

func TestOnlyAProgramWithTheTokenSetsOffATrigger(t *testing.T) {
	address, token, fired := serve(t)
	with := func(more ...string) map[string]string {
		h := map[string]string{"Authorization": "Bearer " + token}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	_, port, _ := net.SplitHostPort(address)
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		code               int
		says               string
	}{
		{"nobody", "POST", "/trigger/bell", nil, 401, "the token is missing or wrong"},
		{"a wrong token", "POST", "/trigger/bell", map[string]string{"Authorization": "Bearer " + token + "x"}, 401, "token"},
		{"the bare token", "POST", "/trigger/bell", map[string]string{"Authorization": token}, 401, "token"},
		{"a page", "POST", "/trigger/bell", with("Origin", "http://evil.example"), 403, "pages in a browser"},
		{"a page of no origin", "POST", "/trigger/bell", with("Origin", "null"), 403, "pages in a browser"},
		{"a page that says where it is", "POST", "/trigger/bell", with("Sec-Fetch-Site", "cross-site"), 403, "pages in a browser"},
		{"a name that points here", "POST", "/trigger/bell", with("Host", "evil.example:"+port), 403, "called localhost"},
		{"a look", "GET", "/trigger/bell", with(), 405, "by POST"},
		{"a page that asks first", "OPTIONS", "/trigger/bell", map[string]string{"Origin": "http://evil.example"}, 403, "pages"},
		{"a trigger that nothing waits for", "POST", "/trigger/nobody", with(), 404, "no event of the bundle waits for http:nobody"},
		{"another place", "POST", "/other", with(), 404, ""},
		{"a program", "POST", "/trigger/bell", with(), 204, ""},
		{"a program that says localhost", "POST", "/trigger/door", with("Host", "localhost:"+port), 204, ""},
	} {
		code, body := ask(t, c.method, address, c.path, c.header)
		if code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s, want %d %q", c.name, code, body, c.code, c.says)
		}
	}
	if got := strings.Join(fired(), " "); got != "http:bell http:door" {
		t.Errorf("fired: %s", got)
	}
}

func TestTooManyAtOnceAreRefused(t *testing.T) {
	address, token, fired := serve(t)
	asked, code := 0, 204
	for ; code == 204 && asked < 100_000; asked++ { // until they come faster than they may
		code, _ = ask(t, "POST", address, "/trigger/bell", map[string]string{"Authorization": "Bearer " + token})
	}
	if n := len(fired()); code != 429 || n != asked-1 || n < 20 {
		t.Errorf("of %d, %d fired, the last was answered with %d", asked, n, code)
	}
}

func TestOnlyThisMachineIsListenedTo(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:8787": "", "[::1]:8787": "", "0.0.0.0:8787": "from elsewhere", "192.0.2.1:80": "from elsewhere",
		":8787": "write 127.0.0.1:8787", "localhost:8787": "write 127.0.0.1:8787", "127.0.0.1": "write 127.0.0.1:8787"} {
		if err := trigger.CheckAddress(address); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

func TestTheTokenStaysAndIsForThePlayersUserAlone(t *testing.T) {
	dir := t.TempDir()
	cfg := trigger.Config{Address: "127.0.0.1:0", Dir: dir, Fire: func(string) bool { return true }}
	if _, err := trigger.New(cfg); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, trigger.TokenFile)
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", st, err)
	}
	before, _ := os.ReadFile(path)
	if _, err := trigger.New(cfg); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) || len(before) != 33 {
		t.Errorf("%q became %q", before, after)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trigger.New(cfg); err == nil || !strings.Contains(err.Error(), "shorter than 20") {
		t.Errorf("%v", err)
	}
}
