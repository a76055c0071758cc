package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/cloud/keyring"
)

// terminal is a real one (pty(7)) and what a person at it sees.
type terminal struct {
	*os.File // the person's side
	tty      *os.File

	mu   sync.Mutex
	seen bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return &terminal{File: person, tty: tty}
}

// Write implements io.Writer: the command's words to the person.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.Write(p)
}

func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.String()
}

// vitrine runs the command for a person who answers each question as it comes.
func (term *terminal) vitrine(t *testing.T, answers [][2]string, args ...string) int {
	t.Helper()
	done := make(chan int, 1)
	go func() { done <- run(t.Context(), args, term.tty, term, term) }()
	late := time.After(time.Minute)
	at := 0
	for _, a := range answers {
		for {
			if i := strings.Index(term.text()[at:], a[0]); i >= 0 {
				at += i + len(a[0])
				break
			}
			select {
			case code := <-done:
				t.Fatalf("it ended with %d before it asked %q: %s", code, a[0], term.text())
			case <-late:
				t.Fatalf("it never asked %q: %s", a[0], term.text())
			case <-time.After(5 * time.Millisecond): // a terminal tells nobody of what is written on it
			}
		}
		if _, err := term.File.WriteString(a[1] + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case code := <-done:
		return code
	case <-late:
		t.Fatalf("it does not end: %s", term.text())
	}
	return 0
}

func TestAPersonAtATerminalIsAskedForPassphrases(t *testing.T) {
	alone(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	for _, v := range []string{"VITRINE_PASSPHRASE", "VITRINE_PASSPHRASE_FILE"} {
		t.Setenv(v, "")
	}
	dir, good := t.TempDir(), "four horses and a bicycle in the snow"
	path := filepath.Join(dir, "alice.key")
	term := newTerminal(t)
	if code := term.vitrine(t, [][2]string{{"New passphrase of", "short"}, {"Again:", "other"}}, "key", "make", path); code != exitRefused || !strings.Contains(term.text(), "not the same") {
		t.Errorf("exit %d: %s", code, term.text())
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a key was made with a passphrase that nobody knows")
	}
	term = newTerminal(t)
	if code := term.vitrine(t, [][2]string{{"New passphrase of", good}, {"Again:", good}}, "key", "make", path, "--name", "Alice"); code != exitRight {
		t.Fatalf("exit %d: %s", code, term.text())
	}
	if strings.Contains(term.text(), good) || strings.Contains(term.text(), "weak") {
		t.Errorf("it shows %s", term.text())
	}
	if k, err := keyring.File(path); err != nil || !k.Locked {
		t.Errorf("%+v, %v", k, err)
	}
	// With nothing typed one is made, and shown once; the wrong one is asked for again.
	term = newTerminal(t)
	if code := term.vitrine(t, [][2]string{{"Passphrase of", "wrong"}, {"Passphrase of", good}, {"New passphrase of", ""}}, "key", "passphrase", path); code != exitRight {
		t.Fatalf("exit %d: %s", code, term.text())
	}
	_, made, found := strings.Cut(term.text(), "write it down: ")
	made, _, _ = strings.Cut(made, "\n")
	k, err := keyring.File(path)
	if err != nil || !found {
		t.Fatal(err, term.text())
	}
	if _, err := k.Open(func(string) (string, error) { return made, nil }); err != nil {
		t.Errorf("%q does not open it: %v", made, err)
	}
}
