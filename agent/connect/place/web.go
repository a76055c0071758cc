package place

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// web is an address. Some servers answer 200 to every request, so that the bytes are compared too.
type web struct {
	client *http.Client
	url    *url.URL
	proof  *proof
}

func newWeb(spec Spec, env Env) (*web, error) {
	u, err := plainURL(spec.URL)
	if err != nil {
		return nil, err
	}
	proof, err := newProof(spec, env, u)
	if err != nil {
		return nil, err
	}
	over := env.Over
	if over == nil {
		if over, err = newTransport(spec.CA); err != nil {
			return nil, err
		}
	}
	return &web{client: &http.Client{Transport: over, CheckRedirect: redirects(spec.Hosts)}, url: u, proof: proof}, nil
}

// plainURL is an address without a name and password, which belong into a secret.
func plainURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("its address cannot be read; write it like https://example.com/menus.csv")
	case u.User != nil:
		return nil, errors.New("its address holds a name or a password; take them out and name a secret instead")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, fmt.Errorf("its address %q does not begin with https:// or http:// and a host", bare(u))
	}
	return u, nil
}

// bare is an address without what may be secret in it: a presigned one is a password.
func bare(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// HostPort is the host of an address with its port, the usual one when it names none: what a secret is bound to.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func newTransport(ca []byte) (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true}
	if len(ca) > 0 {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(ca) {
			return nil, errors.New("its certificate authority is not a PEM certificate (-----BEGIN CERTIFICATE-----)")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// redirects follows to the same host and those that are named, never from https to http: what a source may reach is what
// its bundle names.
func redirects(hosts []string) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		same := req.URL.Host == first.Host
		switch {
		case len(via) >= 5:
			return errors.New("it redirects without end")
		case !same && !slices.Contains(hosts, req.URL.Host) && !slices.Contains(hosts, req.URL.Hostname()),
			first.Scheme == "https" && req.URL.Scheme != "https":
			return fmt.Errorf("it redirects to %s://%s, which the source does not name", req.URL.Scheme, req.URL.Host)
		case !same:
			req.Header.Del("Authorization") // Go keeps it for hosts below the first
		case req.URL.Scheme == first.Scheme:
			if a := via[0].Header.Get("Authorization"); a != "" {
				req.Header.Set("Authorization", a)
			}
		}
		return nil
	}
}

func (l *web) fetch(ctx context.Context, limit int64, known mark) ([]byte, mark, error) {
	res, err := l.ask(ctx, http.MethodGet, func(h http.Header) {
		if known.etag != "" {
			h.Set("If-None-Match", known.etag)
		}
		if known.since != "" {
			h.Set("If-Modified-Since", known.since)
		}
	})
	if err != nil {
		return nil, mark{}, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && (known.etag != "" || known.since != ""):
		return nil, known, ErrUnchanged
	case res.StatusCode != http.StatusOK:
		return nil, mark{}, l.refusal(res)
	case res.ContentLength > limit:
		return nil, mark{}, errTooLong
	}
	b, err := readAll(res.Body, limit)
	if err != nil {
		return nil, mark{}, l.sentence(err)
	}
	m := mark{etag: res.Header.Get("ETag"), since: res.Header.Get("Last-Modified"), sum: sha256.Sum256(b)}
	if m.sum == known.sum {
		return nil, m, ErrUnchanged
	}
	return b, m, nil
}

// ask sends a request with what proves the player to the host, and once more when the host wants another proof.
func (l *web) ask(ctx context.Context, method string, with func(http.Header)) (*http.Response, error) {
	challenge := ""
	for {
		req, err := http.NewRequestWithContext(ctx, method, l.url.String(), nil)
		if err != nil {
			return nil, errors.New("its address cannot be asked")
		}
		req.Header.Set("User-Agent", "vitrine-player")
		with(req.Header)
		if err := l.proof.add(req, challenge); err != nil {
			return nil, err
		}
		res, err := l.client.Do(req)
		if err != nil {
			return nil, l.sentence(err)
		}
		if res.StatusCode != http.StatusUnauthorized || challenge != "" {
			return res, nil
		}
		if challenge = l.proof.challenge(res); challenge == "" {
			return res, nil
		}
		res.Body.Close()
	}
}

// answerError is an answer other than the one that is wanted.
type answerError struct {
	status int
	says   string
}

func (e *answerError) Error() string { return e.says }

// Is tells folders that are not for this player from servers that fail.
func (e *answerError) Is(target error) bool {
	return target == fs.ErrNotExist && e.status == http.StatusNotFound || target == fs.ErrPermission && e.status == http.StatusForbidden
}

// refusal says what an answer other than 200 means.
func (l *web) refusal(res *http.Response) error {
	says := fmt.Sprintf("%s answers %s", res.Request.URL.Host, res.Status)
	switch code := res.StatusCode; {
	case code != http.StatusUnauthorized && code != http.StatusForbidden:
	case l.proof.name == "":
		says += "; it wants a secret, and the source names none"
	default:
		says += fmt.Sprintf(" to the secret %q; look whether its user and password are still right", l.proof.name)
	}
	return &answerError{res.StatusCode, says}
}

// sentence is an error without the address, whose query may be a password.
func (l *web) sentence(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return Explain(err, l.url.Host)
}
