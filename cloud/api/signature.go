package api

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A signature is good from its creation for SignatureLife; a relay allows SignatureSkew for a clock that runs ahead.
const (
	SignatureLife = 60 * time.Second
	SignatureSkew = 30 * time.Second
)

// maxSignatureInput bounds what is parsed of a stranger's header, bytes.
const maxSignatureInput = 2048

// ErrSignatureTime means that a signature is right but was not made now: its clock is wrong, or it is being replayed.
var ErrSignatureTime = errors.New("the signature was not made now by the relay's clock")

// DeviceKeyID names a device's key: the SHA-256 of its 32 bytes, in hexadecimal.
func DeviceKeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])
}

// SignatureParams are the parameters of a message signature (RFC 9421, section 2.3).
type SignatureParams struct {
	Components []string // covered, in order
	Created    time.Time
	Expires    time.Time // zero = none
	Nonce      string
	Alg        string // "" or "ed25519"
	KeyID      string
}

// Sign signs a request with Ed25519 (RFC 9421) over its method, authority, path, query and the digest of its body (RFC
// 9530). The authority is covered so that no relay can hand a player's signature on to another.
func Sign(req *http.Request, body []byte, key ed25519.PrivateKey, now time.Time) error {
	req.Header.Set("Content-Digest", contentDigest(body))
	components := []string{"@method", "@authority", "@path", "@query", "content-digest"}
	var quoted []string
	for _, c := range components {
		quoted = append(quoted, strconv.Quote(c))
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("sign request: the key is not an Ed25519 key")
	}
	params := fmt.Sprintf(`(%s);created=%d;expires=%d;nonce="%s";keyid="%s";alg="ed25519"`, strings.Join(quoted, " "),
		now.Unix(), now.Add(SignatureLife).Unix(), rand.Text(), DeviceKeyID(public))
	base, err := signatureBase(req, components, params)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	req.Header.Set("Signature-Input", "device="+params)
	req.Header.Set("Signature", "device=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(key, base))+":")
	return nil
}

// Signed reads what a request claims of its signature, so that the key can be looked up. Nothing of it is proven until
// VerifySigned has said so.
func Signed(req *http.Request) (SignatureParams, error) {
	_, raw, err := signatureInput(req)
	if err != nil {
		return SignatureParams{}, err
	}
	return parseParams(raw)
}

// VerifySigned checks a request's one signature: that it covers what Sign covers, that the body is the one that was
// signed, that it was made now (else ErrSignatureTime), and by this key. Whoever calls must refuse a nonce seen before.
func VerifySigned(req *http.Request, body []byte, key ed25519.PublicKey, now time.Time) (SignatureParams, error) {
	label, raw, err := signatureInput(req)
	if err != nil {
		return SignatureParams{}, err
	}
	p, err := parseParams(raw)
	if err != nil {
		return p, err
	}
	for _, c := range []string{"@method", "@authority", "@path", "@query", "content-digest"} {
		if !slices.Contains(p.Components, c) {
			return p, fmt.Errorf("the signature does not cover %s", c)
		}
	}
	if len(p.Nonce) < 16 || p.Expires.IsZero() {
		return p, errors.New("the signature has no nonce of 16 characters or no expiry")
	}
	if digest := req.Header.Values("Content-Digest"); len(digest) != 1 || subtle.ConstantTimeCompare([]byte(digest[0]), []byte(contentDigest(body))) != 1 {
		return p, errors.New("the body is not the one that Content-Digest names")
	}
	if err := verifyRaw(req, label, raw, p.Components, key); err != nil {
		return p, err
	}
	if p.Created.After(now.Add(SignatureSkew)) || now.After(p.Expires) || p.Expires.Sub(p.Created) > SignatureLife {
		return p, ErrSignatureTime
	}
	return p, nil
}

func verifyRaw(req *http.Request, label, raw string, components []string, key ed25519.PublicKey) error {
	values := req.Header.Values("Signature")
	if len(values) != 1 {
		return errors.New("the request needs exactly one Signature header")
	}
	b64, ok := strings.CutPrefix(values[0], label+"=:")
	b64, end := strings.CutSuffix(b64, ":")
	sig, err := base64.StdEncoding.Strict().DecodeString(b64)
	if !ok || !end || err != nil {
		return errors.New("the Signature header does not hold the signature that Signature-Input names")
	}
	base, err := signatureBase(req, components, raw)
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, base, sig) {
		return errors.New("the signature is not by this key or not over this request")
	}
	return nil
}

