package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/cloud/keyring"
)

// The files of a folder of keys.
const (
	publisherFile = "publisher.key"
	rootFile      = "root-%d.key"
)

// keyDir is where keys are when nobody says otherwise.
func keyDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "keys"
	}
	return filepath.Join(dir, "vitrine", "keys")
}

// deeds are what can be done with keys.
func deeds() []verb {
	return []verb{
		{"new", "", "make a customer's first keys and root 1", "vitrine key new --customer acme --root-keys 3 --threshold 2", keyNew},
		{"make", "FILE", "make one key: FILE.key, and FILE.pub for others", "vitrine key make alice.key --name Alice", keyMake},
		{"show", "[FILE]", "say which keys are here, and what waits for whose signature", "vitrine key show", keyShow},
		{"add", "ROLE FILE.pub", "give a key a role: root, publisher, warning, relay", "vitrine key add publisher bob.pub --note 'Bob publishes too'", keyAdd},
		{"rotate", "KEY FILE.pub", "put a new key in an old one's place", "vitrine key rotate publisher new.pub --note 'yearly change'", keyRotate},
		{"revoke", "KEY", "take every role from a key", "vitrine key revoke Bob --note 'Bob has left'", keyRevoke},
		{"threshold", "ROLE N", "say how many of a role's keys must sign", "vitrine key threshold root 2", keyThreshold},
		{"renew", "--expires DATE", "give the keys another end", "vitrine key renew --expires 2029-01-01", keyRenew},
		{"sign", "FILE.request", "look at what is to be signed, and sign it: needs no network", "vitrine key sign root-2.request --key alice.key", keySign},
		{"accept", "FILE.signed …", "take signatures that were made elsewhere", "vitrine key accept root-2.Alice.signed root-2.Bob.signed", keyAccept},
		{"passphrase", "FILE.key", "lock a key's file with another passphrase", "vitrine key passphrase publisher.key", keyPassphrase},
		{"push", "", "hand the newest roots to the relay, and on to the players", "vitrine key push", keyPush},
		{"pull", "", "take newer roots that others have pushed to the relay", "vitrine key pull", keyPull},
	}
}

func runKey(ctx context.Context, c *call) error {
	if len(c.args) == 0 {
		return usage("say what to do with keys: %s; \"vitrine help key\" shows how", strings.Join(deedNames(), ", "))
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, c.args[0]) {
		fmt.Fprint(c.stdout, keyHelp())
		return nil
	}
	if strings.HasPrefix(c.args[0], "-") {
		if _, err := c.parse(c.flags()); err != nil {
			return err
		}
	}
	for _, d := range deeds() {
		if d.name == c.args[0] {
			c.verb, c.args = d, c.args[1:]
			c.verb.name = "key " + d.name
			return d.run(ctx, c)
		}
	}
	return usage("there is nothing called %q to do with keys: %s", c.args[0], strings.Join(deedNames(), ", "))
}

func deedNames() (names []string) {
	for _, d := range deeds() {
		names = append(names, d.name)
	}
	return names
}

// keyFlags are those of most deeds.
type keyFlags struct {
	*secrets
	dir    string
	from   list // keys from elsewhere
	asJSON bool
	lang   string
	words  words
	l      tongue
}

func (c *call) keyFlags(fs *flag.FlagSet) *keyFlags {
	k := &keyFlags{secrets: c.secrets(fs)}
	fs.StringVar(&k.dir, "dir", keyDir(), "folder of keys")
	fs.Var(&k.from, "key", "`FILE.key` to sign with, or ssh:NAME for one that an ssh-agent holds; may be repeated. Without it: whatever is in the folder or the ssh-agent and counts")
	fs.BoolVar(&k.yes, "yes", false, "sign what is shown without asking")
	fs.BoolVar(&k.asJSON, "json", false, "write JSON")
	fs.StringVar(&k.lang, "lang", "", "fr or en; that of the system when not given")
	return k
}

// ready looks at the flags after they were parsed.
func (k *keyFlags) ready() (err error) {
	k.words, err = language(k.lang)
	k.l = tongue(k.words.Lang)
	return err
}

// given are the keys that flags name: files, or ssh:NAME for one that an ssh-agent holds.
func given(from list) (keys []keyring.Key, err error) {
	for _, from := range from {
		name, held := strings.CutPrefix(from, "ssh:")
		if !held {
			one, err := keyring.File(from)
			if err != nil {
				return nil, err
			}
			keys = append(keys, one)
			continue
		}
		all, err := keyring.Agent()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(one keyring.Key) bool { return one.Name == name || one.Words() == name })
		if i < 0 {
			return nil, fmt.Errorf("the ssh-agent holds no Ed25519 key called %q: \"ssh-add -l\" lists them", name)
		}
		keys = append(keys, all[i])
	}
	return keys, nil
}

