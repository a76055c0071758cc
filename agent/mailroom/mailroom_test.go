package mailroom_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/mailroom"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
)

var begun = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// rig is a player with a mailroom, and its publisher.
type rig struct {
	t      *testing.T
	pub    *bundletest.Publisher
	trust  *bundle.Trust
	key    *age.X25519Identity
	dir    string
	vault  *secret.Vault
	room   *mailroom.Mailroom
	now    time.Time
	groups []string

	settled  []parcel.Settings
	reached  []parcel.Relay
	updated  []string
	exported int
	fails    error
}

func (r *rig) Settle(s parcel.Settings) error { r.settled = append(r.settled, s); return r.fails }
func (r *rig) Reach(to parcel.Relay)          { r.reached = append(r.reached, to) }
func (r *rig) Update(_ context.Context, u parcel.Update, _ mailroom.Blobs) error {
	r.updated = append(r.updated, u.Version)
	return r.fails
}
func (r *rig) Export(_ parcel.Export, via string) error {
	if via != "stick" {
		return errors.New("only by stick")
	}
	r.exported++
	return r.fails
}

func newRig(t *testing.T) *rig {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, pub: bundletest.New(t), key: key, dir: t.TempDir(), now: begun, groups: []string{"lobby"}}
	r.trust = r.pub.Trust(t)
	r.open()
	return r
}

