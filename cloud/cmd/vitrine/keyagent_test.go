package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sshAgent starts a real ssh-agent that holds one new Ed25519 key, and gives that key's public half; the private one is in
// no file any more.
func sshAgent(t *testing.T, name string) (pub string) {
	t.Helper()
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "id"), filepath.Join(dir, "s")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatalf("openssh-client is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := agent.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = agent.Wait() // it was killed
	})
	if _, err := out.Read(make([]byte, 1)); err != nil { // it says where it listens once it does
		t.Fatal(err)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	for _, c := range [][]string{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file}, {"ssh-add", file}} {
		if said, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", c[0], err, said)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	return file + ".pub"
}

func TestAKeyInAnSSHAgentBuildsABundleAndSignsARoot(t *testing.T) {
	alone(t)
	pub := sshAgent(t, "card of Alice")
	right(t, "key", "new", "--customer", "acme", "--publisher", pub)
	out := filepath.Join(t.TempDir(), "lobby.vitrine")
	right(t, "build", copyOf(t, os.Getenv(madeOnce)), "-o", out)
	if got := answer[inspection](t, right(t, "inspect", "--json", out)); !got.Verified || !got.Yours {
		t.Errorf("%+v", got)
	}
	if text := right(t, "key", "show"); !strings.Contains(text, "card of Alice") || !strings.Contains(text, "in ssh-agent") {
		t.Errorf("%s", text)
	}
	// The same card becomes a root key: it must sign the root that names it beside the old one.
	right(t, "key", "add", "root", pub, "--yes")
	right(t, "key", "threshold", "root", "2", "--yes", "--key", filepath.Join(keyDir(), "root-1.key"), "--key", "ssh:card of Alice")
	trust, err := readChain(keyDir())
	if err != nil || trust.Root().Version != 3 || len(trust.History()[2].Signed) != 2 {
		t.Fatalf("%v, %v", trust, err)
	}
	refuses(t, exitRefused, "holds no Ed25519 key called", "key", "renew", "--expires", "2098-01-01", "--key", "ssh:nobody", "--yes")
}
