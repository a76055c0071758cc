package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

const standing = "stands"

// warningFile is the key that signs warnings, where the root names one for that alone.
const warningFile = "warning.key"

// warners is the role whose keys sign warnings under a chain.
func warners(t *bundle.Trust) string {
	if _, own := t.Root().Roles[bundle.RoleWarning]; own {
		return bundle.RoleWarning
	}
	return bundle.RolePublisher
}

// journal is what was sent from here, a file for each: it is there without a relay too.
type journal struct{ dir string }

func journalOf(keys string) journal { return journal{filepath.Join(keys, "warnings")} }

func (j journal) keep(serial uint64, envelope []byte) error {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	return bundle.WriteAtomically(filepath.Join(j.dir, strconv.FormatUint(serial, 10)+".json"), envelope)
}

// serials are those of all that is kept.
func (j journal) serials() (out []uint64) {
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return nil // nothing was sent from here yet
	}
	for _, f := range files {
		if n, ok := serialText(strings.TrimSuffix(f.Name(), ".json")); ok && strings.HasSuffix(f.Name(), ".json") {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func (j journal) newest() uint64 { return slices.Max(append(j.serials(), 0)) }

// record is one warning with what became of it.
type record struct {
	api.SignedWarning
	w     *bundle.Warning
	m     *alert.Message
	state string
}

// records are all warnings, of the relay's and of those that were sent from here, by serial.
func (o *office) records(ctx context.Context) ([]*record, error) {
	bySerial := map[uint64]*record{}
	add := func(s api.SignedWarning) {
		r := &record{SignedWarning: s}
		if w, err := o.trust.Warning(s.Envelope); err != nil {
			r.state = "not believed: " + err.Error()
		} else if m, err := alert.Parse(bytes.NewReader(w.CAP)); err != nil {
			r.state = "not read: " + err.Error()
		} else {
			r.w, r.m, r.Serial, r.Expires = w, m, w.Serial, w.Expires
		}
		bySerial[r.Serial] = r
	}
	for _, n := range o.serials() {
		if b, err := readBounded(filepath.Join(o.dir, strconv.FormatUint(n, 10)+".json"), bundle.MaxWarning); err == nil {
			add(api.SignedWarning{Serial: n, Envelope: b, By: "stick"})
		}
	}
	for cursor := uint64(0); o.relay != nil; {
		page, err := o.relay.relay.Warnings(ctx, 0, cursor)
		if err != nil {
			return nil, fmt.Errorf("ask the relay for its warnings: %w", err)
		}
		for _, s := range page.Items {
			add(s)
		}
		next, ok := serialText(page.Next)
		if !ok || next <= cursor {
			break
		}
		cursor = next
	}
	var out []*record
	for _, r := range bySerial {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *record) int { return int(min(max(int64(a.Serial)-int64(b.Serial), -1), 1)) })
	return out, judge(out, time.Now())
}

// judge says of each what became of it.
func judge(all []*record, now time.Time) error {
	var book alert.Book
	for _, r := range all {
		if r.m == nil {
			continue
		}
		if _, err := book.Take(r.m); err != nil {
			return err
		}
	}
	on := map[*alert.Message]bool{}
	for _, a := range book.Active(alert.Site{Exercises: true, Tests: true, Restricted: true}, now) {
		on[a.Message] = true
	}
	for _, r := range all {
		switch {
		case r.m == nil:
		case on[r.m] && now.Before(r.w.Expires):
			r.state = standing
		case r.m.Type == alert.TypeCancel:
			r.state = "cancels"
		case !now.Before(r.w.Expires) || !now.Before(r.m.Over()):
			r.state = "over"
		default:
			r.state = ended(r, all)
		}
	}
	return nil
}

// ended says by what a message was ended.
func ended(r *record, all []*record) string {
	for _, by := range all {
		if by.m != nil && slices.ContainsFunc(by.m.References, func(ref alert.Reference) bool { return ref.Identifier == r.m.Identifier && ref.Sender == r.m.Sender }) {
			if by.m.Type == alert.TypeCancel {
				return fmt.Sprintf("cancelled by %d", by.Serial)
			}
			return fmt.Sprintf("replaced by %d", by.Serial)
		}
	}
	return "does not stand yet"
}

// find gives the warning of a serial or an identifier.
func (o *office) find(ctx context.Context, id string) (*record, error) {
	all, err := o.records(ctx)
	if err != nil {
		return nil, err
	}
	serial, isSerial := serialText(id)
	for _, r := range slices.Backward(all) {
		if r.m != nil && (isSerial && r.Serial == serial || r.m.Identifier == id) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no warning %s: \"vitrine alert list\" shows all of them", printable(id))
}

func listAlerts(ctx context.Context, c *call) error {
	fs := c.flags()
	a := &addressed{relay: relayFlags(fs)}
	fs.StringVar(&a.keys, "keys", keyDir(), "folder with the key chain")
	offline := fs.Bool("offline", false, "only those that were sent from here; ask no relay")
	past := fs.Bool("all", false, "those that are over, too")
	fs.BoolVar(&a.asJSON, "json", false, "write one warning a line as JSON")
	if args, err := c.parse(fs); err != nil {
		return err
	} else if len(args) > 0 {
		return usage("this verb takes no arguments")
	}
	trust, err := readChain(a.keys)
	if err != nil {
		return err
	}
	o := &office{addressed: a, call: c, trust: trust, journal: journalOf(a.keys)}
	if !*offline {
		if o.relay, err = a.relay.pusher(c); err != nil {
			return err
		}
	}
	return o.list(ctx, *past)
}

// warningLine is a line of the list.
type warningLine struct {
	Serial     uint64    `json:"serial"`
	Identifier string    `json:"identifier,omitempty"`
	State      string    `json:"state"`
	Type       string    `json:"type,omitempty"`
	Severity   string    `json:"severity,omitempty"`
	Headline   string    `json:"headline,omitempty"`
	To         string    `json:"to,omitempty"`
	Sent       time.Time `json:"sent,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	By         string    `json:"by"`
	Screens    int       `json:"screens"` // players that have said that it stands there
	Players    int       `json:"players"` // whom it is for
}

func (o *office) list(ctx context.Context, past bool) error {
	all, err := o.records(ctx)
	if err != nil {
		return err
	}
	var players []api.Player
	if o.relay != nil {
		if players, err = o.relay.players(ctx); err != nil {
			return err
		}
	}
	table := tabwriter.NewWriter(o.call.stdout, 0, 8, 2, ' ', 0)
	if !o.asJSON {
		fmt.Fprintln(table, "WARNING\tSTATE\tSEVERITY\tHEADLINE\tTO\tUNTIL\tBY\tON SCREENS")
	}
	for _, r := range all {
		if !past && (r.state == "over" || strings.HasPrefix(r.state, "cancel") || strings.HasPrefix(r.state, "replaced")) {
			continue
		}
		l := lineOf(r, players)
		if o.asJSON {
			if err := printJSON(o.call.stdout, l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d of %d\n", l.Serial, printable(l.State), l.Severity, printable(l.Headline), l.To,
			l.Expires.Local().Format("02/01 15:04"), printable(l.By), l.Screens, l.Players)
	}
	return errors.Join(err, table.Flush())
}

func lineOf(r *record, players []api.Player) warningLine {
	l := warningLine{Serial: r.Serial, State: r.state, By: r.By, Expires: r.Expires}
	if r.m == nil {
		return l
	}
	l.Identifier, l.Type, l.To, l.Sent = r.m.Identifier, string(r.m.Type), toWords(r.w.Targets), r.m.Sent
	for _, i := range r.m.Infos[:min(1, len(r.m.Infos))] {
		l.Severity, l.Headline = i.Severity, i.Headline
	}
	if l.Headline == "" {
		l.Headline = r.m.Note
	}
	for _, p := range players {
		if !r.w.For(p.ID, p.Groups) {
			continue
		}
		l.Players++
		if stands(p, r.m.Identifier) {
			l.Screens++
		}
	}
	return l
}
