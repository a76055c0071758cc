package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

func runAlert(ctx context.Context, c *call) error {
	do := map[string]func(context.Context, *call) error{"send": sendAlert, "cancel": cancelAlert, "list": listAlerts}
	if len(c.args) == 0 || do[c.args[0]] == nil {
		if len(c.args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, c.args[0]) {
			fmt.Fprintf(c.stdout, "vitrine alert: %s\n\n  vitrine alert send FILE.xml            a CAP message (1.2, 1.1, 1.0) as it is\n"+
				"  vitrine alert send --headline TEXT …   one that is written here\n  vitrine alert cancel ID\n  vitrine alert list\n\nEach has --help.\n\nexample: %s\n", c.verb.short, c.verb.example)
			return nil
		}
		if _, err := c.parse(c.flags()); err != nil {
			return err
		}
		return usage("say \"send\", \"cancel\" or \"list\"")
	}
	name := c.args[0]
	c.args = c.args[1:]
	c.verb.name += " " + name
	return do[name](ctx, c)
}

// addressed are the flags of what is sent.
type addressed struct {
	keys    string
	stick   string
	players list
	groups  list
	wait    time.Duration
	asJSON  bool
	relay   *relayAccess
	secrets *secrets
}

func (c *call) addressed(fs flagSet) *addressed {
	a := &addressed{relay: relayFlags(fs), secrets: c.secrets(fs)}
	fs.StringVar(&a.keys, "keys", keyDir(), "folder with the key that signs and the key chain")
	fs.StringVar(&a.stick, "stick", "", "write it to the stick mounted at this folder; then no relay gets it unless --relay says which")
	fs.DurationVar(&a.wait, "wait", 5*time.Second, "how long to look whether it is on the screens; 0 = not at all")
	fs.BoolVar(&a.asJSON, "json", false, "write what was sent as JSON")
	return a
}

// office signs warnings and hands them over.
type office struct {
	*addressed
	call    *call
	trust   *bundle.Trust
	signers []bundle.PrivateKey
	relay   *pusher // nil = none gets it
	journal
}

func (a *addressed) open(ctx context.Context, c *call) (*office, error) {
	trust, err := readChain(a.keys)
	if err != nil {
		return nil, err
	}
	trust, keys, err := c.readRole(a.keys, warners(trust), a.secrets)
	if err != nil {
		return nil, err
	}
	o := &office{addressed: a, call: c, trust: trust, signers: keys, journal: journalOf(a.keys)}
	if a.stick != "" && a.relay.URL == "" {
		return o, nil
	}
	if o.relay, err = a.relay.pusher(c); err != nil {
		return nil, err
	}
	return o, o.relay.roots(ctx, trust.Chain())
}

// targets is for whom it is; nil = everyone.
func (a *addressed) targets() *bundle.Targets {
	if len(a.players)+len(a.groups) == 0 {
		return nil
	}
	return &bundle.Targets{Players: a.players, Groups: a.groups}
}

// sent is what became of a message.
type sent struct {
	Serial     uint64    `json:"serial"`
	Identifier string    `json:"identifier"`
	Type       string    `json:"type"`
	Expires    time.Time `json:"expires"`
	To         string    `json:"to"`
	Relay      bool      `json:"relay"`
	Stick      string    `json:"stick,omitempty"`
	Screens    int       `json:"screens"` // on which it stands
	Online     int       `json:"online"`  // of those it is for
}

