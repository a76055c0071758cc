package siren_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/siren"
)

// message is a CAP message of the bubble's first day.
func message(id, kind, more string) string {
	return fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier><sender>mairie@example.org</sender>
<sent>2000-01-01T00:00:00+00:00</sent><status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s
<info><language>en</language><category>Fire</category><event>Fire</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<expires>2000-01-01T12:00:00+00:00</expires><area><areaDesc>Paris</areaDesc><circle>48.85,2.35 10</circle></area></info></alert>`, id, kind, more)
}

const cancels = "<references>mairie@example.org,1,2000-01-01T00:00:00+00:00</references>"

// memos is what is kept over a restart.
type memos struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (k *memos) KeepMemo(name string, memo []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.m[name] = memo
	return nil
}

func (k *memos) Memo(name string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b, ok := k.m[name]
	return b, ok
}

// server answers as a test says, in the test's bubble: no socket.
type server struct {
	mu    sync.Mutex
	pages map[string]string
	asked []string
}

func (s *server) set(path, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = text
}

// requests are those that came.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := httptest.NewRecorder()
	text, ok := s.pages[r.URL.Path]
	tag := fmt.Sprintf("%q", fmt.Sprint(len(text)))
	status := http.StatusOK
	switch target, redirects := strings.CutPrefix(text, "=> "); {
	case !ok:
		status = http.StatusNotFound
	case redirects:
		w.Header().Set("Location", target)
		status = http.StatusFound
	case r.Header.Get("If-None-Match") == tag:
		status = http.StatusNotModified
	}
	s.asked = append(s.asked, fmt.Sprintf("%s%s %d", r.URL.Host, r.URL.Path, status))
	w.Header().Set("ETag", tag)
	w.WriteHeader(status)
	if status == http.StatusOK {
		w.WriteString(text)
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

// listener is a siren that runs.
type listener struct {
	*siren.Siren
	server *server
	folder string
	keep   *memos
	mu     sync.Mutex
	word   error // of the check
}

func (l *listener) hear(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.word = err
}

// check is the check's last word.
func (l *listener) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.word
}

func listen(t *testing.T, site alert.Site) *listener {
	l := &listener{server: &server{pages: map[string]string{}}, folder: t.TempDir(), keep: &memos{m: map[string][]byte{}}}
	var err error
	l.Siren, err = siren.New(siren.Config{Folder: l.folder, Feed: "http://lan/alerts", Site: site, Keep: l.keep, Over: l.server, Check: l.hear})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
}

// later waits for the next answer of the feed.
func later() {
	time.Sleep(20 * time.Second)
	synctest.Wait()
}

func (l *listener) ids() (ids []string) {
	for _, a := range l.Active("en", time.Now()) {
		ids = append(ids, a.Message.Identifier)
	}
	slices.Sort(ids)
	return ids
}

func (l *listener) wants(t *testing.T, ids ...string) {
	t.Helper()
	if got := l.ids(); !slices.Equal(got, ids) {
		t.Errorf("%q stand, not %q; the check says %v; the server was asked %q", got, ids, l.check(), l.server.requests())
	}
}

func TestSiren(t *testing.T) {
	cases := []struct {
		name string
		site alert.Site
		play func(t *testing.T, l *listener)
	}{
		{"a feed of one message is read, and not again while it is the same", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", message("1", "Alert", ""))
			l.run(t)
			l.wants(t, "1")
			later()
			if got := l.server.requests(); !slices.Equal(got, []string{"lan/alerts 200", "lan/alerts 304"}) || l.check() != nil {
				t.Errorf("the server was asked %q; the check says %v", got, l.check())
			}
			l.server.set("/alerts", message("2", "Cancel", cancels))
			later()
			l.wants(t)
		}},
		{"an index in Atom is followed, each message once, on its own host only", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", `<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/page"/><link type="application/cap+xml" href="/1.xml"/></entry>
<entry><link href="https://elsewhere/2.xml"/></entry><entry><link href="3.xml"/></entry></feed>`)
			l.server.set("/1.xml", message("1", "Alert", ""))
			l.server.set("/3.xml", message("3", "Alert", ""))
			l.run(t)
			l.wants(t, "1", "3")
			if l.check() == nil || !strings.Contains(l.check().Error(), "https://elsewhere/2.xml") {
				t.Errorf("the check says %v", l.check())
			}
			later()
			if n := len(l.server.requests()); n != 4 || slices.Contains(l.server.requests(), "elsewhere/2.xml 404") {
				t.Errorf("the server was asked %q", l.server.requests())
			}
		}},
		{"an index in RSS is followed", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", `<rss><channel><item><link>http://lan/1.xml</link></item></channel></rss>`)
			l.server.set("/1.xml", message("1", "Alert", ""))
			l.run(t)
			l.wants(t, "1")
		}},
		{"a redirect to another host is not followed", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", "=> http://elsewhere/alerts")
			l.run(t)
			if l.check() == nil || !strings.Contains(l.check().Error(), "elsewhere") || len(l.server.requests()) != 1 {
				t.Errorf("the check says %v, asked was %q", l.check(), l.server.requests())
			}
		}},
		{"an answer without end is refused", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", message("1", "Alert", strings.Repeat(" ", alert.MaxMessage)))
			l.run(t)
			l.wants(t)
			if l.check() == nil {
				t.Error("nothing is said of it")
			}
		}},
		{"nonsense is told, and right again when it is mended", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", "<html></html>")
			l.run(t)
			if l.check() == nil || !strings.Contains(l.check().Error(), `"html"`) {
				t.Errorf("the check says %v", l.check())
			}
			l.server.set("/alerts", message("1", "Alert", ""))
			later()
			if l.wants(t, "1"); l.check() != nil {
				t.Errorf("the check says %v", l.check())
			}
		}},
		{"the feed cannot cancel what the folder has brought", alert.Site{}, func(t *testing.T, l *listener) {
			if err := os.WriteFile(filepath.Join(l.folder, "a.xml"), []byte(message("1", "Alert", "")), 0o600); err != nil {
				t.Fatal(err)
			}
			l.server.set("/alerts", message("2", "Cancel", cancels))
			l.run(t)
			later()
			l.wants(t, "1")
		}},
		{"what both bring is there once", alert.Site{}, func(t *testing.T, l *listener) {
			if err := os.WriteFile(filepath.Join(l.folder, "a.xml"), []byte(message("1", "Alert", "")), 0o600); err != nil {
				t.Fatal(err)
			}
			l.server.set("/alerts", message("1", "Alert", ""))
			l.run(t)
			l.wants(t, "1")
		}},
		{"what holds elsewhere is left out", alert.Site{Position: &alert.Point{Lat: 43.3, Lon: 5.4}}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", message("1", "Alert", ""))
			l.run(t)
			l.wants(t)
		}},
		{"what stood stands after a restart, and a cancel counts then too", alert.Site{}, func(t *testing.T, l *listener) {
			l.server.set("/alerts", message("1", "Alert", ""))
			l.run(t)
			again, err := siren.New(siren.Config{Feed: "http://lan/alerts", Keep: l.keep})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(again.Active("en", time.Now())); n != 1 {
				t.Errorf("%d stand after a restart", n)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.play(t, listen(t, c.site))
			})
		})
	}
}

func TestAFeedMustBeAnAddress(t *testing.T) {
	for _, feed := range []string{"alerts.xml", "ftp://lan/alerts", "https:///alerts"} {
		if _, err := siren.New(siren.Config{Feed: feed, Keep: &memos{}}); err == nil {
			t.Errorf("%q is taken", feed)
		}
	}
}
