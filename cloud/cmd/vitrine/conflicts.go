package main

import (
	"context"
	"fmt"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
)

func runConflicts(_ context.Context, c *call) error {
	fs := c.flags()
	var a asked
	a.playerFlags(fs)
	asJSON := fs.Bool("json", false, "write {\"ok\":…,\"conflicts\":[…]}")
	warn := fs.Bool("warn", false, "exit with 0 although there are conflicts; without it they exit with 1")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	p, _, err := a.player(&f.Manifest)
	if err != nil {
		return err
	}
	var players []schedule.Player
	if a.id != "" || a.zone != "" || len(a.groups)+len(a.tags) > 0 {
		players = append(players, p)
	}
	found := f.Conflicts(players...)
	if *asJSON {
		if err := printJSON(c.stdout, map[string]any{"ok": len(found) == 0, "conflicts": found}); err != nil {
			return err
		}
	} else {
		for _, one := range found {
			fmt.Fprintf(c.stdout, "%s:%d:%d: event %s can never show: %s\n", folder.File, one.Line, one.Column, one.Event, one.Reason)
		}
		if len(found) == 0 {
			fmt.Fprintf(c.stdout, "every event of %s can show: %s\n", f.Manifest.Stream, count(len(f.Manifest.Schedule.Events), "event"))
		}
	}
	if len(found) == 0 || *warn {
		return nil
	}
	return errSaid
}
