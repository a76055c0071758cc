package bundle_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

func TestAKeyChainIsRefusedWhen(t *testing.T) {
	base := func(t *testing.T) (*bundletest.Publisher, []byte) {
		p := bundletest.New(t)
		return p, payload(t, p.Chain[0])
	}
	replace := func(t *testing.T, b []byte, old, new string) []byte {
		out := bytes.Replace(b, []byte(old), []byte(new), 1)
		if bytes.Equal(out, b) {
			t.Fatalf("%q is not in the root", old)
		}
		return out
	}
	for name, c := range map[string]struct {
		chain func(t *testing.T) [][]byte
		says  string
	}{
		"it is empty": {func(t *testing.T) [][]byte { return nil }, "no root"},
		"it begins with version 2": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			p.NextRoot(t, nil)
			return p.Chain[1:]
		}, "version 2"},
		"a version is missing": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			p.NextRoot(t, nil)
			p.NextRoot(t, nil)
			return [][]byte{p.Chain[0], p.Chain[2]}
		}, "version 3"},
		"a version is signed by its own new key alone": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			thief := bundletest.New(t)
			thief.NextRoot(t, nil)
			return [][]byte{p.Chain[0], thief.Chain[1]}
		}, "not signed by version 1"},
		"a version is signed by the old key alone": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			fresh := newKey(t)
			p.NextRoot(t, func(r *bundle.Root) {
				r.Roles[bundle.RoleRoot] = bundle.Role{}
				r.Allow(bundle.RoleRoot, "fresh", fresh.Public())
			})
			return p.Chain
		}, "own keys"},
		"a threshold is zero": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"threshold":1`, `"threshold":0`), p.Root)}
		}, "must sign"},
		"a threshold is more than there are keys": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"threshold":1`, `"threshold":2`), p.Root)}
		}, "must sign"},
		"a key is listed twice": {func(t *testing.T) [][]byte {
			p, b := base(t)
			id := fmt.Sprintf("%q", p.Key.ID())
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, "["+id+"]", "["+id+","+id+"]"), p.Root)}
		}, "listed twice"},
		"a key is under another's id": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, bytes.ReplaceAll(b, []byte(p.Key.ID()), []byte(nextID(p.Key.ID()))), p.Root)}
		}, "not its own"},
		"a key is of another type": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"type":"ed25519"`, `"type":"rsa"`), p.Root)}
		}, "not an Ed25519 key"},
		"one key is there twice under two names": {func(t *testing.T) [][]byte {
			p, b := base(t)
			var r bundle.Root
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprintf(`"%s":{"name":"twin","public":"%s","type":"ed25519"}`, strings.Repeat("0", 64), base64.StdEncoding.EncodeToString(p.Root.Public()))
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"keys":{"`, `"keys":{`+key+`,"`), p.Root)}
		}, "not its own"},
		"a role names a key that is not there": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `["`+p.Key.ID(), `["`+strings.Repeat("0", 64)), p.Root)}
		}, "not in this root"},
		"a name hides what it is": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"name":"publisher"`, `"name":"x\nroot"`), p.Root)}
		}, "not one line"},
		"a name is in another case": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"threshold"`, `"Threshold"`), p.Root)}
		}, "canonical"},
		"it is not UTF-8": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"name":"publisher"`, "\"name\":\"x\xff\""), p.Root)}
		}, "canonical"},
		"it ends before it begins": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"format"`, `"expires":"2020-01-01T00:00:00Z","format"`), p.Root)}
		}, "expires before"},
		"it is a manifest": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			return [][]byte{p.Content(t, bundle.Manifest{}, picture()).Envelope}
		}, "of type"},
		"it has more versions than any chain has": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			for range 1000 {
				p.NextRoot(t, nil)
			}
			return p.Chain
		}, "at most 1000"},
		"nobody may publish": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"publisher":{`, `"painter":{`), p.Root)}
		}, "publisher"},
		"the signature is over a manifest": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeManifest, b, p.Root)}
		}, "of type"},
		"the customer changes": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			p.Customer = "other"
			p.NextRoot(t, nil)
			return p.Chain
		}, "of customer"},
		"it has a field twice": {func(t *testing.T) [][]byte {
			p, b := base(t)
			return [][]byte{seal(t, bundle.TypeRoot, replace(t, b, `"version":1`, `"version":1,"version":1`), p.Root)}
		}, "canonical"},
		"bytes follow": {func(t *testing.T) [][]byte {
			p, _ := base(t)
			return [][]byte{append(p.Chain[0], ' ')}
		}, "canonical"},
		"it is larger than a root may be": {func(t *testing.T) [][]byte { return [][]byte{make([]byte, bundle.MaxRoot+1)} }, "is the most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.NewTrust(c.chain(t))
			wants(t, err, c.says)
		})
	}
}

// nextID is an id that sorts as the other does but is nobody's.
func nextID(id string) string {
	last := byte('0')
	if id[len(id)-1] == last {
		last = '1'
	}
	return id[:len(id)-1] + string(last)
}

func TestReplacedPublisherKeysNoLongerCount(t *testing.T) {
	p := bundletest.New(t)
	lost := p.Key
	before := p.Trust(t)
	p.Key = newKey(t)
	p.NextRoot(t, nil)
	after, err := before.Extend(p.Chain[1])
	if err != nil {
		t.Fatal(err)
	}
	if after.Fingerprint() != before.Fingerprint() || before.Root().Version != 1 || after.Root().Version != 2 {
		t.Error("extending a chain must keep its fingerprint and leave the shorter chain as it was")
	}
	content := p.Content(t, bundle.Manifest{}, picture())
	if _, err := after.Manifest(content.Envelope); err != nil {
		t.Errorf("the new key: %v", err)
	}
	_, err = after.Manifest(seal(t, bundle.TypeManifest, payload(t, content.Envelope), lost))
	wants(t, err, "0 of the publisher keys")
	wants(t, err, `root 2 of 2026-01-01 has taken that away from the key "publisher"`)
	if !errors.Is(err, bundle.ErrRevoked) || !errors.Is(err, bundle.ErrUnsigned) {
		t.Errorf("it is not told apart from a forgery: %v", err)
	}
	if _, err = after.Manifest(seal(t, bundle.TypeManifest, payload(t, content.Envelope), newKey(t))); errors.Is(err, bundle.ErrRevoked) {
		t.Errorf("a forgery is said to be of a revoked key: %v", err)
	}
}

func TestAHigherThresholdSaysWhyOneSignatureIsNoLongerEnough(t *testing.T) {
	p := bundletest.New(t)
	old, second := p.Content(t, bundle.Manifest{}, picture()).Envelope, newKey(t)
	p.NextRoot(t, func(r *bundle.Root) {
		r.Allow(bundle.RolePublisher, "second", second.Public())
		r.Roles[bundle.RolePublisher] = bundle.Role{Keys: r.Roles[bundle.RolePublisher].Keys, Threshold: 2}
	})
	_, err := p.Trust(t).Manifest(old)
	wants(t, err, "2 must sign now")
}
