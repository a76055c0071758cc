// Package connect fetches rows from the customer's own sources, on the customer's own network.
//
//	bundle.SourceSpec ──Use──> worker per source: location ──bytes──> format ──rows──> store ──> Result ──> playout
//	                                              file, bundle,       text, delimited,
//	                                              http, https         feed, json
//
// Good rows are on the disk before anyone sees them. When a source is cut or gives nonsense, the last good rows stay,
// marked stale; no source slows another.
package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/place"
)

// Defaults and bounds of a source's configuration.
const (
	defaultEvery   = 5 * time.Minute
	leastEvery     = time.Second
	defaultTimeout = 20 * time.Second
	maxTimeout     = 5 * time.Minute
	defaultRows    = 2000
	maxRows        = 100_000
	defaultBytes   = 16 << 20
	maxBytes       = 256 << 20
)

// keeper keeps the last good rows over a restart.
type keeper interface {
	KeepRows(key string, rows []byte) error
	Rows(key string) ([]byte, bool)
	DropRows(keep map[string]bool) error
}

// Config is what the sources work with.
type Config struct {
	Keep  keeper
	Now   func() time.Time               // the player's clock; nil = time.Now
	Check func(source string, err error) // hears how each source is; nil = nobody
	Gone  func(source string)            // hears that a source is no longer used; nil = nobody
	Deny  string                         // folder that no source may read: the player's own; "" = none
	Log   *slog.Logger
}

// Set is what sources a player has.
type Set struct {
	cfg  Config
	held *place.Held
	use  chan struct{}

	telling sync.Mutex // before mu: so that nothing is told of a source after Gone

	mu      sync.Mutex
	wanted  map[string]source
	results map[string]Result
	changed chan struct{}
}

// source is a configured source; key changes with the configuration.
type source struct {
	name string
	key  string
	spec bundle.SourceSpec
	file string // bundle location: the file on the disk
}

// New prepares sources; there are none until Use.
func New(cfg Config) (*Set, error) {
	if cfg.Keep == nil {
		return nil, errors.New("connect: a place to keep rows is needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Check == nil {
		cfg.Check = func(string, error) {}
	}
	if cfg.Gone == nil {
		cfg.Gone = func(string) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Set{cfg: cfg, held: &place.Held{}, use: make(chan struct{}, 1), wanted: map[string]source{},
		results: map[string]Result{}, changed: make(chan struct{})}, nil
}

// Use says which sources the live bundle names; file gives the place of a file of the bundle. Rows that were kept for
// the same name and configuration are there at once.
func (s *Set) Use(specs map[string]bundle.SourceSpec, file func(name string) (string, bool)) {
	wanted, keep := map[string]source{}, map[string]bool{}
	for name, spec := range specs {
		src := source{name: name, spec: spec}
		if spec.Location.Type == "bundle" {
			src.file, _ = file(spec.Location.Path)
		}
		src.key = keyOf(src)
		wanted[name], keep[src.key] = src, true
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	same := maps.EqualFunc(wanted, s.wanted, func(a, b source) bool { return a.key == b.key })
	if same {
		s.mu.Unlock()
		return
	}
	for name := range s.results {
		if wanted[name].key != s.wanted[name].key {
			delete(s.results, name)
		}
	}
	for name, src := range wanted {
		if r, ok := s.kept(src); ok && s.wanted[name].key != src.key {
			s.results[name] = r
		}
	}
	for name := range s.wanted {
		if _, still := wanted[name]; !still {
			s.cfg.Gone(name)
		}
	}
	s.wanted = wanted
	s.wakeLocked()
	s.mu.Unlock()
	if err := s.cfg.Keep.DropRows(keep); err != nil {
		s.cfg.Log.Warn("old rows not dropped", "error", err)
	}
	select {
	case s.use <- struct{}{}:
	default:
	}
}

func keyOf(src source) string {
	b, err := json.Marshal([]any{src.spec, src.file})
	if err != nil {
		return src.name // cannot be: plain data
	}
	sum := sha256.Sum256(b)
	return src.name + ":" + hex.EncodeToString(sum[:16])
}

// kept reads the rows that were kept; they are stale until they have been fetched again.
func (s *Set) kept(src source) (Result, bool) {
	b, ok := s.cfg.Keep.Rows(src.key)
	var r Result
	if !ok || json.Unmarshal(b, &r) != nil {
		return Result{}, false
	}
	for _, row := range r.Rows {
		if len(row) != len(r.Columns) {
			return Result{}, false
		}
	}
	return aged(r, src.spec, s.cfg.Now()), true
}

// Result is what is known of a source; false before there is anything to know.
func (s *Set) Result(name string) (Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.results[name]
	return r, ok
}

// Changed is closed at the next change of any source.
func (s *Set) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Set) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// publish shows a result, unless the source was replaced meanwhile.
func (s *Set) publish(src source, r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted[src.name].key != src.key {
		return
	}
	old := s.results[src.name]
	s.results[src.name] = r
	if old.Version != r.Version || old.Stale != r.Stale || old.Expired != r.Expired || old.FetchedAt.IsZero() != r.FetchedAt.IsZero() {
		s.wakeLocked()
	}
}

// check tells how a source is, unless it was replaced meanwhile.
func (s *Set) check(src source, err error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	still := s.wanted[src.name].key == src.key
	s.mu.Unlock()
	if still {
		s.cfg.Check(src.name, err)
	}
}

// Run fetches until ctx ends, each source by itself.
func (s *Set) Run(ctx context.Context) error {
	running := map[string]context.CancelFunc{} // by key
	var workers sync.WaitGroup
	defer workers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		s.mu.Lock()
		wanted := maps.Clone(s.wanted)
		s.mu.Unlock()
		keys := map[string]bool{}
		for _, src := range wanted {
			keys[src.key] = true
			if running[src.key] == nil {
				ctx, stop := context.WithCancel(ctx)
				running[src.key] = stop
				workers.Go(func() { s.work(ctx, src) })
			}
		}
		for _, key := range slices.Sorted(maps.Keys(running)) {
			if !keys[key] {
				running[key]()
				delete(running, key)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.use:
		}
	}
}
