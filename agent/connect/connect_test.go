package connect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/store"
	"vitrine/render/scene"
)

// web is a server whose answer a test changes.
type web struct {
	*httptest.Server
	mu        sync.Mutex
	code      int
	body      string
	etag      string
	location  string
	asked     int
	unchanged int
}

func newWeb(t *testing.T) *web {
	w := &web{code: http.StatusOK}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.location != "" {
		http.Redirect(out, r, w.location, http.StatusFound)
		return
	}
	if w.etag != "" {
		out.Header().Set("ETag", w.etag)
		if r.Header.Get("If-None-Match") == w.etag {
			w.unchanged++
			out.WriteHeader(http.StatusNotModified)
			return
		}
	}
	out.WriteHeader(w.code)
	fmt.Fprint(out, w.body)
}

func (w *web) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run starts sources and stops them at the test's end, or when stop is called.
func run(t *testing.T, cfg connect.Config, specs map[string]bundle.SourceSpec) (s *connect.Set, stop func()) {
	t.Helper()
	s, err := connect.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Use(specs, connect.Home{}, func(name string) (string, bool) { return name, true })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return s, stop
}

// until waits for a result that is as wanted.
func until(t *testing.T, s *connect.Set, name string, want func(connect.Result) bool) connect.Result {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		changed := s.Changed()
		r, _ := s.Result(name)
		if want(r) {
			return r
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("the rows are still %+v", r)
		}
	}
}

func cells(r connect.Result) string {
	var rows []string
	for i := range r.Rows {
		var row []string
		for _, v := range r.Rows[i] {
			row = append(row, v.Text)
		}
		rows = append(rows, strings.Join(row, ","))
	}
	return strings.Join(r.Columns, ",") + ": " + strings.Join(rows, "; ")
}

func fetched(r connect.Result) bool { return !r.FetchedAt.IsZero() && !r.Stale }

func TestFormats(t *testing.T) {
	no := false
	rss := `<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><title>F</title><item><title>Caf` + "\xe9" +
		` &amp; th&#233;</title><description>&lt;p&gt;un &lt;b&gt;mot&lt;/b&gt;&lt;/p&gt;</description><link>http://x/1</link></item></channel></rss>`
	cases := []struct {
		name string
		spec bundle.SourceSpec
		body string
		want string
	}{
		{"lines of text, empty ones left out", bundle.SourceSpec{Type: "text"}, "un\r\n\n  deux \n", "text: un; deux"},
		{"text with a byte order mark", bundle.SourceSpec{Type: "text"}, "\ufeffété", "text: été"},
		{"text in UTF-16", bundle.SourceSpec{Type: "text"}, "\xff\xfeo\x00u\x00i\x00", "text: oui"},
		{"text that is not UTF-8 is taken as declared", bundle.SourceSpec{Type: "text", Charset: "iso-8859-15"}, "5 \xa4", "text: 5 €"},
		{"text that is not UTF-8 and not declared is taken as Windows'", bundle.SourceSpec{Type: "text"}, "5 \x80", "text: 5 €"},
		{"a table with a header", bundle.SourceSpec{Type: "delimited"}, "a,b\n1,2\n3\n4,5,6\n", "a,b: 1,2; 3,; 4,5"},
		{"a table whose cells hold line breaks and separators", bundle.SourceSpec{Type: "delimited", Separator: ";"}, "a;b\n\"x\ny;z\";2\n", "a,b: x\ny;z,2"},
		{"a table without a header", bundle.SourceSpec{Type: "delimited", Header: &no}, "1,2\n3,4", "c1,c2: 1,2; 3,4"},
		{"a header with doubles and gaps", bundle.SourceSpec{Type: "delimited"}, "a,a,\n1,2,3", "a,c2,c3: 1,2,3"},
		{"a feed in another charset, with markup", bundle.SourceSpec{Type: "feed"}, rss, "title,description,link,published,author,image,feed,id,updated,categories,media,mediaType: Café & thé,un mot,http://x/1,,,,F,http://x/1,,,,"},
		{"JSON objects", bundle.SourceSpec{Type: "json", Path: "data.rows"}, `{"data":{"rows":[{"a":1,"b":"x"},{"a":12345678901234567890.10,"c":true}]}}`, "a,b,c: 1,x,; 12345678901234567890.10,,true"},
		{"JSON lists", bundle.SourceSpec{Type: "json"}, `[[1,2],[3]]`, "c1,c2: 1,2; 3,"},
		{"JSON values", bundle.SourceSpec{Type: "json", Path: "0"}, `[["a","b"]]`, "value: a; b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWeb(t)
			w.body = c.body
			c.spec.Location = bundle.Location{Type: "http", URL: w.URL}
			s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": c.spec})
			if got := cells(until(t, s, "x", fetched)); got != c.want {
				t.Errorf("rows are\n\t%q, not\n\t%q", got, c.want)
			}
		})
	}
}

