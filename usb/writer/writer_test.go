package writer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/usb/importer"
	"vitrine/usb/sticktest"
	"vitrine/usb/writer"
)

// content is what a stick is to carry: a manifest and blobs, whose bytes only have to be told apart here.
type content struct {
	root, manifest []byte
	blobs          [][]byte
}

// version makes content with blobs of these sizes; the same seed gives the same blob.
func version(n int, blobs ...blob) content {
	c := content{root: []byte("root 1"), manifest: fmt.Appendf(nil, `{"payload":"%d"}`, n)}
	for _, b := range blobs {
		bytes := make([]byte, b.size)
		r := rand.New(rand.NewPCG(uint64(b.seed), 1))
		for i := range bytes {
			bytes[i] = byte(r.Uint32())
		}
		c.blobs = append(c.blobs, bytes)
	}
	return c
}

type blob struct{ seed, size int }

func digest(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

func blobPath(b []byte) string { d := digest(b); return "b/" + d[:2] + "/" + d }

func (c content) config(dir string) writer.Config {
	cfg := writer.Config{Dir: dir, First: c.root, Index: importer.Index{Format: importer.Format, Manifest: digest(c.manifest), Roots: 1}}
	add := func(name string, b []byte) {
		cfg.Files = append(cfg.Files, writer.Plain(name, int64(len(b)), digest(b), func() (io.ReadCloser, error) { return seekable{bytes.NewReader(b)}, nil }))
	}
	add("root/1.json", c.root)
	add("m/"+digest(c.manifest)+".json", c.manifest)
	for _, b := range c.blobs {
		add(blobPath(b), b)
	}
	return cfg
}

type seekable struct{ *bytes.Reader }

func (seekable) Close() error { return nil }

// is reads a stick as a player does, and says what is wrong with it as content c.
func (c content) is(ctx context.Context, dir string) error {
	tree, err := importer.Open(dir, 1<<40)
	if err != nil {
		return err
	}
	defer tree.Close()
	if m, err := tree.Manifest(ctx); err != nil || !bytes.Equal(m, c.manifest) {
		return fmt.Errorf("manifest %.40q, %w", m, errors.Join(err, errOther))
	}
	if r, err := tree.Roots(ctx); err != nil || len(r) != 1 || !bytes.Equal(r[0], c.root) {
		return fmt.Errorf("roots %.40q, %w", r, errors.Join(err, errOther))
	}
	for i, want := range c.blobs {
		r, err := tree.Blob(ctx, digest(want), 0)
		if err != nil {
			return fmt.Errorf("blob %d: %w", i, err)
		}
		got, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("blob %d: %d bytes, %w", i, len(got), errors.Join(err, errOther))
		}
	}
	return nil
}

var errOther = errors.New("other bytes")

// everywhere runs a test in a folder and on each real file system.
func everywhere(t *testing.T, size int64, test func(t *testing.T, dir string)) {
	t.Run("a folder", func(t *testing.T) { test(t, t.TempDir()) })
	for _, kind := range sticktest.Kinds() {
		t.Run(kind, func(t *testing.T) { test(t, sticktest.Make(t, kind, size).Mount(true)) })
	}
}

