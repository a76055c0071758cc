package udisks_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"vitrine/usb/udisks"
)

// watch runs a watcher of the fake until the test ends.
func watch(t *testing.T, cfg udisks.Config) *udisks.Watcher {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	cfg.Retry = time.Millisecond
	w, err := udisks.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	return w
}

// next waits for the next event, and describes it in a word: "+sdb1", "-sdb1".
func next(t *testing.T, w *udisks.Watcher) string {
	t.Helper()
	select {
	case e := <-w.Events():
		sign := "+"
		if e.Gone {
			sign = "-"
		}
		return sign + strings.TrimPrefix(e.Stick.Device, "/dev/")
	case <-time.After(20 * time.Second):
		t.Fatal("no stick came or went")
		return ""
	}
}

func expect(t *testing.T, w *udisks.Watcher, events ...string) {
	t.Helper()
	for _, want := range events {
		if got := next(t, w); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestOnlyFileSystemsOnRemovableUSBDrivesAreSticks(t *testing.T) {
	set := func(of, name string, value any) func(drive, block properties) {
		return func(drive, block properties) {
			map[string]properties{"drive": drive, "block": block}[of][name] = dbus.MakeVariant(value)
		}
	}
	for name, change := range map[string]func(drive, block properties){
		"a disk inside the machine":              set("drive", "ConnectionBus", ""),
		"a USB disk that is not removable":       set("drive", "Removable", false),
		"a loop device, which has no drive":      set("block", "Drive", dbus.ObjectPath("/")),
		"a file system that is not read":         set("block", "IdType", "ntfs"),
		"a stick without a file system":          set("block", "IdType", ""),
		"ext4, unless it was chosen":             set("block", "IdType", "ext4"),
		"a partition that udev says to ignore":   set("block", "HintIgnore", true),
		"a partition of the system":              set("block", "HintSystem", true),
		"a drive whose bus has the wrong type":   set("drive", "ConnectionBus", uint32(7)),
		"a partition of a drive that is unknown": set("block", "Drive", dbus.ObjectPath("/no/such")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := bus(t)
			f := serve(t, address)
			f.put(stick("sdx1", change))
			w := watch(t, udisks.Config{Address: address, Mountinfo: f.mountinfo})
			// The stick that counts comes second, so that the first has had its chance.
			good := stick("sdy1")
			f.put(good)
			f.added(block1("sdy1"), good[block1("sdy1")])
			expect(t, w, "+sdy1")
			f.pull(block1("sdy1"))
			expect(t, w, "-sdy1")
		})
	}
}

func TestSticksComeAndGoOnceHoweverTheyAreAnnounced(t *testing.T) {
	later := func(drive, block properties) {
		drive["TimeMediaDetected"] = dbus.MakeVariant(uint64(1_800_000_009_000_000))
	}
	stale := func(drive, block properties) { block["IdType"] = dbus.MakeVariant("") }
	for _, test := range []struct {
		name   string
		before func(*fake)
		after  func(*testing.T, *fake, *udisks.Watcher)
	}{
		{"one that is there at the start", func(f *fake) { f.put(stick("sdb1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) { expect(t, w, "+sdb1") }},
		{"one that is announced twice", func(f *fake) { f.put(stick("sda1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) {
				expect(t, w, "+sda1")
				s := stick("sdb1")
				f.put(s)
				f.added(block1("sdb1"), s[block1("sdb1")])
				f.added(block1("sdb1"), s[block1("sdb1")])
				expect(t, w, "+sdb1")
				f.pull(block1("sdb1"))
				expect(t, w, "-sdb1")
			}},
		{"one whose kind is known only after it was announced", func(f *fake) { f.put(stick("sdb1", stale)); f.put(stick("sda1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) {
				expect(t, w, "+sda1")
				f.put(stick("sdb1"))
				f.added(block1("sdb1"), interfaces{busName + ".Filesystem": {}})
				expect(t, w, "+sdb1")
			}},
		{"one whose kind becomes known by a changed property", func(f *fake) { f.put(stick("sdb1", stale)); f.put(stick("sda1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) {
				expect(t, w, "+sda1")
				f.put(stick("sdb1"))
				if err := f.conn.Emit(block1("sdb1"), "org.freedesktop.DBus.Properties.PropertiesChanged", busName+".Block",
					properties{"IdType": dbus.MakeVariant("vfat")}, []string{}); err != nil {
					t.Fatal(err)
				}
				expect(t, w, "+sdb1")
			}},
		{"another one in the same port, whose removal nobody announced", func(f *fake) { f.put(stick("sdb1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) {
				expect(t, w, "+sdb1")
				s := stick("sdb1", later)
				f.put(s)
				f.added(block1("sdb1"), s[block1("sdb1")])
				expect(t, w, "-sdb1", "+sdb1")
			}},
		{"one that is pulled while UDisks2 is away", func(f *fake) { f.put(stick("sda1")); f.put(stick("sdb1")) },
			func(t *testing.T, f *fake, w *udisks.Watcher) {
				if got := next(t, w) + next(t, w); got != "+sda1+sdb1" && got != "+sdb1+sda1" {
					t.Fatal(got)
				}
				f.leave()
				f.mu.Lock()
				delete(f.objects, block1("sdb1"))
				f.mu.Unlock()
				f.own()
				expect(t, w, "-sdb1")
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := bus(t)
			f := serve(t, address)
			test.before(f)
			test.after(t, f, watch(t, udisks.Config{Address: address, Mountinfo: f.mountinfo}))
		})
	}
}

func TestAStickIsMountedSafelyOrNotAtAll(t *testing.T) {
	for _, test := range []struct {
		name    string
		options string
		refuse  string
		want    string // a part of the error; "" = it is mounted
	}{
		{"the kernel has all that was asked for", "ro,nosuid,nodev,noexec,relatime", "", ""},
		{"a driver that drops noexec", "ro,nosuid,nodev,relatime", "", "without noexec"},
		{"a driver that mounts for writing", "rw,nosuid,nodev,noexec", "", "without ro"},
		{"a desktop was faster", "", busName + ".Error.AlreadyMounted", "another program"},
		{"polkit says no", "", busName + ".Error.NotAuthorizedCanObtain", "polkit rule"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := bus(t)
			f := serve(t, address)
			f.options = test.options
			if test.refuse != "" {
				f.refuse = dbus.NewError(test.refuse, []any{"no"})
			}
			f.put(stick("sdb1"))
			w := watch(t, udisks.Config{Address: address, Mountinfo: f.mountinfo})
			s := (<-w.Events()).Stick
			dir, err := w.Mount(t.Context(), s)
			f.mu.Lock()
			asked, left := strings.Join(f.asked, " "), len(f.mounts)
			f.mu.Unlock()
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
				if left != 0 {
					t.Error("the refused stick is still mounted")
				}
				return
			}
			if err != nil || dir != "/media/the stick" || asked != "ro,nosuid,nodev,noexec" {
				t.Fatalf("dir %q, options %q, error %v", dir, asked, err)
			}
			if again, err := w.Mount(t.Context(), s); err != nil || again != dir {
				t.Errorf("a safe mount left by an earlier start: %q, %v", again, err)
			}
			if err := w.Unmount(t.Context(), s); err != nil {
				t.Error(err)
			}
			if err := w.Unmount(t.Context(), s); err != nil {
				t.Errorf("unmounting what is unmounted: %v", err)
			}
		})
	}
}

func TestAStickThatHasGoneUnmountsWithoutAnError(t *testing.T) {
	address := bus(t)
	f := serve(t, address)
	w := watch(t, udisks.Config{Address: address, Mountinfo: f.mountinfo})
	f.put(stick("sdb1"))
	f.added(block1("sdb1"), interfaces{})
	s := (<-w.Events()).Stick
	s.Path += "x" // an object that is not there
	if err := w.Unmount(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestWithoutUDisks2ItSaysSoOnceAndFindsSticksLater(t *testing.T) {
	address := bus(t)
	var log lines
	w := watch(t, udisks.Config{Address: address, Log: slog.New(slog.NewTextHandler(&log, nil))})
	// A call is answered only while the watcher waits between two attempts: by the third it has failed several times.
	for range 3 {
		if _, err := w.Mount(t.Context(), udisks.Stick{Path: "/x", Device: "/dev/sdb1"}); err == nil {
			t.Fatal("mounted without UDisks2")
		}
	}
	f := serve(t, address)
	s := stick("sdb1")
	f.put(s)
	f.added(block1("sdb1"), s[block1("sdb1")])
	expect(t, w, "+sdb1")
	_, _ = w.Mount(t.Context(), udisks.Stick{Path: "/x", Device: "/dev/sdb1"}) // answered: it is past its first list
	if n := strings.Count(log.String(), "cannot be seen"); n != 1 {
		t.Errorf("said %d times that sticks cannot be seen:\n%s", n, log.String())
	}
	if n := strings.Count(log.String(), "seen again"); n != 1 {
		t.Errorf("said %d times that sticks are seen again:\n%s", n, log.String())
	}
}

func TestUnknownFileSystemsAreRefusedAtTheStart(t *testing.T) {
	if _, err := udisks.New(udisks.Config{Filesystems: []string{"vfat", "ntfs"}}); err == nil {
		t.Error("ntfs was taken")
	}
}

// lines is a log that two goroutines may use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }
