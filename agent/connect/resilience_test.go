package connect_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/connect/connecttest"
	"vitrine/agent/secret"
	"vitrine/agent/store"
	"vitrine/render/scene"
)

func seconds(n int) scene.Duration { return scene.Duration(time.Duration(n) * time.Second) }

// canteen is a source with a map, read each second.
func canteen(l bundle.Location) bundle.SourceSpec {
	return bundle.SourceSpec{Type: "delimited", Separator: ";", Locale: "fr-FR", Location: l, Refresh: bundle.Refresh{Every: seconds(1), Timeout: seconds(1)},
		Map: []bundle.RowColumn{{Name: "day", From: "Jour", Type: "date", Format: "02/01/2006"}, {Name: "price", From: "Prix", Type: "decimal", Show: "0.00 €"}, {Name: "title", From: "Plat"}}}
}

const weekMenu = "Jour;Prix;Plat\n20/11/2026;4,50 €;Soupe\n20/11/2026;12,00 €;Gratin\n"

// A network that fails in every way: the last good rows stay, stale, with a reason that a person can act on; other sources
// go on; and when it is well again the rows are fresh again.
func TestANetworkThatFailsKeepsTheRowsAndSlowsNobody(t *testing.T) {
	w := newWeb(t)
	w.body = weekMenu
	stage, err := connecttest.NewStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stage.Close)
	proxy, err := stage.NewProxy(strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	other := newWeb(t)
	other.body = "un"
	specs := map[string]bundle.SourceSpec{"menus": canteen(bundle.Location{Type: "http", URL: fmt.Sprintf("http://127.0.0.1:%d/menus.csv", proxy.Port)}), "other": each(other)}
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, specs)
	before := until(t, s, "menus", fetched)
	for n, c := range []struct {
		name  string
		how   int32
		after int64
		class connect.Class
	}{
		{"it stalls before it answers", connecttest.Stall, 0, connect.Late},
		{"it stalls in the middle", connecttest.Stall, 60, connect.Late},
		{"it is reset", connecttest.Reset, 0, connect.Unreachable},
		{"it is cut", connecttest.Cut, 0, connect.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.set(func() { w.body = weekMenu + strings.Repeat("\n", n) }) // so that nothing is called unchanged
			proxy.Fail(c.how, c.after)
			r := until(t, s, "menus", func(r connect.Result) bool { return r.Stale })
			if cells(r) != cells(before) || r.Err == "" || r.Class != c.class {
				t.Errorf("the rows are %q, %s: %s", cells(r), r.Class, r.Err)
			}
			was, _ := s.Result("other")
			other.set(func() { other.body += "." })
			until(t, s, "other", func(r connect.Result) bool { return r.Version != was.Version && !r.Stale })
			proxy.Fail(connecttest.Well, 0)
			if r := until(t, s, "menus", fetched); cells(r) != cells(before) || r.Err != "" || r.Class != "" {
				t.Errorf("afterwards they are %q, %s", cells(r), r.Err)
			}
		})
	}
}

// Two sources that name the same file read it at the same time, and neither is told that it hangs.
func TestTwoSourcesMayReadTheSameAtOnce(t *testing.T) {
	both := make(chan struct{})
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-r.Context().Done():
		}
		fmt.Fprint(out, weekMenu)
	}))
	t.Cleanup(server.Close)
	spec := canteen(bundle.Location{Type: "http", URL: server.URL})
	spec.Refresh.Timeout = seconds(60)
	told := make(chan error, 100)
	s, stop := run(t, connect.Config{Keep: open(t, t.TempDir()), Check: func(_ string, err error) { told <- err }}, map[string]bundle.SourceSpec{"x": spec, "y": spec})
	until(t, s, "x", fetched)
	until(t, s, "y", fetched)
	stop()
	close(told)
	for err := range told {
		if err != nil {
			t.Errorf("one of them is told: %v", err)
		}
	}
}

