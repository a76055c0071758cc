package place_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// save writes a file of the served folder as editors do, by renaming.
func save(t *testing.T, name string, b []byte) {
	t.Helper()
	path := filepath.Join(servers.files, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".new", b, 0o644), os.Rename(path+".new", path))
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryPlaceGivesWhatIsThereAndSaysWhenNothingIsNew(t *testing.T) {
	for _, s := range shelves() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			name := "give " + s.name + "/Menü é.csv"
			if s.name == "webdav" {
				name = "give-webdav/Menu.csv"
			}
			long := bytes.Repeat([]byte("Suppe;3,50\n"), 30_000)
			save(t, name, long)
			p := open(t, s.spec(name), s.env)
			ctx := within(t, time.Minute)
			b, err := p.Read(ctx, 1<<20)
			if err != nil || !bytes.Equal(b, long) {
				t.Fatalf("%d bytes of %d: %v", len(b), len(long), err)
			}
			for range 3 {
				if b, err := p.Read(ctx, 1<<20); !errors.Is(err, place.ErrUnchanged) || b != nil {
					t.Fatalf("the same again: %d bytes, %v", len(b), err)
				}
			}
			save(t, name, []byte("Gratin;4,50\n"))
			if b, err := p.Read(ctx, 1<<20); err != nil || string(b) != "Gratin;4,50\n" {
				t.Fatalf("after it was replaced: %q, %v", b, err)
			}
			_, err = open(t, s.spec(name), s.env).Read(ctx, 5)
			says(t, err, "longer than its limit")
			_, err = open(t, s.spec("nothing/here.csv"), s.env).Read(ctx, 1<<20)
			if s.name == "webdav" {
				says(t, err, "404")
			} else {
				says(t, err, "there is no")
			}
			if _, err = open(t, s.spec(filepath.Dir(name)), s.env).Read(ctx, 1<<20); err == nil {
				t.Error("a folder was read as a file")
			}
			t.Log(err)
		})
	}
}

