package cloud_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/api"
)

const pin = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// sealed signs a parcel for an hour, with the root's key too where it must.
func sealed(t *testing.T, pub *bundletest.Publisher, p *parcel.Parcel, serial uint64, to *bundle.Targets) []byte {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	p.Signed = bundle.Signed{Customer: pub.Customer, Root: len(pub.Chain), Serial: serial, Issued: now, Expires: now.Add(time.Hour), Targets: to}
	key := pub.Key
	if p.Relay != nil || p.Update != nil {
		key = pub.Root
	}
	b, err := p.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func settings(volume int) *parcel.Parcel {
	return &parcel.Parcel{Settings: &parcel.Settings{Volume: &volume}}
}

// gets are the serials that somebody is given.
func gets(t *testing.T, c *api.Client) (serials map[uint64]bool, state string) {
	t.Helper()
	serials = map[uint64]bool{}
	page, err := c.Parcels(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.Items {
		serials[p.Serial] = true
	}
	return serials, page.State
}

func TestParcelsAreHandedToThoseTheyAreForAndToldAtOnce(t *testing.T) {
	dir := t.TempDir()
	g := start(t, dir, nil)
	g.push(t, "lobby", 1, "a")
	hall, shop := g.claimed(t, "Hall", "lobby"), g.claimed(t, "Shop", "shops")
	put := func(b []byte) error {
		_, err := g.admin.PutParcel(t.Context(), string(bundle.DigestOf(b)), b)
		return err
	}
	if d, err := hall.Heartbeat(t.Context(), hall.id, api.Heartbeat{Boot: "a", Rev: 1, Root: 1, Mail: &api.Mail{}}, 0); err != nil || d != nil && d.Mail != "" {
		t.Fatalf("before any parcel: %+v, %v", d, err)
	}
	told := make(chan *api.Desired, 1)
	go func() {
		d, err := hall.Heartbeat(t.Context(), hall.id, api.Heartbeat{Boot: "a", Seq: 1, Rev: 1, Root: 1, Mail: &api.Mail{}}, 50*time.Second)
		if err != nil {
			t.Error(err)
		}
		told <- d
	}()
	everyone := sealed(t, g.pub, settings(1), 1, nil)
	for _, b := range [][]byte{everyone, everyone, sealed(t, g.pub, settings(2), 2, &bundle.Targets{Groups: []string{"lobby"}}),
		sealed(t, g.pub, settings(3), 3, &bundle.Targets{Players: []string{shop.id}}),
		sealed(t, g.pub, &parcel.Parcel{Relay: &parcel.Relay{Address: "https://relay.example", Pin: pin}}, 4, &bundle.Targets{Groups: []string{"shops"}})} {
		if err := put(b); err != nil {
			t.Fatal(err)
		}
	}
	if d := <-told; d == nil || d.Mail == "" {
		t.Errorf("the waiting heartbeat was told %+v", d)
	}
	mine, state := gets(t, hall.Client)
	if len(mine) != 2 || !mine[1] || !mine[2] {
		t.Errorf("the hall gets %v", mine)
	}
	if theirs, _ := gets(t, shop.Client); len(theirs) != 3 || theirs[2] {
		t.Errorf("the shop gets %v", theirs)
	}
	if all, _ := gets(t, g.admin); len(all) != 4 {
		t.Errorf("a person sees %v", all)
	}
	if d, err := hall.Heartbeat(t.Context(), hall.id, api.Heartbeat{Boot: "a", Seq: 2, Rev: 1, Root: 1, Mail: &api.Mail{State: state}}, 0); err != nil || d != nil && d.Mail != "" {
		t.Errorf("a player that has looked is told %+v, %v", d, err)
	}
	if _, err := g.admin.ChangePlayer(t.Context(), hall.id, 0, api.Changes{Groups: &[]string{"shops"}}); err != nil {
		t.Fatal(err)
	}
	if d, err := hall.Heartbeat(t.Context(), hall.id, api.Heartbeat{Boot: "a", Seq: 3, Rev: 2, Root: 1, Mail: &api.Mail{State: state}}, 0); err != nil || d == nil || d.Mail == "" {
		t.Errorf("a player that has come into another group is told %+v, %v", d, err)
	}
	if d, err := shop.Heartbeat(t.Context(), shop.id, api.Heartbeat{Boot: "a", Rev: 1, Root: 1}, 0); err != nil || d != nil && d.Mail != "" {
		t.Errorf("an older player, which knows no parcels, is told %+v, %v", d, err)
	}
	g.stop()
	again := start(t, dir, nil)
	again.admin.Token = api.Fixed(g.token)
	if all, _ := gets(t, again.admin); len(all) != 4 {
		t.Errorf("after a restart a person sees %v", all)
	}
}

func TestTheRelayTakesNoParcelThatPlayersWouldRefuse(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	if err := func() error {
		b := sealed(t, bundletest.New(t), settings(1), 1, nil)
		_, err := g.admin.PutParcel(t.Context(), string(bundle.DigestOf(b)), b)
		return err
	}(); err == nil || !strings.Contains(err.Error(), "root") {
		t.Errorf("without a root: %v", err)
	}
	g.push(t, "lobby", 1, "a")
	thief := bundletest.New(t)
	relay := &parcel.Parcel{Relay: &parcel.Relay{Address: "https://relay.example", Pin: pin}}
	relay.Signed = bundle.Signed{Customer: "acme", Root: 1, Serial: 1, Issued: time.Now().UTC().Truncate(time.Second), Expires: time.Now().UTC().Add(time.Hour).Truncate(time.Second)}
	byPublisher, err := relay.Seal(g.pub.Key)
	if err != nil {
		t.Fatal(err)
	}
	relay.Issued, relay.Expires = relay.Issued.Add(-2*time.Hour), relay.Issued.Add(-time.Hour)
	over, err := relay.Seal(g.pub.Root)
	if err != nil {
		t.Fatal(err)
	}
	program := bytes.Repeat([]byte("program"), 1000)
	update := sealed(t, g.pub, &parcel.Parcel{Update: &parcel.Update{Version: "1.2.3", OS: "linux", Arch: "amd64",
		Programs: []parcel.Program{{Name: "vitrine-player", SHA256: bundle.DigestOf(program), Size: int64(len(program))}}}}, 1, nil)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"another publisher's":                  {sealed(t, thief, settings(1), 1, nil), "have signed"},
		"a relay that the publisher has named": {byPublisher, "root keys"},
		"one whose time is over":               {over, "time is over"},
		"no parcel":                            {[]byte("{}"), "parcel"},
		"an update whose programs are missing": {update, "not on the relay"},
	} {
		if _, err := g.admin.PutParcel(t.Context(), string(bundle.DigestOf(c.b)), c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	good := sealed(t, g.pub, settings(1), 1, nil)
	if _, err := g.admin.PutParcel(t.Context(), strings.Repeat("0", 64), good); err == nil {
		t.Error("one under another's name was taken")
	}
	var missing *api.Problem
	if _, err := g.admin.PutParcel(t.Context(), string(bundle.DigestOf(update)), update); !errors.As(err, &missing) || missing.Type != api.ProblemMissing || len(missing.Missing) != 1 {
		t.Errorf("%+v", err)
	}
	if err := g.admin.PutBlob(t.Context(), string(bundle.DigestOf(program)), int64(len(program)), bytes.NewReader(program), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := g.admin.PutParcel(t.Context(), string(bundle.DigestOf(update)), update); err != nil {
		t.Errorf("with its programs: %v", err)
	}
}

func publicOf(d *device) ed25519.PublicKey { return d.key.Public().(ed25519.PublicKey) }

func TestAPlayerThatNeverCallsIsAdoptedByItsOwnWord(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d, other := g.device(t), g.device(t)
	in := api.Adoption{Public: publicOf(d), Seal: api.NewSeal("age1kiosk", d.key), Version: "0.1.0", Claim: api.Claim{Name: "Kiosk", Groups: []string{"kiosks"}}}
	p, err := g.admin.Adopt(t.Context(), in)
	if err != nil || p.Name != "Kiosk" || p.ID == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	in.Name = "Other"
	if again, err := g.admin.Adopt(t.Context(), in); err != nil || again.ID != p.ID || again.Name != "Kiosk" {
		t.Errorf("once more: %+v, %v", again, err)
	}
	in.Public = publicOf(other)
	if _, err := g.admin.Adopt(t.Context(), in); err == nil {
		t.Error("a key that has not signed was adopted")
	}
	in.Seal = nil
	if _, err := g.admin.Adopt(t.Context(), in); err == nil {
		t.Error("a key without a word was adopted")
	}
	in.Public, in.Seal, in.Claim = publicOf(other), api.NewSeal("age1x", other.key), api.Claim{}
	if _, err := g.admin.Adopt(t.Context(), in); err == nil {
		t.Error("a player without a name was adopted")
	}
}
