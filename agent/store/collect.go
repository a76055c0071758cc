package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"vitrine/agent/bundle"
)

// collect removes what neither the live bundle, nor the one before it, nor those on their way need. The caller holds
// the token. A manifest that cannot be read pins nothing, so then nothing is removed.
func (s *Store) collect() error {
	keep := map[string]bool{} // paths below the store, with slashes
	pin := func(m *bundle.Manifest, d bundle.Digest) {
		keep[d.ManifestPath()] = true
		for _, b := range m.Blobs {
			keep[b.Digest.BlobPath()] = true
			keep["staging/"+string(b.Digest)] = true
		}
	}
	p := s.pointers()
	for _, d := range []bundle.Digest{p.Active, p.Previous} {
		if d == "" {
			continue
		}
		m, err := s.manifest(d)
		if err != nil {
			return fmt.Errorf("nothing removed: %w", err)
		}
		pin(m, d)
	}
	for d, m := range s.underWay() {
		pin(m, d)
	}
	var errs []error
	n := 0
	for _, top := range []string{"b", "m", "staging"} {
		err := fs.WalkDir(os.DirFS(s.cfg.Dir), top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || keep[name] {
				return err
			}
			n++
			if strings.HasPrefix(name, "b/") {
				s.forget(path.Base(name))
			}
			return removeFile(s.path(name))
		})
		errs = append(errs, err)
	}
	if n > 0 {
		s.log.Info("garbage collected", "files", n)
	}
	return errors.Join(errs...)
}
