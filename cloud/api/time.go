package api

import (
	"crypto/ed25519"
	"errors"
	"time"
)

// MaxNonce is the longest nonce that a relay signs, characters.
const MaxNonce = 64

// ErrTimeUnsigned is the refusal of a time that the relay has not signed, or not for this question.
var ErrTimeUnsigned = errors.New("the time is not signed by the relay that this player was claimed at: something on the way answers in its place; check the proxies in between, or claim the player again after the relay was set up anew")

// signed is what a signature of the time is over.
func (t *Time) signed(nonce string) []byte {
	return []byte("vitrine-time/1\n" + nonce + "\n" + t.Now.UTC().Format(time.RFC3339Nano))
}

// Sign signs the time for one question.
func (t *Time) Sign(nonce string, key ed25519.PrivateKey) {
	t.Nonce, t.Sig = nonce, ed25519.Sign(key, t.signed(nonce))
}

// SignedBy says whether a key has signed this time for the question with that nonce.
func (t *Time) SignedBy(nonce string, key ed25519.PublicKey) bool {
	return t.Nonce == nonce && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, t.signed(nonce), t.Sig)
}
