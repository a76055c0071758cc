package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/keyring"
)

// amendment is one change of who may sign what.
type amendment struct {
	*keyFlags
	note, expires string
	ring          *keyring.Ring
	next          *bundle.Root
}

func (c *call) amendment(fs *flag.FlagSet) *amendment {
	a := &amendment{keyFlags: c.keyFlags(fs)}
	fs.StringVar(&a.note, "note", "", "why, one line: whoever signs and whoever asks later reads it")
	fs.StringVar(&a.expires, "expires", "", "`DATE` from which the keys are to be renewed")
	return a
}

// begin takes the arguments, so many of them, and begins the next root.
func (a *amendment) begin(c *call, fs *flag.FlagSet, want int) ([]string, error) {
	args, err := c.parse(fs)
	if err != nil {
		return nil, err
	}
	if len(args) != want {
		return nil, usage("give %s", count(want, "argument"))
	}
	if err := a.ready(); err != nil {
		return nil, err
	}
	if a.ring, err = keyring.Open(a.dir); err != nil {
		return nil, err
	}
	trust, err := a.ring.Signed()
	if err != nil {
		return nil, err
	}
	if d, path, err := a.ring.Pending(); err != nil {
		return nil, err
	} else if d != nil {
		return nil, fmt.Errorf("root %d waits for signatures already (%s): have it signed, or remove the file to give it up", d.Root.Version, path)
	}
	a.next = keyring.Next(trust.Root(), time.Now())
	a.next.Note = a.note
	end, err := day(a.expires)
	if !end.IsZero() {
		a.next.Expires = end
	}
	return args, err
}

// finish shows what would change, signs it with what is here, and keeps it.
func (a *amendment) finish(c *call) error {
	draft, err := a.next.Draft(a.ring.Trust())
	if err != nil {
		return err
	}
	return a.change(c, a.ring, draft)
}

// change signs a draft with the keys at hand, each person's consent asked once, and keeps it.
func (k *keyFlags) change(c *call, ring *keyring.Ring, draft *bundle.Draft) error {
	keys, err := k.willing(ring, draft)
	if err != nil {
		return err
	}
	out := c.stdout
	if k.asJSON {
		out = c.stderr
	}
	for _, line := range k.words.draft(draft) {
		fmt.Fprintln(out, line)
	}
	if len(keys) > 0 {
		if err := k.consent(k.l); err != nil {
			return err
		}
		if err := signWith(draft, keys, k.ask()); err != nil {
			return err
		}
	}
	return k.keep(c, ring, draft)
}

// willing are the keys at hand whose signatures are still needed: the given ones, else as few as will do.
func (k *keyFlags) willing(ring *keyring.Ring, draft *bundle.Draft) ([]keyring.Key, error) {
	if named, err := given(k.from); err != nil || len(named) > 0 {
		return named, err
	}
	all, err := ring.Keys()
	if err != nil {
		return nil, err
	}
	var keys []keyring.Key
	for _, lack := range draft.Lacks() {
		need := lack.Need - lack.Have
		for _, could := range lack.Could {
			if slices.ContainsFunc(keys, func(o keyring.Key) bool { return o.ID == could.ID }) {
				need-- // it signs for another role already
			}
		}
		for _, could := range lack.Could {
			i := slices.IndexFunc(all, func(o keyring.Key) bool { return o.ID == could.ID })
			if i >= 0 && need > 0 && !slices.ContainsFunc(keys, func(o keyring.Key) bool { return o.ID == could.ID }) {
				keys = append(keys, all[i])
				need--
			}
		}
	}
	return keys, nil
}

func signWith(draft *bundle.Draft, keys []keyring.Key, ask keyring.Ask) error {
	for _, k := range keys {
		open, err := k.Open(ask)
		if err != nil {
			return err
		}
		if err := draft.Sign(open); err != nil {
			return err
		}
	}
	return nil
}

// changed is what became of a change, for machines.
type changed struct {
	Version int            `json:"version"`
	Done    bool           `json:"done"`
	File    string         `json:"file"` // the root, or the request that waits
	Words   []string       `json:"words"`
	Signed  []bundle.Named `json:"signed"`
	Lacks   []bundle.Lack  `json:"lacks,omitempty"`
}

