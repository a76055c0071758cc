package writer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

const (
	chunk  = 1 << 20 // read and written at a time
	window = 8 << 20 // written before the stick is waited for
)

// piece is a file on the stick: a whole one, or a part of one.
type piece struct {
	name   string
	offset int64 // in the file that it is a part of
	size   int64
}

// pieces are how a file lies on the stick: FAT's files are parts where they are larger than one.
func (j *job) pieces(f File) []piece {
	if !j.volume.fat() || f.Size <= j.cfg.Part {
		return []piece{{f.Name, 0, f.Size}}
	}
	var out []piece
	for at := int64(0); at < f.Size; at += j.cfg.Part {
		out = append(out, piece{fmt.Sprintf("%s.%03d", f.Name, len(out)), at, min(j.cfg.Part, f.Size-at)})
	}
	return out
}

// has is how many of its bytes are there, as far as the length of the file tells.
func (p piece) has(root *os.Root) int64 {
	st, err := root.Lstat(p.name)
	if err != nil || !st.Mode().IsRegular() || st.Size() > p.size {
		return 0
	}
	return st.Size()
}

// start is the byte from which on it is to be written; its size when it seems to be there. What a cut left at the end may be
// anything: a window of it is written again.
func (p piece) start(root *os.Root, whole bool) int64 {
	switch have := p.has(root); {
	case have == p.size && exists(root, p.name):
		return p.size
	case whole:
		return 0
	default:
		return max(0, have/chunk*chunk-window)
	}
}

func exists(root *os.Root, name string) bool {
	_, err := root.Lstat(name)
	return err == nil
}

// copyAll writes what is missing.
func (j *job) copyAll(missing int64) error {
	j.fresh = map[string]bool{}
	j.begin("writing", missing)
	for _, f := range j.cfg.Files {
		before := j.report.Written
		if err := j.copy(f, false); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		if j.report.Written > before {
			j.fresh[f.Name] = true
			j.cfg.step()
		}
	}
	return j.volume.sync()
}

// copy writes a file; anew = from its first byte, whatever is there.
func (j *job) copy(f File, anew bool) error {
	var todo []piece
	for _, p := range j.pieces(f) {
		if anew || p.start(j.root, f.Whole) < p.size || !exists(j.root, p.name) {
			todo = append(todo, p)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if f.Whole {
		todo, anew = j.pieces(f), true
	}
	if err := j.root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
		return err
	}
	from, err := f.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	for _, p := range todo {
		if err := j.put(p, from, anew); err != nil {
			return err
		}
	}
	if n, err := from.Read(make([]byte, 1)); todo[len(todo)-1].offset+todo[len(todo)-1].size == f.Size && (n > 0 || err != io.EOF) {
		return errors.Join(ignoreEOF(err), errors.New("there is more than was expected: somebody writes to the bundle"))
	}
	return nil
}

// put writes one piece, from where an earlier try got to.
func (j *job) put(p piece, from io.Reader, anew bool) error {
	at := int64(0)
	if !anew {
		at = p.start(j.root, false)
	}
	if st, err := j.root.Lstat(p.name); err == nil && !st.Mode().IsRegular() {
		if err := j.root.RemoveAll(p.name); err != nil {
			return err
		}
	}
	f, err := j.root.OpenFile(p.name, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(at); err != nil {
		return err
	}
	if seeker, ok := from.(io.Seeker); ok {
		if _, err := seeker.Seek(p.offset+at, io.SeekStart); err != nil {
			return err
		}
	}
	if err := j.pour(f, from, at, p.size); err != nil {
		return err
	}
	return f.Close()
}

// pour copies bytes at to size of a piece, and lets the stick keep up, so that the progress is true.
func (j *job) pour(to *os.File, from io.Reader, at, size int64) error {
	buf := make([]byte, chunk)
	flushed, fd := at, int(to.Fd())
	for at < size {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(from, buf[:min(chunk, size-at)])
		if err != nil {
			return fmt.Errorf("read the bundle: %w", err)
		}
		if _, err := to.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
		j.report.Written += int64(n)
		if at-flushed >= window || at == size {
			// The window before is waited for, this one begins: the stick is never idle. Where this is not known (FUSE), sync does it.
			_ = unix.SyncFileRange(fd, flushed, at-flushed, unix.SYNC_FILE_RANGE_WRITE)
			if before := max(0, flushed-window); before < flushed {
				if err := unix.SyncFileRange(fd, before, flushed-before, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER); errors.Is(err, unix.EIO) {
					return err
				}
			}
			flushed = at
		}
		j.step(int64(n))
	}
	return nil
}
