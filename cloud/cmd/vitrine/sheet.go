package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"vitrine/cloud/api"
)

// columns of a sheet of plays. Times are RFC 3339 in UTC, the length is in seconds.
func columns() []string {
	return []string{"player", "name", "start", "end", "seconds", "stream", "bundle", "scene", "event", "layer", "reason", "presented", "dropped",
		"clock", "lost", "chain", "n", "boot", "hash"}
}

// sheet writes the plays that are wanted as CSV: RFC 4180, UTF-8, lines end with CR LF. What stands there is read from the
// bytes that the player has signed, not from what the relay says of them. A gap is a line with the column "lost" filled.
func (e *export) sheet(w io.Writer, l *ledger, check *checker) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns()); err != nil {
		return err
	}
	for play, err := range l.plays {
		if err != nil {
			return err
		}
		check.add(play)
		p, err := api.ReadProof(play.Record)
		if err != nil || !e.wants(p) {
			continue // the checker has it
		}
		if err := out.Write(line(l, play, p)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func line(l *ledger, play api.Play, p api.Proof) []string {
	lost := ""
	if g := p.Gap; g != nil {
		switch {
		case g.From > 0:
			lost = fmt.Sprintf("records %d to %d: %s", g.From, g.To, g.Why)
		case g.Plays > 0:
			lost = fmt.Sprintf("%s: %s", count(int(g.Plays), "play"), g.Why)
		default:
			lost = g.Why
		}
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	cells := []string{l.Player, l.Name, at(p.Start), at(p.End), strconv.FormatFloat(p.End.Sub(p.Start).Seconds(), 'f', 3, 64), p.Stream, number(p.Bundle),
		p.Scene, p.Event, p.Layer, p.Reason, number(p.Presented), number(p.Dropped), p.Clock, lost, p.Chain, number(p.N), play.Boot,
		api.PlayHash(play.Boot, play.Record)}
	for i, c := range cells {
		if i != 4 { // a length may be negative when the clock was set back: it is a number, not a formula
			cells[i] = harmless(c)
		}
	}
	return cells
}

// harmless keeps a spreadsheet from taking a name for a formula: an apostrophe before what could begin one (OWASP, "CSV
// injection"), wide forms too.
func harmless(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if strings.IndexAny(strings.TrimLeft(s, " \u00a0"), "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}
