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

// ticket is a good one of a publisher's, for one player and one group, for a month.
func ticket(p *bundletest.Publisher) *bundle.Ticket {
	issued := time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC)
	return &bundle.Ticket{Format: bundle.FormatTicket, Customer: p.Customer, Root: len(p.Chain), Issued: issued,
		NotBefore: issued, NotAfter: issued.AddDate(0, 1, 0), Players: []string{"p1"}, Groups: []string{"lobby"},
		Manifest: bundle.DigestOf([]byte("a manifest")), Extras: map[string]bundle.Digest{"settings.json": bundle.DigestOf([]byte("{}"))}}
}

func sealTicket(t testing.TB, k *bundle.Ticket, keys ...bundle.PrivateKey) []byte {
	t.Helper()
	b, err := k.Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestATicketIsWhatItsPublisherHasSigned(t *testing.T) {
	p := bundletest.New(t)
	got, err := p.Trust(t).Ticket(sealTicket(t, ticket(p), p.Key))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Names(bundle.DigestOf([]byte("a manifest"))) || got.Names(bundle.DigestOf([]byte("another"))) || got.Names("") {
		t.Errorf("it names %s", got.Manifest)
	}
	if got.Extras["settings.json"] != bundle.DigestOf([]byte("{}")) || got.Players[0] != "p1" {
		t.Errorf("it became %+v", got)
	}
}

func TestATicketAdmitsOnlyThoseThatItNamesInItsTime(t *testing.T) {
	p := bundletest.New(t)
	day := func(month time.Month, n int) time.Time { return time.Date(2027, month, n, 12, 0, 0, 0, time.UTC) }
	everyone := func(k *bundle.Ticket) { k.Players, k.Groups = nil, nil }
	for name, c := range map[string]struct {
		change func(*bundle.Ticket)
		bearer bundle.Bearer
		want   error
	}{
		"the player that it names":                        {nil, bundle.Bearer{Player: "p1", Now: day(1, 10)}, nil},
		"a player of a group that it names":               {nil, bundle.Bearer{Player: "p2", Groups: []string{"shop", "lobby"}, Now: day(1, 10)}, nil},
		"another player":                                  {nil, bundle.Bearer{Player: "p2", Groups: []string{"shop"}, Now: day(1, 10)}, bundle.ErrNotForHere},
		"a player that was never claimed":                 {nil, bundle.Bearer{Now: day(1, 10)}, bundle.ErrNotForHere},
		"a player whose id is a group's name":             {nil, bundle.Bearer{Player: "lobby", Now: day(1, 10)}, bundle.ErrNotForHere},
		"anyone, when it names nobody":                    {everyone, bundle.Bearer{Now: day(1, 10)}, nil},
		"nobody before its time":                          {nil, bundle.Bearer{Player: "p1", Now: day(1, 3)}, bundle.ErrNotYet},
		"nobody after its time":                           {nil, bundle.Bearer{Player: "p1", Now: day(2, 10)}, bundle.ErrExpired},
		"nobody after its time, by the floor alone":       {nil, bundle.Bearer{Player: "p1", Past: day(2, 10)}, bundle.ErrExpired},
		"nobody after its time, whatever the clock says":  {nil, bundle.Bearer{Player: "p1", Past: day(2, 10), Now: day(1, 10)}, bundle.ErrExpired},
		"a player whose clock woke in 1970":               {nil, bundle.Bearer{Player: "p1", Past: day(1, 1)}, nil},
		"a player without a clock, when it has no bounds": {func(k *bundle.Ticket) { k.NotBefore, k.NotAfter = time.Time{}, time.Time{} }, bundle.Bearer{Player: "p1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			k := ticket(p)
			if c.change != nil {
				c.change(k)
			}
			got, err := p.Trust(t).Ticket(sealTicket(t, k, p.Key))
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Admits(c.bearer); !errors.Is(err, c.want) {
				t.Errorf("%v; want %v", err, c.want)
			}
		})
	}
}

func TestATicketIsRefusedWhen(t *testing.T) {
	p, thief := bundletest.New(t), bundletest.New(t)
	good := payload(t, sealTicket(t, ticket(p), p.Key))
	resign := func(b string) []byte { return seal(t, bundle.TypeTicket, []byte(b), p.Key) }
	swap := func(from, to string) []byte {
		out := strings.Replace(string(good), from, to, 1)
		if out == string(good) {
			t.Fatalf("%q is not in the ticket", from)
		}
		return resign(out)
	}
	flipped := sealTicket(t, ticket(p), p.Key)
	flipped[len(flipped)/2] ^= 1
	manifest := p.Content(t, bundle.Manifest{}, picture()).Envelope
	for name, c := range map[string]struct {
		envelope []byte
		says     string
	}{
		"somebody else has signed it":           {sealTicket(t, ticket(p), thief.Key), "0 of the publisher keys"},
		"a root key has signed it":              {sealTicket(t, ticket(p), p.Root), "0 of the publisher keys"},
		"a bit is another":                      {flipped, ""},
		"it is a manifest":                      {manifest, bundle.TypeManifest},
		"it is a root":                          {p.Chain[0], bundle.TypeRoot},
		"it is a warning":                       {sealWarning(t, warning(p, 1), p.Key), bundle.TypeWarning},
		"a manifest was signed as a ticket":     {seal(t, bundle.TypeTicket, payload(t, manifest), p.Key), "unknown field"},
		"it is another customer's":              {swap(`"customer":"acme"`, `"customer":"evil"`), `customer "evil"`},
		"it was signed under a root to come":    {swap(`"root":1`, `"root":2`), "newer roots"},
		"a name is doubled":                     {swap(`"root":1`, `"root":1,"root":1`), "canonical"},
		"a name is in another case":             {swap(`"root":1`, `"Root":1`), "canonical"},
		"bytes follow":                          {append(sealTicket(t, ticket(p), p.Key), ' '), "canonical"},
		"bytes follow within":                   {resign(string(good) + " "), "canonical"},
		"it is not UTF-8":                       {swap(`"lobby"`, "\"lobb\xff\""), "canonical"},
		"it ends before it begins":              {swap("2027-02-04", "2027-01-03"), "end after"},
		"it names nothing":                      {resign(`{"customer":"acme","format":"vitrine-ticket/1","issued":"2027-01-04T08:00:00Z","root":1}`), "neither"},
		"its manifest is a path":                {swap(string(bundle.DigestOf([]byte("a manifest"))), "../../etc/shadow"), "not a SHA-256"},
		"something else on it leaves the stick": {swap("settings.json", "../settings.json"), "plain path"},
		"a name turns the direction of a line":  {swap("lobby", "lob\u202eby"), "not one line"},
		"it is huge":                            {make([]byte, bundle.MaxTicket+1), "is the most"},
		"it is nothing":                         {nil, "too early"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Trust(t).Ticket(c.envelope)
			wants(t, err, c.says)
		})
	}
	var root *bundle.NewRootError
	if _, err := p.Trust(t).Ticket(swap(`"root":1`, `"root":2`)); !errors.As(err, &root) || root.Needs != 2 {
		t.Errorf("a root to come is not told apart: %v", err)
	}
}

