package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vitrine/cloud/api"
)

func TestTheCommandLineSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "player"), 0o700), os.WriteFile(filepath.Join(dir, "player", "index.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args string
		code int
		says string
	}{
		"nothing":                       {"", 2, "example:"},
		"help":                          {"--help", 0, "example:"},
		"a verb's help":                 {"serve --help", 0, "example: vitrine-relay serve"},
		"a verb that is not there":      {"dance", 2, `"dance" is not one of its verbs`},
		"no folder":                     {"serve", 2, "--data"},
		"a flag that is not there":      {"serve --data x --dance", 2, "dance"},
		"too much":                      {"serve --data x y", 2, `"y" is not understood`},
		"token without new":             {"token", 2, "token new"},
		"a token where no relay is":     {"token new --data " + dir + "/none", 1, "there is no relay in"},
		"an authority where none is":    {"ca --data " + dir, 1, "there is no authority"},
		"a session that lasts too long": {"serve --session 3h --data " + dir + "/a", 1, "15m to 1h"},
		"an address that is not one":    {"serve --listen nonsense --data " + dir + "/b", 1, "--listen"},
		"a player's folder":             {"serve --session 15m --listen nonsense --data " + dir + "/player", 1, "is a player's folder, and a relay needs one of its own"},
		"a certificate that is not one": {"serve --listen 127.0.0.1:0 --cert a --key b --data " + dir + "/c", 1, "read certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := exit(run(t.Context(), strings.Fields(tc.args), &stdout, &stderr), &stderr)
			if code != tc.code || !strings.Contains(stdout.String()+stderr.String(), tc.says) {
				t.Fatalf("exit %d\n%s%s", code, stdout.String(), stderr.String())
			}
			if tc.code == 0 && stderr.Len() > 0 {
				t.Error("help is an answer, not an error:", stderr.String())
			}
		})
	}
}

// serving starts the command and gives what it printed about itself.
func serving(t *testing.T, args ...string) (said map[string]string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--reserve", "1"}, args...), w, io.Discard)
		w.CloseWithError(errors.Join(err, io.EOF))
		ended <- err
	}()
	said = map[string]string{}
	line, lines := regexp.MustCompile(`^(\w+): +(\S+)`), bufio.NewScanner(r)
	for _, last := range []string{"pin", "token"} {
		if last == "token" && !strings.Contains(strings.Join(args, " "), "token-file") {
			break
		}
		for said[last] == "" && lines.Scan() {
			if m := line.FindStringSubmatch(lines.Text()); m != nil {
				said[m[1]] = m[2]
			}
		}
	}
	go io.Copy(io.Discard, r) // ends with the command
	return said, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestTheTokenIsShownOnceAndReplacedWhileTheRelayRuns(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "token")
	said, stop := serving(t, "--data", data, "--token-file", file)
	kept, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(kept)) != said["token"] || !strings.HasPrefix(said["token"], "vitrine-") {
		t.Fatalf("%q, %v, %v", kept, said, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	h, err := api.NewHTTP(api.Trust{Pin: said["pin"], CAFile: said["ca"]})
	if err != nil {
		t.Fatal(err)
	}
	players := func(token string) error {
		_, err := (&api.Client{Base: said["page"], HTTP: h, Token: api.Fixed(token)}).Players(t.Context(), "")
		return err
	}
	if err := players(said["token"]); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"token", "new", "--data", data}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	second := regexp.MustCompile(`vitrine-\w+`).FindString(out.String())
	if err := players(said["token"]); err == nil {
		t.Error("the old token is good still")
	}
	if err := players(second); err != nil {
		t.Error(err)
	}
	out.Reset()
	if err := run(t.Context(), []string{"ca", "--data", data}, &out, io.Discard); err != nil || !strings.Contains(out.String(), said["pin"]) {
		t.Error(out.String(), err)
	}
	stop()
	again, stop := serving(t, "--data", data)
	defer stop()
	if again["token"] != "" || again["pin"] != said["pin"] {
		t.Errorf("a second start said %v", again)
	}
}

func TestThePageIsWhereTheRelayListens(t *testing.T) {
	for given, want := range map[string]string{"": "https://127.0.0.1:", "--name relay.example": "https://relay.example:"} {
		said, stop := serving(t, append([]string{"--data", t.TempDir()}, strings.Fields(given)...)...)
		if !strings.HasPrefix(said["page"], want) {
			t.Errorf("with %q the page is said to be %s, want %s…", given, said["page"], want)
		}
		stop()
	}
}