func write(t *testing.T, cfg writer.Config) writer.Report {
	t.Helper()
	r, err := writer.Write(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAStickIsWrittenOnceAndOnlyTheChangeAfterwards(t *testing.T) {
	everywhere(t, 64<<20, func(t *testing.T, dir string) {
		old, next := version(1, blob{1, 3 << 20}, blob{2, 70_001}, blob{3, 1}), version(2, blob{1, 3 << 20}, blob{4, 50_000}, blob{3, 1})
		if r := write(t, old.config(dir)); r.Kept != 0 || r.Written < 3<<20 || r.Repaired != 0 {
			t.Errorf("the first time: %+v", r)
		}
		if err := old.is(t.Context(), dir); err != nil {
			t.Error(err)
		}
		if r := write(t, old.config(dir)); r.Written != 0 || r.Kept < 3<<20 || r.Removed != 0 {
			t.Errorf("the same again: %+v", r)
		}
		if r := write(t, next.config(dir)); r.Written != int64(50_000+len(next.manifest)) {
			t.Errorf("a change of 50,000 bytes: %+v", r)
		}
		if err := next.is(t.Context(), dir); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "vitrine", blobPath(old.blobs[1]))); err != nil {
			t.Errorf("what was there before: %v", err)
		}
		cfg := next.config(dir)
		cfg.Prune = true
		if r := write(t, cfg); r.Removed != 2 {
			t.Errorf("with prune: %+v, want the old manifest and the old blob removed", r)
		}
		if err := next.is(t.Context(), dir); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatReadsOtherwiseThanWrittenIsWrittenAgain(t *testing.T) {
	everywhere(t, 64<<20, func(t *testing.T, dir string) {
		c := version(1, blob{1, 2 << 20}, blob{2, 9})
		write(t, c.config(dir))
		path := filepath.Join(dir, "vitrine", blobPath(c.blobs[0]))
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt([]byte("rot"), 1<<20)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if r := write(t, c.config(dir)); r.Repaired != 1 || r.Written != 2<<20 {
			t.Errorf("%+v", r)
		}
		if err := c.is(t.Context(), dir); err != nil {
			t.Error(err)
		}
	})
}

func TestABundleThatIsDamagedIsNotPutOntoAStick(t *testing.T) {
	dir, c := t.TempDir(), version(1, blob{1, 100_000})
	cfg := c.config(dir)
	last := &cfg.Files[len(cfg.Files)-1]
	spoilt := bytes.Clone(c.blobs[0])
	spoilt[5]++
	last.Open = func() (io.ReadCloser, error) { return seekable{bytes.NewReader(spoilt)}, nil }
	if _, err := writer.Write(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "bundle is damaged") {
		t.Errorf("got %v", err)
	}
	if _, err := importer.Open(dir, 1<<20); !errors.Is(err, importer.ErrHalf) {
		t.Errorf("the stick is %v, want half", err)
	}
}

// A write that ends at any of its steps leaves the old content readable to its last byte; the next one goes on.
func TestAWriteThatEndsAnywhereLeavesTheOldStickAndGoesOn(t *testing.T) {
	old, next := version(1, blob{1, 1 << 20}), version(2, blob{2, 20 << 20}, blob{3, 5})
	for _, first := range []bool{false, true} {
		dir := t.TempDir()
		if !first {
			write(t, old.config(dir))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cfg := next.config(dir)
		slow := &cfg.Files[2]
		open := slow.Open
		slow.Open = func() (io.ReadCloser, error) {
			r, err := open()
			return &ender{ReadCloser: r, left: 12 << 20, end: cancel}, err
		}
		_, err := writer.Write(ctx, cfg)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "goes on where it stopped") {
			t.Fatalf("got %v", err)
		}
		if err := old.is(t.Context(), dir); first && !errors.Is(err, importer.ErrHalf) || !first && err != nil {
			t.Errorf("new stick: %v; it is %v", first, err)
		}
		if r := write(t, next.config(dir)); r.Written > 17<<20 {
			t.Errorf("it did not go on: %+v", r)
		}
		if err := next.is(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
}

// ender ends a write in the middle of a file.
type ender struct {
	io.ReadCloser
	left int
	end  func()
}

func (e *ender) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if e.left -= n; e.left < 0 {
		e.end()
	}
	return n, err
}

func (e *ender) Seek(to int64, whence int) (int64, error) {
	return e.ReadCloser.(io.Seeker).Seek(to, whence)
}

// The image is copied at every step as a pull would leave it: what the stick has, without what the kernel still holds.
func TestAPullAtAnyInstantLeavesTheOldTheNewOrHalfAStick(t *testing.T) {
	for _, kind := range sticktest.Kinds() {
		for _, blank := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, blank %v", kind, blank), func(t *testing.T) {
				old, next := version(1, blob{1, 300_000}, blob{2, 5}), version(2, blob{1, 300_000}, blob{3, 2 << 20}, blob{4, 7})
				s := sticktest.Make(t, kind, 40<<20)
				dir := s.Mount(true)
				if !blank {
					write(t, old.config(dir))
				}
				var images []string
				snap := func() {
					to := filepath.Join(t.TempDir(), fmt.Sprintf("cut-%d.img", len(images)))
					b, err := os.ReadFile(s.Image)
					for again := []byte(nil); err == nil && !bytes.Equal(b, again); { // the kernel may be writing
						again, b = b, nil
						b, err = os.ReadFile(s.Image)
					}
					if err == nil {
						err = os.WriteFile(to, b, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
					images = append(images, to)
				}
				cfg := next.config(dir)
				cfg.Prune = true
				write(t, writer.Stepping(cfg, snap))
				snap()
				counts := map[string]int{}
				for i, image := range images {
					counts[state(t, kind, image, old, next, blank)]++
					if last := i == len(images)-1; last && counts["new"] == 0 {
						t.Error("at its end it is not new")
					}
				}
				t.Logf("%d cuts: %v", len(images), counts)
				if counts["new"] == 0 || counts["old"]+counts["half"]+counts["empty"] == 0 {
					t.Errorf("cuts came at no telling instant: %v", counts)
				}
			})
		}
	}
}

// state says what a player makes of an image.
func state(t *testing.T, kind, image string, old, next content, blank bool) string {
	t.Helper()
	s := sticktest.Adopt(t, kind, image)
	defer s.Unplug()
	dir := s.Mount(true) // ext4 takes its journal; a player's UDisks2 does the same before it mounts read-only
	isOld, isNew := old.is(t.Context(), dir), next.is(t.Context(), dir)
	switch {
	case isNew == nil:
		return "new"
	case isOld == nil:
		return "old"
	case blank && errors.Is(isNew, importer.ErrHalf):
		return "half"
	case blank && errors.Is(isNew, importer.ErrNothing):
		return "empty"
	}
	t.Errorf("a cut left a stick that is neither: as old %v; as new %v", isOld, isNew)
	return "wrong"
}

func TestAStickThatIsTooSmallIsRefusedOrMadeRoomOn(t *testing.T) {
	for _, kind := range sticktest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s := sticktest.Make(t, kind, 64<<20)
			dir := s.Mount(true)
			old, next := version(1, blob{1, 33 << 20}), version(2, blob{2, 33 << 20})
			write(t, old.config(dir))
			if _, err := writer.Write(t.Context(), next.config(dir)); err == nil || !strings.Contains(err.Error(), "--prune removes") {
				t.Fatalf("got %v", err)
			}
			if err := old.is(t.Context(), dir); err != nil {
				t.Errorf("after the refusal: %v", err)
			}
			cfg := next.config(dir)
			cfg.Prune = true
			ctx, cancel := context.WithCancel(t.Context())
			file := &cfg.Files[2]
			open := file.Open
			file.Open = func() (io.ReadCloser, error) {
				r, err := open()
				return &ender{ReadCloser: r, left: 12 << 20, end: cancel}, err
			}
			if _, err := writer.Write(ctx, cfg); err == nil || !strings.Contains(err.Error(), "is half, and says so") {
				t.Fatalf("got %v", err)
			}
			if err := old.is(t.Context(), dir); !errors.Is(err, importer.ErrHalf) {
				t.Errorf("the stick is %v, want half", err)
			}
			file.Open = open
			write(t, cfg)
			if err := next.is(t.Context(), dir); err != nil {
				t.Error(err)
			}
			huge := version(3, blob{5, 1})
			big := huge.config(dir)
			big.Files[2].Size = 1 << 40
			if _, err := writer.Write(t.Context(), big); err == nil || !strings.Contains(err.Error(), "use a larger one") {
				t.Errorf("a bundle of 1 TiB: %v", err)
			}
		})
	}
}

