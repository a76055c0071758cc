// Package gate is the relay's door: which routes there are, who may take each, and how fast.
//
//	accept ─> bounded handshakes ─> TLS ─> mux ─> guard(Who) ─> handler ─> depot, fleet, account
//	                                        │       anyone · browser · person · device (only its own {id})
//	                                        └─ every route is a Route: there is no way to register one without a Who
package gate

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"vitrine/cloud/account"
	"vitrine/cloud/api"
	"vitrine/cloud/depot"
	"vitrine/cloud/fleet"
)

// Who says who may take a route.
type Who int

// Who may take a route. The zero value is nobody, so that a route for which it was forgotten is shut.
const (
	Nobody  Who = iota
	Anyone      // time, enrolment (signed by the new key), sign-in, static files; nothing else
	Code        // a device that waits to be claimed: its device code, checked by the handler
	Key         // a device by its key: a signed request (RFC 9421), checked by the handler
	Device      // a device by its session token; a {id} in the pattern must be its own
	Person      // a person by a bearer token
	Either      // a device or a person by a bearer token
	Browser     // a person by a page's cookie, and for POST the page's own Origin
)

// String names who may.
func (w Who) String() string {
	return [...]string{"nobody", "anyone", "code", "key", "device", "person", "either", "browser"}[w]
}

// Route is one pattern of the mux, method included.
type Route struct {
	Pattern string
	Who     Who
	Does    string // one line, for /openapi.json
	In, Out any    // zero values of the bodies' types, for /openapi.json; nil = none or not JSON
	Handle  func(http.ResponseWriter, *http.Request) error
}

// people says who somebody is by a token.
type people interface {
	Check(token string) (account.Person, bool)
}

// Config is what the gate leads to.
type Config struct {
	Depot    *depot.Depot
	Fleet    *fleet.Fleet
	People   people
	Devices  *account.Sessions
	Browsers Browsers
	Pages    func(*Gate) []Route
	Log      *slog.Logger
	Now      func() time.Time
	Started  time.Time
	Proxies  []netip.Prefix     // whose X-Forwarded-For is believed; nil = nobody's
	TimeKey  ed25519.PrivateKey // the relay's own: signs the time that players ask for, and what is the newest; nil = neither is signed
}

// Browsers says whose browser it is, and what one that is nobody's is shown.
type Browsers interface {
	Check(r *http.Request) (account.Person, bool)
	SignIn(w http.ResponseWriter, r *http.Request) error
}

// Gate is the relay's HTTP side.
type Gate struct {
	cfg    Config
	codes  *account.Codes[offer]
	nonces *nonces
	limits limits
	routes []Route
	Meter  *Meter
}

// limits are who may do what how often.
type limits struct {
	enrol, session, codes, device, goods *account.Tries
}

// New makes the table of routes.
func New(cfg Config) *Gate {
	g := &Gate{cfg: cfg, Meter: newMeter(), nonces: newNonces(),
		codes: account.NewCodes[offer](codeLife, maxWaiting, cfg.Now),
		limits: limits{
			enrol:   account.NewTries(30, 2*time.Second, cfg.Now),
			session: account.NewTries(300, 50*time.Millisecond, cfg.Now), // a site of many players has one address
			codes:   account.NewTries(20, 6*time.Second, cfg.Now),
			device:  account.NewTries(200, 50*time.Millisecond, cfg.Now),
			goods:   account.NewTries(5000, 5*time.Millisecond, cfg.Now), // a bundle of many small blobs is no attack
		}}
	g.routes = append(g.deviceRoutes(), g.operatorRoutes()...)
	g.routes = append(g.routes, g.blobRoutes()...)
	g.routes = append(g.routes, Route{Pattern: "GET /openapi.json", Who: Anyone, Does: "This description.", Handle: g.openAPI})
	if cfg.Pages != nil {
		g.routes = append(g.routes, cfg.Pages(g)...)
	}
	return g
}

// Routes is the table.
func (g *Gate) Routes() []Route { return g.routes }

