// Package ca gives a relay that has no certificate a small authority of its own, so that TLS is there from the first start.
//
//	first start ──> ca.pem + ca.key (ten years) ──signs──> relay.pem + relay.key (90 days, renewed at 30 days left)
//	                   │
//	                   └── Pin: what a player is told, so that it believes this relay and no other
//
// A pair that the operator gives (Pair) is used instead, and read again when its file changes.
package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Lives of certificates. Browsers refuse leaves of more than 398 days.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour
	renewAt  = 30 * 24 * time.Hour // left
)

// Config says where the authority is and which names the relay answers to.
type Config struct {
	Dir   string           // folder of its own; made with mode 0700
	Names []string         // host names and addresses; at least one
	Now   func() time.Time // nil = time.Now
}

// Authority is the relay's own certificate authority.
type Authority struct {
	cfg  Config
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	mu   sync.Mutex
	leaf *tls.Certificate
}

// Open reads the authority in a folder, or makes it, and makes a certificate for the names if there is none that will do.
func Open(cfg Config) (*Authority, error) {
	if len(cfg.Names) == 0 {
		return nil, errors.New("open certificate authority: no name is given that the relay answers to: give --name")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &Authority{cfg: cfg}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open certificate authority: %w", err)
	}
	pair, err := a.read("ca")
	if errors.Is(err, fs.ErrNotExist) {
		pair, err = a.make("ca", nil)
	}
	if err != nil {
		return nil, fmt.Errorf("open certificate authority in %s: %w", cfg.Dir, err)
	}
	a.cert = pair.Leaf
	var ok bool
	if a.key, ok = pair.PrivateKey.(*ecdsa.PrivateKey); !ok || !a.cert.IsCA {
		return nil, fmt.Errorf("open certificate authority: %s is not an authority made here: move it away and players must be told the new pin", a.File())
	}
	if _, err := a.Leaf(nil); err != nil {
		return nil, err
	}
	return a, nil
}

// File is the authority's certificate in PEM, for players and browsers.
func (a *Authority) File() string { return filepath.Join(a.cfg.Dir, "ca.pem") }

// Pin names the authority's public key: "sha256:" and the hexadecimal SHA-256 of its SubjectPublicKeyInfo.
func (a *Authority) Pin() string { return pinOf(a.cert) }

func pinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TLS is a server's configuration with the authority's certificate.
func (a *Authority) TLS() *tls.Config {
	return Server(a.Leaf)
}

// Leaf gives the relay's certificate, and makes a new one before the old one ends or when a name is missing.
func (a *Authority) Leaf(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.leaf == nil {
		if pair, err := a.read("relay"); err == nil {
			a.leaf = pair
		}
	}
	if a.leaf != nil && a.serves(a.leaf.Leaf) {
		return a.leaf, nil
	}
	pair, err := a.make("relay", a.cfg.Names)
	if err != nil {
		return nil, fmt.Errorf("make the relay's certificate: %w", err)
	}
	a.leaf = pair
	return pair, nil
}

// serves says whether a certificate is by this authority, for all names, and has time left.
func (a *Authority) serves(cert *x509.Certificate) bool {
	now := a.cfg.Now()
	if now.Before(cert.NotBefore) || now.Add(renewAt).After(cert.NotAfter) || cert.CheckSignatureFrom(a.cert) != nil {
		return false
	}
	return !slices.ContainsFunc(a.cfg.Names, func(n string) bool { return cert.VerifyHostname(n) != nil })
}

// make writes a new key and certificate; the key first, so that a certificate never stands without its key.
func (a *Authority) make(name string, hosts []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t, err := a.template(hosts)
	if err != nil {
		return nil, err
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if hosts != nil { // the authority goes along, so that a pin is enough to believe it
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})...)
	}
	if err := replace(a.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	if err := replace(a.path(name+".pem"), chain, 0o644); err != nil {
		return nil, err
	}
	return a.read(name)
}

func (a *Authority) template(hosts []string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := a.cfg.Now()
	t := &x509.Certificate{SerialNumber: serial, BasicConstraintsValid: true, NotBefore: now.Add(-time.Hour)}
	if hosts == nil {
		t.Subject = pkix.Name{CommonName: "Vitrine relay authority of " + a.cfg.Names[0]}
		t.IsCA, t.MaxPathLenZero, t.NotAfter = true, true, now.Add(caLife)
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		return t, nil
	}
	t.Subject = pkix.Name{CommonName: hosts[0]}
	t.NotAfter = now.Add(leafLife)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, strings.ToLower(h))
		}
	}
	return t, nil
}

func (a *Authority) path(name string) string { return filepath.Join(a.cfg.Dir, name) }

func (a *Authority) read(name string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(a.path(name+".pem"), a.path(name+".key"))
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// replace writes a file so that after a power cut it is the old one or the new one.
func replace(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Look reads an authority without making anything: where its certificate is, and its pin.
func Look(dir string) (file, pin string, err error) {
	a := &Authority{cfg: Config{Dir: dir}}
	pair, err := a.read("ca")
	if err != nil {
		return "", "", fmt.Errorf("read certificate authority in %s: %w", dir, err)
	}
	return a.File(), pinOf(pair.Leaf), nil
}
