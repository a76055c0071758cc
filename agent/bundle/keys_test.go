package bundle_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle"
)

func TestAKeyIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	k := newKey(t)
	if err := bundle.WriteKey(path, k); err != nil {
		t.Fatal(err)
	}
	got, err := bundle.ReadKey(path)
	if err != nil || got.ID() != k.ID() {
		t.Errorf("%v, %v", got.ID(), err)
	}
	if err := bundle.WriteKey(path, newKey(t)); err == nil {
		t.Error("a key was replaced")
	}
}

func TestAKeyDoesNotShowInPrints(t *testing.T) {
	k := newKey(t)
	der, err := os.ReadFile(writeKey(t, k))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(der)
	seed := string(block.Bytes[len(block.Bytes)-32:])
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, k); strings.Contains(s, seed) || !strings.Contains(s, "not shown") {
			t.Errorf("%s prints %q", verb, s)
		}
	}
}

func writeKey(t *testing.T, k bundle.PrivateKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k")
	if err := bundle.WriteKey(path, k); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAKeyIsRefusedWhen(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		mode    os.FileMode
		says    string
	}{
		"others can read it":       {[]byte("x"), 0o640, "chmod 600"},
		"it is empty":              {nil, 0o600, "not a private key in PEM"},
		"it is a certificate":      {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), 0o600, "not a private key in PEM"},
		"it is damaged":            {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600, "read key"},
		"it is of another kind":    {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600, "not an Ed25519 key"},
		"it is longer than any is": {append(make([]byte, 20<<10), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), 0o600, "not a private key"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(path, c.content, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := bundle.ReadKey(path)
			wants(t, err, c.says)
		})
	}
}
