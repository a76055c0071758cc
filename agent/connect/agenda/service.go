package agenda

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// Service says whose calendar is asked, and where.
type Service struct {
	Type     string // caldav, graph, exchange, google, domino
	URL      string // of the server; "" = Microsoft's and Google's own
	Calendar string // which; "" = the account's own, for caldav the one at URL
	Mailbox  string // exchange, graph: whose, an address
	Secret   string // its name; "" = none is needed
	CA       []byte // PEM of the authority that the server's certificate is from; nil = the system's
}

// Env is what the player gives a service.
type Env struct {
	// Secret gives a secret that may go to host, "name:port".
	Secret func(name, host string) (secret.Secret, error)
	Over   http.RoundTripper // carries the requests; nil = the network
	Plain  bool              // a secret may go over plain http to this machine itself: for tests
}

// Agenda is a calendar that can be asked. It is for one goroutine.
type Agenda interface {
	// Events gives what is in a window, and what could not be understood. limit bounds each answer of the server, bytes.
	Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error)
}

// Open checks what a service needs; nothing is asked yet.
func Open(s Service, env Env) (Agenda, error) {
	whole := map[string]string{"graph": "https://graph.microsoft.com", "google": "https://www.googleapis.com"}
	if s.URL == "" {
		s.URL = whole[s.Type]
	}
	c, err := newCaller(s, env)
	if err != nil {
		return nil, err
	}
	switch s.Type {
	case "caldav":
		return &calDAV{c}, nil
	case "graph":
		if s.Mailbox == "" {
			return nil, errors.New("a calendar of Exchange Online needs the mailbox whose it is; write mailbox: room@example.com")
		}
		return &graph{caller: c}, nil
	case "exchange":
		return &exchange{c}, nil
	case "google":
		if s.Calendar == "" {
			c.Calendar = "primary"
		}
		return &google{caller: c}, nil
	case "domino":
		if s.Calendar == "" {
			return nil, errors.New("a calendar of Domino needs the mail file that it is in; write calendar: mail/room.nsf")
		}
		return &domino{c}, nil
	}
	return nil, fmt.Errorf("its type %q is not a calendar that is known", s.Type)
}

// caller sends a service's requests: to its own host, with a secret that is bound to that host.
type caller struct {
	Service
	env    Env
	base   *url.URL
	client *http.Client
}

func newCaller(s Service, env Env) (*caller, error) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("its address does not begin with https:// and a host")
	case u.User != nil:
		return nil, errors.New("its address holds a name or a password; take them out and name a secret instead")
	case s.Secret != "" && u.Scheme != "https" && !(env.Plain && place.Loopback(u.Hostname())):
		return nil, fmt.Errorf("its secret %q would go over plain http, where anyone can read it; write https", s.Secret)
	}
	over := env.Over
	if over == nil {
		t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: 64 << 10}
		if len(s.CA) > 0 {
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(s.CA) {
				return nil, errors.New("its certificate authority is not a PEM certificate (-----BEGIN CERTIFICATE-----)")
			}
			t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		}
		over = t
	}
	// A redirect could carry a secret elsewhere: whoever needs one follows it by hand.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &caller{Service: s, env: env, base: u, client: &http.Client{Transport: over, CheckRedirect: stay}}, nil
}

