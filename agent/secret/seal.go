package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// MaxSealed bounds a sealed secret, bytes.
const MaxSealed = 512 << 10

const (
	formatSealed = "vitrine-sealed/1"
	padTo        = 512 // so that a sealed secret's length does not tell a password's
)

// Sealed is what is sealed for one player: a secret with whose it is. It is inside too so that nobody can put their own
// signature around a box that somebody else has sealed.
type Sealed struct {
	Publisher string // SHA-256 of the publisher's first root
	Name      string
	Serial    uint64  // grows for each name: an older one is never taken again
	Secret    *Secret // nil = the secret is taken away
}

type sealed struct {
	Format    string `json:"format"`
	Publisher string `json:"publisher"`
	Name      string `json:"name"`
	Serial    uint64 `json:"serial"`
	Secret    *open  `json:"secret,omitempty"`
}

func (s Sealed) check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if s.Publisher == "" || s.Serial == 0 {
		return errors.New("the sealed secret does not say whose it is")
	}
	if s.Secret == nil {
		return nil
	}
	return s.Secret.Check()
}

// Recipient says what is wrong with a player's age recipient.
func Recipient(text string) error {
	if _, err := age.ParseX25519Recipient(text); err != nil {
		return fmt.Errorf("%.80q is not a player's key for secrets, age1…: `vitrine-player status` and `vitrine players --json` show it", text)
	}
	return nil
}

// Seal encrypts a secret so that only the player with this age recipient (X25519) can read it.
func Seal(recipient string, s Sealed) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := Recipient(recipient); err != nil {
		return nil, err
	}
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(sealed{formatSealed, s.Publisher, s.Name, s.Serial, (*open)(s.Secret)})
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	plain = append(plain, bytes.Repeat([]byte(" "), padTo-len(plain)%padTo)...)
	return encrypt(plain, to)
}

// unseal reads what Seal made. Errors hold nothing of what is inside.
func unseal(key *age.X25519Identity, box []byte) (Sealed, error) {
	if len(box) > MaxSealed {
		return Sealed{}, fmt.Errorf("the sealed secret has %d bytes; %d is the most", len(box), MaxSealed)
	}
	plain, err := decrypt(box, key, MaxSealed)
	if err != nil {
		return Sealed{}, errors.New("the secret is sealed for another player, or it was changed on its way: seal it for this one")
	}
	var in sealed
	d := json.NewDecoder(bytes.NewReader(plain))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || in.Format != formatSealed {
		return Sealed{}, errors.New("the sealed secret is of a kind that this player does not know: update the player, or seal it again")
	}
	out := Sealed{in.Publisher, in.Name, in.Serial, (*Secret)(in.Secret)}
	return out, out.check()
}

func encrypt(plain []byte, to age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return b.Bytes(), nil
}

func decrypt(box []byte, key *age.X25519Identity, limit int64) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(box), key)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("it is too long")
	}
	return b, err
}
