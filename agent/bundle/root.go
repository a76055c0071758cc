package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// The formats that this package reads and writes.
const (
	FormatManifest = "vitrine/1"
	FormatRoot     = "vitrine-root/1"
)

// Bounds of a key chain.
const (
	maxRoots    = 1000 // versions
	maxRootKeys = 64   // in one version
	maxRoles    = 16   // in one version
	maxNote     = 200  // bytes of a note or a key's name
)

// name is what customers, streams, scenes, sources and events may be called: they appear in paths, URLs and logs.
var name = regexp.MustCompile(`^[a-z0-9A-Z][a-z0-9A-Z._-]{0,63}$`)

// Trust is a verified key chain: who may sign what, now. It does not change; Extend gives a new one.
type Trust struct {
	chain [][]byte
	roots []*Root // of chain
	root  *Root   // the newest
}

// NewTrust verifies a key chain from version 1 on, every step by the threshold of the version before and of its own.
// Who pins a chain compares its Fingerprint.
func NewTrust(chain [][]byte) (*Trust, error) {
	if len(chain) == 0 {
		return nil, errors.New("there is no root key file: a key chain begins with root/1.json")
	}
	t := &Trust{}
	for _, b := range chain {
		next, err := t.Extend(b)
		if err != nil {
			return nil, err
		}
		t = next
	}
	return t, nil
}

// Extend verifies the next version of the key chain.
func (t *Trust) Extend(root []byte) (*Trust, error) {
	n := len(t.chain) + 1
	if n > maxRoots {
		return nil, fmt.Errorf("root %d: a key chain has at most %d versions", n, maxRoots)
	}
	e, err := parseEnvelope(root, MaxRoot)
	if err != nil {
		return nil, fmt.Errorf("root %d: %w", n, err)
	}
	// Until version n-1 or, for the first, the pin has spoken for it, this root is only a claim: parsed to find its own
	// keys, believed by nobody.
	if e.PayloadType != TypeRoot {
		return nil, fmt.Errorf("root %d: the signed payload is of type %q, not %q", n, e.PayloadType, TypeRoot)
	}
	if t.root != nil {
		if err := e.verify(TypeRoot, t.root, RoleRoot); err != nil {
			return nil, fmt.Errorf("root %d is not signed by version %d: %w", n, n-1, err)
		}
	}
	r, err := t.readRoot(e.Payload)
	if err != nil {
		return nil, err
	}
	if err := e.verify(TypeRoot, r, RoleRoot); err != nil {
		return nil, fmt.Errorf("root %d is not signed by its own keys: %w", n, err)
	}
	return &Trust{chain: append(slices.Clip(t.chain), bytes.Clone(root)), roots: append(slices.Clip(t.roots), r), root: r}, nil
}

// readRoot reads a payload that is to be the next version of the chain.
func (t *Trust) readRoot(payload []byte) (*Root, error) {
	n := len(t.chain) + 1
	var r Root
	if err := parseStrict(payload, &r); err != nil {
		return nil, fmt.Errorf("root %d: %w", n, err)
	}
	if err := r.validate(n); err != nil {
		return nil, fmt.Errorf("root %d: %w", n, err)
	}
	if t.root != nil && r.Customer != t.root.Customer {
		return nil, fmt.Errorf("root %d is of customer %q, the chain of %q", n, r.Customer, t.root.Customer)
	}
	return &r, nil
}

// Root is the newest version. It must not be changed.
func (t *Trust) Root() *Root { return t.root }

// RootAt is a version of the chain, or nil. It must not be changed.
func (t *Trust) RootAt(version int) *Root {
	if version < 1 || version > len(t.roots) {
		return nil
	}
	return t.roots[version-1]
}

// TookAway says whether a key that had a role by one root has lost it by a later one: what only the lost key may have signed,
// such as a count far ahead, holds no more.
func (t *Trust) TookAway(role string, from, to int) bool {
	before, after := t.RootAt(from), t.RootAt(to)
	if before == nil || after == nil || from >= to {
		return false
	}
	return slices.ContainsFunc(before.Roles[role].Keys, func(k string) bool { return !slices.Contains(after.Roles[role].Keys, k) })
}

