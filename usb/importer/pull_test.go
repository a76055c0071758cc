package importer_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vitrine/usb/importer"
)

// A real file system on a loop device whose image is cut to nothing answers as a pulled stick does.
func TestAPulledStickIsKnownFromADamagedOne(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	s := write(t)
	image := filepath.Join(t.TempDir(), "stick.img")
	if out, err := exec.Command("mke2fs", "-q", "-t", "ext4", "-d", s.dir, image, "8M").CombinedOutput(); err != nil {
		t.Fatalf("make a stick: %v: %s", err, out)
	}
	out, err := exec.Command("losetup", "--find", "--show", "--read-only", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device is to be had here: %s", out)
	}
	loop, dir := strings.TrimSpace(string(out)), t.TempDir()
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", loop).Run() })
	if err := unix.Mount(loop, dir, "ext4", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "noload"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	tree, err := importer.Open(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	missing := strings.Repeat("0", 64)
	if _, err := tree.Blob(t.Context(), missing, 0); err == nil || errors.Is(err, importer.ErrGone) {
		t.Errorf("a blob that a present stick lacks: %v", err)
	}
	if err := os.Truncate(image, 0); err != nil {
		t.Fatal(err)
	}
	// The name is in the kernel's cache as absent, which is all that vFAT says after a pull.
	if _, err := tree.Blob(t.Context(), missing, 0); !errors.Is(err, importer.ErrGone) {
		t.Errorf("a blob that a pulled stick lacks: %v", err)
	}
	if _, err := blob(t.Context(), tree, s.blob, 0); !errors.Is(err, importer.ErrGone) {
		t.Errorf("a blob that was on a pulled stick: %v", err)
	}
}
