package powercut

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Log is what was written to a disk, in order.
type Log struct {
	disk    *Disk
	entries []entry
	flushed int // entries that are in the image of what was flushed
}

// Instants is how many there are: power can go after 0 to so many writes and flushes.
func (l *Log) Instants() int { return len(l.entries) }

// Flushes are the instants at which a flush was just done.
func (l *Log) Flushes() (at []int) {
	for i, e := range l.entries {
		if e.flags&flagFlush != 0 {
			at = append(at, i+1)
		}
	}
	return at
}

// Cut mounts what may be on the disk when the power goes at an instant, and calls look with its folder. seed chooses what
// of the unflushed writes came onto it: all, none, some, or some sectors of them. Cuts in order of their instants are quick.
func (l *Log) Cut(t testing.TB, at int, seed uint64, look func(dir string)) {
	t.Helper()
	if err := l.image(l.disk.file("image"), at, seed, 0); err != nil {
		t.Fatalf("make the image of instant %d: %v", at, err)
	}
	l.mount(t, look)
}

// CutLiar is Cut on a disk that says of its last flushes, as many as lies, that they are done, and has done nothing. False =
// nothing is left there that e2fsck can make a file system of.
func (l *Log) CutLiar(t testing.TB, at int, seed uint64, lies int, look func(dir string)) bool {
	t.Helper()
	image := l.disk.file("image")
	if err := l.image(image, at, seed, lies); err != nil {
		t.Fatalf("make the image of instant %d: %v", at, err)
	}
	var exit *exec.ExitError // 1 = mended (fsck(8))
	if err := exec.Command("e2fsck", "-fy", image).Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 1) {
		return false
	}
	l.mount(t, look)
	return true
}

func (l *Log) mount(t testing.TB, look func(dir string)) {
	t.Helper()
	image, dir := l.disk.file("image"), l.disk.file("after")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-t", "ext4", "-o", "loop,nodiscard", image, dir)
	defer func() {
		if exec.Command("umount", dir).Run() != nil {
			run(t, "umount", "-l", dir)
		}
	}()
	look(dir)
}

func (l *Log) image(path string, at int, seed uint64, lies int) error {
	last := 0 // the flush before: all before it is on the disk
	for i := at - 1; i >= 0 && lies >= 0; i-- {
		if l.entries[i].flags&flagFlush != 0 {
			last = i
			lies--
		}
	}
	if lies >= 0 {
		last = 0
	}
	if err := l.flush(last); err != nil {
		return err
	}
	if err := copySparse(l.disk.file("flushed"), path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	r := rand.New(rand.NewPCG(seed, uint64(at)))
	for _, e := range l.entries[last:at] {
		kept := func(int64) bool { return true }
		switch {
		case e.flags&flagFUA != 0 || seed%4 == 0:
		case seed%4 == 1:
			continue
		case seed%4 == 2:
			if r.IntN(2) == 0 {
				continue
			}
		default:
			kept = func(int64) bool { return r.IntN(2) == 0 }
		}
		if err := l.apply(f, e, kept); err != nil {
			return err
		}
	}
	return nil
}

// flush brings the image of what was flushed up to an entry.
func (l *Log) flush(to int) error {
	path := l.disk.file("flushed")
	if _, err := os.Stat(path); err != nil || to < l.flushed {
		if err := copySparse(l.disk.file("base"), path); err != nil {
			return err
		}
		l.flushed = 0
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for ; l.flushed < to; l.flushed++ {
		if err := l.apply(f, l.entries[l.flushed], nil); err != nil {
			return err
		}
	}
	return nil
}

// apply writes an entry, or those sectors of it that are kept.
func (l *Log) apply(f *os.File, e entry, kept func(sector int64) bool) error {
	if e.size == 0 || e.flags&flagDiscard != 0 {
		return nil // a disk may forget what is discarded, or not
	}
	b := make([]byte, e.size)
	if _, err := l.disk.log.ReadAt(b, e.data); err != nil {
		return err
	}
	if kept == nil {
		_, err := f.WriteAt(b, e.at)
		return err
	}
	for at := int64(0); at < e.size; at += sector {
		if !kept(at / sector) {
			continue
		}
		if _, err := f.WriteAt(b[at:at+sector], e.at+at); err != nil {
			return err
		}
	}
	return nil
}

// copySparse copies a file without its holes.
func copySparse(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(st.Size()); err != nil {
		return err
	}
	for at := int64(0); ; {
		begin, err := in.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if at, err = in.Seek(begin, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := out.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(out, io.NewSectionReader(in, begin, at-begin)); err != nil {
			return err
		}
	}
}