// Handler serves the table.
func (g *Gate) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range g.routes {
		mux.Handle(r.Pattern, g.guard(r))
	}
	mux.Handle("/", g.guard(Route{Pattern: "/", Who: Anyone, Handle: func(http.ResponseWriter, *http.Request) error {
		return &api.Problem{Title: "there is nothing here", Status: http.StatusNotFound, Detail: "the routes are in /openapi.json"}
	}}))
	return forwarded(g.cfg.Proxies, headers(mux))
}

// headers puts on every answer, errors too, what browsers must hold to.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=63072000")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers send Origin: null, and no form would be let in
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// caller is who a request has proven to be from.
type caller struct {
	person account.Person
	device string // player's id
}

type callerKey struct{}

func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// PersonOf is who a request of a Person or Browser route is from.
func PersonOf(r *http.Request) account.Person { return callerOf(r).person }

// guard lets through who may, and turns a handler's error into a problem.
func (g *Gate) guard(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := g.cfg.Now()
		out := &answer{ResponseWriter: w}
		err := g.enter(route, out, r)
		if err != nil && !out.begun {
			g.problem(out, r, err)
		} else if err != nil {
			g.cfg.Log.Debug("answer broke off", "route", route.Pattern, "err", err)
		}
		g.Meter.answered(route.Pattern, out.status(), g.cfg.Now().Sub(began))
	})
}

func (g *Gate) enter(route Route, w http.ResponseWriter, r *http.Request) error {
	c, err := g.prove(route.Who, r)
	if err != nil {
		if route.Who == Browser && err == errNobody {
			return g.cfg.Browsers.SignIn(w, r)
		}
		return err
	}
	if c.device != "" {
		if id := r.PathValue("id"); id != "" && id != c.device {
			return &api.Problem{Title: "this is another player's", Status: http.StatusForbidden, Detail: "a player may call only under its own id"}
		}
		limit := g.limits.device
		if route.Who == Either {
			limit = g.limits.goods
		}
		if !limit.Take(c.device) {
			return &api.Problem{Title: "too many requests", Status: http.StatusTooManyRequests,
				Detail: "a player may make 20 a second, and fetch 200 blobs a second", RetryAfter: 5 * time.Second}
		}
	}
	return route.Handle(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
}

// prove says who a request is from, or why it may not enter.
func (g *Gate) prove(who Who, r *http.Request) (caller, error) {
	switch who {
	case Anyone, Code, Key:
		return caller{}, nil
	case Browser:
		p, ok := g.cfg.Browsers.Check(r)
		if !ok {
			return caller{}, errNobody
		}
		if r.Method != http.MethodGet && !SameOrigin(r) {
			return caller{}, errOrigin
		}
		return caller{person: p}, nil
	case Device, Person, Either:
	default:
		return caller{}, errNobody
	}
	token := bearer(r)
	if token == "" {
		return caller{}, errNobody
	}
	if id, key, ok := g.cfg.Devices.Check(token); ok {
		if m, still := g.cfg.Fleet.Member(id); !still || m.KeyID != key {
			return caller{}, errToken
		}
		if who == Person {
			return caller{}, errNotPerson
		}
		return caller{device: id}, nil
	}
	if p, ok := g.cfg.People.Check(token); ok {
		if who == Device {
			return caller{}, errNotDevice
		}
		return caller{person: p}, nil
	}
	return caller{}, errToken
}

// bearer is the token of a request that has exactly one Authorization header.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || len(token) > 256 {
		return ""
	}
	return token
}

// SameOrigin says whether a page of this relay made the request: browsers send Origin with every POST.
func SameOrigin(r *http.Request) bool {
	origin := r.Header.Values("Origin")
	return len(origin) == 1 && origin[0] == "https://"+r.Host
}

// Address is the caller's address, without port; that which a known proxy names, see forwarded.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// answer remembers whether an answer has begun.
type answer struct {
	http.ResponseWriter
	begun bool
	code  int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if code >= 200 {
		a.begun, a.code = true, code
	}
	a.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) status() int {
	if a.code == 0 {
		return http.StatusOK
	}
	return a.code
}
