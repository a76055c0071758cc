// Package connect fetches rows from the customer's own sources, on the customer's own network.
//
//	bundle.SourceSpec ──Use──> worker per source: place ──bytes──> format ──┐
//	                                              a database's answer ──────┼──rows──> store ──> pipeline ──> Result ──> playout
//	                                              a calendar's events ──────┘                      ▲ now
//
// Good rows are on the disk before anyone sees them. When a source is cut or gives nonsense, the last good rows stay,
// marked stale; no source slows another. What the rows look like at an instant is worked out anew when it may be another
// thing, at midnight for "today", without asking the source.
package connect

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/place"
	"vitrine/agent/secret"
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
	// Pictures is the folder for pictures that rows name by an address; nothing else may be in it. "" = none are fetched.
	Pictures string
	// Secret opens a secret for a host, "name:port"; nil = there are none. Renewed is closed when one has come or gone; nil = never.
	Secret  func(name, host string) (secret.Secret, error)
	Renewed func() <-chan struct{}
	Log     *slog.Logger
}

// Home is where the rows are shown: what "today" is there, and the language of what the player says itself.
type Home struct {
	Zone   string // IANA; "" = UTC
	Locale string // "fr", "en"
}

// Set is what sources a player has.
type Set struct {
	cfg  Config
	held *place.Held
	use  chan struct{}

	telling sync.Mutex // before mu: so that nothing is told of a source after Gone

	mu      sync.Mutex
	workers map[string]*worker // by name, as they are wanted
	results map[string]Result
	good    map[string]kept // last good rows by key, as they are on the disk or would be
	changed chan struct{}
}

// source is a configured source.
type source struct {
	name string
	key  string // of its rows: see keyOf
	run  string // changes with anything that its worker goes by
	spec bundle.SourceSpec
	home Home
	file string // bundle location: the file on the disk
	find func(string) (string, bool)
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
	if cfg.Renewed == nil {
		cfg.Renewed = func() <-chan struct{} { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Set{cfg: cfg, held: &place.Held{}, use: make(chan struct{}, 1), workers: map[string]*worker{}, results: map[string]Result{},
		good: map[string]kept{}, changed: make(chan struct{})}, nil
}

// sourceOf is a source as the bundle and the player have it.
func sourceOf(name string, spec bundle.SourceSpec, home Home, find func(string) (string, bool)) source {
	src := source{name: name, spec: spec, home: home, find: find}
	if find != nil && spec.Location.Type == "bundle" {
		src.file, _ = find(spec.Location.Path)
	}
	authority := ""
	if find != nil && spec.Location.CA != "" {
		authority, _ = find(spec.Location.CA)
	}
	src.key = keyOf(name, spec, src.file)
	src.run = name + ":" + hashOf(spec, home, src.file, authority)
	return src
}

// Use says which sources the live bundle names; file gives the place of a file of the bundle. Rows that were kept for
// the same name and configuration are there at once.
func (s *Set) Use(specs map[string]bundle.SourceSpec, home Home, file func(name string) (string, bool)) {
	next, keep := map[string]*worker{}, map[string]bool{}
	s.mu.Lock()
	before := maps.Clone(s.workers)
	s.mu.Unlock()
	same := len(before) == len(specs)
	for name, spec := range specs {
		src := sourceOf(name, spec, home, file)
		keep[src.key] = true
		if w := before[name]; w != nil && w.src.run == src.run {
			next[name] = w
			continue
		}
		same = false
		next[name] = s.newWorker(src)
	}
	if same {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	for name, w := range next {
		if w == before[name] {
			continue
		}
		delete(s.results, name)
		if w.first.known() {
			s.results[name] = w.first
		}
	}
	for name := range before {
		if next[name] == nil {
			delete(s.results, name)
			s.cfg.Gone(name)
		}
	}
	maps.DeleteFunc(s.good, func(key string, _ kept) bool { return !keep[key] })
	s.workers = next
	s.wakeLocked()
	s.mu.Unlock()
	if s.cfg.Pictures != "" {
		sweep(s.cfg.Pictures, func(file string) bool {
			for name := range specs {
				if strings.HasPrefix(file, prefixOf(name)) {
					return false
				}
			}
			return true
		})
	}
	if err := s.cfg.Keep.DropRows(keep); err != nil {
		s.cfg.Log.Warn("old rows not dropped", "error", err)
	}
	select {
	case s.use <- struct{}{}:
	default:
	}
}

// recall gives the last good rows of a source: those in memory, else those on the disk.
func (s *Set) recall(key string) kept {
	s.mu.Lock()
	k, ok := s.good[key]
	s.mu.Unlock()
	if ok {
		return k
	}
	if b, ok := s.cfg.Keep.Rows(key); ok {
		if k, err := keptOf(b); err == nil {
			return k
		}
	}
	return kept{}
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
func (s *Set) publish(w *worker, r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workers[w.src.name] != w {
		return
	}
	old, known := s.results[w.src.name]
	s.results[w.src.name] = r
	minute := func(t time.Time) time.Time { return t.Truncate(time.Minute) }
	if !known || old.Version != r.Version || old.Stale != r.Stale || old.Expired != r.Expired || old.Class != r.Class || !maps.Equal(old.pictures, r.pictures) ||
		!minute(old.FetchedAt).Equal(minute(r.FetchedAt)) {
		s.wakeLocked()
	}
}

// check tells how a source is, unless it was replaced meanwhile.
func (s *Set) check(w *worker, err error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	still := s.workers[w.src.name] == w
	s.mu.Unlock()
	if still {
		s.cfg.Check(w.src.name, err)
	}
}

// Run fetches until ctx ends, each source by itself.
func (s *Set) Run(ctx context.Context) error {
	running := map[*worker]context.CancelFunc{}
	var workers sync.WaitGroup
	defer workers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		s.mu.Lock()
		wanted := slices.Collect(maps.Values(s.workers))
		s.mu.Unlock()
		for _, w := range wanted {
			if running[w] == nil {
				ctx, stop := context.WithCancel(ctx)
				running[w] = stop
				workers.Go(func() { w.work(ctx) })
			}
		}
		for w, stop := range running {
			if !slices.Contains(wanted, w) {
				stop()
				delete(running, w)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.use:
		}
	}
}