// send signs a message and hands it over. A serial that somebody else has taken meanwhile is given up for the next.
func (o *office) send(ctx context.Context, m *alert.Message, xml []byte, expires time.Time, to *bundle.Targets) error {
	now := time.Now().UTC().Truncate(time.Second)
	expires = expires.UTC().Truncate(time.Second)
	if last := now.Add(bundle.LongestWarning); expires.After(last) {
		expires = last
	}
	if !expires.After(now) {
		return fmt.Errorf("the message's time is over since %s: nothing is sent; give it another end with --expires", expires.Local().Format(time.DateTime))
	}
	w := &bundle.Warning{Format: bundle.FormatWarning, Customer: o.trust.Root().Customer, Serial: o.newest() + 1, Root: o.trust.Root().Version,
		Issued: now, Expires: expires, Targets: to, CAP: xml}
	var envelope []byte
	for range 5 {
		known, err := o.newestOfRelay(ctx)
		if err != nil {
			return err
		}
		w.Serial = max(w.Serial, known+1)
		if envelope, err = w.Seal(o.signers...); err != nil {
			return err
		}
		if _, err := o.trust.Warning(envelope); err != nil {
			return fmt.Errorf("this key may not sign warnings: %w", err)
		}
		if o.relay == nil {
			break
		}
		err = o.relay.relay.PutWarning(ctx, w.Serial, envelope)
		var p *api.Problem
		if errors.As(err, &p) && p.Type == api.ProblemOlder {
			w.Serial++
			continue
		}
		if err != nil {
			return fmt.Errorf("send the warning: %w", err)
		}
		break
	}
	if err := o.keep(w.Serial, envelope); err != nil {
		fmt.Fprintln(o.call.stderr, "note: it is sent, but not kept here:", err)
	}
	if o.stick != "" {
		if err := writeStick(ctx, o.stick, o.trust, envelope); err != nil {
			return err
		}
	}
	s := sent{Serial: w.Serial, Identifier: m.Identifier, Type: string(m.Type), Expires: expires, To: toWords(to), Relay: o.relay != nil, Stick: o.stick}
	if o.relay != nil {
		o.look(ctx, m, to, &s)
	}
	return o.tell(s)
}

func (o *office) newestOfRelay(ctx context.Context) (uint64, error) {
	if o.relay == nil {
		return 0, nil
	}
	page, err := o.relay.relay.Warnings(ctx, math.MaxUint64, 0)
	if err != nil {
		return 0, fmt.Errorf("ask the relay for its warnings: %w", err)
	}
	return page.Newest, nil
}

