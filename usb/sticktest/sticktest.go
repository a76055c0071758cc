// Package sticktest gives tests real sticks: file systems on loop devices.
//
//	Make(t, "vfat", 64<<20) ──mkfs──> image ──losetup──> /dev/loopN ──Mount──> a folder
//
// What the kernel at hand cannot mount is skipped with a sentence; make qemu runs the same tests on one that can.
package sticktest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Kinds are the file systems that players read.
func Kinds() []string { return []string{"vfat", "exfat", "ext4"} }

// Stick is a file system that a test may mount, damage and pull out.
type Stick struct {
	Kind   string
	Image  string // file that holds it
	Device string // /dev/loopN

	t   testing.TB
	dir string // where it is mounted; "" = nowhere
}

// Make makes a stick of so many bytes, empty, not mounted. Loop devices need root: others skip the test.
func Make(t testing.TB, kind string, size int64) *Stick {
	t.Helper()
	s := &Stick{Kind: kind, Image: filepath.Join(t.TempDir(), "stick.img"), t: t}
	f, err := os.Create(s.Image)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{
		"vfat":  {"mkfs.vfat", "-F", "32", "-n", "STICK", s.Image},
		"exfat": {"mkfs.exfat", "-L", "STICK", s.Image},
		"ext4":  {"mke2fs", "-q", "-t", "ext4", "-L", "STICK", s.Image},
	}[kind]
	s.run(args...)
	s.Plug()
	return s
}

// Adopt takes over an image, such as a copy of another stick's, and plugs it in.
func Adopt(t testing.TB, kind, image string) *Stick {
	t.Helper()
	s := &Stick{Kind: kind, Image: image, t: t}
	s.Plug()
	return s
}

// Plug gives the image a device.
func (s *Stick) Plug() {
	s.t.Helper()
	if os.Getuid() != 0 {
		s.t.Skip("loop devices need root")
	}
	out, err := exec.Command("losetup", "--find", "--show", s.Image).CombinedOutput()
	if err != nil {
		s.t.Skipf("no loop device is to be had here: %s", out)
	}
	s.Device = strings.TrimSpace(string(out))
	s.t.Cleanup(s.Unplug)
}

// Unplug unmounts the stick and takes its device away.
func (s *Stick) Unplug() {
	s.Unmount()
	if s.Device != "" {
		_ = exec.Command("losetup", "--detach", s.Device).Run()
		s.Device = ""
	}
}

// Mount mounts the stick as sticks are mounted, for reading or for writing, and returns the folder.
func (s *Stick) Mount(write bool) string {
	s.t.Helper()
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if !write {
		flags |= unix.MS_RDONLY
	}
	dir := s.t.TempDir()
	err := unix.Mount(s.Device, dir, s.Kind, flags, "")
	if errors.Is(err, unix.ENODEV) {
		s.t.Skipf("this kernel has no %s: make qemu runs this test on one that has", s.Kind)
	}
	if err != nil {
		s.t.Fatalf("mount %s: %v", s.Kind, err)
	}
	s.dir = dir
	return dir
}

// Unmount unmounts it, whatever is still open.
func (s *Stick) Unmount() {
	if s.dir != "" {
		_ = unix.Unmount(s.dir, unix.MNT_DETACH)
		s.dir = ""
	}
}

// Pull takes the stick out while it is mounted: its image is cut to nothing under it.
func (s *Stick) Pull() {
	s.t.Helper()
	if err := os.Truncate(s.Image, 0); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Stick) run(args ...string) {
	s.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s (packaging/debian-packages.txt)", args[0], err, out)
	}
}
