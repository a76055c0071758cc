package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// FormatRequest is that of the file in which something to be signed goes from machine to machine.
const FormatRequest = "vitrine-request/1"

// MaxRequest is the most bytes of such a file: a manifest and a long chain, base64 twice.
const MaxRequest = 64 << 20

// ErrLacks means that more people must sign.
var ErrLacks = errors.New("not enough keys have signed yet")

// Draft is something that several people sign, each where their key is: the next version of a key chain, or a manifest, a
// ticket. One of Root, Manifest and Ticket says what; it was checked as whoever takes it will, but for the signatures.
type Draft struct {
	Root     *Root
	Manifest *Manifest
	Ticket   *Ticket
	Before   *Trust // the chain; nil = the draft is its first version

	envelope Envelope
	quorums  []quorum
}

// quorum is a role of a root that must sign.
type quorum struct {
	root *Root
	role string
}

// request is a draft on its way.
type request struct {
	Format   string   `json:"format"` // "vitrine-request/1"
	Chain    [][]byte `json:"chain,omitempty"`
	Envelope Envelope `json:"envelope"`
}

// Lack says who could still sign.
type Lack struct {
	Version int     `json:"version"` // of the root that asks for it
	Role    string  `json:"role"`
	Have    int     `json:"have"`
	Need    int     `json:"need"`
	Could   []Named `json:"could"` // those that have not signed
}

// Draft begins the next version of the chain; t may be nil for the first.
func (r *Root) Draft(t *Trust) (*Draft, error) {
	payload, err := canonical(r)
	if err != nil {
		return nil, err
	}
	return newDraft(t, Envelope{PayloadType: TypeRoot, Payload: payload})
}

// Draft begins a manifest that others sign.
func (m *Manifest) Draft(t *Trust) (*Draft, error) {
	payload, err := canonical(m)
	if err != nil {
		return nil, err
	}
	return newDraft(t, Envelope{PayloadType: TypeManifest, Payload: payload})
}

// Draft begins a ticket that others sign.
func (k *Ticket) Draft(t *Trust) (*Draft, error) {
	payload, err := canonical(k)
	if err != nil {
		return nil, err
	}
	return newDraft(t, Envelope{PayloadType: TypeTicket, Payload: payload})
}

// ReadRequest reads a draft that comes from another machine. Its chain is verified, its content checked, and of its
// signatures only those are kept that count.
func ReadRequest(b []byte) (*Draft, error) {
	if len(b) > MaxRequest {
		return nil, fmt.Errorf("the request has %d bytes; %d is the most", len(b), MaxRequest)
	}
	var q request
	if err := parseStrict(b, &q); err != nil {
		return nil, fmt.Errorf("it is no request to sign something, or it is damaged: %w", err)
	}
	if q.Format != FormatRequest {
		return nil, fmt.Errorf("its format is %q; this program knows %q", q.Format, FormatRequest)
	}
	var before *Trust
	if len(q.Chain) > 0 {
		var err error
		if before, err = NewTrust(q.Chain); err != nil {
			return nil, fmt.Errorf("the request's key chain: %w", err)
		}
	}
	if n := len(q.Envelope.Signatures); n > maxSignatures {
		return nil, fmt.Errorf("the request has %d signatures; %d are the most", n, maxSignatures)
	}
	return newDraft(before, q.Envelope)
}

func newDraft(before *Trust, e Envelope) (*Draft, error) {
	d := &Draft{Before: before, envelope: Envelope{PayloadType: e.PayloadType, Payload: e.Payload, Signatures: []Signature{}}}
	if before == nil && e.PayloadType != TypeRoot {
		return nil, errors.New("the request has no key chain that says who may sign it")
	}
	if err := d.read(); err != nil {
		return nil, err
	}
	d.take(e.Signatures)
	return d, nil
}

func (d *Draft) read() (err error) {
	switch d.envelope.PayloadType {
	case TypeRoot:
		t := d.Before
		if t == nil {
			t = &Trust{}
		}
		if len(t.chain) == maxRoots {
			return fmt.Errorf("the key chain has its most, %d versions", maxRoots)
		}
		if d.Root, err = t.readRoot(d.envelope.Payload); err != nil {
			return err
		}
		if t.root != nil {
			d.quorums = append(d.quorums, quorum{t.root, RoleRoot})
		}
		d.quorums = append(d.quorums, quorum{d.Root, RoleRoot})
	case TypeManifest:
		d.Manifest, err = d.Before.readManifest(d.envelope.Payload)
		d.quorums = []quorum{{d.Before.root, RolePublisher}}
	case TypeTicket:
		d.Ticket, err = d.Before.readTicket(d.envelope.Payload)
		d.quorums = []quorum{{d.Before.root, RolePublisher}}
	default:
		return fmt.Errorf("the payload's type %.80q is none that is signed this way", d.envelope.PayloadType)
	}
	return err
}

