package bundle_test

import (
	"bytes"
	"io"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

func TestABundleIsTheSameAsFileAndAsTree(t *testing.T) {
	p := bundletest.New(t)
	big := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	files := map[string][]byte{"media/a.png": []byte("picture a"), "media/b.mp4": big, "media/twin.png": []byte("picture a")}
	for kind, path := range map[string]string{"file": p.File(t, bundle.Manifest{}, files), "tree": p.Tree(t, bundle.Manifest{}, files)} {
		t.Run(kind, func(t *testing.T) {
			a, err := bundle.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			trust, err := bundle.NewTrust(a.Roots())
			if err != nil {
				t.Fatal(err)
			}
			m, err := trust.Manifest(a.Envelope())
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Blobs) != 2 {
				t.Errorf("%d blobs; equal files must share one, so 2", len(m.Blobs))
			}
			for path, want := range files {
				b, _ := m.Blob(m.Files[path])
				r, err := a.Blob(b.Digest)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(b.Verify(r))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v; want the %d that went in", path, len(got), err, len(want))
				}
			}
		})
	}
}