func TestTheStickOfAnotherPublisherIsNotWrittenOver(t *testing.T) {
	dir, mine, theirs := t.TempDir(), version(1, blob{1, 9}), version(2, blob{2, 9})
	theirs.root = []byte("another root")
	write(t, theirs.config(dir))
	if _, err := writer.Write(t.Context(), mine.config(dir)); err == nil || !strings.Contains(err.Error(), "another publisher") {
		t.Errorf("got %v", err)
	}
	if err := theirs.is(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	dir, c := t.TempDir(), version(1, blob{1, 9})
	cfg := c.config(dir)
	cfg.Progress = func(p writer.Progress) {
		if p.Phase != "writing" || p.Done > 0 {
			return
		}
		if _, err := writer.Write(t.Context(), c.config(dir)); err == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("a second writer: %v", err)
		}
	}
	write(t, cfg)
}

func TestNothingIsWrittenBesideTheStick(t *testing.T) {
	outside := t.TempDir()
	c := version(1, blob{1, 9})
	for name, spoil := range map[string]func(dir string) error{
		"the folder is a link": func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "vitrine")) },
		"a folder in it is a link": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "vitrine"), 0o755), os.Symlink(outside, filepath.Join(dir, "vitrine", "b")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Write(t.Context(), c.config(dir)); err == nil {
				t.Error("it was written")
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("outside are %v, %v", left, err)
			}
		})
	}
}

func TestAFileOnFATIsPartsAndIsReadAsOne(t *testing.T) {
	s := sticktest.Make(t, "vfat", 64<<20)
	dir := s.Mount(true)
	c := version(1, blob{1, 5<<20 + 3})
	cfg := c.config(dir)
	cfg.Part = 2 << 20
	write(t, cfg)
	for n, size := range []int64{2 << 20, 2 << 20, 1<<20 + 3} {
		st, err := os.Stat(filepath.Join(dir, "vitrine", fmt.Sprintf("%s.%03d", blobPath(c.blobs[0]), n)))
		if err != nil || st.Size() != size {
			t.Errorf("part %d: %v, %v", n, st, err)
		}
	}
	if r := write(t, cfg); r.Written != 0 {
		t.Errorf("the same again: %+v", r)
	}
}
