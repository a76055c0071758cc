// Package packaging holds what surrounds the programs, and the tests that guard the tree as a whole.
//
//	README.md ──import table──> layers_test ──> every package's imports and comment
//	          └─session──────> readme_test ──> a shell
package packaging

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = ".."
	module = "vitrine"
)

// pkg is what the tree says of one package.
type pkg struct {
	comment bool
	ours    map[string]bool // imports of this module, without its name
	others  map[string]bool // imports of other modules
	tests   map[string]bool // what only its tests import, both kinds, ours with the module's name
}

// row is what the README's import table says of one package.
type row struct {
	ours   []string
	others []string // module paths, or the folder of a module that is meant
	line   int
}

func TestEveryPackageImportsExactlyWhatTheReadmeNames(t *testing.T) {
	rows, pkgs := table(t), tree(t)
	for _, dir := range slices.Sorted(maps.Keys(pkgs)) {
		r, ok := rows[dir]
		if !ok {
			t.Errorf("%s is not in the README's import table. Its row would be:\n%s", dir, propose(dir, pkgs[dir]))
			continue
		}
		p := pkgs[dir]
		for imp := range p.ours {
			if !slices.Contains(r.ours, imp) {
				t.Errorf("%s imports %s, which line %d of the README does not allow it", dir, imp, r.line)
			}
		}
		for imp := range p.others {
			if !slices.ContainsFunc(r.others, func(m string) bool { return within(imp, m) }) {
				t.Errorf("%s imports %s, which line %d of the README does not allow it", dir, imp, r.line)
			}
		}
		for _, imp := range r.ours {
			if !p.ours[imp] {
				t.Errorf("line %d of the README allows %s to import %s, which it does not: take it out of the table", r.line, dir, imp)
			}
		}
		for _, m := range r.others {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(p.others)), func(imp string) bool { return within(imp, m) }) {
				t.Errorf("line %d of the README allows %s to import %s, which it does not: take it out of the table", r.line, dir, m)
			}
		}
	}
	for dir, r := range rows {
		if pkgs[dir] == nil {
			t.Errorf("line %d of the README names the package %s, which is not there", r.line, dir)
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for dir, p := range tree(t) {
		if !p.comment {
			t.Errorf("no file of %s has a package comment: say which question the package answers, with a picture", dir)
		}
	}
}

// The rules that no edit of the table may bend; tests are held to them too, but for those that need all parts at once.
func TestTheWallsStand(t *testing.T) {
	leaves := []string{"agent/schedule", "render/scene", "cloud/api", "agent/health", "usb/udisks", "cloud/account"}
	for dir, p := range tree(t) {
		for imp := range p.ours {
			if slices.Contains(leaves, dir) {
				t.Errorf("%s is a leaf and imports %s", dir, imp)
			}
			wall(t, dir, imp)
		}
		for imp := range p.tests {
			if of, ours := strings.CutPrefix(imp, module+"/"); ours && top(dir) != "packaging" {
				wall(t, dir, of)
			}
		}
	}
}

// wall reports an import that crosses a wall of the layout.
func wall(t *testing.T, dir, imp string) {
	t.Helper()
	from, to := top(dir), top(imp)
	switch {
	case from == to, from == "packaging":
		return
	case from == "agent" && to == "cloud" && imp == "cloud/api", from == "agent" && (to == "render" || to == "usb"):
		return
	case from == "cloud" && (within(imp, "agent/bundle") || imp == "agent/schedule"):
		return
	case dir == "cloud/cmd/vitrine" && imp == "agent/connect": // a preview reads the folder's own data as a player does
		return
	case dir == "cloud/cmd/vitrine" && (imp == "agent/secret" || imp == "agent/export"): // whoever seals and reads what a player opens and writes
		return
	case dir == "cloud/cmd/vitrine" && imp == "agent/alert": // whoever sends a warning sees what players would refuse
		return
	case dir == "cloud/cmd/vitrine" && to == "usb": // it writes the sticks that players read
		return
	case from == "cloud" && imp == "render/scene", within(dir, "cloud/cmd/vitrine") && to == "render":
		return
	}
	t.Errorf("%s imports %s: render and usb know neither agent nor cloud, agent knows of cloud only cloud/api, cloud knows of agent only bundle and schedule", dir, imp)
}

func TestThirdPartyLibrariesStayAtHome(t *testing.T) {
	homes := map[string][]string{
		"github.com/gen2brain/go-mpv":       {"render/mpv"},
		"github.com/godbus/dbus/v5":         {"usb/udisks", "agent/system"},
		"github.com/fsnotify/fsnotify":      {"agent/connect/place"},
		"go.etcd.io/bbolt":                  {"agent/store", "cloud/shelf"},
		"github.com/hashicorp/go-memdb":     {"agent/store", "cloud/fleet"},
		"github.com/kardianos/service":      {"agent/cmd/vitrine-player", "cloud/cmd/vitrine-relay"},
		"github.com/warthog618/go-gpiocdev": {"agent/sense"},
		"github.com/chromedp/chromedp":      {},
		"github.com/chromedp/cdproto":       {"render/web"},
		"github.com/jezek/xgb":              {"render/output", "render/witness"},
		"github.com/go-text/typesetting":    {"render/glyph"},
	}
	for dir, p := range tree(t) {
		for imp := range p.others {
			for lib, allowed := range homes {
				if within(imp, lib) && !slices.Contains(allowed, dir) {
					t.Errorf("%s imports %s, whose home is %s", dir, imp, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

func TestTheTopLevelIsWhatTheReadmeSays(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"agent", "cloud", "render", "usb", "packaging", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE"}
	made := []string{"bin", "out"} // by make, never committed
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) && !slices.Contains(made, name) {
			t.Errorf("%s stands at the top level, which has only %s", name, strings.Join(allowed, ", "))
		}
	}
}

// table reads the README's import table: rows whose first cell is a package in backticks.
func table(t *testing.T) map[string]row {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([^`]+)`")
	rows := map[string]row{}
	inside := false
	for i, line := range strings.Split(string(readme), "\n") {
		if strings.HasPrefix(line, "| package |") {
			inside = true
		}
		inside = inside && strings.HasPrefix(line, "|")
		cells := strings.Split(strings.Trim(line, "|"), "|")
		dir := name.FindStringSubmatch(cells[0])
		if !inside || dir == nil {
			continue
		}
		if len(cells) != 4 {
			t.Fatalf("line %d of the README has %d cells; a row of the import table has 4: package, question, imports of ours, imports of others", i+1, len(cells))
		}
		r := row{line: i + 1}
		for _, m := range name.FindAllStringSubmatch(cells[2], -1) {
			r.ours = append(r.ours, m[1])
		}
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			r.others = append(r.others, m[1])
		}
		if _, twice := rows[dir[1]]; twice {
			t.Errorf("line %d of the README names %s a second time", i+1, dir[1])
		}
		rows[dir[1]] = r
	}
	if len(rows) == 0 {
		t.Fatal("the README has no import table: its head row begins with \"| package |\"")
	}
	return rows
}

// tree reads the imports of every package of this module, whatever build tags its files have.
func tree(t *testing.T) map[string]*pkg {
	t.Helper()
	pkgs := map[string]*pkg{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(file, d)
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(rel))
		if pkgs[dir] == nil {
			pkgs[dir] = &pkg{ours: map[string]bool{}, others: map[string]bool{}, tests: map[string]bool{}}
		}
		return pkgs[dir].read(file)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// skip leaves out hidden folders, test data and modules of their own.
func skip(file string, d fs.DirEntry) error {
	hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != root
	_, err := os.Stat(filepath.Join(file, "go.mod"))
	if hidden || d.Name() == "testdata" || err == nil && file != root {
		return fs.SkipDir
	}
	return nil
}

// read adds one file's imports and comment.
func (p *pkg) read(file string) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return err
	}
	name := f.Name.Name
	p.comment = p.comment || f.Doc != nil && (name == "main" || strings.HasPrefix(f.Doc.Text(), "Package "+name+" "))
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		of, ours := strings.CutPrefix(imp, module+"/")
		first, _, _ := strings.Cut(imp, "/")
		switch {
		case !ours && !strings.Contains(first, "."): // the standard library and "C"
		case strings.HasSuffix(file, "_test.go"):
			p.tests[imp] = true
		case ours:
			p.ours[of] = true
		default:
			p.others[imp] = true
		}
	}
	return nil
}

// propose writes the row that a package would need.
func propose(dir string, p *pkg) string {
	list := func(set map[string]bool) string {
		if len(set) == 0 {
			return "–"
		}
		return "`" + strings.Join(slices.Sorted(maps.Keys(set)), "` `") + "`"
	}
	return fmt.Sprintf("| `%s` | … | %s | %s |", dir, list(p.ours), list(p.others))
}

// within says whether a package path is p or lies under it.
func within(imp, p string) bool { return imp == p || strings.HasPrefix(imp, p+"/") }

// top is the first element of a package's path.
func top(dir string) string { first, _, _ := strings.Cut(dir, "/"); return first }
