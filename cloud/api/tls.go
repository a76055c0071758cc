package api

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Trust says which relay's certificates are believed. Nothing set = the system's authorities.
type Trust struct {
	CAFile string           // PEM of the relay's own authority
	Pin    string           // "sha256:<hex>" of the authority's public key (SubjectPublicKeyInfo), as the relay prints it
	Now    func() time.Time // clock for certificates' dates, which may be behind; nil = the system's
	// Dial connects; nil = as usual.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// ErrRelayUnproven means that whoever answered did not prove to be the relay: its certificate is not under the pinned
// authority.
var ErrRelayUnproven = errors.New("the answer's certificate is not under the pinned authority: this is not the relay, or something inspects TLS in between; compare the pin that `vitrine-relay ca` prints")

// NewHTTP makes a client for Client.HTTP: proxies from the environment, TLS 1.2 or better, no redirects.
func NewHTTP(t Trust) (*http.Client, error) {
	cfg, err := t.config("")
	if err != nil {
		return nil, err
	}
	var rt http.RoundTripper = t.transport(cfg)
	if t.Pin != "" || t.CAFile != "" {
		rt = &pinned{trust: t, hosts: map[string]*http.Transport{}}
	}
	// A redirect would carry the token to whoever the answer names.
	return &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func (t Trust) transport(cfg *tls.Config) *http.Transport {
	if t.Dial == nil {
		t.Dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           t.Dial,
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: 5 * time.Second,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
	}
}

// pinned has a transport for each host, because a TLS connection's state does not name the host when that is an address.
type pinned struct {
	trust Trust
	mu    sync.Mutex
	hosts map[string]*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (p *pinned) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	p.mu.Lock()
	t := p.hosts[host]
	if t == nil {
		cfg, err := p.trust.config(host)
		if err != nil {
			p.mu.Unlock()
			return nil, err
		}
		t = p.trust.transport(cfg)
		p.hosts[host] = t
	}
	p.mu.Unlock()
	return t.RoundTrip(req)
}

// CloseIdleConnections is what http.Client calls.
func (p *pinned) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.hosts {
		t.CloseIdleConnections()
	}
}

func (t Trust) config(host string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Time: t.Now}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the relay's authority: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM: copy the file that `vitrine-relay ca` names", t.CAFile)
		}
	}
	if t.Pin == "" && cfg.RootCAs == nil {
		return cfg, nil
	}
	cfg.InsecureSkipVerify = true // the standard check wants a clock that is right and an authority that is known; VerifyConnection does all of it
	if t.Pin == "" {
		cfg.VerifyConnection = func(s tls.ConnectionState) error { return verifyUnder(cfg.RootCAs, s.PeerCertificates, host, t.Now) }
		return cfg, nil
	}
	digits, ok := strings.CutPrefix(strings.ToLower(t.Pin), "sha256:")
	want, err := hex.DecodeString(digits)
	if !ok || err != nil || len(want) != sha256.Size {
		return nil, fmt.Errorf("the pin %q is not sha256: and 64 hexadecimal digits: copy what `vitrine-relay ca` prints", t.Pin)
	}
	cfg.VerifyConnection = func(s tls.ConnectionState) error { return verifyPinned(s, host, [32]byte(want), cfg.RootCAs, t.Now) }
	return cfg, nil
}

// verifyPinned checks the whole chain under the one certificate that has the pinned key.
func verifyPinned(s tls.ConnectionState, host string, pin [32]byte, known *x509.CertPool, now func() time.Time) error {
	roots := x509.NewCertPool()
	found := false
	for _, cert := range s.PeerCertificates[1:] {
		if cert.IsCA && sha256.Sum256(cert.RawSubjectPublicKeyInfo) == pin {
			roots.AddCert(cert)
			found = true
		}
	}
	if !found {
		return ErrRelayUnproven
	}
	if err := verifyUnder(roots, s.PeerCertificates, host, now); err != nil || known == nil {
		return err
	}
	return verifyUnder(known, s.PeerCertificates, host, now)
}

// verifyUnder checks chain, name and dates under the relay's own authority. A clock that lies before a certificate which that
// authority has signed is behind, and no reason to refuse it: else a player that wakes in 1970 could never ask for the time.
func verifyUnder(roots *x509.CertPool, chain []*x509.Certificate, host string, now func() time.Time) error {
	opts := x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: time.Now()}
	if now != nil {
		opts.CurrentTime = now()
	}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if begins := chain[0].NotBefore; opts.CurrentTime.Before(begins) {
		opts.CurrentTime = begins
	}
	_, err := chain[0].Verify(opts)
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &name):
		return fmt.Errorf("the relay's certificate is not for %s: start the relay with --name %s, or call it by a name that it has (%w)", host, host, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the relay's certificate has ended: compare the relay's clock with this machine's (%w)", err)
	}
	return fmt.Errorf("%w (%w)", ErrRelayUnproven, err)
}
