package bundle

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The signed form of a public warning.
const (
	FormatWarning = "vitrine-warning/1"
	TypeWarning   = "application/vnd.vitrine.warning+json"
	// RoleWarning names who may sign warnings. A root that does not name it leaves that to its publishers.
	RoleWarning = "warning"

	MaxWarning     = 2 << 20             // bytes of a warning's envelope
	LongestWarning = 31 * 24 * time.Hour // from issue to expiry
	maxTargets     = 1_000
)

// Warning is a message of public warning (CAP) that a customer's own people have signed for their screens. The relay and a
// stick carry it alike and can keep it back, but not write or change one. After Expires nobody takes it any more, so that a
// carrier cannot bring up an old one; that it comes twice is told by its digest.
type Warning struct {
	Format   string    `json:"format"` // "vitrine-warning/1"
	Customer string    `json:"customer"`
	Serial   uint64    `json:"serial"`  // from 1, grows by one: a gap shows that the relay keeps something back
	Root     int       `json:"root"`    // version of the root that names the signing keys
	Issued   time.Time `json:"issued"`  // UTC, whole seconds
	Expires  time.Time `json:"expires"` // at most 31 days later
	Targets  *Targets  `json:"targets,omitempty"`
	CAP      []byte    `json:"cap"` // the message, XML, base64 in JSON; nothing of it is read here
}

// ErrExpired is the refusal of a warning whose time is over.
var ErrExpired = errors.New("its time is over")

// NewRootError is the refusal of something that was signed under a root which is not known here yet.
type NewRootError struct{ Needs, Have int }

// Error says what to do.
func (e *NewRootError) Error() string {
	return fmt.Sprintf("it was signed under root %d, only root %d is known: get the newer roots first", e.Needs, e.Have)
}

// warners is the role whose keys sign warnings.
func (t *Trust) warners() string {
	if _, own := t.root.Roles[RoleWarning]; own {
		return RoleWarning
	}
	return RolePublisher
}

// Warning verifies an envelope's raw bytes against the keys that may warn, and only then reads what is in it. Whether it is
// still in time is not looked at. The error is a *NewRootError when a newer root may be what is missing.
func (t *Trust) Warning(envelope []byte) (*Warning, error) {
	e, err := parseEnvelope(envelope, MaxWarning)
	if err != nil {
		return nil, fmt.Errorf("warning: %w", err)
	}
	if err := t.believe(e, TypeWarning, t.warners()); err != nil {
		return nil, fmt.Errorf("warning: %w", err)
	}
	var w Warning
	if err := parseStrict(e.Payload, &w); err != nil {
		return nil, fmt.Errorf("warning: %w", err)
	}
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("warning: %w", err)
	}
	if w.Customer != t.root.Customer {
		return nil, fmt.Errorf("warning: it is of customer %q, the keys are of %q", w.Customer, t.root.Customer)
	}
	if w.Root > t.root.Version {
		return nil, fmt.Errorf("warning: %w", &NewRootError{Needs: w.Root, Have: t.root.Version})
	}
	return &w, nil
}

// Seal checks and signs a warning.
func (w *Warning) Seal(keys ...PrivateKey) ([]byte, error) {
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("warning: %w", err)
	}
	payload, err := canonical(w)
	if err != nil {
		return nil, err
	}
	sealed, err := Seal(TypeWarning, payload, keys...)
	if err == nil && len(sealed) > MaxWarning {
		err = fmt.Errorf("warning: it would have %d bytes; %d are the most: shorten the message", len(sealed), MaxWarning)
	}
	return sealed, err
}

// Digest tells warnings apart, whoever has signed their envelopes.
func (w *Warning) Digest() Digest {
	b, err := canonical(w)
	if err != nil {
		return "" // cannot be: it was read from such bytes, or sealed
	}
	return DigestOf(b)
}

// For says whether the warning is meant for a player.
func (w *Warning) For(player string, groups []string) bool {
	t := w.Targets
	return t == nil || slices.Contains(t.Players, player) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(t.Groups, g) })
}

func (w *Warning) validate() error {
	switch {
	case w.Format != FormatWarning:
		return fmt.Errorf("its format is %q; this program knows %q", w.Format, FormatWarning)
	case !name.MatchString(w.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", w.Customer)
	case w.Serial < 1 || w.Serial > MaxSeq:
		return fmt.Errorf("its serial is %d; 1 to %d are allowed", w.Serial, MaxSeq)
	case w.Root < 1:
		return errors.New("it names no root")
	case len(w.CAP) == 0:
		return errors.New("it has no message")
	}
	if err := checkInstant("issued", w.Issued, false); err != nil {
		return err
	}
	if err := checkInstant("expires", w.Expires, false); err != nil {
		return err
	}
	if d := w.Expires.Sub(w.Issued); d <= 0 || d > LongestWarning {
		return fmt.Errorf("it lasts from %s to %s; it must end after it begins, within 31 days", w.Issued.Format(time.RFC3339), w.Expires.Format(time.RFC3339))
	}
	if t := w.Targets; t != nil {
		if n := len(t.Players) + len(t.Groups); n < 1 || n > maxTargets {
			return fmt.Errorf("it is meant for %d players and groups; 1 to %d are allowed, and none at all means everyone", n, maxTargets)
		}
	}
	return nil
}
