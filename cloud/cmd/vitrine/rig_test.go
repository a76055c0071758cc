package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/bundle/starter"
	"vitrine/cloud"
)

// output is what one use of the command did.
type output struct {
	code        int
	out, errors string
}

// vitrine runs the command as main does.
func vitrine(t testing.TB, stdin string, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

// right runs the command, which must succeed, and gives what it wrote.
func right(t testing.TB, args ...string) string {
	t.Helper()
	o := vitrine(t, "", args...)
	if o.code != exitRight {
		t.Fatalf("vitrine %s: exit %d: %s", strings.Join(args, " "), o.code, o.errors)
	}
	return o.out
}

// refuses runs the command, which must end with a code and say why.
func refuses(t testing.TB, code int, says string, args ...string) {
	t.Helper()
	o := vitrine(t, "", args...)
	if o.code != code || !strings.Contains(o.errors+o.out, says) {
		t.Errorf("vitrine %s: exit %d, %q; want exit %d and %q", strings.Join(args, " "), o.code, o.errors+o.out, code, says)
	}
}

// answer reads JSON that the command wrote.
func answer[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// alone keeps the tests from the settings of whoever runs them.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, name := range []string{"VITRINE_RELAY", "VITRINE_CA", "VITRINE_PIN", "VITRINE_TOKEN_FILE", "LC_ALL", "LC_MESSAGES"} {
		t.Setenv(name, "")
	}
	t.Setenv("LANG", "en_GB.UTF-8")
}

// madeOnce names, in the environment, the folder with a starting point that most tests copy: to draw its pictures takes a
// while under the race detector.
const madeOnce = "VITRINE_TEST_LOBBY"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vitrine-test-")
	if err == nil {
		err = makeFolder(filepath.Join(dir, "lobby"), starter.Points()[0], "en")
	}
	if err == nil {
		err = os.Setenv(madeOnce, filepath.Join(dir, "lobby"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// lobbyDir makes a starting point and keys.
func lobbyDir(t *testing.T) string {
	t.Helper()
	alone(t)
	dir := filepath.Join(t.TempDir(), "lobby")
	if err := os.CopyFS(dir, os.DirFS(os.Getenv(madeOnce))); err != nil {
		t.Fatal(err)
	}
	right(t, "key", "new", "--customer", "acme")
	return dir
}

// edit changes a file of a folder.
func edit(t testing.TB, dir, file, old, new string) {
	t.Helper()
	path := filepath.Join(dir, file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%q is not in %s", old, file)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// relay starts a real relay and gives the flags that lead to it.
func relay(t *testing.T) (flags []string, r *cloud.Relay) {
	t.Helper()
	r, err := cloud.New(cloud.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	token, err := r.Token()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the relay ended with %v", err)
		}
	})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--relay", "https://" + r.Addr().String(), "--pin", r.Authority().Pin(), "--token-file", file}, r
}

// yaml is the name of the file that tests edit.
const yaml = folder.File