// open is a start of the player.
func (r *rig) open() {
	r.t.Helper()
	publisher := func() string {
		if r.trust == nil {
			return ""
		}
		return string(r.trust.Fingerprint())
	}
	var err error
	r.vault, err = secret.New(secret.Config{Path: filepath.Join(r.dir, "vault.age"), Key: r.key.String(), Publisher: publisher})
	if err == nil {
		r.room, err = mailroom.New(mailroom.Config{Path: r.path(), Trust: func() *bundle.Trust { return r.trust }, Recipient: r.key.Recipient().String(),
			Names: func() ([]string, []string) { return []string{"p1", "key1"}, r.groups }, Now: func() (time.Time, time.Time) { return begun.Add(-time.Hour), r.now },
			Vault: r.vault, Do: r})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) path() string { return filepath.Join(r.dir, "parcels.json") }

func (r *rig) seal(p *parcel.Parcel, serial uint64, to *bundle.Targets) []byte {
	r.t.Helper()
	p.Signed = bundle.Signed{Customer: "acme", Root: 1, Serial: serial, Issued: begun.Add(-time.Hour), Expires: begun.Add(24 * time.Hour), Targets: to}
	key := r.pub.Key
	if p.Relay != nil || p.Update != nil {
		key = r.pub.Root
	}
	b, err := p.Seal(key)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rig) take(b []byte) (mailroom.Took, error) {
	return r.room.Take(r.t.Context(), b, "stick", nil)
}

func named(name string) *parcel.Parcel {
	return &parcel.Parcel{Settings: &parcel.Settings{Name: &name}}
}

func TestAParcelIsTakenOnceByWhomItIsForInItsTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []uint64 // serials that came before
		serial uint64
		to     *bundle.Targets
		at     time.Duration
		want   error
		fresh  bool
	}{
		{"for everyone", nil, 5, nil, 0, nil, true},
		{"for this player", nil, 5, &bundle.Targets{Players: []string{"p1"}}, 0, nil, true},
		{"for this player by its key", nil, 5, &bundle.Targets{Players: []string{"key1"}}, 0, nil, true},
		{"for its group", nil, 5, &bundle.Targets{Groups: []string{"hall", "lobby"}}, 0, nil, true},
		{"for another player", nil, 5, &bundle.Targets{Players: []string{"p2"}}, 0, bundle.ErrNotForHere, false},
		{"for another group", nil, 5, &bundle.Targets{Groups: []string{"hall"}}, 0, bundle.ErrNotForHere, false},
		{"after its time", nil, 5, nil, 24 * time.Hour, bundle.ErrExpired, false},
		{"by a clock that is behind", nil, 5, nil, -1000 * time.Hour, nil, true},
		{"the same again", []uint64{5}, 5, nil, 0, nil, false},
		{"an older one", []uint64{6}, 5, nil, 0, mailroom.ErrOlder, false},
		{"a newer one", []uint64{4}, 5, nil, 0, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			for _, n := range c.before {
				if _, err := r.take(r.seal(named("before"), n, nil)); err != nil {
					t.Fatal(err)
				}
			}
			r.open() // what it had outlives a restart
			r.now = begun.Add(c.at)
			got, err := r.take(r.seal(named("Hall"), c.serial, c.to))
			if !errors.Is(err, c.want) || c.want == nil && err != nil || got.Fresh != c.fresh {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
}

func TestAPlayerThatTrustsNobodyTakesNothing(t *testing.T) {
	r := newRig(t)
	b := r.seal(named("Hall"), 1, nil)
	r.trust = nil
	if _, err := r.take(b); !errors.Is(err, mailroom.ErrNobody) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsStandAboveTheRelaysAndGoWithTheNextOnes(t *testing.T) {
	r := newRig(t)
	relays := api.Settings{ID: "p1", Rev: 3, Name: "by the relay", Groups: []string{"hall"}, Zone: "Europe/Berlin"}
	p := named("by the publisher")
	p.Settings.Groups = []string{"lobby", "canteen"}
	if _, err := r.take(r.seal(p, 1, nil)); err != nil {
		t.Fatal(err)
	}
	got, err := r.room.Stand(relays)
	if err != nil || got.Name != "by the publisher" || !slices.Equal(got.Groups, []string{"lobby", "canteen"}) || got.Zone != "Europe/Berlin" || got.Rev != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	relays.Rev, relays.Zone = 4, "Europe/Paris"
	if got := r.room.Overlay(relays); got.Name != "by the publisher" || got.Zone != "Europe/Paris" || got.Rev != 4 {
		t.Errorf("%+v", got)
	}
	r.open()
	zone := "Europe/Rome"
	if _, err := r.take(r.seal(&parcel.Parcel{Settings: &parcel.Settings{Zone: &zone}}, 2, nil)); err != nil {
		t.Fatal(err)
	}
	if got, err := r.room.Stand(api.Settings{}); err != nil || got.Name != "by the relay" || got.Zone != zone {
		t.Errorf("what the publisher no longer says: %+v, %v", got, err)
	}
	r.pub = bundletest.New(t)
	r.trust = r.pub.Trust(t)
	if got := r.room.Overlay(relays); got.Zone != "Europe/Paris" {
		t.Errorf("settings of another publisher hold: %+v", got)
	}
}

func TestWhatACutKeptFromBeingDoneIsDoneAtTheNextStart(t *testing.T) {
	r := newRig(t)
	r.fails = errors.New("no renderer")
	if _, err := r.take(r.seal(named("Hall"), 1, nil)); err == nil {
		t.Fatal("it says that all was done")
	}
	r.open()
	r.fails = nil
	if err := r.room.Settle(); err != nil || len(r.settled) != 2 {
		t.Errorf("%v, %d times", err, len(r.settled))
	}
	r.open()
	if err := r.room.Settle(); err != nil || len(r.settled) != 2 {
		t.Errorf("once more: %v, %d times", err, len(r.settled))
	}
	r.fails = errors.New("half of it was read")
	up := &parcel.Parcel{Update: &parcel.Update{Version: "1.2.3", OS: "linux", Arch: "amd64", Programs: []parcel.Program{{Name: "vitrine-player", SHA256: bundle.DigestOf(nil), Size: 1}}}}
	if _, err := r.take(r.seal(up, 1, nil)); err == nil {
		t.Fatal("a broken update was taken")
	}
	r.fails = nil
	if got, err := r.take(r.seal(up, 1, nil)); err != nil || !got.Fresh || len(r.updated) != 2 {
		t.Errorf("the same update again: %+v, %v", got, err)
	}
}

func TestASecretIsForThisPlayerAloneAndEachNameCountsForItself(t *testing.T) {
	r := newRig(t)
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(name string, serial uint64, to ...*age.X25519Identity) []byte {
		p := &parcel.Parcel{Secret: &parcel.Secret{Name: name}}
		for _, k := range to {
			box, err := secret.Seal(k.Recipient().String(), secret.Sealed{Publisher: string(r.trust.Fingerprint()), Name: name, Serial: serial,
				Secret: &secret.Secret{Password: "pw-" + name, Hosts: []string{"files.example.lan"}}})
			if err != nil {
				t.Fatal(err)
			}
			p.Secret.Boxes = append(p.Secret.Boxes, parcel.Box{To: k.Recipient().String(), Box: box})
		}
		return r.seal(p, serial, nil)
	}
	if _, err := r.take(sealed("smb", 9, other)); !errors.Is(err, bundle.ErrNotForHere) {
		t.Errorf("sealed for another: %v", err)
	}
	if got, err := r.take(sealed("smb", 9, other, r.key)); err != nil || !got.Fresh {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := r.take(sealed("sql", 2, r.key)); err != nil || !got.Fresh {
		t.Errorf("another name with a lower serial: %v", err)
	}
	if _, err := r.take(sealed("smb", 8, r.key)); !errors.Is(err, mailroom.ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if s, err := r.vault.Open("smb", "files.example.lan"); err != nil || s.Password != "pw-smb" {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"parcels.json", "vault.age"} {
		b, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil || strings.Contains(string(b), "pw-s") {
			t.Errorf("%s: %v, or it tells the password", name, err)
		}
	}
}

func TestAnOrderForAnExportIsDoneWithEachStickButNotForTheRelay(t *testing.T) {
	r := newRig(t)
	b := r.seal(&parcel.Parcel{Export: &parcel.Export{To: []string{r.key.Recipient().String()}, Plays: true}}, 3, nil)
	for range 2 {
		if _, err := r.take(b); err != nil {
			t.Fatal(err)
		}
	}
	if r.exported != 2 {
		t.Errorf("%d exports", r.exported)
	}
	if _, err := r.room.Take(t.Context(), b, "relay", nil); err == nil {
		t.Error("the relay ordered one")
	}
}

func TestWhatWasTakenOutlivesDamageToEitherOfItsPlaces(t *testing.T) {
	for name, damage := range map[string]func(path string, b []byte) error{
		"a flipped bit of a serial": func(path string, b []byte) error {
			b[strings.Index(string(b), ": 7")+2] ^= 4 // 7 to 3: it is still JSON
			return os.WriteFile(path, b, 0o600)
		},
		"a flipped bit of the sum": func(path string, b []byte) error {
			b[len(b)-3] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
		"half of it":     func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o600) },
		"all but a byte": func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)-1], 0o600) },
		"no bytes":       func(path string, b []byte) error { return os.WriteFile(path, nil, 0o600) },
		"zeroes":         func(path string, b []byte) error { return os.WriteFile(path, make([]byte, len(b)), 0o600) },
		"no file":        func(path string, b []byte) error { return os.Remove(path) },
	} {
		for _, place := range []string{"parcels.json", "parcels.json.copy"} {
			t.Run(name+" in "+place, func(t *testing.T) {
				r := newRig(t)
				if _, err := r.take(r.seal(named("Hall"), 7, nil)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(r.dir, place)
				whole, err := os.ReadFile(path)
				if err == nil {
					err = damage(path, slices.Clone(whole))
				}
				if err != nil {
					t.Fatal(err)
				}
				r.open()
				if !slices.Equal(read(t, path), whole) {
					t.Error("it was not mended")
				}
				if _, err := r.take(r.seal(named("Foyer"), 6, nil)); !errors.Is(err, mailroom.ErrOlder) {
					t.Errorf("an older one: %v", err)
				}
				if got, err := r.take(r.seal(named("Hall"), 7, nil)); err != nil || got.Fresh {
					t.Errorf("the same again: %+v, %v", got, err)
				}
				if s := r.room.Overlay(api.Settings{}); s.Name != "Hall" {
					t.Errorf("it is named %q", s.Name)
				}
			})
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFileOfAnOlderPlayerIsRead(t *testing.T) {
	r := newRig(t)
	if _, err := r.take(r.seal(named("Hall"), 7, nil)); err != nil {
		t.Fatal(err)
	}
	b, _, _ := strings.Cut(string(read(t, r.path())), "\n#")
	if err := errors.Join(os.WriteFile(r.path(), []byte(b), 0o600), os.Remove(r.path()+".copy")); err != nil {
		t.Fatal(err)
	}
	r.open()
	if _, err := r.take(r.seal(named("Hall"), 6, nil)); !errors.Is(err, mailroom.ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if !slices.Equal(read(t, r.path()), read(t, r.path()+".copy")) {
		t.Error("it has no copy yet")
	}
}

func TestANewRootTakesBackTheSerialsOfAStolenKey(t *testing.T) {
	r := newRig(t)
	if _, err := r.take(r.seal(named("Thief's"), 1<<53-1, nil)); err != nil {
		t.Fatal(err)
	}
	own := func(root int, p *parcel.Parcel) []byte {
		p.Signed = bundle.Signed{Customer: "acme", Root: root, Serial: 5, Issued: begun.Add(-time.Hour), Expires: begun.Add(24 * time.Hour)}
		b, err := p.Seal(r.pub.Key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := r.take(own(1, named("Hall"))); !errors.Is(err, mailroom.ErrOlder) {
		t.Fatalf("before the new root: %v", err)
	}
	password := func(serial uint64, is string) *parcel.Parcel {
		to := r.key.Recipient().String()
		box, err := secret.Seal(to, secret.Sealed{Publisher: string(r.trust.Fingerprint()), Name: "smb", Serial: serial,
			Secret: &secret.Secret{Password: is, Hosts: []string{"files.example.lan"}}})
		if err != nil {
			t.Fatal(err)
		}
		return &parcel.Parcel{Secret: &parcel.Secret{Name: "smb", Boxes: []parcel.Box{{To: to, Box: box}}}}
	}
	if _, err := r.take(r.seal(password(1<<53-1, "thief's"), 1<<53-1, nil)); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.pub.Key, err = bundle.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	r.pub.NextRoot(t, nil)
	r.trust = r.pub.Trust(t)
	if _, err := r.take(own(1, named("Hall"))); !errors.Is(err, mailroom.ErrOlder) {
		t.Errorf("one of before the new root: %v", err)
	}
	for _, p := range []*parcel.Parcel{named("Hall"), password(5, "owner's")} {
		if got, err := r.take(own(2, p)); err != nil || !got.Fresh {
			t.Errorf("the owner's: %+v, %v", got, err)
		}
	}
	if s, err := r.vault.Open("smb", "files.example.lan"); err != nil || s.Password != "owner's" {
		t.Errorf("the secret is %+v, %v", s, err)
	}
}

func TestARelayIsTriedAndThenTakenOrLeft(t *testing.T) {
	r := newRig(t)
	to := parcel.Relay{Address: "https://relay.example:8443"}
	if _, err := r.take(r.seal(&parcel.Parcel{Relay: &to}, 1, nil)); err != nil || len(r.reached) != 1 {
		t.Fatal(err)
	}
	r.open()
	if now := r.room.Relay(); now == nil || now.State != mailroom.RelayTrying {
		t.Fatalf("after a restart: %+v", now)
	}
	if err := r.room.Left(to, errors.New("no route")); err != nil || r.room.Relay().State != mailroom.RelayLeft {
		t.Errorf("%v, %+v", err, r.room.Relay())
	}
	next := parcel.Relay{Address: "https://other.example:8443"}
	if _, err := r.take(r.seal(&parcel.Parcel{Relay: &next}, 2, nil)); err != nil {
		t.Fatal(err)
	}
	if err := r.room.Reached(to, "https://first"); err == nil {
		t.Error("the one before was taken though another was named")
	}
	if err := r.room.Reached(next, "https://first"); err != nil || r.room.Relay().State != mailroom.RelayTaken || r.room.Relay().Was != "https://first" {
		t.Errorf("%v, %+v", err, r.room.Relay())
	}
}

func TestADamagedFileIsSetAsideAndOutcomesAreBounded(t *testing.T) {
	r := newRig(t)
	for n := range uint64(30) {
		if _, err := r.take(r.seal(named("Hall"), n+1, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.take(r.seal(named("Hall"), 1, nil)); err == nil {
		t.Fatal("an older one was taken")
	}
	w := r.room.Word()
	if n := len(w.Outcomes); n != 20 || w.Outcomes[19].Error == "" || w.Outcomes[18].Serial != 30 {
		t.Errorf("%d outcomes, the last %+v", n, w.Outcomes[n-1])
	}
	for _, place := range []string{r.path(), r.path() + ".copy"} {
		if err := os.WriteFile(place, []byte("{\"serials\":"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.open()
	if _, err := os.Stat(r.path() + ".damaged"); err != nil {
		t.Error(err)
	}
	if got, err := r.take(r.seal(named("Hall"), 30, nil)); err != nil || !got.Fresh {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
}
