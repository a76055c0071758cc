package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxKeyFile is far above what a PKCS #8 Ed25519 key needs.
const maxKeyFile = 16 << 10

// PrivateKey is an Ed25519 key that signs, with its computed id.
type PrivateKey struct{ key ed25519.PrivateKey }

// GenerateKey makes a new key.
func GenerateKey() (PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return PrivateKey{key}, err
}

// Public is the half that may be shown.
func (k PrivateKey) Public() ed25519.PublicKey { return k.key.Public().(ed25519.PublicKey) }

// ID is KeyID of the public half.
func (k PrivateKey) ID() string { return KeyID(k.Public()) }

// String keeps a key out of logs.
func (k PrivateKey) String() string { return "private key (not shown)" }

// GoString keeps a key out of logs.
func (k PrivateKey) GoString() string { return k.String() }

// KeyID is the SHA-256 of a public key in hexadecimal. It is computed wherever it matters, never read.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])
}

// WriteKey writes a key to a new file that only its owner can read (PEM, PKCS #8). It never replaces a file.
func WriteKey(path string, k PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	defer f.Close()
	if err := pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// ReadKey reads what WriteKey wrote. A file that others than its owner can read is refused.
func ReadKey(path string) (PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read key: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return PrivateKey{}, fmt.Errorf("read key: %w", err)
	} else if st.Mode().Perm()&0o077 != 0 {
		return PrivateKey{}, fmt.Errorf("read key: others can read %s (mode %v); run: chmod 600 %s", path, st.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return PrivateKey{}, fmt.Errorf("read key: %s is not a private key in PEM; \"vitrine key new\" makes one", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fmt.Errorf("read key: %s is not an Ed25519 key", path)
	}
	return PrivateKey{key}, nil
}

// syncDir makes a new name in a folder outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
