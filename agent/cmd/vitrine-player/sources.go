package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"vitrine/agent/control"
)

// sources says how fresh the rows of the running player's sources are, and what is wrong with them.
func sources(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir string
	var asJSON bool
	var n int
	f := newFlags("sources", "  vitrine-player sources\n  vitrine-player sources --rows 5 menus\n  vitrine-player sources --json | jq '.[] | select(.stale)'")
	f.data(&dir)
	f.BoolVar(&asJSON, "json", false, "as JSON")
	f.IntVar(&n, "rows", 0, "how many `rows` of each source are shown, as zones see them; 0 to 1000")
	if done, err := f.parse(args, 1, stdout, stderr); done {
		return err
	}
	all, err := control.Dial(dir).Sources(ctx, n)
	if err != nil {
		return err
	}
	if len(f.args) > 0 {
		var one []control.Feed
		for _, s := range all {
			if s.Name == f.args[0] {
				one = append(one, s)
			}
		}
		if all = one; len(all) == 0 {
			return fmt.Errorf("the player's bundle has no source %q; vitrine-player sources lists those that it has", f.args[0])
		}
	}
	if asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(stdout, "the player's bundle has no sources")
	}
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		printFeed(stdout, s)
	}
	return nil
}

func printFeed(w io.Writer, s control.Feed) {
	line := func(name, format string, a ...any) { fmt.Fprintf(w, "  %-8s %s\n", name, fmt.Sprintf(format, a...)) }
	state := "fresh"
	switch {
	case s.Fetched.IsZero():
		state = "never read"
	case s.Expired:
		state = "expired"
	case s.Stale:
		state = "stale"
	}
	fmt.Fprintf(w, "%s: %s, %d rows\n", s.Name, state, s.Count)
	line("from", "%s, %s%s", s.Type, s.Where, prefixed(", with the secret ", s.Secret))
	if !s.Fetched.IsZero() {
		line("read", "%s, %d rows, last others %s", s.Fetched.Local().Format(time.DateTime), s.Read, s.Changed.Local().Format(time.DateTime))
	}
	if !s.Next.IsZero() {
		line("next", "%s", s.Next.Local().Format(time.DateTime))
	}
	if s.Error != "" {
		line("! "+s.Class, "%s", s.Error)
	}
	if s.Truncated {
		line("cut", "it has more rows than limits.rows lets through")
	}
	for _, d := range s.Dropped {
		line("dropped", "%s: %s", d.Place, d.Why)
	}
	var took []string
	for _, t := range s.Steps {
		took = append(took, fmt.Sprintf("%s %.1f ms", t.Step, t.Took))
	}
	if len(took) > 0 {
		line("took", "%s", strings.Join(took, ", "))
	}
	if len(s.Rows) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	fmt.Fprintf(t, "  %s\n", strings.Join(s.Columns, "\t"))
	for _, row := range s.Rows {
		fmt.Fprintf(t, "  %s\n", strings.Join(row, "\t"))
	}
	t.Flush()
}
