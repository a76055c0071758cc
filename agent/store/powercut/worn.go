package powercut

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const fibmap = 1 // FIBMAP of linux/fs.h

// Worn is a file system on a disk of which some sectors will not be read any more.
type Worn struct {
	Dir string // where it is mounted

	disk *Disk
	bad  []int64 // sectors
}

// NewWorn makes an empty ext4 of that many bytes. It is a good one until Wear.
func NewWorn(t testing.TB, size int64) *Worn {
	t.Helper()
	w := &Worn{disk: newPlace(t, size)}
	w.Dir = mountLoop(t, w.disk.file("base"), w.disk.file("mounted"))
	return w
}

// Spoil names a place of a file on it that cannot be read after Wear.
func (w *Worn) Spoil(t testing.TB, path string, offset int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Statfs_t
	if err := errors.Join(f.Sync(), unix.Fstatfs(int(f.Fd()), &st)); err != nil {
		t.Fatal(err)
	}
	block := int32(offset / st.Bsize) // in: of the file; out: of the disk
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), fibmap, uintptr(unsafe.Pointer(&block))); errno != 0 || block == 0 {
		t.Fatalf("where %s is on the disk: block %d, %v", path, block, errno)
	}
	w.bad = append(w.bad, int64(block)*st.Bsize/sector)
}

// Wear makes the places bad that Spoil has named: reading one gives the system's EIO.
func (w *Worn) Wear(t testing.TB) {
	t.Helper()
	run(t, "umount", w.Dir)
	blockdev := "driver=blkdebug,node-name=disk,image.driver=file,image.filename=" + w.disk.file("base")
	for i, s := range w.bad {
		blockdev += fmt.Sprintf(",inject-error.%d.event=none,inject-error.%d.iotype=read,inject-error.%d.errno=5,inject-error.%d.sector=%d", i, i, i, i, s)
	}
	w.disk.start(t, blockdev)
	w.Dir = mountLoop(t, w.disk.file("export"), filepath.Join(w.disk.place, "worn"))
}
