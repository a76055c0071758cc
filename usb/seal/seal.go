// Package seal hides what is on a stick from whoever finds it.
//
//	a seal: an age identity of the stick's own ──> every file, under a name that only the seal gives
//	   │
//	   └──sealed for the players' own keys, or by a passphrase──> key files on the stick
//
// Files are age files (age-encryption.org/v1), so that they can be read without this program by whoever has the key. Their
// names on the stick are made with a secret: whoever has the content elsewhere cannot see whether it is on the stick. How
// many files there are, and how large, is not hidden. Nothing here says who has written: signatures do.
package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

const (
	MaxKey     = 256 << 10 // bytes of a key file: about 2,000 players
	maxContent = 4 << 10   // of what is in it
	chunk      = 64 << 10  // of age's payload, each with 16 bytes more
	workFactor = 18        // of scrypt, that a passphrase may ask of a player: about a second
)

// Seal is a stick's own key.
type Seal struct {
	identity *age.X25519Identity
	secret   []byte // of the names
	header   int64  // bytes that a file has before its payload
}

// ErrShut means that none of the keys at hand opens a stick.
var ErrShut = errors.New("the stick is encrypted, and not for this player")

// New makes a seal.
func New() (*Seal, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make the stick's key: %w", err)
	}
	return of(id)
}

func of(id *age.X25519Identity) (*Seal, error) {
	sum := sha256.Sum256([]byte("vitrine-stick-names/1\n" + id.String()))
	s := &Seal{identity: id, secret: sum[:]}
	empty, err := age.EncryptReader(strings.NewReader(""), id.Recipient())
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(io.Discard, empty)
	s.header = n - 16 // an empty payload is one empty chunk
	return s, err
}

// String keeps the key out of logs.
func (*Seal) String() string { return "(seal)" }

// GoString keeps the key out of logs.
func (*Seal) GoString() string { return "(seal)" }

// Path is where a file of a bundle's tree is on the stick.
func (s *Seal) Path(name string) string {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte(name))
	sum := hex.EncodeToString(h.Sum(nil))
	return "s/" + sum[:2] + "/" + sum
}

// Size is how long a file of so many bytes is on the stick.
func (s *Seal) Size(plain int64) int64 {
	chunks := max(1, (plain+chunk-1)/chunk)
	return s.header + plain + 16*chunks
}

// Encrypt encrypts a file; its bytes are others each time.
func (s *Seal) Encrypt(r io.Reader) (io.Reader, error) {
	return age.EncryptReader(r, s.identity.Recipient())
}

// Decrypt opens a file from its beginning.
func (s *Seal) Decrypt(r io.Reader) (io.Reader, error) { return age.Decrypt(r, s.identity) }

// DecryptAt opens a file of so many encrypted bytes at any place, and says how many it holds.
func (s *Seal) DecryptAt(r io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	return age.DecryptReaderAt(r, size, s.identity)
}

// keyFile is what a key file holds.
type keyFile struct {
	Identity string `json:"identity"`
	For      string `json:"for"` // who can open the stick's key files, as Readers has it
}

// Readers names a set of people's keys, so that a stick for the same ones is known again.
func Readers(recipients []string, passphrase bool) string {
	sorted := slices.Sorted(slices.Values(recipients))
	sum := sha256.Sum256([]byte(fmt.Sprintf("%t\n%s", passphrase, strings.Join(slices.Compact(sorted), "\n"))))
	return hex.EncodeToString(sum[:])
}

// KeyFor seals the key for players, by their age1… keys.
func (s *Seal) KeyFor(recipients []string, readers string) ([]byte, error) {
	var to []age.Recipient
	for _, r := range recipients {
		one, err := age.ParseX25519Recipient(strings.TrimSpace(r))
		if err != nil {
			return nil, fmt.Errorf("%.80q is no player's key: vitrine-player status shows it, it begins with age1", r)
		}
		to = append(to, one)
	}
	return s.key(readers, to...)
}

// KeyBy seals the key by a passphrase.
func (s *Seal) KeyBy(passphrase, readers string) ([]byte, error) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("the passphrase: %w", err)
	}
	return s.key(readers, to)
}

func (s *Seal) key(readers string, to ...age.Recipient) ([]byte, error) {
	plain, err := json.Marshal(keyFile{s.identity.String(), readers})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return nil, fmt.Errorf("seal the stick's key: %w", err)
	}
	_, err = w.Write(plain)
	if err = errors.Join(err, w.Close()); err == nil && b.Len() > MaxKey {
		err = fmt.Errorf("the stick's key would have %d bytes, for too many players: write several sticks", b.Len())
	}
	return b.Bytes(), err
}

// Opener opens key files.
type Opener struct{ ids []age.Identity }

// Own adds a key, AGE-SECRET-KEY-1….
func (o *Opener) Own(secret string) error {
	id, err := age.ParseX25519Identity(strings.TrimSpace(secret))
	if err != nil {
		return errors.New("this is no key: it begins with AGE-SECRET-KEY-1")
	}
	o.ids = append(o.ids, id)
	return nil
}

// Passphrase adds a passphrase.
func (o *Opener) Passphrase(text string) error {
	id, err := age.NewScryptIdentity(text)
	if err != nil {
		return fmt.Errorf("the passphrase: %w", err)
	}
	id.SetMaxWorkFactor(workFactor)
	o.ids = append(o.ids, id)
	return nil
}

// Open opens a key file, and says who else can. errors.Is(err, ErrShut): it is for others.
func (o *Opener) Open(file []byte) (s *Seal, readers string, err error) {
	if o == nil || len(o.ids) == 0 {
		return nil, "", ErrShut
	}
	r, err := age.Decrypt(bytes.NewReader(file), o.ids...)
	var others *age.NoIdentityMatchError
	if errors.As(err, &others) {
		return nil, "", ErrShut
	}
	if err != nil {
		return nil, "", fmt.Errorf("the stick's key is damaged: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxContent))
	var k keyFile
	if err == nil {
		err = json.Unmarshal(plain, &k)
	}
	if err != nil {
		return nil, "", fmt.Errorf("the stick's key is damaged: %w", err)
	}
	id, err := age.ParseX25519Identity(k.Identity)
	if err != nil {
		return nil, "", errors.New("the stick's key is damaged: it holds no key")
	}
	s, err = of(id)
	return s, k.For, err
}

// NewKey makes a key of one's own, as Own and KeyFor want it.
func NewKey() (secret, recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	return id.String(), id.Recipient().String(), nil
}

// RecipientOf is the half of a key that may be shown.
func RecipientOf(secret string) (string, error) {
	id, err := age.ParseX25519Identity(strings.TrimSpace(secret))
	if err != nil {
		return "", errors.New("this is no key: it begins with AGE-SECRET-KEY-1")
	}
	return id.Recipient().String(), nil
}
