package api_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
)

// vector is the request of RFC 9421, appendix B.2.6, with the key of appendix B.1.4.
func vector(t *testing.T) (*http.Request, ed25519.PublicKey) {
	t.Helper()
	req := httptest.NewRequest("POST", "http://example.com/foo?param=Value&Pet=dog", strings.NewReader(`{"hello": "world"}`))
	req.Header.Set("Date", "Tue, 20 Apr 2021 02:07:55 GMT")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Signature-Input", `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`)
	req.Header.Set("Signature", `sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`)
	der, err := base64.StdEncoding.DecodeString("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return req, key.(ed25519.PublicKey)
}

func TestTheSignatureOfRFC9421IsVerified(t *testing.T) {
	req, key := vector(t)
	if err := api.VerifyVector(req, key); err != nil {
		t.Fatal(err)
	}
	req.Method = "PUT"
	if err := api.VerifyVector(req, key); err == nil {
		t.Fatal("another method was accepted")
	}
}

func TestASignedRequestIsVerifiedOnlyAsItWasSigned(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	foreign, _, _ := ed25519.GenerateKey(nil)
	now := time.Unix(1_800_000_000, 0)
	for name, tc := range map[string]struct {
		change func(r *http.Request)
		body   string
		key    ed25519.PublicKey
		now    time.Time
		want   string // part of the error; "" = accepted
	}{
		"as it was signed":                 {},
		"a little later":                   {now: now.Add(59 * time.Second)},
		"by a clock a little ahead":        {now: now.Add(-29 * time.Second)},
		"too late":                         {now: now.Add(61 * time.Second), want: "not made now"},
		"from the future":                  {now: now.Add(-31 * time.Second), want: "not made now"},
		"with another body":                {body: "other", want: "not the one that Content-Digest"},
		"with another key":                 {key: foreign, want: "not by this key"},
		"at another relay":                 {change: func(r *http.Request) { r.Host = "evil.example" }, want: "not by this key"},
		"on another path":                  {change: func(r *http.Request) { r.URL.Path = "/v1/other" }, want: "not by this key"},
		"with another query":               {change: func(r *http.Request) { r.URL.RawQuery = "a=1" }, want: "not by this key"},
		"without a signature":              {change: func(r *http.Request) { r.Header.Del("Signature-Input") }, want: "exactly one Signature-Input"},
		"with two signatures":              {change: func(r *http.Request) { r.Header.Add("Signature-Input", r.Header.Get("Signature-Input")) }, want: "exactly one Signature-Input"},
		"with a parameter nobody knows":    {change: edit(`;alg=`, `;tag="x";alg=`), want: "not well formed"},
		"with a later expiry than allowed": {change: edit("expires=1800000060", "expires=1800000061"), want: "not by this key"},
		"without the body's digest":        {change: edit(` "content-digest"`, ``), want: "does not cover content-digest"},
		"without the authority":            {change: edit(` "@authority"`, ``), want: "does not cover @authority"},
		"with another algorithm":           {change: edit(`alg="ed25519"`, `alg="hmac-sha256"`), want: "not well formed"},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest("POST", "https://relay.example/v1/session", strings.NewReader("body"))
			if err := api.Sign(req, []byte("body"), private, now); err != nil {
				t.Fatal(err)
			}
			if tc.change != nil {
				tc.change(req)
			}
			if tc.body == "" {
				tc.body = "body"
			}
			if tc.key == nil {
				tc.key = public
			}
			if tc.now.IsZero() {
				tc.now = now
			}
			p, err := api.VerifySigned(req, []byte(tc.body), tc.key, tc.now)
			switch {
			case tc.want == "" && (err != nil || p.KeyID != api.DeviceKeyID(public) || len(p.Nonce) < 16):
				t.Fatalf("refused: %v, %+v", err, p)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Fatalf("got %v, want %q", err, tc.want)
			case strings.Contains(tc.want, "not made now") && !errors.Is(err, api.ErrSignatureTime):
				t.Fatal("the clock's error is not typed")
			}
		})
	}
}

func edit(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), from, to, 1))
	}
}

func FuzzSignatureInput(f *testing.F) {
	f.Add(`sig-b26=("date" "@method");created=1618884473;keyid="test-key-ed25519"`)
	f.Add(`a=();nonce=""`)
	f.Add(`a=("@method" "@path");created=1;expires=2;nonce="n";alg="ed25519"`)
	f.Fuzz(func(t *testing.T, s string) {
		req := httptest.NewRequest("POST", "https://relay.example/v1/session", nil)
		req.Header["Signature-Input"] = []string{s}
		req.Header["Signature"] = []string{"a=::"}
		p, err := api.Signed(req)
		if err != nil {
			return
		}
		if len(p.Components) > len(s) || strings.ContainsAny(p.KeyID+p.Nonce, "\"\\\n") {
			t.Fatalf("%q gave %+v", s, p)
		}
		if _, err := api.VerifySigned(req, nil, make(ed25519.PublicKey, 32), time.Unix(1, 0)); err == nil {
			t.Fatalf("%q was accepted without a signature", s)
		}
	})
}
