package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"vitrine/agent/bundle"
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

func runKey(_ context.Context, c *call) error {
	fs := c.flags()
	dir := fs.String("dir", keyDir(), "folder for the keys; it must not have keys yet")
	customer := fs.String("customer", defaultCustomer(), "name of whoever the screens belong to")
	count := fs.Int("root-keys", 1, "how many root keys to make, one for each person who keeps one")
	threshold := fs.Int("threshold", 1, "how many of them must sign a change of keys")
	guard := fs.Bool("warning-key", false, "make a key of its own for public warnings; without it the publisher's signs them")
	asJSON := fs.Bool("json", false, "write what was made as JSON")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) != 1 || args[0] != "new" {
		return usage("\"new\" is the only thing to do with keys")
	}
	if *count < 1 || *count > 16 || *threshold < 1 || *threshold > *count {
		return usage("--root-keys is 1 to 16, --threshold 1 to that number")
	}
	made, err := newKeys(*dir, *customer, *count, *threshold, *guard)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.stdout, made)
	}
	fmt.Fprintf(c.stdout, "keys of %q are in %s\n", made.Customer, made.Dir)
	fmt.Fprintf(c.stdout, "  %-14s signs bundles; keep it on the machine that publishes\n", publisherFile)
	if made.Warning != "" {
		fmt.Fprintf(c.stdout, "  %-14s signs public warnings, and nothing else\n", warningFile)
	}
	for i := range made.Root {
		fmt.Fprintf(c.stdout, "  %-14s may change who publishes; move it to a stick in a safe\n", fmt.Sprintf(rootFile, i+1))
	}
	fmt.Fprintf(c.stdout, "  %-14s is public: players pin it. %d of %d root keys must sign the next\n", bundle.RootPath(1), *threshold, *count)
	fmt.Fprintf(c.stdout, "fingerprint: %s (%s)\n", strings.Join(made.Words, " "), made.Fingerprint)
	return nil
}

// madeKeys is what "key new" has made.
type madeKeys struct {
	Dir         string   `json:"dir"`
	Customer    string   `json:"customer"`
	Publisher   string   `json:"publisher"` // key id
	Warning     string   `json:"warning,omitempty"`
	Root        []string `json:"root"` // key ids
	Fingerprint string   `json:"fingerprint"`
	Words       []string `json:"words"`
}

func newKeys(dir, customer string, count, threshold int, guard bool) (*madeKeys, error) {
	if err := os.MkdirAll(filepath.Join(dir, "root"), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	names := []string{publisherFile, warningFile, bundle.RootPath(1)}
	for i := range count {
		names = append(names, fmt.Sprintf(rootFile, i+1))
	}
	for _, n := range names {
		if _, err := os.Lstat(filepath.Join(dir, n)); !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s has keys already (%s), and keys are never replaced: whoever trusts them would be lost; give another --dir", dir, n)
		}
	}
	root := &bundle.Root{Format: bundle.FormatRoot, Customer: customer, Version: 1, Issued: time.Now().UTC().Truncate(time.Second)}
	made := &madeKeys{Dir: dir, Customer: customer}
	var signers []bundle.PrivateKey
	for i := range count {
		k, err := newKey(filepath.Join(dir, fmt.Sprintf(rootFile, i+1)))
		if err != nil {
			return nil, err
		}
		signers = append(signers, k)
		made.Root = append(made.Root, root.Allow(bundle.RoleRoot, fmt.Sprintf("root %d", i+1), k.Public()))
	}
	who := root.Roles[bundle.RoleRoot]
	who.Threshold = threshold
	root.Roles[bundle.RoleRoot] = who
	k, err := newKey(filepath.Join(dir, publisherFile))
	if err != nil {
		return nil, err
	}
	made.Publisher = root.Allow(bundle.RolePublisher, "publisher", k.Public())
	if guard {
		if k, err = newKey(filepath.Join(dir, warningFile)); err != nil {
			return nil, err
		}
		made.Warning = root.Allow(bundle.RoleWarning, "warnings", k.Public())
	}
	sealed, err := root.Seal(signers...)
	if err != nil {
		return nil, err
	}
	if err := bundle.WriteAtomically(filepath.Join(dir, bundle.RootPath(1)), sealed); err != nil {
		return nil, err
	}
	made.Fingerprint, made.Words = string(bundle.DigestOf(sealed)), bundle.Words(sealed)
	return made, nil
}

func newKey(path string) (bundle.PrivateKey, error) {
	k, err := bundle.GenerateKey()
	if err != nil {
		return k, err
	}
	return k, bundle.WriteKey(path, k)
}

// readKeys reads a folder of keys: the chain, verified, and the publisher's key.
func readKeys(dir string) (*bundle.Trust, bundle.PrivateKey, error) {
	trust, err := readChain(dir)
	if err != nil {
		return nil, bundle.PrivateKey{}, err
	}
	key, err := bundle.ReadKey(filepath.Join(dir, publisherFile))
	return trust, key, err
}

// readChain reads and verifies the public part of a folder of keys.
func readChain(dir string) (*bundle.Trust, error) {
	var chain [][]byte
	for n := 1; ; n++ {
		b, err := readBounded(filepath.Join(dir, bundle.RootPath(n)), bundle.MaxRoot)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the key chain: %w", err)
		}
		chain = append(chain, b)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("there are no keys in %s: \"vitrine key new\" makes them, or --keys says where they are", dir)
	}
	trust, err := bundle.NewTrust(chain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return trust, nil
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
