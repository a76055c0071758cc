// Package sticktest gives tests real sticks: file systems on loop devices.
//
//	Make(t, "vfat", 64<<20) ──mkfs──> image ──losetup──> /dev/loopN ──Mount──> a folder
//
// What the kernel at hand cannot mount is skipped with a sentence; make qemu runs the same tests on one that can.
package sticktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Kinds are the file systems that players read.
func Kinds() []string { return []string{"vfat", "exfat", "ext4"} }

// Stick is a file system that a test may mount, damage and pull out.
type Stick struct {
	Kind   string
	Image  string // file that holds it
	Device string // /dev/loopN

	t      testing.TB
	dir    string    // where it is mounted; "" = nowhere
	daemon *exec.Cmd // that gives it slowly; nil = none
}

// Make makes a stick of so many bytes, empty, not mounted. Loop devices need root: others skip the test.
func Make(t testing.TB, kind string, size int64) *Stick {
	t.Helper()
	s := &Stick{Kind: kind, Image: filepath.Join(t.TempDir(), "stick.img"), t: t}
	f, err := os.Create(s.Image)
	if err == nil {
		err = errors.Join(f.Truncate(size&^(1<<20-1)), f.Close()) // in whole sectors, whatever they are
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
	s.loop(s.Image)
	s.t.Cleanup(s.Unplug)
}

func (s *Stick) loop(file string) {
	s.t.Helper()
	if os.Getuid() != 0 {
		s.t.Skip("loop devices need root")
	}
	out, err := exec.Command("losetup", "--find", "--show", file).Output()
	if err != nil {
		s.t.Skipf("no loop device is to be had here: %v", err)
	}
	s.Device = strings.TrimSpace(string(out))
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

// Pull takes the stick out while it is mounted: its image is cut to nothing under it, or who gives it slowly is killed.
func (s *Stick) Pull() {
	s.t.Helper()
	if s.daemon != nil {
		_ = s.daemon.Process.Kill()
		return
	}
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

// Slow makes a stick that gives so many bytes a second, by its block device: what is unplugged is plugged in again so.
func (s *Stick) Slow(rate int) {
	s.t.Helper()
	s.Unplug()
	export := filepath.Join(s.t.TempDir(), "slow.img")
	if err := os.WriteFile(export, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.daemon = exec.Command("qemu-storage-daemon", "--object", fmt.Sprintf("throttle-group,id=g,limits.bps-read=%d", rate),
		"--blockdev", "driver=file,node-name=f,filename="+s.Image, "--blockdev", "driver=throttle,node-name=t,throttle-group=g,file=f",
		"--export", "type=fuse,id=e,node-name=t,writable=on,mountpoint="+export)
	var said strings.Builder
	s.daemon.Stderr = &said
	if err := s.daemon.Start(); err != nil {
		s.t.Fatalf("qemu-storage-daemon (packaging/debian-packages.txt): %v", err)
	}
	daemon, ended := s.daemon, make(chan struct{})
	go func() { defer close(ended); _ = daemon.Wait() }()
	s.t.Cleanup(func() {
		s.Unplug()
		_ = daemon.Process.Kill()
		<-ended
		_ = unix.Unmount(export, unix.MNT_DETACH)
	})
	for { // the export stands in for the empty file
		if st, err := os.Stat(export); err == nil && st.Size() > 0 {
			break
		}
		select {
		case <-ended:
			s.t.Skipf("no slow device is to be had here: %s", said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.loop(export)
}
