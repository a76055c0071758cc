package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Archive is a bundle at rest, one file or a tree of files. Nothing in it is believed: names are only taken when they
// are made of digests or versions, sizes are bounded, and its bytes are for Trust.Manifest and Blob.Verify to judge.
type Archive struct {
	roots    [][]byte
	envelope []byte
	blobs    func(Digest) (io.ReadSeekCloser, error)
	close    func() error
}

// Open opens a bundle: a folder with OpenTree, anything else with OpenFile.
func Open(path string) (*Archive, error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no bundle at %s: give the path of one that \"vitrine build\" has written", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if st.IsDir() {
		return OpenTree(path)
	}
	return OpenFile(path)
}

// Roots is the key chain's envelopes from version 1 on, not verified.
func (a *Archive) Roots() [][]byte { return slices.Clone(a.roots) }

// Envelope is the manifest's envelope, not verified.
func (a *Archive) Envelope() []byte { return a.envelope }

// Digest is that of the envelope.
func (a *Archive) Digest() Digest { return DigestOf(a.envelope) }

// Blob opens the raw bytes of a blob; read them through Blob.Verify. errors.Is(err, os.ErrNotExist) when it is not there.
func (a *Archive) Blob(d Digest) (io.ReadSeekCloser, error) {
	if _, err := ParseDigest(string(d)); err != nil {
		return nil, err
	}
	return a.blobs(d)
}

// Close releases the archive; readers of its blobs must not be used afterwards.
func (a *Archive) Close() error { return a.close() }

// OpenTree opens a bundle that lies in a folder as root/, m/ and b/. Links are not followed.
func OpenTree(dir string) (*Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	a := &Archive{close: root.Close, blobs: func(d Digest) (io.ReadSeekCloser, error) { return openPlain(root, d.BlobPath()) }}
	if err := a.readTree(root); err != nil {
		return nil, errors.Join(fmt.Errorf("open bundle %s: %w", dir, err), root.Close())
	}
	return a, nil
}

func (a *Archive) readTree(root *os.Root) error {
	for n := 1; n <= maxRoots; n++ {
		b, err := readPlain(root, RootPath(n), MaxRoot)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		a.roots = append(a.roots, b)
	}
	if len(a.roots) == 0 {
		return fmt.Errorf("there is no %s: this is not a bundle", RootPath(1))
	}
	want, err := onlyManifest(root)
	if err != nil {
		return err
	}
	if a.envelope, err = readPlain(root, want.ManifestPath(), MaxManifest); err != nil {
		return err
	}
	if a.Digest() != want {
		return fmt.Errorf("%s does not hold the bytes that its name promises: it was damaged or changed", want.ManifestPath())
	}
	return nil
}

// onlyManifest finds the one manifest of a tree; which of several would be meant, nobody could say.
func onlyManifest(root *os.Root) (Digest, error) {
	dir, err := root.Open("m")
	if err != nil {
		return "", fmt.Errorf("look for the manifest: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(16)
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("look for the manifest: %w", err)
	}
	var found []Digest
	for _, n := range names {
		if hex, ok := strings.CutSuffix(n, ".json"); ok {
			if d, err := ParseDigest(hex); err == nil {
				found = append(found, d)
			}
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the folder m has %d manifests; exactly one is wanted", len(found))
	}
	return found[0], nil
}

// openPlain opens a regular file below a root, never a link, a pipe or a device.
func openPlain(root *os.Root, name string) (*os.File, error) {
	if st, err := root.Lstat(name); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file", name)
	}
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a plain file", name), err, f.Close())
	}
	return f, nil
}

func readPlain(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := openPlain(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return b, nil
}