// signatureBase is RFC 9421, section 2.5; params are taken as they were sent.
func signatureBase(req *http.Request, components []string, params string) ([]byte, error) {
	var b bytes.Buffer
	for _, c := range components {
		v, err := componentValue(req, c)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q: %s\n", c, v)
	}
	b.WriteString(`"@signature-params": ` + params)
	return b.Bytes(), nil
}

func componentValue(req *http.Request, name string) (string, error) {
	switch name {
	case "@method":
		return req.Method, nil
	case "@authority":
		host := req.Host
		if host == "" {
			host = req.URL.Host
		}
		return strings.TrimSuffix(strings.ToLower(host), ":443"), nil
	case "@path":
		if p := req.URL.EscapedPath(); p != "" {
			return p, nil
		}
		return "/", nil
	case "@query":
		return "?" + req.URL.RawQuery, nil
	case "content-length":
		return strconv.FormatInt(req.ContentLength, 10), nil
	}
	if strings.HasPrefix(name, "@") {
		return "", fmt.Errorf("the signature covers %s, which is not known here", name)
	}
	values := slices.Clone(req.Header.Values(name))
	if len(values) == 0 {
		return "", fmt.Errorf("the signature covers %s, which the request does not have", name)
	}
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return strings.Join(values, ", "), nil
}

// signatureInput splits "label=(…);…"; one signature is allowed.
func signatureInput(req *http.Request) (label, params string, err error) {
	values := req.Header.Values("Signature-Input")
	if len(values) != 1 || len(values[0]) > maxSignatureInput {
		return "", "", errors.New("the request needs exactly one Signature-Input header (RFC 9421)")
	}
	label, params, ok := strings.Cut(values[0], "=")
	if !ok || label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return "", "", errors.New("the Signature-Input header has no label")
	}
	return label, params, nil
}

// parseParams reads an inner list of strings and its parameters: the part of RFC 8941 that RFC 9421 uses.
func parseParams(s string) (SignatureParams, error) {
	var p SignatureParams
	bad := errors.New("the Signature-Input header is not well formed")
	list, ok := strings.CutPrefix(s, "(")
	if !ok {
		return p, bad
	}
	list, rest, ok := strings.Cut(list, ")")
	if !ok {
		return p, bad
	}
	for _, item := range strings.Fields(list) {
		name, ok := unquote(item)
		if !ok || name != strings.ToLower(name) || slices.Contains(p.Components, name) {
			return p, bad
		}
		p.Components = append(p.Components, name)
	}
	if strings.Join(strings.Fields(list), " ") != list {
		return p, bad
	}
	seen := map[string]bool{}
	for rest != "" {
		var part string
		if rest, ok = strings.CutPrefix(rest, ";"); !ok {
			return p, bad
		}
		part, rest = rest, ""
		if i := strings.IndexByte(part, ';'); i >= 0 {
			part, rest = part[:i], part[i:]
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || seen[name] || !p.set(name, value) {
			return p, bad
		}
		seen[name] = true
	}
	return p, nil
}

func (p *SignatureParams) set(name, value string) bool {
	var ok bool
	switch name {
	case "created", "expires":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 || n > 1<<40 || strconv.FormatInt(n, 10) != value {
			return false
		}
		if name == "created" {
			p.Created = time.Unix(n, 0)
		} else {
			p.Expires = time.Unix(n, 0)
		}
		return true
	case "nonce":
		p.Nonce, ok = unquote(value)
	case "keyid":
		p.KeyID, ok = unquote(value)
	case "alg":
		p.Alg, ok = unquote(value)
		ok = ok && p.Alg == "ed25519"
	}
	return ok
}

// unquote takes strings without escapes: ours never need them.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\' || s[i] == ';' {
			return "", false
		}
	}
	return s, true
}

// contentDigest is the Content-Digest of a body (RFC 9530).
func contentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
