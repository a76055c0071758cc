package bundle_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

// council is a customer whose keys change only when two of three people sign.
type council struct {
	alice, bob, carol, publisher bundle.PrivateKey
	root                         *bundle.Root
}

func newCouncil(t testing.TB) *council {
	c := &council{}
	for i, k := range []*bundle.PrivateKey{&c.alice, &c.bob, &c.carol, &c.publisher} { // the same in every process: fuzzing has several
		made, err := bundle.Elsewhere(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize)))
		if err != nil {
			t.Fatal(err)
		}
		*k = made
	}
	c.root = &bundle.Root{Format: bundle.FormatRoot, Customer: "acme", Version: 1, Issued: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Note: "the beginning"}
	c.root.Allow(bundle.RoleRoot, "Alice", c.alice.Public())
	c.root.Allow(bundle.RoleRoot, "Bob", c.bob.Public())
	c.root.Allow(bundle.RoleRoot, "Carol", c.carol.Public())
	c.root.Allow(bundle.RolePublisher, "publisher", c.publisher.Public())
	c.root.Roles[bundle.RoleRoot] = bundle.Role{Keys: c.root.Roles[bundle.RoleRoot].Keys, Threshold: 2}
	return c
}

// travel sends a draft to another machine.
func travel(t testing.TB, d *bundle.Draft) *bundle.Draft {
	t.Helper()
	b, err := d.Request()
	if err != nil {
		t.Fatal(err)
	}
	other, err := bundle.ReadRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestTwoOfThreePeopleSignARootOnThreeMachines(t *testing.T) {
	c := newCouncil(t)
	office, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := office.Envelope(); !errors.Is(err, bundle.ErrLacks) {
		t.Errorf("nobody has signed: %v", err)
	}
	atAlice, atCarol := travel(t, office), travel(t, office)
	if !reflect.DeepEqual(atAlice.Words(), office.Words()) {
		t.Error("two machines show other words for the same draft")
	}
	for _, sign := range []error{atAlice.Sign(c.alice), atCarol.Sign(c.carol)} {
		if sign != nil {
			t.Fatal(sign)
		}
	}
	if n, err := office.Join(travel(t, atAlice)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	lacks := office.Lacks()
	if len(lacks) != 1 || lacks[0].Have != 1 || lacks[0].Need != 2 || len(lacks[0].Could) != 2 {
		t.Errorf("after one signature it lacks %+v", lacks)
	}
	if n, err := office.Join(travel(t, atAlice)); n != 0 || err != nil {
		t.Errorf("the same signature again counted: %d, %v", n, err)
	}
	if n, err := office.Join(travel(t, atCarol)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	first, err := office.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.NewTrust([][]byte{first})
	if err != nil {
		t.Fatal(err)
	}
	h := trust.History()
	if len(h) != 1 || h[0].Note != "the beginning" || len(h[0].Signed) != 2 || h[0].Signed[0].Name != "Alice" || h[0].Signed[1].Name != "Carol" {
		t.Errorf("its history is %+v", h)
	}
}

func TestASignatureCountsOnlyWhen(t *testing.T) {
	c := newCouncil(t)
	draft, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, draft.Sign(newKey(t)), "none of those")
	wants(t, draft.Sign(c.publisher), "none of those")

	// A request whose carrier has put in a stranger's signature, and Alice's twice under other names.
	if err := draft.Sign(c.alice); err != nil {
		t.Fatal(err)
	}
	sealed, err := draft.Request()
	if err != nil {
		t.Fatal(err)
	}
	var q struct {
		Format   string          `json:"format"`
		Envelope bundle.Envelope `json:"envelope"`
	}
	if err := json.Unmarshal(sealed, &q); err != nil {
		t.Fatal(err)
	}
	var strange bundle.Envelope
	if err := json.Unmarshal(seal(t, q.Envelope.PayloadType, q.Envelope.Payload, newKey(t)), &strange); err != nil {
		t.Fatal(err)
	}
	mine := q.Envelope.Signatures[0]
	q.Envelope.Signatures = []bundle.Signature{strange.Signatures[0], {KeyID: c.bob.ID(), Sig: mine.Sig}, {KeyID: c.carol.ID(), Sig: mine.Sig}}
	forged, err := json.Marshal(map[string]any{"envelope": map[string]any{"payload": q.Envelope.Payload, "payloadType": q.Envelope.PayloadType,
		"signatures": q.Envelope.Signatures}, "format": q.Format})
	if err != nil {
		t.Fatal(err)
	}
	got, err := bundle.ReadRequest(forged)
	if err != nil {
		t.Fatal(err)
	}
	if signed := got.Signed(); len(signed) != 1 || signed[0].ID != c.alice.ID() {
		t.Errorf("counted: %+v", signed)
	}
}

func TestASignatureOverAnotherDraftIsNotTaken(t *testing.T) {
	c := newCouncil(t)
	one, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.root.Note = "another"
	two, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Sign(c.alice); err != nil {
		t.Fatal(err)
	}
	_, err = one.Join(two)
	wants(t, err, "something else")
}

func TestASignatureThatAgentsMakeIsLookedAt(t *testing.T) {
	c := newCouncil(t)
	draft, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	liar, err := bundle.Elsewhere(liar{c.alice})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, draft.Sign(liar), "signed something else")
	if len(draft.Signed()) != 0 {
		t.Error("its signature stays")
	}
}

func TestARequestIsRefusedWhen(t *testing.T) {
	p := bundletest.New(t)
	k := ticket(p)
	draft, err := k.Draft(p.Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	good, err := draft.Request()
	if err != nil {
		t.Fatal(err)
	}
	swap := func(from, to string) []byte {
		out := strings.Replace(string(good), from, to, 1)
		if out == string(good) {
			t.Fatalf("%q is not in it", from)
		}
		return []byte(out)
	}
	for name, c := range map[string]struct {
		request []byte
		says    string
	}{
		"it is nothing":                      {nil, "too early"},
		"it is a manifest":                   {p.Content(t, bundle.Manifest{}, picture()).Envelope, "no request"},
		"its format is another":              {swap("vitrine-request/1", "vitrine-request/2"), "format"},
		"a name is doubled":                  {swap(`"format"`, `"format":"vitrine-request/1","format"`), "canonical"},
		"bytes follow":                       {append(bytes.Clone(good), 'x'), "canonical"},
		"what is to be signed is of no kind": {swap("vitrine.ticket+json", "vitrine.fresh+json"), "none that is signed"},
		"a ticket is passed off as a root":   {swap("vitrine.ticket+json", "vitrine.root+json"), "root 2"},
		"it has no chain":                    {[]byte(`{"envelope":{"payload":"e30=","payloadType":"application/vnd.vitrine.manifest+json","signatures":[]},"format":"vitrine-request/1"}`), "no key chain"},
		"its chain is not one":               {[]byte(`{"chain":["e30="],"envelope":{"payload":"e30=","payloadType":"application/vnd.vitrine.manifest+json","signatures":[]},"format":"vitrine-request/1"}`), "key chain"},
		"it is huge":                         {make([]byte, bundle.MaxRequest+1), "is the most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.ReadRequest(c.request)
			wants(t, err, c.says)
		})
	}
	if got, err := bundle.ReadRequest(good); err != nil || got.Ticket == nil || got.Ticket.Players[0] != "p1" {
		t.Errorf("the good one: %v", err)
	}
}

func TestAManifestIsSignedByTwoPublishersApart(t *testing.T) {
	p := bundletest.New(t)
	second := newKey(t)
	p.NextRoot(t, func(r *bundle.Root) {
		r.Allow(bundle.RolePublisher, "second", second.Public())
		r.Roles[bundle.RolePublisher] = bundle.Role{Keys: r.Roles[bundle.RolePublisher].Keys, Threshold: 2}
	})
	m := p.Content(t, bundle.Manifest{}, picture()).Manifest
	draft, err := m.Draft(p.Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []bundle.PrivateKey{p.Key, second} {
		there := travel(t, draft)
		if err := there.Sign(k); err != nil {
			t.Fatal(err)
		}
		if _, err := draft.Join(there); err != nil {
			t.Fatal(err)
		}
	}
	sealed, err := draft.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Trust(t).Manifest(sealed); err != nil || got.Seq != m.Seq {
		t.Errorf("%v", err)
	}
}

func TestAHistorySaysWhoWasRevokedWhenAndByWhom(t *testing.T) {
	c := newCouncil(t)
	draft, err := c.root.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := draft.Sign(c.alice, c.bob); err != nil {
		t.Fatal(err)
	}
	first, err := draft.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.NewTrust([][]byte{first})
	if err != nil {
		t.Fatal(err)
	}
	next := *c.root
	fresh := newKey(t)
	next.Version, next.Issued, next.Note = 2, c.root.Issued.AddDate(0, 1, 0), "laptop stolen"
	next.Keys = map[string]bundle.Key{}
	next.Roles = map[string]bundle.Role{bundle.RoleRoot: c.root.Roles[bundle.RoleRoot]}
	for id, k := range c.root.Keys {
		if id != c.publisher.ID() {
			next.Keys[id] = k
		}
	}
	next.Allow(bundle.RolePublisher, "new publisher", fresh.Public())
	if draft, err = next.Draft(trust); err != nil {
		t.Fatal(err)
	}
	if err := draft.Sign(c.bob, c.carol); err != nil {
		t.Fatal(err)
	}
	second, err := draft.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if trust, err = trust.Extend(second); err != nil {
		t.Fatal(err)
	}
	step := trust.History()[1]
	want := bundle.Step{Version: 2, Issued: next.Issued, Note: "laptop stolen",
		Signed: []bundle.Named{{ID: c.bob.ID(), Name: "Bob"}, {ID: c.carol.ID(), Name: "Carol"}},
		Changes: []bundle.Change{{What: bundle.Removed, Role: bundle.RolePublisher, Key: &bundle.Named{ID: c.publisher.ID(), Name: "publisher"}},
			{What: bundle.Added, Role: bundle.RolePublisher, Key: &bundle.Named{ID: fresh.ID(), Name: "new publisher"}}}}
	if !reflect.DeepEqual(step, want) {
		t.Errorf("step 2 is %+v; want %+v", step, want)
	}
	if trust.RootAt(1).Version != 1 || trust.RootAt(2) != trust.Root() || trust.RootAt(0) != nil || trust.RootAt(3) != nil {
		t.Error("RootAt gives another version")
	}
}

// liar is a device that says it has one key and signs with another.
type liar struct{ says bundle.PrivateKey }

func (l liar) Public() crypto.PublicKey { return l.says.Public() }

func (l liar) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return ed25519.Sign(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), message), nil
}

// What comes from another machine may be anything: no panic, and no signature counts that its key has not made.
func FuzzRequest(f *testing.F) {
	c := newCouncil(f)
	draft, err := c.root.Draft(nil)
	if err != nil {
		f.Fatal(err)
	}
	if err := draft.Sign(c.alice); err != nil {
		f.Fatal(err)
	}
	good, err := draft.Request()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := bundle.ReadRequest(b)
		if err != nil {
			return
		}
		for _, k := range d.Signed() {
			if k.ID != c.alice.ID() || d.Digest() != draft.Digest() {
				t.Errorf("%s has signed what it never saw", k.Name)
			}
		}
		if _, err := d.Envelope(); err == nil {
			t.Errorf("complete with one signature of two: %q", b)
		}
	})
}
