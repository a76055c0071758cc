package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/keyring"
)

// beginning is what "key new" was told.
type beginning struct {
	*keyFlags
	customer      string
	count         int
	threshold     int
	guard         bool
	roots, pubs   list // public halves of keys that are elsewhere
	expires, note string
	root          *bundle.Root
	made          []keyring.Key
}

func keyNew(_ context.Context, c *call) error {
	fs := c.flags()
	b := &beginning{keyFlags: c.keyFlags(fs)}
	b.unlocked(fs)
	fs.StringVar(&b.customer, "customer", defaultCustomer(), "name of whoever the screens belong to")
	fs.IntVar(&b.count, "root-keys", 1, "how many root keys to make here, one for each person who keeps one")
	fs.IntVar(&b.threshold, "threshold", 0, "how many root keys must sign a change of keys; 1 when there is one, 2 when there are more")
	fs.BoolVar(&b.guard, "warning-key", false, "make a key of its own for public warnings; without it the publisher's signs them")
	fs.Var(&b.roots, "root", "`FILE.pub` of a root key that is kept elsewhere, instead of one made here; may be repeated")
	fs.Var(&b.pubs, "publisher", "`FILE.pub` of a publisher's key that is kept elsewhere, such as in an ssh-agent, instead of one made here; may be repeated")
	fs.StringVar(&b.expires, "expires", "", "`DATE` from which the keys are to be renewed, such as 2029-01-01; they go on to count, and players raise an alarm")
	fs.StringVar(&b.note, "note", "", "why, one line")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("there is nothing to name: --dir says where the keys go")
	}
	if err := b.ready(); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	if err := b.make(); err != nil {
		return err
	}
	return b.sign(c)
}

func (b *beginning) check() error {
	if len(b.roots) > 0 {
		b.count = len(b.roots)
	}
	if b.threshold == 0 {
		b.threshold = min(2, b.count)
	}
	if b.count < 1 || b.count > 16 || b.threshold < 1 || b.threshold > b.count {
		return usage("--root-keys is 1 to 16, --threshold 1 to that number")
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "root"), 0o700); err != nil {
		return fmt.Errorf("make the folder of keys: %w", err)
	}
	taken := []string{publisherFile, warningFile, bundle.RootPath(1), "root-1.request"}
	for i := range b.count {
		taken = append(taken, fmt.Sprintf(rootFile, i+1))
	}
	for _, n := range taken {
		if _, err := os.Lstat(filepath.Join(b.dir, n)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s has keys already (%s), and keys are never replaced: whoever trusts them would be lost; give another --dir", b.dir, n)
		}
	}
	end, err := day(b.expires)
	b.root = &bundle.Root{Format: bundle.FormatRoot, Customer: b.customer, Version: 1, Issued: time.Now().UTC().Truncate(time.Second), Expires: end, Note: b.note}
	return err
}

// make makes the keys that belong here, and gives all their roles.
func (b *beginning) make() error {
	for i := range b.count {
		if len(b.roots) > 0 {
			if err := b.elsewhere(bundle.RoleRoot, b.roots[i]); err != nil {
				return err
			}
		} else if err := b.here(bundle.RoleRoot, fmt.Sprintf(rootFile, i+1), fmt.Sprintf("root %d", i+1)); err != nil {
			return err
		}
	}
	for _, path := range b.pubs {
		if err := b.elsewhere(bundle.RolePublisher, path); err != nil {
			return err
		}
	}
	if len(b.pubs) == 0 {
		if err := b.here(bundle.RolePublisher, publisherFile, "publisher"); err != nil {
			return err
		}
	}
	if b.guard {
		if err := b.here(bundle.RoleWarning, warningFile, "warnings"); err != nil {
			return err
		}
	}
	who := b.root.Roles[bundle.RoleRoot]
	who.Threshold = b.threshold
	b.root.Roles[bundle.RoleRoot] = who
	return nil
}

func (b *beginning) here(role, file, name string) error {
	path := filepath.Join(b.dir, file)
	passphrase, err := b.choose(path)
	if err != nil {
		return err
	}
	k, err := keyring.Make(path, name, passphrase)
	if err != nil {
		return err
	}
	b.made = append(b.made, k)
	return keyring.Add(b.root, role, k.Public)
}

