package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		for _, lang := range []string{"en", "fr"} {
			t.Run(p.Name+" in "+lang, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "My "+p.Name)
				right(t, "new", dir, "--template", p.Name, "--lang", lang)
				o := vitrine(t, "", "check", dir)
				if o.code != exitRight || strings.Contains(o.out+o.errors, "used by nothing") {
					t.Fatalf("check: exit %d, %s%s", o.code, o.out, o.errors)
				}
				f, err := folder.Load(dir)
				if err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(filepath.Join(dir, folder.File))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Count(string(text), "\n#")+strings.Count(string(text), " # ") < 3 {
					t.Error("its comments teach nothing")
				}
				for name, s := range f.Manifest.Scenes {
					out := filepath.Join(t.TempDir(), name+".png")
					o := vitrine(t, "", "preview", dir, "--scene", name, "--at", "2027-01-04T12:30", "--width", "480", "-o", out)
					if o.code != exitRight {
						t.Errorf("preview of %s: exit %d, %s", name, o.code, o.errors)
					}
					for _, z := range s.Zones {
						if z.Kind() != "playlist" && strings.Contains(o.errors, "source") {
							t.Errorf("preview of %s has no rows: %s", name, o.errors)
						}
					}
				}
				if lang == "en" {
					right(t, "build", dir, "-o", filepath.Join(t.TempDir(), "x.vitrine"))
				}
			})
		}
	}
	refuses(t, exitUsage, "--list shows them", "new", filepath.Join(t.TempDir(), "x"), "--template", "billboard")
}

func TestTemplatesNameOnlyPicturesThatAreDrawn(t *testing.T) {
	for _, p := range starter.Points() {
		files, err := p.Files("x", "en")
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range files {
			if !strings.HasPrefix(name, "data/") {
				continue
			}
			for _, word := range strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune("\";,\n {}", r) }) {
				if !strings.HasSuffix(word, ".jpg") {
					continue
				}
				found := false
				for other := range files {
					found = found || strings.HasSuffix(other, "/"+word)
				}
				if !found {
					t.Errorf("%s: %s names %s, which is not drawn", p.Name, name, word)
				}
			}
		}
	}
}
