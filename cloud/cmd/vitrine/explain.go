package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
)

// asked is who asks a folder's schedule, and when.
type asked struct {
	at, id, zone string
	groups, tags list
}

func (a *asked) flags(fs *flag.FlagSet) {
	fs.StringVar(&a.at, "at", "", "local time such as 2027-01-04T12:30, or an instant with its offset; now when not given")
	a.playerFlags(fs)
}

func (a *asked) playerFlags(fs *flag.FlagSet) {
	fs.StringVar(&a.id, "player", "", "the player's id")
	fs.Var(&a.groups, "group", "a group of the player, best first; may be given several times")
	fs.Var(&a.tags, "tag", "a tag of the player; may be given several times")
	fs.StringVar(&a.zone, "zone", "", "the player's time zone; the bundle's when not given")
}

// player is who asks, in the zone that counts for it.
func (a *asked) player(m *bundle.Manifest) (schedule.Player, *time.Location, error) {
	p := schedule.Player{ID: a.id, Groups: a.groups, Tags: a.tags, Zone: a.zone}
	if p.Zone == "" {
		p.Zone = m.Zone
	}
	if p.Zone == "" {
		p.Zone = "UTC"
	}
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		return p, nil, usage("%q is not a time zone; write one such as Europe/Paris", p.Zone)
	}
	return p, zone, nil
}

// instant reads a time that a person typed.
func instant(s string, zone *time.Location) (time.Time, error) {
	if s == "" || s == "now" {
		return time.Now(), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("%q is not a time; write it like 2027-01-04T12:30", s)
}

func runExplain(ctx context.Context, c *call) error {
	fs := c.flags()
	var a asked
	a.flags(fs)
	var said supposed
	said.flags(fs)
	asJSON := fs.Bool("json", false, "without a folder: read questions from standard input, one JSON object a line, and answer each with one")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if *asJSON && len(args) == 0 {
		return answerLines(ctx, c)
	}
	if len(args) != 1 {
		return usage("give one folder, or --json and questions on standard input")
	}
	f, err := folder.Load(args[0])
	if err != nil {
		return err
	}
	p, zone, err := a.player(&f.Manifest)
	if err != nil {
		return err
	}
	now, err := instant(a.at, zone)
	if err != nil {
		return err
	}
	plan, _ := schedule.Compile(&f.Manifest.Schedule)
	st, err := said.state(plan, p, now)
	if err != nil {
		return err
	}
	d, actions := plan.Explain(p, st, now), plan.Outlook(p, st, now)
	if *asJSON {
		return printJSON(c.stdout, struct {
			schedule.Decision
			Actions []schedule.ActionOutlook `json:"actions,omitempty"`
		}{d, actions})
	}
	d.Next = nextChange(plan, p, st, now, d)
	explainFor(c.stdout, f.Manifest.Schedule, d, st, now.In(zone))
	explainActions(c.stdout, actions, zone)
	return nil
}

// answerLines answers questions; a question that cannot be read gets an answer that says so, and the others go on.
func answerLines(ctx context.Context, c *call) error {
	in := bufio.NewReaderSize(c.stdin, 64<<10)
	out := bufio.NewWriter(c.stdout)
	refused := 0
	for ctx.Err() == nil {
		line, err := in.ReadBytes('\n')
		if text := strings.TrimSpace(string(line)); text != "" {
			answer, wrong := schedule.Answer([]byte(text))
			if wrong != nil {
				refused++
			}
			if _, err := out.Write(append(answer, '\n')); err != nil {
				return fmt.Errorf("write the answer: %w", err)
			}
			if in.Buffered() == 0 {
				if err := out.Flush(); err != nil {
					return fmt.Errorf("write the answer: %w", err)
				}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read the question: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if refused > 0 {
		return errors.Join(ctx.Err(), fmt.Errorf("%s could not be answered; each answer says why", count(refused, "question")))
	}
	return ctx.Err()
}

// nextChange is a decision's, or the next that an action makes of it.
func nextChange(plan *schedule.Plan, p schedule.Player, st schedule.State, now time.Time, d schedule.Decision) *time.Time {
	to := now.AddDate(1, 0, 0)
	if d.Next != nil && d.Next.Before(to) {
		to = d.Next.Add(time.Second)
	}
	for at, later := range plan.Timeline(p, st, now, to) {
		if !later.Same(d) {
			return &at
		}
	}
	return d.Next
}

func explainFor(w io.Writer, s schedule.Schedule, d schedule.Decision, st schedule.State, now time.Time) {
	fmt.Fprintf(w, "%s: ", now.Format("Monday 2 January 2006, 15:04:05 MST"))
	if d.Screen == "off" {
		why := ", outside of working hours"
		if st.Screen == "off" {
			why = ", by an action"
		}
		fmt.Fprintln(w, "the screen is off"+why)
	} else {
		fmt.Fprintf(w, "%s, showing %s\n", d.Layer, strings.Join(d.Loop, ", "))
	}
	playing := map[string]bool{}
	for _, id := range d.Events {
		playing[id] = true
	}
	for _, e := range s.Events {
		switch why, idle := d.Why[e.ID]; {
		case playing[e.ID]:
			fmt.Fprintf(w, "  %-20s plays\n", e.ID)
		case d.Interrupts[e.ID] > 0:
			fmt.Fprintf(w, "  %-20s interrupts, %d per mille of the time\n", e.ID, d.Interrupts[e.ID])
		case idle:
			fmt.Fprintf(w, "  %-20s no: %s\n", e.ID, why)
		default:
			fmt.Fprintf(w, "  %-20s plays as %s\n", e.ID, e.Kind)
		}
	}
	if d.Next != nil {
		fmt.Fprintf(w, "next change: %s\n", d.Next.In(now.Location()).Format("Monday 2 January 2006, 15:04:05 MST"))
	} else {
		fmt.Fprintln(w, "next change: never")
	}
}
