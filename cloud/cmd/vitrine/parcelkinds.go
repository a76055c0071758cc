package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/api"
	"vitrine/cloud/keyring"
)

func sendSettings(ctx context.Context, c *call) error {
	fs := c.flags()
	p := c.posting(fs)
	var s parcel.Settings
	text := func(name, what string, to **string) {
		fs.Func(name, what, func(v string) error { *to = &v; return nil })
	}
	number := func(name, what string, to **int) {
		fs.Func(name, what, func(v string) error {
			var n int
			if _, err := fmt.Sscanf(v, "%d", &n); err != nil {
				return errors.New("write a number")
			}
			*to = &n
			return nil
		})
	}
	text("name", "name of the player, for people", &s.Name)
	text("zone", "time zone of the place, such as Europe/Paris", &s.Zone)
	text("locale", "language of what the player says itself: fr, en", &s.Locale)
	number("volume", "per cent of what the schedule says, 0 to 100; set once", &s.Volume)
	number("rotate", "turn the picture clockwise: 0, 90, 180 or 270 degrees; set once", &s.Rotate)
	var in, tags, to list
	fs.Var(&in, "in-group", "group that the player is to be in, best first; may be repeated")
	fs.Var(&tags, "tag", "tag of the player; may be repeated")
	fs.Var(&to, "export-to", "age `recipient` to whom the player's exports are encrypted; may be repeated")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("settings are flags: %q is none", args[0])
	}
	s.Groups, s.Tags, s.Export = in, tags, to
	return p.post(ctx, &parcel.Parcel{Settings: &s})
}

func sendRelay(ctx context.Context, c *call) error {
	fs := c.flags()
	p := c.posting(fs)
	pin := fs.String("new-pin", "", "sha256:… of the new relay's authority, as vitrine-relay ca prints it; without it the system's authorities count")
	within := fs.Duration("within", 10*time.Minute, "how long the new relay is tried; a player that does not reach it stays at the one before")
	address, err := c.one(fs, "address of the new relay, https://…")
	if err != nil {
		return err
	}
	return p.post(ctx, &parcel.Parcel{Relay: &parcel.Relay{Address: strings.TrimRight(address, "/"), Pin: strings.ToLower(*pin), Within: int(within.Seconds())}})
}

func sendUpdate(ctx context.Context, c *call) error {
	fs := c.flags()
	p := c.posting(fs)
	u := parcel.Update{}
	fs.StringVar(&u.Version, "version", "", "version of the programs, like 1.2.3, as `vitrine-player version` says")
	fs.StringVar(&u.OS, "os", runtime.GOOS, "system that they are for")
	fs.StringVar(&u.Arch, "arch", runtime.GOARCH, "processor that they are for: amd64, arm64")
	fs.BoolVar(&u.Downgrade, "downgrade", false, "players take it although they have had a newer version")
	dir, err := c.one(fs, "folder with vitrine-player and vitrine-render")
	if err != nil {
		return err
	}
	if p.beside, err = programs(dir, &u); err != nil {
		return err
	}
	return p.post(ctx, &parcel.Parcel{Update: &u})
}

// programs measures those of an update that are in a folder.
func programs(dir string, u *parcel.Update) (map[bundle.Digest]string, error) {
	found := map[bundle.Digest]string{}
	for _, name := range parcel.Programs() {
		path := filepath.Join(dir, name)
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the programs: %w", err)
		}
		h := sha256.New()
		n, err := io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("read the programs: %w", err)
		}
		d := bundle.Digest(hex.EncodeToString(h.Sum(nil)))
		found[d] = path
		u.Programs = append(u.Programs, parcel.Program{Name: name, SHA256: d, Size: n})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds none of %s: make build writes them to bin", dir, strings.Join(parcel.Programs(), ", "))
	}
	return found, nil
}

// readParcel reads a parcel from a file, and the chain that says who may sign it.
func (c *call) readParcel(keys, path string) (*bundle.Trust, []byte, error) {
	trust, err := readChain(keys)
	if err != nil {
		return nil, nil, err
	}
	b, err := readBounded(path, parcel.Max)
	if err != nil {
		return nil, nil, fmt.Errorf("read the parcel: %w", err)
	}
	return trust, b, nil
}

func signParcel(_ context.Context, c *call) error {
	fs := c.flags()
	s := c.secrets(fs)
	keys := fs.String("keys", keyDir(), "folder with the key chain, and with keys")
	var with list
	fs.Var(&with, "key", "`FILE` of a key to sign with; may be repeated. Without it: those in the folder that count")
	path, err := c.one(fs, "file of a parcel")
	if err != nil {
		return err
	}
	trust, b, err := c.readParcel(*keys, path)
	if err != nil {
		return err
	}
	one, err := parcel.Peek(b) // shown before it is signed
	if err != nil {
		return err
	}
	tellContent(c, one)
	ring, err := keyring.Open(*keys)
	if err != nil {
		return err
	}
	p := &posting{call: c, keys: *keys, with: with, secrets: s, out: path}
	signers, err := p.signers(ring, one.Kind().Role(trust))
	if err != nil {
		return err
	}
	if b, err = bundle.AddSignatures(b, signers...); err != nil {
		return err
	}
	if err := bundle.WriteAtomically(path, b); err != nil {
		return err
	}
	return tellParcel(c, trust, b)
}

