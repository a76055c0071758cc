package place

import (
	"context"
	"io"
	"os"

	"vitrine/agent/connect/rows"
)

// FindMountForTest lets tests bring the kernel's table.
func FindMountForTest(table io.Reader, path string) (kind, at string, err error) {
	return findMount(table, path)
}

// WalkForTest walks what a test says a server has.
func WalkForTest(ctx context.Context, readDir func(string) ([]os.FileInfo, error), bounds Bounds) (rows.Table, error) {
	return walk(ctx, told(readDir), "root", bounds)
}

type told func(string) ([]os.FileInfo, error)

func (f told) readDir(_ context.Context, name string) ([]os.FileInfo, error) { return f(name) }
func (told) sentence(err error) error                                        { return err }
func (told) close()                                                          {}

// FramesForTest follows what goes over a connection to a share.
func FramesForTest(parts ...[]byte) (plain, guest bool) {
	var f frames
	for _, p := range parts {
		f.look(p, func(head []byte) { plain, guest = plain || !mayBePlain(head), guest || isGuest(head) })
	}
	return plain, guest
}