// Digest tells drafts apart, whoever has signed them.
func (d *Draft) Digest() Digest { return DigestOf(preAuth(d.envelope.PayloadType, d.envelope.Payload)) }

// Words are four words for what is signed: two people who see the same ones sign the same.
func (d *Draft) Words() []string { return Words(preAuth(d.envelope.PayloadType, d.envelope.Payload)) }

// Wants says whether a key's signature would count.
func (d *Draft) Wants(id string) bool {
	return slices.ContainsFunc(d.quorums, func(q quorum) bool { return slices.Contains(q.root.Roles[q.role].Keys, id) })
}

// Sign signs with keys that count; others are refused.
func (d *Draft) Sign(keys ...PrivateKey) error {
	for _, k := range keys {
		if !d.Wants(k.ID()) {
			return fmt.Errorf("key %.12s… (%v) is none of those that may sign this", k.ID(), Words(k.Public()))
		}
		if err := d.envelope.add(k); err != nil {
			return err
		}
	}
	return nil
}

// Join takes the signatures of the same draft from another machine, and says how many are new.
func (d *Draft) Join(other *Draft) (fresh int, err error) {
	if other.envelope.PayloadType != d.envelope.PayloadType || !bytes.Equal(other.envelope.Payload, d.envelope.Payload) {
		return 0, fmt.Errorf("it is a signature over something else (\"%v\") than what is to be signed (\"%v\"): send the newest request to whoever has signed it", other.Words(), d.Words())
	}
	return d.take(other.envelope.Signatures), nil
}

// take keeps what is a good signature of a key that counts and is not here yet.
func (d *Draft) take(signatures []Signature) (fresh int) {
	have := d.envelope.signers(d.keys())
	e := Envelope{PayloadType: d.envelope.PayloadType, Payload: d.envelope.Payload}
	for _, s := range signatures {
		e.Signatures = []Signature{s}
		for id := range e.signers(d.keys()) {
			if !have[id] && len(d.envelope.Signatures) < maxSignatures {
				have[id] = true
				d.envelope.Signatures = append(d.envelope.Signatures, Signature{KeyID: id, Sig: s.Sig})
				fresh++
			}
		}
	}
	return fresh
}

func (d *Draft) keys() []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, q := range d.quorums {
		for _, id := range q.root.Roles[q.role].Keys {
			keys = append(keys, q.root.Keys[id].Public)
		}
	}
	return keys
}

// Signed are the keys that have signed.
func (d *Draft) Signed() []Named {
	out := []Named{}
	for id := range d.envelope.signers(d.keys()) {
		out = append(out, Named{id, d.nameOf(id)})
	}
	slices.SortFunc(out, byName)
	return out
}

// nameOf is what the newest root that knows a key calls it.
func (d *Draft) nameOf(id string) (known string) {
	for _, q := range d.quorums {
		if k, ok := q.root.Keys[id]; ok {
			known = k.Name
		}
	}
	return known
}

// Lacks are the roles of which too few have signed; none = it is done.
func (d *Draft) Lacks() []Lack {
	var lacks []Lack
	for _, q := range d.quorums {
		who := q.root.Roles[q.role]
		l := Lack{Version: q.root.Version, Role: q.role, Need: who.Threshold, Could: []Named{}}
		var keys []ed25519.PublicKey
		for _, id := range who.Keys {
			keys = append(keys, q.root.Keys[id].Public)
		}
		signed := d.envelope.signers(keys)
		for _, id := range who.Keys {
			if !signed[id] {
				l.Could = append(l.Could, Named{id, q.root.Keys[id].Name})
			}
		}
		if l.Have = len(signed); l.Have < l.Need {
			lacks = append(lacks, l)
		}
	}
	return lacks
}

// Request is the draft as a file for another machine, with the signatures so far.
func (d *Draft) Request() ([]byte, error) {
	q := request{Format: FormatRequest, Envelope: d.envelope}
	if d.Before != nil {
		q.Chain = d.Before.Chain()
	}
	return canonical(q)
}

// Envelope is what was signed, verified as whoever takes it will. errors.Is(err, ErrLacks) while more must sign.
func (d *Draft) Envelope() ([]byte, error) {
	if lacks := d.Lacks(); len(lacks) > 0 {
		l := lacks[0]
		return nil, fmt.Errorf("%d of the %s keys of root %d have signed, %d must: %w", l.Have, l.Role, l.Version, l.Need, ErrLacks)
	}
	sealed, err := canonical(d.envelope)
	if err != nil {
		return nil, err
	}
	t := d.Before
	switch {
	case d.Root != nil && t == nil:
		_, err = NewTrust([][]byte{sealed})
	case d.Root != nil:
		_, err = t.Extend(sealed)
	case d.Manifest != nil:
		_, err = t.Manifest(sealed)
	default:
		_, err = t.Ticket(sealed)
	}
	return sealed, err
}
