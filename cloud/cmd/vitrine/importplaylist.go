package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/render/scene"
)

// track is an entry of an M3U playlist.
type track struct {
	name   string // a file or an address
	length time.Duration
	line   int
}

const mostTracks = 1000

// readM3U reads a playlist: one file a line, with #EXTINF:seconds,title before it where it is an extended one. Old ones are
// in Windows-1252.
func readM3U(content []byte) ([]track, error) {
	text := strings.TrimPrefix(string(content), "\ufeff")
	if !utf8.ValidString(text) {
		decoded, err := charmap.Windows1252.NewDecoder().String(text)
		if err != nil {
			return nil, fmt.Errorf("the playlist's characters are not known: %w", err)
		}
		text = decoded
	}
	var tracks []track
	var length time.Duration
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		line = strings.TrimSpace(line)
		info, extended := strings.CutPrefix(line, "#EXTINF:")
		switch {
		case line == "":
		case strings.HasPrefix(line, "#EXT-X-"):
			return nil, errors.New("this is the playlist of a stream (HLS), not of files: use the video itself")
		case extended:
			seconds, _, _ := strings.Cut(info, ",")
			seconds, _, _ = strings.Cut(strings.TrimSpace(seconds), " ") // attributes may follow
			n, err := strconv.ParseFloat(seconds, 64)
			if length = 0; err == nil && n > 0 && n <= 86400 {
				length = time.Duration(n * float64(time.Second)).Round(time.Millisecond)
			}
		case line[0] == '#':
		case len(tracks) == mostTracks:
			return nil, fmt.Errorf("the playlist has more than %d files", mostTracks)
		case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }):
			return nil, errors.New("this is not a playlist: a name in it has control characters")
		default:
			tracks = append(tracks, track{line, length, i + 1})
			length = 0
		}
	}
	if len(tracks) == 0 {
		return nil, errors.New("the playlist names no file")
	}
	return tracks, nil
}

// playlist makes a scene of a playlist.
func (i *importing) playlist(f *folder.Folder, file string, content []byte) (imported, error) {
	made := imported{section: "scenes", entries: 1}
	if i.length < time.Millisecond || i.length > 24*time.Hour {
		return made, usage("--for is 1ms to 24h")
	}
	tracks, err := readM3U(content)
	if err != nil {
		return made, err
	}
	name := i.scene
	if name == "" {
		base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		name = strings.Trim(regexp.MustCompile(`[^a-zA-Z0-9._-]+`).ReplaceAllString(base, "-"), "-._")
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`).MatchString(name) {
		return made, usage("%q cannot be a scene's name: give --scene with 1 to 64 letters, digits, \".\", \"_\" or \"-\"", name)
	}
	if _, twice := f.Manifest.Scenes[name]; twice {
		return made, fmt.Errorf("there is a scene %s already: give --scene with another name, or take that one out", name)
	}
	var items []string
	for _, t := range tracks {
		item, err := i.item(file, t)
		if err != nil {
			made.refused++
			made.notes = append(made.notes, fmt.Sprintf("%s:%d: %q is not imported: %v", filepath.Base(file), t.line, t.name, err))
			continue
		}
		items = append(items, "    - "+item+"\n")
	}
	if len(items) > 0 {
		made.text = fmt.Sprintf("# %s\n%s:\n  playlist:\n%s", commentText(filepath.Base(file)), folder.Quote(name), strings.Join(items, ""))
	}
	return made, nil
}

// item is a track as an item of a scene's playlist. A video keeps its own length: what players write after #EXTINF is rounded.
func (i *importing) item(file string, t track) (string, error) {
	length := t.length
	if length == 0 {
		length = i.length
	}
	if isStream(t.name) {
		if err := bundle.CheckStream(t.name); err != nil {
			return "", err
		}
		return fmt.Sprintf("{stream: %s, for: %s}", folder.Quote(t.name), durationText(length)), nil
	}
	within, err := i.find(file, t.name)
	if err != nil {
		return "", err
	}
	kind, err := folder.Kind(i.dir, within)
	if err != nil {
		return "", err
	}
	switch kind {
	case scene.Video:
		return fmt.Sprintf("{video: %s}", folder.Quote(within)), nil
	case scene.Page:
		return fmt.Sprintf("{document: %s, each: %s}", folder.Quote(within), durationText(length)), nil
	case scene.Web:
		return fmt.Sprintf("{web: %s, for: %s}", folder.Quote(within), durationText(length)), nil
	case scene.Audio:
		return "", errors.New("it is sound alone: write it as audio: of a scene")
	}
	return fmt.Sprintf("{image: %s, for: %s}", folder.Quote(within), durationText(length)), nil
}

// isStream tells whether a playlist's entry is an address of something live, not of a file that should be in the bundle.
func isStream(name string) bool {
	u, err := url.Parse(name)
	files := []string{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mp3", ".m4a", ".ogg", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".pdf"}
	return err == nil && slices.Contains(bundle.StreamSchemes(), u.Scheme) && !slices.Contains(files, strings.ToLower(path.Ext(u.Path)))
}

// durationText is a length as bundle.yaml has it: 8s, 1500ms.
func durationText(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// find gives the path within the folder of a file that a playlist names: as seen from the playlist, else from the folder.
func (i *importing) find(file, name string) (string, error) {
	if scheme, _, ok := strings.Cut(name, "://"); ok && !strings.EqualFold(scheme, "file") {
		return "", errors.New("it is an address, not a file: copy what is there into the folder and name that")
	} else if ok {
		u, err := url.Parse(name)
		if err != nil || u.Host != "" && u.Host != "localhost" {
			return "", errors.New("its address is not that of a file on this machine")
		}
		name = u.Path
	}
	dir, err := filepath.Abs(i.dir)
	if err != nil {
		return "", err
	}
	here, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	var first string
	for _, spelling := range []string{name, strings.ReplaceAll(name, `\`, "/")} {
		full := filepath.FromSlash(spelling)
		for _, base := range []string{here, dir} {
			candidate := filepath.Join(base, full)
			if filepath.IsAbs(full) {
				candidate = filepath.Clean(full)
			}
			within, err := filepath.Rel(dir, candidate)
			if err != nil || !filepath.IsLocal(within) {
				continue
			}
			if first == "" {
				first = filepath.ToSlash(within)
			}
			if st, err := os.Stat(candidate); err == nil && st.Mode().IsRegular() {
				return filepath.ToSlash(within), nil
			}
		}
	}
	if first == "" {
		return "", fmt.Errorf("it is not in the folder: copy it to %s", path.Join("media", path.Base(strings.ReplaceAll(name, `\`, "/"))))
	}
	return "", fmt.Errorf("there is no file %s in the folder: copy it there", first)
}
