// Package writer puts what a player reads onto a stick, so that a pull at any instant leaves a stick that is as it was, or
// new, or says that it is half.
//
//	Load: files by name ──Plan──> what is missing, does it fit ──> copy ──> read back from the stick itself ──> index ──> prune
//	                                    │                                        │ wrong: once more          │
//	                                    └── writing.json: "half" ────────────────┴───────────────────────────┘ goes
//
// Files have the names that their content gives them, so nothing that the old index names is written over; the index is
// replaced last. What is there and right is not written again, and a file that was begun goes on. Nothing counts as written
// until it was read back with the kernel's cache out of the way.
package writer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/usb/importer"
	"vitrine/usb/seal"
)

// folder is where everything is on a stick.
const folder = "vitrine"

// File is one file of a stick.
type File struct {
	Name string // below vitrine/: "b/ab/abcd…"
	Size int64  // bytes on the stick
	// Open gives the bytes; where the reader can seek, a file that was begun goes on.
	Open func() (io.ReadCloser, error)
	// Whole: the bytes are others each time, so that a file that was begun is begun anew.
	Whole bool
	// Check reads the file back and says whether it is right.
	Check func(io.Reader) error
}

// Plain is a file whose bytes on the stick are those of the digest, a SHA-256 in hexadecimal.
func Plain(name string, size int64, digest string, open func() (io.ReadCloser, error)) File {
	return File{Name: name, Size: size, Open: open, Check: func(r io.Reader) error {
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		if hex.EncodeToString(h.Sum(nil)) != digest {
			return errWrong
		}
		return nil
	}}
}

// Sealed is a file that lies encrypted on the stick, under the name that its seal gives it.
func Sealed(f File, s *seal.Seal) File {
	return File{Name: s.Path(f.Name), Size: s.Size(f.Size), Whole: true,
		Open: func() (io.ReadCloser, error) {
			from, err := f.Open()
			if err != nil {
				return nil, err
			}
			r, err := s.Encrypt(from)
			if err != nil {
				return nil, errors.Join(err, from.Close())
			}
			return struct {
				io.Reader
				io.Closer
			}{r, from}, nil
		},
		Check: func(r io.Reader) error {
			answered := &asking{Reader: r}
			plain, err := s.Decrypt(answered)
			if err == nil {
				err = f.Check(plain)
			}
			if err == nil || answered.err != nil {
				return errors.Join(err, answered.err)
			}
			return errWrong
		}}
}

// asking keeps what a stick answers when it cannot be read.
type asking struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (a *asking) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}

// errWrong means that the stick gives other bytes than were written.
var errWrong = errors.New("it reads otherwise than it was written")

// Config says what goes where.
type Config struct {
	Dir   string // where the stick is mounted, or any folder
	Files []File // all that the index leads to, in the order in which they are written
	Index importer.Index
	// First is the first root's envelope: a stick of another publisher's is not written over. nil = whoever's it is.
	First []byte
	// Prune removes what the new index does not lead to: afterwards, or first where there is no room for both, and then a
	// pull meanwhile leaves a stick that says that it is half.
	Prune    bool
	Progress func(Progress) // may be nil
	Part     int64          // bytes of a part on FAT; 0 is 1 GiB, which players read
	step     func()         // hears of each change, for tests
}

// Progress is how far a stick is.
type Progress struct {
	Phase string        `json:"phase"` // "looking", "writing", "verifying", "done"
	Done  int64         `json:"done"`  // bytes of this phase
	Total int64         `json:"total"`
	Rate  float64       `json:"rate"` // bytes a second, of the last seconds
	Left  time.Duration `json:"left"` // nanoseconds until the phase ends; 0 = not known
}

// Report is what was done.
type Report struct {
	Filesystem string `json:"filesystem"` // "vfat", "exfat", "ext4", or what else it is
	Written    int64  `json:"written"`    // bytes
	Kept       int64  `json:"kept"`       // bytes that were there and right
	Repaired   int    `json:"repaired"`   // files that were there and wrong, or came wrong the first time
	Removed    int    `json:"removed"`    // files
	Free       int64  `json:"free"`       // bytes, afterwards
}

// Write writes a stick. After an error it can be called again, and goes on.
func Write(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Part <= 0 {
		cfg.Part = 1 << 30
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.step == nil {
		cfg.step = func() {}
	}
	v, err := look(cfg.Dir)
	if err != nil {
		return Report{}, err
	}
	root, err := open(cfg.Dir)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	release, err := alone(root)
	if err != nil {
		return Report{}, err
	}
	defer release()
	j := &job{cfg: cfg, ctx: ctx, volume: v, root: root}
	j.report.Filesystem = v.kind
	err = j.run()
	if free, freeErr := v.free(); freeErr == nil {
		j.report.Free = free
	}
	return j.report, err
}

// open makes vitrine/ on the stick and opens it: no name leads out of it any more.
func open(dir string) (*os.Root, error) {
	if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("write the stick: %w", err)
	}
	top, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("write the stick: %w", err)
	}
	defer top.Close()
	if st, err := top.Lstat(folder); err != nil || !st.IsDir() {
		return nil, errors.Join(err, fmt.Errorf("%s on the stick is no folder: use an empty stick", folder))
	}
	root, err := top.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("write the stick: %w", err)
	}
	return root, nil
}

