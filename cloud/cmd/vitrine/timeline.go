package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
)

func runTimeline(ctx context.Context, c *call) error {
	fs := c.flags()
	var a asked
	a.playerFlags(fs)
	from := fs.String("from", "", "beginning; now when not given")
	to := fs.String("to", "", "end; a day after the beginning when not given")
	most := fs.Int("most", 10_000, "stop after so many changes")
	asJSON := fs.Bool("json", false, "write one change a line as JSON")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	p, zone, err := a.player(&f.Manifest)
	if err != nil {
		return err
	}
	begin, err := instant(*from, zone)
	if err != nil {
		return err
	}
	end := begin.Add(24 * time.Hour)
	if *to != "" {
		if end, err = instant(*to, zone); err != nil {
			return err
		}
	}
	if !end.After(begin) {
		return usage("--to is not after --from")
	}
	plan, _ := schedule.Compile(&f.Manifest.Schedule)
	n := 0
	for at, d := range plan.Timeline(p, schedule.State{}, begin, end) {
		if n++; n > *most {
			return fmt.Errorf("there are more than %d changes: ask for less time, or give --most", *most)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.change(at.In(zone), d, *asJSON); err != nil {
			return err
		}
	}
	return nil
}

// change is one line of a timeline.
func (c *call) change(at time.Time, d schedule.Decision, asJSON bool) error {
	if asJSON {
		return printJSON(c.stdout, struct {
			At time.Time `json:"at"`
			schedule.Decision
		}{at, d})
	}
	what := strings.Join(d.Loop, ", ")
	if d.Screen == "off" {
		what = "(screen off)"
	}
	if len(d.Overlays) > 0 {
		what += " + " + strings.Join(d.Overlays, ", ")
	}
	_, err := fmt.Fprintf(c.stdout, "%s  %-10s %-24s %s\n", at.Format("Mon 2006-01-02 15:04:05 MST"), d.Layer, strings.Join(d.Events, ","), what)
	return err
}
