package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
)

const (
	scrubAfter = 7 * 24 * time.Hour // so old may be the last reading of a blob
	scrubEvery = 10 * time.Minute   // whether one is so old is looked at
	scrubPace  = 4 << 20            // bytes a second: a terabyte in three days, and little enough for a card to play from
)

// readOver reads blobs until ctx ends: at first those that do not look as they did, which are not shown before; then those
// that somebody doubts, and all of them in a week.
func (s *Store) readOver(ctx context.Context) {
	say := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			s.log.Warn(what, "error", err)
		}
	}
	say("blobs not checked", s.recheck(ctx))
	scrub := time.NewTicker(scrubEvery)
	defer scrub.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case scene := <-s.doubts:
			say("files in doubt not checked", s.resolve(ctx, scene))
		case <-scrub.C:
			say("scrub stopped", s.scrub(ctx))
		}
	}
}

// Doubt says that a scene cannot be shown though its files are here. Run reads them: a disk may have lost what it had.
func (s *Store) Doubt(scene string) {
	select {
	case s.doubts <- scene:
	default: // so many at once: the scrub comes to it
	}
}

// resolve reads the files of a scene that is in doubt.
func (s *Store) resolve(ctx context.Context, scene string) error {
	live, _ := s.Live()
	if live.Manifest == nil {
		return nil
	}
	files := live.Manifest.SceneFiles(scene)
	for _, b := range live.Manifest.Blobs {
		if !slices.Contains(files, b.Digest) {
			continue
		}
		if err := s.readAgain(ctx, b, forget); err != nil {
			return err
		}
	}
	return nil
}

// recheck reads blobs that do not look as they did, of the live bundle and of the one before; after a start there are normally
// none.
func (s *Store) recheck(ctx context.Context) error {
	p := s.pointers()
	for _, d := range []bundle.Digest{p.Active, p.Previous} {
		if d == "" {
			continue
		}
		m, err := s.manifest(d)
		if err != nil {
			continue // it was said
		}
		for _, b := range m.Blobs {
			if _, known, err := s.present(b, false); err != nil || known {
				continue
			}
			if err := s.checkOne(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOne reads a blob that is not known to be whole.
func (s *Store) checkOne(ctx context.Context, b bundle.Blob) error {
	release, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	k, whole, err := s.present(b, true)
	if err != nil || !whole {
		return errors.Join(err, s.refresh())
	}
	return s.remark(map[bundle.Digest]mark{b.Digest: k})
}

// scrub reads blobs that nobody has read for a week, of the live bundle and of the one before, while no bundle comes.
func (s *Store) scrub(ctx context.Context) error {
	p := s.pointers()
	for _, d := range []bundle.Digest{p.Active, p.Previous} {
		if d == "" {
			continue
		}
		m, err := s.manifest(d)
		if err != nil {
			return err
		}
		for _, b := range m.Blobs {
			k, known, err := s.present(b, false)
			if now := s.cfg.Now(); err != nil || !known || now.Sub(k.Checked).Abs() < scrubAfter { // a clock may have leapt
				continue
			}
			if err := s.readAgain(ctx, b, s.gently(ctx)); err != nil {
				return err
			}
		}
	}
	return nil
}

// readAgain reads a blob that is believed to be whole from the disk. One that is not is taken off the screen.
func (s *Store) readAgain(ctx context.Context, b bundle.Blob, pause func(*os.File) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path := s.blobPath(b.Digest)
	was, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // collected, or missed already
	}
	whole := false
	if err == nil {
		forgetFile(path)
		whole, err = sameBytes(path, b.Digest, pause)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case whole:
		k := mark{Size: was.Size(), Changed: was.ModTime(), Checked: s.cfg.Now()}
		return s.update(func(tx *bbolt.Tx) error { return putRecord(tx, bucketBlobs, string(b.Digest), k) })
	}
	release, takeErr := s.take(ctx)
	if takeErr != nil {
		return takeErr
	}
	defer release()
	if now, again := os.Stat(path); again != nil || !os.SameFile(was, now) {
		return nil // collected or replaced meanwhile
	}
	return errors.Join(s.setAside(b, err), s.refresh())
}

// setAside takes a damaged blob out of use, so that it is fetched again: what of it is right need not come again. What
// cannot be read is removed: where it was nothing is to be written.
func (s *Store) setAside(b bundle.Blob, unreadable error) error {
	s.setBad(b.Digest, true)
	s.log.Warn("blob found damaged", "blob", b.Digest.Short(), "size", b.Size, "error", unreadable)
	path := s.blobPath(b.Digest)
	if unreadable == nil && unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, s.path("staging", string(b.Digest)), unix.RENAME_NOREPLACE) == nil {
		return nil
	}
	err := os.RemoveAll(path)
	s.wrote(err)
	if worn(err) {
		return nil // it is out of use all the same
	}
	return err
}

func (s *Store) isBad(d bundle.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad[d]
}

func (s *Store) setBad(d bundle.Digest, bad bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bad {
		s.bad[d] = true
	} else {
		delete(s.bad, d)
	}
}

// gently waits after each MiB, so that a reading stays below its pace, and while a bundle comes.
func (s *Store) gently(ctx context.Context) func(*os.File) error {
	return func(f *os.File) error {
		forget(f)
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second / (scrubPace >> 20)):
			}
			if len(s.underWay()) == 0 {
				return nil
			}
		}
	}
}

// forgetFile drops a file from the page cache, so that it is read from the disk.
func forgetFile(path string) {
	if f, err := os.Open(path); err == nil {
		forget(f)
		f.Close()
	}
}

// forget leaves the page cache to what is shown (posix_fadvise(2)); no harm is done where it cannot.
func forget(f *os.File) error {
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	return nil
}
