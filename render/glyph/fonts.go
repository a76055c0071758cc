// Package glyph answers: which pixels does this text have?
//
//	Fonts: bundle files, system fonts, Go fonts
//	   │
//	text ──> paragraphs ──> faces, rune by rune ──> shape ──> Layout: wrap ──> Fit: size ──> Ink: glyph masks, quarter pixels
//
// Directions, scripts, fallbacks and emoji are its business; what a text means, and where it stands, package paint's.
package glyph

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
)

// FontConfig says where fonts come from. The Go fonts are built in and always there.
type FontConfig struct {
	// CacheDir keeps the index of the system's fonts between starts; "" = the user's cache directory. Where it cannot be
	// written, the system's fonts are read anew at each start.
	CacheDir string
	Dirs     []string // directories with fonts that come before the system's
	Files    []string // font files that come before all others; Style.Font may name them by the end of their path
	NoSystem bool     // leave the system's fonts out
}

// maxFontFile is in bytes; Noto Sans CJK, the largest in use, has 20 MB.
const maxFontFile = 64 << 20

// Fonts finds a face for every rune, shapes text and keeps the pixels of glyphs. It is safe for concurrent use.
type Fonts struct {
	cfg     FontConfig
	mu      sync.Mutex // guards all below but glyphs: faces and shaper are not safe for concurrent use
	scanned bool
	entries []*entry // configured files, directories, system, Go: in this order
	byPath  map[string]*entry
	chains  map[string][]*entry
	spare   map[spareKey]*entry
	shaper  shaping.HarfbuzzShaper
	seg     shaping.Segmenter
	wrap    shaping.LineWrapper
	glyphs  glyphCache
}

// entry is one face that may be used; it is read from its file when it is first needed.
type entry struct {
	file   string
	index  int
	data   []byte // of a built-in font
	family string // normalised
	aspect font.Aspect
	runes  fontscan.RuneSet // of a system font, known without opening it
	rank   int              // among fonts that stand in: smaller is better
	face   *font.Face
	broken bool
}

// LoadFonts prepares fonts. Files and Dirs are opened at once; the system's fonts are looked for when text is first
// drawn, or by Warm. An error names a file that is no font; the Fonts are usable all the same, without it.
func LoadFonts(cfg FontConfig) (*Fonts, error) {
	f := &Fonts{cfg: cfg, byPath: map[string]*entry{}, chains: map[string][]*entry{}, spare: map[spareKey]*entry{}}
	f.shaper.SetFontCacheSize(64)
	var failed error
	for _, file := range cfg.Files {
		if err := f.addFile(file); err != nil && failed == nil {
			failed = err
		}
	}
	for _, dir := range cfg.Dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !isFontName(path) {
				return err
			}
			return f.addFile(path)
		})
		if err != nil && failed == nil {
			failed = err
		}
	}
	return f, failed
}

// Warm looks for the system's fonts now, so that the first text need not wait for it. It may run beside drawing.
func (f *Fonts) Warm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scan()
}

func isFontName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ttf", ".otf", ".ttc", ".otc":
		return true
	}
	return false
}

// addFile reads all faces of a file and puts them before the system's.
func (f *Fonts) addFile(path string) error {
	if f.byPath[path] != nil {
		return nil
	}
	faces, err := readFaces(path, -1)
	if err != nil {
		return err
	}
	for i, face := range faces {
		d := face.Describe()
		e := &entry{file: path, index: i, family: font.NormalizeFamily(d.Family), aspect: d.Aspect, face: face}
		e.rank = rankOf(e.family)
		f.entries = append(f.entries, e)
		if i == 0 {
			f.byPath[path] = e
		}
	}
	return nil
}