// What a source gives is not what it was.
func TestRowsThatAreNotAsTheBundleSaysAreNotShown(t *testing.T) {
	for _, c := range []struct {
		name, body, says string
		class            connect.Class
	}{
		{"a column is gone", "Jour;Plat\n20/11/2026;Soupe\n", `no column "Prix"; it has "Jour", "Plat"`, connect.Columns},
		{"it is a page that says that somebody must sign in", "<!DOCTYPE html><html><body>Sign in</body></html>", "", connect.Unreadable},
		{"all its dates are written in another way", "Jour;Prix;Plat\n2026-11-20;1;Soupe\n2026-11-21;2;Gratin\n", "none of its 2 values", connect.Unreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWeb(t)
			w.body = weekMenu
			dir := t.TempDir()
			keep := open(t, dir)
			spec := canteen(bundle.Location{Type: "http", URL: w.URL})
			s, stop := run(t, connect.Config{Keep: keep}, map[string]bundle.SourceSpec{"x": spec})
			before := until(t, s, "x", fetched)
			w.set(func() { w.body = c.body })
			r := until(t, s, "x", func(r connect.Result) bool { return r.Stale })
			if cells(r) != cells(before) || !strings.Contains(r.Err, c.says) || r.Class != c.class && r.Class != connect.Columns {
				t.Errorf("%q, %s: %s", cells(r), r.Class, r.Err)
			}
			stop() // and after a power cut they are still there
			keep.Close()
			again, err := connect.New(connect.Config{Keep: open(t, dir)})
			if err != nil {
				t.Fatal(err)
			}
			again.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{}, nil)
			if r, _ := again.Result("x"); cells(r) != cells(before) {
				t.Errorf("after a restart they are %q", cells(r))
			}
		})
	}
}

func TestARowThatIsMalformedIsToldAndTheOthersAreShown(t *testing.T) {
	w := newWeb(t)
	w.body = weekMenu + "20/11/2026;gratuit;Pain\n32/11/2026;1;Fromage\n"
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": canteen(bundle.Location{Type: "http", URL: w.URL})})
	r := until(t, s, "x", fetched)
	if len(r.Rows) != 4 || r.Cell(2, "price") != "" || r.Cell(3, "day") != "" || len(r.Dropped) != 2 || r.Dropped[0].Place != "row 3, column price" {
		t.Errorf("%q, dropped %+v", cells(r), r.Dropped)
	}
	if r.Cell(1, "price") != "12,00 €" || r.Plain(1, "price") != "12.00" || r.Cell(0, "day") != "20/11/2026" || r.Plain(0, "day") != "2026-11-20" {
		t.Errorf("a row reads %q and %q", r.Row(1), r.Plain(1, "price"))
	}
	if told := s.Tell(); len(told) != 1 || told[0].Read != 4 || len(told[0].Dropped) != 2 || len(told[0].Steps) < 3 || told[0].Next.IsZero() {
		t.Errorf("it is told %+v", told)
	}
}

// A file that is written slowly is never half of it on the screen.
func TestAFileThatIsReplacedWhileItIsReadIsWholeOrNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "menus.csv")
	whole := func(n int) string {
		return "Jour;Prix;Plat\n" + strings.Repeat(fmt.Sprintf("20/11/2026;%d;Soupe\n", n), 2000)
	}
	if err := os.WriteFile(path, []byte(whole(0)), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := canteen(bundle.Location{Type: "file", Path: path})
	spec.Limits.Rows = 5000
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": spec})
	until(t, s, "x", fetched)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; n <= 40; n++ {
			os.WriteFile(path, []byte(whole(n)), 0o600) // in place, as many programs do: the worst case
		}
	}()
	for writing := true; writing; {
		changed := s.Changed()
		select {
		case <-done:
			writing = false
		case <-changed:
		}
		r, _ := s.Result("x")
		for i := range r.Rows {
			if r.Plain(i, "price") != r.Plain(0, "price") {
				t.Fatalf("row %d of %d is of another version", i, len(r.Rows))
			}
		}
	}
	if r := until(t, s, "x", func(r connect.Result) bool { return r.Plain(0, "price") == "40" }); len(r.Rows) != 2000 {
		t.Errorf("it has %d rows", len(r.Rows))
	}
}

