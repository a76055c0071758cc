package parcel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/bundle/parcel"
)

const (
	recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	pin       = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	digest    = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func head() bundle.Signed {
	return bundle.Signed{Customer: "acme", Root: 1, Serial: 7, Issued: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
}

func volume(n int) *parcel.Parcel {
	return &parcel.Parcel{Signed: head(), Settings: &parcel.Settings{Volume: &n}}
}

func kinds() map[parcel.Kind]*parcel.Parcel {
	return map[parcel.Kind]*parcel.Parcel{
		parcel.KindSecret:   {Signed: head(), Secret: &parcel.Secret{Name: "smb", Boxes: []parcel.Box{{To: recipient, Box: []byte("sealed")}}}},
		parcel.KindSettings: volume(40),
		parcel.KindRelay:    {Signed: head(), Relay: &parcel.Relay{Address: "https://relay.example:8443", Pin: pin}},
		parcel.KindUpdate:   {Signed: head(), Update: &parcel.Update{Version: "1.2.3", OS: "linux", Arch: "amd64", Programs: []parcel.Program{{Name: "vitrine-player", SHA256: digest, Size: 9}}}},
		parcel.KindExport:   {Signed: head(), Export: &parcel.Export{To: []string{recipient}, Plays: true}},
	}
}

func seal(t testing.TB, p *parcel.Parcel, keys ...bundle.PrivateKey) []byte {
	t.Helper()
	b, err := p.Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEachKindIsSignedByTheRoleThatMayAndByNoOther(t *testing.T) {
	pub, thief, release := bundletest.New(t), bundletest.New(t), bundletest.New(t)
	trust := pub.Trust(t)
	pub.NextRoot(t, func(r *bundle.Root) { r.Allow(parcel.RoleRelease, "release", release.Key.Public()) })
	own := pub.Trust(t) // a root that names a release role
	for kind, p := range kinds() {
		right, wrong := pub.Key, pub.Root
		if kind == parcel.KindRelay || kind == parcel.KindUpdate {
			right, wrong = pub.Root, pub.Key
		}
		if got, err := parcel.Open(trust, seal(t, p, right)); err != nil || got.Kind() != kind {
			t.Errorf("%s: %v", kind, err)
		}
		for who, key := range map[string]bundle.PrivateKey{"the other role": wrong, "another publisher": thief.Key, "another root": thief.Root} {
			if _, err := parcel.Open(trust, seal(t, p, key)); !errors.Is(err, bundle.ErrUnsigned) {
				t.Errorf("%s signed by %s: %v", kind, who, err)
			}
		}
		if kind != parcel.KindUpdate {
			continue
		}
		if _, err := parcel.Open(own, seal(t, p, release.Key)); err != nil {
			t.Errorf("by the release role: %v", err)
		}
		for who, key := range map[string]bundle.PrivateKey{"the root beside a release role": pub.Root, "the publisher": pub.Key} {
			if _, err := parcel.Open(own, seal(t, p, key)); !errors.Is(err, bundle.ErrUnsigned) {
				t.Errorf("update signed by %s: %v", who, err)
			}
		}
	}
}

func TestNothingElseIsAParcelAndNoParcelIsAnythingElse(t *testing.T) {
	pub := bundletest.New(t)
	trust := pub.Trust(t)
	settings := seal(t, volume(40), pub.Key)
	var e bundle.Envelope
	if err := json.Unmarshal(settings, &e); err != nil {
		t.Fatal(err)
	}
	as := func(payloadType string) []byte {
		b, err := bundle.Seal(payloadType, e.Payload, pub.Key, pub.Root)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := trust.Manifest(settings); err == nil {
		t.Error("a parcel was taken as a manifest")
	}
	if _, err := trust.Ticket(settings); err == nil {
		t.Error("a parcel was taken as a ticket")
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"settings under the type of a relay":   {as(parcel.KindRelay.Type()), "holds a settings instead"},
		"settings under the type of a ticket":  {as(bundle.TypeTicket), "does not know"},
		"settings under the type of a root":    {as(bundle.TypeRoot), "does not know"},
		"a kind of another time":               {as(parcel.Kind("reboot").Type()), "update the player"},
		"a type that only was written over it": {bytes.Replace(settings, []byte("parcel-settings"), []byte("parcel-relay"), 1), "have signed"},
		"a byte more":                          {append(bytes.Clone(settings), ' '), "damaged"},
		"one bit":                              {flip(settings), ""},
		"nothing":                              {nil, "damaged"},
		"too much":                             {make([]byte, parcel.Max+1), "is the most"},
	} {
		if _, err := parcel.Open(trust, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

func TestWhatCannotBeIsNotSigned(t *testing.T) {
	pub := bundletest.New(t)
	other, zone, turn, loud := "x\x00", "Paris", 45, 101
	update := func(edit func(*parcel.Update)) *parcel.Parcel {
		p := kinds()[parcel.KindUpdate]
		edit(p.Update)
		return p
	}
	for name, c := range map[string]struct {
		p    *parcel.Parcel
		want string
	}{
		"nothing":                   {&parcel.Parcel{Signed: head()}, "holds nothing"},
		"two things":                {&parcel.Parcel{Signed: head(), Settings: &parcel.Settings{}, Export: &parcel.Export{}}, "several things"},
		"no end":                    {&parcel.Parcel{Signed: bundle.Signed{Customer: "acme", Root: 1, Serial: 1, Issued: head().Issued}, Settings: &parcel.Settings{}}, "expires"},
		"no serial":                 {&parcel.Parcel{Signed: bundle.Signed{Customer: "acme", Root: 1, Issued: head().Issued, Expires: head().Expires}, Settings: &parcel.Settings{}}, "serial is 0"},
		"an end in ten years":       {&parcel.Parcel{Signed: bundle.Signed{Customer: "acme", Root: 1, Serial: 1, Issued: head().Issued, Expires: head().Issued.AddDate(10, 0, 0)}, Settings: &parcel.Settings{}}, "within 400 days"},
		"a name that cannot be":     {&parcel.Parcel{Signed: head(), Settings: &parcel.Settings{Name: &other}}, "cannot be printed"},
		"a zone that is none":       {&parcel.Parcel{Signed: head(), Settings: &parcel.Settings{Zone: &zone}}, "Europe/Paris"},
		"half a turn":               {&parcel.Parcel{Signed: head(), Settings: &parcel.Settings{Rotate: &turn}}, "0, 90, 180 and 270"},
		"too loud":                  {&parcel.Parcel{Signed: head(), Settings: &parcel.Settings{Volume: &loud}}, "0 to 100"},
		"a relay without TLS":       {&parcel.Parcel{Signed: head(), Relay: &parcel.Relay{Address: "http://relay.example"}}, "https://relay"},
		"a relay with a password":   {&parcel.Parcel{Signed: head(), Relay: &parcel.Relay{Address: "https://u:p@relay.example"}}, "https://relay"},
		"a pin that is none":        {&parcel.Parcel{Signed: head(), Relay: &parcel.Relay{Address: "https://relay.example", Pin: "abc"}}, "sha256:"},
		"a relay tried for a month": {&parcel.Parcel{Signed: head(), Relay: &parcel.Relay{Address: "https://relay.example", Within: 2592000}}, "are allowed"},
		"a program of another name": {update(func(u *parcel.Update) { u.Programs[0].Name = "../../bin/sh" }), "is not one of"},
		"no player in it":           {update(func(u *parcel.Update) { u.Programs[0].Name = "vitrine" }), "does not bring vitrine-player"},
		"a version that is none":    {update(func(u *parcel.Update) { u.Version = "1.2.3/.." }), "not like 1.2.3"},
		"a secret for nobody":       {&parcel.Parcel{Signed: head(), Secret: &parcel.Secret{Name: "smb"}}, "sealed for 0 players"},
		"a secret by a path":        {&parcel.Parcel{Signed: head(), Secret: &parcel.Secret{Name: "../smb", Boxes: []parcel.Box{{To: recipient, Box: []byte("x")}}}}, "letters, digits"},
		"an export for nobody":      {&parcel.Parcel{Signed: head(), Export: &parcel.Export{Plays: true}}, "0 recipients"},
		"an export of nothing":      {&parcel.Parcel{Signed: head(), Export: &parcel.Export{To: []string{recipient}}}, "export of nothing"},
	} {
		if _, err := c.p.Seal(pub.Key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAParcelUnderANewerRootAsksForIt(t *testing.T) {
	pub := bundletest.New(t)
	old := pub.Trust(t)
	p := volume(1)
	p.Root = 2
	b := seal(t, p, pub.Key)
	var newer *bundle.NewRootError
	if _, err := parcel.Open(old, b); !errors.As(err, &newer) || newer.Needs != 2 {
		t.Fatalf("got %v", err)
	}
	pub.NextRoot(t, nil)
	if _, err := parcel.Open(pub.Trust(t), b); err != nil {
		t.Error(err)
	}
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"1.2.3", "1.2.3", 0}, {"1.2.10", "1.2.9", 1}, {"0.9.0", "0.10.0", -1}, {"", "0.0.1", -1}, {"x", "y", 0}, {"2.0.0", "1.99.99", 1}} {
		if got := parcel.Compare(c.a, c.b); got != c.want {
			t.Errorf("%q against %q: %d", c.a, c.b, got)
		}
	}
}

func FuzzAParcelOfAStranger(f *testing.F) {
	pub := bundletest.New(f)
	trust := pub.Trust(f)
	good := map[string]bool{}
	for kind, p := range kinds() {
		key := pub.Key
		if kind == parcel.KindRelay || kind == parcel.KindUpdate {
			key = pub.Root
		}
		b := seal(f, p, key)
		good[string(b)] = true
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(`{"payload":"","payloadType":"application/vnd.vitrine.parcel-relay+json","signatures":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parcel.Peek(b)
		if _, err := parcel.Open(trust, b); err == nil && !good[string(b)] {
			t.Fatalf("nobody signed %q", b)
		}
	})
}
