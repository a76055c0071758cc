package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/keyring"
	"vitrine/usb/writer"
)

const (
	serialsFile  = "serials.json" // in the folder of keys
	stickParcels = 64
)

// oneOf is what is said of a verb that has several, when none of them is named.
func (c *call) oneOf(deeds []verb) error {
	if len(c.args) == 0 || slices.Contains([]string{"-h", "-help", "--help", "help"}, c.args[0]) {
		fmt.Fprintf(c.stdout, "vitrine %s: %s\n\n", c.verb.name, c.verb.short)
		for _, d := range deeds {
			fmt.Fprintf(c.stdout, "  vitrine %s %-34s %s\n", c.verb.name, d.name+" "+d.args, d.short)
		}
		fmt.Fprintf(c.stdout, "\nEach has --help.\n\nexample: %s\n", c.verb.example)
		return nil
	}
	if _, err := c.parse(c.flags()); err != nil {
		return err
	}
	return usage("there is no %q: say %s", c.args[0], strings.Join(names(deeds), ", "))
}

func names(deeds []verb) (out []string) {
	for _, d := range deeds {
		out = append(out, d.name)
	}
	return out
}

// among runs one of several deeds.
func (c *call) among(ctx context.Context, deeds []verb) error {
	for _, d := range deeds {
		if len(c.args) > 0 && d.name == c.args[0] {
			d.name = c.verb.name + " " + d.name
			c.verb, c.args = d, c.args[1:]
			return d.run(ctx, c)
		}
	}
	return c.oneOf(deeds)
}

func runParcel(ctx context.Context, c *call) error {
	return c.among(ctx, []verb{
		{"settings", "--group G …", "name, groups, zone, volume, turn and export keys of players, above what the relay says", "vitrine parcel settings --player abcd… --name 'Hall' --volume 60 --stick /media/stick", sendSettings},
		{"relay", "https://HOST:PORT --new-pin …", "where the relay is from now on; signed by the root, tried before it is taken", "vitrine parcel relay https://relay.example:8443 --new-pin sha256:… --within 15m", sendRelay},
		{"update", "DIR --version 1.2.3", "new programs; signed by the release role, or the root where there is none", "vitrine parcel update bin --version 1.2.3 --stick /media/stick", sendUpdate},
		{"sign", "FILE", "add another person's signature to a parcel", "vitrine parcel sign relay.parcel --key root-2.key", signParcel},
		{"show", "FILE", "say what a parcel holds, who has signed it and whether players would take it", "vitrine parcel show relay.parcel", showParcel},
		{"send", "FILE …", "hand over parcels that were made with -o: to the relay, or with --stick onto a stick", "vitrine parcel send relay.parcel --stick /media/stick", sendParcels},
		{"list", "", "what the relay hands out", "vitrine parcel list", listParcels},
	})
}

// posting is how a parcel is signed and where it goes.
type posting struct {
	call    *call
	keys    string
	with    list
	secrets *secrets
	relay   *relayAccess
	stick   string
	out     string
	players list
	groups  list
	expires time.Duration
	serial  uint64
	asJSON  bool
	beside  map[bundle.Digest]string // files that lie beside the parcel
}

func (c *call) posting(fs *flag.FlagSet) *posting {
	p := &posting{call: c, relay: relayFlags(fs), secrets: c.secrets(fs)}
	fs.StringVar(&p.keys, "keys", keyDir(), "folder with the keys that sign and the key chain")
	fs.Var(&p.with, "key", "`FILE` of one more key to sign with; may be repeated")
	fs.StringVar(&p.stick, "stick", "", "write it onto the stick mounted at this folder, or on this device; then the relay gets it only with --relay")
	fs.StringVar(&p.out, "o", "", "write it to a file, to be signed by others or sent later")
	fs.Var(&p.players, "player", "for this player: its id, or what vitrine-player status calls its key; may be repeated")
	fs.Var(&p.groups, "group", "for the players of this group; may be repeated. Without both: everyone")
	fs.DurationVar(&p.expires, "expires", 30*24*time.Hour, "how long players take it, 400 days at most")
	fs.Uint64Var(&p.serial, "serial", 0, "serial, above that of what it replaces; 0 = the next, by the clock and the folder of keys")
	fs.BoolVar(&p.asJSON, "json", false, "write what was made as JSON")
	return p
}

