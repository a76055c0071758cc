package importer

import (
	"context"
	"fmt"
	"io"
	"regexp"
)

// parcelName is what a file beside the bundle may be called: one or two folders deep at most, nothing hidden, nothing that
// leads anywhere, and nothing that FAT would write in another way.
var parcelName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,99}(/[a-z0-9][a-z0-9_.-]{0,99}){0,2}$`)

// File reads a small file that a stick may carry beside its bundle, such as "parcels/settings.json", whole: name is below
// vitrine/. It is looked up like all else on a stick, it counts against the budget, and nothing of it is believed.
// errors.Is(err, fs.ErrNotExist): the stick is there, the file is not. ErrGone: the stick is not.
func (t *Tree) File(ctx context.Context, name string, limit int64) ([]byte, error) {
	if !parcelName.MatchString(name) {
		return nil, fmt.Errorf("%.80q is no name of a file on a stick", name)
	}
	return t.read(ctx, name, limit)
}

// Stream is File for what is too large for memory: it gives the file's bytes from one on, and its length now. Whoever reads
// it sets the limit.
func (t *Tree) Stream(ctx context.Context, name string, from int64) (r io.ReadCloser, size int64, err error) {
	if !parcelName.MatchString(name) || from < 0 {
		return nil, 0, fmt.Errorf("%.80q is no name of a file on a stick", name)
	}
	f, err := t.open(name)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("look at %s on the stick: %w", name, err)
	}
	return &reader{ctx: ctx, tree: t, file: f, at: from}, st.Size(), nil
}

// Parcels are the names of files in parcels/ that the index lists; File(ctx, "parcels/"+name, limit) reads one.
func (t *Tree) Parcels() []string { return t.index.Parcels }
