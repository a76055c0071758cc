package place

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// shared says whether path is on a share that the system has mounted. Where it is not, the empty folder that waits for it
// would look like a share without files.
func shared(path string) error {
	kind, at, err := mountOf(path)
	if kind == "autofs" { // which mounts when it is looked into
		_, _ = os.Stat(path)
		kind, at, err = mountOf(path)
	}
	switch {
	case err != nil:
		return fmt.Errorf("what the system has mounted cannot be read: %w", err)
	case strings.HasPrefix(kind, "fuse."), strings.HasPrefix(kind, "nfs"):
		return nil
	}
	switch kind {
	case "cifs", "smb3", "9p", "ceph", "glusterfs", "afs", "virtiofs":
		return nil
	}
	return fmt.Errorf("no share is mounted where %s is (%s is a disk of the player, %s): mount it, or write the type file", path, at, kind)
}

// mountOf is the kind of file system that path is on, and where that is mounted. It asks the kernel's table, since looking
// at the path itself could hang.
func mountOf(path string) (kind, at string, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	return findMount(f, filepath.Clean(path))
}

// findMount reads proc_pid_mountinfo(5): the fifth word is where, the one after "-" what.
func findMount(table io.Reader, path string) (kind, at string, err error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		dash := 0
		for i, w := range words {
			if w == "-" {
				dash = i
			}
		}
		if len(words) < 10 || dash < 6 || dash+1 >= len(words) {
			continue
		}
		point := plainPoint(words[4])
		if rel, err := filepath.Rel(point, path); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue
		}
		if len(point) >= len(at) { // a later one hides an earlier one
			kind, at = words[dash+1], point
		}
	}
	if at == "" {
		return "", "", errors.Join(errors.New("the path is on nothing"), lines.Err())
	}
	return kind, at, lines.Err()
}

// plainPoint undoes the kernel's \040 for a space and the like.
func plainPoint(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
