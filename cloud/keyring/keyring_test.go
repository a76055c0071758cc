package keyring_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/keyring"
)

// sshAgent starts a real one and gives it these keys' files.
func sshAgent(t *testing.T, files ...string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "a")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("openssh-client is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	if _, err := out.Read(make([]byte, 1)); err != nil { // it says where it listens once it does
		t.Fatal(err)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	for _, f := range files {
		if out, err := exec.Command("ssh-add", f).CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v: %s", err, out)
		}
	}
}

// sshKey makes a key as OpenSSH does.
func sshKey(t *testing.T, kind, name string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	return file
}

func public(t *testing.T, path string) keyring.Public {
	t.Helper()
	p, err := keyring.ReadPublic(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// founded is a ring with a root key in a file and a publisher's key from elsewhere.
func founded(t *testing.T, publisher keyring.Public) *keyring.Ring {
	t.Helper()
	dir := t.TempDir()
	root, err := keyring.Make(filepath.Join(dir, "root-1"), "root", "")
	if err != nil {
		t.Fatal(err)
	}
	r := &bundle.Root{Format: bundle.FormatRoot, Customer: "acme", Version: 1, Issued: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for role, p := range map[string]keyring.Public{bundle.RoleRoot: root.Public, bundle.RolePublisher: publisher} {
		if err := keyring.Add(r, role, p); err != nil {
			t.Fatal(err)
		}
	}
	draft, err := r.Draft(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := root.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := draft.Sign(key); err != nil {
		t.Fatal(err)
	}
	ring := &keyring.Ring{Dir: dir}
	if _, done, err := ring.Settle(draft); err != nil || !done {
		t.Fatal(done, err)
	}
	return ring
}

// ticket is something for a publisher to sign.
func ticket() *bundle.Ticket {
	return &bundle.Ticket{Format: bundle.FormatTicket, Customer: "acme", Root: 1, Issued: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Manifest: bundle.DigestOf(nil)}
}

func TestAKeyThatARealSSHAgentHoldsSignsAsAFileDoes(t *testing.T) {
	file := sshKey(t, "ed25519", "card of Alice")
	ring := founded(t, public(t, file+".pub"))
	t.Setenv("SSH_AUTH_SOCK", "")
	if _, err := ring.Publishers(bundle.RolePublisher, nil); err == nil || !strings.Contains(err.Error(), "0 of them are here") {
		t.Errorf("without the agent: %v", err)
	}
	sshAgent(t, sshKey(t, "rsa", "old"), sshKey(t, "ecdsa", "other"), file)
	if err := os.Remove(file); err != nil { // nobody but the agent has it now
		t.Fatal(err)
	}
	held, err := keyring.Agent()
	if err != nil || len(held) != 1 || held[0].Name != "card of Alice" || held[0].Where() != "ssh-agent" {
		t.Fatalf("of three keys, one is an Ed25519 key: %+v, %v", held, err)
	}
	keys, err := ring.Publishers(bundle.RolePublisher, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ticket().Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Trust().Ticket(sealed); err != nil {
		t.Errorf("players refuse it: %v", err)
	}
	if _, err := bundle.EncodeKey(keys[0]); err == nil {
		t.Error("a key that an agent holds was written")
	}
	if out, err := exec.Command("ssh-add", "-D").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := ticket().Seal(keys...); err == nil || !strings.Contains(err.Error(), "does not sign") {
		t.Errorf("after the card was pulled: %v", err)
	}
}

func TestAnSSHAgentThatIsNotThereIsNone(t *testing.T) {
	for _, socket := range []string{"", filepath.Join(t.TempDir(), "nothing")} {
		t.Setenv("SSH_AUTH_SOCK", socket)
		if _, err := keyring.Agent(); err == nil {
			t.Errorf("%q has keys", socket)
		}
		ring := &keyring.Ring{Dir: t.TempDir()}
		if keys, err := ring.Keys(); err != nil || len(keys) != 0 {
			t.Errorf("%v, %v", keys, err)
		}
	}
}

func TestALockedKeyOpensWithItsPassphraseAlone(t *testing.T) {
	dir := t.TempDir()
	made, err := keyring.Make(filepath.Join(dir, "a.key"), "Alice", "a good passphrase")
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyring.File(made.Path)
	if err != nil || !k.Locked || k.ID != made.ID || k.Name != "Alice" {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, err := k.Open(nil); err == nil || !strings.Contains(err.Error(), "nobody can be asked") {
		t.Errorf("%v", err)
	}
	said := []string{"wrong", "a good passphrase"}
	opened, err := k.Open(func(string) (string, error) {
		next := said[0]
		said = said[1:]
		return next, nil
	})
	if err != nil || opened.ID() != made.ID {
		t.Errorf("the second try: %v", err)
	}
	asked := 0
	if _, err = k.Open(func(string) (string, error) { asked++; return "", nil }); !errors.Is(err, keyring.ErrPassphrase) || asked != 3 {
		t.Errorf("asked %d times, then %v", asked, err)
	}
	b, err := os.ReadFile(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	if seed := regexp.MustCompile(`PRIVATE KEY`); seed.Match(b) {
		t.Error("the key lies open")
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(made.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err = keyring.File(made.Path); err == nil {
		_, err = k.Open(func(string) (string, error) { return "a good passphrase", nil })
	}
	if err == nil {
		t.Error("a damaged key opens")
	}
	if _, err := keyring.Make(made.Path, "Alice", ""); err == nil || !strings.Contains(err.Error(), "never replaced") {
		t.Errorf("%v", err)
	}
}

func TestTheHalvesOfAKeyMustBelongTogether(t *testing.T) {
	dir := t.TempDir()
	a, err := keyring.Make(filepath.Join(dir, "a"), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := keyring.Make(filepath.Join(dir, "b"), "b", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.WritePublic(filepath.Join(dir, "a.pub"), b.Public); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.File(a.Path); err == nil || !strings.Contains(err.Error(), "not the halves of one key") {
		t.Errorf("%v", err)
	}
}

func TestAPublicKeyIsRefusedWhen(t *testing.T) {
	for name, text := range map[string]string{
		"it is nothing":                "",
		"it is a private key":          "-----BEGIN PRIVATE KEY-----\n",
		"it is of another type":        readFile(t, sshKey(t, "ecdsa", "x")+".pub"),
		"two keys are there":           readFile(t, sshKey(t, "ed25519", "x")+".pub") + readFile(t, sshKey(t, "ed25519", "x")+".pub"),
		"it has options":               `command="rm" ` + readFile(t, sshKey(t, "ed25519", "x")+".pub"),
		"it is cut off":                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
		"it is of a security key":      "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIHJ4nJd9IcSTZbUqA0q4uZMvd8mTy7mL3b4m5s4vG0aUAAAABHNzaDo= x",
		"it is longer than any key is": strings.Repeat("x", 10<<10),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.pub")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if p, err := keyring.ReadPublic(path); err == nil {
				t.Errorf("taken: %+v", p)
			}
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPassphrasesAreWeakWhen(t *testing.T) {
	for passphrase, weak := range map[string]bool{
		"": true, "secret": true, "Tr0ub4dor&3": true, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa": true, "1234567890123456789012345": true, " four horses and a bicycle in the snow": true,
		"abcdefghijklmnopqrstuvwxyz": true, "four horses and a bicycle in the snow": false, "Wh9$kq2!vB7xZ0p&": false, "sept éléphants roses sous la pluie": false,
	} {
		if why := keyring.Weak(passphrase); (why != "") != weak {
			t.Errorf("%q: %q", passphrase, why)
		}
	}
	one, two := keyring.Passphrase(), keyring.Passphrase()
	if one == two || keyring.Weak(one) != "" || strings.Count(one, "-") != 7 {
		t.Errorf("made: %q and %q", one, two)
	}
}

func TestAChangeIsRefusedWhen(t *testing.T) {
	ring := founded(t, public(t, sshKey(t, "ed25519", "publisher")+".pub"))
	now := ring.Trust().Root()
	other := public(t, sshKey(t, "ed25519", "other")+".pub")
	id := func(name string) string {
		found, err := keyring.Find(now, name)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for name, c := range map[string]struct {
		change func(*bundle.Root) error
		says   string
	}{
		"the role is none": {func(r *bundle.Root) error { return keyring.Add(r, "painter", other) }, "there is no role"},
		"the key has the role": {func(r *bundle.Root) error {
			return keyring.Add(r, bundle.RoleRoot, keyring.Public{ID: id("root"), Key: now.Keys[id("root")].Public})
		}, "already"},
		"another key has the name": {func(r *bundle.Root) error {
			return keyring.Add(r, bundle.RoleRoot, keyring.Public{ID: other.ID, Name: "root", Key: other.Key})
		}, "of its own with --name"},
		"nobody could publish any more":     {func(r *bundle.Root) error { _, err := keyring.Revoke(r, id("publisher")); return err }, "put another in its place"},
		"nobody could change keys any more": {func(r *bundle.Root) error { _, err := keyring.Revoke(r, id("root")); return err }, "put another in its place"},
		"a key follows itself": {func(r *bundle.Root) error {
			_, err := keyring.Rotate(r, id("root"), keyring.Public{ID: id("root"), Key: now.Keys[id("root")].Public})
			return err
		}, "make a new key"},
		"nobody need sign":              {func(r *bundle.Root) error { return keyring.Threshold(r, bundle.RoleRoot, 0) }, "1 to 1"},
		"more must sign than there are": {func(r *bundle.Root) error { return keyring.Threshold(r, bundle.RoleRoot, 2) }, "1 to 1"},
		"nothing changes":               {func(r *bundle.Root) error { return keyring.Threshold(r, bundle.RoleRoot, 1) }, "already"},
		"a role has no key":             {func(r *bundle.Root) error { return keyring.Threshold(r, bundle.RoleWarning, 1) }, "no key for the role"},
		"a key is not there":            {func(*bundle.Root) error { _, err := keyring.Find(now, "nobody"); return err }, "0 keys of root 1"},
		"a key's id is short":           {func(*bundle.Root) error { _, err := keyring.Find(now, id("root")[:7]); return err }, "0 keys of root 1"},
	} {
		t.Run(name, func(t *testing.T) {
			next := keyring.Next(now, now.Issued.AddDate(0, 1, 0))
			if err := c.change(next); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
	for _, meant := range []string{"root", id("root"), id("root")[:8], strings.Join(bundle.Words(now.Keys[id("root")].Public), " "), filepath.Join(ring.Dir, "root-1.pub")} {
		if found, err := keyring.Find(now, meant); err != nil || found != id("root") {
			t.Errorf("%q is %s, %v", meant, found, err)
		}
	}
}

func TestARootThatHadAnEndKeepsItsLengthOfLife(t *testing.T) {
	ring := founded(t, public(t, sshKey(t, "ed25519", "publisher")+".pub"))
	r := *ring.Trust().Root()
	r.Expires = r.Issued.AddDate(0, 0, 100)
	if next := keyring.Next(&r, r.Issued.AddDate(0, 0, 300)); !next.Expires.Equal(r.Issued.AddDate(0, 0, 400)) || next.Version != 2 {
		t.Errorf("%+v", next)
	}
}

func TestWhatWaitsForSignaturesOutlivesAPowerCut(t *testing.T) {
	ring := founded(t, public(t, sshKey(t, "ed25519", "publisher")+".pub"))
	next := keyring.Next(ring.Trust().Root(), time.Now())
	draft, err := next.Draft(ring.Trust())
	if err != nil {
		t.Fatal(err)
	}
	path, done, err := ring.Settle(draft)
	if err != nil || done {
		t.Fatal(path, done, err)
	}
	again, err := keyring.Open(ring.Dir)
	if err != nil {
		t.Fatal(err)
	}
	waiting, _, err := again.Pending()
	if err != nil || waiting == nil || waiting.Digest() != draft.Digest() {
		t.Fatalf("%v, %v", waiting, err)
	}
	stale := readFile(t, path)
	root, err := keyring.File(filepath.Join(ring.Dir, "root-1.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := root.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := waiting.Sign(key); err != nil {
		t.Fatal(err)
	}
	if _, done, err = again.Settle(waiting); err != nil || !done {
		t.Fatal(done, err)
	}
	// The power went between the root and the removal of the request: the request is of a version that is there.
	if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err = keyring.Open(ring.Dir); err != nil || again.Trust().Root().Version != 2 {
		t.Fatal(err)
	}
	if waiting, _, err = again.Pending(); waiting != nil || err != nil {
		t.Errorf("it still waits: %v, %v", waiting, err)
	}
	if err := draft.Sign(key); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ring.Settle(draft); err == nil || !strings.Contains(err.Error(), "never replaced") {
		t.Errorf("root 2 was written again: %v", err)
	}
}

func TestARequestOfOtherKeysIsNotTaken(t *testing.T) {
	ring, other := founded(t, public(t, sshKey(t, "ed25519", "publisher")+".pub")), founded(t, public(t, sshKey(t, "ed25519", "publisher")+".pub"))
	draft, err := keyring.Next(other.Trust().Root(), time.Now()).Draft(other.Trust())
	if err != nil {
		t.Fatal(err)
	}
	path, _, err := other.Settle(draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ring.Dir, filepath.Base(path)), []byte(readFile(t, path)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ring.Pending(); err == nil || !strings.Contains(err.Error(), "not the next version of the keys") {
		t.Errorf("%v", err)
	}
}

func FuzzPublic(f *testing.F) {
	f.Add([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA x\n"))
	f.Add([]byte("# comment\n\nssh-rsa AAAA"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := keyring.ParsePublic(b)
		if err == nil && (len(p.Key) != 32 || p.ID != bundle.KeyID(p.Key)) {
			t.Errorf("%q became %+v", b, p)
		}
	})
}
