package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/bundle/starter"
)

func TestEveryTemplatePlaysAsItStands(t *testing.T) {
	alone(t)
	right(t, "key", "new", "--customer", "acme")
	list := right(t, "new", "--list")
	for _, p := range starter.Points() {
		if !strings.Contains(list, p.Name+" ") || !strings.Contains(list, p.Short) {
			t.Errorf("the list lacks %s", p.Name)
		}
		t.Run(p.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "My "+p.Name)
			if p.Name != "lobby" {
				right(t, "new", dir, "--template", p.Name, "--lang", "en")
			} else if err := os.CopyFS(dir, os.DirFS(os.Getenv(madeOnce))); err != nil { // drawn already
				t.Fatal(err)
			}
			checks(t, dir)
			right(t, "build", dir, "-o", filepath.Join(t.TempDir(), "x.vitrine"))
			namesWhatIsThere(t, dir)
			french(t, p, dir)
			checks(t, dir)
			draws(t, dir)
		})
	}
	refuses(t, exitUsage, "--list shows them", "new", filepath.Join(t.TempDir(), "x"), "--template", "billboard")
}

// french puts a template's texts in French into a folder that has its pictures.
func french(t *testing.T, p starter.Point, dir string) {
	t.Helper()
	texts, err := p.Texts(filepath.Base(dir), "fr")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// checks says that a folder is right without a remark, and that its comments say something.
func checks(t *testing.T, dir string) {
	t.Helper()
	if o := vitrine(t, "", "check", dir); o.code != exitRight || strings.Contains(o.out+o.errors, "used by nothing") {
		t.Fatalf("check: exit %d, %s%s", o.code, o.out, o.errors)
	}
	text, err := os.ReadFile(filepath.Join(dir, folder.File))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), "\n#")+strings.Count(string(text), " # ") < 3 {
		t.Error("its comments teach nothing")
	}
}

// draws says that each scene can be drawn, with its rows.
func draws(t *testing.T, dir string) {
	t.Helper()
	f, err := folder.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := &view{dir: dir, m: &f.Manifest, media: f.Media, now: time.Date(2027, 1, 4, 12, 30, 0, 0, time.UTC), zone: time.UTC, width: 240}
	for name, s := range f.Manifest.Scenes {
		v.scene = &s
		if _, err := v.draw(t.Context(), 0); err != nil || len(v.told()) > 0 {
			t.Errorf("scene %s: %v, %q", name, err, v.told())
		}
	}
}

// namesWhatIsThere says that the rows name only pictures that the folder has.
func namesWhatIsThere(t *testing.T, dir string) {
	t.Helper()
	data, err := filepath.Glob(filepath.Join(dir, "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range data {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune("\";,\n {}", r) }) {
			if there, _ := filepath.Glob(filepath.Join(dir, "media", "*", word)); strings.HasSuffix(word, ".jpg") && len(there) != 1 {
				t.Errorf("%s names %s, which is not drawn", filepath.Base(file), word)
			}
		}
	}
}
