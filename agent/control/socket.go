package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const socketName = "control.sock"

// socket gives a path of the socket that is short enough for the system (sun_path, unix(7)): 108 bytes.
func socket(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) < 100 {
		return path, func() {}, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName), func() { d.Close() }, nil
}

// places are where the socket may be, best first: in the data folder, and where that cannot be written in a folder of its
// owner's among what the system keeps in memory.
func places(dir string) []string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	list := []string{dir}
	st, err := os.Stat(dir)
	for err != nil && filepath.Dir(dir) != dir { // a folder that could not even be made
		dir = filepath.Dir(dir)
		st, err = os.Stat(dir)
	}
	if err != nil {
		return list
	}
	owner := ownerOf(st)
	sum := sha256.Sum256([]byte(list[0]))
	name := fmt.Sprintf("vitrine-%d-%s", owner, hex.EncodeToString(sum[:8]))
	for _, base := range []string{"/run/vitrine", os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/dev/shm"} {
		if base != "" {
			list = append(list, filepath.Join(base, name))
		}
	}
	return list
}

// listen opens the socket at the first place that takes one. A socket that is there is of a player that ended badly: the
// store's lock lets only one run.
func listen(dir string) (l net.Listener, err error) {
	var errs []error
	for i, place := range places(dir) {
		if i > 0 {
			if err := ownFolder(place); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		l, err := listenIn(place)
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("open the control socket: %w", errors.Join(errs...))
}

func listenIn(dir string) (net.Listener, error) {
	path, done, err := socket(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // the folder is 0700 meanwhile
		return nil, errors.Join(fmt.Errorf("close the control socket to others: %w", err), l.Close())
	}
	return l, nil
}

// ownFolder makes a folder that nobody else may enter, or finds that it is one.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if uid := ownerOf(st); !st.IsDir() || st.Mode().Perm() != 0o700 || uid != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of this user alone", dir)
	}
	return nil
}

// find is where a player's socket is.
func find(dir string) (path string, done func(), err error) {
	var first error
	for i, place := range places(dir) {
		st, err := os.Lstat(place)
		if err == nil && i > 0 && (!st.IsDir() || st.Mode().Perm() != 0o700) {
			continue // somebody else's
		}
		if path, done, err = socket(place); err == nil {
			if _, err = os.Stat(path); err == nil && answers(path) {
				return path, done, nil
			}
			done()
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = syscall.ECONNREFUSED
	}
	return "", nil, first
}

// answers says that somebody listens: a player that was killed leaves its socket behind.
func answers(path string) bool {
	c, err := net.Dial("unix", path)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED)
	}
	return c.Close() == nil
}

func ownerOf(st fs.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return os.Geteuid()
}