func TestEveryPlaceListsItsFolders(t *testing.T) {
	at := time.Date(2026, 11, 20, 18, 5, 0, 0, time.UTC)
	for _, name := range []string{"tree/a.csv", "tree/b/c/deep.mp4", "tree/b/x & y.txt", "tree/b/c/d/e/far.txt", "tree/.hidden"} {
		save(t, name, []byte("12345"))
		if err := os.Chtimes(filepath.Join(servers.files, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(outside, "passwd"), nil, 0o644), os.Symlink(outside, filepath.Join(servers.files, "tree/out")), os.Symlink("/etc/passwd", filepath.Join(servers.files, "tree/b/passwd"))); err != nil {
		t.Fatal(err)
	}
	for _, s := range shelves() {
		t.Run(s.name, func(t *testing.T) {
			ctx := within(t, time.Minute)
			table, err := place.Tree(ctx, open(t, s.spec("tree"), s.env), place.Bounds{Depth: 2})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range table.Rows {
				line := ""
				for i, v := range row {
					if table.Columns[i] == "modified" && strings.HasSuffix(line, "|-") {
						v.Text = "" // of a folder: when it was made
					}
					if v.Kind == rows.Null {
						v.Text = "-"
					}
					line += "|" + v.Text
				}
				if !strings.Contains(line, "passwd") && !strings.Contains(line, "|out|") { // Samba and WebDAV show what is behind links as if it was there
					got = append(got, line)
				} else if !strings.HasPrefix(s.name, "smb") && s.name != "webdav" {
					t.Errorf("a link is among them: %s", line)
				}
			}
			want := `path name level1 level2 size modified type
|a.csv|a.csv|-|-|5|2026-11-20T18:05:00Z|text/csv
|b|b|-|-|-||folder
|b/c|c|b|-|-||folder
|b/c/d|d|b|c|-||folder
|b/c/deep.mp4|deep.mp4|b|c|5|2026-11-20T18:05:00Z|video/mp4
|b/x & y.txt|x & y.txt|b|-|5|2026-11-20T18:05:00Z|text/plain`
			if is := strings.Join(table.Columns, " ") + "\n" + strings.Join(got, "\n"); is != want {
				t.Errorf("it is\n%s\nnot\n%s", is, want)
			}
			if table, err = place.Tree(ctx, open(t, s.spec("tree"), s.env), place.Bounds{Count: 1}); err != nil || len(table.Rows) != 1 || !table.Truncated {
				t.Errorf("%d rows, truncated %v: %v", len(table.Rows), table.Truncated, err)
			}
			if _, err = place.Tree(ctx, open(t, s.spec("gone"), s.env), place.Bounds{}); err == nil {
				t.Error("a folder that is not there is listed")
			}
			t.Log(err)
		})
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	byName := map[string]shelf{}
	for _, s := range shelves() {
		byName[s.name] = s
	}
	wrong := func(s secret.Secret) place.Env { return place.Env{Secret: vault(s)} }
	change := func(name string, f func(*place.Spec)) place.Spec {
		spec := byName[name].spec("wrong.csv")
		f(&spec)
		return spec
	}
	same := func(*place.Spec) {}
	elsewhere := func(s *place.Spec) { s.Host = "files.example" }
	bad := secret.Secret{User: servers.user, Password: "wrong" + canary}
	cases := []struct {
		name string
		spec place.Spec
		env  place.Env
		says string
	}{
		{"smb, a wrong password", change("smb", same), wrong(bad), `refuses the secret "canteen"`},
		{"smb, a user that is not there", change("smb", same), wrong(secret.Secret{User: "nobody-here", Password: canary}), `refuses the secret "canteen"`},
		{"smb, a server that makes guests", change("smb", func(s *place.Spec) { s.Host = fmt.Sprint("127.0.0.1:", servers.guests.Port) }), wrong(bad), "for a guest"},
		{"smb, a share that is not there", change("smb", func(s *place.Spec) { s.Share = "gone" }), byName["smb"].env, `no share "gone"`},
		{"smb, a share that does not encrypt", change("smb", func(s *place.Spec) { s.Encrypted = true }), byName["smb"].env, "does not encrypt"},
		{"smb, a secret for another host", change("smb", elsewhere), byName["smb"].env, "may not go to files.example:445"},
		{"smb, nothing listens", change("smb", func(s *place.Spec) { s.Host = "127.0.0.1:1" }), byName["smb"].env, "nothing answers at 127.0.0.1:1"},
		{"sftp, another host key", change("sftp", func(s *place.Spec) { s.HostKey = "SHA256:AAAA" }), byName["sftp"].env, "it is another server"},
		{"sftp, a password where a key is wanted", change("sftp", same), wrong(bad), `refuses the secret "canteen"`},
		{"sftp, a key that is none", change("sftp", same), wrong(secret.Secret{User: "x", Key: "-----BEGIN PRIVATE KEY-----" + canary}), "cannot be read"},
		{"sftp, a secret for another host", change("sftp", elsewhere), byName["sftp"].env, "may not go to files.example:22"},
		{"webdav, a wrong password", change("webdav", same), wrong(bad), `to the secret "canteen"`},
		{"webdav, no secret", change("webdav", func(s *place.Spec) { s.Secret = "" }), place.Env{}, "names none"},
		{"webdav, a certificate of nobody", change("webdav", func(s *place.Spec) { s.CA = nil }), byName["webdav"].env, "authority that this player does not know"},
		{"webdav, a secret for another host", change("webdav", func(s *place.Spec) { s.URL = "https://files.example/x" }), byName["webdav"].env, "may not go to files.example:443"},
		{"https, a redirect to another host", change("webdav", func(s *place.Spec) { s.Type, s.URL = "https", strings.Replace(s.URL, "/files/", "/away/", 1) }), byName["webdav"].env, "does not name"},
	}
	save(t, "wrong.csv", []byte("x"))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(t, c.spec, c.env).Read(within(t, time.Minute), 1000)
			says(t, err, c.says)
			if c.spec.Type != "https" && c.name != "webdav, no secret" {
				_, err = place.Tree(within(t, time.Minute), open(t, c.spec, c.env), place.Bounds{})
				says(t, err, c.says)
			}
		})
	}
}

