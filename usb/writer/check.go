package writer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// verifyAll reads everything back, and writes once more what is wrong. What stays wrong is the stick's fault.
func (j *job) verifyAll() error {
	var total int64
	for _, f := range j.cfg.Files {
		total += f.Size
	}
	j.begin("verifying", total)
	for _, f := range j.cfg.Files {
		err := j.check(f)
		if errors.Is(err, errWrong) || errors.Is(err, io.ErrUnexpectedEOF) {
			j.report.Repaired++
			err = j.again(f)
		}
		if err != nil {
			return fmt.Errorf("verify %s: %w", f.Name, err)
		}
		if !j.fresh[f.Name] {
			j.report.Kept += f.Size
		}
	}
	return nil
}

// again writes a file a second time from its first byte.
func (j *job) again(f File) error {
	j.fresh[f.Name] = true
	if err := j.copy(f, true); err != nil {
		return err
	}
	if err := j.volume.sync(); err != nil {
		return err
	}
	err := j.check(f)
	if errors.Is(err, errWrong) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w, twice: either the bundle is damaged (vitrine inspect says so) or the stick is, or is smaller than it claims: use another one", err)
	}
	return err
}

// check reads a file from the stick itself.
func (j *job) check(f File) error {
	r := &pieceReader{job: j, pieces: j.pieces(f)}
	defer r.Close()
	return f.Check(r)
}

// pieceReader reads the pieces of a file one after the other, past the kernel's cache.
type pieceReader struct {
	job    *job
	pieces []piece
	file   *os.File
	at     int64 // in the piece
	direct bool
	buf    []byte
	ready  []byte
}

// Read implements io.Reader.
func (r *pieceReader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 {
		if err := r.job.ctx.Err(); err != nil {
			return 0, err
		}
		if len(r.pieces) == 0 {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// fill reads the next chunk of the current piece, and goes to the next at its end.
func (r *pieceReader) fill() error {
	p := r.pieces[0]
	if r.file == nil {
		if err := r.open(p); err != nil {
			return err
		}
	}
	if r.at == p.size {
		err := r.file.Close()
		r.file, r.pieces, r.at = nil, r.pieces[1:], 0
		return err
	}
	n, err := r.file.ReadAt(r.buf, r.at)
	if r.direct && errors.Is(err, unix.EINVAL) { // a file system that only says so now
		if err := r.cached(p); err != nil {
			return err
		}
		n, err = r.file.ReadAt(r.buf, r.at)
	}
	n = int(min(int64(n), p.size-r.at))
	if n == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	r.ready, r.at = r.buf[:n], r.at+int64(n)
	r.job.step(int64(n))
	return nil
}

// open opens a piece with O_DIRECT, or, where there is none, with what the kernel has of it thrown away.
func (r *pieceReader) open(p piece) error {
	if r.buf == nil {
		r.buf = aligned(chunk)
	}
	if st, err := r.job.root.Lstat(p.name); errors.Is(err, os.ErrNotExist) || err == nil && (!st.Mode().IsRegular() || st.Size() != p.size) {
		return errWrong
	} else if err != nil {
		return err
	}
	f, err := r.job.root.OpenFile(p.name, os.O_RDONLY|unix.O_DIRECT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return r.cached(p)
	}
	r.file, r.direct = f, true
	return nil
}

func (r *pieceReader) cached(p piece) error {
	if r.file != nil {
		r.file.Close()
	}
	f, err := r.job.root.OpenFile(p.name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	r.file, r.direct = f, false
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// Close implements io.Closer.
func (r *pieceReader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// aligned gives a buffer that begins at a page, as O_DIRECT wants it.
func aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+page)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (page - 1))
	return b[skip : skip+n : skip+n]
}
