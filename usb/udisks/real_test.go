package udisks_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/usb/sticktest"
	"vitrine/usb/udisks"
)

// udisksd runs the real one on a private bus.
func udisksd(t *testing.T) (address string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loop devices and udisksd need root")
	}
	address = bus(t)
	udev(t)
	background(t, "/usr/libexec/udisks2/udisksd", "DBUS_SYSTEM_BUS_ADDRESS="+address)
	return address
}

// patiently calls until it works: udisksd takes its time to see a device.
func patiently(t *testing.T, call func() (string, error)) (dir string) {
	t.Helper()
	command(t, "udevadm", "settle", "--timeout=20")
	dir, err := call()
	for late := time.After(60 * time.Second); err != nil; dir, err = call() {
		select {
		case <-late:
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return dir
}

// The device of a loop has no drive, so it never counts as a stick; mounting is the same.
func TestTheRealUDisks2MountsWhatWeAskFor(t *testing.T) {
	address := udisksd(t)
	for _, kind := range sticktest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			stick := sticktest.Make(t, kind, 40<<20)
			stick.Mount(false) // or this kernel has no such file system
			stick.Unmount()
			w := watch(t, udisks.Config{Address: address})
			s := udisks.Stick{Path: "/org/freedesktop/UDisks2/block_devices/" + filepath.Base(stick.Device), Device: stick.Device}
			dir := patiently(t, func() (string, error) { return w.Mount(t.Context(), s) })
			if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
				t.Errorf("writing to the stick: %v, want a read-only file system", err)
			}
			if again, err := w.Mount(t.Context(), s); err != nil || again != dir {
				t.Errorf("mounting a second time: %q, %v", again, err)
			}
			if _, err := w.MountToWrite(t.Context(), s); err == nil {
				t.Error("it is mounted for writing while it is mounted")
			}
			for range 2 {
				if err := w.Unmount(t.Context(), s); err != nil {
					t.Errorf("unmounting, and what is unmounted: %v", err)
				}
			}
			dir = patiently(t, func() (string, error) { return w.MountToWrite(t.Context(), s) })
			if err := os.WriteFile(filepath.Join(dir, "x"), []byte("#!/bin/sh"), 0o700); err != nil {
				t.Errorf("writing to the stick: %v", err)
			}
			if err := exec.Command(filepath.Join(dir, "x")).Run(); !errors.Is(err, syscall.EACCES) {
				t.Errorf("running what is on it: %v, want a refusal", err)
			}
			if err := w.Unmount(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADeviceIsLentForWritingAndGivenBack(t *testing.T) {
	address := udisksd(t)
	stick := sticktest.Make(t, "ext4", 16<<20)
	var give func() error
	dir := patiently(t, func() (dir string, err error) {
		dir, give, err = udisks.Borrow(t.Context(), udisks.Config{Address: address, Log: slog.New(slog.DiscardHandler)}, stick.Device)
		return dir, err
	})
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Error(err)
	}
	again, keep, err := udisks.Borrow(t.Context(), udisks.Config{Address: address, Log: slog.New(slog.DiscardHandler)}, stick.Device)
	if err != nil || again != dir {
		t.Errorf("what is mounted for writing already: %q, %v", again, err)
	} else if err := keep(); err != nil {
		t.Error(err)
	}
	if err := give(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("it is still mounted")
	}
	if _, _, err := udisks.Borrow(t.Context(), udisks.Config{Address: address}, "/dev/null"); err == nil || !strings.Contains(err.Error(), "/dev/null is no stick") {
		t.Errorf("what is no stick: %v", err)
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
