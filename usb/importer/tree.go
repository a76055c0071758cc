package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"sync/atomic"

	"vitrine/usb/seal"
)

// Format is what an index says that it is.
const Format = "vitrine-stick/1"

// Marker is a file of a stick that is being written; it goes last. Where there is no index yet, the stick is half.
const Marker = "writing.json"

// Writing is what the marker says.
type Writing struct {
	Format   string `json:"format"`             // "vitrine-stick/1"
	Manifest string `json:"manifest,omitempty"` // that is being written
}

// Limits of what is read of a stick beside blobs.
const (
	maxIndex    = 16 << 10
	maxRoot     = 64 << 10
	maxManifest = 8 << 20
	maxRoots    = 256
	maxWarning  = 2 << 20
	maxWarnings = 64
	maxParcels  = 64
	maxTicket   = 256 << 10
	partSize    = 1 << 30 // of a blob's part on FAT32, all but the last
)

// The errors that the caller decides on.
var (
	ErrNothing = errors.New("there is no bundle on this stick: it has no folder \"vitrine\" with a stick.json in it")
	ErrGone    = errors.New("the stick was pulled out before everything was copied: plug it in again, what was copied is kept")
	ErrHalf    = errors.New("the stick is half: whoever wrote it pulled it out before it was complete. Write it again with vitrine usb write, it goes on where it stopped")
	ErrDamaged = errors.New("is damaged: write the stick again")
	ErrMissing = errors.New("is not on the stick: write the stick again")
	ErrBudget  = errors.New("the stick gives more than may be read of one stick")
	ErrPlain   = errors.New("the public warning on this stick is a plain CAP file that nobody has signed, and a stick may be anybody's: write it with vitrine alert send FILE --stick")
)

// Index is vitrine/stick.json. It is unsigned and only says where to look: nothing in it is believed.
type Index struct {
	Format   string `json:"format"`   // "vitrine-stick/1"
	Manifest string `json:"manifest"` // SHA-256 of the envelope, 64 lower-case hexadecimal digits; "" = no bundle, only warnings or parcels
	Roots    int    `json:"roots"`    // root/1.json to root/<roots>.json are there
	// Warnings are the SHA-256 of signed public warnings, w/<sha256>.json, at most 64.
	Warnings []string `json:"warnings,omitempty"`
	// Parcels are names of files in parcels/, what a stick carries beside a bundle and warnings; at most 64.
	Parcels []string `json:"parcels,omitempty"`
	// Ticket is the SHA-256 of a ticket's envelope, t/<sha256>.json; "" = the stick has none.
	Ticket string `json:"ticket,omitempty"`
	// Sealed: the stick is encrypted. Manifest, Roots and Ticket are then those of an index that is sealed too.
	Sealed *Sealed `json:"sealed,omitempty"`
	// Report: whoever wrote the stick wants to be told how the import went, in results/ on the stick.
	Report bool `json:"report,omitempty"`
}

// Tree is the bundle on a mounted stick, in the shape of a store's origin.
type Tree struct {
	folder *folder
	anchor *file // stick.json stays open: reading it again shows whether the stick is still there
	index  Index
	left   atomic.Int64 // bytes that may still be read

	seal       *seal.Seal // of an encrypted stick that has been opened
	unfinished bool       // a newer bundle was being written when the stick was pulled out

	replies []Reply // to be written back
}

// Open opens the bundle on a stick mounted at dir, of which at most budget bytes are read. ErrNothing: there is none.
func Open(dir string, budget int64) (*Tree, error) {
	f, err := openFolder(dir, "vitrine")
	if errors.Is(err, ErrNothing) && plain(dir, ".") {
		return nil, ErrPlain
	}
	if err != nil {
		return nil, err
	}
	t := &Tree{folder: f}
	t.left.Store(budget)
	if t.anchor, err = f.open("stick.json"); err != nil {
		defer f.Close()
		if isAbsent(err) && (plain(dir, ".") || plain(dir, "vitrine")) {
			return nil, ErrPlain
		}
		if isAbsent(err) && f.has(Marker) {
			return nil, ErrHalf
		}
		if isAbsent(err) {
			return nil, ErrNothing
		}
		return nil, fmt.Errorf("open stick.json: %w", err)
	}
	t.unfinished = f.has(Marker)
	if err := t.readIndex(); err != nil {
		if t.unfinished && !errors.Is(err, ErrGone) {
			err = ErrHalf // the cut came while the index was replaced
		}
		t.Close()
		return nil, fmt.Errorf("stick.json: %w", err)
	}
	return t, nil
}

