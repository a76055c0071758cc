package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/cloud/keyring"
)

// keySign signs what another machine has asked for. It needs nothing but the file and the key.
func keySign(_ context.Context, c *call) error {
	fs := c.flags()
	k := c.keyFlags(fs)
	out := fs.String("o", "", "write the signature to this `FILE`; beside the request when not given")
	path, err := c.one(fs, "request")
	if err != nil {
		return err
	}
	if err := k.ready(); err != nil {
		return err
	}
	draft, err := readRequest(path)
	if err != nil {
		return err
	}
	keys, err := k.signers(draft)
	if err != nil {
		return err
	}
	for _, line := range k.words.draft(draft) {
		fmt.Fprintln(c.stderr, line)
	}
	if err := k.consent(k.l); err != nil {
		return err
	}
	if err := signWith(draft, keys, k.ask()); err != nil {
		return err
	}
	signed, err := draft.Request()
	if err != nil {
		return err
	}
	if *out == "" {
		*out = fmt.Sprintf("%s.%s.signed", strings.TrimSuffix(strings.TrimSuffix(path, ".request"), ".signed"), fileName(keys))
	}
	if err := bundle.WriteAtomically(*out, signed); err != nil {
		return err
	}
	if k.asJSON {
		return printJSON(c.stdout, map[string]any{"file": *out, "words": draft.Words(), "signed": draft.Signed(), "lacks": draft.Lacks()})
	}
	fmt.Fprintln(c.stdout, k.l.say("signed: carry %s back; there: vitrine key accept %s", "signé : rapportez %s ; là-bas : vitrine key accept %s", *out, filepath.Base(*out)))
	return nil
}

// signers are the keys to sign with: those given, else those of the folder and the ssh-agent that count and have not signed.
func (k *keyFlags) signers(draft *bundle.Draft) ([]keyring.Key, error) {
	keys, err := given(k.from)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		all, err := (&keyring.Ring{Dir: k.dir}).Keys()
		if err != nil {
			return nil, err
		}
		done := draft.Signed()
		for _, one := range all {
			if draft.Wants(one.ID) && !slices.ContainsFunc(done, func(s bundle.Named) bool { return s.ID == one.ID }) {
				keys = append(keys, one)
			}
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key here may sign this and has not done so (looked in %s, and asked the ssh-agent): name it with --key FILE.key", k.dir)
	}
	return keys, nil
}

// fileName is the name of who signs, fit for a file's name.
func fileName(keys []keyring.Key) string {
	plain := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}
	var out []string
	for _, k := range keys {
		name := strings.Trim(strings.Map(plain, k.Name), "-")
		if name == "" {
			name = k.ID[:min(8, len(k.ID))]
		}
		out = append(out, name[:min(40, len(name))])
	}
	return strings.Join(out, ".")
}

func readRequest(path string) (*bundle.Draft, error) {
	b, err := readBounded(path, bundle.MaxRequest)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	d, err := bundle.ReadRequest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

func keyAccept(_ context.Context, c *call) error {
	fs := c.flags()
	k := c.keyFlags(fs)
	paths, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return usage("give the signed files that have come back")
	}
	if err := k.ready(); err != nil {
		return err
	}
	ring, err := keyring.Open(k.dir)
	if err != nil {
		return err
	}
	draft, _, err := ring.Pending()
	if err != nil {
		return err
	}
	if draft == nil {
		return fmt.Errorf("nothing waits for signatures in %s: a bundle that was signed elsewhere goes to \"vitrine build --signed FILE\"", k.dir)
	}
	for _, path := range paths {
		other, err := readRequest(path)
		if err != nil {
			return err
		}
		fresh, err := draft.Join(other)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if fresh == 0 {
			fmt.Fprintln(c.stderr, k.l.say("note: %s brings no signature that is not here already", "note : %s n’apporte aucune signature nouvelle", path))
		}
	}
	return k.keep(c, ring, draft)
}

// heldKey is a key that can sign from here, for machines.
type heldKey struct {
	Name   string   `json:"name"`
	ID     string   `json:"id"`
	Words  []string `json:"words"`
	Where  string   `json:"where,omitempty"` // file, or ssh-agent
	Locked bool     `json:"locked"`
	Roles  []string `json:"roles,omitempty"`
}

// ringState is a folder of keys, for machines.
type ringState struct {
	Customer string    `json:"customer"`
	Version  int       `json:"version"`
	Words    []string  `json:"words,omitempty"` // of root 1
	Keys     []heldKey `json:"keys"`
	Pending  *changed  `json:"pending,omitempty"`
}

func keyShow(_ context.Context, c *call) error {
	fs := c.flags()
	k := c.keyFlags(fs)
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if err := k.ready(); err != nil {
		return err
	}
	switch {
	case len(args) > 1:
		return usage("give one file, or none for the whole folder")
	case len(args) == 1:
		return k.showFile(c, args[0])
	}
	return k.showRing(c)
}

func (k *keyFlags) showFile(c *call, path string) error {
	switch filepath.Ext(path) {
	case ".pub", ".key":
		p, err := keyring.ReadPublic(strings.TrimSuffix(path, ".key") + extra(path, ".key", ".pub"))
		if os.IsNotExist(err) {
			var key keyring.Key
			key, err = keyring.File(path)
			p = key.Public
		}
		if err != nil {
			return err
		}
		if k.asJSON {
			return printJSON(c.stdout, heldKey{Name: p.Name, ID: p.ID, Words: bundle.Words(p.Key)})
		}
		fmt.Fprintf(c.stdout, "%s: %s\n%s\n", p.Name, p.Words(), p.ID)
		return nil
	}
	draft, err := readRequest(path)
	if err != nil {
		return err
	}
	if k.asJSON {
		return printJSON(c.stdout, map[string]any{"words": draft.Words(), "signed": draft.Signed(), "lacks": draft.Lacks(), "root": draft.Root, "ticket": draft.Ticket})
	}
	for _, line := range append(k.words.draft(draft), k.words.lacks(draft)...) {
		fmt.Fprintln(c.stdout, line)
	}
	return nil
}

// extra is what to put behind a name that had one ending.
func extra(path, ending, instead string) string {
	if strings.HasSuffix(path, ending) {
		return instead
	}
	return ""
}

func (k *keyFlags) showRing(c *call) error {
	ring, err := keyring.Open(k.dir)
	if err != nil {
		return err
	}
	draft, path, err := ring.Pending()
	if err != nil {
		return err
	}
	keys, err := ring.Keys()
	if err != nil {
		return err
	}
	state := ringState{Keys: []heldKey{}}
	var root *bundle.Root
	if t := ring.Trust(); t != nil {
		root = t.Root()
		state.Version, state.Words = root.Version, bundle.Words(t.Chain()[0])
	} else {
		root = draft.Root
	}
	state.Customer = root.Customer
	for _, one := range keys {
		roles := rolesOf(root, one.ID)
		if one.Path == "" && len(roles) == 0 {
			continue // of the ssh-agent, and none of ours
		}
		state.Keys = append(state.Keys, heldKey{Name: one.Name, ID: one.ID, Words: bundle.Words(one.Key), Where: one.Where(), Locked: one.Locked, Roles: roles})
	}
	if draft != nil {
		state.Pending = &changed{Version: draft.Root.Version, File: path, Words: draft.Words(), Signed: draft.Signed(), Lacks: draft.Lacks()}
	}
	if k.asJSON {
		return printJSON(c.stdout, state)
	}
	for _, line := range k.words.ring(state) {
		fmt.Fprintln(c.stdout, line)
	}
	if draft != nil {
		k.waiting(c, draft, path)
	}
	return nil
}
