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

// bound ends a probe of a database of that many bytes that does not end: in a damaged one a page can be below itself. It
// counts processor time (setrlimit(2)): a busy machine damages nothing.
func bound(pid int, size int64) {
	seconds := uint64(2 + size>>23)
	bytes := uint64(4*size + 64<<20)
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: bytes}, nil)
}
