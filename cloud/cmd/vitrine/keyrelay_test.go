package main

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

func TestANewRootReachesThePlayersThroughTheRelay(t *testing.T) {
	alone(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	flags, _ := relay(t)
	dir := copyOf(t, os.Getenv(madeOnce))
	right(t, "key", "new", "--customer", "acme")
	right(t, cmd(flags, "build", dir, "-publish", "--to", "*")...)
	colleague := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(colleague, os.DirFS(keyDir())); err != nil {
		t.Fatal(err)
	}
	p := claimed(t, flags, "Hall")
	p.beat(t, 1)
	right(t, cmd(flags, "key", "add", "relay", "--from-relay", "--yes", "--note", "our relay")...)
	refuses(t, exitRefused, "already", cmd(flags, "key", "add", "relay", "--from-relay", "--yes")...)
	right(t, cmd(flags, "key", "push")...)
	if want := p.beat(t, 1); want == nil || want.Root != 2 {
		t.Fatalf("the player is told %+v", want)
	}
	text := right(t, cmd(flags, "trust", "--player", "Hall")...)
	if !strings.Contains(text, "Player Hall has root 1; the relay has 2") || strings.Contains(text, "our relay") {
		t.Errorf("before it has followed: %s", text)
	}
	p.beat(t, 2)
	text = right(t, cmd(flags, "trust", "--player", p.id)...)
	for _, says := range []string{"Player Hall has the newest root", "May say which bundle is the newest: 1 of 1 together", "No key was ever revoked"} {
		if !strings.Contains(text, says) {
			t.Errorf("it lacks %q: %s", says, text)
		}
	}
	got := answer[trusted](t, right(t, cmd(flags, "trust", "--player", p.id, "--json")...))
	if got.Player == nil || got.Player.Root != 2 || len(got.Roles) != 3 {
		t.Errorf("%+v", got)
	}
	trust, err := readChain(keyDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.client.Fresh(t.Context(), "lobby")
	if err != nil {
		t.Fatal(err)
	}
	if f, err := trust.Fresh(b, nil, nil); err != nil || f.Stream != "lobby" {
		t.Errorf("the certified key's word: %v", err)
	}
	refuses(t, exitRefused, "0 players called", cmd(flags, "trust", "--player", "Nobody")...)
	// A colleague's folder lacks the newest root; another customer's is none of theirs.
	right(t, cmd(flags, "key", "pull", "--dir", colleague)...)
	if trust, err := readChain(colleague); err != nil || trust.Root().Version != 2 {
		t.Errorf("%v, %v", trust, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	right(t, "key", "new", "--customer", "other", "--dir", other)
	refuses(t, exitRefused, "another customer's", cmd(flags, "key", "pull", "--dir", other)...)
	refuses(t, exitRefused, "of the relay is not yours", cmd(flags, "key", "push", "--dir", other)...)
}

// guest is a player by the wire alone.
type guest struct {
	id     string
	client *api.Client
	seq    uint64
}

func claimed(t *testing.T, flags []string, name string) *guest {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	http, err := api.NewHTTP(api.Trust{Pin: flags[3]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.CloseIdleConnections)
	g := &guest{client: &api.Client{Base: flags[1], HTTP: http}}
	g.client.Token = g.client.Device(key, time.Now)
	e, err := g.client.Enrol(t.Context(), key, time.Now(), api.EnrolRequest{Version: bundle.AgentVersion})
	if err != nil {
		t.Fatal(err)
	}
	right(t, cmd(flags, "claim", e.UserCode, "--name", name, "--words", strings.Join(bundle.Words(key.Public().(ed25519.PublicKey)), " "))...)
	got, err := g.client.Enrolled(t.Context(), e, time.Minute)
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	g.id = got.Settings.ID
	return g
}

// beat reports that it has a root.
func (g *guest) beat(t *testing.T, root int) *api.Desired {
	t.Helper()
	g.seq++
	d, err := g.client.Heartbeat(t.Context(), g.id, api.Heartbeat{Boot: "b", Seq: g.seq, Now: time.Now(), Version: bundle.AgentVersion, Rev: 1, Root: root, Clock: "trusted"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
