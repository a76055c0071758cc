package bundle

import (
	"crypto"
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

// PrivateKey is an Ed25519 key that signs, with its computed id. It may be elsewhere: see Elsewhere.
type PrivateKey struct {
	key    ed25519.PrivateKey // nil when it is elsewhere
	holder crypto.Signer
}

// GenerateKey makes a new key.
func GenerateKey() (PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return PrivateKey{key: key, holder: key}, err
}

// Elsewhere is a key that is never seen here: an agent or a device holds it, and signs what it is given.
func Elsewhere(holder crypto.Signer) (PrivateKey, error) {
	if public, ok := holder.Public().(ed25519.PublicKey); !ok || len(public) != ed25519.PublicKeySize {
		return PrivateKey{}, errors.New("the key that is held elsewhere is not an Ed25519 key: make one of that type")
	}
	return PrivateKey{holder: holder}, nil
}

// Public is the half that may be shown.
func (k PrivateKey) Public() ed25519.PublicKey { return k.holder.Public().(ed25519.PublicKey) }

// sign signs a message, and looks at what a holder elsewhere has given.
func (k PrivateKey) sign(message []byte) ([]byte, error) {
	if k.holder == nil {
		return nil, errors.New("sign: an empty key; make one with \"vitrine key new\"")
	}
	sig, err := k.holder.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign with key %.12s…: %w", k.ID(), err)
	}
	if !ed25519.Verify(k.Public(), message, sig) {
		return nil, fmt.Errorf("sign with key %.12s…: whoever holds it has signed something else", k.ID())
	}
	return sig, nil
}

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

// EncodeKey is a key as a file holds it (PEM, PKCS #8), not encrypted.
func EncodeKey(k PrivateKey) ([]byte, error) {
	if k.key == nil {
		return nil, errors.New("the key is held elsewhere: there is nothing to write")
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// DecodeKey reads what EncodeKey gives.
func DecodeKey(b []byte) (PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return PrivateKey{}, errors.New("it is not a private key in PEM; \"vitrine key new\" makes one")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return PrivateKey{}, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, errors.New("it is not an Ed25519 key")
	}
	return PrivateKey{key: key, holder: key}, nil
}

// WriteKey writes a key to a new file that only its owner can read (PEM, PKCS #8). It never replaces a file.
func WriteKey(path string, k PrivateKey) error {
	encoded, err := EncodeKey(k)
	if err != nil {
		return err
	}
	return WriteSecret(path, encoded)
}

// WriteSecret writes a new file that only its owner can read. It never replaces one.
func WriteSecret(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// ReadKey reads what WriteKey wrote. A file that others than its owner can read is refused.
func ReadKey(path string) (PrivateKey, error) {
	b, err := ReadSecret(path)
	if err != nil {
		return PrivateKey{}, err
	}
	k, err := DecodeKey(b)
	if err != nil {
		return k, fmt.Errorf("read key: %s: %w", path, err)
	}
	return k, nil
}

// ReadSecret reads a small file that nobody but its owner can read; any other is refused.
func ReadSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	} else if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read key: others can read %s (mode %v); run: chmod 600 %s", path, st.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return b, nil
}

// syncDir makes a new name in a folder outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
