package importer_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"vitrine/usb/importer"
)

func TestWarningsAreReadByTheirHashes(t *testing.T) {
	first, second := []byte(`{"payload":"1"}`), []byte(`{"payload":"2"}`)
	s := write(t)
	s.put(t, "w/"+digest(first)+".json", first)
	s.put(t, "w/"+digest(second)+".json", []byte("damaged"))
	s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":"","roots":2,"warnings":[%q,%q,%q,"../../secret"]}`,
		digest(second), digest(first), digest([]byte("gone"))))
	tree, err := importer.Open(s.dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	got, err := tree.Warnings(t.Context())
	if len(got) != 1 || string(got[0]) != string(first) {
		t.Errorf("read are %q", got)
	}
	for _, part := range []string{"is damaged", "is not on the stick", "is no SHA-256"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said: %v", part, err)
		}
	}
	if _, err := tree.Manifest(t.Context()); !errors.Is(err, importer.ErrNothing) {
		t.Errorf("its manifest: %v", err)
	}
}

func TestAPlainWarningIsRefusedWithASentence(t *testing.T) {
	for name, folder := range map[string]string{"beside our folder": ".", "in it": "vitrine"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.MkdirAll(dir+"/"+folder, 0o755), os.WriteFile(dir+"/"+folder+"/alert.xml", []byte("<alert/>"), 0o644)); err != nil {
				t.Fatal(err)
			}
			if _, err := importer.Open(dir, 1<<20); !errors.Is(err, importer.ErrPlain) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestAStickOfTooManyWarningsIsRefused(t *testing.T) {
	s := write(t)
	s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":%q,"roots":2,"warnings":[%s""]}`, s.manifest, strings.Repeat(`"",`, 64)))
	if _, err := importer.Open(s.dir, 1<<20); err == nil || !strings.Contains(err.Error(), "64 are the most") {
		t.Errorf("it says %v", err)
	}
}
