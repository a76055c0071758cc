package place

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/icholy/digest"

	"vitrine/agent/secret"
)

// proof is what the player proves itself with to the host of an address, and to no other.
type proof struct {
	name   string // of the secret; "" = none
	auth   string
	secret func() (secret.Secret, error)
}

func newProof(spec Spec, env Env, u *url.URL) (*proof, error) {
	p := &proof{name: spec.Secret, auth: spec.Auth}
	switch {
	case spec.Secret == "":
		return p, nil
	case u.Scheme != "https" && !(env.Plain && Loopback(u.Hostname())):
		return nil, fmt.Errorf("its secret %q would go over plain http, where anyone can read it; write https", spec.Secret)
	case spec.Auth != "" && spec.Auth != "basic" && spec.Auth != "bearer" && spec.Auth != "digest":
		return nil, fmt.Errorf("its auth %q is not basic, bearer or digest", spec.Auth)
	}
	host := HostPort(u)
	p.secret = func() (secret.Secret, error) { return env.secretFor(spec.Secret, host) }
	return p, nil
}

// secretFor asks for a secret each time, so that a new one counts at once and none is kept here.
func (env Env) secretFor(name, host string) (secret.Secret, error) {
	if env.Secret == nil {
		return secret.Secret{}, fmt.Errorf("it needs the secret %q, which this player does not have", name)
	}
	return env.Secret(name, host)
}

// Loopback says whether a host is this machine itself.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// add puts the proof into a request; a challenge is what the host asked for.
func (p *proof) add(req *http.Request, challenge string) error {
	if p.name == "" {
		return nil
	}
	s, err := p.secret()
	if err != nil {
		return err
	}
	switch {
	case p.auth == "bearer", p.auth == "" && s.Token != "":
		req.Header.Set("Authorization", "Bearer "+s.Token)
	case p.auth == "digest" && challenge == "":
	case p.auth == "digest":
		return answer(req, challenge, s)
	default:
		req.SetBasicAuth(s.User, s.Password)
	}
	return nil
}

// challenge is what a host wants answered before it gives anything (RFC 7616); "" = nothing that can be.
func (p *proof) challenge(res *http.Response) string {
	if p.name == "" || p.auth != "digest" {
		return ""
	}
	for _, c := range res.Header.Values("WWW-Authenticate") {
		if len(c) > 7 && strings.EqualFold(c[:7], "digest ") {
			return c
		}
	}
	return ""
}

func answer(req *http.Request, challenge string, s secret.Secret) error {
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		return fmt.Errorf("%s asks for a digest in words that cannot be read", req.URL.Host)
	}
	d, err := digest.Digest(c, digest.Options{Method: req.Method, URI: req.URL.RequestURI(), Username: s.User, Password: s.Password, Count: 1})
	if err != nil {
		return fmt.Errorf("%s asks for a digest of a kind that is not known (%s)", req.URL.Host, c.Algorithm)
	}
	req.Header.Set("Authorization", d.String())
	return nil
}

// Explain says in a sentence what went wrong between the player and a host.
func Explain(err error, host string) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is from an authority that this player does not know; name it in the source (ca), or install it on the player (%w)", host, err)
	case errors.As(err, &name), errors.As(err, &invalid):
		return fmt.Errorf("the certificate of %s does not hold; look at its names and dates, and at the player's clock (%w)", host, err)
	case errors.As(err, &record):
		return fmt.Errorf("%s does not speak TLS on that port (%w)", host, err)
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s is not known on this network; look at its spelling and the player's DNS (%w)", dns.Name, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s does not answer; look whether its server is up (%w)", host, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at %s; look whether its server runs, and at the port (%w)", host, err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%s broke off before it had answered; it is asked again soon (%w)", host, err)
	}
	return err
}