// A day passes at midnight in the player's zone, and nobody asks the source. The bubble's clock goes on whenever all wait,
// so that the next event comes when it is due.
func TestMidnightPassesWithoutAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paris, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		begun, monday := time.Now(), time.Date(2000, 1, 3, 23, 58, 0, 0, paris)
		now := func() time.Time { return monday.Add(time.Since(begun)) }
		keep := &counting{rows: map[string][]byte{}}
		path := filepath.Join(t.TempDir(), "week.csv")
		if err := os.WriteFile(path, []byte("Jour;Prix;Plat\n03/01/2000;1;lundi\n04/01/2000;2;mardi\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		spec := canteen(bundle.Location{Type: "bundle", Path: path})
		spec.Filter, spec.Refresh = "day == today()", bundle.Refresh{Every: scene.Duration(6 * time.Hour)}
		s, err := connect.New(connect.Config{Keep: keep, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		s.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{Zone: "Europe/Paris", Locale: "fr"}, func(p string) (string, bool) { return p, true })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		changed := s.Changed()
		go func() { done <- s.Run(ctx) }()
		title := func() string { r, _ := s.Result("x"); return r.Cell(0, "title") }
		next := func() {
			<-changed
			synctest.Wait()
			changed = s.Changed()
		}
		next()
		if got := title(); got != "lundi" {
			t.Fatalf("on Monday it is %q", got)
		}
		fetched, _ := s.Result("x")
		if err := os.Remove(path); err != nil { // nobody can ask it any more
			t.Fatal(err)
		}
		next()
		if got, late := title(), now().Sub(monday.Add(2*time.Minute)); got != "mardi" || late < 0 || late > time.Second {
			t.Errorf("%v after midnight it is %q", late, got)
		}
		if r, _ := s.Result("x"); !r.FetchedAt.Equal(fetched.FetchedAt) || r.Err != "" || keep.kept != 1 {
			t.Errorf("the source was asked again: %v, %s, kept %d times", r.FetchedAt, r.Err, keep.kept)
		}
		for title() == "mardi" {
			next()
		}
		if r, _ := s.Result("x"); title() != "" || !r.Stale || now().In(paris).Format("02 15:04") != "05 00:00" {
			t.Errorf("on %v it has %q, stale %v", now(), cells(r), r.Stale)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// counting is a keeper in memory.
type counting struct {
	mu   sync.Mutex
	rows map[string][]byte
	kept int
}

func (c *counting) KeepRows(key string, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[key] = b
	c.kept++
	return nil
}

func (c *counting) Rows(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.rows[key]
	return b, ok
}

func (*counting) DropRows(map[string]bool) error { return nil }

// The order of the rows is another one in a new bundle, and the network is down: the rows that are there are shown in it.
func TestANewOrderNeedsNoFetch(t *testing.T) {
	w := newWeb(t)
	w.body = weekMenu
	spec := canteen(bundle.Location{Type: "http", URL: w.URL})
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": spec})
	until(t, s, "x", fetched)
	w.set(func() { w.code = 500 })
	until(t, s, "x", func(r connect.Result) bool { return r.Stale })
	spec.Sort, spec.Limit = []bundle.SortKey{{By: "price", Descending: true}}, 1
	s.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{}, func(p string) (string, bool) { return p, true })
	if r, ok := s.Result("x"); !ok || len(r.Rows) != 1 || r.Cell(0, "title") != "Gratin" {
		t.Errorf("at once it is %q", cells(r))
	}
}

// A secret that a server repeats in every way is in nothing that the player says, shows or keeps.
func TestASecretIsFoundNowhere(t *testing.T) {
	const canary = "k4narienvogel-7731-x"
	var mu sync.Mutex
	wrong := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case token == "":
			out.WriteHeader(http.StatusUnauthorized)
		case wrong:
			http.Redirect(out, r, "https://"+token+".example/"+token, http.StatusFound)
		default:
			fmt.Fprint(out, weekMenu)
		}
	}))
	authority, certificate := certified(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	keep, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	var log bytes.Buffer
	var lock sync.Mutex
	told := []string{}
	spec := canteen(bundle.Location{Type: "https", URL: server.URL + "/menus.csv?zone=a", CA: authority, Auth: &bundle.Auth{Secret: "canteen"}})
	cfg := connect.Config{Keep: keep, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Secret: func(string, string) (secret.Secret, error) {
			return secret.Secret{Token: canary, Hosts: []string{"127.0.0.1"}}, nil
		},
		Check: func(_ string, err error) {
			lock.Lock()
			defer lock.Unlock()
			told = append(told, fmt.Sprintf("%v %+v %#v", err, err, err))
		}}
	s, stop := run(t, cfg, map[string]bundle.SourceSpec{"x": spec})
	until(t, s, "x", fetched)
	mu.Lock()
	wrong = true
	mu.Unlock()
	r := until(t, s, "x", func(r connect.Result) bool { return r.Stale })
	if r.Err == "" || len(r.Rows) != 2 {
		t.Errorf("%q: %s", cells(r), r.Err)
	}
	everything := fmt.Sprintf("%+v %#v %+v %v %+v", r, r.Err, s.Tell(), r.Row(0), r.Facts())
	stop()
	if err := keep.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("it is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	lock.Lock()
	defer lock.Unlock()
	if len(told) < 2 {
		t.Errorf("the checks were told %q", told)
	}
	for _, text := range append(told, log.String(), everything) {
		if strings.Contains(text, canary) {
			t.Errorf("it is in %.300q", text)
		}
	}
}

// certified makes a certificate for this machine, and the file of the authority that it is from.
func certified(t *testing.T) (authority string, certificate tls.Certificate) {
	t.Helper()
	dir := t.TempDir()
	a, err := connecttest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	authority = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(authority, a.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	if certificate, err = tls.LoadX509KeyPair(a.Cert, a.Key); err != nil {
		t.Fatal(err)
	}
	return authority, certificate
}
