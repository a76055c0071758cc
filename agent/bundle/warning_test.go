package bundle_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

// warning is a good one of a publisher's.
func warning(p *bundletest.Publisher, serial uint64) *bundle.Warning {
	issued := time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC)
	return &bundle.Warning{Format: bundle.FormatWarning, Customer: p.Customer, Serial: serial, Root: len(p.Chain),
		Issued: issued, Expires: issued.Add(2 * time.Hour), CAP: []byte("<alert/>")}
}

func sealWarning(t testing.TB, w *bundle.Warning, keys ...bundle.PrivateKey) []byte {
	t.Helper()
	b, err := w.Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAWarningIsWhatItsPublisherHasSigned(t *testing.T) {
	p := bundletest.New(t)
	w := warning(p, 7)
	w.Targets = &bundle.Targets{Players: []string{"p1"}, Groups: []string{"lobby"}}
	got, err := p.Trust(t).Warning(sealWarning(t, w, p.Key))
	if err != nil {
		t.Fatal(err)
	}
	if got.Serial != 7 || string(got.CAP) != "<alert/>" || !got.Expires.Equal(w.Expires) {
		t.Errorf("it became %+v", got)
	}
	for name, c := range map[string]struct {
		player string
		groups []string
		want   bool
	}{
		"a player that is named":         {"p1", nil, true},
		"one of a group that is named":   {"p2", []string{"shop", "lobby"}, true},
		"another one":                    {"p2", []string{"shop"}, false},
		"one that has no name yet":       {"", nil, false},
		"one whose id is a group's name": {"lobby", nil, false},
	} {
		if got.For(c.player, c.groups) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
	if w.Targets = nil; !w.For("p9", nil) {
		t.Error("a warning without targets is not for everyone")
	}
}

func TestAWarningIsRefusedWhen(t *testing.T) {
	p, thief := bundletest.New(t), bundletest.New(t)
	good := payload(t, sealWarning(t, warning(p, 1), p.Key))
	swap := func(from, to string) []byte {
		return seal(t, bundle.TypeWarning, []byte(strings.Replace(string(good), from, to, 1)), p.Key)
	}
	flipped := sealWarning(t, warning(p, 1), p.Key)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		envelope []byte
		says     string
	}{
		"somebody else has signed it":            {sealWarning(t, warning(p, 1), thief.Key), "0 of the publisher keys"},
		"a root key has signed it":               {sealWarning(t, warning(p, 1), p.Root), "0 of the publisher keys"},
		"a bit is another":                       {flipped, ""},
		"it is a manifest":                       {p.Content(t, bundle.Manifest{}, picture()).Envelope, bundle.TypeManifest},
		"it is a root":                           {p.Chain[0], bundle.TypeRoot},
		"a manifest was signed as a warning":     {seal(t, bundle.TypeWarning, payload(t, p.Content(t, bundle.Manifest{}, picture()).Envelope), p.Key), "unknown field"},
		"it is a plain CAP message":              {[]byte("<?xml version='1.0'?><alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'/>"), "damaged"},
		"it is another customer's":               {swap(`"customer":"acme"`, `"customer":"evil"`), `customer "evil"`},
		"it has no serial":                       {swap(`"serial":1`, `"serial":0`), "serial"},
		"it never ends":                          {swap("2027-01-04T10:00:00Z", "2027-03-04T10:00:00Z"), "31 days"},
		"it ends before it begins":               {swap("2027-01-04T10:00:00Z", "2027-01-04T07:00:00Z"), "end after"},
		"it was signed under a root to come":     {swap(`"root":1`, `"root":2`), "newer roots"},
		"a name is doubled":                      {swap(`"serial":1`, `"serial":1,"serial":2`), "canonical"},
		"bytes follow":                           {append(sealWarning(t, warning(p, 1), p.Key), ' '), "canonical"},
		"it is huge":                             {make([]byte, bundle.MaxWarning+1), "is the most"},
		"it names nobody in the list of targets": {swap(`"serial":1`, `"serial":1,"targets":{}`), "meant for 0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Trust(t).Warning(c.envelope)
			wants(t, err, c.says)
		})
	}
	var root *bundle.NewRootError
	if _, err := p.Trust(t).Warning(swap(`"root":1`, `"root":2`)); !errors.As(err, &root) || root.Needs != 2 {
		t.Errorf("a root to come is not told apart: %v", err)
	}
}

func TestAWarningIsNoManifest(t *testing.T) {
	p := bundletest.New(t)
	_, err := p.Trust(t).Manifest(sealWarning(t, warning(p, 1), p.Key))
	wants(t, err, bundle.TypeWarning)
}

func TestARootMayNameWhoWarns(t *testing.T) {
	p, guard := bundletest.New(t), newKey(t)
	p.NextRoot(t, func(r *bundle.Root) { r.Allow(bundle.RoleWarning, "guard", guard.Public()) })
	if _, err := p.Trust(t).Warning(sealWarning(t, warning(p, 1), guard)); err != nil {
		t.Errorf("the guard's own: %v", err)
	}
	_, err := p.Trust(t).Warning(sealWarning(t, warning(p, 1), p.Key))
	wants(t, err, "0 of the warning keys")
	_, err = p.Trust(t).Manifest(seal(t, bundle.TypeManifest, payload(t, p.Content(t, bundle.Manifest{}, picture()).Envelope), guard))
	wants(t, err, "0 of the publisher keys")
}

// Whoever holds a key may sign anything; what is taken keeps the rules and has one encoding.
func FuzzWarning(f *testing.F) {
	p := bundletest.New(f)
	var e bundle.Envelope
	if err := json.Unmarshal(sealWarning(f, warning(p, 1), p.Key), &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	trust := p.Trust(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := bundle.Seal(bundle.TypeWarning, b, p.Key)
		if err != nil {
			t.Fatal(err)
		}
		w, err := trust.Warning(sealed)
		if err != nil {
			return
		}
		if again, err := w.Seal(p.Key); err != nil || string(again) != string(sealed) {
			t.Errorf("taken, but its own encoding differs (%v): %q", err, b)
		}
	})
}
