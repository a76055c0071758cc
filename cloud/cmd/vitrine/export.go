package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	exports "vitrine/agent/export"
	"vitrine/cloud/api"
)

const exportKeyFile = "export.age" // in the folder of keys

func runExport(ctx context.Context, c *call) error {
	return c.among(ctx, []verb{
		{"key", "", "make the key that reads players' exports, and say what players encrypt to", "vitrine export key --keys out/keys", exportKey},
		{"order", "--stick DIR", "make a stick onto which players write what they have to tell", "vitrine export order --stick /media/stick --group lobby", orderExport},
		{"read", "FILE …", "decrypt and verify exports, and write what is in them into a folder", "vitrine export read /media/stick/vitrine/exports/*.vitrine-export -o out", readExport},
		{"push", "FILE …", "hand the plays of exports to the relay; what it has already is not counted twice", "vitrine export push /media/stick/vitrine/exports/*.vitrine-export", pushExport},
	})
}

func exportKey(_ context.Context, c *call) error {
	fs := c.flags()
	keys := fs.String("keys", keyDir(), "folder for the key")
	asJSON := fs.Bool("json", false, "write the recipient as JSON")
	if args, err := c.parse(fs); err != nil || len(args) > 0 {
		return errors.Join(err, orUsage(len(args) > 0, "this verb takes no arguments"))
	}
	path := filepath.Join(*keys, exportKeyFile)
	identity, recipient, err := exports.Key()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*keys, 0o700); err != nil {
		return fmt.Errorf("make the folder of keys: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and is never replaced: what players have encrypted to it could not be read any more", path)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "# reads players' exports; public: %s\n%s\n", recipient, identity)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	if *asJSON {
		return printJSON(c.stdout, map[string]string{"recipient": recipient, "file": path})
	}
	fmt.Fprintf(c.stdout, "%s reads players' exports: keep it, and a copy of it\nplayers encrypt to %s\n", path, recipient)
	return nil
}

// exportKeys are the keys that read exports: those given, else that of the folder of keys.
func exportKeys(keys string, files list) ([]age.Identity, error) {
	if len(files) == 0 {
		files = list{filepath.Join(keys, exportKeyFile)}
	}
	var out []age.Identity
	for _, path := range files {
		b, err := readBounded(path, 64<<10)
		if err != nil {
			return nil, fmt.Errorf("read the key for exports: %w; \"vitrine export key\" makes one", err)
		}
		k, err := exports.Keys(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, k...)
	}
	return out, nil
}

func orderExport(ctx context.Context, c *call) error {
	fs := c.flags()
	p := c.posting(fs)
	var to list
	o := parcel.Export{}
	only := fs.String("only", "plays,logs,screenshot", "what players write, with commas")
	fs.Var(&to, "to", "age `recipient` who may read it; may be repeated. Without it: the key of \"vitrine export key\"")
	fs.BoolVar(&o.FromTheLast, "new", false, "only plays that no export of the player has held yet")
	if args, err := c.parse(fs); err != nil || len(args) > 0 {
		return errors.Join(err, orUsage(len(args) > 0, "this verb takes no arguments"))
	}
	if p.stick == "" && p.out == "" {
		return usage("say which stick is to carry the exports: --stick DIR")
	}
	for _, what := range strings.Split(*only, ",") {
		flag := map[string]*bool{"plays": &o.Plays, "logs": &o.Logs, "screenshot": &o.Screenshot}[strings.TrimSpace(what)]
		if flag == nil {
			return usage("--only is of plays, logs and screenshot, not %q", what)
		}
		*flag = true
	}
	if o.To = to; len(to) == 0 {
		r, err := ownRecipient(p.keys)
		if err != nil {
			return err
		}
		o.To = []string{r}
	}
	return p.post(ctx, &parcel.Parcel{Export: &o})
}

// ownRecipient is what players encrypt to for the key in a folder of keys.
func ownRecipient(keys string) (string, error) {
	all, err := exportKeys(keys, nil)
	if err != nil {
		return "", err
	}
	for _, k := range all {
		if x, ok := k.(*age.X25519Identity); ok {
			return x.Recipient().String(), nil
		}
	}
	return "", fmt.Errorf("%s holds no X25519 key: give --to age1…", filepath.Join(keys, exportKeyFile))
}

// opened is an export that was decrypted and whose signature is right.
type opened struct {
	path   string
	header exports.Header
	keys   []age.Identity
}

