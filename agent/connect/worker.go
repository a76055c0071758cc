package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"vitrine/agent/bundle"
)

// errUnchanged is what a location says when it knows, without reading it all, that nothing is new.
var errUnchanged = errors.New("unchanged")

// location gives a source's bytes.
type location interface {
	// read gives at most limit bytes; one more is an error. errUnchanged: they are those of the read before.
	read(ctx context.Context, limit int64) ([]byte, error)
}

// open finds the location and the format of a source.
func (s *Set) open(src source) (location, parser, error) {
	f, err := parserOf(src.spec)
	if err != nil {
		return nil, nil, err
	}
	l := src.spec.Location
	if l.Secret != "" {
		return nil, nil, fmt.Errorf("it needs the secret %q, which this player does not have", l.Secret)
	}
	switch l.Type {
	case "http", "https":
		return &web{client: s.client, url: l.URL}, f, nil
	case "file":
		if !filepath.IsAbs(l.Path) {
			return nil, nil, fmt.Errorf("its path %q does not begin with /; name the whole path on the player", l.Path)
		}
		return &file{path: l.Path, deny: s.cfg.Deny}, f, nil
	case "bundle":
		if src.file == "" {
			return nil, nil, fmt.Errorf("its file %s is not whole on this player yet", l.Path)
		}
		return &file{path: src.file}, f, nil
	}
	return nil, nil, fmt.Errorf("its location's type %q is not known to this player", l.Type)
}

// work keeps one source fresh until ctx ends.
func (s *Set) work(ctx context.Context, src source) {
	refresh := src.spec.Refresh
	every := max(time.Duration(refresh.Every), leastEvery)
	if refresh.Every == 0 {
		every = defaultEvery
	}
	changes := make(chan struct{}, 1)
	if src.spec.Location.Type == "file" {
		stop, err := watchFile(src.spec.Location.Path, changes)
		if err != nil {
			s.cfg.Log.Warn("file not watched, only read again from time to time", "source", src.name, "error", err)
		} else {
			defer stop()
		}
	}
	where, parse, err := s.open(src)
	r, _ := s.Result(src.name)
	failed := 0
	for {
		before := r
		if err == nil {
			r, err = s.fetch(ctx, src, where, parse, r)
		}
		if ctx.Err() != nil {
			return
		}
		pause := every
		if r.Err = ""; err != nil {
			r.Err = err.Error()
			pause = min(every, 15*time.Second<<min(failed, 10))
			failed++
		} else {
			failed = 0
		}
		r = aged(r, src.spec, s.cfg.Now())
		s.publish(src, r)
		if before.Err != r.Err || failed == 0 {
			s.check(src, err)
		}
		pause += rand.N(max(time.Duration(refresh.Jitter), pause/20, 1))
		if !s.wait(ctx, src, r, pause, changes) {
			return
		}
		if err != nil { // what the location remembers of a bad answer must not make it look unchanged
			where, parse, err = s.open(src)
		}
	}
}

// wait waits for the next fetch; rows grow old meanwhile. false: the source is not wanted any more.
func (s *Set) wait(ctx context.Context, src source, r Result, pause time.Duration, changes <-chan struct{}) bool {
	fetch := time.NewTimer(pause)
	defer fetch.Stop()
	for {
		older := time.NewTimer(untilOlder(r, src.spec, s.cfg.Now()))
		select {
		case <-ctx.Done():
			older.Stop()
			return false
		case <-changes:
			older.Stop()
			return true
		case <-fetch.C:
			older.Stop()
			return true
		case <-older.C:
			r = aged(r, src.spec, s.cfg.Now())
			s.publish(src, r)
		}
	}
}

// fetch reads and parses once. Good rows are kept before they are returned.
func (s *Set) fetch(ctx context.Context, src source, where location, parse parser, last Result) (Result, error) {
	timeout := min(time.Duration(src.spec.Refresh.Timeout), maxTimeout)
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	limit := src.spec.Limits.Bytes
	if limit <= 0 {
		limit = defaultBytes
	}
	b, err := where.read(ctx, min(limit, maxBytes))
	if errors.Is(err, errUnchanged) && !last.FetchedAt.IsZero() {
		last.FetchedAt = s.cfg.Now().UTC()
		return last, nil
	}
	if err != nil {
		return last, err
	}
	most := src.spec.Limits.Rows
	if most <= 0 {
		most = defaultRows
	}
	r, err := parse(ctx, b, min(most, maxRows))
	if err != nil {
		return last, err
	}
	r.FetchedAt, r.Version = s.cfg.Now().UTC(), r.version()
	if r.Version == last.Version && time.Since(last.FetchedAt) < time.Hour {
		return r, nil // on the disk already, but for its age
	}
	kept, err := json.Marshal(r)
	if err == nil {
		err = s.cfg.Keep.KeepRows(src.key, kept)
	}
	if err != nil {
		return last, fmt.Errorf("keep the rows: %w", err)
	}
	return r, nil
}

// limits are the ages at which rows are stale and expired; 0 = never.
func limits(spec bundle.SourceSpec) (stale, expired time.Duration) {
	stale = time.Duration(spec.Keep.StaleAfter)
	if stale == 0 {
		stale = 3 * max(time.Duration(spec.Refresh.Every), leastEvery)
		if spec.Refresh.Every == 0 {
			stale = 3 * defaultEvery
		}
	}
	return stale, time.Duration(spec.Keep.MaxAge)
}

// aged sets the marks of age.
func aged(r Result, spec bundle.SourceSpec, now time.Time) Result {
	stale, expired := limits(spec)
	age := now.Sub(r.FetchedAt)
	r.Stale = r.Err != "" || age > stale
	r.Expired = expired > 0 && age > expired
	return r
}

// untilOlder is when the marks of age change next.
func untilOlder(r Result, spec bundle.SourceSpec, now time.Time) time.Duration {
	stale, expired := limits(spec)
	age := now.Sub(r.FetchedAt)
	next := 24 * time.Hour
	for _, limit := range []time.Duration{stale, expired} {
		if limit > 0 && age <= limit {
			next = min(next, limit-age+time.Millisecond)
		}
	}
	return next
}
