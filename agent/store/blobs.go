package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"vitrine/agent/bundle"
)

func (s *Store) blobPath(d bundle.Digest) string { return s.path(filepath.FromSlash(d.BlobPath())) }

// present says whether a blob's file is here and looks as it did when it was last found whole. If it does not, read says
// whether to read it; a file that turns out to be wrong is removed.
func (s *Store) present(b bundle.Blob, read bool) (mark, bool, error) {
	path := s.blobPath(b.Digest)
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, false, nil
	}
	if err != nil {
		return mark{}, false, fmt.Errorf("look at blob %s: %w", b.Digest.Short(), err)
	}
	var k mark
	known, err := s.get(bucketBlobs, string(b.Digest), &k)
	if err == nil && known && !s.isBad(b.Digest) && st.Mode().IsRegular() && st.Size() == b.Size && k.Size == b.Size && k.Changed.Equal(st.ModTime()) {
		return k, true, nil
	}
	if !read {
		return mark{}, false, nil
	}
	whole, unreadable := false, error(nil)
	if st.Mode().IsRegular() && st.Size() == b.Size {
		whole, unreadable = sameBytes(path, b.Digest, nil)
	}
	if !whole {
		return mark{}, false, s.setAside(b, unreadable)
	}
	s.setBad(b.Digest, false)
	return mark{Size: st.Size(), Changed: st.ModTime(), Checked: s.cfg.Now()}, true, nil
}

// sameBytes reads a file and says whether it is a blob; pause is called after each MiB and may end it; nil = none is made.
func sameBytes(path string, d bundle.Digest, pause func(*os.File) error) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	for {
		n, err := io.CopyN(h, f, 1<<20)
		if err == io.EOF {
			return digestOf(h) == d, nil
		}
		if err == nil && pause != nil && n > 0 {
			err = pause(f)
		}
		if err != nil {
			return false, err
		}
	}
}

func digestOf(h hash.Hash) bundle.Digest { return bundle.Digest(hex.EncodeToString(h.Sum(nil))) }

// makeRoom wants the missing bytes, 5 % and 64 MiB to be free; it throws away what no bundle needs first.
func (s *Store) makeRoom(in *incoming) error {
	var need int64
	for _, b := range in.missing {
		need += b.Size
		if st, err := os.Lstat(s.path("staging", string(b.Digest))); err == nil {
			need -= min(allocated(st), b.Size)
		}
	}
	need += need/20 + 64<<20
	free, err := s.cfg.Free(s.cfg.Dir)
	if err != nil || free >= need {
		return err
	}
	if err := s.collect(); err != nil {
		s.log.Warn("garbage not collected", "error", err)
	}
	if free, err = s.cfg.Free(s.cfg.Dir); err != nil || free >= need {
		return err
	}
	return &SpaceError{Need: need, Free: free}
}

// allocated is what a file has of the disk, bytes; holes have nothing.
func allocated(st os.FileInfo) int64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return sys.Blocks * 512
	}
	return st.Size()
}

// streams is an origin of which several blobs may be asked for at once.
type streams interface{ Streams() int }

// fetchAll reserves room for the missing blobs and gets them, several at once where the origin has use for it.
func (s *Store) fetchAll(ctx context.Context, from Origin, in *incoming, progress func(Progress)) error {
	p := Progress{Digest: in.Digest, Manifest: in.Manifest}
	for _, b := range in.missing {
		p.Total += b.Size
		if b.Size >= bundle.MinSegment {
			if err := s.reserve(b); err != nil {
				return err
			}
		}
	}
	progress(p)
	var mu sync.Mutex
	at := map[bundle.Digest]int64{}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(1)
	if n, ok := from.(streams); ok {
		g.SetLimit(max(1, n.Streams()))
	}
	for _, b := range in.missing {
		if all.Err() != nil {
			break
		}
		g.Go(func() error {
			err := s.fetch(all, from, b, func(have, fetched int64) {
				mu.Lock()
				defer mu.Unlock()
				p.Fetched += fetched
				if more := have - at[b.Digest]; more > 0 {
					at[b.Digest] += more
					p.Have += more
					progress(p)
				}
			})
			var refused *RefusedError
			if errors.As(err, &refused) {
				refused.Digest, refused.Stream, refused.Seq, refused.Root = in.Digest, in.Manifest.Stream, in.Manifest.Seq, in.Manifest.Root
			}
			if err != nil {
				return fmt.Errorf("get blob %s: %w", b.Digest.Short(), err)
			}
			return nil
		})
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

// fetch gets one blob: what is in staging is verified and kept, the rest is asked for.
func (s *Store) fetch(ctx context.Context, from Origin, b bundle.Blob, have func(have, fetched int64)) error {
	if _, whole, err := s.present(b, false); err != nil || whole { // another Ingest brought it
		have(b.Size, 0)
		return err
	}
	d, release, err := s.join(ctx, b)
	if err != nil {
		return err
	}
	defer release()
	if err := d.run(ctx, s, from, have); err != nil {
		return err
	}
	return d.finish(s)
}

// settleBlob moves a whole blob from staging to its place and marks it: fsync file, rename, fsync folder, index.
func (s *Store) settleBlob(f *os.File, b bundle.Blob) error {
	if err := s.fault("sync blob"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		// The kernel may have forgotten what did not come to the disk, and the next Sync would say nothing.
		return fmt.Errorf("write to the disk: %w", errors.Join(err, removeFile(f.Name())))
	}
	s.settling.Lock()
	defer s.settling.Unlock()
	if _, whole, err := s.present(b, false); err == nil && whole { // a file in use is not replaced: its mark would not fit
		return removeFile(f.Name())
	}
	dir := filepath.Dir(s.blobPath(b.Digest))
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.fault("rename blob"); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.blobPath(b.Digest)); err != nil {
		return err
	}
	if err := s.fault("sync folder"); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	s.setBad(b.Digest, false)
	return s.put(bucketBlobs, string(b.Digest), mark{Size: st.Size(), Changed: st.ModTime(), Checked: s.cfg.Now()})
}

// remark keeps marks of blobs that were read and found whole.
func (s *Store) remark(marks map[bundle.Digest]mark) error {
	fresh := map[bundle.Digest]mark{}
	for d, k := range marks {
		var was mark
		if found, err := s.get(bucketBlobs, string(d), &was); err != nil || !found || !was.Changed.Equal(k.Changed) || !was.Checked.Equal(k.Checked) {
			fresh[d] = k
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	err := s.update(func(tx *bbolt.Tx) error {
		for d, k := range fresh {
			if err := putRecord(tx, bucketBlobs, string(d), k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep what was checked: %w", err)
	}
	return s.refresh()
}
