package ca

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Server is the configuration of every TLS server here: 1.3, and 1.2 with the six ECDHE suites that have AEAD.
func Server(leaf func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: leaf,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// Pair is a certificate that the operator gave; its files are looked at again every minute, so that a renewal by another
// program needs no restart.
type Pair struct {
	cert, key string
	now       func() time.Time

	mu     sync.Mutex
	leaf   *tls.Certificate
	stamp  time.Time // of the certificate's file
	looked time.Time
}

// OpenPair reads a certificate chain and its key, both PEM.
func OpenPair(cert, key string, now func() time.Time) (*Pair, error) {
	p := &Pair{cert: cert, key: key, now: now}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Pair) load() error {
	info, err := os.Stat(p.cert)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("read certificate %s with key %s: %w: both must be PEM and belong together", p.cert, p.key, err)
	}
	p.leaf, p.stamp, p.looked = &pair, info.ModTime(), p.now()
	return nil
}

// Leaf gives the certificate; one that cannot be read leaves the last good one in place.
func (p *Pair) Leaf(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.looked) > time.Minute {
		p.looked = now
		if info, err := os.Stat(p.cert); err == nil && !info.ModTime().Equal(p.stamp) {
			_ = p.load() // half-written files are read again a minute later
		}
	}
	return p.leaf, nil
}
