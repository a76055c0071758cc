package importer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/usb/importer"
	"vitrine/usb/sticktest"
)

// on writes a stick's content onto a real file system, spoils it, and mounts it as sticks are mounted.
func on(t *testing.T, kind string, size int64, spoil func(s stick) error) stick {
	t.Helper()
	device := sticktest.Make(t, kind, size)
	s := stick{device.Mount(true), digest(envelope), digest(content)}
	s.put(t, "root/1.json", []byte("root 1"))
	s.put(t, "m/"+s.manifest+".json", envelope)
	s.put(t, s.path(), content)
	s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":%q,"roots":1}`, s.manifest))
	if err := spoil(s); err != nil {
		t.Fatal(err)
	}
	device.Unmount()
	s.dir = device.Mount(false)
	return s
}

// within fails a test whose reading waits: for a FIFO's writer, a device, a folder's end.
func within(t *testing.T, read func(ctx context.Context) error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- read(t.Context()) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatal("it waits and waits")
		return nil
	}
}

func TestARealStickThatIsAgainstUsIsRefusedAndNothingWaits(t *testing.T) {
	replace := func(s stick, name string, make func(path string) error) error {
		return errors.Join(os.RemoveAll(s.file(name)), make(s.file(name)))
	}
	for name, test := range map[string]struct {
		spoil func(s stick) error
		want  string
	}{
		"a FIFO as the index": {func(s stick) error {
			return replace(s, "stick.json", func(p string) error { return unix.Mkfifo(p, 0o644) })
		}, "not a plain file"},
		"a FIFO as a blob": {func(s stick) error {
			return replace(s, s.path(), func(p string) error { return unix.Mkfifo(p, 0o644) })
		}, "not a plain file"},
		"the machine's disk as a blob": {func(s stick) error {
			return replace(s, s.path(), func(p string) error { return unix.Mknod(p, unix.S_IFBLK|0o666, int(unix.Mkdev(7, 0))) })
		}, "on the stick"},
		"memory without an end as a blob": {func(s stick) error {
			return replace(s, s.path(), func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) })
		}, "on the stick"},
		"a link out of the stick": {func(s stick) error {
			return replace(s, s.path(), func(p string) error { return os.Symlink("/etc/passwd", p) })
		}, "symbolic links"},
		"a link to itself": {func(s stick) error { return replace(s, "b", func(p string) error { return os.Symlink("b", p) }) }, "symbolic links"},
		"two links to each other": {func(s stick) error {
			return errors.Join(replace(s, "root", func(p string) error { return os.Symlink("m", p) }), replace(s, "m", func(p string) error { return os.Symlink("root", p) }))
		}, "symbolic links"},
		"our folder as a link to a folder above": {func(s stick) error { return replace(s, ".", func(p string) error { return os.Symlink("..", p) }) }, "symbolic links"},
		"a blob of 1 TiB with nothing in it":     {func(s stick) error { return os.Truncate(s.file(s.path()), 1<<40) }, "may be read"},
		"a root of 1 TiB with nothing in it":     {func(s stick) error { return os.Truncate(s.file("root/1.json"), 1<<40) }, "longer than"},
		"an index of 1 TiB with nothing in it":   {func(s stick) error { return os.Truncate(s.file("stick.json"), 1<<40) }, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := on(t, "ext4", 16<<20, test.spoil)
			if err := within(t, func(ctx context.Context) error { return all(ctx, s) }); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestAnotherFileSystemInAStickIsNotEntered(t *testing.T) {
	inner := t.TempDir()
	s := on(t, "ext4", 16<<20, func(s stick) error { return nil })
	if err := unix.Mount(inner, filepath.Join(s.dir, "vitrine", "b"), "", unix.MS_BIND, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(filepath.Join(s.dir, "vitrine", "b"), unix.MNT_DETACH) })
	if err := all(t.Context(), s); err == nil || !strings.Contains(err.Error(), "cross-device") {
		t.Errorf("got %v", err)
	}
}

// Folders are never listed: what is looked for has a name. 1,000,000 names of one file, in memory, since a disk would take long
// to make them.
func TestAMillionNamesInAFolderAreNotLookedAt(t *testing.T) {
	s := write(t)
	crowd := filepath.Dir(s.file(s.path()))
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "nr_inodes=0,size=1g"); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.CopyFS(filepath.Join(dir, "vitrine"), os.DirFS(s.file("."))); err != nil {
		t.Fatal(err)
	}
	s.dir, crowd = dir, filepath.Join(dir, "vitrine", "b", filepath.Base(crowd))
	fd, err := unix.Open(crowd, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for i := range 1_000_000 {
		if err := unix.Linkat(fd, s.blob, fd, fmt.Sprintf("%064x", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := within(t, func(ctx context.Context) error { return all(ctx, s) }); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d MiB were needed to read it: the names alone have 64", took>>20)
	}
}

func TestFATWritesNamesInItsOwnWay(t *testing.T) {
	for _, kind := range []string{"vfat", "exfat"} {
		t.Run(kind, func(t *testing.T) {
			s := on(t, kind, 40<<20, func(s stick) error {
				up := func(name string) error {
					return errors.Join(os.Rename(s.file(name), s.file(name)+".tmp"), os.Rename(s.file(name)+".tmp", filepath.Join(filepath.Dir(s.file(name)), strings.ToUpper(filepath.Base(name)))))
				}
				return errors.Join(up("stick.json"), up("b/"+s.blob[:2]), up("root/1.json"), os.Rename(s.file("."), filepath.Join(s.dir, "tmp")), os.Rename(filepath.Join(s.dir, "tmp"), filepath.Join(s.dir, "VITRINE")))
			})
			tree, err := importer.Open(s.dir, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			r, err := tree.Blob(t.Context(), s.blob, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if b, err := io.ReadAll(r); err != nil || len(b) != len(content) {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
}

// What a real file system answers after a pull: vFAT that there is no such file, the others that they cannot read.
func TestAPulledRealStickIsGoneNotDamaged(t *testing.T) {
	for _, kind := range sticktest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			device := sticktest.Make(t, kind, 40<<20)
			s := stick{device.Mount(true), digest(envelope), digest(content)}
			s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":%q,"roots":1}`, s.manifest))
			s.put(t, "m/"+s.manifest+".json", envelope)
			s.put(t, s.path(), content)
			device.Unmount()
			s.dir = device.Mount(false)
			tree, err := importer.Open(s.dir, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			if _, err := tree.Blob(t.Context(), strings.Repeat("0", 64), 0); !errors.Is(err, importer.ErrMissing) {
				t.Errorf("a blob that a present stick lacks: %v", err)
			}
			device.Pull()
			if _, err := blob(t.Context(), tree, s.blob, 0); !errors.Is(err, importer.ErrGone) {
				t.Errorf("a blob that was on it: %v", err)
			}
			if _, err := tree.Manifest(t.Context()); !errors.Is(err, importer.ErrGone) {
				t.Errorf("its manifest: %v", err)
			}
		})
	}
}
