package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"vitrine/agent/bundle"
)

const (
	// WorkFactor is age's scrypt cost, as a power of two: about a second and 256 MiB on a small machine.
	WorkFactor = 18
	maxFactor  = 20 // of a file that is read: four times that
	maxPublic  = 4 << 10
)

// Key is a private key that can sign from here.
type Key struct {
	Public
	Path   string // its file; "" = an ssh-agent holds it
	Locked bool   // a passphrase opens it
	open   func(Ask) (bundle.PrivateKey, error)
}

// Ask gives the passphrase of a key; what names it for people. It is called again after a wrong one.
type Ask func(what string) (string, error)

// ErrPassphrase means that a passphrase does not open a key.
var ErrPassphrase = errors.New("the passphrase is wrong")

// Open gives the key itself; ask is called only when it is locked.
func (k Key) Open(ask Ask) (bundle.PrivateKey, error) { return k.open(ask) }

// Where says where a key is, for people.
func (k Key) Where() string {
	if k.Path == "" {
		return "ssh-agent"
	}
	return k.Path
}

// File finds a key's file. The public half of a locked one is read from the .pub file beside it; without that its ID is "",
// and only opening it tells whose it is.
func File(path string) (Key, error) {
	b, err := bundle.ReadSecret(path)
	if err != nil {
		return Key{}, err
	}
	k := Key{Path: path}
	if public, err := ReadPublic(publicPath(path)); err == nil {
		k.Public = public
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Key{}, err
	}
	if k.Locked = bytes.HasPrefix(b, []byte(armor.Header)); k.Locked {
		k.open = func(ask Ask) (bundle.PrivateKey, error) { return k.unlock(b, ask) }
		return k, nil
	}
	plain, err := bundle.DecodeKey(b)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %s: %w", path, err)
	}
	if err := k.match(plain); err != nil {
		return Key{}, err
	}
	if k.Key = plain.Public(); k.Name == "" {
		k.Name = strings.TrimSuffix(filepath.Base(path), ".key")
	}
	k.ID = plain.ID()
	k.open = func(Ask) (bundle.PrivateKey, error) { return plain, nil }
	return k, nil
}

// match compares a key with the public half beside it.
func (k Key) match(found bundle.PrivateKey) error {
	if k.ID != "" && k.ID != found.ID() {
		return fmt.Errorf("%s and %s are not the halves of one key: bring back the right file from a backup", k.Path, publicPath(k.Path))
	}
	return nil
}

// tries is how often a person may mistype.
const tries = 3

func (k Key) unlock(b []byte, ask Ask) (bundle.PrivateKey, error) {
	if ask == nil {
		return bundle.PrivateKey{}, fmt.Errorf("%s is locked and nobody can be asked for its passphrase", k.Path)
	}
	for n := 1; ; n++ {
		passphrase, err := ask(k.Path)
		if err != nil {
			return bundle.PrivateKey{}, err
		}
		plain, err := decrypt(b, passphrase)
		if errors.Is(err, ErrPassphrase) && n < tries {
			continue
		}
		if err != nil {
			return bundle.PrivateKey{}, fmt.Errorf("open %s: %w", k.Path, err)
		}
		found, err := bundle.DecodeKey(plain)
		if err != nil {
			return found, fmt.Errorf("open %s: %w", k.Path, err)
		}
		return found, k.match(found)
	}
}

func decrypt(b []byte, passphrase string) ([]byte, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase // an empty one
	}
	id.SetMaxWorkFactor(maxFactor)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(b)), id)
	if err != nil {
		if errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, ErrPassphrase
		}
		return nil, fmt.Errorf("it is damaged, or not a key that \"vitrine key\" has locked: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	return plain, nil
}

// encrypt locks a key with a passphrase; work is age's scrypt cost.
func encrypt(plain []byte, passphrase string, work int) ([]byte, error) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	to.SetWorkFactor(work)
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(plain); err == nil {
		err = errors.Join(w.Close(), a.Close())
	}
	return out.Bytes(), err
}

// Make makes a key: FILE.key for its owner alone, locked by the passphrase unless that is "", and FILE.pub for all. Nothing
// is replaced. The key that it gives is open.
func Make(path, name, passphrase string) (Key, error) {
	path = keyPath(path)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("there is a key at %s already, and keys are never replaced: give another name", path)
	}
	k, err := bundle.GenerateKey()
	if err != nil {
		return Key{}, err
	}
	b, err := locked(k, passphrase)
	if err != nil {
		return Key{}, err
	}
	// The public half first: a power cut in between leaves one that belongs to nothing, and the next try writes it anew.
	if err := WritePublic(publicPath(path), Public{k.ID(), name, k.Public()}); err != nil {
		return Key{}, err
	}
	if err := bundle.WriteSecret(path, b); err != nil {
		return Key{}, err
	}
	return Key{Public: Public{k.ID(), name, k.Public()}, Path: path, Locked: passphrase != "",
		open: func(Ask) (bundle.PrivateKey, error) { return k, nil }}, nil
}

func locked(k bundle.PrivateKey, passphrase string) ([]byte, error) {
	plain, err := bundle.EncodeKey(k)
	if err != nil || passphrase == "" {
		return plain, err
	}
	return encrypt(plain, passphrase, WorkFactor)
}

// Opened is a key that needs nobody to be asked any more.
func (k Key) Opened(as bundle.PrivateKey) Key {
	k.open = func(Ask) (bundle.PrivateKey, error) { return as, nil }
	return k
}

// Relock gives the file of an opened key another passphrase, "" = none. The old file is there until the new one is whole.
func Relock(k Key, passphrase string) error {
	if k.Path == "" {
		return errors.New("an ssh-agent holds this key: give its file another passphrase with ssh-keygen -p")
	}
	open, err := k.Open(nil)
	if err != nil {
		return err
	}
	b, err := locked(open, passphrase)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(publicPath(k.Path)); errors.Is(err, fs.ErrNotExist) {
		if err := WritePublic(publicPath(k.Path), Public{open.ID(), strings.TrimSuffix(filepath.Base(k.Path), ".key"), open.Public()}); err != nil {
			return err
		}
	}
	next := k.Path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a try that was cut off
		return fmt.Errorf("write key: %w", err)
	}
	if err := bundle.WriteSecret(next, b); err != nil {
		return err
	}
	if err := os.Rename(next, k.Path); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return syncDir(filepath.Dir(k.Path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// keyPath is a key's file under any of its names.
func keyPath(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".pub"), ".key") + ".key"
}

func publicPath(path string) string { return strings.TrimSuffix(path, ".key") + ".pub" }

// ReadPublic reads the public half of a key: one line as OpenSSH writes it, whose comment is the key's name.
func ReadPublic(path string) (Public, error) {
	b, err := readBounded(path, maxPublic)
	if err != nil {
		return Public{}, err
	}
	p, err := ParsePublic(b)
	if err != nil {
		return Public{}, fmt.Errorf("%s: %w", path, err)
	}
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(path), ".pub")
	}
	return p, nil
}

// ParsePublic reads one line as OpenSSH writes it.
func ParsePublic(b []byte) (Public, error) {
	parsed, comment, options, rest, err := ssh.ParseAuthorizedKey(b)
	if err != nil || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return Public{}, errors.New("it is not one public key, \"ssh-ed25519 AAAA… name\"; \"vitrine key make\" writes one, \"ssh-keygen -t ed25519\" too")
	}
	return publicOf(parsed, comment)
}

func publicOf(parsed ssh.PublicKey, comment string) (Public, error) {
	c, ok := parsed.(ssh.CryptoPublicKey)
	if !ok || parsed.Type() != ssh.KeyAlgoED25519 {
		return Public{}, fmt.Errorf("it is a key of type %s; only ssh-ed25519 signs bundles (a key of type sk-… signs no plain bytes)", parsed.Type())
	}
	key, ok := c.CryptoPublicKey().(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return Public{}, errors.New("it is not an Ed25519 key of 32 bytes")
	}
	return Public{bundle.KeyID(key), comment, key}, nil
}

// PublicOf is a public half that was got otherwise.
func PublicOf(key ed25519.PublicKey, name string) (Public, error) {
	if len(key) != ed25519.PublicKeySize {
		return Public{}, errors.New("it is not an Ed25519 key of 32 bytes")
	}
	return Public{bundle.KeyID(key), name, key}, nil
}

// WritePublic writes a public half.
func WritePublic(path string, p Public) error {
	key, err := ssh.NewPublicKey(p.Key)
	if err != nil {
		return err
	}
	line := strings.TrimRight(string(ssh.MarshalAuthorizedKey(key)), "\n")
	return bundle.WriteAtomically(path, []byte(strings.TrimSpace(line+" "+p.Name)+"\n"))
}
