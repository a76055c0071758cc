package udisks_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/usb/udisks"
)

// TestTheRealUDisks2MountsWhatWeAskFor runs udisksd on a private bus with a loop device. Such a device has no drive, so it
// never counts as a stick; mounting is the same.
func TestTheRealUDisks2MountsWhatWeAskFor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loop devices and udisksd need root")
	}
	image := filepath.Join(t.TempDir(), "stick.img")
	command(t, "truncate", "-s", "16M", image)
	command(t, "mke2fs", "-q", "-t", "ext4", "-L", "VITRINETEST", image)
	address := bus(t)
	udev(t)
	background(t, "/usr/libexec/udisks2/udisksd", "DBUS_SYSTEM_BUS_ADDRESS="+address)
	out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device is to be had here: %s", out)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() { command(t, "losetup", "--detach", loop) })
	command(t, "udevadm", "settle", "--timeout=20")

	w := watch(t, udisks.Config{Address: address})
	s := udisks.Stick{Path: "/org/freedesktop/UDisks2/block_devices/" + filepath.Base(loop), Device: loop}
	dir, err := w.Mount(t.Context(), s)
	for late := time.After(30 * time.Second); err != nil; dir, err = w.Mount(t.Context(), s) { // udisksd takes its time to see it
		select {
		case <-late:
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Errorf("writing to the stick: %v, want a read-only file system", err)
	}
	if again, err := w.Mount(t.Context(), s); err != nil || again != dir {
		t.Errorf("mounting a second time: %q, %v", again, err)
	}
	if err := w.Unmount(t.Context(), s); err != nil {
		t.Error(err)
	}
	if err := w.Unmount(t.Context(), s); err != nil {
		t.Errorf("unmounting what is unmounted: %v", err)
	}
}

// udev makes sure that udevd runs and knows the block devices.
func udev(t *testing.T) {
	t.Helper()
	ping := func() error { return exec.Command("udevadm", "control", "--ping", "--timeout=5").Run() }
	if ping() != nil { // a control file may have been left by a udevd that was killed
		background(t, "/lib/systemd/systemd-udevd")
	}
	deadline := time.Now().Add(10 * time.Second)
	for ping() != nil {
		if time.Now().After(deadline) {
			t.Skip("udevd does not run here: it needs a writable /run and a kernel that sends it events")
		}
	}
	if out, err := exec.Command("udevadm", "trigger", "--subsystem-match=block").CombinedOutput(); err != nil {
		t.Skipf("udev's events cannot be triggered here: %s", out)
	}
}

// background runs a daemon until the test ends.
func background(t *testing.T, program string, env ...string) {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatalf("a package is missing (packaging/debian-packages.txt): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
