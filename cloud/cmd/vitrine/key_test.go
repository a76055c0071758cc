package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle"
)

// machines are folders that stand for machines of people who never see each other's keys.
type machines struct {
	t      *testing.T
	dir    string
	office string // the ring
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	alone(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	m := &machines{t: t, dir: t.TempDir()}
	m.office = filepath.Join(m.dir, "office")
	return m
}

func (m *machines) path(parts ...string) string {
	return filepath.Join(append([]string{m.dir}, parts...)...)
}

// person makes a key on a machine of its own and carries its public half to the office.
func (m *machines) person(name string) (pub string) {
	m.t.Helper()
	if err := os.MkdirAll(m.path(name), 0o700); err != nil {
		m.t.Fatal(err)
	}
	right(m.t, "key", "make", m.path(name, name+".key"), "--name", name, "--no-passphrase")
	return m.path(name, name+".pub")
}

// signs carries a request to people, has each sign it alone, and gives the files that come back.
func (m *machines) signs(request string, people ...string) (signed []string) {
	m.t.Helper()
	b, err := os.ReadFile(request)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, name := range people {
		there := m.path(name, filepath.Base(request))
		if err := os.WriteFile(there, b, 0o600); err != nil {
			m.t.Fatal(err)
		}
		o := vitrine(m.t, "yes\n", "key", "sign", there, "--key", m.path(name, name+".key"), "--dir", m.path(name), "--json")
		if o.code != exitRight {
			m.t.Fatalf("%s signs: exit %d: %s", name, o.code, o.errors)
		}
		signed = append(signed, answer[map[string]any](m.t, o.out)["file"].(string))
	}
	return signed
}

// found begins a customer with three people, two of whom must sign.
func (m *machines) found() {
	m.t.Helper()
	args := []string{"key", "new", "--dir", m.office, "--customer", "acme", "--no-passphrase", "--json"}
	for _, name := range []string{"Alice", "Bob", "Carol"} {
		args = append(args, "--root", m.person(name))
	}
	if got := answer[changed](m.t, right(m.t, args...)); got.Done || got.Version != 1 || got.Lacks[0].Need != 2 {
		m.t.Fatalf("root 1 is there before anybody has signed: %+v", got)
	}
	m.accept(true, m.signs(filepath.Join(m.office, "root-1.request"), "Alice", "Bob")...)
}

func (m *machines) accept(done bool, signed ...string) {
	m.t.Helper()
	got := answer[changed](m.t, right(m.t, append([]string{"key", "accept", "--dir", m.office, "--json"}, signed...)...))
	if got.Done != done {
		m.t.Fatalf("after %q: %+v", signed, got)
	}
}

// chain reads the office's chain.
func (m *machines) chain() *bundle.Trust {
	m.t.Helper()
	trust, err := readChain(m.office)
	if err != nil {
		m.t.Fatal(err)
	}
	return trust
}

func TestTwoOfThreePeopleOnThreeMachinesFoundRotateAndRevoke(t *testing.T) {
	m := newMachines(t)
	m.found()
	pinned, err := bundle.NewTrust(m.chain().Chain()) // a player that is switched off from now on
	if err != nil {
		t.Fatal(err)
	}
	lobby := os.Getenv(madeOnce)
	old := m.path("old.vitrine")
	right(t, "build", copyOf(t, lobby), "--keys", m.office, "-o", old)

	// The publisher's laptop is stolen: one signature is not enough, a stranger's neither, the second one is.
	right(t, "key", "make", filepath.Join(m.office, "next.key"), "--name", "next", "--no-passphrase")
	o := right(t, "key", "rotate", "publisher", filepath.Join(m.office, "next.pub"), "--dir", m.office, "--note", "laptop stolen")
	for _, says := range []string{"REVOKED  publisher", "NEW      next", "why: laptop stolen", "still needed: 2 more", "Alice, Bob, Carol"} {
		if !strings.Contains(o, says) {
			t.Errorf("the change is told without %q: %s", says, o)
		}
	}
	request := filepath.Join(m.office, "root-2.request")
	m.accept(false, m.signs(request, "Carol")...)
	m.person("Mallory")
	refuses(t, exitRefused, "none of those that may sign", "key", "sign", request, "--key", m.path("Mallory", "Mallory.key"), "--yes")
	refuses(t, exitRefused, "waits for signatures already", "key", "threshold", "root", "3", "--dir", m.office)
	m.accept(true, m.signs(request, "Alice")...)

	// Bob leaves, Dora comes; then the keys get an end, a threshold goes up and down again.
	right(t, "key", "rotate", "Bob", m.person("Dora"), "--dir", m.office, "--note", "Bob has left")
	m.accept(true, m.signs(filepath.Join(m.office, "root-3.request"), "Alice", "Carol")...)
	for _, change := range [][]string{{"renew", "--expires", "2099-01-01"}, {"threshold", "root", "3"}, {"threshold", "root", "2"}} {
		right(t, append(append([]string{"key"}, change...), "--dir", m.office)...)
		request = filepath.Join(m.office, fmt.Sprintf("root-%d.request", m.chain().Root().Version+1))
		m.accept(true, m.signs(request, "Alice", "Carol", "Dora")...)
	}
	chain := m.chain()
	if chain.Root().Version != 6 {
		t.Fatalf("the chain ends with root %d", chain.Root().Version)
	}
	right(t, "key", "revoke", "Dora", "--dir", m.office)
	m.accept(true, m.signs(filepath.Join(m.office, "root-7.request"), "Alice", "Carol")...)
	refuses(t, exitRefused, "put another in its place", "key", "revoke", "Alice", "--dir", m.office)
	refuses(t, exitRefused, "put another in its place", "key", "revoke", "next", "--dir", m.office)

	// The player wakes up and follows, six versions at once; the old bundle is refused, a new one taken.
	chain = m.chain()
	for _, root := range chain.Chain()[1:] {
		if pinned, err = pinned.Extend(root); err != nil {
			t.Fatal(err)
		}
	}
	now := m.path("new.vitrine")
	right(t, "build", copyOf(t, lobby), "--keys", m.office, "-o", now)
	for path, taken := range map[string]bool{old: false, now: true} {
		a, err := bundle.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pinned.Manifest(a.Envelope()); (err == nil) != taken {
			t.Errorf("%s: %v", path, err)
		}
		a.Close()
	}
	m.tellsTheStory()
}

// tellsTheStory looks at what "vitrine trust" says of it all.
func (m *machines) tellsTheStory() {
	m.t.Helper()
	got := answer[trusted](m.t, right(m.t, "trust", m.office, "--json"))
	if got.Version != 7 || len(got.Revoked) != 3 || got.Expired {
		m.t.Fatalf("%+v", got)
	}
	stolen, left := got.Revoked[0], got.Revoked[1]
	if stolen.Name != "publisher" || stolen.Root != 2 || stolen.Why != "laptop stolen" || labels(stolen.By) != "Alice, Carol" || left.Name != "Bob" || left.Root != 3 {
		m.t.Errorf("revoked: %+v", got.Revoked)
	}
	for lang, says := range map[string][]string{
		"en": {"May change keys: 2 of 2 together", "REVOKED: publisher", "signed by Alice, Carol: laptop stolen", "to be renewed by 1 January 2099"},
		"fr": {"Peuvent changer les clés : 2 sur 2 ensemble", "RÉVOQUÉE : publisher", "signée par Alice, Carol : laptop stolen", "à renouveler avant le 1er janvier 2099"},
	} {
		text := right(m.t, "trust", m.office, "--lang", lang)
		for _, s := range says {
			if !strings.Contains(text, s) {
				m.t.Errorf("%s lacks %q: %s", lang, s, text)
			}
		}
	}
	m.t.Setenv("LANG", "fr_FR.UTF-8")
	if text := right(m.t, "trust", m.path("new.vitrine")); !strings.Contains(text, "Les écrans de acme") {
		m.t.Errorf("a French system is told %s", text)
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "lobby")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestNothingIsSignedWithoutAYes(t *testing.T) {
	alone(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	right(t, "key", "new", "--customer", "acme")
	right(t, "key", "make", filepath.Join(keyDir(), "second.key"), "--no-passphrase")
	add := []string{"key", "add", "publisher", filepath.Join(keyDir(), "second.pub")}
	for _, answer := range []string{"", "no\n", "y\n", "yes please\n"} {
		if o := vitrine(t, answer, add...); o.code != exitRefused || !strings.Contains(o.errors, "nothing was signed") || !strings.Contains(o.out, "NEW      second") {
			t.Errorf("%q: exit %d, %s%s", answer, o.code, o.out, o.errors)
		}
		if trust, err := readChain(keyDir()); err != nil || trust.Root().Version != 1 {
			t.Fatalf("%q: %v, %v", answer, trust, err)
		}
	}
	if o := vitrine(t, "oui\n", append(add, "--lang", "fr")...); o.code != exitRight || !strings.Contains(o.out, "la racine 2 est signée") || !strings.Contains(o.errors, "Tapez oui") {
		t.Errorf("exit %d, %s%s", o.code, o.out, o.errors)
	}
}

func TestAKeyIsLockedByAPassphrase(t *testing.T) {
	alone(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, wrong := write("good", "four horses and a bicycle in the snow"), write("wrong", "four horses and a bicycle in the rain")
	o := vitrine(t, "", "key", "new", "--customer", "acme", "--publisher", keyOf(t, dir), "--passphrase-file", write("weak", "secret1"))
	if o.code != exitRight || !strings.Contains(o.errors, "is weak") {
		t.Fatalf("exit %d: %s", o.code, o.errors)
	}
	root := filepath.Join(keyDir(), "root-1.key")
	b, err := os.ReadFile(root)
	if err != nil || !strings.HasPrefix(string(b), "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Fatalf("%q, %v", b, err)
	}
	weak := filepath.Join(dir, "weak")
	if o := vitrine(t, "", "key", "passphrase", root, "--passphrase-file", weak, "--new-passphrase-file", good); o.code != exitRight || o.errors != "" {
		t.Fatalf("exit %d: %s", o.code, o.errors)
	}
	renew := []string{"key", "renew", "--expires", "2098-01-01", "--yes"}
	refuses(t, exitRefused, "is locked: give its passphrase", renew...)
	refuses(t, exitRefused, "does not open", append(renew, "--passphrase-file", wrong)...)
	t.Setenv("VITRINE_PASSPHRASE_FILE", good)
	right(t, renew...)
	if trust, err := readChain(keyDir()); err != nil || trust.Root().Version != 2 {
		t.Errorf("%v, %v", trust, err)
	}
	if err := os.Chmod(good, 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitRefused, "chmod 600", "key", "make", filepath.Join(dir, "x.key"))
}

// keyOf makes a publisher's key that is elsewhere, and gives its public half.
func keyOf(t *testing.T, dir string) string {
	t.Helper()
	right(t, "key", "make", filepath.Join(dir, "elsewhere.key"), "--name", "publisher", "--no-passphrase")
	return filepath.Join(dir, "elsewhere.pub")
}

func TestABundleIsSignedWhereThePublishersKeyIs(t *testing.T) {
	m := newMachines(t)
	m.found()
	// The publisher's key leaves the office.
	if err := os.MkdirAll(m.path("safe"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"publisher.key", "publisher.pub"} {
		if err := os.Rename(filepath.Join(m.office, half), m.path("safe", half)); err != nil {
			t.Fatal(err)
		}
	}
	dir, out, request := copyOf(t, os.Getenv(madeOnce)), m.path("lobby.vitrine"), m.path("lobby.request")
	refuses(t, exitRefused, "0 of them are here", "build", dir, "--keys", m.office, "-o", out)
	right(t, "build", dir, "--keys", m.office, "--request", request)
	refuses(t, exitRefused, "0 of the publisher keys of root 1 have signed", "build", dir, "--keys", m.office, "--signed", request, "-o", out)
	o := vitrine(t, "yes\n", "key", "sign", request, "--key", m.path("safe", "publisher.key"), "-o", m.path("lobby.signed"))
	if o.code != exitRight || !strings.Contains(o.errors, "Bundle lobby of acme, serial 1") {
		t.Fatalf("exit %d: %s", o.code, o.errors)
	}
	right(t, "build", dir, "--keys", m.office, "--signed", m.path("lobby.signed"), "-o", out)
	if got := answer[inspection](t, right(t, "inspect", "--json", "--keys", m.office, out)); !got.Verified || !got.Yours || got.Seq != 1 {
		t.Errorf("%+v", got)
	}
	right(t, "build", dir, "--keys", m.office, "--key", m.path("safe", "publisher.key"), "-o", m.path("here.vitrine")) // or it is brought along
	edit(t, dir, yaml, "name: Lobby", "name: Another hall")
	refuses(t, exitRefused, "no longer what was signed as lobby 1", "build", dir, "--keys", m.office, "--signed", m.path("lobby.signed"), "-o", out)
}

func TestTheHelpOfKeysShowsWholeCeremonies(t *testing.T) {
	alone(t)
	for _, args := range [][]string{{"help", "key"}, {"key", "--help"}} {
		text := right(t, args...)
		for _, says := range []string{"Three people", "vitrine key sign root-1.request --key alice.key", "vitrine key add relay --from-relay", "--request lobby.request"} {
			if !strings.Contains(text, says) {
				t.Errorf("%q lacks %q", args, says)
			}
		}
		for _, d := range deeds() {
			if !strings.Contains(text, "\n  "+d.name+" ") {
				t.Errorf("%q does not name %s", args, d.name)
			}
		}
	}
	for _, d := range deeds() {
		if text := right(t, "key", d.name, "--help"); !strings.Contains(text, "example: vitrine key "+d.name) {
			t.Errorf("key %s --help: %s", d.name, text)
		}
	}
	refuses(t, exitUsage, "vitrine help key", "key")
	refuses(t, exitUsage, "there is nothing called", "key", "burn")
}

func TestAFolderOfKeysSaysWhatIsHere(t *testing.T) {
	m := newMachines(t)
	m.found()
	got := answer[ringState](t, right(t, "key", "show", "--dir", m.office, "--json"))
	if got.Version != 1 || len(got.Keys) != 1 || got.Keys[0].Name != "publisher" || got.Keys[0].Locked || got.Pending != nil {
		t.Errorf("%+v", got)
	}
	right(t, "key", "renew", "--expires", "2098-01-01", "--dir", m.office)
	text := right(t, "key", "show", "--dir", m.office)
	for _, says := range []string{"publisher (", "without a passphrase", "still needed: 2 more", "vitrine key accept"} {
		if !strings.Contains(text, says) {
			t.Errorf("it lacks %q: %s", says, text)
		}
	}
	pub, key := right(t, "key", "show", m.path("Alice", "Alice.pub")), right(t, "key", "show", m.path("Alice", "Alice.key"))
	if pub != key || !strings.HasPrefix(pub, "Alice: ") {
		t.Errorf("%q and %q", pub, key)
	}
	if text := right(t, "key", "show", filepath.Join(m.office, "root-2.request")); !strings.Contains(text, "Root 2 of acme") {
		t.Errorf("%s", text)
	}
}
