package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/bundle/folder"
)

// imported is what an import makes of a file.
type imported struct {
	section string // of bundle.yaml
	text    string // YAML, "" = nothing to add
	entries int
	notes   []string // what was left out, and why
	refused int      // of those, what should not have been
}

// importing is how an import was asked for.
type importing struct {
	dir, scene, zone string
	priority         int
	length           time.Duration
	past             bool
}

func (i *importing) flags(fs *flag.FlagSet) {
	fs.StringVar(&i.dir, "into", "", "the bundle's folder")
	fs.StringVar(&i.scene, "scene", "", ".ics: the scene that the events show; each shows the one of its own name when not given. .m3u: the new scene's name; the file's when not given")
	fs.StringVar(&i.zone, "zone", "", ".ics: the time zone of events that name none or one that is not known; the former are by each player's clock when not given")
	fs.IntVar(&i.priority, "priority", 0, ".ics: the events' priority")
	fs.BoolVar(&i.past, "past", false, ".ics: also events that are over")
	fs.DurationVar(&i.length, "for", 10*time.Second, ".m3u: how long a picture shows that has no length of its own")
}

func runImport(_ context.Context, c *call) error {
	fs := c.flags()
	var i importing
	i.flags(fs)
	show := fs.Bool("print", false, "write the YAML to standard output and change nothing")
	partly := fs.Bool("partly", false, "import what can be, and leave out what cannot; without it nothing is imported then")
	file, err := c.one(fs, "file, .ics, .m3u or .m3u8")
	if err != nil {
		return err
	}
	if i.dir == "" {
		return usage("say which bundle's folder: --into DIR")
	}
	if _, err := time.LoadLocation(i.zone); err != nil || i.zone == "Local" {
		return usage("%q is not a time zone; write one such as Europe/Paris", i.zone)
	}
	f, err := folder.Load(i.dir)
	if err != nil {
		return err
	}
	content, err := readBounded(file, calendar.MaxFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && strings.EqualFold(filepath.Ext(file), ".vitrine"):
		return fmt.Errorf("there is no file %s, and this imports calendars (.ics) and playlists (.m3u, .m3u8): a player takes a built bundle by \"vitrine-player import\"", file)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no file %s: give the path of a calendar (.ics) or a playlist (.m3u, .m3u8)", file)
	case err != nil:
		return fmt.Errorf("read what is to be imported: %w", err)
	}
	made, err := i.read(f, file, content)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	for _, n := range made.notes {
		fmt.Fprintf(c.stderr, "%s\n", n)
	}
	if made.refused > 0 && !*partly {
		return fmt.Errorf("nothing is imported, because %d of its entries cannot be: mend the file, or give --partly to import the rest", made.refused)
	}
	return c.take(i.dir, made, *show)
}

// read makes YAML of a file, by what its name or its content says it is.
func (i *importing) read(f *folder.Folder, file string, content []byte) (imported, error) {
	name := strings.ToLower(filepath.Ext(file))
	switch {
	case strings.HasPrefix(strings.ToUpper(strings.TrimLeft(string(content[:min(len(content), 64)]), "\ufeff \r\n")), "BEGIN:VCALENDAR"), name == ".ics":
		return i.events(f, filepath.Base(file), content)
	case name == ".m3u", name == ".m3u8":
		return i.playlist(f, file, content)
	}
	return imported{}, errors.New("this is neither a calendar (.ics) nor a playlist (.m3u, .m3u8)")
}

// take writes what was made into the folder, or for people to paste.
func (c *call) take(dir string, made imported, show bool) error {
	if made.text == "" {
		fmt.Fprintln(c.stdout, "there is nothing to import")
		return nil
	}
	if show {
		_, err := fmt.Fprint(c.stdout, made.section+":\n  "+strings.ReplaceAll(strings.TrimRight(made.text, "\n"), "\n", "\n  ")+"\n")
		return err
	}
	if err := folder.Insert(dir, made.section, made.text); err != nil {
		var problems folder.Problems
		if errors.As(err, &problems) {
			return fmt.Errorf("nothing is imported, because %s would not be right with it:\n%w", folder.File, problems)
		}
		return err
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %s; next: vitrine check %s\n", filepath.Join(dir, folder.File), count(made.entries, strings.TrimSuffix(made.section, "s"))+" more", dir)
	return err
}
