package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle"
	"vitrine/agent/control"
	"vitrine/agent/health"
)

// status says what is on, and what is wrong.
func status(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir string
	var asJSON bool
	f := newFlags("status", "  vitrine-player status\n  vitrine-player status --data ./player --json | jq .showing")
	f.data(&dir)
	f.BoolVar(&asJSON, "json", false, "as JSON")
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	s, err := control.Dial(dir).Status(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	print(stdout, s)
	return nil
}

func print(w io.Writer, s control.Status) {
	line := func(name, format string, a ...any) { fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, a...)) }
	line("player", "%s %s, up %s", s.Name, s.ID, (time.Duration(s.Uptime) * time.Second).String())
	if s.Seal != nil {
		line("key", "%s (secrets: %s)", strings.Join(bundle.Words(s.Public), " "), s.Seal.Recipient)
	}
	if c := s.Claim; c != nil {
		line("claim", "%s at %s, words: %s", c.Code, c.URL, strings.Join(c.Words, " "))
	}
	if b := s.Bundle; b != nil {
		line("bundle", "%s version %d, issued %s", b.Stream, b.Seq, s.Issued.Local().Format(time.DateTime))
	} else {
		line("bundle", "none")
	}
	if s.Publisher != "" {
		line("publisher", "%s", s.Publisher)
	}
	if f := s.Fetching; f != nil {
		line("fetching", "%s version %d, %d of %d MiB%s", f.Stream, f.Seq, f.Have>>20, f.Total>>20, fetchWords(s))
	}
	if t := s.Stick; t != nil {
		share := ""
		if t.Total > 0 && t.State == "importing" {
			share = fmt.Sprintf(", %d of %d MiB", t.Have>>20, t.Total>>20)
		}
		line("stick", "%s%s%s%s", t.Label, prefixed(" ", t.State), share, prefixed(": ", t.Said))
	}
	if r := s.Refused; r != nil {
		line("refused", "%s version %d: %s", r.Stream, r.Seq, r.Reason)
	}
	if s.Showing.Screen == "off" {
		line("showing", "nothing: the screen is off")
	} else if s.Renderer.Output == "" {
		line("showing", "nothing new: the renderer is down (last %s)", cmp.Or(s.Showing.Scene, "nothing"))
	} else {
		line("showing", "%s (%s) since %s", s.Showing.Scene, s.Showing.Layer, s.Showing.Since.Local().Format(time.TimeOnly))
	}
	for _, n := range s.Notices {
		line("", "%s", n)
	}
	for _, a := range s.Alerts {
		line("alert", "%s", a)
	}
	if !s.Next.IsZero() {
		line("next", "change at %s", s.Next.Local().Format(time.DateTime))
	}
	if s.Renderer.Output == "" {
		line("renderer", "down: nothing new is drawn until it runs%s", cmp.Or(prefixed(": ", s.Renderer.Fault), "; see the player's log"))
	} else {
		line("renderer", "%s %dx%d, %d frames, %d dropped, %d of %d MiB", s.Renderer.Output, s.Renderer.Width, s.Renderer.Height, s.Renderer.Presented, s.Renderer.Dropped, s.Renderer.Memory>>20, s.Renderer.Ceiling>>20)
	}
	if s.Volume.Now < 100 || s.Volume.Own < 100 {
		line("volume", "%d %%, set to %d %% of what the schedule says", s.Volume.Now, s.Volume.Own)
	}
	if skew := s.Renderer.Skew; skew != nil {
		line("aligned", "the video is %+.1f ms off the clock", *skew*1000)
	}
	line("clock", "%s, %s%s", s.Clock.Trust, s.Clock.Now.Local().Format(time.DateTime), prefixed(": ", s.Clock.Why))
	for _, d := range s.Actions {
		line("action", "%s: %s%s", d.ID, d.Do, deed(d))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		line("metric", "%s = %v", name, s.Metrics[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		src := s.Sources[name]
		old := ""
		if src.Stale {
			old = ", stale"
		}
		if src.Fetched.IsZero() {
			line("source", "%s: never read", name) // why is among the checks
			continue
		}
		line("source", "%s: %d rows of %s%s", name, src.Rows, src.Fetched.Local().Format(time.DateTime), old)
	}
	for _, item := range slices.Sorted(maps.Keys(s.Held)) {
		line("held back", "%s: %s", item, s.Held[item])
	}
	for _, r := range s.Rejected {
		line("left out", "%s", r)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Checks)) {
		if s.Checks[name] != health.OK {
			line("! "+name, "%s", s.Checks[name])
		}
	}
}

