package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/usb/importer"
	"vitrine/usb/seal"
	"vitrine/usb/sticktest"
)

// carried reads a stick as a player does: the manifest, and the ticket if it has one.
func carried(t *testing.T, dir string) (m *bundle.Manifest, k *bundle.Ticket) {
	t.Helper()
	tree, err := importer.Open(dir, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	roots, err := tree.Roots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.NewTrust(roots)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := tree.Manifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m, err = trust.Manifest(envelope); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.Blobs {
		r, err := tree.Blob(t.Context(), string(b.Digest), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Verify(r).Read(make([]byte, 1)); err != nil {
			t.Errorf("blob %s: %v", b.Digest.Short(), err)
		}
		r.Close()
	}
	if envelope, err = tree.Ticket(t.Context()); err == nil && envelope != nil {
		if k, err = trust.Ticket(envelope); err == nil && !k.Names(bundle.Digest(tree.Index().Manifest)) {
			t.Error("the ticket names another bundle")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, k
}

func TestAFolderOrABundleGoesOntoAStick(t *testing.T) {
	lobby, stick := lobbyDir(t), t.TempDir()
	out := right(t, "usb", "write", lobby, stick)
	if m, k := carried(t, stick); m.Stream != "lobby" || m.Seq != 1 || k != nil {
		t.Errorf("%s %d with the ticket %+v", m.Stream, m.Seq, k)
	}
	if !strings.Contains(out, "every byte read back") || !strings.Contains(out, "unmount it") {
		t.Errorf("it says %q", out)
	}
	file := filepath.Join(t.TempDir(), "lobby.vitrine")
	right(t, "build", lobby, "-o", file)
	lines := strings.Split(strings.TrimSpace(right(t, "usb", "write", file, stick, "--prune", "--json")), "\n")
	type line struct {
		Phase   string
		Done    int64
		Total   int64
		Written int64
		Kept    int64
		Removed int
		Seq     uint64
	}
	last := answer[line](t, lines[len(lines)-1])
	if last.Phase != "done" || last.Seq != 2 || last.Kept == 0 || last.Removed != 1 {
		t.Errorf("at its end it says %+v", last)
	}
	for _, l := range lines[:len(lines)-1] {
		if p := answer[line](t, l); p.Phase != "writing" && p.Phase != "verifying" || p.Done > p.Total {
			t.Errorf("a step is %s", l)
		}
	}
	if m, _ := carried(t, stick); m.Seq != 2 {
		t.Errorf("version %d is on it", m.Seq)
	}
}

func TestATicketSaysForWhomAStickIs(t *testing.T) {
	lobby, stick := lobbyDir(t), t.TempDir()
	out := right(t, "usb", "write", lobby, stick, "--player", "p1,p2", "--group", "canteen", "--until", "2090-02-01", "--note", "for Ann")
	_, k := carried(t, stick)
	if k == nil || strings.Join(k.Players, " ") != "p1 p2" || strings.Join(k.Groups, " ") != "canteen" || k.Note != "for Ann" ||
		!k.NotAfter.Equal(time.Date(2090, 2, 2, 0, 0, 0, 0, time.Local)) {
		t.Errorf("the ticket is %+v", k)
	}
	if !strings.Contains(out, "ticket: for players p1, p2 and groups canteen") {
		t.Errorf("it says %q", out)
	}
	right(t, "usb", "write", lobby, stick)
	if _, k := carried(t, stick); k != nil {
		t.Errorf("written again without one it has the ticket %+v", k)
	}
	refuses(t, exitUsage, "neither a date", "usb", "write", lobby, stick, "--until", "tomorrow")
	refuses(t, exitUsage, "what goes where", "usb", "write", lobby)
	file := filepath.Join(t.TempDir(), "lobby.vitrine")
	right(t, "build", lobby, "-o", file)
	strangers := t.TempDir()
	right(t, "key", "new", "--customer", "other", "--dir", strangers)
	refuses(t, exitRefused, "players would refuse", "usb", "write", file, stick, "--group", "x", "--keys", strangers)
	refuses(t, exitRefused, "no folder", "usb", "write", file, filepath.Join(stick, "none"))
}

func TestWarningsStayOnAStickThatIsWrittenAnew(t *testing.T) {
	lobby, stick := lobbyDir(t), t.TempDir()
	right(t, "usb", "write", lobby, stick, "--group", "x")
	right(t, "alert", "send", "--headline", "en=Leave the hall", "--severity", "Severe", "--expires", "2h", "--stick", stick)
	if _, k := carried(t, stick); k == nil {
		t.Error("the warning has taken the ticket off the stick")
	}
	right(t, "usb", "write", lobby, stick, "--prune")
	tree, err := importer.Open(stick, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if w, err := tree.Warnings(t.Context()); err != nil || len(w) != 1 {
		t.Errorf("%d warnings, %v", len(w), err)
	}
}

func TestAStickThatNobodyMayWriteIsRefused(t *testing.T) {
	lobby := lobbyDir(t)
	stick := sticktest.Make(t, "ext4", 16<<20)
	dir := stick.Mount(false)
	refuses(t, exitRefused, "read-only", "usb", "write", lobby, dir)
	if _, err := os.Stat(filepath.Join(dir, "vitrine")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	stick.Unmount()
	if out := right(t, "usb", "write", lobby, stick.Mount(true)); !strings.Contains(out, "(ext4)") {
		t.Errorf("it says %q", out)
	}
}

// openStick reads a stick with a player's key, or a passphrase.
func openStick(dir string, keys *seal.Opener) (seq uint64, whole bool, err error) {
	tree, err := importer.Open(dir, 1<<30)
	if err != nil {
		return 0, false, err
	}
	defer tree.Close()
	ctx := context.Background()
	if err := tree.Unlock(ctx, keys); err != nil {
		return 0, false, err
	}
	roots, err := tree.Roots(ctx)
	if err != nil {
		return 0, false, err
	}
	trust, err := bundle.NewTrust(roots)
	if err != nil {
		return 0, false, err
	}
	envelope, err := tree.Manifest(ctx)
	if err != nil {
		return 0, false, err
	}
	m, err := trust.Manifest(envelope)
	if err != nil {
		return 0, false, err
	}
	for _, b := range m.Blobs {
		for _, from := range []int64{0, b.Size / 2} {
			r, err := tree.Blob(ctx, string(b.Digest), from)
			if err != nil {
				return m.Seq, false, err
			}
			got, err := io.ReadAll(r)
			if err = errors.Join(err, r.Close()); err != nil || int64(len(got)) != b.Size-from || from == 0 && b.VerifyBytes(got) != nil {
				return m.Seq, false, fmt.Errorf("blob %s from %d: %d bytes, %w", b.Digest.Short(), from, len(got), err)
			}
		}
	}
	return m.Seq, true, nil
}

func TestAnEncryptedStickIsForItsPlayersAlone(t *testing.T) {
	lobby, stick := lobbyDir(t), t.TempDir()
	secret, player, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(file, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ours, others, said, wrong seal.Opener
	if err := errors.Join(ours.Own(secret), others.Own(other), said.Passphrase("correct horse battery"), wrong.Passphrase("correct horse batterie")); err != nil {
		t.Fatal(err)
	}
	right(t, "usb", "write", lobby, stick, "--encrypt", "--for", player, "--stick-passphrase-file", file)
	for name, keys := range map[string]*seal.Opener{"its player": &ours, "the passphrase": &said} {
		if seq, whole, err := openStick(stick, keys); seq != 1 || !whole || err != nil {
			t.Errorf("with %s: version %d, %v", name, seq, err)
		}
	}
	for name, keys := range map[string]*seal.Opener{"another player": &others, "another passphrase": &wrong, "nothing": {}} {
		if _, _, err := openStick(stick, keys); !errors.Is(err, seal.ErrShut) {
			t.Errorf("with %s: %v", name, err)
		}
	}
	if err := filepath.WalkDir(stick, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, plain := range []string{"acme", "lobby", "PNG", "application/vnd"} {
			if strings.Contains(string(b), plain) && len(plain) > 3 {
				t.Errorf("%s holds %q as it is", path, plain)
			}
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	type line struct{ Written, Kept int64 }
	again := func(args ...string) line {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(right(t, append([]string{"usb", "write", lobby, stick, "--json", "--prune", "--encrypt", "--for", player}, args...)...)), "\n")
		return answer[line](t, lines[len(lines)-1])
	}
	if l := again("--stick-passphrase-file", file); l.Kept < 10*l.Written {
		t.Errorf("the next version, for the same: %+v, want next to nothing written", l)
	}
	if l := again(); l.Kept > 0 {
		t.Errorf("without the passphrase: %+v, want everything under a new key", l)
	}
	if _, _, err := openStick(stick, &said); !errors.Is(err, seal.ErrShut) {
		t.Errorf("with the passphrase that is no longer one: %v", err)
	}
	if seq, whole, err := openStick(stick, &ours); seq != 3 || !whole || err != nil {
		t.Errorf("with its player: version %d, %v", seq, err)
	}
	refuses(t, exitUsage, "say who can read", "usb", "write", lobby, stick, "--encrypt")
	refuses(t, exitUsage, "with --encrypt", "usb", "write", lobby, stick, "--for", player)
	refuses(t, exitRefused, "begins with age1", "usb", "write", lobby, t.TempDir(), "--encrypt", "--for", "age1nobody")
}
