package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The signed form of a relay's word that something is the newest.
const (
	FormatFresh = "vitrine-fresh/1"
	TypeFresh   = "application/vnd.vitrine.fresh+json"

	MaxFresh     = 16 << 10            // bytes of its envelope
	LongestFresh = 31 * 24 * time.Hour // from issue to expiry
)

// Fresh says which version of a stream is the newest at an instant. The relay signs it, with a key that is online: the one
// that the root names for the role "relay" or, where it names none, the one that the player was given when it was claimed.
// It can therefore bring nothing onto a screen. What it does is to go out of date: whoever holds back newer bundles must
// hold back this too, and the player notices.
type Fresh struct {
	Format   string    `json:"format"` // "vitrine-fresh/1"
	Customer string    `json:"customer"`
	Stream   string    `json:"stream"`
	Seq      uint64    `json:"seq"`
	Root     int       `json:"root"` // version that the manifest names
	Manifest Digest    `json:"manifest"`
	Issued   time.Time `json:"issued"` // UTC, whole seconds
	Expires  time.Time `json:"expires"`

	By string `json:"-"` // the id, computed, of the key that has signed it
}

// ErrFreshOlder is the refusal of a word that is older than one which came before it.
var ErrFreshOlder = errors.New("it is older than what the relay has said before: something on the way repeats old answers, or the relay was restored from a backup")

// Fresh verifies an envelope's raw bytes and only then reads what is in it. pinned is the relay's key from the claim, nil =
// none; it counts only as long as the root names no key for the role "relay". last is what was taken before for the same
// stream, nil = nothing: its instant is not gone below, unless the key that signed it may no longer do so. That it has
// expired is no error: see Expires.
func (t *Trust) Fresh(envelope []byte, pinned ed25519.PublicKey, last *Fresh) (*Fresh, error) {
	e, err := parseEnvelope(envelope, MaxFresh)
	if err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	if e.PayloadType != TypeFresh {
		return nil, fmt.Errorf("freshness: the signed payload is of type %q, not %q", e.PayloadType, TypeFresh)
	}
	keys := t.relays(pinned)
	if _, named := t.root.Roles[RoleRelay]; named {
		if err := e.verify(TypeFresh, t.root, RoleRelay); err != nil {
			return nil, fmt.Errorf("freshness: %w", err)
		}
	} else if len(e.signers(keys)) == 0 {
		return nil, fmt.Errorf("freshness: the relay that this player was claimed at has not signed it: %w", ErrUnsigned)
	}
	var f Fresh
	if err := parseStrict(e.Payload, &f); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	if f.Customer != t.root.Customer {
		return nil, fmt.Errorf("freshness: it is of customer %q, the keys are of %q", f.Customer, t.root.Customer)
	}
	for id := range e.signers(keys) {
		f.By = max(f.By, id) // of several, always the same
	}
	if last != nil && last.Stream == f.Stream && t.mayBeFresh(last.By, pinned) && f.Issued.Before(last.Issued) {
		return nil, fmt.Errorf("freshness of %s: %w", f.Issued.Format(time.RFC3339), ErrFreshOlder)
	}
	return &f, nil
}

// relays are the keys that may sign freshness.
func (t *Trust) relays(pinned ed25519.PublicKey) []ed25519.PublicKey {
	who, named := t.root.Roles[RoleRelay]
	if !named {
		if len(pinned) != ed25519.PublicKeySize {
			return nil
		}
		return []ed25519.PublicKey{pinned}
	}
	var keys []ed25519.PublicKey
	for _, id := range who.Keys {
		keys = append(keys, t.root.Keys[id].Public)
	}
	return keys
}

func (t *Trust) mayBeFresh(id string, pinned ed25519.PublicKey) bool {
	return slices.ContainsFunc(t.relays(pinned), func(k ed25519.PublicKey) bool { return KeyID(k) == id })
}

// ExpectsFresh says whether there is anybody whose freshness could be believed.
func (t *Trust) ExpectsFresh(pinned ed25519.PublicKey) bool { return len(t.relays(pinned)) > 0 }

// Seal checks and signs it.
func (f *Fresh) Seal(keys ...PrivateKey) ([]byte, error) {
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	payload, err := canonical(f)
	if err != nil {
		return nil, err
	}
	return Seal(TypeFresh, payload, keys...)
}

func (f *Fresh) validate() error {
	switch {
	case f.Format != FormatFresh:
		return fmt.Errorf("its format is %q; this program knows %q", f.Format, FormatFresh)
	case !name.MatchString(f.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", f.Customer)
	case !name.MatchString(f.Stream):
		return fmt.Errorf("the bundle's id %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", f.Stream)
	case f.Seq < 1 || f.Seq > MaxSeq:
		return fmt.Errorf("its serial %d is not within 1 to %d", f.Seq, uint64(MaxSeq))
	case f.Root < 1 || f.Root > maxRoots:
		return fmt.Errorf("its root version %d is not within 1 to %d", f.Root, maxRoots)
	}
	if _, err := ParseDigest(string(f.Manifest)); err != nil {
		return fmt.Errorf("its manifest: %w", err)
	}
	if err := errors.Join(checkInstant("issued", f.Issued, false), checkInstant("expires", f.Expires, false)); err != nil {
		return err
	}
	if d := f.Expires.Sub(f.Issued); d <= 0 || d > LongestFresh {
		return fmt.Errorf("it lasts from %s to %s; it must end after it begins, within 31 days", f.Issued.Format(time.RFC3339), f.Expires.Format(time.RFC3339))
	}
	return nil
}
