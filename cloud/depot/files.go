package depot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Errors of Blobs on which a caller decides.
var (
	ErrFull   = errors.New("the relay's disk is full up to its reserve: free some space or give it a larger one")
	ErrBusy   = errors.New("the same blob is being sent by somebody else: try again later")
	ErrDigest = errors.New("the bytes are not those that the digest names")
	ErrSize   = errors.New("the bytes are not as many as were announced")
)

// Files is Blobs on a file system: <2 hex>/<sha256>.
type Files struct {
	dir     string
	reserve int64

	mu      sync.Mutex
	writing map[string]int64 // digest -> bytes it may still take
}

// OpenFiles opens a folder of blobs or makes it, and clears what was being written when the relay was last killed. reserve
// is how many bytes of the disk must stay free.
func OpenFiles(dir string, reserve int64) (*Files, error) {
	f := &Files{dir: dir, reserve: reserve, writing: map[string]int64{}}
	if err := os.MkdirAll(f.incoming(""), 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	left, err := os.ReadDir(f.incoming(""))
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	for _, e := range left {
		if err := os.Remove(f.incoming(e.Name())); err != nil {
			return nil, fmt.Errorf("clear unfinished blob: %w", err)
		}
	}
	for i := range 256 { // made at once, so that no put has to fsync a new folder's parent
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
	}
	return f, syncFolder(dir)
}

func (f *Files) incoming(name string) string { return filepath.Join(f.dir, "incoming", name) }
func (f *Files) path(digest string) string   { return filepath.Join(f.dir, digest[:2], digest) }

// IsDigest says whether s is 64 lower-case hexadecimal digits; nothing else becomes a file's name.
func IsDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// Put writes a blob of size bytes while it verifies it; fresh = false means that it was there already and r was not read.
// After it returns nil the blob outlives a power cut.
func (f *Files) Put(ctx context.Context, digest string, size int64, r io.Reader) (fresh bool, err error) {
	if !IsDigest(digest) {
		return false, ErrDigest
	}
	if _, err := f.Stat(digest); err == nil {
		return false, f.Touch(digest)
	}
	if err := f.begin(digest, size); err != nil {
		return false, err
	}
	defer f.end(digest)
	if _, err := f.Stat(digest); err == nil { // somebody finished meanwhile
		return false, nil
	}
	if err := f.write(ctx, digest, size, r); err != nil {
		os.Remove(f.incoming(digest))
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = errors.Join(ErrFull, err)
		}
		return false, err
	}
	return true, nil
}

func (f *Files) write(ctx context.Context, digest string, size int64, r io.Reader) error {
	file, err := os.OpenFile(f.incoming(digest), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	// One byte more than announced is enough to know that there is more.
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(file, h)}, io.LimitReader(&cancelled{ctx, r}, size+1), make([]byte, 256<<10))
	switch {
	case err != nil:
	case n != size:
		err = fmt.Errorf("%w: %d were announced, %d came", ErrSize, size, min(n, size+1))
	case hex.EncodeToString(h.Sum(nil)) != digest:
		err = ErrDigest
	default:
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.incoming(digest), f.path(digest)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.path(digest)))
}

// begin reserves the space and the name.
func (f *Files) begin(digest string, size int64) error {
	free, err := f.Free()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, busy := f.writing[digest]; busy {
		return ErrBusy
	}
	for _, n := range f.writing {
		free -= n
	}
	if size > free-f.reserve {
		return ErrFull
	}
	f.writing[digest] = size
	return nil
}

func (f *Files) end(digest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.writing, digest)
}

// Stat gives a blob's size, bytes, or fs.ErrNotExist.
func (f *Files) Stat(digest string) (int64, error) {
	if !IsDigest(digest) {
		return 0, fs.ErrNotExist
	}
	info, err := os.Stat(f.path(digest))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Open opens a blob for reading, or gives fs.ErrNotExist.
func (f *Files) Open(digest string) (io.ReadSeekCloser, error) {
	if !IsDigest(digest) {
		return nil, fs.ErrNotExist
	}
	file, err := os.Open(f.path(digest))
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Free is how many bytes the disk has for the relay, the reserve included.
func (f *Files) Free() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(f.dir, &s); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// cancelled ends reading with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c *cancelled) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("make %s durable: %w", path, err)
	}
	return nil
}