// tellParcel says what a parcel holds and whether players would take it.
func tellParcel(c *call, trust *bundle.Trust, b []byte) error {
	p, err := parcel.Open(trust, b)
	if errors.Is(err, bundle.ErrUnsigned) {
		fmt.Fprintf(c.stdout, "not signed by enough people yet: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	tellContent(c, p)
	fmt.Fprintln(c.stdout, "signed as players want it")
	return nil
}

// tellContent says what a parcel holds.
func tellContent(c *call, p *parcel.Parcel) {
	fmt.Fprintf(c.stdout, "%s, serial %d, of %s, for %s, until %s\n", p.Subject(), p.Serial, printable(p.Customer), printable(toText(p)), p.Expires.Local().Format(time.DateTime))
	switch {
	case p.Settings != nil:
		_ = printJSON(c.stdout, p.Settings)
	case p.Relay != nil:
		fmt.Fprintf(c.stdout, "  relay %s, pin %s, tried for %s\n", printable(p.Relay.Address), printable(p.Relay.Pin), p.Relay.Try())
	case p.Update != nil:
		fmt.Fprintf(c.stdout, "  version %s for %s on %s\n", p.Update.Version, p.Update.OS, p.Update.Arch)
		for _, one := range p.Update.Programs {
			fmt.Fprintf(c.stdout, "  %s %s (%s)\n", one.SHA256, one.Name, bytesText(one.Size))
		}
	}
}

func showParcel(_ context.Context, c *call) error {
	fs := c.flags()
	keys := fs.String("keys", keyDir(), "folder with the key chain")
	asJSON := fs.Bool("json", false, "write what it holds as JSON, once it is signed")
	path, err := c.one(fs, "file of a parcel")
	if err != nil {
		return err
	}
	trust, b, err := c.readParcel(*keys, path)
	if err != nil {
		return err
	}
	if !*asJSON {
		return tellParcel(c, trust, b)
	}
	p, err := parcel.Open(trust, b)
	if err != nil {
		return err
	}
	return printJSON(c.stdout, p)
}

func sendParcels(ctx context.Context, c *call) error {
	fs := c.flags()
	p := c.posting(fs)
	dir := fs.String("programs", "", "folder with the programs of an update")
	files, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return usage("say which files: those that -o has written")
	}
	p.out = ""
	for _, path := range files {
		if err := p.sendFile(ctx, path, *dir); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (p *posting) sendFile(ctx context.Context, path, programsDir string) error {
	trust, b, err := p.call.readParcel(p.keys, path)
	if err != nil {
		return err
	}
	one, err := parcel.Open(trust, b)
	if err != nil {
		return fmt.Errorf("players would refuse this: %w", err)
	}
	if one.Update != nil && programsDir != "" {
		var here parcel.Update
		if p.beside, err = programs(programsDir, &here); err != nil {
			return err
		}
	}
	done, err := p.hand(ctx, trust, b, one)
	if err != nil {
		return err
	}
	return p.say(done)
}

func listParcels(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	asJSON := fs.Bool("json", false, "write one parcel a line as JSON")
	if args, err := c.parse(fs); err != nil || len(args) > 0 {
		return errors.Join(err, orUsage(len(args) > 0, "this verb takes no arguments"))
	}
	client, err := relay.client(c)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	if !*asJSON {
		fmt.Fprintln(table, "KIND\tNAME\tSERIAL\tFOR\tUNTIL\tBY")
	}
	for cursor := ""; ; {
		page, err := client.Parcels(ctx, cursor)
		if err != nil {
			return fmt.Errorf("ask the relay for parcels: %w", err)
		}
		for _, one := range page.Items {
			if *asJSON {
				if err := printJSON(c.stdout, one); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\n", printable(one.Kind), printable(one.Name), one.Serial, printable(forText(one)), one.Expires.Local().Format(time.DateTime), printable(one.By))
		}
		if page.Next == "" || page.Next == cursor {
			return table.Flush()
		}
		cursor = page.Next
	}
}

func forText(p api.SignedParcel) string {
	switch {
	case len(p.Players)+len(p.Groups) == 0:
		return "every player"
	case p.Kind == string(parcel.KindSecret):
		return count(len(p.Players), "player")
	}
	return targetsText(&bundle.Targets{Players: slices.Clone(p.Players), Groups: p.Groups})
}
