package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxEntries bounds the entries of a bundle's file.
const maxEntries = maxRoots + 1 + maxFiles

// OpenFile opens a bundle that is one file: an uncompressed POSIX tar whose entries are root/1.json, root/2.json …, then
// one m/<digest>.json, then blobs in ascending order, and nothing else.
func OpenFile(path string) (*Archive, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is not a plain file")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bundle %s: %w", path, err), f.Close())
	}
	a, err := readTar(f, st.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bundle %s: %w", path, err), f.Close())
	}
	a.close = f.Close
	return a, nil
}

// span is where an entry's bytes are in the file.
type span struct{ offset, size int64 }

// tarReader is what is known of a tar so far.
type tarReader struct {
	archive *Archive
	from    io.ReadSeeker
	size    int64 // of the whole file
	index   map[Digest]span
	last    Digest // of the blobs
}

// readSeekerAt is a file.
type readSeekerAt interface {
	io.ReadSeeker
	io.ReaderAt
}

func readTar(f readSeekerAt, size int64) (*Archive, error) {
	t := &tarReader{archive: &Archive{close: func() error { return nil }}, from: f, size: size, index: map[Digest]span{}}
	entries := tar.NewReader(f)
	for n := 0; ; n++ {
		h, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is not a bundle, or is damaged after %d entries: %w", n, err)
		}
		if n >= maxEntries {
			return nil, fmt.Errorf("it has more than %d entries", maxEntries)
		}
		if err := t.entry(h, entries); err != nil {
			return nil, fmt.Errorf("entry %d, %.120q: %w", n+1, h.Name, err)
		}
	}
	if t.archive.envelope == nil {
		return nil, errors.New("it has no manifest")
	}
	if end, err := f.Seek(0, io.SeekCurrent); err != nil || end != size {
		return nil, errors.Join(fmt.Errorf("there are %d bytes after its end", size-end), err)
	}
	t.archive.blobs = func(d Digest) (io.ReadSeekCloser, error) {
		s, ok := t.index[d]
		if !ok {
			return nil, fmt.Errorf("blob %s: %w in the bundle", d.Short(), os.ErrNotExist)
		}
		return sectionCloser{io.NewSectionReader(f, s.offset, s.size)}, nil
	}
	return t.archive, nil
}

func (t *tarReader) entry(h *tar.Header, content io.Reader) error {
	if h.Typeflag != tar.TypeReg || (h.Format != tar.FormatUSTAR && h.Format != tar.FormatPAX) {
		return errors.New("it is not a plain file in POSIX form")
	}
	for record := range h.PAXRecords {
		if record != "size" {
			return fmt.Errorf("it has an extended record %.40q, which a bundle does not use", record)
		}
	}
	if offset, err := t.from.Seek(0, io.SeekCurrent); err != nil || h.Size > t.size-offset {
		return errors.Join(errors.New("the file ends before it does: the copy is not complete"), err)
	}
	a := t.archive
	folder, base, _ := strings.Cut(h.Name, "/")
	switch {
	case folder == "root" && h.Name == RootPath(len(a.roots)+1) && a.envelope == nil && len(a.roots) < maxRoots:
		b, err := readSmall(content, h.Size, MaxRoot)
		a.roots = append(a.roots, b)
		return err
	case folder == "m" && len(a.roots) > 0 && a.envelope == nil:
		b, err := readSmall(content, h.Size, MaxManifest)
		if err == nil && h.Name != DigestOf(b).ManifestPath() {
			err = errors.New("it does not hold the bytes that its name promises: it was damaged or changed")
		}
		a.envelope = b
		return err
	case folder == "b" && a.envelope != nil:
		return t.blob(base, h)
	}
	return errors.New("a bundle has no such entry at this place")
}

func (t *tarReader) blob(base string, h *tar.Header) error {
	_, hex, _ := strings.Cut(base, "/")
	d, err := ParseDigest(hex)
	if err != nil {
		return err
	}
	if d.BlobPath() != h.Name || d <= t.last {
		return errors.New("it is at the wrong place, doubled or out of order")
	}
	if h.Size < 1 || h.Size > MaxBlob {
		return fmt.Errorf("its size %d is not within 1 to %d", h.Size, MaxBlob)
	}
	offset, err := t.from.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	t.last = d
	t.index[d] = span{offset, h.Size}
	return nil
}

func readSmall(r io.Reader, size, limit int64) ([]byte, error) {
	if size < 1 || size > limit {
		return nil, fmt.Errorf("its size %d is not within 1 to %d", size, limit)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return b, err
}

type sectionCloser struct{ *io.SectionReader }

func (sectionCloser) Close() error { return nil }
