package bundle_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

// fresh is a relay's word of noon on a day of January 2027, for one day.
func fresh(p *bundletest.Publisher, day int, seq uint64) *bundle.Fresh {
	issued := time.Date(2027, 1, day, 12, 0, 0, 0, time.UTC)
	return &bundle.Fresh{Format: bundle.FormatFresh, Customer: p.Customer, Stream: "lobby", Seq: seq, Root: len(p.Chain),
		Manifest: bundle.DigestOf([]byte("a manifest")), Issued: issued, Expires: issued.Add(24 * time.Hour)}
}

func sealFresh(t testing.TB, f *bundle.Fresh, keys ...bundle.PrivateKey) []byte {
	t.Helper()
	b, err := f.Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFreshnessIsBelievedOfTheKeyFromTheClaimUntilARootNamesOne(t *testing.T) {
	p, pinned, named := bundletest.New(t), newKey(t), newKey(t)
	before := p.Trust(t)
	if !before.ExpectsFresh(pinned.Public()) || before.ExpectsFresh(nil) {
		t.Error("without a named key, freshness is expected exactly of the pinned one")
	}
	got, err := before.Fresh(sealFresh(t, fresh(p, 4, 7), pinned), pinned.Public(), nil)
	if err != nil || got.Seq != 7 || got.By != pinned.ID() {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = before.Fresh(sealFresh(t, fresh(p, 4, 7), named), pinned.Public(), nil)
	wants(t, err, "has not signed it")
	_, err = before.Fresh(sealFresh(t, fresh(p, 4, 7), pinned), nil, nil)
	wants(t, err, "has not signed it")

	p.NextRoot(t, func(r *bundle.Root) { r.Allow(bundle.RoleRelay, "relay", named.Public()) })
	after := p.Trust(t)
	if got, err = after.Fresh(sealFresh(t, fresh(p, 4, 7), named), pinned.Public(), nil); err != nil || got.By != named.ID() {
		t.Errorf("the named key: %v", err)
	}
	_, err = after.Fresh(sealFresh(t, fresh(p, 4, 7), pinned), pinned.Public(), nil)
	wants(t, err, "0 of the relay keys of root 2")
}

func TestFreshnessNeverGoesBack(t *testing.T) {
	p, pinned := bundletest.New(t), newKey(t)
	last, err := p.Trust(t).Fresh(sealFresh(t, fresh(p, 4, 7), pinned), pinned.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Trust(t).Fresh(sealFresh(t, fresh(p, 3, 7), pinned), pinned.Public(), last); !errors.Is(err, bundle.ErrFreshOlder) {
		t.Errorf("yesterday's: %v", err)
	}
	if _, err = p.Trust(t).Fresh(sealFresh(t, fresh(p, 4, 7), pinned), pinned.Public(), last); err != nil {
		t.Errorf("the same again: %v", err)
	}
	other := fresh(p, 3, 1)
	other.Stream = "canteen"
	if _, err = p.Trust(t).Fresh(sealFresh(t, other, pinned), pinned.Public(), last); err != nil {
		t.Errorf("another stream's: %v", err)
	}
}

func TestReplacingTheRelaysKeyRecoversFromAFreshnessFarAhead(t *testing.T) {
	p, stolen, renewed := bundletest.New(t), newKey(t), newKey(t)
	p.NextRoot(t, func(r *bundle.Root) { r.Allow(bundle.RoleRelay, "relay", stolen.Public()) })
	ahead := fresh(p, 4, bundle.MaxSeq)
	ahead.Issued = ahead.Issued.AddDate(900, 0, 0)
	ahead.Expires = ahead.Issued.Add(24 * time.Hour)
	last, err := p.Trust(t).Fresh(sealFresh(t, ahead, stolen), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Trust(t).Fresh(sealFresh(t, fresh(p, 5, 8), stolen), nil, last); !errors.Is(err, bundle.ErrFreshOlder) {
		t.Errorf("while the key stands, its counter does: %v", err)
	}
	p.NextRoot(t, func(r *bundle.Root) { r.Allow(bundle.RoleRelay, "relay", renewed.Public()) })
	if got, err := p.Trust(t).Fresh(sealFresh(t, fresh(p, 5, 8), renewed), nil, last); err != nil || got.Seq != 8 {
		t.Errorf("with a new key: %v", err)
	}
}

func TestFreshnessIsRefusedWhen(t *testing.T) {
	p, thief, relay := bundletest.New(t), newKey(t), newKey(t)
	good := string(payload(t, sealFresh(t, fresh(p, 4, 7), relay)))
	swap := func(from, to string) []byte {
		out := strings.Replace(good, from, to, 1)
		if out == good {
			t.Fatalf("%q is not in it", from)
		}
		return seal(t, bundle.TypeFresh, []byte(out), relay)
	}
	manifest := p.Content(t, bundle.Manifest{}, picture()).Envelope
	for name, c := range map[string]struct {
		envelope []byte
		says     string
	}{
		"somebody else has signed it":       {sealFresh(t, fresh(p, 4, 7), thief), "has not signed"},
		"the publisher has signed it":       {sealFresh(t, fresh(p, 4, 7), p.Key), "has not signed"},
		"a root key has signed it":          {sealFresh(t, fresh(p, 4, 7), p.Root), "has not signed"},
		"it is a manifest":                  {manifest, bundle.TypeManifest},
		"it is a root":                      {p.Chain[0], bundle.TypeRoot},
		"it is a ticket":                    {sealTicket(t, ticket(p), p.Key), bundle.TypeTicket},
		"a manifest was signed as it":       {seal(t, bundle.TypeFresh, payload(t, manifest), relay), "unknown field"},
		"it is another customer's":          {swap(`"acme"`, `"evil"`), `customer "evil"`},
		"it lasts for years":                {swap(`"2027-01-05`, `"2029-01-05`), "31 days"},
		"it ends before it begins":          {swap(`"2027-01-05`, `"2026-01-05`), "end after"},
		"a name is doubled":                 {swap(`"seq":7`, `"seq":7,"seq":7`), "canonical"},
		"a name is in another case":         {swap(`"seq"`, `"SEQ"`), "canonical"},
		"it is not UTF-8":                   {swap(`"lobby"`, "\"lobb\xff\""), "canonical"},
		"the stream is a path":              {swap(`"lobby"`, `"../by"`), "bundle's id"},
		"the manifest is none":              {swap(string(bundle.DigestOf([]byte("a manifest"))), "x"), "not a SHA-256"},
		"the serial is none":                {swap(`"seq":7`, `"seq":0`), "serial"},
		"bytes follow":                      {append(sealFresh(t, fresh(p, 4, 7), relay), '\n'), "canonical"},
		"it is huge":                        {make([]byte, bundle.MaxFresh+1), "is the most"},
		"it names who has signed it itself": {swap(`"customer"`, `"By":"x","customer"`), "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Trust(t).Fresh(c.envelope, relay.Public(), nil)
			wants(t, err, c.says)
		})
	}
}

func TestFreshnessIsNoManifestAndNoTicket(t *testing.T) {
	p := bundletest.New(t)
	sealed := sealFresh(t, fresh(p, 4, 7), p.Key, p.Root)
	trust := p.Trust(t)
	_, err := trust.Manifest(sealed)
	wants(t, err, bundle.TypeFresh)
	_, err = trust.Ticket(sealed)
	wants(t, err, bundle.TypeFresh)
	_, err = trust.Extend(sealed)
	wants(t, err, bundle.TypeFresh)
}

func TestTheRelaysKeyMayDoNothingElse(t *testing.T) {
	p, relay := bundletest.New(t), newKey(t)
	for _, role := range []string{bundle.RolePublisher, bundle.RoleRoot, bundle.RoleWarning} {
		r := bundle.Root{Format: bundle.FormatRoot, Customer: "acme", Version: 1, Issued: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
		r.Allow(bundle.RoleRoot, "root", p.Root.Public())
		r.Allow(bundle.RolePublisher, "publisher", p.Key.Public())
		r.Allow(bundle.RoleRelay, "relay", relay.Public())
		r.Allow(role, "relay", relay.Public())
		_, err := r.Seal(p.Root, relay)
		wants(t, err, "which is online")
	}
}

func FuzzFresh(f *testing.F) {
	p, relay := bundletest.New(f), ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := bundle.Elsewhere(relay)
	if err != nil {
		f.Fatal(err)
	}
	var e bundle.Envelope
	if err := json.Unmarshal(sealFresh(f, fresh(p, 4, 7), key), &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	trust := p.Trust(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := bundle.Seal(bundle.TypeFresh, b, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := trust.Fresh(sealed, key.Public(), nil)
		if err != nil {
			return
		}
		if again, err := got.Seal(key); err != nil || string(again) != string(sealed) {
			t.Errorf("taken, but its own encoding differs (%v): %q", err, b)
		}
	})
}
