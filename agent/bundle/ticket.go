package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The signed form of a stick's ticket.
const (
	FormatTicket = "vitrine-ticket/1"
	TypeTicket   = "application/vnd.vitrine.ticket+json"

	MaxTicket = 256 << 10 // bytes of a ticket's envelope
	maxExtras = 1_000
)

// Ticket says for whom a stick is, from when until when, and which bundle: the publisher's word for what is carried by
// hand, where no relay could say it. It only ever narrows: what it names is verified as if there were none.
type Ticket struct {
	Format   string    `json:"format"` // "vitrine-ticket/1"
	Customer string    `json:"customer"`
	Root     int       `json:"root"`   // version of the root that names the signing keys
	Issued   time.Time `json:"issued"` // UTC, whole seconds
	// NotBefore and NotAfter bound when the stick may be taken; zero = no bound.
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	// Players and Groups say who may take it; with neither, every player of the customer.
	Players []string `json:"players,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	// Manifest is the bundle's; "" = the stick brings none.
	Manifest Digest `json:"manifest,omitempty"`
	// Extras are what else is on the stick, by its path below /vitrine: each is taken only when its bytes have that digest.
	Extras map[string]Digest `json:"extras,omitempty"`
	Note   string            `json:"note,omitempty"` // for whoever reads the screen, one line
}

// Bearer is the player that a ticket is shown to, and what it knows of the time.
type Bearer struct {
	Player string // its id, "" = it was never claimed
	Groups []string
	Past   time.Time // an instant that is certainly past: the player's floor
	Now    time.Time // zero = the player's clock cannot be believed
}

// Refusals of a good ticket on which a caller may decide.
var (
	ErrNotForHere = errors.New("the stick is for other players")
	ErrNotYet     = errors.New("the stick is for later")
)

// Ticket verifies an envelope's raw bytes against the publisher's keys of the newest root, and only then reads what is in it.
// Whether it admits a player is for Admits. The error is a *NewRootError when a newer root may be what is missing.
func (t *Trust) Ticket(envelope []byte) (*Ticket, error) {
	e, err := parseEnvelope(envelope, MaxTicket)
	if err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	if err := t.believe(e, TypeTicket, RolePublisher); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	return t.readTicket(e.Payload)
}

// readTicket reads a payload whose signatures were looked at.
func (t *Trust) readTicket(payload []byte) (*Ticket, error) {
	var k Ticket
	if err := parseStrict(payload, &k); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	if err := k.validate(); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	if k.Customer != t.root.Customer {
		return nil, fmt.Errorf("ticket: it is of customer %q, the keys are of %q", k.Customer, t.root.Customer)
	}
	if k.Root > t.root.Version {
		return nil, fmt.Errorf("ticket: %w", &NewRootError{Needs: k.Root, Have: t.root.Version})
	}
	return &k, nil
}

// Seal checks and signs a ticket.
func (k *Ticket) Seal(keys ...PrivateKey) ([]byte, error) {
	if err := k.validate(); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	payload, err := canonical(k)
	if err != nil {
		return nil, err
	}
	sealed, err := Seal(TypeTicket, payload, keys...)
	if err == nil && len(sealed) > MaxTicket {
		err = fmt.Errorf("ticket: it would have %d bytes; %d are the most: name groups instead of players", len(sealed), MaxTicket)
	}
	return sealed, err
}

// Admits says why a player may not take what a ticket names; nil = it may. errors.Is tells ErrNotForHere, ErrNotYet and
// ErrExpired apart. A clock that is not believed refuses nothing but what is certainly over.
func (k *Ticket) Admits(b Bearer) error {
	if k.named() && !(b.Player != "" && slices.Contains(k.Players, b.Player)) &&
		!slices.ContainsFunc(b.Groups, func(g string) bool { return slices.Contains(k.Groups, g) }) {
		who := "this one is not enrolled"
		if b.Player != "" {
			who = fmt.Sprintf("this is player %s in groups %q", b.Player, b.Groups)
		}
		return fmt.Errorf("%w: its ticket names players %s and groups %s; %s", ErrNotForHere, few(k.Players), few(k.Groups), who)
	}
	latest := b.Past
	if b.Now.After(latest) {
		latest = b.Now
	}
	switch {
	case !k.NotAfter.IsZero() && latest.After(k.NotAfter):
		return fmt.Errorf("the stick's ticket ended at %s: %w; ask the publisher for a new stick", k.NotAfter.Format(time.RFC3339), ErrExpired)
	case !b.Now.IsZero() && b.Now.Before(k.NotBefore):
		return fmt.Errorf("%w: its ticket begins at %s; plug it in again then", ErrNotYet, k.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// Names says whether the ticket is for a bundle with that manifest.
func (k *Ticket) Names(manifest Digest) bool { return manifest != "" && k.Manifest == manifest }

func (k *Ticket) named() bool { return len(k.Players)+len(k.Groups) > 0 }

// few writes the first of some names.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return fmt.Sprintf("%q", names)
	}
	return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
}

func (k *Ticket) validate() error {
	switch {
	case k.Format != FormatTicket:
		return fmt.Errorf("its format is %q; this program knows %q", k.Format, FormatTicket)
	case !name.MatchString(k.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", k.Customer)
	case k.Root < 1 || k.Root > maxRoots:
		return fmt.Errorf("its root version %d is not within 1 to %d", k.Root, maxRoots)
	case len(k.Players)+len(k.Groups) > maxTargets:
		return fmt.Errorf("it names %d players and groups; %d are the most", len(k.Players)+len(k.Groups), maxTargets)
	case len(k.Extras) > maxExtras:
		return fmt.Errorf("it names %d files beside the bundle; %d are the most", len(k.Extras), maxExtras)
	case k.Manifest == "" && len(k.Extras) == 0:
		return errors.New("it names neither a bundle nor anything else")
	case !plainLine(k.Note, 200):
		return errors.New("its note is not one line of at most 200 characters")
	}
	if k.Manifest != "" {
		if _, err := ParseDigest(string(k.Manifest)); err != nil {
			return fmt.Errorf("its manifest: %w", err)
		}
	}
	for path, d := range k.Extras {
		if err := CheckPath(path); err != nil {
			return fmt.Errorf("what else is on the stick: %w", err)
		}
		if _, err := ParseDigest(string(d)); err != nil {
			return fmt.Errorf("what else is on the stick, %s: %w", path, err)
		}
	}
	for _, one := range slices.Concat(k.Players, k.Groups) {
		if one == "" || !plainLine(one, 200) {
			return fmt.Errorf("it names the player or group %.40q, which is not one line of 1 to 200 characters", one)
		}
	}
	if err := errors.Join(checkInstant("issued", k.Issued, false), checkInstant("notBefore", k.NotBefore, true), checkInstant("notAfter", k.NotAfter, true)); err != nil {
		return err
	}
	if !k.NotAfter.IsZero() && !k.NotAfter.After(k.NotBefore) {
		return fmt.Errorf("it holds from %s to %s; it must end after it begins", k.NotBefore.Format(time.RFC3339), k.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// plainLine says whether people can be shown a text as it is: one line of at most so many bytes, nothing hidden in it.
func plainLine(s string, most int) bool {
	return len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || bidi(r) })
}

// bidi says whether a character turns the direction of what stands around it, so that a line reads otherwise than it is.
func bidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
