package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"vitrine/agent/bundle"
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
	ics := fs.String("ics", "", "write an iCalendar file (RFC 5545) instead; - is standard output")
	html := fs.String("html", "", "write a calendar page instead, by week or month; - is standard output")
	lang := fs.String("lang", "", "language of --ics and --html, fr or en; $LANG decides when not given")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	w, err := language(*lang)
	if err != nil {
		return err
	}
	if *ics == "-" && *html == "-" || *asJSON && *ics+*html != "" {
		return usage("standard output takes one of --json, --ics - and --html -")
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	o, err := a.outlook(f, *from, *to)
	if err != nil {
		return err
	}
	o.most = *most
	if *ics+*html == "" {
		return c.changes(ctx, o, *asJSON)
	}
	return c.calendars(ctx, o, w, *ics, *html)
}

// outlook is what the player that the flags name shows from one time to another.
func (a *asked) outlook(f *folder.Folder, from, to string) (*outlook, error) {
	p, zone, err := a.player(&f.Manifest)
	if err != nil {
		return nil, err
	}
	begin, err := instant(from, zone)
	if err != nil {
		return nil, err
	}
	end := begin.Add(24 * time.Hour)
	if to != "" {
		if end, err = instant(to, zone); err != nil {
			return nil, err
		}
	}
	if !end.After(begin) {
		return nil, usage("--to is not after --from")
	}
	name := f.Manifest.Name
	if name == "" {
		name = f.Manifest.Stream
	}
	plan, _ := schedule.Compile(&f.Manifest.Schedule)
	return &outlook{name: name, stream: f.Manifest.Stream, plan: plan, player: p, zone: zone, begin: begin, end: end}, nil
}

// changes lists an outlook as it is worked out, actions among it.
func (c *call) changes(ctx context.Context, o *outlook, asJSON bool) error {
	n := 0
	room := func() error {
		if n++; n > o.most {
			return o.tooMany()
		}
		return ctx.Err()
	}
	due, stop := iter.Pull2(o.agenda())
	defer stop()
	at, action, more := due()
	until := func(t time.Time) error { // the actions before what changes at t
		for ; more && at.Before(t); at, action, more = due() {
			if err := room(); err != nil {
				return err
			}
			if err := c.deed(at.In(o.zone), action, asJSON); err != nil {
				return err
			}
		}
		return nil
	}
	for t, d := range o.plan.Timeline(o.player, schedule.State{}, o.begin, o.end) {
		if err := until(t); err != nil {
			return err
		}
		if err := room(); err != nil {
			return err
		}
		if err := c.change(t.In(o.zone), d, asJSON); err != nil {
			return err
		}
	}
	return until(o.end)
}

// deed is the line of an action.
func (c *call) deed(at time.Time, a schedule.Action, asJSON bool) error {
	if asJSON {
		return printJSON(c.stdout, struct {
			At     time.Time       `json:"at"`
			Action schedule.Action `json:"action"`
		}{at, a})
	}
	what := a.Do
	if a.Volume != nil {
		what = fmt.Sprintf("%s %d %%", a.Do, *a.Volume)
	}
	_, err := fmt.Fprintf(c.stdout, "%s  %-10s %-24s %s\n", at.Format("Mon 2006-01-02 15:04:05 MST"), "action", a.ID, what)
	return err
}

// calendars writes an outlook for calendars, for people, or for both.
func (c *call) calendars(ctx context.Context, o *outlook, w words, ics, html string) error {
	all, err := o.stretches(ctx)
	if err != nil {
		return err
	}
	made := time.Now()
	deeds, err := o.deeds(len(all))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if ics != "" {
		if err := o.calendar(all, deeds, w, made).Write(&b); err != nil {
			return fmt.Errorf("write the calendar: %w", err)
		}
		if err := c.file(ics, b.Bytes(), len(all)); err != nil {
			return err
		}
	}
	if html != "" {
		b.Reset()
		if err := o.page(&b, all, deeds, w, made); err != nil {
			return err
		}
		return c.file(html, b.Bytes(), len(all))
	}
	return nil
}

// file writes to a file, or to standard output when its name is "-".
func (c *call) file(path string, content []byte, stretches int) error {
	if path == "-" {
		_, err := c.stdout.Write(content)
		return err
	}
	if err := bundle.WriteAtomically(path, content); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.stderr, "%s: %s\n", path, count(stretches, "change"))
	return err
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
