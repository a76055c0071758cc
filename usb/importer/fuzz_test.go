package importer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vitrine/usb/importer"
	"vitrine/usb/seal"
)

// Whatever the index says, it leads nowhere but to files of the stick, and never to more than the budget.
func FuzzIndex(f *testing.F) {
	for _, seed := range []string{
		`{"format":"vitrine-stick/1","manifest":"0000000000000000000000000000000000000000000000000000000000000000","roots":1}`,
		`{"format":"vitrine-stick/1","warnings":["x"],"parcels":["../x"],"roots":3,"report":true}`,
		`{"format":"vitrine-stick/1","sealed":{"keys":["0000000000000000000000000000000000000000000000000000000000000000"],"index":"0000000000000000000000000000000000000000000000000000000000000000"}}`,
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	index := filepath.Join(dir, "vitrine", "stick.json")
	if err := os.MkdirAll(filepath.Dir(index), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(index, b, 0o644); err != nil {
			t.Fatal(err)
		}
		tree, err := importer.Open(dir, 1<<20)
		if err != nil {
			return
		}
		defer tree.Close()
		var keys seal.Opener
		if err := tree.Unlock(t.Context(), &keys); tree.Sealed() && err == nil {
			t.Error("it opened by itself")
		}
		_, roots := tree.Roots(t.Context())
		_, manifest := tree.Manifest(t.Context())
		_, warnings := tree.Warnings(t.Context())
		ticket, err := tree.Ticket(t.Context())
		if roots == nil || manifest == nil || ticket != nil {
			t.Errorf("of an empty stick something was read: %v, %v, %q, %v", roots, manifest, ticket, err)
		}
		for _, p := range tree.Parcels() {
			if _, err := tree.File(t.Context(), "parcels/"+p, 10); err == nil {
				t.Errorf("the parcel %q was read", p)
			}
		}
		for _, err := range []error{roots, manifest, warnings} {
			if errors.Is(err, importer.ErrBudget) {
				t.Errorf("the budget was spent: %v", err)
			}
		}
	})
}
