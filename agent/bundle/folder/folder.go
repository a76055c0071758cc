// Package folder is a bundle as its author has it: a folder with a bundle.yaml, checked, tested and built.
//
//	bundle.yaml ──YAML──> tree ──JSON Schema──> document ──short forms──> manifest ──tests──> Build ──> a signed bundle
//	media/ fonts/ …         └─ every fault with file, line, column and what to write instead ─┘
//
// It is the publisher's half of the format; a player reads only what Build made (package bundle).
package folder

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// File is the name of the file that describes a bundle.
const File = "bundle.yaml"

// Folder is a checked bundle folder. What can be known without hashing its files is in Manifest: the rest of the
// manifest (customer, serial, root, issued, blobs) is filled in by Build.
type Folder struct {
	Dir      string
	Manifest bundle.Manifest
	// Media are the files that the bundle uses, by bundle path, with their media types.
	Media map[string]string
	// Unused are files of the folder that nothing uses.
	Unused []string
	// Warnings are what may not be right, in sentences.
	Warnings []string

	sizes  map[string]int64
	made   map[string]string // bundle path -> file within the folder, of what was made of another file
	tests  []place
	events []place
}

// loader is one Load under way.
type loader struct {
	root   *os.Root
	tree   *tree
	doc    *document
	canvas scene.Size
	files  map[string]*medium // by path; nil = it cannot be opened
	why    map[string]fault   // for those
	all    []string           // of the folder, once somebody asks
	faults []fault
}

// Load reads and checks a bundle's folder. The error is Problems when the folder can be read but is not right.
func Load(dir string) (*Folder, error) {
	root, err := open(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	text, err := readText(root)
	if err != nil {
		return nil, err
	}
	l := &loader{root: root, files: map[string]*medium{}, why: map[string]fault{}}
	m, err := l.load(text)
	if err != nil {
		return nil, err
	}
	if problems := l.problems(); len(problems) > 0 {
		return nil, problems
	}
	f := &Folder{Dir: dir, Manifest: *m, Media: map[string]string{}, sizes: map[string]int64{}, made: map[string]string{}}
	for p, one := range l.files {
		if one.made != "" {
			to := one.bundlePath()
			f.Media[to], f.sizes[to], f.made[to] = "application/pdf", one.madeSize, one.made
			continue
		}
		f.Media[p], f.sizes[p] = one.mime, one.size
	}
	f.Warnings = l.doubts()
	for _, p := range filesBelow(root, 10_000) {
		if _, used := l.files[p]; !used && p != File && !strings.HasSuffix(p, ".md") {
			f.Unused = append(f.Unused, p)
		}
	}
	for i := range m.Tests {
		f.tests = append(f.tests, l.tree.values[fmt.Sprintf("/tests/%d", i)])
	}
	for i := range m.Schedule.Events {
		f.events = append(f.events, l.tree.values[fmt.Sprintf("/events/%d", i)])
	}
	return f, nil
}

func open(dir string) (*os.Root, error) {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s: \"vitrine new %s\" makes one that works", dir, filepath.Clean(dir))
	case err == nil && !st.IsDir():
		return nil, fmt.Errorf("%s is a file: give the folder that has %s in it", dir, File)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the bundle's folder: %w", err)
	}
	return root, nil
}

// lacking says what to do about a folder without a File.
func lacking(root *os.Root) error {
	dir := filepath.Clean(root.Name())
	if d, err := root.Open("."); err == nil {
		defer d.Close()
		if names, _ := d.Readdirnames(1); len(names) > 0 {
			return fmt.Errorf("there is no %s in %s, and it is not empty: give the bundle's own folder; \"vitrine new\" makes one at a path that is not there yet", File, dir)
		}
	}
	return fmt.Errorf("there is no %s in %s: \"vitrine new %s\" makes a folder that works", File, dir, dir)
}

func readText(root *os.Root) ([]byte, error) {
	f, err := openRegular(root, File)
	if errors.Is(err, os.ErrNotExist) {
		return nil, lacking(root)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", File, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxYAML+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", File, err)
	}
	if len(text) > maxYAML {
		return nil, fmt.Errorf("read %s: it has more than %d MiB", File, maxYAML>>20)
	}
	return text, nil
}

// load finds all faults that can be found at once, and the manifest as far as it goes.
func (l *loader) load(text []byte) (*bundle.Manifest, error) {
	var form []fault
	if l.tree, form = readYAML(text); l.tree == nil {
		l.tree, l.faults = &tree{}, form
		return nil, nil
	}
	l.faults = l.tree.faults
	shape, err := newShape()
	if err != nil {
		return nil, err
	}
	refused := slices.DeleteFunc(shape.check(l.tree.value), func(f fault) bool {
		return slices.ContainsFunc(l.tree.faults, func(known fault) bool { return known.pointer != "" && known.pointer == f.pointer })
	})
	for i, f := range refused {
		refused[i].refused = true
		if !f.whole {
			cut(l.tree.value, f.pointer)
		}
	}
	l.faults = append(l.faults, refused...)
	if _, ok := l.tree.value.(map[string]any); !ok {
		return nil, nil
	}
	if l.doc, err = decode(l.tree.value); err != nil {
		if len(l.faults) == 0 {
			l.faults = append(l.faults, fault{message: err.Error()})
		}
		return nil, nil
	}
	m := l.manifest()
	l.checkSchedule(m)
	l.checkTests(m)
	l.quiet(refused)
	return m, nil
}

