package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vitrine/cloud/ca"
)

func leaf(t *testing.T, a *ca.Authority) *x509.Certificate {
	t.Helper()
	c, err := a.Leaf(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func TestACertificateIsRenewedBeforeItEndsAndTheAuthorityStays(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	open := func(names ...string) *ca.Authority {
		a, err := ca.Open(ca.Config{Dir: dir, Names: names, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open("relay.example", "192.0.2.1")
	first := leaf(t, a)
	if err := first.VerifyHostname("192.0.2.1"); err != nil {
		t.Error(err)
	}
	if key, ok := first.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() || first.NotAfter.Sub(first.NotBefore) > 398*24*time.Hour || first.IsCA {
		t.Errorf("%+v", first)
	}
	if again := leaf(t, open("relay.example", "192.0.2.1")); !again.Equal(first) {
		t.Error("a restart made another certificate")
	}
	now = now.Add(61 * 24 * time.Hour)
	second := leaf(t, a)
	if second.Equal(first) || second.NotAfter.Before(now.Add(80*24*time.Hour)) {
		t.Error("it was not renewed with 29 days left")
	}
	more := open("relay.example", "192.0.2.1", "other.example")
	if err := leaf(t, more).VerifyHostname("other.example"); err != nil {
		t.Error(err)
	}
	if _, pin, err := ca.Look(dir); err != nil || more.Pin() != a.Pin() || pin != a.Pin() {
		t.Error("the authority has changed:", err)
	}
	for _, name := range []string{"ca.key", "relay.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(name, info.Mode(), err)
		}
	}
}

func TestADamagedAuthorityIsNotReplacedSilently(t *testing.T) {
	dir := t.TempDir()
	if _, err := ca.Open(ca.Config{Dir: dir, Names: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "ca.key"), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Open(ca.Config{Dir: dir, Names: []string{"a"}}); err == nil {
		t.Fatal("players would lose their relay without a word")
	}
}

func TestAGivenPairIsReadAgainWhenItChanges(t *testing.T) {
	one, two, now := t.TempDir(), t.TempDir(), time.Now()
	for dir, name := range map[string]string{one: "one.example", two: "two.example"} {
		if _, err := ca.Open(ca.Config{Dir: dir, Names: []string{name}}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := ca.OpenPair(filepath.Join(one, "relay.pem"), filepath.Join(one, "relay.key"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	names := func() []string {
		c, err := p.Leaf(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.DNSNames
	}
	for _, name := range []string{"relay.key", "relay.pem"} {
		if err := os.Rename(filepath.Join(two, name), filepath.Join(one, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(one, "relay.pem"), now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"one.example"}) {
		t.Error(got)
	}
	now = now.Add(2 * time.Minute)
	if got := names(); !slices.Equal(got, []string{"two.example"}) {
		t.Error(got)
	}
	if _, err := ca.OpenPair(filepath.Join(one, "relay.pem"), filepath.Join(one, "ca.key"), time.Now); err == nil {
		t.Error("a key that does not belong to its certificate was taken")
	}
}