// signed fills in what all parcels have, and signs with the keys that the kind wants.
func (p *posting) signed(one *parcel.Parcel) (*bundle.Trust, []byte, error) {
	ring, err := keyring.Open(p.keys)
	if err != nil {
		return nil, nil, err
	}
	trust, err := ring.Signed()
	if err != nil {
		return nil, nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	one.Format, one.Customer, one.Root = parcel.Format, trust.Root().Customer, trust.Root().Version
	one.Issued, one.Expires = now, now.Add(p.expires.Truncate(time.Second))
	if one.Targets == nil && len(p.players)+len(p.groups) > 0 {
		one.Targets = &bundle.Targets{Players: p.players, Groups: p.groups}
	}
	if one.Serial == 0 {
		if one.Serial, err = p.next(one.Subject(), now); err != nil {
			return nil, nil, err
		}
	}
	keys, err := p.signers(ring, one.Kind().Role(trust))
	if err != nil {
		return nil, nil, err
	}
	sealed, err := one.Seal(keys...)
	return trust, sealed, err
}

// signers opens the keys of a role that are here; fewer than must sign are enough for a file that others sign too.
func (p *posting) signers(ring *keyring.Ring, role string) (out []bundle.PrivateKey, err error) {
	var others []keyring.Key
	for _, path := range p.with {
		k, err := keyring.File(path)
		if err != nil {
			return nil, err
		}
		others = append(others, k)
	}
	if p.out == "" {
		return ring.Publishers(role, p.secrets.ask(), others...)
	}
	keys, err := ring.For(role, others...)
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("no %s key is here (in %s): bring one with --key, or let who has it make the parcel", role, p.keys)
	}
	for _, k := range keys {
		if err != nil {
			return nil, err
		}
		var open bundle.PrivateKey
		if open, err = k.Open(p.secrets.ask()); err == nil {
			out = append(out, open)
		}
	}
	return out, err
}

// next is the serial after the last of a subject that was signed with these keys. It is not below the clock's seconds, so
// that a second machine with the same keys does not fall behind the first.
func (p *posting) next(subject string, now time.Time) (uint64, error) {
	if p.serial > 0 {
		return p.serial, nil
	}
	path := filepath.Join(p.keys, serialsFile)
	last := map[string]uint64{}
	b, err := readBounded(path, 1<<20)
	if err == nil {
		err = json.Unmarshal(b, &last)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read the serials of parcels: %w; give --serial", err)
	}
	n := max(last[subject]+1, uint64(now.Unix()))
	last[subject] = n
	if b, err = json.MarshalIndent(last, "", "  "); err != nil {
		return 0, err
	}
	return n, bundle.WriteAtomically(path, append(b, '\n'))
}

// posted is what became of a parcel.
type posted struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name,omitempty"`
	Serial  uint64    `json:"serial"`
	Expires time.Time `json:"expires"`
	To      string    `json:"to"`
	Relay   string    `json:"relay,omitempty"`
	Stick   string    `json:"stick,omitempty"`
	File    string    `json:"file,omitempty"`
}

// post signs a parcel and hands it over.
func (p *posting) post(ctx context.Context, one *parcel.Parcel) error {
	trust, envelope, err := p.signed(one)
	if err != nil {
		return err
	}
	if p.out != "" {
		if err := bundle.WriteAtomically(p.out, envelope); err != nil {
			return fmt.Errorf("write the parcel: %w", err)
		}
		if _, err := parcel.Open(trust, envelope); errors.Is(err, bundle.ErrUnsigned) {
			fmt.Fprintf(p.call.stderr, "more people must sign it: vitrine parcel sign %s, on the machine of each\n", p.out)
		} else if err != nil {
			return err
		}
	} else if _, err := parcel.Open(trust, envelope); err != nil {
		return fmt.Errorf("players would refuse this: %w", err)
	}
	done, err := p.hand(ctx, trust, envelope, one)
	if err != nil {
		return err
	}
	done.File = p.out
	return p.say(done)
}

// hand gives a signed parcel to a stick and to the relay, as the flags say.
func (p *posting) hand(ctx context.Context, trust *bundle.Trust, envelope []byte, one *parcel.Parcel) (posted, error) {
	done := posted{Kind: string(one.Kind()), Serial: one.Serial, Expires: one.Expires, To: toText(one)}
	if one.Secret != nil {
		done.Name = one.Secret.Name
	}
	if p.stick != "" {
		if err := p.toStick(ctx, trust, envelope, one); err != nil {
			return done, err
		}
		done.Stick = p.stick
	}
	if p.stick+p.out != "" && p.relay.URL == "" {
		return done, nil
	}
	if one.Export != nil {
		return done, usage("an order for an export goes onto the stick that is to carry the export: give --stick")
	}
	to, err := p.relay.pusher(p.call)
	if err != nil {
		return done, err
	}
	if err := to.roots(ctx, trust.Chain()); err != nil {
		return done, err
	}
	if err := p.pushBeside(ctx, to, one); err != nil {
		return done, err
	}
	if _, err := to.relay.PutParcel(ctx, string(bundle.DigestOf(envelope)), envelope); err != nil {
		return done, fmt.Errorf("hand the parcel to the relay: %w", err)
	}
	done.Relay = p.relay.URL
	return done, nil
}

// pushBeside sends an update's programs.
func (p *posting) pushBeside(ctx context.Context, to *pusher, one *parcel.Parcel) error {
	if one.Update == nil {
		return nil
	}
	content := bundle.Content{Manifest: &bundle.Manifest{}, Open: func(d bundle.Digest) (io.ReadCloser, error) {
		path, ok := p.beside[d]
		if !ok {
			return nil, fmt.Errorf("the program with the SHA-256 %s is not here: send the update from where it was made", d.Short())
		}
		return os.Open(path)
	}}
	for _, prog := range one.Update.Programs {
		f, err := content.Open(prog.SHA256)
		if err != nil {
			return err
		}
		segment, err := bundle.SegmentSize([]int64{prog.Size})
		if err != nil {
			return err
		}
		b, err := bundle.Hash(ctx, f, prog.Size, segment, nil)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		content.Manifest.Blobs = append(content.Manifest.Blobs, b)
	}
	return to.blobs(ctx, content)
}

