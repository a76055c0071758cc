package bundle_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
)

func TestABundleIsTheSameAsFileAndAsTree(t *testing.T) {
	p := bundletest.New(t)
	files := map[string][]byte{"media/a.png": []byte("picture a"), "media/b.mp4": noise(3_200_000), "media/twin.png": []byte("picture a")}
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
				if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v; want the %d that went in", path, len(got), err, len(want))
				}
			}
			if err := bundle.VerifyAll(t.Context(), a, m, nil); err != nil {
				t.Errorf("verify all: %v", err)
			}
			if _, err := a.Blob(bundle.DigestOf([]byte("none"))); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a blob that is not there: %v; want os.ErrNotExist", err)
			}
			if _, err := a.Blob("../../../etc/passwd"); err == nil {
				t.Error("a path was taken for a digest")
			}
		})
	}
}

func TestTheSameContentGivesTheSameFile(t *testing.T) {
	p := bundletest.New(t)
	a, errA := os.ReadFile(p.File(t, bundle.Manifest{}, picture()))
	b, errB := os.ReadFile(p.File(t, bundle.Manifest{}, picture()))
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("two files of one content differ (%v, %v)", errA, errB)
	}
}

// entry is one of a tar that somebody else made.
type entry struct {
	name string
	body string
	kind byte
	pax  map[string]string
}

// tarOf writes a tar; the good entries are those of a real bundle.
func tarOf(t *testing.T, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(e.body)), PAXRecords: e.pax}
		if e.kind != 0 {
			h.Typeflag, h.Size, h.Linkname = e.kind, 0, "/etc/passwd"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, e.body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABundlesFileIsRefusedWhen(t *testing.T) {
	p := bundletest.New(t)
	c := p.Content(t, bundle.Manifest{}, map[string][]byte{"media/a.png": []byte("picture a"), "media/b.png": []byte("picture b")})
	root := entry{name: "root/1.json", body: string(c.Roots[0])}
	manifest := entry{name: bundle.DigestOf(c.Envelope).ManifestPath(), body: string(c.Envelope)}
	blobs := make([]entry, 2)
	for i, b := range c.Manifest.Blobs {
		r, err := c.Open(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		blobs[i] = entry{name: b.Digest.BlobPath(), body: string(body)}
	}
	good := tarOf(t, []entry{root, manifest, blobs[0], blobs[1]})
	named := func(e entry, name string) entry { e.name = name; return e }
	for name, x := range map[string]struct {
		tar  []byte
		says string
	}{
		"it is empty":                       {nil, "no manifest"},
		"it is a web page":                  {[]byte("<html>" + strings.Repeat("x", 2000)), "not a bundle"},
		"it is cut off in a blob":           {good[:len(good)-1024-508], "not complete"},
		"it is cut off in a header":         {good[:700], ""},
		"bytes follow its end":              {append(bytes.Clone(good), make([]byte, 512)...), "after its end"},
		"there is no root":                  {tarOf(t, []entry{manifest, blobs[0]}), "no such entry"},
		"the manifest is missing":           {tarOf(t, []entry{root, blobs[0]}), "no such entry"},
		"there are two manifests":           {tarOf(t, []entry{root, manifest, manifest}), "no such entry"},
		"a root comes late":                 {tarOf(t, []entry{root, manifest, named(root, "root/2.json")}), "no such entry"},
		"root 2 comes first":                {tarOf(t, []entry{named(root, "root/2.json"), manifest}), "no such entry"},
		"a root's number is padded":         {tarOf(t, []entry{named(root, "root/01.json"), manifest}), "no such entry"},
		"a blob is there twice":             {tarOf(t, []entry{root, manifest, blobs[0], blobs[0]}), "doubled"},
		"blobs are out of order":            {tarOf(t, []entry{root, manifest, blobs[1], blobs[0]}), "out of order"},
		"a blob is in the wrong folder":     {tarOf(t, []entry{root, manifest, named(blobs[0], "b/zz/"+blobs[0].name[5:])}), "wrong place"},
		"a blob's name is no digest":        {tarOf(t, []entry{root, manifest, named(blobs[0], "b/ab/hello")}), "digest"},
		"a name climbs":                     {tarOf(t, []entry{root, manifest, named(blobs[0], "b/../../etc/passwd")}), "digest"},
		"a name is absolute":                {tarOf(t, []entry{named(root, "/root/1.json"), manifest}), "no such entry"},
		"there is a foreign file":           {tarOf(t, []entry{root, manifest, named(blobs[0], "README")}), "no such entry"},
		"a blob is a symbolic link":         {tarOf(t, []entry{root, manifest, {name: blobs[0].name, kind: tar.TypeSymlink}}), "plain file"},
		"a blob is a hard link":             {tarOf(t, []entry{root, manifest, {name: blobs[0].name, kind: tar.TypeLink}}), "plain file"},
		"a blob is a device":                {tarOf(t, []entry{root, manifest, {name: blobs[0].name, kind: tar.TypeChar}}), "plain file"},
		"a blob is a folder":                {tarOf(t, []entry{root, manifest, {name: blobs[0].name, kind: tar.TypeDir}}), "plain file"},
		"a blob is empty":                   {tarOf(t, []entry{root, manifest, {name: blobs[0].name}}), "size"},
		"the manifest is not what it names": {tarOf(t, []entry{root, named(manifest, bundle.DigestOf([]byte("x")).ManifestPath())}), "promises"},
		"a root is larger than one may be":  {tarOf(t, []entry{{name: "root/1.json", body: strings.Repeat("x", bundle.MaxRoot+1)}}), "size"},
		"an entry has strange records":      {tarOf(t, []entry{{name: "root/1.json", body: "x", pax: map[string]string{"VENDOR.x": "y"}}}), "extended record"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bundle")
			if err := os.WriteFile(path, x.tar, 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := bundle.OpenFile(path)
			if err == nil {
				_ = a.Close()
			}
			wants(t, err, x.says)
		})
	}
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err := bundle.OpenFile(path); err != nil {
		t.Errorf("the good one is refused: %v", err)
	} else if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestABundlesTreeIsRefusedWhen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string, c bundle.Content) error
		says   string
	}{
		"there is no root": {func(dir string, _ bundle.Content) error { return os.Remove(filepath.Join(dir, "root/1.json")) }, "not a bundle"},
		"the root is a link": {func(dir string, _ bundle.Content) error {
			p := filepath.Join(dir, "root/1.json")
			return errors.Join(os.Rename(p, p+".x"), os.Symlink(p+".x", p))
		}, "plain file"},
		"the root is a pipe": {func(dir string, _ bundle.Content) error {
			p := filepath.Join(dir, "root/1.json")
			return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600))
		}, "plain file"},
		"the root is endless": {func(dir string, _ bundle.Content) error {
			return os.Truncate(filepath.Join(dir, "root/1.json"), 1<<40)
		}, "more than"},
		"there is no manifest": {func(dir string, c bundle.Content) error {
			return os.Remove(filepath.Join(dir, bundle.DigestOf(c.Envelope).ManifestPath()))
		}, "0 manifests"},
		"there are two manifests": {func(dir string, _ bundle.Content) error {
			return os.WriteFile(filepath.Join(dir, bundle.DigestOf(nil).ManifestPath()), nil, 0o600)
		}, "2 manifests"},
		"the manifest was changed": {func(dir string, c bundle.Content) error {
			return os.WriteFile(filepath.Join(dir, bundle.DigestOf(c.Envelope).ManifestPath()), []byte("{}"), 0o600)
		}, "promises"},
	} {
		t.Run(name, func(t *testing.T) {
			p := bundletest.New(t)
			content, dir := p.Content(t, bundle.Manifest{}, picture()), p.Tree(t, bundle.Manifest{}, picture())
			if err := c.change(dir, content); err != nil {
				t.Fatal(err)
			}
			a, err := bundle.OpenTree(dir)
			if err == nil {
				_ = a.Close()
			}
			wants(t, err, c.says)
		})
	}
}

