package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/hashicorp/go-memdb"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// Live is what a player has, at one instant. It does not change.
type Live struct {
	Digest   bundle.Digest    // of the manifest; "" = no bundle
	Manifest *bundle.Manifest // nil = no bundle
	Settings api.Settings
	Missing  []string // scenes of which a file is not here or not whole, sorted
	Damaged  bool     // a file of the bundle is to be fetched again
	// NoWayBack says that a file of the bundle before is to be fetched again: going back would not show all of it.
	NoWayBack bool

	store *Store
}

// Path is where a file of the bundle ("media/a.mp4") is on the disk; false when it is not here or not whole.
func (l *Live) Path(name string) (string, bool) {
	if l.Manifest == nil {
		return "", false
	}
	d, ok := l.Manifest.Files[name]
	if !ok {
		return "", false
	}
	b, ok := l.Manifest.Blob(d)
	if !ok {
		return "", false
	}
	_, whole, err := l.store.present(b, false)
	return l.store.blobPath(d), err == nil && whole
}

// Pointer names the live bundle as the relay wants it; nil without one.
func (l *Live) Pointer() *api.Pointer {
	if l.Manifest == nil {
		return nil
	}
	return &api.Pointer{Stream: l.Manifest.Stream, Seq: l.Manifest.Seq, Manifest: string(l.Digest), Root: l.Manifest.Root}
}

// The live view's tables: one row says what is live, one row a scene says whether it can be shown.
const (
	tableLive  = "live"
	tableScene = "scene"
)

type liveRow struct {
	ID   string
	Live *Live
}

type sceneRow struct {
	ID    string
	Whole bool
}

func liveSchema() *memdb.DBSchema {
	table := func(name string) *memdb.TableSchema {
		return &memdb.TableSchema{Name: name, Indexes: map[string]*memdb.IndexSchema{
			"id": {Name: "id", Unique: true, Indexer: &memdb.StringFieldIndex{Field: "ID"}},
		}}
	}
	return &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{tableLive: table(tableLive), tableScene: table(tableScene)}}
}

// Live gives what the player has now, and a channel that is closed when that is no longer so.
func (s *Store) Live() (*Live, <-chan struct{}) {
	tx := s.mem.Txn(false)
	defer tx.Abort()
	changed, row, err := tx.FirstWatch(tableLive, "id", tableLive)
	if err != nil || row == nil {
		return &Live{store: s}, changed
	}
	l := *row.(*liveRow).Live
	if rows, err := tx.Get(tableScene, "id"); err == nil {
		for r := rows.Next(); r != nil; r = rows.Next() {
			if r := r.(*sceneRow); !r.Whole {
				l.Missing = append(l.Missing, r.ID)
			}
		}
	}
	return &l, changed
}

// refresh fills the live view from the disk. The bundle before stands in when the live one's manifest is damaged.
func (s *Store) refresh() error {
	tx := s.mem.Txn(true) // before reading, so that an older view never replaces a newer one
	defer tx.Abort()
	p := s.pointers()
	l := &Live{store: s}
	for _, d := range []bundle.Digest{p.Active, p.Previous} {
		if d == "" {
			continue
		}
		m, err := s.manifest(d)
		if err == nil {
			l.Digest, l.Manifest = d, m
			break
		}
		s.log.Warn("bundle not readable", "manifest", d.Short(), "error", err)
	}
	l.NoWayBack = l.Digest == p.Active && p.Previous != "" && !s.wholeBefore(p.Previous)
	var err error
	if l.Settings, err = s.Settings(); err != nil {
		s.log.Warn("settings not read", "error", err)
	}
	if _, err := tx.DeleteAll(tableScene, "id"); err != nil {
		return fmt.Errorf("renew the live view: %w", err)
	}
	if l.Manifest != nil {
		gone := s.gone(l.Manifest)
		l.Damaged = len(gone) > 0
		for _, name := range slices.Sorted(maps.Keys(l.Manifest.Scenes)) {
			whole := !slices.ContainsFunc(l.Manifest.SceneFiles(name), func(d bundle.Digest) bool { return gone[d] })
			if err := tx.Insert(tableScene, &sceneRow{ID: name, Whole: whole}); err != nil {
				return fmt.Errorf("renew the live view: %w", err)
			}
		}
	}
	if err := tx.Insert(tableLive, &liveRow{ID: tableLive, Live: l}); err != nil {
		return fmt.Errorf("renew the live view: %w", err)
	}
	tx.Commit()
	return nil
}

// gone lists the blobs of a manifest that are not here or not known to be whole.
func (s *Store) gone(m *bundle.Manifest) map[bundle.Digest]bool {
	gone := map[bundle.Digest]bool{}
	for _, b := range m.Blobs {
		if _, whole, err := s.present(b, false); err != nil || !whole {
			gone[b.Digest] = true
		}
	}
	return gone
}

// wholeBefore says whether the bundle before the live one is known to be whole.
func (s *Store) wholeBefore(d bundle.Digest) bool {
	m, err := s.manifest(d)
	return err == nil && len(s.gone(m)) == 0
}

// Disk says how many bytes are free below the store.
func (s *Store) Disk() (free int64, err error) { return s.cfg.Free(s.cfg.Dir) }

// exists says whether there is a file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
