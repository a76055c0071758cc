package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// maxLine bounds a line of an exported ledger: a record, twice, and its signature.
const maxLine = 64 << 10

// ledgerKind is the first word of an exported ledger.
const ledgerKind = "vitrine plays 1"

// ledger is whose plays these are; it is the first line of an export, and one api.Play a line follows.
type ledger struct {
	Kind     string         `json:"kind"`
	Player   string         `json:"player"`
	Name     string         `json:"name"`
	Public   []byte         `json:"public"` // Ed25519, as the relay lists it
	Exported time.Time      `json:"exported"`
	Part     bool           `json:"part,omitempty"` // from one time to another
	Head     *api.PlaysHead `json:"head,omitempty"` // from the player's last heartbeat
	Cut      *api.PlaysHead `json:"cut,omitempty"`  // what comes before is in files that the relay has put away

	zone  string
	plays iter.Seq2[api.Play, error]
}

func runPlays(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	player := fs.String("player", "", "id of the player, as \"vitrine players\" lists it")
	asJSON := fs.Bool("json", false, "export: every record as it was signed, one a line, to be verified; verify: the verdict as JSON")
	from := fs.String("from", "", "export: only plays that began at or after this time, such as 2027-01-04 (in the player's zone) or 2027-01-04T12:30:00Z")
	to := fs.String("to", "", "export: only plays that began before this time")
	out := fs.String("o", "", "export: file to write; standard output when not given")
	words := fs.String("words", "", "verify: the four words that were on the player's screen when it was claimed")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "export" && *player != "":
		return c.exportPlays(ctx, fs, relay, *player, &export{from: *from, to: *to, out: *out, asJSON: *asJSON})
	case len(args) > 0 && args[0] == "export":
		return usage("say whose plays: --player ID")
	case len(args) == 2 && args[0] == "verify", len(args) == 1 && args[0] == "verify" && *player != "":
		return c.verifyPlays(ctx, relay, append(args, "")[1], *player, *words, *asJSON)
	case len(args) > 0 && args[0] == "verify":
		return usage("say which plays: a FILE of \"vitrine plays export --json\", or --player ID")
	}
	return usage("say what to do: export or verify")
}

// ledger asks the relay for a player and its plays.
func (c *call) ledger(ctx context.Context, relay *relayAccess, id string) (*ledger, error) {
	client, err := relay.client(c)
	if err != nil {
		return nil, err
	}
	p, err := client.Player(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("ask the relay for the player %q: %w", id, err)
	}
	l := &ledger{Kind: ledgerKind, Player: p.ID, Name: p.Name, Public: p.Public, Exported: time.Now().UTC().Truncate(time.Second), Cut: p.Cut, zone: p.Zone}
	if p.Last != nil {
		l.Head = p.Last.Plays
	}
	l.plays = func(yield func(api.Play, error) bool) {
		for cursor := ""; ; {
			page, err := client.Plays(ctx, id, cursor)
			if err != nil {
				yield(api.Play{}, fmt.Errorf("ask the relay for the player's plays: %w", err))
				return
			}
			for _, play := range page.Items {
				if !yield(play, nil) {
					return
				}
			}
			if page.Next == "" || page.Next == cursor {
				return
			}
			cursor = page.Next
		}
	}
	return l, nil
}

// readLedger reads what "vitrine plays export --json" wrote.
func readLedger(r io.Reader, name string) (*ledger, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	l := &ledger{}
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), l); err != nil || l.Kind != ledgerKind {
		return nil, errors.Join(fmt.Errorf("%s is not what \"vitrine plays export --json\" writes; a CSV file holds no signatures: export again with --json", name), lines.Err())
	}
	l.plays = func(yield func(api.Play, error) bool) {
		for n := 2; lines.Scan(); n++ {
			var play api.Play
			if err := json.Unmarshal(lines.Bytes(), &play); err != nil {
				yield(play, fmt.Errorf("read %s: line %d is not a play: %w", name, n, err))
				return
			}
			if !yield(play, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(api.Play{}, fmt.Errorf("read %s: %w", name, err))
		}
	}
	return l, nil
}

