package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Content is what a bundle is written from: its key chain, its manifest's envelope, and where its blobs come from.
type Content struct {
	Roots    [][]byte
	Envelope []byte
	Manifest *Manifest // of that envelope
	Open     func(Digest) (io.ReadCloser, error)
	// Close, if set, releases what Open needs.
	Close func() error
}

// Progress is told how many bytes of how many are done; nil is allowed. It may be called from several goroutines.
type Progress func(done, total int64)

func (p Progress) tell(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// WriteFile writes a bundle as one file, whole or not at all: beside it first, synced, then renamed. Every blob is
// verified on its way. The same content gives the same bytes.
func WriteFile(ctx context.Context, path string, c Content, progress Progress) error {
	return writeAtomically(path, func(f *os.File) error {
		w := tar.NewWriter(f)
		put := func(name string, size int64, r io.Reader) error {
			h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0)}
			if err := w.WriteHeader(h); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			if _, err := io.Copy(w, r); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			return nil
		}
		if err := c.walk(ctx, put, progress); err != nil {
			return err
		}
		return w.Close()
	})
}

// WriteTree writes a bundle as a tree of files below dir; files that are there with the right size stay. The manifest
// comes last, so that a tree with a manifest is complete.
func WriteTree(ctx context.Context, dir string, c Content, progress Progress) error {
	manifest := DigestOf(c.Envelope).ManifestPath()
	var last func() error
	put := func(name string, size int64, r io.Reader) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		write := func() error {
			return writeAtomically(path, func(f *os.File) error {
				_, err := io.Copy(f, r)
				return err
			})
		}
		if name == manifest {
			last = write
			return nil
		}
		if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() && st.Size() == size {
			return nil
		}
		return write()
	}
	for _, folder := range []string{"root", "m", "b"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	for _, b := range c.Manifest.Blobs {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(b.Digest.BlobPath())), 0o755); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := c.walk(ctx, put, progress); err != nil {
		return err
	}
	return errors.Join(last(), syncDir(filepath.Join(dir, "b")), syncDir(dir))
}

// walk hands out the parts of a bundle in their one order, blobs verified while they are read.
func (c Content) walk(ctx context.Context, put func(name string, size int64, r io.Reader) error, progress Progress) error {
	for i, r := range c.Roots {
		if err := put(RootPath(i+1), int64(len(r)), bytes.NewReader(r)); err != nil {
			return err
		}
	}
	if err := put(DigestOf(c.Envelope).ManifestPath(), int64(len(c.Envelope)), bytes.NewReader(c.Envelope)); err != nil {
		return err
	}
	var done int64
	total := c.Manifest.Size()
	for _, b := range c.Manifest.Blobs {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := c.Open(b.Digest)
		if err != nil {
			return fmt.Errorf("blob %s: %w", b.Digest.Short(), err)
		}
		err = put(b.Digest.BlobPath(), b.Size, b.Verify(r))
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		done += b.Size
		progress.tell(done, total)
	}
	return nil
}

// writeAtomically replaces a file so that, whenever the power goes, the old or the new one is there, whole.
func writeAtomically(path string, fill func(*os.File) error) (err error) {
	// Not os.CreateTemp: its mode 0600 would need a chmod, which a FAT stick refuses.
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // best effort: the half-written file has no name that anybody looks for
		}
	}()
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// Replace replaces a file with what fill writes so that, whenever the power goes, the old or the new one is there, whole.
func Replace(path string, fill func(io.Writer) error) error {
	return writeAtomically(path, func(f *os.File) error { return fill(f) })
}

// WriteAtomically replaces a small file so that, whenever the power goes, the old or the new one is there, whole.
func WriteAtomically(path string, content []byte) error {
	return writeAtomically(path, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
}