// readIndex parses stick.json.
func (t *Tree) readIndex() error {
	raw, err := limited(&reader{ctx: context.Background(), tree: t, file: t.anchor}, maxIndex)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&t.index); err != nil {
		return fmt.Errorf("it is not the JSON that a stick's index is: %w. Write the stick again", err)
	}
	switch {
	case t.index.Format != Format:
		return fmt.Errorf("its format is %q and this player reads \"vitrine-stick/1\": update the player", t.index.Format)
	case len(t.index.Warnings) > maxWarnings:
		return fmt.Errorf("it counts %d public warnings; %d are the most: write the stick again", len(t.index.Warnings), maxWarnings)
	case t.index.Ticket != "" && !isDigest(t.index.Ticket):
		return fmt.Errorf("its ticket is %q, which is no SHA-256: write the stick again", t.index.Ticket)
	case len(t.index.Parcels) > maxParcels:
		return fmt.Errorf("it counts %d parcels; %d are the most: write the stick again", len(t.index.Parcels), maxParcels)
	case t.index.Sealed != nil:
		return t.index.Sealed.check()
	case t.index.Manifest == "" && len(t.index.Warnings)+len(t.index.Parcels) > 0:
	case !isDigest(t.index.Manifest):
		return fmt.Errorf("its manifest is %q, which is no SHA-256: write the stick again", t.index.Manifest)
	}
	switch {
	case t.index.Roots < 1 || t.index.Roots > maxRoots:
		return fmt.Errorf("it counts %d roots; there are 1 to %d: write the stick again", t.index.Roots, maxRoots)
	}
	return nil
}

// Unfinished says that whoever wrote the stick did not get to its end: what the index names is what was on it before.
func (t *Tree) Unfinished() bool { return t.unfinished }

// Ticket reads the ticket's envelope, whose signature is not looked at here; nil = the stick has none.
func (t *Tree) Ticket(ctx context.Context) ([]byte, error) {
	if t.index.Ticket == "" {
		return nil, nil
	}
	return t.named(ctx, path.Join("t", t.index.Ticket+".json"), t.index.Ticket, maxTicket)
}

// Index is what stick.json says.
func (t *Tree) Index() Index { return t.index }

// Close lets go of the stick.
func (t *Tree) Close() error { return errors.Join(t.anchor.Close(), t.folder.Close()) }

// Roots reads the chain of root envelopes, from 1.
func (t *Tree) Roots(ctx context.Context) ([][]byte, error) {
	if t.Sealed() {
		return nil, seal.ErrShut
	}
	chain := make([][]byte, 0, t.index.Roots)
	for n := 1; n <= t.index.Roots; n++ {
		raw, err := t.read(ctx, t.path(path.Join("root", strconv.Itoa(n)+".json")), maxRoot)
		if err != nil {
			return nil, err
		}
		chain = append(chain, raw)
	}
	return chain, nil
}

// Warnings reads the signed public warnings, whose signatures are not looked at here, and says which could not be read.
func (t *Tree) Warnings(ctx context.Context) (envelopes [][]byte, faults error) {
	for _, digest := range t.index.Warnings {
		if !isDigest(digest) {
			faults = errors.Join(faults, fmt.Errorf("%.80q, which the stick names as a public warning, is no SHA-256: write the stick again", digest))
			continue
		}
		raw, err := t.read(ctx, path.Join("w", digest+".json"), maxWarning)
		if errors.Is(err, ErrGone) || errors.Is(err, ErrBudget) || ctx.Err() != nil {
			return envelopes, errors.Join(faults, err)
		}
		if sum := sha256.Sum256(raw); err == nil && hex.EncodeToString(sum[:]) != digest {
			err = fmt.Errorf("w/%s.json on the stick %w", digest, ErrDamaged)
		}
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		envelopes = append(envelopes, raw)
	}
	return envelopes, faults
}

// plain says whether a person has put a CAP file on the stick as it is, under one of the names that people give it.
func plain(dir, name string) bool {
	f, err := openFolder(dir, name)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, n := range []string{"alert.xml", "alerte.xml", "cap.xml", "warning.xml"} {
		if file, err := f.open(n); err == nil {
			file.Close()
			return true
		}
	}
	return false
}

