package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
)

//go:embed lobby.yaml.tmpl
var lobbyText string

// startingPoint is a folder that "vitrine new" can make.
type startingPoint struct{ name, short string }

func startingPoints() []startingPoint {
	return []startingPoint{{"lobby", "welcome, the day's programme, a clock and a news line, for one screen in a lobby"}}
}

func runNew(_ context.Context, c *call) error {
	fs := c.flags()
	lang := fs.String("lang", "", "language of the examples, fr or en; $LANG decides when not given")
	from := fs.String("from", "lobby", "the starting point")
	listed := fs.Bool("list", false, "list the starting points and stop")
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if *listed {
		for _, s := range startingPoints() {
			fmt.Fprintf(c.stdout, "%-8s %s\n", s.name, s.short)
		}
		return nil
	}
	if len(args) != 1 || args[0] == "" {
		return usage("give exactly one folder")
	}
	if *from != "lobby" {
		return usage("there is no starting point %q; --list shows them", *from)
	}
	switch *lang {
	case "":
		*lang = systemLanguage()
	case "fr", "en":
	default:
		return usage("--lang is fr or en")
	}
	if err := makeFolder(args[0], *lang); err != nil {
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
func makeFolder(dir, lang string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: give a folder that does not exist yet", dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make the folder: %w", err)
	}
	files, err := lobby(filepath.Base(filepath.Clean(dir)), lang)
	if err != nil {
		return err
	}
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

// lobby is all files of the starting point.
func lobby(name, lang string) (map[string][]byte, error) {
	w := lobbyTexts(lang)
	w.ID = strings.Trim(regexp.MustCompile(`[^a-zA-Z0-9._-]+`).ReplaceAllString(name, "-"), "-._")
	if w.ID == "" {
		w.ID = "lobby"
	}
	w.ID = w.ID[:min(len(w.ID), 64)]
	t, err := template.New("lobby").Delims("<%", "%>").Parse(lobbyText)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", folder.File, err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, w); err != nil {
		return nil, fmt.Errorf("write %s: %w", folder.File, err)
	}
	files := map[string][]byte{
		folder.File:                        text.Bytes(),
		folder.Own + "/bundle.schema.json": folder.Schema(),
		".gitignore":                       []byte(folder.Own + "/lock\n"),
		"data/news.csv":                    []byte("title\n" + strings.Join(w.News, "\n") + "\n"),
		"data/programme.csv":               []byte(strings.Join(append([]string{w.When + ";" + w.What + ";" + w.Where}, w.Programme...), "\n") + "\n"),
	}
	for name, art := range backdrops() {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, art, &jpeg.Options{Quality: 92}); err != nil {
			return nil, fmt.Errorf("draw %s: %w", name, err)
		}
		files["media/"+name] = b.Bytes()
	}
	return files, nil
}
