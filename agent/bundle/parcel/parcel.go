// Package parcel says what a publisher can send to players beside bundles and warnings, on a stick or through a relay.
//
//	secret    publisher ─┐
//	settings  publisher ─┤
//	export    publisher ─┼──signed for some players, until a time──> stick or relay ──> Open ──> player
//	relay     root ──────┤
//	update    release ───┘
//
// Each kind has a payload type of its own, so that a signature under one is none under another; which role must have signed is
// bound to the kind. A root that names no role "release" leaves updates to its root keys, never to its publishers: whoever may
// change pictures may not change programs.
package parcel

import (
	"errors"
	"fmt"
	"time"

	"vitrine/agent/bundle"
)

const (
	// Format of every parcel.
	Format = "vitrine-parcel/1"
	// Max bounds a parcel's envelope, bytes. An update's programs are beside it.
	Max = 2 << 20
	// Longest is from a parcel's issue to its expiry.
	Longest = 400 * 24 * time.Hour
	// RoleRelease names who may sign updates of the programs.
	RoleRelease = "release"
)

// Kind is what a parcel holds.
type Kind string

// The kinds.
const (
	KindSecret   Kind = "secret"
	KindSettings Kind = "settings"
	KindRelay    Kind = "relay"
	KindUpdate   Kind = "update"
	KindExport   Kind = "export"
)

// Parcel is one of its kinds. What it holds is believed only after Open.
type Parcel struct {
	bundle.Signed
	Format   string    `json:"format"` // "vitrine-parcel/1"
	Secret   *Secret   `json:"secret,omitempty"`
	Settings *Settings `json:"settings,omitempty"`
	Relay    *Relay    `json:"relay,omitempty"`
	Update   *Update   `json:"update,omitempty"`
	Export   *Export   `json:"export,omitempty"`
}

// Type is the payload type of a kind.
func (k Kind) Type() string { return "application/vnd.vitrine.parcel-" + string(k) + "+json" }

// kindOf is the kind of a payload type; false = it is none that is known.
func kindOf(payloadType string) (Kind, bool) {
	for _, k := range []Kind{KindSecret, KindSettings, KindRelay, KindUpdate, KindExport} {
		if payloadType == k.Type() {
			return k, true
		}
	}
	return "", false
}

// Peek reads a parcel that nobody has verified, to show what it claims to be to whoever is to sign it.
func Peek(envelope []byte) (*Parcel, error) {
	claimed, err := bundle.TypeOf(envelope, Max)
	if err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	kind, ok := kindOf(claimed)
	if !ok {
		return nil, fmt.Errorf("parcel: %w (%.80q)", errKind, claimed)
	}
	var p Parcel
	if err := bundle.Peek(envelope, Max, &p); err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	if err := p.check(nil); err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	if kind != p.Kind() {
		return nil, fmt.Errorf("parcel (%s): it holds a %s instead", kind, p.Kind())
	}
	return &p, nil
}

// role is who must have signed a kind.
func (k Kind) role(r *bundle.Root) string {
	switch k {
	case KindRelay:
		return bundle.RoleRoot
	case KindUpdate:
		if _, own := r.Roles[RoleRelease]; own {
			return RoleRelease
		}
		return bundle.RoleRoot
	}
	return bundle.RolePublisher
}

// Role is who must sign a kind under a root.
func (k Kind) Role(t *bundle.Trust) string { return k.role(t.Root()) }

var errKind = errors.New("it is of a kind that this program does not know: update the player")

// Open verifies an envelope by the role that its kind wants, and only then reads it. Whether it is in time, for this player and
// newer than what it had is not looked at. The error is a *bundle.NewRootError when a newer root may be what is missing.
func Open(t *bundle.Trust, envelope []byte) (*Parcel, error) {
	claimed, err := bundle.TypeOf(envelope, Max)
	if err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	kind, ok := kindOf(claimed)
	if !ok {
		return nil, fmt.Errorf("parcel: %w (%.80q)", errKind, claimed)
	}
	var p Parcel
	if err := t.Open(envelope, Max, kind.Type(), kind.role(t.Root()), &p); err != nil {
		return nil, fmt.Errorf("parcel (%s): %w", kind, err)
	}
	if err := p.check(t); err != nil {
		return nil, fmt.Errorf("parcel (%s): %w", kind, err)
	}
	if p.Kind() != kind {
		return nil, fmt.Errorf("parcel (%s): it holds a %s instead", kind, p.Kind())
	}
	return &p, nil
}

// Seal checks and signs a parcel.
func (p *Parcel) Seal(keys ...bundle.PrivateKey) ([]byte, error) {
	p.Format = Format
	if err := p.check(nil); err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	b, err := bundle.SealJSON(p.Kind().Type(), p, Max, keys...)
	if err != nil {
		return nil, fmt.Errorf("parcel: %w", err)
	}
	return b, nil
}

// Kind is the one thing that the parcel holds; "" for none or several.
func (p *Parcel) Kind() (k Kind) {
	n := 0
	for _, one := range []struct {
		kind Kind
		here bool
	}{{KindSecret, p.Secret != nil}, {KindSettings, p.Settings != nil}, {KindRelay, p.Relay != nil}, {KindUpdate, p.Update != nil}, {KindExport, p.Export != nil}} {
		if one.here {
			k, n = one.kind, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return k
}

// Subject is what an older serial of must never follow a newer one: each secret for itself, else the kind.
func (p *Parcel) Subject() string {
	if p.Secret != nil {
		return string(KindSecret) + " " + p.Secret.Name
	}
	return string(p.Kind())
}

// For says whether the parcel is meant for a player, by any of its names: its id at the relay, its key's SHA-256, or its
// recipient for secrets.
func (p *Parcel) For(names, groups []string) bool {
	t := p.Targets
	if t == nil {
		return true
	}
	return overlap(t.Players, names) || overlap(t.Groups, groups)
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y && x != "" {
				return true
			}
		}
	}
	return false
}

func (p *Parcel) check(t *bundle.Trust) error {
	if p.Format != Format {
		return fmt.Errorf("its format is %q; this program knows %q", p.Format, Format)
	}
	if err := p.Signed.Check(t, Longest); err != nil {
		return err
	}
	switch p.Kind() {
	case KindSecret:
		return p.Secret.check()
	case KindSettings:
		return p.Settings.check()
	case KindRelay:
		return p.Relay.check()
	case KindUpdate:
		return p.Update.check()
	case KindExport:
		return p.Export.check()
	}
	return errors.New("it holds nothing, or several things at once")
}