// Manifest reads the envelope that the index names, and fails if its bytes are not those that the name stands for.
func (t *Tree) Manifest(ctx context.Context) ([]byte, error) {
	if t.Sealed() {
		return nil, seal.ErrShut
	}
	if t.index.Manifest == "" {
		return nil, ErrNothing
	}
	return t.named(ctx, path.Join("m", t.index.Manifest+".json"), t.index.Manifest, maxManifest)
}

// named reads a file whose bytes have a digest.
func (t *Tree) named(ctx context.Context, name, digest string, limit int64) ([]byte, error) {
	raw, err := t.read(ctx, t.path(name), limit)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("%s on the stick %w", name, ErrDamaged)
	}
	return raw, nil
}

// Blob reads a blob from a byte on, whether it is one file or parts of 1 GiB. Nothing is verified here. The reader fails
// with ErrGone once the stick is pulled, with ErrBudget once too much was read, and with ctx's error once that ends.
func (t *Tree) Blob(ctx context.Context, digest string, from int64) (io.ReadCloser, error) {
	if !isDigest(digest) {
		return nil, fmt.Errorf("%q is no SHA-256", digest)
	}
	if from < 0 {
		return nil, fmt.Errorf("a blob begins at byte 0, not at %d", from)
	}
	name := t.path(path.Join("b", digest[:2], digest))
	if t.seal != nil {
		return t.sealedBlob(ctx, name, from)
	}
	f, err := t.open(name)
	if err == nil {
		return &reader{ctx: ctx, tree: t, file: f, at: from}, nil
	}
	if !isAbsent(err) {
		return nil, err
	}
	part := int(from / partSize)
	first, partErr := t.open(partName(name, part))
	if partErr != nil {
		if isAbsent(partErr) {
			return nil, err
		}
		return nil, partErr
	}
	return &reader{ctx: ctx, tree: t, file: first, at: from % partSize, parts: name, part: part}, nil
}

// read reads a small file whole.
func (t *Tree) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, tree: t, file: f}
	defer r.Close()
	raw, err := t.opened(r, name, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return raw, nil
}

// open opens a file of the tree. After a pull vFAT says of every file that there is none such: which of the two it was, the
// anchor tells.
func (t *Tree) open(name string) (*file, error) {
	f, err := t.folder.open(name)
	switch {
	case err == nil:
		return f, nil
	case isGone(err), isAbsent(err) && !t.anchor.alive():
		return nil, ErrGone
	case isAbsent(err):
		return nil, fmt.Errorf("%s %w: %w", name, ErrMissing, err)
	}
	return nil, fmt.Errorf("open %s on the stick: %w", name, err)
}

// reader reads one file, or the parts of one blob in turn.
type reader struct {
	ctx   context.Context
	tree  *Tree
	file  *file
	at    int64  // offset in file
	parts string // the blob's name, if it is in parts
	part  int    // which of them file is
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, context.Cause(r.ctx)
		}
		n, err := r.file.ReadAt(p[:min(len(p), 1<<20)], r.at)
		r.at += int64(n)
		if r.tree.left.Add(-int64(n)) < 0 {
			return 0, ErrBudget
		}
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case err == nil, errors.Is(err, io.EOF):
			if r.parts == "" || r.at != partSize {
				return 0, io.EOF
			}
			if err := r.next(); err != nil {
				return 0, err
			}
		case isGone(err):
			return 0, ErrGone
		default:
			return 0, fmt.Errorf("read the stick: %w", err)
		}
	}
}

// next goes on with the next part; a whole last part is followed by none.
func (r *reader) next() error {
	f, err := r.tree.open(partName(r.parts, r.part+1))
	if isAbsent(err) {
		return io.EOF
	}
	if err != nil {
		return err
	}
	_ = r.file.Close() // it was only read
	r.file, r.at = f, 0
	r.part++
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.file.Close() }

// partName is the name of the n-th part of a blob.
func partName(name string, n int) string { return fmt.Sprintf("%s.%03d", name, n) }

// limited reads all of r, and refuses more than limit bytes.
func limited(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return raw, nil
}

// isDigest says whether s is a SHA-256 as Vitrine writes it.
func isDigest(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