// keep keeps a draft and says what is to be done next.
func (k *keyFlags) keep(c *call, ring *keyring.Ring, draft *bundle.Draft) error {
	path, done, err := ring.Settle(draft)
	if err != nil {
		return err
	}
	if k.asJSON {
		return printJSON(c.stdout, changed{Version: draft.Root.Version, Done: done, File: path, Words: draft.Words(), Signed: draft.Signed(), Lacks: draft.Lacks()})
	}
	if !done {
		k.waiting(c, draft, path)
		return nil
	}
	fmt.Fprintln(c.stdout, k.l.say("root %d is signed: %s", "la racine %d est signée : %s", draft.Root.Version, path))
	if draft.Root.Version == 1 {
		first := ring.Trust().Chain()[0]
		fmt.Fprintln(c.stdout, k.l.say("fingerprint: %s (%s)", "empreinte : %s (%s)", fourWords(bundle.Words(first)), bundle.DigestOf(first)))
		return nil
	}
	fmt.Fprintln(c.stdout, k.l.say("next: vitrine key push hands it to the relay; the next bundle carries it to sticks",
		"ensuite : vitrine key push la remet au relais ; le prochain contenu la porte sur les clés USB"))
	return nil
}

// waiting says who must still sign, and how.
func (k *keyFlags) waiting(c *call, draft *bundle.Draft, path string) {
	for _, line := range k.words.lacks(draft) {
		fmt.Fprintln(c.stdout, line)
	}
	fmt.Fprintln(c.stdout, k.l.say("next: carry %s to them; there: vitrine key sign %s; back here: vitrine key accept FILE.signed",
		"ensuite : portez-leur %s ; là-bas : vitrine key sign %s ; de retour ici : vitrine key accept FICHIER.signed", path, "FILE.request"))
}

func keyAdd(ctx context.Context, c *call) error {
	fs := c.flags()
	a := c.amendment(fs)
	name := fs.String("name", "", "what people call the key; as its file says when not given")
	fromRelay := fs.Bool("from-relay", false, "with the role relay: take the key that the relay itself names, over its pinned connection")
	relay := relayFlags(fs)
	want := 2
	if slices.Contains(c.args, "--from-relay") || slices.Contains(c.args, "-from-relay") {
		want = 1
	}
	args, err := a.begin(c, fs, want)
	if err != nil {
		return err
	}
	var p keyring.Public
	if *fromRelay {
		if args[0] != bundle.RoleRelay {
			return usage("--from-relay goes with the role relay: vitrine key add relay --from-relay")
		}
		p, err = relayKey(ctx, c, relay)
	} else {
		p, err = keyring.ReadPublic(args[1])
	}
	if err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	if *name != "" {
		p.Name = *name
	}
	if err := keyring.Add(a.next, args[0], p); err != nil {
		return err
	}
	return a.finish(c)
}

// relayKey asks a relay for the key that signs what is newest.
func relayKey(ctx context.Context, c *call, access *relayAccess) (keyring.Public, error) {
	client, err := access.client(c)
	if err != nil {
		return keyring.Public{}, err
	}
	t, err := client.Time(ctx, nil)
	if err != nil {
		return keyring.Public{}, fmt.Errorf("ask the relay for its key: %w", err)
	}
	if len(t.Key) == 0 {
		return keyring.Public{}, errors.New("the relay names no key of its own: it is older than this program; update it first")
	}
	return keyring.PublicOf(t.Key, "relay")
}

func keyRotate(_ context.Context, c *call) error {
	fs := c.flags()
	a := c.amendment(fs)
	name := fs.String("name", "", "what people call the new key; the old one's name with a number when not given")
	args, err := a.begin(c, fs, 2)
	if err != nil {
		return err
	}
	id, err := keyring.Find(a.ring.Trust().Root(), args[0])
	if err != nil {
		return err
	}
	p, err := keyring.ReadPublic(args[1])
	if err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	if *name != "" {
		p.Name = *name
	}
	if _, err := keyring.Rotate(a.next, id, p); err != nil {
		return err
	}
	return a.finish(c)
}

func keyRevoke(_ context.Context, c *call) error {
	fs := c.flags()
	a := c.amendment(fs)
	args, err := a.begin(c, fs, 1)
	if err != nil {
		return err
	}
	id, err := keyring.Find(a.ring.Trust().Root(), args[0])
	if err != nil {
		return err
	}
	if _, err := keyring.Revoke(a.next, id); err != nil {
		return err
	}
	return a.finish(c)
}

func keyThreshold(_ context.Context, c *call) error {
	fs := c.flags()
	a := c.amendment(fs)
	args, err := a.begin(c, fs, 2)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return usage("%q is not a number of keys", args[1])
	}
	if err := keyring.Threshold(a.next, args[0], n); err != nil {
		return err
	}
	return a.finish(c)
}

func keyRenew(_ context.Context, c *call) error {
	fs := c.flags()
	a := c.amendment(fs)
	if _, err := a.begin(c, fs, 0); err != nil {
		return err
	}
	if a.expires == "" {
		return usage("say until when: --expires 2029-01-01")
	}
	return a.finish(c)
}
