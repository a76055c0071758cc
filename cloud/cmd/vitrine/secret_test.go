package main

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"vitrine/agent/bundle/parcel"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
)

// kiosk is a player as "vitrine-player status --json" tells of it.
type kiosk struct {
	key  ed25519.PrivateKey
	seal *age.X25519Identity
}

func newKiosk(t *testing.T) *kiosk {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &kiosk{key, seal}
}

// status writes what the player says of itself; by may be another's word.
func (k *kiosk) status(t *testing.T, id string, seal *api.Seal) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"id": id, "name": "Kiosk", "public": k.key.Public(), "seal": seal, "volume": 3})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "status.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretIsSealedForThePlayerAloneAndForNobodyElsesKey(t *testing.T) {
	alone(t)
	keys, out := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "smb.parcel")
	right(t, "key", "new", "--dir", keys, "--customer", "acme", "--no-passphrase")
	k, thief := newKiosk(t), newKiosk(t)
	own := api.NewSeal(k.seal.Recipient().String(), k.key)
	seal := func(file string) output {
		return vitrine(t, "Zitronenfalter\n", "secret", "seal", "smb", "--players", file, "--host", "files.example.lan", "--keys", keys, "-o", out)
	}
	if o := seal(k.status(t, "p1", api.NewSeal(thief.seal.Recipient().String(), thief.key))); o.code != exitRefused || !strings.Contains(o.errors, "somebody in between") {
		t.Errorf("another's key for secrets: %+v", o)
	}
	if o := seal(k.status(t, "p1", nil)); o.code != exitRefused || !strings.Contains(o.errors, "has not told a key for secrets") {
		t.Errorf("no key for secrets: %+v", o)
	}
	if o := seal(k.status(t, "p1", own)); o.code != exitRight || strings.Contains(o.out+o.errors, "Zitronenfalter") {
		t.Fatalf("%+v", o)
	}
	if o := seal(thief.status(t, "p1", api.NewSeal(thief.seal.Recipient().String(), thief.key))); o.code != exitRefused || !strings.Contains(o.errors, "another key than when") {
		t.Errorf("another player under the same id: %+v", o)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := readChain(keys)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parcel.Open(trust, b)
	if err != nil {
		t.Fatal(err)
	}
	box, ok := p.Secret.BoxFor(k.seal.Recipient().String())
	if !ok || len(p.Secret.Boxes) != 1 {
		t.Fatalf("%d boxes", len(p.Secret.Boxes))
	}
	v, err := secret.New(secret.Config{Path: filepath.Join(t.TempDir(), "vault"), Key: k.seal.String(), Publisher: func() string { return string(trust.Fingerprint()) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Take(box, string(trust.Fingerprint()), "smb", p.Serial, "stick"); err != nil {
		t.Fatal(err)
	}
	if s, err := v.Open("smb", "files.example.lan"); err != nil || s.Password != "Zitronenfalter" {
		t.Errorf("%v", err)
	}
	before := p.Serial
	right(t, "secret", "remove", "smb", "--players", k.status(t, "p1", own), "--keys", keys, "-o", out)
	if b, err = os.ReadFile(out); err == nil {
		p, err = parcel.Open(trust, b)
	}
	if err != nil || p.Serial <= before {
		t.Errorf("the removal has serial %d after %d, %v", p.Serial, before, err)
	}
}

func TestWhatIsNoParcelIsRefusedBeforeItIsSigned(t *testing.T) {
	alone(t)
	keys, out := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "x.parcel")
	right(t, "key", "new", "--dir", keys, "--customer", "acme", "--no-passphrase")
	to := []string{"--keys", keys, "-o", out}
	for name, c := range map[string]struct {
		code int
		says string
		args []string
	}{
		"a relay without TLS":         {exitRefused, "https://relay", []string{"parcel", "relay", "http://relay.example"}},
		"a pin that is none":          {exitRefused, "sha256:", []string{"parcel", "relay", "https://relay.example", "--new-pin", "12"}},
		"a folder without programs":   {exitRefused, "holds none of", []string{"parcel", "update", keys, "--version", "1.2.3"}},
		"too loud":                    {exitRefused, "0 to 100", []string{"parcel", "settings", "--volume", "300"}},
		"a volume that is no number":  {exitUsage, "write a number", []string{"parcel", "settings", "--volume", "loud"}},
		"a secret for a group":        {exitUsage, "name them with --for", []string{"secret", "seal", "smb", "--group", "lobby", "--host", "a"}},
		"a secret for nobody":         {exitUsage, "for which players", []string{"secret", "seal", "smb", "--host", "a"}},
		"a recipient that is none":    {exitRefused, "is not a player's key", []string{"secret", "seal", "smb", "--host", "a", "--recipient", "age1x"}},
		"an export without a key":     {exitRefused, "vitrine export key", []string{"export", "order"}},
		"a time that is too long":     {exitRefused, "400 days", []string{"parcel", "settings", "--volume", "3", "--expires", "20000h"}},
		"an export of something else": {exitUsage, "plays, logs and screenshot", []string{"export", "order", "--only", "mail"}},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, c.code, c.says, append(c.args, to...)...) })
	}
	right(t, "parcel", "settings", "--volume", "30", "--keys", keys, "-o", out)
	if said := right(t, "parcel", "show", out, "--keys", keys); !strings.Contains(said, "signed as players want it") || !strings.Contains(said, `"volume":30`) {
		t.Errorf("it shows %s", said)
	}
	bundled := filepath.Join(keys, "root", "1.json")
	refuses(t, exitRefused, "does not know", "parcel", "sign", bundled, "--keys", keys) // a root is not signed by the way
}