// readRole reads a folder of keys: the chain, verified, and as many of a role's keys as must sign.
func (c *call) readRole(dir, role string, s *secrets, from ...string) (*bundle.Trust, []bundle.PrivateKey, error) {
	ring, err := keyring.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	others, err := given(from)
	if err != nil {
		return nil, nil, err
	}
	keys, err := ring.Publishers(role, s.ask(), others...)
	return ring.Trust(), keys, err
}

// readChain reads and verifies the public part of a folder of keys.
func readChain(dir string) (*bundle.Trust, error) {
	ring, err := keyring.Open(dir)
	if err != nil {
		return nil, err
	}
	return ring.Signed()
}

// defaultCustomer is this machine's name, as far as it can be a customer's.
func defaultCustomer() string {
	host, err := os.Hostname()
	host = regexp.MustCompile(`[^a-zA-Z0-9-]+`).ReplaceAllString(host, "-")
	host = strings.Trim(host, "-")
	if err != nil || host == "" {
		return "site"
	}
	return strings.ToLower(host[:min(40, len(host))])
}

func keyPassphrase(_ context.Context, c *call) error {
	fs := c.flags()
	s := c.secrets(fs)
	s.unlocked(fs)
	fresh := fs.String("new-passphrase-file", "", "`FILE` with the new passphrase; asked for when not given")
	path, err := c.one(fs, "key's file")
	if err != nil {
		return err
	}
	k, err := keyring.File(path)
	if err != nil {
		return err
	}
	ask := s.ask()
	if *fresh != "" {
		s = &secrets{call: c, file: *fresh}
	} else if s.file != "" && !s.none {
		return usage("give the new passphrase with --new-passphrase-file, or --no-passphrase")
	}
	opened, err := k.Open(ask) // the old one first: whoever does not know it is told before the new one is asked
	if err != nil {
		return err
	}
	next, err := s.choose(path)
	if err != nil {
		return err
	}
	if err := keyring.Relock(k.Opened(opened), next); err != nil {
		return err
	}
	how := "with its new passphrase"
	if next == "" {
		how = "by whoever can read it: it has no passphrase"
	}
	fmt.Fprintf(c.stdout, "%s is opened %s\n", path, how)
	return nil
}

func keyPush(ctx context.Context, c *call) error {
	fs := c.flags()
	dir := fs.String("dir", keyDir(), "folder of keys")
	relay := relayFlags(fs)
	if args, err := c.parse(fs); err != nil || len(args) > 0 {
		return errors.Join(err, orUsage(len(args) > 0, "there is nothing to name: the folder's roots are pushed"))
	}
	trust, err := readChain(*dir)
	if err != nil {
		return err
	}
	p, err := relay.pusher(c)
	if err != nil {
		return err
	}
	if err := p.roots(ctx, trust.Chain()); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "the relay has root %d; players take it with their next heartbeat\n", trust.Root().Version)
	return nil
}

func keyPull(ctx context.Context, c *call) error {
	fs := c.flags()
	dir := fs.String("dir", keyDir(), "folder of keys")
	relay := relayFlags(fs)
	if args, err := c.parse(fs); err != nil || len(args) > 0 {
		return errors.Join(err, orUsage(len(args) > 0, "there is nothing to name: the relay's roots are taken into the folder"))
	}
	ring, err := keyring.Open(*dir)
	if err != nil {
		return err
	}
	client, err := relay.client(c)
	if err != nil {
		return err
	}
	chain, err := client.Roots(ctx, 1)
	if err != nil {
		return fmt.Errorf("ask the relay for its key chain: %w", err)
	}
	if len(chain) == 0 {
		return errors.New("the relay has no root yet: vitrine key push hands it yours")
	}
	n, err := ring.Learn(chain)
	if err != nil {
		return fmt.Errorf("take the relay's roots: %w", err)
	}
	fmt.Fprintf(c.stdout, "%s came from the relay; the folder has root %d\n", count(n, "root"), ring.Trust().Root().Version)
	return nil
}

func orUsage(wrong bool, reason string) error {
	if wrong {
		return usage("%s", reason)
	}
	return nil
}
