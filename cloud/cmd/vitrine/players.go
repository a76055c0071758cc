package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"vitrine/cloud/api"
)

func runPlayers(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	asJSON := fs.Bool("json", false, "write one player a line as JSON")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("this verb takes no arguments")
	}
	client, err := relay.client(c)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	if !*asJSON {
		fmt.Fprintln(table, "PLAYER\tNAME\tGROUPS\tSEEN\tBUNDLE\tON THE SCREEN")
	}
	for cursor := ""; ; {
		page, err := client.Players(ctx, cursor)
		if err != nil {
			return fmt.Errorf("ask the relay for its players: %w", err)
		}
		for _, p := range page.Items {
			if *asJSON {
				if err := printJSON(c.stdout, p); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintln(table, playerLine(p, time.Now()))
		}
		if page.Next == "" || page.Next == cursor {
			return table.Flush()
		}
		cursor = page.Next
	}
}

func playerLine(p api.Player, now time.Time) string {
	seen := "never"
	switch {
	case p.Online:
		seen = "online"
	case !p.Seen.IsZero():
		seen = now.Sub(p.Seen).Round(time.Second).String() + " ago"
	}
	on, playing := "-", "-"
	if p.Last != nil && p.Last.Showing != nil {
		on = p.Last.Showing.Scene
		if p.Last.Showing.Screen == "off" {
			on = "(off)"
		}
	}
	if p.Last != nil && p.Last.Active != nil {
		playing = fmt.Sprintf("%s %d", p.Last.Active.Stream, p.Last.Active.Seq)
		if p.Desired != nil && p.Desired.Manifest != p.Last.Active.Manifest {
			playing += fmt.Sprintf(" (%d to come)", p.Desired.Seq)
		}
	}
	// Names come from devices and people: control characters would move the cursor.
	return strings.Join([]string{printable(p.ID), printable(p.Name), printable(strings.Join(p.Groups, ",")), seen, printable(playing), printable(on)}, "\t")
}

// printable replaces characters that a terminal would obey or that turn text around. The two joiners stay: scripts and
// pictures need them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		const nonJoiner, joiner = '\u200c', '\u200d'
		if r == nonJoiner || r == joiner || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r
		}
		return '?'
	}, s)
}