// fetchWords says how a download goes.
func fetchWords(s control.Status) (text string) {
	switch f := s.Fetching; {
	case !f.Until.IsZero():
		return ", waits until " + f.Until.Local().Format(time.TimeOnly)
	case f.Rate > 0:
		text = fmt.Sprintf(", %.1f MB/s", float64(f.Rate)/1e6)
	}
	if s.Fetching.Idle {
		text += ", only what is free of the line"
	}
	return text
}

// deed says when an action is due, and how it went.
func deed(d control.Action) string {
	text := ", never"
	if !d.Next.IsZero() {
		text = ", next " + d.Next.Local().Format(time.DateTime)
	}
	if d.State != "" {
		text += fmt.Sprintf("; %s, due %s%s", d.State, d.Last.Local().Format(time.DateTime), prefixed(": ", d.Why))
	}
	return text
}

// prefixed puts something before words, if there are any.
func prefixed(before, words string) string {
	if words == "" {
		return ""
	}
	return before + words
}

// load hands the running player a bundle.
func load(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var dir, trust string
	var asJSON bool
	f := newFlags("import", "  vitrine-player import lobby.vitrine\n  vitrine-player import /media/stick/vitrine --trust \"four words of publisher\"")
	f.data(&dir)
	f.StringVar(&trust, "trust", "", "the publisher's four `words`, for a player that trusts nobody yet")
	f.BoolVar(&asJSON, "json", false, "the result as JSON")
	if done, err := f.parse(args, 1, stdout, stderr); done {
		return err
	}
	if len(f.args) == 0 {
		fmt.Fprintf(stderr, "vitrine-player import: name a bundle file or folder\n\nExample:\n%s\n", f.example)
		return errUsage
	}
	path, err := filepath.Abs(f.args[0])
	if err != nil {
		return err
	}
	bar := term.IsTerminal(int(os.Stderr.Fd())) && !asJSON
	step, err := control.Dial(dir).Import(ctx, path, trust, func(s control.Step) {
		if bar && s.Total > 0 {
			done := int(30 * s.Have / s.Total)
			fmt.Fprintf(stderr, "\r[%s%s] %3d %%", strings.Repeat("#", done), strings.Repeat(".", 30-done), 100*s.Have/s.Total)
		}
	})
	if bar {
		fmt.Fprint(stderr, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	switch {
	case asJSON:
		return json.NewEncoder(stdout).Encode(step)
	case step.Bundle == nil:
		fmt.Fprintln(stdout, "the public warnings of the stick are taken")
	case step.Same:
		fmt.Fprintf(stdout, "%s version %d is live already\n", step.Bundle.Stream, step.Bundle.Seq)
	default:
		fmt.Fprintf(stdout, "%s version %d is live\n", step.Bundle.Stream, step.Bundle.Seq)
	}
	return nil
}

// shot writes a picture of what is really on the screen.
func shot(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var dir, out string
	var width int
	f := newFlags("screenshot", "  vitrine-player screenshot -o screen.png\n  vitrine-player screenshot --width 640 -o - > small.png")
	f.data(&dir)
	f.StringVar(&out, "o", "", "`file` to write, .png or .jpg; - for standard output (PNG)")
	f.IntVar(&width, "width", 0, "`pixels`; 0: as shown")
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	as := map[string]string{".png": "png", ".jpg": "jpg", ".jpeg": "jpg"}[strings.ToLower(filepath.Ext(out))]
	if out == "-" {
		return control.Dial(dir).Screenshot(ctx, stdout, "png", width)
	}
	if as == "" {
		fmt.Fprintf(stderr, "vitrine-player screenshot: -o wants a file that ends with .png or .jpg\n\nExample:\n%s\n", f.example)
		return errUsage
	}
	w, err := os.OpenFile(out+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err = errors.Join(control.Dial(dir).Screenshot(ctx, w, as, width), w.Close()); err != nil {
		os.Remove(out + ".part")
		return err
	}
	return os.Rename(out+".part", out)
}