// toStick adds a parcel to a stick, beside the bundle that may be on it.
func (p *posting) toStick(ctx context.Context, trust *bundle.Trust, envelope []byte, one *parcel.Parcel) (err error) {
	dir, leave, err := mountPoint(ctx, p.stick)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	index, err := readStick(filepath.Join(dir, "vitrine"))
	if err != nil {
		return err
	}
	l := &load{first: trust.Chain()[0], index: index}
	l.index.Roots = max(index.Roots, len(trust.Chain()))
	for i, r := range trust.Chain() {
		l.bytes(bundle.RootPath(i+1), r)
	}
	name := fmt.Sprintf("%s-%d-%s.json", one.Kind(), one.Serial, bundle.DigestOf(envelope)[:8])
	l.bytes("parcels/"+name, envelope)
	l.index.Parcels = append(parcelsInTime(dir, trust, index.Parcels, one), name)
	if n := len(l.index.Parcels); n > stickParcels {
		return fmt.Errorf("the stick carries %d parcels that are still in time already: use another one", n-1)
	}
	if one.Update != nil {
		for _, prog := range one.Update.Programs {
			path, ok := p.beside[prog.SHA256]
			if !ok {
				return fmt.Errorf("the program %s is not here: write the stick where the update was made, or give --programs DIR", prog.Name)
			}
			l.files = append(l.files, writer.Plain(prog.SHA256.BlobPath(), prog.Size, string(prog.SHA256), func() (io.ReadCloser, error) { return os.Open(path) }))
		}
	}
	tell, end := p.call.stickProgress(false)
	defer end()
	_, err = writer.Write(ctx, writer.Config{Dir: dir, Files: l.files, Index: l.index, First: l.first, Progress: tell})
	return err
}

// ofParcels are the files of a stick that its parcels need: the programs of an update.
func ofParcels(dir string, trust *bundle.Trust) (names []string) {
	index, err := readStick(filepath.Join(dir, "vitrine"))
	if err != nil {
		return nil // what is wrong with the stick, the writer says
	}
	for _, name := range index.Parcels {
		b, err := readBounded(filepath.Join(dir, "vitrine", "parcels", filepath.Base(name)), parcel.Max)
		if err != nil {
			continue
		}
		if p, err := parcel.Open(trust, b); err == nil && p.Update != nil {
			for _, prog := range p.Update.Programs {
				names = append(names, prog.SHA256.BlobPath())
			}
		}
	}
	return names
}

// parcelsInTime drops from a stick what no player would take any more, and what the new one replaces for the same players.
func parcelsInTime(dir string, trust *bundle.Trust, names []string, fresh *parcel.Parcel) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		b, err := readBounded(filepath.Join(dir, "vitrine", "parcels", filepath.Base(name)), parcel.Max)
		if err != nil {
			return true
		}
		p, err := parcel.Open(trust, b)
		var newer *bundle.NewRootError
		if errors.As(err, &newer) {
			return false
		}
		return err != nil || !time.Now().Before(p.Expires) || p.Subject() == fresh.Subject() && replaces(fresh, p)
	})
}

// replaces says whether whoever takes the old parcel takes the new one too.
func replaces(fresh, old *parcel.Parcel) bool {
	if fresh.Secret != nil {
		return !slices.ContainsFunc(old.Secret.Boxes, func(b parcel.Box) bool { _, too := fresh.Secret.BoxFor(b.To); return !too })
	}
	return fresh.Targets == nil || toText(fresh) == toText(old)
}

// toText is for whom a parcel is.
func toText(p *parcel.Parcel) string {
	switch t := p.Targets; {
	case t != nil:
		return targetsText(t)
	case p.Secret != nil:
		return count(len(p.Secret.Boxes), "player")
	}
	return "every player"
}

func targetsText(t *bundle.Targets) string {
	var parts []string
	if len(t.Players) > 0 {
		parts = append(parts, "players "+strings.Join(t.Players, ", "))
	}
	if len(t.Groups) > 0 {
		parts = append(parts, "groups "+strings.Join(t.Groups, ", "))
	}
	return strings.Join(parts, "; ")
}

func (p *posting) say(done posted) error {
	if p.asJSON {
		return printJSON(p.call.stdout, done)
	}
	name := done.Kind
	if done.Name != "" {
		name += " " + done.Name
	}
	fmt.Fprintf(p.call.stdout, "%s, serial %d, for %s, until %s\n", printable(name), done.Serial, printable(done.To), done.Expires.Local().Format(time.DateTime))
	for _, at := range []struct{ what, where string }{{"on the stick", done.Stick}, {"at the relay", done.Relay}, {"in the file", done.File}} {
		if at.where != "" {
			fmt.Fprintf(p.call.stdout, "  %s %s\n", at.what, at.where)
		}
	}
	return nil
}
