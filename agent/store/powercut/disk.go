// Package powercut says what may be on a disk after its power has gone, and how a worn one reads, for tests.
//
//	work ──> ext4 ──> loop ──> FUSE ──> qemu-storage-daemon ──> disk
//	                                         │ each write and flush, in order
//	                                         ▼
//	look <── ext4 <── loop <── image <── Log.Cut: what was flushed, and any part of what was not
//
// A disk may keep what it is given in a cache until it is told to flush, and write that in any order: so each instant of
// the log stands for many images. The kernel's file system is the real one, on the way down and on the way up.
package powercut

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Disk is a file system whose writes are written down.
type Disk struct {
	Dir string // where it is mounted

	place   string // of its files, in memory
	daemon  *exec.Cmd
	log     *os.File
	read    int64 // bytes of the log that are known
	entries []entry
}

// entry is a write or a flush. The format of the log is that of Linux's dm-log-writes (Documentation/admin-guide/device-mapper).
type entry struct {
	at    int64 // of its bytes on the disk
	size  int64
	data  int64 // where its bytes are in the log
	flags uint64
}

const (
	sector      = 512
	flagFlush   = 1 << 0
	flagFUA     = 1 << 1 // on the disk when it is done
	flagDiscard = 1 << 2
)

// NewDisk makes an empty ext4 of that many bytes and writes down what is written to it from now on. It needs root, loop
// devices and FUSE, and ends with the test.
func NewDisk(t testing.TB, size int64) *Disk {
	t.Helper()
	d := newPlace(t, size)
	if err := copySparse(d.file("base"), d.file("disk")); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.log, err = os.Open(d.file("log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.log.Close() })
	d.start(t, "driver=blklogwrites,node-name=disk,file.driver=file,file.filename="+d.file("disk")+",log.driver=file,log.filename="+d.file("log"))
	d.Dir = mountLoop(t, d.file("export"), d.file("mounted"))
	return d
}

// newPlace makes the files of a disk, in memory: base is an empty ext4 of that many bytes.
func newPlace(t testing.TB, size int64) *Disk {
	t.Helper()
	d := &Disk{place: t.TempDir()}
	run(t, "mount", "-t", "tmpfs", "-o", "size=2g", "vitrine-powercut", d.place)
	t.Cleanup(func() { run(t, "umount", "-l", d.place) })
	for _, name := range []string{"base", "log", "export"} {
		if err := os.WriteFile(d.file(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(d.file("base"), size); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", d.file("base"))
	return d
}

func (d *Disk) file(name string) string { return filepath.Join(d.place, name) }

// start runs the daemon until it greets: its monitor comes up last.
func (d *Disk) start(t testing.TB, blockdev string) {
	t.Helper()
	d.daemon = exec.Command("qemu-storage-daemon",
		"--blockdev", blockdev,
		"--export", "fuse,id=export,node-name=disk,writable=on,mountpoint="+d.file("export"),
		"--chardev", "stdio,id=monitor", "--monitor", "chardev=monitor")
	d.daemon.Stderr = os.Stderr
	in, err := d.daemon.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop(t); in.Close() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("qemu-storage-daemon does not come up: %v", err)
	}
}

func (d *Disk) stop(t testing.TB) {
	if d.daemon == nil {
		return
	}
	if err := errors.Join(d.daemon.Process.Signal(syscall.SIGTERM), d.daemon.Wait()); err != nil {
		t.Errorf("qemu-storage-daemon: %v", err)
	}
	d.daemon = nil
}

// Now is the instant that has come: the number of writes and flushes so far. What was acknowledged before a call is on the
// disk at every later instant, if whoever acknowledged it was right.
func (d *Disk) Now(t testing.TB) int {
	t.Helper()
	head := make([]byte, 32)
	if d.read == 0 {
		d.read = sector // the log's own first sector
	}
	for {
		if _, err := d.log.ReadAt(head, d.read); errors.Is(err, io.EOF) {
			return len(d.entries)
		} else if err != nil {
			t.Fatal(err)
		}
		field := func(i int) int64 { return int64(binary.LittleEndian.Uint64(head[8*i:])) }
		e := entry{at: field(0) * sector, size: field(1) * sector, flags: uint64(field(2)), data: d.read + sector}
		if e.size == 0 && e.flags == 0 {
			return len(d.entries) // not written yet
		}
		d.read = e.data
		if e.flags&flagDiscard == 0 {
			d.read += e.size
		}
		d.entries = append(d.entries, e)
	}
}

// Off takes the disk away and gives what was written down.
func (d *Disk) Off(t testing.TB) *Log {
	t.Helper()
	d.Now(t) // what unmounting writes is no instant of the work
	entries := d.entries
	run(t, "umount", d.Dir)
	d.stop(t)
	return &Log{disk: d, entries: entries}
}

// mountLoop mounts an image until the test ends, without ext4's help for programs that forget to sync before they rename:
// other file systems have none.
func mountLoop(t testing.TB, image, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-t", "ext4", "-o", "loop,nodiscard,noauto_da_alloc", image, dir)
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() }) // where the test has not come to it
	return dir
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// Able says why no power can be cut here; "" = it can.
func Able() string {
	if os.Geteuid() != 0 {
		return "only root can mount a disk image"
	}
	for _, dev := range []string{"/dev/fuse", "/dev/loop-control"} {
		if _, err := os.Stat(dev); err != nil {
			return fmt.Sprintf("this kernel gives no %s", dev)
		}
	}
	return ""
}
