package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// ErrUnsigned is the refusal of what too few of the right keys have signed.
var ErrUnsigned = errors.New("it does not come from who owns these keys, or it was changed on its way")

// maxSignatures bounds the work that an envelope can ask for.
const maxSignatures = 32

// preAuth is DSSE's pre-authentication encoding (v1.0.2, protocol.md): what is really signed.
func preAuth(payloadType string, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+len(payloadType)+40)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(b, ' ')
	b = append(b, payloadType...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, ' ')
	return append(b, payload...)
}

// Seal puts a payload into an envelope that every key of the list has signed, each once. The result is canonical JSON.
func Seal(payloadType string, payload []byte, keys ...PrivateKey) ([]byte, error) {
	e := Envelope{PayloadType: payloadType, Payload: payload, Signatures: []Signature{}}
	return e.sign(keys)
}

// AddSignatures adds signatures to an envelope: how several people sign one root, each with the key that only they have.
func AddSignatures(envelope []byte, keys ...PrivateKey) ([]byte, error) {
	e, err := parseEnvelope(envelope, MaxManifest)
	if err != nil {
		return nil, err
	}
	return e.sign(keys)
}

func (e *Envelope) sign(keys []PrivateKey) ([]byte, error) {
	for _, k := range keys {
		if err := e.add(k); err != nil {
			return nil, err
		}
	}
	if len(e.Signatures) == 0 {
		return nil, errors.New("sign: no key was given")
	}
	return canonical(e)
}

// add signs with one more key. What stands under its id without being its signature goes.
func (e *Envelope) add(k PrivateKey) error {
	sig, err := k.sign(preAuth(e.PayloadType, e.Payload))
	if err != nil {
		return err
	}
	e.Signatures = slices.DeleteFunc(e.Signatures, func(s Signature) bool { return s.KeyID == k.ID() })
	if len(e.Signatures) == maxSignatures {
		return fmt.Errorf("sign: %d signatures are the most", maxSignatures)
	}
	e.Signatures = append(e.Signatures, Signature{KeyID: k.ID(), Sig: sig})
	return nil
}

// parseEnvelope reads an envelope; nothing in it is to be believed before verified.
func parseEnvelope(b []byte, limit int) (*Envelope, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("the envelope has %d bytes; %d is the most", len(b), limit)
	}
	var e Envelope
	if err := parseStrict(b, &e); err != nil {
		return nil, fmt.Errorf("the envelope is damaged: %w", err)
	}
	if n := len(e.Signatures); n == 0 || n > maxSignatures {
		return nil, fmt.Errorf("the envelope has %d signatures; 1 to %d are allowed", n, maxSignatures)
	}
	return &e, nil
}

// signers are the ids, computed here, of those keys of the list that have signed; each counts once. The envelope's own
// key ids are not looked at.
func (e *Envelope) signers(keys []ed25519.PublicKey) map[string]bool {
	message := preAuth(e.PayloadType, e.Payload)
	found := map[string]bool{}
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			continue
		}
		for _, s := range e.Signatures {
			if ed25519.Verify(key, message, s.Sig) {
				found[KeyID(key)] = true
				break
			}
		}
	}
	return found
}

// verify checks the type and that enough distinct keys of a root's role have signed.
func (e *Envelope) verify(payloadType string, r *Root, role string) error {
	if e.PayloadType != payloadType {
		return fmt.Errorf("the signed payload is of type %q, not %q", e.PayloadType, payloadType)
	}
	who, ok := r.Roles[role]
	if !ok || who.Threshold < 1 {
		return fmt.Errorf("root %d gives no key the role %q", r.Version, role)
	}
	var keys []ed25519.PublicKey
	for _, id := range who.Keys {
		keys = append(keys, ed25519.PublicKey(r.Keys[id].Public))
	}
	if n := len(e.signers(keys)); n < who.Threshold {
		return fmt.Errorf("%d of the %s keys of root %d have signed, %d must: %w", n, role, r.Version, who.Threshold, ErrUnsigned)
	}
	return nil
}
