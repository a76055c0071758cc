// Package store keeps bundles on the player's disk and says which one is live.
//
//	relay ─┐
//	       ├─> Ingest ──> activate ──> Live ──> playout
//	stick ─┘                 ^                    │
//	                         └──── Rollback <─────┘
//
// What must not be lost is written seldom and kept thrice: the signed files themselves, an index of them, and the index's
// last good copy. What is written often is kept apart from it, in the diary.
//
//	root/<n>.json m/<sha256>.json b/<2 hex>/<sha256>   signed files: from these alone everything else can be rebuilt
//	index.db      which bundle is active, which before; floor; which blobs were verified; settings      (bbolt)
//	index.good    copy of index.db after its last change                                               (bbolt)
//	floor         the floor's second place; the greater of the two wins
//	settings.json what the relay's people said, for a rebuild
//	starts        how often the index was opened without a good end
//	diary.db      plays that the relay has not taken yet; last good rows of the sources                 (bbolt)
//	staging/      blobs on their way
//	lock          held while a player runs
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-memdb"
	"go.etcd.io/bbolt"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// Config says where a store is and what it needs from outside.
type Config struct {
	Dir string       // made when it is not there, mode 0700
	Log *slog.Logger // nil = silent
	// Probe is a command that ends with 0 when the database file given as its last argument is whole (see ProbeFile). A
	// damaged file can end the process that reads it, so it must not be this one. Empty: probed in this process.
	Probe []string
	// Free gives the bytes that may still be written below a folder; nil asks the file system.
	Free func(dir string) (int64, error)
	// Now is the system's clock; nil = time.Now.
	Now func() time.Time
	// MaxPlays is how many plays are kept for the relay; 0 = 100,000, 40 MiB or so.
	MaxPlays int
}

// ErrLocked means that another player uses the same folder.
var ErrLocked = errors.New("another player is already running on this data folder; stop it first, or give this one a --data of its own")

// Store is a player's disk. Its methods may be called from several goroutines.
type Store struct {
	cfg   Config
	log   *slog.Logger
	lock  *os.File
	index *bbolt.DB
	diary *diary
	mem   *memdb.MemDB
	took  chan struct{} // holds one token: who has it may throw away blobs and move pointers; nobody waits for an origin with it
	begun time.Time     // with its monotonic part

	copying  sync.Mutex // one copy of the index at a time
	settling sync.Mutex // one blob comes to its place at a time
	rooting  sync.Mutex // one chain of roots is taken at a time

	mu    sync.Mutex
	trust *bundle.Trust // nil = nothing pinned yet
	floor Floor
	jobs  map[*job]bool   // Ingests under way
	parts map[string]bool // staging files in use

	fault func(step string) error // tests only: called before each step that a power cut may hit
}

// Open locks a folder and makes it usable whatever it finds there: a damaged index is replaced by its last good copy or
// rebuilt from the signed files, so that what is whole on the disk can be shown. It returns ErrLocked when another player
// has the folder.
func Open(cfg Config) (*Store, error) {
	return open(cfg, nil)
}

func open(cfg Config, fault func(string) error) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Free == nil {
		cfg.Free = freeBytes
	}
	if cfg.MaxPlays <= 0 {
		cfg.MaxPlays = maxPlays
	}
	if fault == nil {
		fault = func(string) error { return nil }
	}
	s := &Store{cfg: cfg, log: cfg.Log, took: make(chan struct{}, 1), begun: time.Now(), fault: fault,
		jobs: map[*job]bool{}, parts: map[string]bool{}}
	for _, d := range []string{"", "root", "m", "b", "staging"} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("open store: make folder: %w", err)
		}
	}
	var err error
	if s.lock, err = lockFile(filepath.Join(cfg.Dir, "lock")); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.load(); err != nil {
		s.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func (s *Store) load() error {
	var err error
	if s.index, err = s.openIndex(); err != nil {
		return err
	}
	if s.diary, err = s.openDiary(); err != nil {
		return err
	}
	if s.mem, err = memdb.NewMemDB(liveSchema()); err != nil {
		return fmt.Errorf("make the live view: %w", err)
	}
	if err := s.loadTrust(); err != nil {
		return err
	}
	if err := s.loadFloor(); err != nil {
		return err
	}
	return s.refresh()
}

// Run writes what is written in batches, checks blobs whose mark does not fit and scrubs old ones, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	flush := time.NewTicker(5 * time.Second)
	defer flush.Stop()
	settled := time.NewTimer(time.Minute)
	defer settled.Stop()
	scrub := time.NewTicker(10 * time.Minute)
	defer scrub.Stop()
	if err := s.recheck(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("blobs not checked", "error", err)
	}
	for {
		select {
		case <-ctx.Done():
			return s.diary.flush()
		case <-flush.C:
			if err := s.diary.flush(); err != nil {
				s.log.Warn("plays not written", "error", err)
			}
		case <-settled.C:
			s.settle()
		case <-scrub.C:
			if err := s.scrub(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("scrub stopped", "error", err)
			}
		}
	}
}

// Close writes what is pending and gives the folder back.
func (s *Store) Close() error {
	var errs []error
	if s.diary != nil {
		errs = append(errs, s.diary.flush(), s.diary.db.Close())
	}
	if s.index != nil {
		errs = append(errs, s.index.Close())
		s.settle()
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Boot is random and new at every Open; plays and heartbeats are counted within it.
func (s *Store) Boot() string { return s.diary.boot }

// Trust is the pinned chain of roots, nil while nothing is pinned.
func (s *Store) Trust() *bundle.Trust {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trust
}

// Settings is what the relay's people have last said about this player; the zero value before that.
func (s *Store) Settings() (api.Settings, error) {
	var v api.Settings
	_, err := s.get(bucketMeta, "settings", &v)
	return v, err
}

// SetSettings keeps settings; whoever watches Live is woken.
func (s *Store) SetSettings(v api.Settings) error {
	b, err := json.Marshal(v)
	if err == nil {
		err = writeFile(s.path("settings.json"), b) // for rebuild: nothing signed holds them
	}
	if err == nil {
		err = s.put(bucketMeta, "settings", v)
	}
	if err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	s.copyIndex()
	return s.refresh()
}

// take waits until nobody else changes bundles; the function that it returns lets the next one in.
func (s *Store) take(ctx context.Context) (func(), error) {
	select {
	case s.took <- struct{}{}:
		return func() { <-s.took }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
