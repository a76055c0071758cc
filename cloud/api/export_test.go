package api

import (
	"crypto/ed25519"
	"net/http"
)

// VerifyVector verifies a request's signature with whatever components it covers.
func VerifyVector(req *http.Request, key ed25519.PublicKey) error {
	label, raw, err := signatureInput(req)
	if err != nil {
		return err
	}
	p, err := parseParams(raw)
	if err != nil {
		return err
	}
	return verifyRaw(req, label, raw, p.Components, key)
}

// CheckAnswer is what a blob's answer is held against.
var CheckAnswer = checkAnswer