// look waits until all players that are online say that the message has done what it is to do.
func (o *office) look(ctx context.Context, m *alert.Message, to *bundle.Targets, s *sent) {
	ctx, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	for ctx.Err() == nil {
		players, err := o.relay.players(ctx)
		if err != nil {
			return // how many have it is not known, and is said
		}
		s.Screens, s.Online = 0, 0
		for _, p := range players {
			if w := (bundle.Warning{Targets: to}); !p.Online || !w.For(p.ID, p.Groups) {
				continue
			}
			s.Online++
			if stands(p, m.Identifier) || m.Type == alert.TypeCancel && !slices.ContainsFunc(m.References, func(r alert.Reference) bool { return stands(p, r.Identifier) }) {
				s.Screens++
			}
		}
		if s.Screens == s.Online {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// stands says whether a player has reported a message as standing.
func stands(p api.Player, identifier string) bool {
	return p.Last != nil && p.Last.Warnings != nil && slices.ContainsFunc(p.Last.Warnings.Standing, func(s api.Standing) bool { return s.Identifier == identifier })
}

// players lists all of the relay's.
func (p *pusher) players(ctx context.Context) (all []api.Player, err error) {
	for cursor := ""; ; {
		page, err := p.relay.Players(ctx, cursor)
		if err != nil {
			return nil, fmt.Errorf("ask the relay for its players: %w", err)
		}
		all = append(all, page.Items...)
		if page.Next == "" || page.Next == cursor {
			return all, nil
		}
		cursor = page.Next
	}
}

func (o *office) tell(s sent) error {
	if o.asJSON {
		return printJSON(o.call.stdout, s)
	}
	fmt.Fprintf(o.call.stdout, "sent: warning %d (%s %s), to %s, until %s\n", s.Serial, s.Type, printable(s.Identifier), s.To, s.Expires.Local().Format("2006-01-02 15:04 MST"))
	if s.Stick != "" {
		fmt.Fprintf(o.call.stdout, "stick: %s\n", s.Stick)
	}
	switch {
	case !s.Relay || o.wait <= 0:
	case s.Type == string(alert.TypeCancel):
		fmt.Fprintf(o.call.stdout, "off on %d of %s that are online; the others take it off when they are back\n", s.Screens, count(s.Online, "player"))
	default:
		fmt.Fprintf(o.call.stdout, "stands on %d of %s that are online; the others get it when they are back; \"vitrine alert list\" tells more\n", s.Screens, count(s.Online, "player"))
	}
	return nil
}

func toWords(t *bundle.Targets) string {
	if t == nil {
		return "everyone"
	}
	var parts []string
	for _, g := range t.Groups {
		parts = append(parts, "group "+printable(g))
	}
	for _, p := range t.Players {
		parts = append(parts, "player "+printable(p))
	}
	return strings.Join(parts, ", ")
}

func sendAlert(ctx context.Context, c *call) error {
	fs := c.flags()
	a, d := c.addressed(fs), draftFlags(fs)
	fs.Var(&a.players, "player", "id of a player that it is for; may be given several times; without --player and --group it is for everyone")
	fs.Var(&a.groups, "group", "group that it is for; may be given several times")
	show := fs.Bool("print", false, "write the CAP message instead of sending it")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) > 1 || len(args) == 1 == d.written() {
		return usage("give one CAP file, or write the message with --headline")
	}
	if *show && len(args) == 0 && d.update == "" {
		xml, _, err := d.compose(defaultCustomer(), nil)
		if err == nil {
			_, err = c.stdout.Write(xml)
		}
		return err
	}
	o, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	xml, m, expires, err := o.message(ctx, args, d)
	if err != nil {
		return err
	}
	if *show {
		_, err = c.stdout.Write(xml)
		return err
	}
	return o.send(ctx, m, xml, expires, a.targets())
}

// message reads the file, or writes the draft.
func (o *office) message(ctx context.Context, args []string, d *draft) (xml []byte, m *alert.Message, expires time.Time, err error) {
	if len(args) == 0 {
		var earlier *record
		if d.update != "" {
			if earlier, err = o.find(ctx, d.update); err != nil {
				return nil, nil, expires, err
			}
		}
		xml, m, err = d.compose(o.trust.Root().Customer, earlier)
		if err != nil {
			return nil, nil, expires, err
		}
		return xml, m, m.Over(), nil
	}
	if xml, err = readBounded(args[0], alert.MaxMessage); err != nil {
		return nil, nil, expires, fmt.Errorf("read the CAP message: %w", err)
	}
	if m, err = alert.Parse(bytes.NewReader(xml)); err != nil {
		return nil, nil, expires, err
	}
	for _, f := range m.Faults {
		fmt.Fprintln(o.call.stderr, "note:", f)
	}
	if d.expires != "" {
		end, err := d.end(time.Now())
		return xml, m, end, err
	}
	return xml, m, m.Over(), nil
}

func cancelAlert(ctx context.Context, c *call) error {
	fs := c.flags()
	a := c.addressed(fs)
	note := fs.String("note", "", "why, for whoever reads the list")
	id, err := c.one(fs, "serial or identifier, as \"vitrine alert list\" shows it")
	if err != nil {
		return err
	}
	o, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	r, err := o.find(ctx, id)
	if err != nil {
		return err
	}
	if state := r.state; state != standing {
		return fmt.Errorf("warning %s does not stand any more: %s", printable(id), state)
	}
	m := &alert.Message{Identifier: identifier(o.trust.Root().Customer), Sender: r.m.Sender, Sent: time.Now().UTC().Truncate(time.Second), Status: r.m.Status,
		Type: alert.TypeCancel, Scope: r.m.Scope, Note: *note, References: referring(r.m)}
	xml, err := m.XML()
	if err != nil {
		return err
	}
	return o.send(ctx, m, xml, r.w.Expires.Add(time.Minute), r.w.Targets)
}

// referring names a message and all that it follows.
func referring(m *alert.Message) []alert.Reference {
	return append(slices.Clone(m.References), alert.Reference{Sender: m.Sender, Identifier: m.Identifier, Sent: m.Sent})
}

// serialText is a serial as people type it.
func serialText(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}
