// Package siren listens for public warnings, and remembers them.
//
//	folder ──each half second──────> Book ──┐
//	feed ────each 15 seconds───────> Book ──┼──> Active(language, now) ──> playout
//	relay ─┐                                │
//	stick ─┴─Post: signed, in time ─> Book ──┘
//	                                  └──> memo: what stood before a restart stands after it
//
// Each source has a Book of its own: a message of one cannot cancel or replace what another has brought, so that whoever
// can forge answers of a plain HTTP server can show a warning, but cannot take one off. Both are as much believed as the
// person who named them at the start: the folder's writers, and the server of the feed, which should be HTTPS. What relay and
// sticks bring is believed for its signature alone, and is one source: its publisher may cancel by stick what came by relay.
//
// The folder is looked at by name, size and time twice a second, not watched: shares over a network tell nobody of changes.
package siren

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/agent/alert"
	"vitrine/agent/bundle"
)

const (
	look     = 500 * time.Millisecond // between two looks at the folder
	poll     = 15 * time.Second       // between two questions to the feed
	longest  = 2 * time.Minute        // when it fails
	patience = 20 * time.Second       // for one answer
)

type memory interface {
	KeepMemo(name string, memo []byte) error
	Memo(name string) ([]byte, bool)
}

// Config says where warnings come from and where the screen hangs.
type Config struct {
	Folder string            // "" = none
	Feed   string            // http:// or https:// address; "" = none
	Site   alert.Site        // its Locale is not used: the language may change
	Keep   memory            // over a restart
	Over   http.RoundTripper // carries the feed's requests; nil = the network
	Check  func(error)       // hears how the sources are; nil = nobody
	Log    *slog.Logger

	Trust  func() *bundle.Trust                // whose signature counts for what Post is given; nil, or nil's answer = nobody's
	Player func() (id string, groups []string) // whom warnings may be meant for; nil = nobody in particular
	Now    func() time.Time                    // by which what Post is given is too late; nil = time.Now
}

// Siren knows which warnings stand. Its methods may be called from several goroutines.
type Siren struct {
	cfg   Config
	books []*book

	posts *posts

	mu      sync.Mutex
	changed chan struct{}
}

// book is what one source has brought.
type book struct {
	alert.Book
	name string
	run  func(context.Context, *book) error // nil = others bring what is in it
	bad  error                              // Siren.mu
}

// New reads what was remembered; it starts nothing.
func New(cfg Config) (*Siren, error) {
	if cfg.Keep == nil {
		return nil, errors.New("siren: a place to keep alerts is needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Check == nil {
		cfg.Check = func(error) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Siren{cfg: cfg, changed: make(chan struct{}), posts: newPosts()}
	s.books = append(s.books, &s.posts.book)
	if cfg.Folder != "" {
		s.books = append(s.books, &book{name: "folder", run: s.folder})
	}
	if cfg.Feed != "" {
		u, err := url.Parse(cfg.Feed)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("the feed of alerts %q is not an address like https://host/alerts.xml", cfg.Feed)
		}
		s.books = append(s.books, &book{name: "feed", run: s.feed})
	}
	s.recall()
	for _, b := range s.books[1:] {
		kept, ok := cfg.Keep.Memo(b.memo())
		if !ok {
			continue
		}
		if err := json.Unmarshal(kept, &b.Book); err != nil {
			cfg.Log.Warn("alerts forgotten", "source", b.name, "error", err)
		}
	}
	return s, nil
}

func (b *book) memo() string { return "alerts." + b.name }

// Run listens until ctx ends.
func (s *Siren) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range s.books {
		if b.run != nil {
			g.Go(func() error { return b.run(ctx, b) })
		}
	}
	return g.Wait()
}

// Active lists what holds at the site at an instant, for an audience of a language, each alert once.
func (s *Siren) Active(lang string, now time.Time) []alert.Alert {
	var all []alert.Alert
	seen := map[string]bool{}
	for _, b := range s.books {
		for _, a := range s.active(b, lang, now) {
			if !seen[a.ID()] {
				seen[a.ID()] = true
				all = append(all, a)
			}
		}
	}
	return all
}

// active is what holds of one source.
func (s *Siren) active(b *book, lang string, now time.Time) []alert.Alert {
	site := s.cfg.Site
	site.Locale = lang
	if b != &s.posts.book {
		return b.Active(site, now)
	}
	site.Exercises = true // the screens' own people want it seen, marked as one
	return slices.DeleteFunc(b.Active(site, now), func(a alert.Alert) bool { return !s.meant(a.ID()) })
}

// Standing is an alert that holds, and who brought it.
type Standing struct {
	alert.Alert
	Source string // publisher, folder, feed
}

// Standing lists what holds, source by source.
func (s *Siren) Standing(now time.Time) (all []Standing) {
	for _, b := range s.books {
		for _, a := range s.active(b, "", now) {
			all = append(all, Standing{a, b.name})
		}
	}
	return all
}

// Next is when Active may differ though nothing has come; zero = never.
func (s *Siren) Next(now time.Time) time.Time {
	var next time.Time
	site := s.cfg.Site
	site.Exercises = true
	for _, b := range s.books {
		if t := b.Next(site, now); !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// Changed is closed when something has come.
func (s *Siren) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// take puts messages into a source's book and remembers it.
func (s *Siren) take(b *book, messages []*alert.Message) error {
	var faults []error
	fresh := 0
	for _, m := range messages {
		is, err := b.Take(m)
		if err != nil {
			faults = append(faults, err)
		}
		if !is {
			continue
		}
		fresh++
		s.cfg.Log.Info("alert taken", "source", b.name, "identifier", m.Identifier, "sender", m.Sender, "type", m.Type, "status", m.Status, "faults", m.Faults)
	}
	if fresh == 0 {
		return errors.Join(faults...)
	}
	s.wake()
	kept, err := json.Marshal(&b.Book)
	if err == nil {
		err = s.cfg.Keep.KeepMemo(b.memo(), kept)
	}
	if err != nil {
		faults = append(faults, fmt.Errorf("alerts will be forgotten at a restart: %w", err))
	}
	return errors.Join(faults...)
}

// wake tells whoever waits that something has come.
func (s *Siren) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// tell says how a source is; the check is right when all of them are.
func (s *Siren) tell(b *book, err error) {
	if err != nil {
		err = fmt.Errorf("%s of alerts: %w", b.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.bad = err
	var all []error
	for _, b := range s.books {
		all = append(all, b.bad)
	}
	s.cfg.Check(errors.Join(all...))
}
