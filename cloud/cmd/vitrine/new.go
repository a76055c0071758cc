package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/agent/bundle/starter"
)

func runNew(_ context.Context, c *call) error {
	fs := c.flags()
	lang := fs.String("lang", "", "language of the examples, fr or en; $LANG decides when not given")
	name := fs.String("template", "", "the starting point; "+starter.Points()[0].Name+" when not given")
	fs.StringVar(name, "from", "", "the same as --template")
	listed := fs.Bool("list", false, "list the starting points and stop")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if *listed {
		for _, p := range starter.Points() {
			fmt.Fprintf(c.stdout, "%-15s %s\n", p.Name, p.Short)
		}
		return nil
	}
	if len(args) != 1 || args[0] == "" {
		return usage("give exactly one folder")
	}
	if *name == "" {
		*name = starter.Points()[0].Name
	}
	point, ok := starter.Find(*name)
	if !ok {
		return usage("there is no starting point %q; --list shows them", *name)
	}
	switch *lang {
	case "":
		*lang = systemLanguage()
	case "fr", "en":
	default:
		return usage("--lang is fr or en")
	}
	if err := makeFolder(args[0], point, *lang); err != nil {
		return err
	}
	f, err := folder.Load(args[0])
	if err != nil {
		return fmt.Errorf("the new folder is not right, which is a fault of this program: %w", err)
	}
	fmt.Fprintf(c.stdout, "%s plays as it stands: %s, %s\n", args[0], count(len(f.Manifest.Scenes), "scene"), count(len(f.Media), "file"))
	fmt.Fprintf(c.stdout, "next: edit %s, then: vitrine check %s\n", filepath.Join(args[0], folder.File), args[0])
	return nil
}

// systemLanguage is French where the system speaks French, else English.
func systemLanguage() string {
	for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if s := os.Getenv(v); s != "" {
			if strings.HasPrefix(strings.ToLower(s), "fr") {
				return "fr"
			}
			return "en"
		}
	}
	return "en"
}

// makeFolder writes a starting point into a folder that does not exist yet, or is empty.
func makeFolder(dir string, point starter.Point, lang string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: give a folder that does not exist yet", dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make the folder: %w", err)
	}
	files, err := point.Files(filepath.Base(filepath.Clean(dir)), lang)
	if err != nil {
		return err
	}
	files[folder.Own+"/bundle.schema.json"] = folder.Schema()
	files[".gitignore"] = []byte(folder.Own + "/lock\n")
	for path, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return fmt.Errorf("make the folder: %w", err)
		}
		if err := bundle.WriteAtomically(full, content); err != nil {
			return err
		}
	}
	return nil
}
