package bundle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

// Whatever comes: no panic, and nothing taken that somebody without the keys has made.
func FuzzEnvelope(f *testing.F) {
	p := bundletest.New(f)
	good := p.Content(f, bundle.Manifest{}, picture()).Envelope
	trust := p.Trust(f)
	f.Add(good)
	f.Add([]byte(`{"payload":"e30=","payloadType":"x","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := trust.Manifest(b); err == nil && !bytes.Equal(b, good) {
			t.Errorf("taken without the keys: %q", b)
		}
		if next, err := trust.Extend(b); err == nil {
			t.Errorf("root 2 taken without the keys: %v", next.Root())
		}
	})
}

// A signed payload may hold anything; what is taken must be right and have one spelling.
func FuzzManifest(f *testing.F) {
	p := bundletest.New(f)
	trust := p.Trust(f)
	var e bundle.Envelope
	if err := json.Unmarshal(p.Content(f, bundle.Manifest{}, picture()).Envelope, &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := bundle.Seal(bundle.TypeManifest, b, p.Key)
		if err != nil {
			t.Fatal(err)
		}
		m, err := trust.Manifest(sealed)
		if err != nil {
			return
		}
		again, err := m.Seal(p.Key)
		if err != nil || !bytes.Equal(again, sealed) {
			t.Errorf("taken, but its own encoding differs (%v): %q", err, b)
		}
	})
}

// A root signs itself, so anybody can make one; what is taken must keep the rules.
func FuzzRoot(f *testing.F) {
	p := bundletest.New(f)
	var e bundle.Envelope
	if err := json.Unmarshal(p.Chain[0], &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := bundle.Seal(bundle.TypeRoot, b, p.Root)
		if err != nil {
			t.Fatal(err)
		}
		trust, err := bundle.NewTrust([][]byte{sealed})
		if err != nil {
			return
		}
		r := trust.Root()
		for role, who := range r.Roles {
			if who.Threshold < 1 || who.Threshold > len(who.Keys) {
				t.Errorf("role %q needs %d of %d keys", role, who.Threshold, len(who.Keys))
			}
		}
		for id, k := range r.Keys {
			if id != bundle.KeyID(k.Public) {
				t.Errorf("key %s is under another's id", id)
			}
		}
	})
}

// A file may be anything; opening it must end, and names are made of digests only.
func FuzzTar(f *testing.F) {
	p := bundletest.New(f)
	good, err := os.ReadFile(p.File(f, bundle.Manifest{}, picture()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:600])
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "bundle")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := bundle.OpenFile(path)
		if err != nil {
			return
		}
		defer a.Close()
		if len(a.Roots()) == 0 || len(a.Envelope()) == 0 {
			t.Error("opened without a root or a manifest")
		}
	})
}