// each is a source that is read so often that a test need not wait.
func each(w *web) bundle.SourceSpec {
	return bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "http", URL: w.URL + "/x.txt"},
		Refresh: bundle.Refresh{Every: scene.Duration(time.Second)}}
}

func TestWhatIsWrongKeepsTheLastGoodRows(t *testing.T) {
	other := newWeb(t)
	other.body = "secret"
	cases := []struct {
		name  string
		spec  func(*bundle.SourceSpec)
		wrong func(*web)
		says  string
	}{
		{"the server answers an error", nil, func(w *web) { w.code, w.body = 500, "oops" }, "500"},
		{"the server redirects to another host", nil, func(w *web) { w.location = other.URL }, "does not name"},
		{"the server redirects without end", nil, func(w *web) { w.location = w.URL + "/x.txt" }, "without end"},
		{"the answer is too long", func(s *bundle.SourceSpec) { s.Limits.Bytes = 10 }, func(w *web) { w.body = "0123456789a" }, "longer than its limit"},
		{"the answer is not what it was", func(s *bundle.SourceSpec) { s.Type, s.Path = "json", "" }, func(w *web) { w.body = `{"a":` }, "JSON cannot be read"},
		{"the server is gone", nil, func(w *web) { w.location = "http://127.0.0.1:1/" }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWeb(t)
			w.body = `"un"`
			spec := each(w)
			if c.spec != nil {
				c.spec(&spec)
			}
			dir := t.TempDir()
			keep := open(t, dir)
			cfg := connect.Config{Keep: keep}
			s, stop := run(t, cfg, map[string]bundle.SourceSpec{"x": spec})
			before := until(t, s, "x", fetched)
			w.set(func() { c.wrong(w) })
			r := until(t, s, "x", func(r connect.Result) bool { return r.Stale })
			if cells(r) != cells(before) || !strings.Contains(r.Err, c.says) {
				t.Errorf("rows are %q with the error %q", cells(r), r.Err)
			}
			stop()
			keep.Close()
			again, err := connect.New(connect.Config{Keep: open(t, dir)})
			if err != nil {
				t.Fatal(err)
			}
			again.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{}, nil)
			if r, ok := again.Result("x"); !ok || cells(r) != cells(before) {
				t.Errorf("after a restart the rows are %q", cells(r))
			}
			spec.Charset = "utf-8"
			again.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{}, nil)
			if r, ok := again.Result("x"); ok {
				t.Errorf("another configuration has the old rows %q", cells(r))
			}
		})
	}
}

func TestAServerIsAskedWhetherThereIsNews(t *testing.T) {
	w := newWeb(t)
	w.body, w.etag = "un", `"1"`
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": each(w)})
	first := until(t, s, "x", fetched)
	asked := func() (all, unchanged int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.asked, w.unchanged
	}
	for _, unchanged := asked(); unchanged == 0; _, unchanged = asked() {
		select {
		case <-s.Changed():
		case <-time.After(100 * time.Millisecond): // nothing changes: there is nothing else to wait for
		}
	}
	w.set(func() { w.body, w.etag = "deux", `"2"` })
	r := until(t, s, "x", func(r connect.Result) bool { return r.Version != first.Version })
	if cells(r) != "text: deux" {
		t.Errorf("rows are %q", cells(r))
	}
}

func TestAFileThatIsReplacedIsReadAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "menu.txt")
	if err := os.WriteFile(path, []byte("soupe"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "file", Path: path}, Refresh: bundle.Refresh{Every: scene.Duration(time.Hour)}}
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": spec})
	first := until(t, s, "x", fetched)
	if err := os.WriteFile(path+".new", []byte("gratin"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	r := until(t, s, "x", func(r connect.Result) bool { return r.Version != first.Version })
	if cells(r) != "text: gratin" {
		t.Errorf("rows are %q", cells(r))
	}
}

func TestASourceMayNotReadThePlayersOwnFiles(t *testing.T) {
	dir := t.TempDir()
	keep := open(t, dir)
	secret := filepath.Join(dir, "identity.json")
	link := filepath.Join(t.TempDir(), "link.txt")
	if err := errors.Join(os.WriteFile(secret, []byte("key"), 0o600), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, link, "/dev/zero", dir} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			spec := bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "file", Path: path}}
			told := make(chan error, 10)
			run(t, connect.Config{Keep: keep, Deny: dir, Check: func(_ string, err error) { told <- err }}, map[string]bundle.SourceSpec{"x": spec})
			if err := <-told; err == nil {
				t.Error("it was read")
			}
		})
	}
}

func TestRowsAreBounded(t *testing.T) {
	w := newWeb(t)
	w.body = strings.Repeat("x\n", 5000)
	spec := each(w)
	spec.Limits.Rows = 7
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir())}, map[string]bundle.SourceSpec{"x": spec})
	if r := until(t, s, "x", fetched); len(r.Rows) != 7 || !r.Truncated {
		t.Errorf("%d rows, truncated %v", len(r.Rows), r.Truncated)
	}
}

// FuzzFormats: whatever a source gives, it is an error or rows that fit their columns.
func FuzzFormats(f *testing.F) {
	f.Add("delimited", "a;b\n\"x\n", ";", "")
	f.Add("json", `{"a":[1,{"b":[]}]}`, "", "a")
	f.Add("feed", "<rss><channel><item><title>x</title></item></channel></rss>", "", "")
	f.Add("text", "\xff\xfea\x00", "", "")
	f.Fuzz(func(t *testing.T, kind, body, separator, path string) {
		r, err := connect.Parse(bundle.SourceSpec{Type: kind, Separator: separator, Path: path}, connect.Home{}, []byte(body), time.Now())
		if err != nil {
			return
		}
		for _, row := range r.Rows {
			if len(row) != len(r.Columns) {
				t.Fatalf("a row of %d cells under %d columns", len(row), len(r.Columns))
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	})
}

func TestABadAnswerDoesNotBecomeGoodBecauseItIsUnchanged(t *testing.T) {
	w := newWeb(t)
	w.body = `["un"]`
	spec := each(w)
	spec.Type = "json"
	told := make(chan error, 1000)
	s, _ := run(t, connect.Config{Keep: open(t, t.TempDir()), Check: func(_ string, err error) { told <- err }}, map[string]bundle.SourceSpec{"x": spec})
	until(t, s, "x", fetched)
	w.set(func() { w.body, w.etag = `["un`, `"bad"` })
	until(t, s, "x", func(r connect.Result) bool { return r.Stale })
	before := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.asked }()
	for asked := before; asked < before+2; {
		select {
		case err := <-told:
			if err == nil && asked > before {
				t.Fatal("it is said to be right")
			}
		case <-time.After(50 * time.Millisecond): // a source that stays wrong tells nothing
		}
		w.mu.Lock()
		asked = w.asked
		w.mu.Unlock()
		if r, _ := s.Result("x"); !r.Stale {
			t.Fatalf("the rows are called fresh: %+v", r)
		}
	}
}

func TestASourceThatIsNoLongerUsedIsNotSpokenOf(t *testing.T) {
	told, gone := make(chan error, 16), make(chan string, 16)
	missing := filepath.Join(t.TempDir(), "menus.csv")
	spec := bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "file", Path: missing}, Refresh: bundle.Refresh{Every: scene.Duration(time.Second)}}
	cfg := connect.Config{Keep: open(t, t.TempDir()), Check: func(_ string, err error) { told <- err }, Gone: func(name string) { gone <- name }}
	s, stop := run(t, cfg, map[string]bundle.SourceSpec{"menus": spec})
	if err := <-told; err == nil || !strings.Contains(err.Error(), "put it there") {
		t.Errorf("of a missing file it says: %v", err)
	}
	s.Use(map[string]bundle.SourceSpec{}, connect.Home{}, nil)
	stop()
	close(gone)
	var names []string
	for name := range gone {
		names = append(names, name)
	}
	if len(names) != 1 || names[0] != "menus" {
		t.Errorf("gone: %q", names)
	}
}
