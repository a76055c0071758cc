package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"vitrine/agent/secret"
)

const canary = "c4n4ry-Zitronenfalter"

func key(t testing.TB) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rig is a player with a vault.
type rig struct {
	key       *age.X25519Identity
	path      string
	publisher string
	vault     *secret.Vault
}

func newRig(t testing.TB) *rig {
	r := &rig{key: key(t), path: filepath.Join(t.TempDir(), "vault.age"), publisher: "acme"}
	r.open(t)
	return r
}

func (r *rig) open(t testing.TB) {
	t.Helper()
	var err error
	if r.vault, err = secret.New(secret.Config{Path: r.path, Key: r.key.String(), Publisher: func() string { return r.publisher }}); err != nil {
		t.Fatal(err)
	}
}

func login(hosts ...string) secret.Secret {
	return secret.Secret{User: "screen", Password: canary, Hosts: hosts}
}

func TestASecretIsGivenForItsHostsAlone(t *testing.T) {
	for _, c := range []struct {
		name, bound, asked string
		ok                 bool
	}{
		{"its host", "files.example.lan", "files.example.lan", true},
		{"any port of a host bound without one", "files.example.lan", "files.example.lan:445", true},
		{"case and the root's dot do not count", "Files.Example.lan.", "FILES.example.LAN", true},
		{"the port that it is bound to", "db.example.lan:5432", "db.example.lan:5432", true},
		{"another port", "db.example.lan:5432", "db.example.lan:5433", false},
		{"no port where one is bound", "db.example.lan:5432", "db.example.lan", false},
		{"another host", "files.example.lan", "evil.example.com", false},
		{"a host that only ends alike", "example.lan", "files.example.lan", false},
		{"a host that only begins alike", "files.example.lan", "files.example.lan.evil.com", false},
		{"a user before the host", "files.example.lan", "files.example.lan@evil.com", false},
		{"an IPv4 address", "192.0.2.7", "192.0.2.7:21", true},
		{"an IPv6 address in another spelling", "2001:db8::1", "[2001:0db8:0:0:0:0:0:1]:443", true},
		{"nothing", "files.example.lan", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if err := r.vault.Set("smb", login(c.bound)); err != nil {
				t.Fatal(err)
			}
			got, err := r.vault.Open("smb", c.asked)
			if c.ok && (err != nil || got.Password != canary) {
				t.Fatalf("%v", err)
			}
			if !c.ok && (!errors.Is(err, secret.ErrHost) || got.Password != "" || !strings.Contains(err.Error(), "may be sent to")) {
				t.Fatalf("%q was given, %v", got.User, err)
			}
		})
	}
}