// manifest is the document in full form.
func (l *loader) manifest() *bundle.Manifest {
	d := l.doc
	l.canvas = scene.Size{Width: 1920, Height: 1080}
	if d.Canvas != nil && d.Canvas.Width > 0 && d.Canvas.Height > 0 {
		l.canvas = *d.Canvas
	}
	m := &bundle.Manifest{Format: bundle.FormatManifest, Stream: d.ID, Name: d.Name, Zone: d.Zone, Locale: d.Locale, Canvas: l.canvas,
		Targets: d.Targets, Sources: d.Sources, Scenes: map[string]scene.Scene{}, Schedule: d.Schedule, Fallback: d.Fallback, Tests: d.Tests}
	if d.Expires != nil {
		m.Expires = d.Expires.UTC()
	}
	l.zoneName("/zone", d.Zone)
	for _, id := range slices.Sorted(maps.Keys(d.Sources)) {
		l.checkSource("/sources/"+escapePointer(id), d.Sources[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.Scenes)) {
		m.Scenes[id] = l.scene("/scenes/"+escapePointer(id), d.Scenes[id])
	}
	return m
}

// File is where a file of the bundle is within the folder: documents that were made of others have a place of their own.
func (f *Folder) File(bundlePath string) string {
	if made, ok := f.made[bundlePath]; ok {
		return made
	}
	return bundlePath
}

// doubts are what may not be right with the files that the bundle uses.
func (l *loader) doubts() []string {
	var all []string
	for _, p := range slices.Sorted(maps.Keys(l.files)) {
		if l.files[p].doubt != "" {
			all = append(all, l.files[p].doubt)
		}
	}
	return all
}

// fault notes what is wrong at a pointer, or at the key that leads there.
func (l *loader) fault(pointer string, atKey bool, message, fix string) {
	l.faults = append(l.faults, fault{pointer: pointer, atKey: atKey, message: message, fix: fix})
}

// quiet drops faults that only follow from another: from what the schema has refused and was cut out, or from a field's
// wrong name.
func (l *loader) quiet(refused []fault) {
	follows := func(f, from fault) bool {
		if from.whole {
			object, field := parent(f.pointer)
			return !f.refused && object == from.pointer && slices.Contains(from.missing, field)
		}
		if f.whole && from.meant != "" {
			object, _ := parent(from.pointer)
			return object == f.pointer && slices.Contains(f.missing, from.meant)
		}
		return !f.refused && (f.pointer == from.pointer || strings.HasPrefix(f.pointer, from.pointer+"/") || strings.HasPrefix(from.pointer, f.pointer+"/"))
	}
	l.faults = slices.DeleteFunc(l.faults, func(f fault) bool {
		return f.at == (place{}) && slices.ContainsFunc(refused, func(from fault) bool { return follows(f, from) })
	})
}

// parent splits a pointer into that of the object and the field.
func parent(pointer string) (object, field string) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", ""
	}
	return pointer[:i], pointer[i+1:]
}

// problems puts faults into the author's terms.
func (l *loader) problems() Problems {
	var all Problems
	for _, f := range l.faults {
		at := f.at
		if at == (place{}) {
			at = l.place(f.pointer, f.atKey)
		}
		all = append(all, Problem{File: File, Line: at.line, Column: at.column, Message: f.message, Fix: f.fix})
	}
	return all.sorted()
}

// place is where a pointer leads in the file; what is not written there has the place of what it should be in.
func (l *loader) place(pointer string, atKey bool) place {
	for {
		if at, ok := l.tree.keys[pointer]; ok && atKey {
			return at
		}
		if at, ok := l.tree.values[pointer]; ok {
			return at
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return place{1, 1}
		}
		pointer = pointer[:i]
	}
}

// file finds and judges a file that the bundle uses; nil when that cannot be, which is noted.
func (l *loader) file(pointer, p string) *medium {
	m, known := l.files[p]
	if !known || m.unseen {
		m = l.open(p)
	}
	if f, bad := l.why[p]; bad {
		l.fault(pointer, false, f.message, f.fix)
		return nil
	}
	l.files[p] = m
	return m
}

// open inspects a file and notes in why what is wrong with it.
func (l *loader) open(p string) *medium {
	if _, known := l.why[p]; known {
		return nil
	}
	if err := bundle.CheckPath(p); err != nil {
		l.why[p] = fault{message: fmt.Sprintf("%q is not a path within the bundle's folder", short(p)), fix: "copy the file into the folder and write its path with /, such as media/a.mp4"}
		return nil
	}
	m, err := inspect(l.root, p)
	switch {
	case errors.Is(err, os.ErrNotExist):
		l.why[p] = fault{message: fmt.Sprintf("there is no file %s", p), fix: l.didYouMean(p)}
	case err != nil && strings.Contains(err.Error(), "escapes"):
		l.why[p] = fault{message: fmt.Sprintf("%s is a link that leads out of the folder", p), fix: "copy the file itself into the folder"}
	case err != nil:
		l.why[p] = fault{message: fmt.Sprintf("%s cannot be read: %v", p, err)}
	case m.err != "":
		l.why[p] = fault{message: m.err, fix: m.fix}
	}
	return m
}

func (l *loader) didYouMean(p string) string {
	if near := nearest(p, l.listing()); near != "" {
		return fmt.Sprintf("write %s", near)
	}
	for _, other := range l.all {
		if filepath.Base(other) == filepath.Base(p) {
			return fmt.Sprintf("write %s", other)
		}
	}
	return "copy it into the folder"
}