func TestABlobOfATreeIsNotALink(t *testing.T) {
	p := bundletest.New(t)
	dir := p.Tree(t, bundle.Manifest{}, picture())
	d := bundle.DigestOf([]byte("a picture"))
	path := filepath.Join(dir, filepath.FromSlash(d.BlobPath()))
	if err := errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)); err != nil {
		t.Fatal(err)
	}
	a, err := bundle.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = a.Blob(d)
	wants(t, err, "plain file")
}

func TestVerifyAllNamesWhatIsWrong(t *testing.T) {
	p := bundletest.New(t)
	big := noise(3 << 20)
	files := map[string][]byte{"media/a.png": []byte("a picture"), "media/b.mp4": big, "media/c.png": []byte("another")}
	dir := p.Tree(t, bundle.Manifest{}, files)
	at := func(b []byte) string { return filepath.Join(dir, filepath.FromSlash(bundle.DigestOf(b).BlobPath())) }
	big[1<<20] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "x"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	big[1<<20] ^= 1
	if err := errors.Join(os.Rename(filepath.Join(dir, "x"), at(big)), os.Remove(at([]byte("another"))), os.WriteFile(at([]byte("a picture")), []byte("a pictura"), 0o600)); err != nil {
		t.Fatal(err)
	}
	a, err := bundle.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m, err := p.Trust(t).Manifest(a.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	err = bundle.VerifyAll(t.Context(), a, m, nil)
	wants(t, err, "segment 1")
	wants(t, err, "missing")
	wants(t, err, bundle.DigestOf([]byte("a picture")).Short())
}

func TestWritingRefusesBlobsThatAreNotWhatWasSigned(t *testing.T) {
	p := bundletest.New(t)
	c := p.Content(t, bundle.Manifest{}, picture())
	c.Open = func(bundle.Digest) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a pictura")), nil }
	dir := t.TempDir()
	path := filepath.Join(dir, "bundle")
	wants(t, bundle.WriteFile(t.Context(), path, c, nil), "signed")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v); want nothing", left, err)
	}
	tree := t.TempDir()
	wants(t, bundle.WriteTree(t.Context(), tree, c, nil), "signed")
	if left, err := os.ReadDir(filepath.Join(tree, "m")); err != nil || len(left) > 0 {
		t.Errorf("a tree that is not complete has a manifest (%v, %v)", left, err)
	}
}
