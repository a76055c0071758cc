// Package web is the relay's first page: which players there are, what is on them, and claiming new ones.
//
//	browser ──token──> sign-in ──cookie──> players ──> player (picture, live) ──> settings
//	                                   └─> claim (code from a screen, four words to compare)
//
// Everything comes from the relay itself, and the pages work without their one script, which only refreshes them.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/text/language"

	"vitrine/cloud/account"
	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
	"vitrine/cloud/gate"
)

// cookie is bound to this host, to TLS and to this site's own pages by its prefix and attributes.
const (
	cookie  = "__Host-vitrine"
	maxForm = 16 << 10 // bytes
	liveFor = 25 * time.Second
)

//go:embed templates static
var files embed.FS

// people says who somebody is by a token, and who the administrator is now.
type people interface {
	Check(token string) (account.Person, bool)
	Current() account.Person
}

// Config is what the pages show.
type Config struct {
	People   people
	Sessions *account.Sessions
	Fleet    *fleet.Fleet
	Streams  func(after string, limit int) ([]api.Stream, error)
	Channels func(after string, limit int) ([]api.Channel, error)
	Pin      string // of the relay's own authority, which a new player must be told; "" = players know the certificate
	Now      func() time.Time
}

// Pages are the pages.
type Pages struct {
	cfg    Config
	gate   *gate.Gate
	pages  map[string]*template.Template
	static map[string][]byte
	stamp  string // of the static files, so that browsers may keep them
	tries  *account.Tries
}

// New parses the templates.
func New(cfg Config) (*Pages, error) {
	p := &Pages{cfg: cfg, pages: map[string]*template.Template{}, static: map[string][]byte{}, tries: account.NewTries(10, 30*time.Second, cfg.Now)}
	for _, name := range []string{"signin", "players", "player", "claim", "wrong"} {
		t, err := template.New(name).Funcs(p.functions()).ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		p.pages[name] = t
	}
	h := sha256.New()
	err := fs.WalkDir(files, "static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		p.static[d.Name()] = b
		h.Write(b)
		return err
	})
	p.stamp = hex.EncodeToString(h.Sum(nil))[:12]
	return p, err
}

// Routes are the pages' routes; g does what they ask for.
func (p *Pages) Routes(g *gate.Gate) []gate.Route {
	p.gate = g
	page := func(pattern string, f func(http.ResponseWriter, *http.Request) error) gate.Route {
		return gate.Route{Pattern: pattern, Who: gate.Browser, Handle: p.explained(f)}
	}
	return []gate.Route{
		{Pattern: "GET /static/{file}", Who: gate.Anyone, Handle: p.file},
		{Pattern: "GET /sign-in", Who: gate.Anyone, Handle: p.SignIn},
		{Pattern: "POST /sign-in", Who: gate.Anyone, Handle: p.explained(p.signIn)},
		page("POST /sign-out", p.signOut),
		page("GET /{$}", p.players),
		page("GET /players/{id}", p.player),
		page("GET /players/{id}/picture", p.picture),
		page("POST /players/{id}/look", p.look),
		page("POST /players/{id}/settings", p.settings),
		page("POST /players/{id}/remove", p.remove),
		page("GET /claim", p.claim),
		page("POST /claim", p.claimed),
		page("GET /live", p.live),
	}
}

// Check says whose browser it is.
func (p *Pages) Check(r *http.Request) (account.Person, bool) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return account.Person{}, false
	}
	_, key, ok := p.cfg.Sessions.Check(c.Value)
	now := p.cfg.People.Current()
	if !ok || now.Key == "" || key != now.Key {
		return account.Person{}, false
	}
	return now, true
}

// SignIn shows the form instead of a page, at the page's own address.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("Accept") != "" && r.Header.Get("Accept") != "*/*" {
		return &api.Problem{Title: "nobody is signed in", Status: http.StatusUnauthorized, Detail: "open / and sign in"}
	}
	code := http.StatusUnauthorized
	if r.URL.Path == "/sign-in" {
		code = http.StatusOK
	}
	return p.show(w, r, code, "signin", map[string]any{"Next": next(r.URL.RequestURI())})
}