func (b *beginning) elsewhere(role, path string) error {
	p, err := keyring.ReadPublic(path)
	if err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	return keyring.Add(b.root, role, p)
}

// sign signs root 1 with the root keys that were made here, and with others that are at hand.
func (b *beginning) sign(c *call) error {
	draft, err := b.root.Draft(nil)
	if err != nil {
		return err
	}
	ring := &keyring.Ring{Dir: b.dir}
	var own []keyring.Key
	for _, k := range b.made {
		if draft.Wants(k.ID) {
			own = append(own, k)
		}
	}
	if len(own) > 0 { // keys made a moment ago sign what was just typed: there is nobody to be asked
		if err := signWith(draft, own, nil); err != nil {
			return err
		}
		return b.settle(c, ring, draft)
	}
	return b.change(c, ring, draft)
}

// madeKeys is what "key new" has made.
type madeKeys struct {
	Dir         string   `json:"dir"`
	Customer    string   `json:"customer"`
	Publisher   string   `json:"publisher"` // key id
	Warning     string   `json:"warning,omitempty"`
	Root        []string `json:"root"` // key ids
	Threshold   int      `json:"threshold"`
	Fingerprint string   `json:"fingerprint,omitempty"` // "" while root 1 waits for signatures
	Words       []string `json:"words,omitempty"`
	Request     string   `json:"request,omitempty"` // the file that waits
}

// settle keeps root 1 and says what was made.
func (b *beginning) settle(c *call, ring *keyring.Ring, draft *bundle.Draft) error {
	path, done, err := ring.Settle(draft)
	if err != nil {
		return err
	}
	m := madeKeys{Dir: b.dir, Customer: b.customer, Threshold: b.threshold, Root: b.root.Roles[bundle.RoleRoot].Keys,
		Publisher: b.root.Roles[bundle.RolePublisher].Keys[0]}
	if b.guard {
		m.Warning = b.root.Roles[bundle.RoleWarning].Keys[0]
	}
	if done {
		first := ring.Trust().Chain()[0]
		m.Fingerprint, m.Words = string(bundle.DigestOf(first)), bundle.Words(first)
	} else {
		m.Request = path
	}
	if b.asJSON {
		return printJSON(c.stdout, m)
	}
	fmt.Fprintf(c.stdout, "keys of %q are in %s\n", b.customer, b.dir)
	for _, k := range b.made {
		fmt.Fprintf(c.stdout, "  %-14s %s\n", filepath.Base(k.Path), duty(draft.Root, k))
	}
	if !done {
		b.waiting(c, draft, path)
		return nil
	}
	fmt.Fprintf(c.stdout, "  %-14s is public: players pin it. %d of %d root keys must sign the next\n", bundle.RootPath(1), b.threshold, b.count)
	fmt.Fprintf(c.stdout, "fingerprint: %s (%s)\n", strings.Join(m.Words, " "), m.Fingerprint)
	return nil
}

// duty says what a new key is for, and where it belongs.
func duty(r *bundle.Root, k keyring.Key) string {
	switch {
	case holds(r, bundle.RolePublisher, k.ID):
		return "signs bundles; keep it on the machine that publishes"
	case holds(r, bundle.RoleWarning, k.ID):
		return "signs public warnings, and nothing else"
	}
	return "may change who publishes; move it to a stick in a safe"
}

func keyMake(_ context.Context, c *call) error {
	fs := c.flags()
	s := c.secrets(fs)
	s.unlocked(fs)
	name := fs.String("name", "", "what people call the key; the file's name when not given")
	asJSON := fs.Bool("json", false, "write JSON")
	path, err := c.one(fs, "file")
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(path, ".key")
	if *name == "" {
		*name = filepath.Base(base)
	}
	passphrase, err := s.choose(base + ".key")
	if err != nil {
		return err
	}
	k, err := keyring.Make(path, *name, passphrase)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.stdout, heldKey{Name: k.Name, ID: k.ID, Words: bundle.Words(k.Key), Where: k.Path, Locked: k.Locked})
	}
	fmt.Fprintf(c.stdout, "%s is the key of %s: keep it here, copy it to one stick in a safe\n%s is its public half: give it to whoever keeps the root\nwords: %s\n",
		k.Path, k.Name, base+".pub", k.Words())
	return nil
}

// day reads a date, or an instant; "" = none.
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	return time.Time{}, usage("%q is not a date like 2029-01-01", s)
}
