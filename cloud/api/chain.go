package api

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxPlay bounds one record of a play, bytes.
const MaxPlay = 2048

// A player's plays are a chain:
//
//	play 1 <──prev── play 2 <──prev── play 3 … <── head: signed with the device's key at the end of every run, and
//	                                               in every heartbeat
//
// Each record holds the hash of the one before, over all boots; the relay keeps the bytes as they came. What that gives:
//
//   - The relay, or whoever has its database, cannot change, add, exchange or take out a record that a later signature
//     covers without it being seen. What the player itself has lost it says in a record of its own (Gap), so that a hole
//     of which the player says nothing was made elsewhere.
//   - The relay can hold back the newest records, together with all heads that cover them. The last head says up to when the
//     player has vouched; a heartbeat's head, or an older export, that is further tells on the relay.
//   - A player whose chain goes back (its disk was restored, or its key runs twice) is told from one whose does not:
//     the relay keeps the furthest head that the player has signed, and the first record under each number.
//
// What it does not give: whoever has the device's key, so whoever is root on the player, can write what they like; that
// something was drawn does not say that somebody saw it; plays of the last seconds before a power cut, not yet on the disk,
// are missing without a word; and the public key is the relay's word, unless its four words are compared with those that
// were on the player's screen when it was claimed.

// Gap is a player's own word that it has lost records.
type Gap struct {
	From  uint64 `json:"from,omitempty"` // first and last number of what was lost; 0 = it never had numbers
	To    uint64 `json:"to,omitempty"`
	Plays uint64 `json:"plays,omitempty"` // how many were lost that never had numbers
	Why   string `json:"why"`             // in a sentence
}

// Record is what a play's hash is of: the bytes that it was read from, or else its JSON.
func (p Proof) Record() []byte {
	if p.raw != "" {
		return []byte(p.raw)
	}
	b, err := json.Marshal(p)
	if err != nil { // a year beyond 9999
		return nil
	}
	return b
}

// ReadProof reads a record and remembers its bytes. With an error, what could be read is given all the same.
func ReadProof(record []byte) (Proof, error) {
	var p Proof
	err := json.Unmarshal(record, &p)
	p.raw = string(record)
	if err == nil && p.N == 0 {
		err = errors.New("it has no number")
	}
	return p, err
}

// PlayHash is what the next record's Prev and a head hold of a record: SHA-256, in hexadecimal.
func PlayHash(boot string, record []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "vitrine-play/1\n%s\n", boot)
	h.Write(record)
	return hex.EncodeToString(h.Sum(nil))
}

// MarshalJSON sends records as they are.
func (p Proofs) MarshalJSON() ([]byte, error) {
	out := wireProofs{Boot: p.Boot, Plays: []json.RawMessage{}, Head: p.Head}
	for _, play := range p.Plays {
		out.Plays = append(out.Plays, play.Record())
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads every record that can be read, so that one that cannot does not take the others with it.
func (p *Proofs) UnmarshalJSON(b []byte) error {
	var in wireProofs
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*p = Proofs{Boot: in.Boot, Head: in.Head}
	for _, raw := range in.Plays {
		play, _ := ReadProof(raw) // without a number it is left out where it is kept
		p.Plays = append(p.Plays, play)
	}
	return nil
}

type wireProofs struct {
	Boot  string            `json:"boot"`
	Plays []json.RawMessage `json:"plays"`
	Head  *PlaysHead        `json:"head,omitempty"`
}

// PlaysHead is a player's signed word that a record, and all before it, are its own.
type PlaysHead struct {
	Chain     string    `json:"chain"`
	N         uint64    `json:"n"`
	Hash      string    `json:"hash"` // PlayHash of record N
	At        time.Time `json:"at"`
	Signature []byte    `json:"signature"` // Ed25519
}

func (h *PlaysHead) message() []byte {
	return fmt.Appendf(nil, "vitrine-plays-head/1\n%q\n%d\n%q\n%s\n", h.Chain, h.N, h.Hash, h.At.UTC().Format(time.RFC3339Nano))
}

// Sign signs the head; a request's signature (Sign) can never be taken for it, nor it for one.
func (h *PlaysHead) Sign(key ed25519.PrivateKey) { h.Signature = ed25519.Sign(key, h.message()) }

// SignedBy says whether the head was signed by a key.
func (h *PlaysHead) SignedBy(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, h.message(), h.Signature)
}