func TestARelayIsNamedByAsManyRootKeysAsMustSign(t *testing.T) {
	alone(t)
	keys, safe, out := filepath.Join(t.TempDir(), "keys"), t.TempDir(), filepath.Join(t.TempDir(), "relay.parcel")
	right(t, "key", "new", "--dir", keys, "--customer", "acme", "--root-keys", "3", "--threshold", "2", "--no-passphrase")
	for _, n := range []string{"root-2.key", "root-3.key"} {
		if err := os.Rename(filepath.Join(keys, n), filepath.Join(safe, n)); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, exitRefused, "2 of the root keys", "parcel", "relay", "https://relay.example", "--keys", keys, "--stick", t.TempDir())
	o := vitrine(t, "", "parcel", "relay", "https://relay.example", "--keys", keys, "-o", out)
	if o.code != exitRight || !strings.Contains(o.errors, "more people must sign") {
		t.Fatalf("%+v", o)
	}
	refuses(t, exitRefused, "players would refuse", "parcel", "send", out, "--keys", keys, "--stick", t.TempDir())
	if said := right(t, "parcel", "sign", out, "--keys", keys, "--key", filepath.Join(safe, "root-3.key")); !strings.Contains(said, "relay https://relay.example") || !strings.Contains(said, "signed as players want it") {
		t.Errorf("it says %s", said)
	}
	stick := t.TempDir()
	right(t, "parcel", "send", out, "--keys", keys, "--stick", stick)
	if names, err := filepath.Glob(filepath.Join(stick, "vitrine", "parcels", "relay-*.json")); err != nil || len(names) != 1 {
		t.Errorf("on the stick: %v, %v", names, err)
	}
}

func TestAStickCarriesTheNewestOfEachAndKeepsItsBundle(t *testing.T) {
	alone(t)
	keys, stick := filepath.Join(t.TempDir(), "keys"), t.TempDir()
	right(t, "key", "new", "--dir", keys, "--customer", "acme", "--no-passphrase")
	for _, volume := range []string{"10", "20", "30"} {
		right(t, "parcel", "settings", "--volume", volume, "--keys", keys, "--stick", stick)
	}
	right(t, "parcel", "settings", "--volume", "40", "--group", "lobby", "--keys", keys, "--stick", stick)
	index, err := readStick(filepath.Join(stick, "vitrine"))
	if err != nil || len(index.Parcels) != 2 {
		t.Errorf("the index names %q, %v", index.Parcels, err)
	}
	other := filepath.Join(t.TempDir(), "keys")
	right(t, "key", "new", "--dir", other, "--customer", "evil", "--no-passphrase")
	refuses(t, exitRefused, "another publisher", "parcel", "settings", "--volume", "10", "--keys", other, "--stick", stick)
}
