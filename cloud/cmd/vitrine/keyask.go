package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"vitrine/cloud/keyring"
)

// maxPassphrase is what is read of a file with a passphrase.
const maxPassphrase = 4 << 10

// secrets is where passphrases come from: a file, the environment, a person at a terminal, in this order.
type secrets struct {
	call  *call
	file  string
	none  bool
	yes   bool
	asked map[string]bool
}

func (c *call) secrets(fs *flag.FlagSet) *secrets {
	s := &secrets{call: c}
	fs.StringVar(&s.file, "passphrase-file", "", "`FILE` with the passphrase of keys (or $VITRINE_PASSPHRASE_FILE, or $VITRINE_PASSPHRASE); asked for when not given")
	return s
}

// unlocked adds the flag of deeds that make keys.
func (s *secrets) unlocked(fs *flag.FlagSet) {
	fs.BoolVar(&s.none, "no-passphrase", false, "leave the key unlocked: whoever reads the file can sign")
}

// kept is a passphrase that nobody need be asked for.
func (s *secrets) kept() (passphrase string, ok bool, err error) {
	file := s.file
	if file == "" {
		file = os.Getenv("VITRINE_PASSPHRASE_FILE")
	}
	if file == "" {
		p := os.Getenv("VITRINE_PASSPHRASE")
		return p, p != "", nil
	}
	st, err := os.Stat(file)
	if err != nil {
		return "", false, fmt.Errorf("read the passphrase: %w", err)
	}
	if st.Mode().IsRegular() && st.Mode().Perm()&0o077 != 0 {
		return "", false, fmt.Errorf("read the passphrase: others can read %s (mode %v); run: chmod 600 %s", file, st.Mode().Perm(), file)
	}
	b, err := readBounded(file, maxPassphrase)
	if err != nil {
		return "", false, fmt.Errorf("read the passphrase: %w", err)
	}
	p := strings.TrimRight(string(b), "\r\n")
	if p == "" || strings.ContainsAny(p, "\r\n") {
		return "", false, fmt.Errorf("read the passphrase: %s does not hold one line", file)
	}
	return p, true, nil
}

// ask opens keys that are there already.
func (s *secrets) ask() keyring.Ask {
	return func(what string) (string, error) {
		p, ok, err := s.kept()
		if err != nil {
			return "", err
		}
		if ok {
			if s.asked[what] {
				return "", fmt.Errorf("the passphrase that was given does not open %s: give its own with --passphrase-file", what)
			}
			if s.asked == nil {
				s.asked = map[string]bool{}
			}
			s.asked[what] = true
			return p, nil
		}
		if s.terminal() == nil {
			return "", fmt.Errorf("%s is locked: give its passphrase with --passphrase-file FILE or $VITRINE_PASSPHRASE_FILE, or run this on a terminal", what)
		}
		return s.prompt("Passphrase of " + what + ": ")
	}
}

// choose gives the passphrase of a new key; "" = none. A weak one is said to be.
func (s *secrets) choose(what string) (string, error) {
	if s.none {
		return "", nil
	}
	p, ok, err := s.kept()
	switch {
	case err != nil:
		return "", err
	case !ok && s.terminal() == nil:
		fmt.Fprintf(s.call.stderr, "warning: %s has no passphrase, whoever reads it can sign; --passphrase-file FILE locks it\n", what)
		return "", nil
	case !ok:
		if p, err = s.prompt("New passphrase of " + what + " (nothing = one is made for you): "); err != nil {
			return "", err
		}
		if p == "" {
			p = keyring.Passphrase()
			fmt.Fprintf(s.call.stderr, "its passphrase is, write it down: %s\n", p)
			return p, nil
		}
		again, err := s.prompt("Again: ")
		if err != nil {
			return "", err
		}
		if again != p {
			return "", errors.New("the two are not the same: nothing is made, try again")
		}
	}
	if why := keyring.Weak(p); why != "" {
		fmt.Fprintf(s.call.stderr, "warning: the passphrase of %s is weak: %s\n", what, why)
	}
	return p, nil
}

// terminal is the terminal on which a person can be asked, or nil.
func (s *secrets) terminal() *os.File {
	if f, ok := s.call.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func (s *secrets) prompt(text string) (string, error) {
	fmt.Fprint(s.call.stderr, text)
	b, err := term.ReadPassword(int(s.terminal().Fd()))
	fmt.Fprintln(s.call.stderr)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	return string(b), nil
}

// errNotSigned ends a deed that a person did not want.
var errNotSigned = errors.New("nothing was signed: the answer was not \"yes\"; --yes signs without asking")

// consent asks whether to sign what was just shown.
func (s *secrets) consent(l tongue) error {
	if s.yes {
		return nil
	}
	fmt.Fprint(s.call.stderr, l.say("Sign this? Type yes: ", "Signer ceci ? Tapez oui : "))
	line, err := bufio.NewReader(s.call.stdin).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	if answer == "yes" || answer == "oui" {
		return nil
	}
	if err != nil {
		fmt.Fprintln(s.call.stderr)
	}
	return errNotSigned
}
