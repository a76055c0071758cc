package place

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/agent/connect/rows"
)

// Bounds of a tree.
const (
	maxDepth   = 20
	maxEntries = 100_000
	maxListing = 64 << 20 // bytes of a server's listing of one folder
	maxName    = 1024     // bytes
)

// Bounds say how much of a tree is listed.
type Bounds struct {
	Depth  int            // folders below the first; 0 = only what is in it; at most 20
	Count  int            // rows; 0 = 2000, at most 100,000
	Zone   *time.Location // of modified; nil = UTC
	Hidden bool           // names that begin with a point, too
}

// Tree lists the files and folders below a place: path (below it), name, level1 … (the folders on the way), size (bytes;
// null for folders), modified, type (of the content, by the name's ending; "folder"). They come sorted by path. Links are
// not followed, nor listed.
func Tree(ctx context.Context, p Place, bounds Bounds) (rows.Table, error) {
	of, ok := p.(*place)
	if !ok {
		return rows.Table{}, fmt.Errorf("a %T has no folders", p)
	}
	from, ok := of.source.(lister)
	if !ok {
		return rows.Table{}, fmt.Errorf("folders cannot be listed over http; use webdav, smb, sftp, nfs or file")
	}
	if bounds.Zone == nil {
		bounds.Zone = time.UTC
	}
	if bounds.Count <= 0 {
		bounds.Count = 2000
	}
	bounds.Count, bounds.Depth = min(bounds.Count, maxEntries), max(0, min(bounds.Depth, maxDepth))
	return within(ctx, of.held, of.key+" tree", func() (rows.Table, error) {
		f, root, err := from.dial(ctx)
		if err != nil {
			return rows.Table{}, err
		}
		defer f.close()
		return walk(ctx, f, root, bounds)
	})
}

// entry is a file or folder on its way into a row.
type entry struct {
	path string // below the root
	info os.FileInfo
}

// walk lists level by level, so that a limit cuts what is deep before what is near.
func walk(ctx context.Context, f folder, root string, bounds Bounds) (rows.Table, error) {
	var t rows.Table
	var found []entry
	level := []string{""}
	for depth := 0; len(level) > 0 && depth <= bounds.Depth; depth++ {
		var next []string
		for _, dir := range level {
			if err := ctx.Err(); err != nil {
				return t, err
			}
			infos, err := f.readDir(ctx, path.Join(root, dir))
			switch {
			case err != nil && dir != "" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)):
				t.Drop("folder "+dir, "it cannot be listed: %v", f.sentence(err))
				continue
			case err != nil && dir != "": // half a tree is none
				return t, fmt.Errorf("its folder %s: %w", dir, f.sentence(err))
			case err != nil:
				return t, f.sentence(err)
			}
			for _, e := range entries(&t, dir, infos, bounds.Hidden) {
				if len(found) >= bounds.Count {
					t.Truncated = true
					break
				}
				found = append(found, e)
				if e.info.IsDir() {
					next = append(next, e.path)
				}
			}
		}
		level = next
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	tabulate(&t, found, bounds.Zone)
	return t, nil
}

// entries takes what a server says is in a folder, sorted; names that would lead out of it are dropped.
func entries(t *rows.Table, dir string, infos []os.FileInfo, hidden bool) []entry {
	var found []entry
	seen := map[string]bool{}
	for _, info := range infos {
		name := info.Name()
		switch {
		case name == "." || name == ".." || !hidden && strings.HasPrefix(name, "."):
		case info.Mode()&fs.ModeType != 0 && !info.IsDir(): // links, pipes, devices
		case name == "" || strings.ContainsAny(name, "/\\\x00") || len(name) > maxName || seen[name]:
			t.Drop("folder "+cmp.Or(dir, "."), "the name %.60q is not a file's", name)
		case !utf8.ValidString(name):
			t.Drop("folder "+cmp.Or(dir, "."), "the name %.60q is not UTF-8", name)
		default:
			seen[name] = true
			found = append(found, entry{path.Join(dir, name), info})
		}
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	return found
}

// tabulate makes rows; there are as many levels as the deepest needs.
func tabulate(t *rows.Table, found []entry, zone *time.Location) {
	levels := 0
	for _, e := range found {
		levels = max(levels, strings.Count(e.path, "/"))
	}
	t.Columns = []string{"path", "name"}
	for i := range levels {
		t.Columns = append(t.Columns, "level"+strconv.Itoa(i+1))
	}
	t.Columns = append(t.Columns, "size", "modified", "type")
	for _, e := range found {
		parts := strings.Split(e.path, "/")
		row := []rows.Value{rows.Of(rows.Text, e.path), rows.Of(rows.Text, parts[len(parts)-1])}
		for i := range levels {
			if i < len(parts)-1 {
				row = append(row, rows.Of(rows.Text, parts[i]))
			} else {
				row = append(row, rows.Value{Kind: rows.Null})
			}
		}
		t.Rows = append(t.Rows, append(row, facts(e.info, zone)...))
	}
}

func facts(info os.FileInfo, zone *time.Location) []rows.Value {
	size, modified := rows.Value{Kind: rows.Null}, rows.Value{Kind: rows.Null}
	kind := "folder"
	if !info.IsDir() {
		size = rows.Of(rows.Decimal, strconv.FormatInt(max(info.Size(), 0), 10))
		kind = contentType(info.Name())
	}
	if at := info.ModTime(); !at.IsZero() && at.Year() > 0 && at.Year() < 10000 {
		modified = rows.Of(rows.DateTime, at.In(zone).Format(time.RFC3339))
	}
	return []rows.Value{size, modified, rows.Of(rows.Text, kind)}
}

// contentType is by the name alone, the same on every machine for what screens show.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	known := map[string]string{".txt": "text/plain", ".csv": "text/csv", ".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
		".mkv": "video/x-matroska", ".mp3": "audio/mpeg", ".ics": "text/calendar", ".md": "text/markdown", ".rtf": "application/rtf",
		".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xls": "application/vnd.ms-excel",
		".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		".ods":  "application/vnd.oasis.opendocument.spreadsheet", ".odt": "application/vnd.oasis.opendocument.text",
		".odp": "application/vnd.oasis.opendocument.presentation"}
	if kind := known[ext]; kind != "" {
		return kind
	}
	kind, _, _ := strings.Cut(mime.TypeByExtension(ext), ";")
	return cmp.Or(kind, "application/octet-stream")
}
