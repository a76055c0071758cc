package bundle

import (
	"errors"
	"fmt"
	"time"
)

// TypeOf reads, from an envelope that nobody has verified yet, what it claims to hold.
func TypeOf(envelope []byte, limit int) (string, error) {
	e, err := parseEnvelope(envelope, limit)
	if err != nil {
		return "", err
	}
	return e.PayloadType, nil
}

// Open verifies an envelope of at most limit bytes by the keys of a role of the newest root, bound to its payload's type, and
// only then reads what is in it, which must be canonical JSON.
func (t *Trust) Open(envelope []byte, limit int, payloadType, role string, into any) error {
	e, err := parseEnvelope(envelope, limit)
	if err != nil {
		return err
	}
	if err := e.verify(payloadType, t.root, role); err != nil {
		return err
	}
	return parseStrict(e.Payload, into)
}

// Peek reads what an envelope holds without asking who has signed it: to be shown to whoever is to sign it, never to be believed.
func Peek(envelope []byte, limit int, into any) error {
	e, err := parseEnvelope(envelope, limit)
	if err != nil {
		return err
	}
	return parseStrict(e.Payload, into)
}

// Signed is the part that is alike in all that is signed for players beside bundles.
type Signed struct {
	Customer string    `json:"customer"`
	Root     int       `json:"root"` // version of the root that names the signing keys
	Serial   uint64    `json:"serial"`
	Issued   time.Time `json:"issued"` // UTC, whole seconds
	Expires  time.Time `json:"expires"`
	Targets  *Targets  `json:"targets,omitempty"` // nil = every player of the customer
}

// Check says what of it cannot be; longest is from issue to expiry. t is nil for who signs it.
func (s *Signed) Check(t *Trust, longest time.Duration) error {
	switch {
	case !name.MatchString(s.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", s.Customer)
	case s.Serial < 1 || s.Serial > MaxSeq:
		return fmt.Errorf("its serial is %d; 1 to %d are allowed", s.Serial, MaxSeq)
	case s.Root < 1:
		return errors.New("it names no root")
	}
	if err := errors.Join(checkInstant("issued", s.Issued, false), checkInstant("expires", s.Expires, false)); err != nil {
		return err
	}
	if d := s.Expires.Sub(s.Issued); d <= 0 || d > longest {
		return fmt.Errorf("it lasts from %s to %s; it must end after it begins, within %d days", s.Issued.Format(time.RFC3339), s.Expires.Format(time.RFC3339), int(longest.Hours()/24))
	}
	if g := s.Targets; g != nil {
		if n := len(g.Players) + len(g.Groups); n < 1 || n > maxTargets {
			return fmt.Errorf("it is meant for %d players and groups; 1 to %d are allowed, and none at all means everyone", n, maxTargets)
		}
	}
	switch {
	case t == nil:
	case s.Customer != t.root.Customer:
		return fmt.Errorf("it is of customer %q, the keys are of %q", s.Customer, t.root.Customer)
	case s.Root > t.root.Version:
		return &NewRootError{Needs: s.Root, Have: t.root.Version}
	}
	return nil
}

// SealJSON signs a value's canonical JSON.
func SealJSON(payloadType string, v any, limit int, keys ...PrivateKey) ([]byte, error) {
	payload, err := canonical(v)
	if err != nil {
		return nil, err
	}
	sealed, err := Seal(payloadType, payload, keys...)
	if err == nil && len(sealed) > limit {
		err = fmt.Errorf("it would have %d bytes; %d are the most", len(sealed), limit)
	}
	return sealed, err
}