// openExport reads all of an export once, to see whether it is whole and the player's.
func openExport(path string, keys []age.Identity) (*opened, error) {
	o := &opened{path: path, keys: keys}
	h, err := o.read(nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	o.header = h
	return o, nil
}

func (o *opened) read(each func(exports.Item) error) (exports.Header, error) {
	f, err := os.Open(o.path)
	if err != nil {
		return exports.Header{}, err
	}
	defer f.Close()
	return exports.Read(bufio.NewReaderSize(f, 256<<10), o.keys, func(_ exports.Header, i exports.Item) error {
		if each == nil {
			return nil
		}
		return each(i)
	})
}

func (o *opened) words() string { return strings.Join(bundle.Words(o.header.Public), " ") }

// who is a name for the player's folder: what was signed, in letters that a path may have.
func (o *opened) who() string { return api.DeviceKeyID(o.header.Public)[:12] }

// tally is what was in an export.
type tally struct {
	File     string    `json:"file"`
	Player   string    `json:"player,omitempty"`
	Name     string    `json:"name,omitempty"`
	Words    string    `json:"words"` // of the player's key
	Made     time.Time `json:"made"`
	Plays    int       `json:"plays"`
	Lines    int       `json:"lines"`
	Pictures int       `json:"pictures"`
	Into     string    `json:"into,omitempty"`
}

func readExport(_ context.Context, c *call) error {
	fs := c.flags()
	var ids list
	keys := fs.String("keys", keyDir(), "folder with the key that reads exports")
	fs.Var(&ids, "identity", "`FILE` of an age identity that reads exports, instead; may be repeated")
	out := fs.String("o", "", "folder for what is in them: plays.jsonl for \"vitrine plays verify\", log.jsonl, pictures; without it they are only verified")
	asJSON := fs.Bool("json", false, "write one export a line as JSON")
	files, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return usage("say which files: %s", "*"+exports.Ending)
	}
	read, err := exportKeys(*keys, ids)
	if err != nil {
		return err
	}
	var all error
	for _, path := range files { // one that is broken holds no other up
		t, err := unpack(path, *out, read)
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		if *asJSON {
			if err := printJSON(c.stdout, t); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(c.stdout, "%s: player %s (%s), words: %s, made %s: %d plays, %d lines of the log, %d pictures\n", t.File, printable(t.Player), printable(t.Name), t.Words,
			t.Made.Local().Format(time.DateTime), t.Plays, t.Lines, t.Pictures)
	}
	return all
}

// unpack verifies an export, and then writes what is in it.
func unpack(path, out string, keys []age.Identity) (tally, error) {
	o, err := openExport(path, keys)
	if err != nil {
		return tally{}, err
	}
	t := tally{File: path, Player: o.header.Player, Name: o.header.Name, Words: o.words(), Made: o.header.Made}
	plays, logs := io.Discard, io.Discard
	if out != "" {
		t.Into = filepath.Join(out, o.who(), strings.TrimSuffix(filepath.Base(path), exports.Ending))
		if err := os.MkdirAll(t.Into, 0o700); err != nil {
			return t, fmt.Errorf("write the export's content: %w", err)
		}
		for _, file := range []struct {
			name string
			to   *io.Writer
		}{{"plays.jsonl", &plays}, {"log.jsonl", &logs}} {
			f, err := os.OpenFile(filepath.Join(t.Into, file.name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
			if err != nil {
				return t, fmt.Errorf("write the export's content: %w", err)
			}
			defer f.Close()
			*file.to = f
		}
	}
	if err := printJSON(plays, ledger{Kind: ledgerKind, Player: o.header.Player, Name: o.header.Name, Public: o.header.Public, Exported: o.header.Made, Part: true}); err != nil {
		return t, err
	}
	_, err = o.read(func(i exports.Item) error { return t.item(i, plays, logs) })
	return t, err
}

func (t *tally) item(i exports.Item, plays, logs io.Writer) error {
	switch {
	case i.Plays != nil:
		for _, p := range i.Plays.Plays {
			one := api.Play{Boot: i.Plays.Boot, Proof: p, Record: p.Record()}
			if h := i.Plays.Head; h != nil && h.N == p.N && h.Chain == p.Chain {
				one.Head = h
			}
			if err := printJSON(plays, one); err != nil {
				return err
			}
			t.Plays++
		}
	case i.Log != nil:
		t.Lines++
		var line bytes.Buffer
		if err := json.Compact(&line, i.Log); err != nil {
			return err
		}
		line.WriteByte('\n')
		_, err := logs.Write(line.Bytes())
		return err
	case i.Picture != nil:
		t.Pictures++
		if t.Into != "" {
			return bundle.WriteAtomically(filepath.Join(t.Into, "screen-"+i.Picture.At.UTC().Format("20060102T150405Z")+".jpg"), i.Picture.JPEG)
		}
	}
	return nil
}

// pushed is what the relay made of an export.
type pushed struct {
	File   string `json:"file"`
	Player string `json:"player"`
	api.Imported
}

func pushExport(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	var ids, groups list
	keys := fs.String("keys", keyDir(), "folder with the key that reads exports")
	fs.Var(&ids, "identity", "`FILE` of an age identity that reads exports, instead; may be repeated")
	adopt := fs.String("adopt", "", "take in a player that the relay does not know, under this `name`: one that never calls; compare its words first")
	fs.Var(&groups, "group", "with --adopt: group of the player; may be repeated")
	asJSON := fs.Bool("json", false, "write one export a line as JSON")
	files, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(files) == 0 || *adopt != "" && len(files) > 1 {
		return usage("say which files, and with --adopt one alone")
	}
	read, err := exportKeys(*keys, ids)
	if err != nil {
		return err
	}
	client, err := relay.client(c)
	if err != nil {
		return err
	}
	var all error
	for _, path := range files {
		done, err := c.pushOne(ctx, client, path, read, api.Claim{Name: *adopt, Groups: groups})
		all = errors.Join(all, err)
		if err != nil && done.Player == "" {
			continue
		}
		if *asJSON {
			all = errors.Join(all, printJSON(c.stdout, done))
			continue
		}
		fmt.Fprintf(c.stdout, "%s: player %s: %d plays taken, %d were there, %d left out\n", done.File, printable(done.Player), done.Taken, done.Had, done.Left)
		for _, why := range done.Reasons {
			fmt.Fprintln(c.stdout, "  left out:", printable(why))
		}
	}
	return all
}

// pushOne hands over the plays of one export. A run that the relay refuses holds no other up.
func (c *call) pushOne(ctx context.Context, client *api.Client, path string, keys []age.Identity, claim api.Claim) (pushed, error) {
	done := pushed{File: path}
	o, err := openExport(path, keys)
	if err != nil {
		return done, err
	}
	id, err := c.owner(ctx, client, o, claim)
	if err != nil {
		return done, fmt.Errorf("%s: %w", path, err)
	}
	done.Player = id
	_, err = o.read(func(i exports.Item) error {
		if i.Plays == nil {
			return nil
		}
		got, err := client.Import(ctx, id, *i.Plays)
		var p *api.Problem
		if errors.As(err, &p) && (p.Status == 400 || p.Status == 413 || p.Status == 422) {
			got, err = api.Imported{Left: len(i.Plays.Plays), Reasons: []string{p.Error()}}, nil
		}
		done.Taken, done.Had, done.Left = done.Taken+got.Taken, done.Had+got.Had, done.Left+got.Left
		done.Reasons = append(done.Reasons, got.Reasons...)
		return err
	})
	if err != nil {
		err = fmt.Errorf("%s: hand plays to the relay: %w; push it again: nothing is counted twice", path, err)
	}
	return done, err
}

// owner is the relay's id of an export's player, by its key alone: what the export calls it does not count.
func (c *call) owner(ctx context.Context, client *api.Client, o *opened, claim api.Claim) (string, error) {
	for cursor := ""; ; {
		page, err := client.Players(ctx, cursor)
		if err != nil {
			return "", fmt.Errorf("ask the relay for its players: %w", err)
		}
		for _, p := range page.Items {
			if bytes.Equal(p.Public, o.header.Public) {
				return p.ID, nil
			}
		}
		if page.Next == "" || page.Next == cursor {
			break
		}
		cursor = page.Next
	}
	if claim.Name == "" {
		return "", fmt.Errorf("the relay knows no player with this key, whose words are %q: compare them with vitrine-player status, then push with --adopt NAME", o.words())
	}
	p, err := client.Adopt(ctx, api.Adoption{Public: o.header.Public, Seal: o.header.Seal, Version: o.header.Version, Claim: claim})
	if err != nil {
		return "", fmt.Errorf("take the player in: %w", err)
	}
	return p.ID, nil
}