// readFaces parses a font file with bounds: regular files up to maxFontFile, and a parser's panic is an error. An index
// of -1 reads all faces of a collection, another one that face alone.
func readFaces(path string, index int) (faces []*font.Face, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("font %s is damaged (%v): replace the file", path, r)
		}
	}()
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("font cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFontFile {
		return nil, fmt.Errorf("font %s must be a file of at most %d MB", path, maxFontFile>>20)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("font cannot be read: %w", err)
	}
	defer file.Close()
	loaders, err := opentype.NewLoaders(file)
	if err != nil {
		return nil, fmt.Errorf("font %s is not a TrueType or OpenType file: %w", path, err)
	}
	for i, ld := range loaders {
		if index >= 0 && i != index {
			continue
		}
		ft, err := font.NewFont(ld)
		if err != nil {
			return nil, fmt.Errorf("font %s is damaged, replace the file: %w", path, err)
		}
		faces = append(faces, font.NewFace(ft))
	}
	return faces, nil
}

// scan completes the list of entries, once. The caller holds the lock.
func (f *Fonts) scan() {
	if f.scanned {
		return
	}
	f.scanned = true
	if !f.cfg.NoSystem {
		for _, fp := range f.systemFonts() {
			e := &entry{file: fp.Location.File, index: int(fp.Location.Index), family: fp.Family, aspect: fp.Aspect, runes: fp.Runes}
			e.rank = rankOf(e.family)
			if fp.Location.Instance == 0 && e.rank < rankNever {
				f.entries = append(f.entries, e)
			}
		}
	}
	for _, b := range []struct {
		data   []byte
		weight font.Weight
		style  font.Style
	}{
		{goregular.TTF, 400, font.StyleNormal}, {gomedium.TTF, 500, font.StyleNormal},
		{gobold.TTF, 700, font.StyleNormal}, {goitalic.TTF, 400, font.StyleItalic},
	} {
		f.entries = append(f.entries, &entry{data: b.data, family: "go", rank: rankPlain,
			aspect: font.Aspect{Style: b.style, Weight: b.weight, Stretch: font.StretchNormal}})
	}
}

// systemFonts asks for the index; a cache directory that cannot be written must not cost the fonts, and a damaged index
// or font must not cost the process.
func (f *Fonts) systemFonts() (found []fontscan.Footprint) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	quiet := log.New(io.Discard, "", 0)
	dir := f.cfg.CacheDir
	if dir == "" {
		if user, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(user, "vitrine")
		}
	}
	if dir == "" || !writable(dir) {
		temp, err := os.MkdirTemp("", "vitrine-fonts-")
		if err != nil {
			return nil
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	all, err := fontscan.SystemFonts(quiet, dir)
	if err != nil {
		return nil
	}
	found = slices.Clone(all) // it is fontscan's own
	slices.SortFunc(found, func(a, b fontscan.Footprint) int {
		return cmp.Or(strings.Compare(a.Location.File, b.Location.File), cmp.Compare(a.Location.Index, b.Location.Index))
	})
	return found
}

func writable(dir string) bool {
	if os.MkdirAll(dir, 0o700) != nil {
		return false
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return false
	}
	probe.Close()
	return os.Remove(probe.Name()) == nil
}

// open reads the entry's face; nil when its file has gone or is damaged, and then it is not tried again.
func (e *entry) open() *font.Face {
	if e.face != nil || e.broken {
		return e.face
	}
	if e.data != nil {
		face, err := font.ParseTTF(bytes.NewReader(e.data))
		if err != nil {
			e.broken = true
			return nil
		}
		e.face = face
		return face
	}
	faces, err := readFaces(e.file, e.index)
	if err != nil || len(faces) != 1 {
		e.broken = true
		return nil
	}
	e.face = faces[0]
	return e.face
}

// covers says whether the face has a glyph for r.
func (e *entry) covers(r rune) bool {
	if e.broken {
		return false
	}
	if e.face == nil && e.runes != nil {
		return e.runes.Contains(r)
	}
	face := e.open()
	if face == nil {
		return false
	}
	_, ok := face.NominalGlyph(r)
	return ok
}
