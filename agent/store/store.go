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
//	index.db      which bundle is active, which before; floor; roots; which blobs were verified; settings (bbolt)
//	index.good    copy of index.db after its last change                                               (bbolt)
//	floor         the floor's second place; the greater of the two wins
//	settings.json what the relay's people said, for a rebuild
//	starts        how often the index was opened without a good end
//	diary.db      plays that the relay has not taken yet; last good rows of the sources                 (bbolt)
//	staging/      blobs on their way
//	lock          held while a player runs
//
// A stolen key may sign any version and any instant of issue, and so leap ahead of its owner and of every certificate. Nothing
// is taken that was issued 31 days after a believed clock; a player without one takes nothing after its root's expiry (of one
// without: ten years after its issue), or a year after what is sure. What a key has raised nonetheless, versions and time, is
// kept with the root under which it was signed, and counts no more when a later root has taken a publisher's key away: the
// owner's next version is taken, and the time is then at least that root's.
//
// A disk that is read-only, full or broken takes nothing of that away from the screen: index and diary are then copies in
// memory, Failing says why, and Run goes back to the disk as soon as it can be written.
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
	"sync/atomic"
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
	// Believe gives the time, and whether it can be believed: a bundle from the far future is then refused. nil = it cannot,
	// and what RaiseTime is told is sure.
	Believe func() (now time.Time, ok bool)
	// Mend is how often a disk that takes nothing is tried again; 0 = every 30 s.
	Mend time.Duration
	// MaxPlays is how many plays are kept for the relay; 0 = 100,000, 40 MiB or so.
	MaxPlays int
}

// flushEvery is how often plays are written that nobody asks for: each time costs a card some 24 KiB, and a power cut the
// plays since the last time.
const flushEvery = 30 * time.Second

// ErrLocked means that another player uses the same folder.
var ErrLocked = errors.New("another player is already running on this data folder; stop it first, or give this one a --data of its own")

// Store is a player's disk. Its methods may be called from several goroutines.
type Store struct {
	cfg   Config
	log   *slog.Logger
	lock  *os.File
	mem   *memdb.MemDB
	took  chan struct{} // holds one token: who has it may throw away blobs and move pointers; nobody waits for an origin with it
	begun time.Time     // with its monotonic part

	places   sync.RWMutex // locked while those of the disk take the place of those in memory; see withIndex and withDiary
	index    *bbolt.DB
	diary    *diary
	inMemory atomic.Bool // the disk takes nothing: index and diary are copies

	copying  sync.Mutex // one copy of the index at a time
	settling sync.Mutex // one blob comes to its place at a time
	rooting  sync.Mutex // one chain of roots is taken at a time
	setting  sync.Mutex // one change of the settings at a time
	flooring sync.Mutex // one change of the floor at a time comes to the disk, in both of its places

	mu     sync.Mutex
	trust  *bundle.Trust // nil = nothing pinned yet
	floor  Floor
	unkept bool          // the floor is higher than the disk knows: it could not be written
	jobs   map[*job]bool // Ingests under way
	// downloads are the blobs on their way.
	downloads map[bundle.Digest]*download
	bad       map[bundle.Digest]bool // blobs that were found damaged and are not mended; their marks may say otherwise

	doubts chan string // scenes whose files are to be read

	trouble error // why the disk takes nothing; nil = it does

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
	if cfg.Mend <= 0 {
		cfg.Mend = mendEvery
	}
	if fault == nil {
		fault = func(string) error { return nil }
	}
	s := &Store{cfg: cfg, log: cfg.Log, took: make(chan struct{}, 1), begun: time.Now(), fault: fault,
		jobs: map[*job]bool{}, downloads: map[bundle.Digest]*download{}, bad: map[bundle.Digest]bool{}, doubts: make(chan string, 8)}
	cause := s.makeFolders()
	if cause != nil && !worn(cause) {
		return nil, fmt.Errorf("open store: %w", cause)
	}
	if err := s.lockAny(cause); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.load(cause); err != nil {
		s.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func (s *Store) makeFolders() error {
	for _, d := range []string{"", "root", "m", "b", "staging"} {
		if err := os.MkdirAll(filepath.Join(s.cfg.Dir, d), 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// load opens everything; cause is why the disk takes nothing, as far as that is known.
func (s *Store) load(cause error) error {
	err := cause
	if err == nil {
		err = s.openDisk()
	}
	if worn(err) {
		err = s.openInMemory(err)
	}
	if err != nil {
		return err
	}
	if s.mem, err = memdb.NewMemDB(liveSchema()); err != nil {
		return fmt.Errorf("make the live view: %w", err)
	}
	if err := s.loadTrust(s.index); err != nil {
		return err
	}
	if s.floor, err = s.readFloor(s.index); err != nil {
		return err
	}
	if s.trust != nil {
		s.floor.Root = max(s.floor.Root, s.trust.Root().Version)
	}
	return s.refresh()
}

func (s *Store) openDisk() error {
	n, err := s.countStart()
	if worn(err) {
		return err
	}
	index, err := s.openIndex(n)
	if err != nil {
		return err
	}
	diary, err := s.openDiary()
	if err != nil {
		return errors.Join(err, index.Close())
	}
	s.index, s.diary = index, diary
	return nil
}

// withIndex lends the index: it is not closed meanwhile, nor replaced. One call is not made within another.
func (s *Store) withIndex(do func(*bbolt.DB) error) error {
	s.places.RLock()
	defer s.places.RUnlock()
	return do(s.index)
}

// withDiary is withIndex for the diary.
func (s *Store) withDiary(do func(*diary) error) error {
	s.places.RLock()
	defer s.places.RUnlock()
	return do(s.diary)
}

// Run writes what is written in batches, goes back to a disk that can be written again, checks blobs whose mark does not fit
// or that somebody doubts, and scrubs all in a week, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	settled := time.NewTimer(time.Minute)
	defer settled.Stop()
	mend := time.NewTicker(s.cfg.Mend)
	defer mend.Stop()
	read := make(chan struct{})
	go func() { defer close(read); s.readOver(ctx) }()
	defer func() { <-read }()
	for {
		select {
		case <-ctx.Done():
			return s.leave()
		case <-flush.C:
			if err := s.withDiary((*diary).flush); err != nil && s.Failing() == nil { // else it was said
				s.log.Warn("plays not written", "error", err)
			}
		case <-mend.C:
			if err := s.mend(ctx); err != nil && ctx.Err() == nil {
				s.log.Debug("data folder still cannot be written", "error", err)
			}
		case <-settled.C:
			s.settle()
		}
	}
}

// Close writes what is pending and gives the folder back.
func (s *Store) Close() error {
	var errs []error
	if s.diary != nil {
		errs = append(errs, s.leave(), s.diary.db.Close())
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

// leave writes the plays that wait. A disk that takes nothing was told of before.
func (s *Store) leave() error {
	if err := s.withDiary((*diary).flush); err != nil && s.Failing() == nil {
		return err
	}
	return nil
}

// Boot is random and new at every Open; plays and heartbeats are counted within it.
func (s *Store) Boot() (boot string) {
	s.withDiary(func(d *diary) error { boot = d.boot; return nil })
	return boot
}

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
	s.setting.Lock()
	defer s.setting.Unlock()
	var err error
	if !s.inMemory.Load() {
		err = s.writeSettings(v)
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

// writeSettings keeps them for rebuild: nothing signed holds them.
func (s *Store) writeSettings(v api.Settings) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(s.path("settings.json"), b)
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
