package importer

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// folder is a folder of a stick that nothing can lead out of: no "..", no symbolic link, no other file system (openat2(2)).
type folder struct{ fd int }

// resolve is how every name on a stick is looked up.
const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV

// openFolder opens a folder directly in dir. O_PATH: it can be looked into by name, never listed.
func openFolder(dir, name string) (*folder, error) {
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the stick at %s: %w", dir, err)
	}
	defer unix.Close(at)
	fd, err := unix.Openat2(at, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: resolve})
	switch {
	case err == nil:
		return &folder{fd}, nil
	case errors.Is(err, unix.ENOENT):
		return nil, ErrNothing
	case errors.Is(err, unix.ENOSYS):
		return nil, errors.New("this kernel has no openat2, which sticks are read with: Linux 5.6 or newer is needed")
	case isGone(err):
		return nil, ErrGone
	}
	return nil, fmt.Errorf("open %s on the stick: %w", name, err)
}

// Close lets go of the folder.
func (f *folder) Close() error { return unix.Close(f.fd) }

// file is a regular file of a stick.
type file struct{ *os.File }

// open opens a regular file. It never waits (a FIFO without a writer) and never follows what is not one.
func (f *folder) open(name string) (*file, error) {
	fd, err := unix.Openat2(f.fd, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: resolve,
	})
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, errors.New("it is not a plain file: this stick was not written by Vitrine")
	}
	return &file{os.NewFile(uintptr(fd), name)}, nil
}

// has says whether there is a plain file of that name.
func (f *folder) has(name string) bool {
	file, err := f.open(name)
	if err != nil {
		return false
	}
	return file.Close() == nil
}

// alive reads the file's first byte from the stick itself, past what the kernel has cached.
func (f *file) alive() bool {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return false
	}
	_, err := f.ReadAt(make([]byte, 1), 0)
	return err == nil || errors.Is(err, io.EOF)
}

// isAbsent says whether a file is not there.
func isAbsent(err error) bool { return errors.Is(err, unix.ENOENT) }

// isGone says whether an error is one that a pulled stick gives: exFAT's and ext4's. vFAT's is ENOENT; see Tree.open.
func isGone(err error) bool {
	for _, gone := range []error{ErrGone, unix.EIO, unix.ENXIO, unix.ENODEV, unix.ENOMEDIUM, unix.ESTALE, unix.ESHUTDOWN} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
