package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/agent/bundle/folder"
)

func runTest(_ context.Context, c *call) error {
	fs := c.flags()
	asJSON := fs.Bool("json", false, "write {\"ok\":…,\"tests\":[…]}")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	results := f.TestResults()
	failed := 0
	for _, r := range results {
		if !r.Pass {
			failed++
		}
	}
	if *asJSON {
		if err := printJSON(c.stdout, map[string]any{"ok": failed == 0, "tests": results}); err != nil {
			return err
		}
	} else {
		c.verdicts(results)
	}
	switch {
	case failed > 0 && *asJSON:
		return errSaid
	case failed > 0:
		return fmt.Errorf("%d of %s failed: mend the schedule or the tests", failed, count(len(results), "test"))
	}
	return nil
}

// verdicts tells people what came of each test.
func (c *call) verdicts(results []folder.TestResult) {
	for _, r := range results {
		verdict := "FAIL"
		if r.Pass {
			verdict = "PASS"
		}
		who := ""
		for _, of := range [][]string{{r.Player.ID}, r.Player.Groups, r.Player.Tags} {
			if text := strings.Join(of, ", "); text != "" {
				who += " for " + text
			}
		}
		at := r.At
		if zone, err := time.LoadLocation(r.Player.Zone); err == nil {
			at = at.In(zone)
		}
		fmt.Fprintf(c.stdout, "%s  %s:%d  %s%s\n", verdict, folder.File, r.Line, at.Format("Monday 2 January 2006, 15:04 MST"), who)
		if r.Pass {
			fmt.Fprintf(c.stdout, "      on %s\n", folder.LoopText(r.Got))
		} else {
			fmt.Fprintf(c.stdout, "      expected %s\n      on       %s\n", folder.LoopText(r.Expected), folder.LoopText(r.Got))
		}
		for _, why := range r.Why {
			fmt.Fprintf(c.stdout, "      why: %s\n", why)
		}
	}
	if len(results) == 0 {
		fmt.Fprintf(c.stdout, "there are no tests in %s; write such as tests: [{at: \"2027-01-04T12:30\", expect: [welcome]}]\n", folder.File)
	}
}