// alone keeps a second writer away.
func alone(root *os.Root) (release func(), err error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("write the stick: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(errors.New("another program is writing this stick: wait until it has ended"), f.Close())
	}
	return func() { f.Close() }, nil // which lets go of the lock; a file system that has none is written all the same
}

// job is one Write.
type job struct {
	cfg    Config
	ctx    context.Context
	volume *volume
	root   *os.Root
	report Report
	meter  meter
	fresh  map[string]bool // files that this job has written
}

func (j *job) run() error {
	old, err := j.readIndex()
	if err != nil {
		return err
	}
	if err := j.sameOwner(); err != nil {
		return err
	}
	if old != nil { // what lies beside the bundle stays, unless this brings its own
		if j.cfg.Index.Warnings == nil {
			j.cfg.Index.Warnings = old.Warnings
		}
		if j.cfg.Index.Parcels == nil {
			j.cfg.Index.Parcels = old.Parcels
		}
	}
	missing, err := j.room(old)
	if err != nil {
		return err
	}
	if missing > 0 || old == nil || !same(*old, j.cfg.Index) {
		if err := j.mark(); err != nil {
			return err
		}
	}
	if err := j.copyAll(missing); err != nil {
		return j.half(err)
	}
	if err := j.verifyAll(); err != nil {
		return j.half(err)
	}
	if err := j.publish(); err != nil {
		return j.half(err)
	}
	if j.cfg.Prune {
		if err := j.prune(j.wanted(nil)); err != nil {
			return fmt.Errorf("the stick is written; what is old could not be removed: %w", err)
		}
	}
	j.cfg.Progress(Progress{Phase: "done", Done: j.report.Written, Total: j.report.Written})
	return nil
}

// half says what a stick is after a write that did not end.
func (j *job) half(err error) error {
	if _, old := j.root.Lstat(indexFile); old == nil {
		return fmt.Errorf("%w. The stick still carries what it did before; write it again, it goes on where it stopped", err)
	}
	return fmt.Errorf("%w. The stick is half, and says so to a player; write it again, it goes on where it stopped", err)
}

// room says how many bytes are to be written, and refuses when they do not fit. With Prune it makes room first.
func (j *job) room(old *importer.Index) (missing int64, err error) {
	need, missing, err := j.missing()
	if err != nil {
		return 0, err
	}
	free, err := j.volume.free()
	if err != nil || need <= free {
		return missing, err
	}
	removable, err := j.removable(j.wanted(nil))
	if err != nil {
		return 0, err
	}
	switch {
	case need > free+removable:
		return 0, fmt.Errorf("the stick has %s free and %s more are needed: use a larger one, or remove what else is on it", sizeText(free), sizeText(need))
	case !j.cfg.Prune:
		return 0, fmt.Errorf("the stick has %s free and %s more are needed; --prune removes what an earlier bundle left there, %s", sizeText(free), sizeText(need), sizeText(removable))
	}
	// There is no room for both: from here on the stick is half until all is there.
	if err := j.mark(); err != nil {
		return 0, err
	}
	if old != nil {
		if err := j.remove(indexFile); err != nil {
			return 0, err
		}
		if err := j.volume.sync(); err != nil {
			return 0, err
		}
	}
	return missing, j.prune(j.wanted(nil))
}

// missing is what is not there yet, in bytes of the stick's clusters and in bytes of files.
func (j *job) missing() (clusters, bytes int64, err error) {
	folders := map[string]bool{}
	for _, f := range j.cfg.Files {
		if dir := path.Dir(f.Name); !folders[dir] {
			folders[dir] = true
			if _, err := j.root.Lstat(dir); err != nil {
				clusters += j.volume.cluster
			}
		}
		for _, p := range j.pieces(f) {
			bytes += p.size - p.start(j.root, f.Whole)
			clusters += j.volume.round(p.size) - j.volume.round(p.has(j.root))
		}
	}
	const spare = 2 << 20 // for the index, the marker, and the folders' growth
	if bytes > 0 {
		clusters += spare
	}
	return clusters, bytes, j.ctx.Err()
}

// sameOwner refuses the stick of another publisher.
func (j *job) sameOwner() error {
	if j.cfg.First == nil {
		return nil
	}
	was, err := j.readSmall("root/1.json")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && string(was) != string(j.cfg.First) && len(was) > 0 {
		err = errors.New("the stick belongs to another publisher (its root/1.json is another one): use an empty stick")
	}
	return err
}

func sizeText(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
	}
	return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20)
}