// Not parallel: it breaks what the others use.
func TestNoFetchOutlivesItsDeadlineWhateverTheServerDoes(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 100_000)
	save(t, "long.csv", long)
	for _, s := range shelves() {
		if s.proxy == nil {
			continue
		}
		for how, want := range map[int32]string{connecttest.Stall: "did not answer in time", connecttest.Reset: "broke off", connecttest.Cut: "broke off"} {
			for _, after := range []int64{0, 300, 3000, 200_000} {
				if how == connecttest.Stall && (after == 0 || after == 3000) {
					continue // each takes its whole deadline
				}
				t.Run(fmt.Sprintf("%s fails in way %d after %d bytes", s.name, how, after), func(t *testing.T) {
					s.proxy.Fail(how, after)
					defer s.proxy.Fail(connecttest.Well, 0)
					d := time.Minute
					if how == connecttest.Stall {
						d = 500 * time.Millisecond
					}
					_, err := open(t, s.spec("long.csv"), s.env).Read(within(t, d), 10<<20)
					says(t, err, want)
					if after <= 300 && (how != connecttest.Stall || after == 300) {
						s.proxy.Fail(how, after)
						_, err = place.Tree(within(t, d), open(t, s.spec(""), s.env), place.Bounds{})
						says(t, err, want)
					}
				})
			}
		}
		if b, err := open(t, s.spec("long.csv"), s.env).Read(within(t, time.Minute), 10<<20); err != nil || !bytes.Equal(b, long) {
			t.Errorf("%s afterwards: %d bytes, %v", s.name, len(b), err)
		}
	}
}

// Not parallel: it listens to what goes through.
func TestAShareIsSignedAndOneThatSaysSoEncrypted(t *testing.T) {
	const dish = "a dish that stands on the wire for everyone to read"
	save(t, "sealed.csv", bytes.Repeat([]byte(dish), 1000))
	for _, s := range shelves() {
		if s.proxy != servers.smb {
			continue
		}
		s.proxy.Fail(connecttest.Well, 0)
		s.proxy.Record()
		_, err := open(t, s.spec("sealed.csv"), s.env).Read(within(t, time.Minute), 1<<20)
		if tape := s.proxy.Tape(); err != nil || bytes.Contains(tape, []byte(dish)) == (s.name == "smb, encrypted") || len(tape) < 50_000 {
			t.Errorf("%s: %d bytes went through, the dish among them: %v, %v", s.name, len(tape), bytes.Contains(tape, []byte(dish)), err)
		}
		for _, after := range []int64{500, 2000, 30_000} {
			s.proxy.Fail(connecttest.Spoil, after)
			b, err := open(t, s.spec("sealed.csv"), s.env).Read(within(t, time.Second), 1<<20)
			if err == nil || b != nil {
				t.Errorf("%s: %d bytes that were changed on their way are taken", s.name, len(b))
			}
			t.Log(err)
		}
		s.proxy.Fail(connecttest.Well, 0)
	}
}

func TestAMountedShareThatHangsIsLeftBehind(t *testing.T) {
	save(t, "hang.csv", []byte("x"))
	held := &place.Held{}
	spec := place.Spec{Type: "nfs", Path: filepath.Join(servers.mounted, "hang.csv")}
	if b, err := open(t, spec, place.Env{Held: held}).Read(within(t, time.Minute), 100); err != nil || string(b) != "x" {
		t.Fatalf("%q, %v", b, err)
	}
	servers.mount.Hang()
	_, err := open(t, spec, place.Env{Held: held}).Read(within(t, 500*time.Millisecond), 100)
	says(t, err, "did not answer in time")
	_, err = open(t, spec, place.Env{Held: held}).Read(within(t, time.Minute), 100)
	says(t, err, "still hangs")
	_, err = place.Tree(within(t, 500*time.Millisecond), open(t, place.Spec{Type: "nfs", Path: servers.mounted}, place.Env{Held: held}), place.Bounds{})
	says(t, err, "did not answer in time")
	save(t, "local.csv", []byte("x"))
	if _, err := open(t, place.Spec{Type: "file", Path: filepath.Join(servers.files, "local.csv")}, place.Env{Held: held}).Read(within(t, time.Minute), 100); err != nil {
		t.Errorf("another source waits for it: %v", err)
	}
	servers.mount.Fail(connecttest.Well, 0) // its connection is gone for good now: reads come back with an error
	for end := time.After(time.Minute); ; {
		_, err := open(t, spec, place.Env{Held: held}).Read(within(t, time.Minute), 100)
		if err != nil && !strings.Contains(err.Error(), "still hangs") {
			t.Log(err)
			return
		}
		select {
		case <-end:
			t.Fatalf("it is never asked again: %v", err)
		case <-time.After(20 * time.Millisecond): // the kernel does not tell
		}
	}
}
