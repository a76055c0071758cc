package api

import "crypto/ed25519"

// Seal is a player's own word to what secrets for it are sealed. Signed by the key whose four words were on its screen when it
// was claimed, it cannot be exchanged on its way by a relay that would like to read them.
type Seal struct {
	Recipient string `json:"recipient"` // age1…
	Signature []byte `json:"signature"` // Ed25519
}

func sealMessage(recipient string) []byte { return []byte("vitrine-seal/1\n" + recipient + "\n") }

// NewSeal signs a recipient.
func NewSeal(recipient string, key ed25519.PrivateKey) *Seal {
	return &Seal{recipient, ed25519.Sign(key, sealMessage(recipient))}
}

// SignedBy says whether the recipient is the word of a player's key.
func (s *Seal) SignedBy(key ed25519.PublicKey) bool {
	return s != nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, sealMessage(s.Recipient), s.Signature)
}