// verifyPlays checks the plays of a file, or of the relay; with both, the file's against the key that the relay lists.
func (c *call) verifyPlays(ctx context.Context, relay *relayAccess, file, player, words string, asJSON bool) error {
	var l *ledger
	var err error
	if player != "" {
		if l, err = c.ledger(ctx, relay, player); err != nil {
			return err
		}
	}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("read plays: %w", err)
		}
		defer f.Close()
		kept, err := readLedger(f, file)
		if err != nil {
			return err
		}
		if l != nil && (l.Player != kept.Player || string(l.Public) != string(kept.Public)) {
			return fmt.Errorf("%s is of the player %q, with another key than the one that the relay lists for %q", file, kept.Player, l.Player)
		}
		l = kept
	}
	check := newChecker(l)
	for play, err := range l.plays {
		if err != nil {
			return err
		}
		check.add(play)
	}
	v := check.finish(words)
	if asJSON {
		err = printJSON(c.stdout, v)
	} else {
		v.tell(c.stdout)
	}
	if err == nil && !v.Whole {
		return errSaid
	}
	return err
}

// tell says the verdict to a person.
func (v *verdict) tell(w io.Writer) {
	fmt.Fprintf(w, "player %s (%s), key: %s\n", printable(v.Player), printable(v.Name), strings.Join(v.Words, " "))
	for _, s := range v.Chains {
		fmt.Fprintf(w, "  chain %s: records %d to %d", printable(s.ID), s.First, s.Last)
		if s.Vouched > 0 {
			fmt.Fprintf(w, ", signed by the player up to %d at %s", s.Vouched, s.At.UTC().Format(time.RFC3339))
		}
		fmt.Fprintln(w)
	}
	for _, s := range v.Notes {
		fmt.Fprintln(w, "  note:", s)
	}
	for _, s := range v.Faults {
		fmt.Fprintln(w, "  WRONG:", s)
	}
	if v.More > 0 {
		fmt.Fprintf(w, "  WRONG: and %d more.\n", v.More)
	}
	if v.Whole {
		fmt.Fprintf(w, "%d plays in %d records: every one is as the player wrote it.\n", v.Plays, v.Records)
		return
	}
	fmt.Fprintf(w, "%d plays in %d records: do not rely on them.\n", v.Plays, v.Records)
}

// export is how plays are to be written.
type export struct {
	from, to, out string
	asJSON        bool
	begin, end    time.Time // zero = no bound
}

func (e *export) bounds(zone *time.Location) (err error) {
	if e.from != "" {
		if e.begin, err = instant(e.from, zone); err != nil {
			return err
		}
	}
	if e.to != "" {
		if e.end, err = instant(e.to, zone); err != nil {
			return err
		}
	}
	if !e.begin.IsZero() && !e.end.IsZero() && !e.end.After(e.begin) {
		return usage("--to is not after --from")
	}
	return nil
}

func (e *export) wants(p api.Proof) bool {
	return !p.Start.Before(e.begin) && (e.end.IsZero() || p.Start.Before(e.end))
}

func (c *call) exportPlays(ctx context.Context, fs *flag.FlagSet, relay *relayAccess, player string, e *export) error {
	if fs.Lookup("words").Value.String() != "" {
		return usage("--words is for verify")
	}
	l, err := c.ledger(ctx, relay, player)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(l.zone)
	if err != nil {
		zone = time.UTC
	}
	if err := e.bounds(zone); err != nil {
		return err
	}
	l.Part = e.asJSON && (e.from != "" || e.to != "") // a sheet is chosen from all of them
	check := newChecker(l)
	write := func(w io.Writer) error {
		b := bufio.NewWriter(w)
		if e.asJSON {
			err = e.lines(b, l, check)
		} else {
			err = e.sheet(b, l, check)
		}
		return errors.Join(err, b.Flush())
	}
	if e.out == "" {
		err = write(c.stdout)
	} else {
		err = bundle.Replace(e.out, write)
	}
	if err != nil {
		return err
	}
	if v := check.finish(""); !v.Whole {
		fmt.Fprintf(c.stderr, "vitrine plays: exported, but %s in the chain; \"vitrine plays verify --player %s\" says which\n", count(len(v.Faults)+v.More, "fault"), printable(player))
	}
	return nil
}

// lines writes records as they were signed: from the first that is wanted to the last, and on to the next signature, so
// that all of them can be verified.
func (e *export) lines(w io.Writer, l *ledger, check *checker) error {
	first, last, n := 0, 0, 0
	for play, err := range l.plays {
		if err != nil {
			return err
		}
		if n++; e.wants(play.Proof) {
			last = n
			if first == 0 {
				first = n
			}
		}
	}
	if err := printJSON(w, l); err != nil || first == 0 {
		return err
	}
	n = 0
	for play, err := range l.plays {
		if err != nil {
			return err
		}
		if n++; n < first {
			continue
		}
		check.add(play)
		if err := printJSON(w, play); err != nil {
			return err
		}
		if l.Part && n >= last && play.Head != nil {
			break
		}
	}
	return nil
}