// next is where to go after signing in: a path of this relay, nothing else.
func next(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(target, "//") ||
		strings.ContainsAny(target, "\\\r\n") || u.Path == "/sign-in" || u.Path == "/live" {
		return "/"
	}
	return u.RequestURI()
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if !gate.SameOrigin(r) {
		return &api.Problem{Title: "this did not come from a page of this relay", Status: http.StatusForbidden}
	}
	if err := form(w, r); err != nil {
		return err
	}
	again := map[string]any{"Next": next(r.PostForm.Get("next"))}
	if ok, left := p.tries.Left(gate.Address(r)); !ok {
		again["Wait"] = int(left/time.Second) + 1
		return p.show(w, r, http.StatusTooManyRequests, "signin", again)
	}
	who, ok := p.cfg.People.Check(strings.TrimSpace(r.PostForm.Get("token")))
	if !ok {
		p.tries.Take(gate.Address(r))
		again["Wrong"] = true
		return p.show(w, r, http.StatusForbidden, "signin", again)
	}
	token, ends := p.cfg.Sessions.Begin(who.Name, who.Key)
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, MaxAge: int(ends.Sub(p.cfg.Now()) / time.Second)})
	return seeOther(w, next(r.PostForm.Get("next")))
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(cookie); err == nil {
		p.cfg.Sessions.End(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	return seeOther(w, "/sign-in")
}

func seeOther(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if err := r.ParseForm(); errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	} else if err != nil {
		return &api.Problem{Title: "the form could not be read", Status: http.StatusBadRequest, Detail: err.Error()}
	}
	return c.SetReadDeadline(time.Time{})
}

func (p *Pages) file(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	b, ok := p.static[name]
	if !ok {
		return fs.ErrNotExist
	}
	if r.URL.Query().Get("v") == p.stamp {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
	return nil
}

// explained turns an error that a person can do something about into a page.
func (p *Pages) explained(f func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := f(w, r)
		var known *api.Problem
		switch {
		case err == nil || !strings.Contains(r.Header.Get("Accept"), "text/html"):
			return err
		case errors.As(err, &known):
			return p.show(w, r, known.Status, "wrong", map[string]any{"Title": known.Title, "Detail": known.Detail})
		case errors.Is(err, fleet.ErrUnknown), errors.Is(err, fs.ErrNotExist):
			return p.show(w, r, http.StatusNotFound, "wrong", map[string]any{"Key": "gone"})
		case errors.Is(err, fleet.ErrChanged):
			return p.show(w, r, http.StatusPreconditionFailed, "wrong", map[string]any{"Key": "changed"})
		}
		return err
	}
}

// show renders a page whole before it sends any of it.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, code int, name string, data map[string]any) error {
	_, signed := p.Check(r)
	data["T"], data["Signed"], data["Stamp"] = texts(languageOf(r)), signed, p.stamp
	var b bytes.Buffer
	if err := p.pages[name].ExecuteTemplate(&b, "layout", data); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(code)
	_, err := w.Write(b.Bytes())
	return err
}

// languageOf is the first of French and English that the browser prefers.
func languageOf(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return "en"
	}
	_, i, _ := language.NewMatcher([]language.Tag{language.English, language.French}).Match(tags...)
	return [...]string{"en", "fr"}[i]
}

// live waits until what a page shows is no longer the edition that it has: 200; else 204.
func (p *Pages) live(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), liveFor)
	defer cancel()
	code := http.StatusOK
	if err := p.cfg.Fleet.Await(ctx, r.URL.Query().Get("of"), r.URL.Query().Get("at")); err != nil {
		code = http.StatusNoContent
	}
	w.WriteHeader(code)
	return nil
}
