package store

import (
	"fmt"
	"os"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// memoryDB opens a database in memory (memfd_create(2)), filled with a copy of another one's bytes; nil = empty.
func memoryDB(b []byte) (*bbolt.DB, error) {
	db, err := bbolt.Open("memory", 0o600, &bbolt.Options{NoSync: true, OpenFile: func(name string, _ int, _ os.FileMode) (*os.File, error) {
		fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), name)
		_, err = f.WriteAt(b, 0)
		return f, err
	}})
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	return db, nil
}
