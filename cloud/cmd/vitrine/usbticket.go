package main

import (
	"flag"
	"fmt"
	"strings"
	"time"

	"vitrine/agent/bundle"
)

// ticketFlags say for whom a stick is.
type ticketFlags struct {
	players, groups listFlag
	from, until     string
	note            string
}

// listFlag is a flag that may be given several times, or with commas.
type listFlag []string

// String implements flag.Value.
func (l *listFlag) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *listFlag) Set(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.TrimSpace(one); one != "" {
			*l = append(*l, one)
		}
	}
	return nil
}

func (t *ticketFlags) add(fs *flag.FlagSet) {
	fs.Var(&t.players, "player", "ticket: id of a player that may take the stick; several times, or with commas")
	fs.Var(&t.groups, "group", "ticket: group whose players may take the stick")
	fs.StringVar(&t.from, "from", "", "ticket: no player takes the stick before this date or time, 2027-01-04 or RFC 3339")
	fs.StringVar(&t.until, "until", "", "ticket: no player takes the stick after this date or time")
	fs.StringVar(&t.note, "note", "", "ticket: one line for whoever reads the screen")
}

func (t *ticketFlags) wanted() bool {
	return len(t.players)+len(t.groups) > 0 || t.from != "" || t.until != "" || t.note != ""
}

// sign makes the stick's ticket.
func (o *stickFlags) sign(c *call, l *load) error {
	trust, keys, err := c.readRole(o.keys, bundle.RolePublisher, o.secrets)
	if err != nil {
		return fmt.Errorf("a ticket is signed by the publisher: %w", err)
	}
	if string(trust.Chain()[0]) != string(l.first) {
		return fmt.Errorf("the keys in %s are not those of the bundle's publisher: players would refuse the ticket", o.keys)
	}
	k := &bundle.Ticket{Format: bundle.FormatTicket, Customer: trust.Root().Customer, Root: trust.Root().Version, Issued: time.Now().UTC().Truncate(time.Second),
		Players: o.ticket.players, Groups: o.ticket.groups, Manifest: l.digest, Note: o.ticket.note}
	if k.NotBefore, err = ticketTime(o.ticket.from, false); err == nil {
		k.NotAfter, err = ticketTime(o.ticket.until, true)
	}
	if err != nil {
		return err
	}
	sealed, err := k.Seal(keys...)
	if err != nil {
		return err
	}
	if _, err := trust.Ticket(sealed); err != nil {
		return fmt.Errorf("players would refuse this ticket: %w", err)
	}
	d := bundle.DigestOf(sealed)
	l.ticket, l.index.Ticket = k, string(d)
	l.bytes("t/"+string(d)+".json", sealed)
	return nil
}

// ticketTime reads a date, in this machine's zone, or an instant; whole = a date means its end.
func ticketTime(s string, whole bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.UTC().Truncate(time.Second), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	if err != nil {
		return time.Time{}, usage("%q is neither a date (2027-01-04) nor an instant (2027-01-04T12:30:00Z)", s)
	}
	if whole {
		day = day.AddDate(0, 0, 1)
	}
	return day.UTC(), nil
}

// ticketText is a ticket for people.
func ticketText(t *bundle.Ticket) string {
	who := "every player of " + t.Customer
	switch {
	case len(t.Players) > 0 && len(t.Groups) > 0:
		who = fmt.Sprintf("players %s and groups %s", strings.Join(t.Players, ", "), strings.Join(t.Groups, ", "))
	case len(t.Players) > 0:
		who = "players " + strings.Join(t.Players, ", ")
	case len(t.Groups) > 0:
		who = "groups " + strings.Join(t.Groups, ", ")
	}
	when := ""
	if !t.NotBefore.IsZero() {
		when += " from " + t.NotBefore.Local().Format("2006-01-02 15:04")
	}
	if !t.NotAfter.IsZero() {
		when += " until " + t.NotAfter.Local().Format("2006-01-02 15:04")
	}
	return "ticket: for " + who + when
}
