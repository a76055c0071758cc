package depot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// Touch implements Blobs.
func (f *Files) Touch(digest string) error {
	if !IsDigest(digest) {
		return nil
	}
	f.mu.Lock() // Sweep looks and removes in one piece
	defer f.mu.Unlock()
	now := time.Now()
	if err := os.Chtimes(f.path(digest), now, now); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("note that a blob is wanted: %w", err)
	}
	return nil
}

// Sweep implements Blobs. Whoever has a blob open reads it to its end.
func (f *Files) Sweep(ctx context.Context, before time.Time, keep func(string) bool) (blobs int, bytes int64, err error) {
	for i := range 256 {
		dir := filepath.Join(f.dir, fmt.Sprintf("%02x", i))
		names, err := os.ReadDir(dir)
		if err != nil {
			return blobs, bytes, fmt.Errorf("look for garbage: %w", err)
		}
		for _, n := range names {
			if err := ctx.Err(); err != nil {
				return blobs, bytes, err
			}
			if !IsDigest(n.Name()) || keep(n.Name()) {
				continue
			}
			size, err := f.drop(n.Name(), before)
			if err != nil {
				return blobs, bytes, err
			}
			if size >= 0 {
				blobs++
				bytes += size
			}
		}
	}
	return blobs, bytes, nil
}

// drop removes one that is old enough; -1 = it is not.
func (f *Files) drop(digest string, before time.Time) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, coming := f.writing[digest]; coming {
		return -1, nil
	}
	info, err := os.Stat(f.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("look at blob %s: %w", digest, err)
	}
	if !info.ModTime().Before(before) {
		return -1, nil
	}
	if err := os.Remove(f.path(digest)); err != nil {
		return -1, fmt.Errorf("remove blob %s: %w", digest, err)
	}
	return info.Size(), nil
}

// Collect removes the manifests that are no stream's head, that no player has by its last word (played) and that nobody has
// touched since before; then the blobs that no manifest names which is left, by the same measure. When one manifest cannot be
// read, nothing is removed: what it names is not known.
func (d *Depot) Collect(ctx context.Context, played map[string]bool, before time.Time) error {
	streams, err := each[api.Stream](d.cfg.Index, "stream/", "", 0)
	if err != nil {
		return err
	}
	heads := map[string]bool{}
	for _, s := range streams {
		heads[s.Head.Manifest] = true
	}
	if _, _, err := d.cfg.Manifests.Sweep(ctx, before, func(digest string) bool { return heads[digest] || played[digest] }); err != nil {
		return err
	}
	named := map[string]bool{}
	parcels, err := each[api.SignedParcel](d.cfg.Index, parcelPrefix, "", 0)
	if err != nil {
		return err
	}
	for _, p := range parcels {
		for _, b := range p.Blobs {
			named[b] = true
		}
	}
	var unread error
	// A sweep that keeps all is a walk through what is left.
	if _, _, err := d.cfg.Manifests.Sweep(ctx, before, func(digest string) bool {
		if err := d.names(digest, named); err != nil {
			unread = errors.Join(unread, err)
		}
		return true
	}); err != nil || unread != nil {
		return errors.Join(err, unread)
	}
	n, bytes, err := d.cfg.Blobs.Sweep(ctx, before, func(digest string) bool { return named[digest] })
	if n > 0 {
		d.cfg.Log.Info("garbage collected", "blobs", n, "bytes", bytes)
	}
	return err
}

// names notes the blobs of a manifest. Its signature was checked when it came; the keys may have changed since.
func (d *Depot) names(digest string, named map[string]bool) error {
	envelope, err := d.Manifest(digest)
	if err != nil {
		return fmt.Errorf("nothing removed: read manifest %s: %w", digest, err)
	}
	var e bundle.Envelope
	var m struct {
		Blobs []struct {
			Digest string `json:"sha256"`
		} `json:"blobs"`
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		return fmt.Errorf("nothing removed: manifest %s: %w", digest, err)
	}
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return fmt.Errorf("nothing removed: manifest %s: %w", digest, err)
	}
	for _, b := range m.Blobs {
		named[b.Digest] = true
	}
	return nil
}
