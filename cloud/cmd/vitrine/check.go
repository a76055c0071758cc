package main

import (
	"context"
	"errors"
	"fmt"

	"vitrine/agent/bundle/folder"
)

func runCheck(_ context.Context, c *call) error {
	fs := c.flags()
	asJSON := fs.Bool("json", false, "write {\"ok\":…,\"problems\":[…],\"unused\":[…]}")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	f, err := folder.Load(dir)
	var problems folder.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	var unused, warnings []string
	if f != nil {
		unused, warnings = f.Unused, f.Warnings
		for _, t := range f.RunTests() {
			problems = append(problems, t.Problem)
		}
	}
	if *asJSON {
		if err := printJSON(c.stdout, map[string]any{"ok": len(problems) == 0, "problems": append(folder.Problems{}, problems...), "unused": append([]string{}, unused...), "warnings": append([]string{}, warnings...)}); err != nil {
			return err
		}
		if len(problems) > 0 {
			return errSaid
		}
		return nil
	}
	if len(problems) > 0 {
		return problems
	}
	for _, w := range warnings {
		fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	for _, u := range unused {
		fmt.Fprintf(c.stdout, "note: %s is used by nothing and stays out of the bundle\n", u)
	}
	m := f.Manifest
	fmt.Fprintf(c.stdout, "%s is right: %s, %s, %s, %s\n", m.Stream, count(len(m.Scenes), "scene"), count(len(m.Schedule.Events), "event"),
		count(len(f.Media), "file"), count(len(m.Tests), "test")+" passed")
	return nil
}
