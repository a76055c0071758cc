package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"vitrine/usb/seal"
)

const maxKeys = 4 // files with a stick's key: for players, by a passphrase

// Sealed is what an encrypted stick tells everybody.
type Sealed struct {
	Keys  []string `json:"keys"`  // SHA-256 of k/<sha256>.age, each holds the stick's key
	Index string   `json:"index"` // what Seal.Path makes the sealed index's name of
}

func (s *Sealed) check() error {
	switch {
	case len(s.Keys) < 1 || len(s.Keys) > maxKeys:
		return fmt.Errorf("it has %d keys; 1 to %d are allowed: write the stick again", len(s.Keys), maxKeys)
	case !isDigest(s.Index):
		return errors.New("its sealed index is no SHA-256: write the stick again")
	}
	for _, k := range s.Keys {
		if !isDigest(k) {
			return fmt.Errorf("its key %.80q is no SHA-256: write the stick again", k)
		}
	}
	return nil
}

// KeyName is where a key file is on a stick.
func KeyName(digest string) string { return "k/" + digest + ".age" }

// SealedIndexName is what Seal.Path makes the place of a sealed index of.
func SealedIndexName(digest string) string { return "index/" + digest }

// Sealed says that the stick is encrypted and was not opened yet.
func (t *Tree) Sealed() bool { return t.index.Sealed != nil && t.seal == nil }

// Unlock opens an encrypted stick with the keys at hand. seal.ErrShut: it is for others.
func (t *Tree) Unlock(ctx context.Context, keys *seal.Opener) error {
	if !t.Sealed() {
		return nil
	}
	shut := seal.ErrShut
	for _, digest := range t.index.Sealed.Keys {
		file, err := t.named(ctx, KeyName(digest), digest, seal.MaxKey)
		if err != nil {
			return err
		}
		s, _, err := keys.Open(file)
		if err == nil {
			return t.unlocked(ctx, s)
		}
		if !errors.Is(err, seal.ErrShut) {
			shut = err
		}
	}
	return shut
}

// unlocked reads the index that is sealed. What lies beside the bundle stays as everybody sees it.
func (t *Tree) unlocked(ctx context.Context, s *seal.Seal) error {
	t.seal = s
	raw, err := t.named(ctx, SealedIndexName(t.index.Sealed.Index), t.index.Sealed.Index, maxIndex)
	var inner Index
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(&inner)
	}
	if err == nil && (!isDigest(inner.Manifest) || inner.Roots < 1 || inner.Roots > maxRoots || inner.Ticket != "" && !isDigest(inner.Ticket)) {
		err = errors.New("it names no bundle: write the stick again")
	}
	if err != nil {
		t.seal = nil
		return fmt.Errorf("read the sealed index: %w", err)
	}
	t.index.Manifest, t.index.Roots, t.index.Ticket = inner.Manifest, inner.Roots, inner.Ticket
	return nil
}

// path is where a file of the bundle is on this stick.
func (t *Tree) path(name string) string {
	if t.seal == nil || strings.HasPrefix(name, "k/") {
		return name
	}
	return t.seal.Path(name)
}

// opened reads a small file whole, and decrypts it where it is sealed.
func (t *Tree) opened(r io.Reader, name string, limit int64) ([]byte, error) {
	if t.seal == nil || !strings.HasPrefix(name, "s/") {
		return limited(r, limit)
	}
	raw, err := limited(r, t.seal.Size(limit))
	if err != nil {
		return nil, err
	}
	plain, err := t.seal.Decrypt(bytes.NewReader(raw))
	if err == nil {
		raw, err = limited(plain, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s on the stick %w: %w", path.Base(name), ErrDamaged, err)
	}
	return raw, nil
}

// sealedBlob reads a sealed blob from a byte on.
func (t *Tree) sealedBlob(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	p, err := t.openParts(ctx, name)
	if err != nil {
		return nil, err
	}
	plain, size, err := t.seal.DecryptAt(p, p.size)
	if err != nil {
		return nil, errors.Join(p.fault(err), p.Close())
	}
	return &sealedReader{parts: p, Reader: io.NewSectionReader(plain, min(from, size), max(0, size-from))}, nil
}

// sealedReader gives a blob's bytes; what the stick itself has answered says more than that something cannot be decrypted.
type sealedReader struct {
	io.Reader
	parts *parts
}

// Read implements io.Reader.
func (r *sealedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = r.parts.fault(err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *sealedReader) Close() error { return r.parts.Close() }

// parts are the files of a blob, read at any place.
type parts struct {
	ctx   context.Context
	tree  *Tree
	files []*file
	size  int64
	err   error // the first that the stick has answered
}

// openParts opens a blob's one file, or all its parts.
func (t *Tree) openParts(ctx context.Context, name string) (*parts, error) {
	p := &parts{ctx: ctx, tree: t}
	f, err := t.open(name)
	if err == nil {
		return p, p.add(f)
	}
	whole := err
	for n := 0; isAbsent(err); n++ {
		if f, err = t.open(partName(name, n)); err == nil {
			if err = p.add(f); err != nil {
				return nil, errors.Join(err, p.Close())
			}
			err = whole
			if p.size%partSize != 0 {
				break
			}
			continue
		}
		if !isAbsent(err) {
			return nil, errors.Join(err, p.Close())
		}
		break
	}
	if len(p.files) == 0 {
		return nil, whole
	}
	return p, nil
}

func (p *parts) add(f *file) error {
	p.files = append(p.files, f)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	p.size += st.Size()
	return nil
}

// ReadAt implements io.ReaderAt.
func (p *parts) ReadAt(b []byte, at int64) (n int, err error) {
	for len(b) > 0 {
		i := int(at / partSize)
		if len(p.files) == 1 {
			i = 0
		}
		if i >= len(p.files) {
			return n, io.EOF
		}
		r := reader{ctx: p.ctx, tree: p.tree, file: p.files[i], at: at - int64(i)*partSize}
		m, err := r.Read(b)
		n, at, b = n+m, at+int64(m), b[m:]
		if err != nil {
			if err != io.EOF && p.err == nil {
				p.err = err
			}
			return n, err
		}
	}
	return n, nil
}

// fault is why a blob cannot be read: the stick's answer, or that it is damaged.
func (p *parts) fault(err error) error {
	if p.err != nil {
		return p.err
	}
	return fmt.Errorf("a sealed file on the stick %w: %w", ErrDamaged, err)
}

// Close implements io.Closer.
func (p *parts) Close() (err error) {
	for _, f := range p.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
