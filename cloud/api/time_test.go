package api_test

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"vitrine/cloud/api"
)

func TestATimeIsSignedForOneQuestion(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	other, _, err2 := ed25519.GenerateKey(nil)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	signed := api.Time{Now: time.Date(2027, 1, 4, 8, 0, 0, 123456789, time.UTC)}
	signed.Sign("once", key)
	b, err := json.Marshal(signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &signed); err != nil || !signed.SignedBy("once", public) {
		t.Fatalf("not after its way: %v", err)
	}
	later := signed
	later.Now = later.Now.Add(time.Nanosecond)
	for name, bad := range map[string]bool{
		"another question":   signed.SignedBy("twice", public),
		"another key":        signed.SignedBy("once", other),
		"no key":             signed.SignedBy("once", nil),
		"another time":       later.SignedBy("once", public),
		"a time without one": (&api.Time{Now: signed.Now, Nonce: "once"}).SignedBy("once", public),
	} {
		if bad {
			t.Errorf("%s counts as signed", name)
		}
	}
}