// secret gives the service's secret for the host of an address; false when it needs none.
func (c *caller) secret(u *url.URL) (secret.Secret, bool, error) {
	if c.Secret == "" {
		return secret.Secret{}, false, nil
	}
	if c.env.Secret == nil {
		return secret.Secret{}, false, fmt.Errorf("it needs the secret %q, which this player does not have", c.Secret)
	}
	s, err := c.env.Secret(c.Secret, place.HostPort(u))
	return s, true, err
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request and reads the whole answer.
func (c *caller) ask(ctx context.Context, method string, u *url.URL, header http.Header, body string, limit int64) (answer, error) {
	if u.Host != c.base.Host || u.Scheme != c.base.Scheme {
		return answer{}, fmt.Errorf("%s sends the player on to %s, which the source does not name", c.base.Host, u.Host)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("its address cannot be asked: %s", c.base.Host)
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", "vitrine-player")
	res, err := c.client.Do(req)
	if err != nil {
		return answer{}, c.sentence(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return answer{}, c.sentence(err)
	case int64(len(b)) > limit:
		return answer{}, errors.New("the calendar's answer is longer than its limit; raise limits.bytes or ask for a shorter window")
	}
	return answer{res.StatusCode, res.Header, b}, nil
}

// proved asks with a header that proves who asks, and once more with a new one when the server takes it no longer. renewable
// says that another may be had; said takes the server's own word out of a refusal.
func (c *caller) proved(ctx context.Context, u *url.URL, prove func(anew bool) (header http.Header, renewable bool, err error),
	said func(body []byte) string, limit int64) (answer, error) {
	for _, anew := range []bool{false, true} {
		header, renewable, err := prove(anew)
		if err != nil {
			return answer{}, err
		}
		a, err := c.ask(ctx, http.MethodGet, u, header, "", limit)
		if err != nil || a.status == http.StatusOK {
			return a, err
		}
		if a.status != http.StatusUnauthorized || anew || !renewable {
			return a, c.refusal(a, without(said(a.body), header))
		}
	}
	return answer{}, fmt.Errorf("%s takes no token", c.base.Host)
}

// without takes out of a server's word what it was told as proof: a token that was handed out is in no vault, whose words
// are taken out later.
func without(said string, header http.Header) string {
	for _, name := range []string{"Authorization", "X-Goog-Api-Key"} {
		if token := strings.TrimPrefix(header.Get(name), "Bearer "); token != "" {
			said = strings.ReplaceAll(said, token, "…")
		}
	}
	return said
}

// basic asks with a name and a password, where there is a secret.
func (c *caller) basic(ctx context.Context, method string, u *url.URL, header http.Header, body string, limit int64) (answer, error) {
	s, needed, err := c.secret(u)
	if err != nil {
		return answer{}, err
	}
	if header == nil {
		header = http.Header{}
	}
	if needed {
		(&http.Request{Header: header}).SetBasicAuth(s.User, s.Password)
		if s.Token != "" {
			header.Set("Authorization", "Bearer "+s.Token)
		}
	}
	return c.ask(ctx, method, u, header, body, limit)
}

// sentence says what went wrong on the way; addresses are left out, since they may hold what is secret.
func (c *caller) sentence(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s has not answered in time; it is asked again soon (%w)", c.base.Host, err)
	}
	return place.Explain(err, c.base.Host)
}

// refusal is what a status means for whoever keeps the source; said is the server's own word, "" = none.
func (c *caller) refusal(a answer, said string) error {
	if said != "" {
		said = " (" + strings.Join(strings.Fields(cut(said, 200)), " ") + ")"
	}
	switch a.status {
	case http.StatusUnauthorized:
		if c.Secret == "" {
			return fmt.Errorf("%s wants to know who asks: name a secret in the source (auth)%s", c.base.Host, said)
		}
		return fmt.Errorf("%s does not take the secret %q: look whether it is still right%s", c.base.Host, c.Secret, said)
	case http.StatusForbidden:
		return fmt.Errorf("%s knows who asks, and does not let them read this calendar: have it shared with them%s", c.base.Host, said)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no such calendar: look at the source's url, calendar and mailbox%s", c.base.Host, said)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if after := a.header.Get("Retry-After"); after != "" {
			said = ", and wants to be left alone for " + cut(after, 40) + " s" + said
		}
		return fmt.Errorf("%s is asked too often, or has too much to do%s", c.base.Host, said)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		to := "elsewhere"
		if u, err := url.Parse(a.header.Get("Location")); err == nil && u.Host != "" {
			to = "to " + u.Host
		}
		return fmt.Errorf("%s sends the player %s, which the source does not name: write that address into the source%s", c.base.Host, to, said)
	}
	return fmt.Errorf("%s answered %d %s%s", c.base.Host, a.status, http.StatusText(a.status), said)
}

func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// nearest is the midnight of the window's zone that is nearest: of an entry that lasts whole days, told by another clock.
func (w Window) nearest(t time.Time) time.Time {
	wall := inZone(w.zone()).wall(t).Add(aDay / 2).Truncate(aDay)
	return inZone(w.zone()).at(wall)
}
