package folder

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// Insert adds entries to the end of a section of bundle.yaml, "events" or "scenes", as lines of YAML without indentation: "- "
// items for the former, named ones for the latter. All else in the file stays as it is, comments too. The file is replaced
// only if the folder is right with them, else the error is Problems about the file as it would have been.
func Insert(dir, section, entries string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the bundle's folder: %w", err)
	}
	defer root.Close()
	old, err := readText(root)
	if err != nil {
		return err
	}
	text, err := insert(old, section, entries)
	if err != nil {
		return err
	}
	l := &loader{root: root, files: map[string]*medium{}, why: map[string]fault{}}
	if _, err := l.load(text); err != nil {
		return err
	}
	if problems := l.problems(); len(problems) > 0 {
		return problems
	}
	path, err := filepath.EvalSymlinks(filepath.Join(dir, File))
	if err != nil {
		return fmt.Errorf("write %s: %w", File, err)
	}
	return bundle.WriteAtomically(path, text)
}

// insert is Insert on text. What it made is read again: it must be what was there, and the entries.
func insert(old []byte, section, entries string) ([]byte, error) {
	byHand := fmt.Errorf("%s is written in a way that nothing can be inserted into safely: take what --print writes and put it under %s: yourself", File, section)
	before, faults := readYAML(old)
	if before == nil {
		return nil, Problems{{File: File, Line: faults[0].at.line, Column: faults[0].at.column, Message: faults[0].message, Fix: faults[0].fix}}
	}
	object, ok := before.value.(map[string]any)
	if !ok || len(before.faults) > 0 {
		return nil, byHand
	}
	added, _ := readYAML([]byte(entries))
	if added == nil || len(added.faults) > 0 {
		return nil, fmt.Errorf("what is to be inserted is not YAML: %.200q", entries)
	}
	newline := "\n"
	if strings.Contains(string(old), "\r\n") {
		newline = "\r\n"
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(old), "\r\n", "\n"), "\n"), "\n")
	at, indent, ok := spot(before, object[section], section, &lines)
	if !ok {
		return nil, byHand
	}
	var block []string
	for line := range strings.SplitSeq(strings.TrimRight(entries, "\n"), "\n") {
		block = append(block, strings.TrimRight(indent+line, " "))
	}
	text := []byte(strings.Join(slices.Insert(lines, at, block...), newline) + newline)
	after, _ := readYAML(text)
	if after == nil || len(after.faults) > 0 {
		return nil, byHand
	}
	object[section] = joined(object[section], added.value)
	if !reflect.DeepEqual(after.value, any(object)) {
		return nil, byHand
	}
	return text, nil
}

// spot finds the line before which a section's new entries go, and their indentation. It makes room for them: a section
// where there is none or an empty one.
func spot(t *tree, value any, section string, lines *[]string) (at int, indent string, ok bool) {
	key, there := t.keys["/"+section]
	if !there {
		*lines = append(*lines, "", section+":")
		return len(*lines), "  ", true
	}
	if key.column != 1 || key.line > len(*lines) {
		return 0, "", false
	}
	head := &(*lines)[key.line-1]
	empty := regexp.MustCompile(`^(\w+:)\s*(?:\[\s*\]|\{\s*\}|~|null)?\s*(#.*)?$`).FindStringSubmatch(*head)
	if empty == nil { // a flow value, an anchor, a tag
		return 0, "", false
	}
	if size := reflect.ValueOf(value); value == nil || size.Len() == 0 {
		*head = strings.TrimRight(empty[1]+" "+empty[2], " ")
		return key.line, "  ", true
	}
	next := len(*lines)
	for pointer, p := range t.keys {
		if strings.Count(pointer, "/") == 1 && p.line > key.line {
			next = min(next, p.line-1)
		}
	}
	for next > key.line && (strings.TrimSpace((*lines)[next-1]) == "" || strings.HasPrefix((*lines)[next-1], "#") || strings.HasPrefix((*lines)[next-1], "...")) {
		next--
	}
	for _, line := range (*lines)[key.line:next] {
		if text := strings.TrimLeft(line, " "); text != "" && text[0] != '#' {
			return next, line[:len(line)-len(text)], true
		}
	}
	return 0, "", false
}

// joined is a list with a list after it, or an object with an object's fields.
func joined(value, added any) any {
	switch more := added.(type) {
	case []any:
		list, _ := value.([]any)
		return append(slices.Clone(list), more...)
	case map[string]any:
		object := map[string]any{}
		if old, ok := value.(map[string]any); ok {
			maps.Copy(object, old)
		}
		for k, v := range more {
			if _, twice := object[k]; !twice { // else the file has it twice, which is found there
				object[k] = v
			}
		}
		return object
	}
	return nil
}

// Kind says what a file of a folder is on a screen. The error says what else it is, or why it cannot be used.
func Kind(dir, path string) (scene.Kind, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("open the bundle's folder: %w", err)
	}
	defer root.Close()
	l := &loader{root: root, files: map[string]*medium{}, why: map[string]fault{}}
	m := l.open(path)
	if f, bad := l.why[path]; bad {
		return "", fmt.Errorf("%s; %s", f.message, f.fix)
	}
	if m.kind() == "" {
		return "", fmt.Errorf("%s is neither a picture nor a video, it is %s", path, m.what)
	}
	return m.kind(), nil
}

// Quote writes a text as YAML that is read as that text and nothing else.
func Quote(s string) string {
	plain := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`).MatchString(s)
	words := []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
	if plain && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	b, err := json.Marshal(s) // JSON's strings are YAML's
	if err != nil {
		return `""` // no text makes Marshal fail
	}
	return string(b)
}