// Chain is the envelopes from version 1 on.
func (t *Trust) Chain() [][]byte { return slices.Clone(t.chain) }

// Fingerprint is the digest of version 1: what a player pins.
func (t *Trust) Fingerprint() Digest { return DigestOf(t.chain[0]) }

// Due is the alarm when the newest root was to be renewed by now, nil = it was not. Its keys go on to count: a screen is never
// black because somebody has forgotten a date.
func (t *Trust) Due(now time.Time) error {
	if end := t.root.Expires; !end.IsZero() && now.After(end) {
		return fmt.Errorf("the keys of root %d were to be renewed by %s; they go on to count. Whoever keeps the root keys signs a new one: vitrine key renew",
			t.root.Version, end.Format(time.DateOnly))
	}
	return nil
}

// NewerError is the refusal of a manifest that was written for a newer player.
type NewerError struct{ Needs string }

// Error says what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("the bundle needs player version %s or newer, this is %s: update the player first", e.Needs, AgentVersion)
}

// Manifest verifies an envelope's raw bytes against the publisher's keys of the newest root, and only then reads and
// checks what is in it. The error is a *NewerError when a newer player could take it.
func (t *Trust) Manifest(envelope []byte) (*Manifest, error) {
	e, err := parseEnvelope(envelope, MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if err := t.believe(e, TypeManifest, RolePublisher); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return t.readManifest(e.Payload)
}

// readManifest reads a payload whose signatures were looked at.
func (t *Trust) readManifest(payload []byte) (*Manifest, error) {
	var m Manifest
	if err := parseStrict(payload, &m); err != nil {
		if newer := newerThanThis(payload); newer != nil {
			return nil, newer
		}
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if newer := newerThanThis(payload); newer != nil {
		return nil, newer
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Customer != t.root.Customer {
		return nil, fmt.Errorf("manifest: it is of customer %q, the keys are of %q", m.Customer, t.root.Customer)
	}
	if m.Root > t.root.Version {
		return nil, fmt.Errorf("manifest: it was signed under root %d, only root %d is known: get the newer roots first", m.Root, t.root.Version)
	}
	return &m, nil
}

// newerThanThis reads, from bytes whose signature is good, no more than which player they are for.
func newerThanThis(payload []byte) error {
	var head struct {
		Agent string `json:"agent"`
	}
	if json.Unmarshal(payload, &head) == nil && compareVersions(head.Agent, AgentVersion) > 0 {
		return &NewerError{Needs: head.Agent}
	}
	return nil
}

// Seal signs a root.
func (r *Root) Seal(keys ...PrivateKey) ([]byte, error) {
	if err := r.validate(r.Version); err != nil {
		return nil, fmt.Errorf("root %d: %w", r.Version, err)
	}
	payload, err := canonical(r)
	if err != nil {
		return nil, err
	}
	return Seal(TypeRoot, payload, keys...)
}

// Seal checks and signs a manifest.
func (m *Manifest) Seal(keys ...PrivateKey) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	payload, err := canonical(m)
	if err != nil {
		return nil, err
	}
	sealed, err := Seal(TypeManifest, payload, keys...)
	if err == nil && len(sealed) > MaxManifest {
		err = fmt.Errorf("manifest: it would have %d bytes; %d are the most: use fewer or larger files", len(sealed), MaxManifest)
	}
	return sealed, err
}

// Allow adds a key to a role and returns its id; the role's threshold stays, or becomes 1.
func (r *Root) Allow(role, keyName string, public ed25519.PublicKey) string {
	id := KeyID(public)
	if r.Keys == nil {
		r.Keys = map[string]Key{}
	}
	if r.Roles == nil {
		r.Roles = map[string]Role{}
	}
	r.Keys[id] = Key{Type: "ed25519", Public: public, Name: keyName}
	who := r.Roles[role]
	if !slices.Contains(who.Keys, id) {
		who.Keys = append(slices.Clip(who.Keys), id)
	}
	who.Threshold = max(1, who.Threshold)
	r.Roles[role] = who
	return id
}

func (r *Root) validate(version int) error {
	switch {
	case r.Format != FormatRoot:
		return fmt.Errorf("its format is %q; this program knows %q", r.Format, FormatRoot)
	case r.Version != version || version < 1:
		return fmt.Errorf("it says that it is version %d", r.Version)
	case !name.MatchString(r.Customer):
		return fmt.Errorf("the customer's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", r.Customer)
	case len(r.Keys) == 0 || len(r.Keys) > maxRootKeys:
		return fmt.Errorf("it has %d keys; 1 to %d are allowed", len(r.Keys), maxRootKeys)
	case len(r.Roles) > maxRoles:
		return fmt.Errorf("it has %d roles; %d are the most", len(r.Roles), maxRoles)
	case !plainLine(r.Note, maxNote):
		return fmt.Errorf("its note is not one line of at most %d bytes", maxNote)
	case !r.Expires.IsZero() && !r.Expires.After(r.Issued):
		return errors.New("it expires before it is issued")
	}
	if err := checkInstant("issued", r.Issued, false); err != nil {
		return err
	}
	if err := checkInstant("expires", r.Expires, true); err != nil {
		return err
	}
	for id, k := range r.Keys {
		if err := k.validate(id); err != nil {
			return fmt.Errorf("key %.12s… %w", id, err)
		}
	}
	return r.validateRoles()
}

func (k Key) validate(id string) error {
	switch {
	case k.Type != "ed25519" || len(k.Public) != ed25519.PublicKeySize:
		return errors.New("is not an Ed25519 key of 32 bytes")
	case id != KeyID(k.Public):
		return errors.New("is listed under an id that is not its own")
	case !plainLine(k.Name, maxNote):
		return fmt.Errorf("has a name that is not one line of at most %d bytes", maxNote)
	}
	return nil
}

func (r *Root) validateRoles() error {
	for _, needed := range []string{RoleRoot, RolePublisher} {
		if _, ok := r.Roles[needed]; !ok {
			return fmt.Errorf("it names no keys for the role %q", needed)
		}
	}
	for role, who := range r.Roles {
		if !name.MatchString(role) {
			return fmt.Errorf("the role %.80q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", role)
		}
		if err := who.validate(r.Keys); err != nil {
			return fmt.Errorf("role %q: %w", role, err)
		}
		for _, id := range r.Roles[RoleRelay].Keys {
			if role != RoleRelay && slices.Contains(who.Keys, id) {
				return fmt.Errorf("key %.12s… is the relay's, which is online, and has the role %q too: give each its own key", id, role)
			}
		}
	}
	return nil
}

func (w Role) validate(keys map[string]Key) error {
	distinct := map[string]bool{}
	for _, id := range w.Keys {
		if _, ok := keys[id]; !ok {
			return fmt.Errorf("key %.12s… is not in this root", id)
		}
		if distinct[id] {
			return fmt.Errorf("key %.12s… is listed twice", id)
		}
		distinct[id] = true
	}
	if w.Threshold < 1 || w.Threshold > len(distinct) {
		return fmt.Errorf("%d of %d keys must sign; at least 1 and no more than there are", w.Threshold, len(distinct))
	}
	return nil
}

// checkInstant wants UTC and whole seconds, so that an instant has one spelling.
func checkInstant(field string, t time.Time, optional bool) error {
	if t.IsZero() && optional {
		return nil
	}
	if t.IsZero() || t.Nanosecond() != 0 || t.Location() != time.UTC || t.Year() < 2000 || t.Year() > 9999 {
		return fmt.Errorf("%s is %q; a UTC instant in whole seconds is wanted", field, t.Format(time.RFC3339Nano))
	}
	return nil
}