func TestATicketIsNoManifestNoWarningAndNoRoot(t *testing.T) {
	p := bundletest.New(t)
	sealed := sealTicket(t, ticket(p), p.Key, p.Root)
	_, err := p.Trust(t).Manifest(sealed)
	wants(t, err, bundle.TypeTicket)
	_, err = p.Trust(t).Warning(sealed)
	wants(t, err, bundle.TypeTicket)
	_, err = p.Trust(t).Extend(sealed)
	wants(t, err, bundle.TypeTicket)
}

func TestATicketOfARevokedPublisherIsRefused(t *testing.T) {
	p := bundletest.New(t)
	old := sealTicket(t, ticket(p), p.Key)
	p.Key = newKey(t)
	p.NextRoot(t, nil)
	_, err := p.Trust(t).Ticket(old)
	wants(t, err, "0 of the publisher keys of root 2")
}

// Whoever holds a key may sign anything; what is taken keeps the rules and has one encoding.
func FuzzTicket(f *testing.F) {
	p := bundletest.New(f)
	var e bundle.Envelope
	if err := json.Unmarshal(sealTicket(f, ticket(p), p.Key), &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	trust := p.Trust(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := bundle.Seal(bundle.TypeTicket, b, p.Key)
		if err != nil {
			t.Fatal(err)
		}
		k, err := trust.Ticket(sealed)
		if err != nil {
			return
		}
		if again, err := k.Seal(p.Key); err != nil || string(again) != string(sealed) {
			t.Errorf("taken, but its own encoding differs (%v): %q", err, b)
		}
		_ = k.Admits(bundle.Bearer{Player: "p1", Groups: []string{"lobby"}, Past: time.Unix(0, 0), Now: time.Now()})
	})
}
