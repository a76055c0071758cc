package store

import (
	"context"
	"io"

	"vitrine/agent/bundle"
)

// FromArchive makes an Origin of a bundle file or tree on a disk.
func FromArchive(a *bundle.Archive) Origin { return archive{a} }

type archive struct{ a *bundle.Archive }

func (o archive) Roots(context.Context) ([][]byte, error) { return o.a.Roots(), nil }

func (o archive) Manifest(context.Context) ([]byte, error) { return o.a.Envelope(), nil }

func (o archive) Blob(_ context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := o.a.Blob(d)
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
