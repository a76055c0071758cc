package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"vitrine/agent/control"
	"vitrine/cloud/api"
)

func TestStatusInWords(t *testing.T) {
	for name, c := range map[string]struct {
		status    control.Status
		want, not string
	}{
		"a source that was never read": {control.Status{Sources: map[string]control.Source{"menus": {Stale: true, Error: "there is no file"}}}, "menus: never read", "menus: 0 rows"},
		"a source that was read":       {control.Status{Sources: map[string]control.Source{"menus": {Rows: 2, Fetched: time.Now()}}}, "menus: 2 rows of 2", "never"},
		"a download that waits": {control.Status{Fetching: &api.Progress{Pointer: api.Pointer{Stream: "lobby", Seq: 7}, Have: 3 << 20, Total: 9 << 20, Rate: 5, Until: time.Now(), Idle: true}},
			"lobby version 7, 3 of 9 MiB, waits until ", "MB/s"},
		"a download that goes on":        {control.Status{Fetching: &api.Progress{Have: 3 << 20, Total: 9 << 20, Rate: 1_260_000, Idle: true}}, "3 of 9 MiB, 1.3 MB/s, only what is free of the line", "waits"},
		"a renderer that is down":        {control.Status{Showing: api.Showing{Scene: "a"}, Renderer: control.Renderer{Fault: "killed"}}, "runs: killed", "showing    a"},
		"a renderer that runs":           {control.Status{Showing: api.Showing{Scene: "a"}, Renderer: control.Renderer{Output: "x11"}}, "showing    a", "down"},
		"a time that nobody has said":    {control.Status{Clock: control.Clock{Trust: "none", Why: "nobody has confirmed it"}}, ": nobody has confirmed it", "!"},
		"why there is nothing to show":   {control.Status{Notices: []string{"The relay does not answer"}}, "The relay does not answer", "!"},
		"a time that can be believed":    {control.Status{Clock: control.Clock{Trust: "trusted"}}, "trusted, ", "trusted, :"},
		"a check that is wrong is there": {control.Status{Checks: map[string]string{"disk": "full", "store": "ok"}}, "! disk", "! store"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			print(&out, c.status)
			if s := out.String(); !strings.Contains(s, c.want) || strings.Contains(s, c.not) {
				t.Errorf("it says\n%s", s)
			}
		})
	}
}