func TestWhatIsNoSecretIsRefusedInASentence(t *testing.T) {
	long := strings.Repeat("x", 33<<10)
	for _, c := range []struct {
		name, called string
		s            secret.Secret
		want         string
	}{
		{"a name that leaves the folder", "../../etc", login("a"), "letters, digits"},
		{"an empty name", "", login("a"), "letters, digits"},
		{"no host", "a", login(), "bound to 0 hosts"},
		{"a URL as a host", "a", login("https://files.example.lan/x"), "is not a host"},
		{"every host", "a", login("*"), "is not a host"},
		{"a port that is none", "a", login("host:99999"), "is not a host"},
		{"nothing in it", "a", secret.Secret{Hosts: []string{"a"}}, "is empty"},
		{"a book for a password", "a", secret.Secret{Password: long, Hosts: []string{"a"}}, "32 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := newRig(t).vault.Set(c.called, c.s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestASealedSecretIsForOnePlayerOnePublisherAndOneTime(t *testing.T) {
	r, other := newRig(t), newRig(t)
	seal := func(r *rig, s secret.Sealed) []byte {
		t.Helper()
		b, err := secret.Seal(r.key.Recipient().String(), s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s := login("files.example.lan")
	box := seal(r, secret.Sealed{Publisher: "acme", Name: "smb", Serial: 5, Secret: &s})
	if bytes.Contains(box, []byte(canary)) {
		t.Error("the box can be read")
	}
	for _, c := range []struct {
		name      string
		r         *rig
		box       []byte
		publisher string
		called    string
		serial    uint64
		want      string
	}{
		{"another player", other, box, "acme", "smb", 5, "sealed for another player"},
		{"half a box", r, box[:len(box)-9], "acme", "smb", 5, "changed on its way"},
		{"in another publisher's envelope", r, box, "thief", "smb", 5, "envelope of their own"},
		{"under another name", r, box, "acme", "sql", 5, "envelope of their own"},
		{"under another serial", r, box, "acme", "smb", 6, "envelope of their own"},
		{"of a publisher that the player does not believe", r, seal(r, secret.Sealed{Publisher: "thief", Name: "smb", Serial: 9, Secret: &s}), "thief", "smb", 9, "another publisher"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.r.vault.Take(c.box, c.publisher, c.called, c.serial, "stick"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
	if fresh, err := r.vault.Take(box, "acme", "smb", 5, "stick"); err != nil || !fresh {
		t.Fatalf("%v, %v", fresh, err)
	}
	if fresh, err := r.vault.Take(box, "acme", "smb", 5, "relay"); err != nil || fresh {
		t.Errorf("the same again: %v, %v", fresh, err)
	}
	if _, err := r.vault.Take(seal(r, secret.Sealed{Publisher: "acme", Name: "smb", Serial: 4, Secret: &s}), "acme", "smb", 4, "relay"); !errors.Is(err, secret.ErrOlder) {
		t.Errorf("an older one: %v", err)
	}
	if err := r.vault.Remove("smb"); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if fresh, _ := r.vault.Take(box, "acme", "smb", 5, "stick"); fresh {
		t.Error("what was taken away came back with the old stick")
	}
	if _, err := r.vault.Open("smb", "files.example.lan"); !errors.Is(err, secret.ErrNone) {
		t.Errorf("after removal: %v", err)
	}
	if _, err := r.vault.Take(seal(r, secret.Sealed{Publisher: "acme", Name: "smb", Serial: 7, Secret: &s}), "acme", "smb", 7, "stick"); err != nil {
		t.Fatal(err)
	}
	if fresh, err := r.vault.Take(seal(r, secret.Sealed{Publisher: "acme", Name: "smb", Serial: 8}), "acme", "smb", 8, "stick"); err != nil || !fresh {
		t.Fatal(err)
	}
	if _, err := r.vault.Open("smb", "files.example.lan"); !errors.Is(err, secret.ErrNone) {
		t.Errorf("after its publisher took it away: %v", err)
	}
}

func TestAnotherPublishersBundleCannotUseASecret(t *testing.T) {
	r := newRig(t)
	if err := r.vault.Set("smb", login("files.example.lan")); err != nil {
		t.Fatal(err)
	}
	r.publisher = "thief"
	if _, err := r.vault.Open("smb", "files.example.lan"); !errors.Is(err, secret.ErrPublisher) {
		t.Errorf("got %v", err)
	}
	if l := r.vault.List(); len(l) != 1 || !l[0].Foreign {
		t.Errorf("the list is %v", l)
	}
	r.publisher = ""
	if err := r.vault.Set("smb", login("files.example.lan")); err == nil || !strings.Contains(err.Error(), "trusts no publisher yet") {
		t.Errorf("without a publisher: %v", err)
	}
	if _, err := r.vault.Open("smb", "files.example.lan"); err == nil {
		t.Error("it was given to nobody's bundle")
	}
}

func TestADamagedVaultIsToldAndSetAside(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"one bit":         func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"cut":             func(b []byte) []byte { return b[:len(b)/2] },
		"empty":           func([]byte) []byte { return nil },
		"another's vault": func([]byte) []byte { return foreign(t) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if err := r.vault.Set("smb", login("files.example.lan")); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(r.path)
			if err != nil {
				t.Fatal(err)
			}
			bad := spoil(bytes.Clone(b))
			if err := os.WriteFile(r.path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			r.open(t)
			if _, err := r.vault.Open("smb", "files.example.lan"); !errors.Is(err, secret.ErrDamaged) || r.vault.Fault() == nil {
				t.Fatalf("got %v", err)
			}
			if err := r.vault.Set("smb", login("files.example.lan")); err != nil || r.vault.Fault() != nil {
				t.Fatalf("%v, %v", err, r.vault.Fault())
			}
			if aside, err := os.ReadFile(r.path + ".damaged"); err != nil || !bytes.Equal(aside, bad) {
				t.Errorf("the damaged one was not set aside: %v", err)
			}
		})
	}
}

func foreign(t *testing.T) []byte {
	r := newRig(t)
	if err := r.vault.Set("smb", login("files.example.lan")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNothingThatPrintsTellsASecret(t *testing.T) {
	r := newRig(t)
	s := secret.Secret{User: "u-" + canary, Password: canary, Token: canary, Key: canary, Domain: canary, Client: canary, Tenant: canary, Hosts: []string{"files.example.lan"}}
	if err := r.vault.Set("smb", s); err != nil {
		t.Fatal(err)
	}
	type holder struct{ Auth secret.Secret }
	var out bytes.Buffer
	for _, v := range []any{s, &s, holder{s}, []secret.Secret{s}, map[string]secret.Secret{"a": s}, r.vault, struct{ V *secret.Vault }{r.vault}, r.vault.List(),
		secret.Sealed{Publisher: "acme", Name: "smb", Serial: 1, Secret: &s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		out.Write(b)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("event", "value", v)
		}
		func() {
			defer func() { fmt.Fprint(&out, recover()) }()
			panic(v)
		}()
	}
	for _, call := range []func() error{
		func() error { _, err := r.vault.Open("smb", "evil.example.com"); return err },
		func() error { return r.vault.Set("x y", s) },
		func() error { return r.vault.Set("x", secret.Secret{Password: canary}) },
		func() error { return r.vault.Set("x", secret.Secret{Password: canary + "\x00", Hosts: s.Hosts}) },
	} {
		fmt.Fprintln(&out, call())
	}
	hex := fmt.Sprintf("%x", canary)
	b, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{canary, hex} {
		if bytes.Contains(out.Bytes(), []byte(c)) || bytes.Contains(b, []byte(c)) {
			i := max(bytes.Index(out.Bytes(), []byte(c)), 0)
			t.Errorf("it is told: …%s…", out.Bytes()[max(0, i-80):min(out.Len(), i+80)])
		}
	}
}

func FuzzASealedSecretThatAnybodyHasMade(f *testing.F) {
	k := key(f)
	s := login("files.example.lan")
	good, err := secret.Seal(k.Recipient().String(), secret.Sealed{Publisher: "acme", Name: "smb", Serial: 1, Secret: &s})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte("age-encryption.org/v1\n"))
	path := filepath.Join(f.TempDir(), "vault.age")
	f.Fuzz(func(t *testing.T, box []byte) {
		v, err := secret.New(secret.Config{Path: path, Key: k.String(), Publisher: func() string { return "acme" }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Take(box, "acme", "smb", 1, "stick"); err == nil && !bytes.Equal(box, good) {
			t.Fatalf("a box that nobody sealed was taken")
		}
	})
}
