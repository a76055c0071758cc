package writer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// volume is the file system that is written to.
type volume struct {
	dir     string
	kind    string // as the kernel lists it
	cluster int64  // bytes that a file's length is rounded up to
}

// look finds out what a folder is on, and whether it can be written at all.
func look(dir string) (*volume, error) {
	st, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s: is the stick mounted there?", dir)
	}
	if err != nil || !st.IsDir() {
		return nil, errors.Join(err, fmt.Errorf("%s is no folder of a mounted stick", dir))
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil, fmt.Errorf("look at the stick: %w", err)
	}
	v := &volume{dir: dir, cluster: max(fs.Bsize, 512)}
	if fs.Flags&unix.ST_RDONLY != 0 {
		return nil, fmt.Errorf("%s is mounted read-only: is the stick's switch on, or was it pulled out while it was written? Mount it for writing", dir)
	}
	if v.kind, err = kindOf(dir); err != nil {
		return nil, err
	}
	return v, nil
}

// fat says whether a file can have 4 GiB at most.
func (v *volume) fat() bool { return v.kind == "vfat" || v.kind == "msdos" }

// round is how much of the volume so many bytes take.
func (v *volume) round(n int64) int64 { return (n + v.cluster - 1) / v.cluster * v.cluster }

// free is how much fits, bytes.
func (v *volume) free() (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(v.dir, &fs); err != nil {
		return 0, fmt.Errorf("look how much room is on the stick: %w", err)
	}
	return int64(fs.Bavail) * fs.Bsize, nil
}

// sync waits until the stick has all that was written. Unlike fsync it also gets a FAT's folders and tables there.
func (v *volume) sync() error {
	fd, err := unix.Open(v.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("wait for the stick: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Syncfs(fd); err != nil {
		return fmt.Errorf("wait for the stick: %w: it was pulled out, or fails", err)
	}
	return nil
}

// kindOf says how the kernel calls the file system that dir is on, by the device that both have.
func kindOf(dir string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", fmt.Errorf("look at the stick: %w", err)
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("look which file system the stick has: %w", err)
	}
	defer f.Close()
	return mountKind(io.LimitReader(f, 4<<20), fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
}

// mountKind finds a device in a list in the form of proc_pid_mountinfo(5); the last mount wins. What is not listed, as on
// btrfs, is "unknown".
func mountKind(list io.Reader, device string) (string, error) {
	kind := "unknown"
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		before, after, found := strings.Cut(lines.Text(), " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if found && len(f) > 4 && len(g) > 0 && f[2] == device {
			kind = g[0]
		}
	}
	return kind, lines.Err()
}
