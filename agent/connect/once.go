package connect

import (
	"context"
	"maps"
	"slices"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/gtfs"
	"vitrine/agent/connect/pipeline"
	"vitrine/agent/connect/rows"
)

// Trial is what one look at a source gave, for the person who sets it up.
type Trial struct {
	Read  rows.Table // as the source has them
	Shown Result     // as zones see them
	Steps []Step
	Err   error // why there are none
}

// Try looks at a source once, and keeps nothing.
func Try(ctx context.Context, cfg Config, name string, spec bundle.SourceSpec, home Home, file func(string) (string, bool)) (Trial, error) {
	cfg.Keep = nowhere{}
	s, err := New(cfg)
	if err != nil {
		return Trial{}, err
	}
	w := s.newWorker(sourceOf(name, spec, home, file))
	out, err := w.look(ctx)
	w.fault = err
	w.show(out)
	return Trial{Read: w.expand(w.last.Table), Shown: w.shown, Steps: w.steps, Err: err}, nil
}

// nowhere keeps nothing.
type nowhere struct{}

func (nowhere) KeepRows(string, []byte) error  { return nil }
func (nowhere) Rows(string) ([]byte, bool)     { return nil, false }
func (nowhere) DropRows(map[string]bool) error { return nil }

// Parse makes what zones see of a source's bytes, without fetching anything: for who has the bytes already, such as a preview.
func Parse(spec bundle.SourceSpec, home Home, b []byte, now time.Time) (Result, error) {
	parse, err := parserOf(spec, home.Locale)
	if err != nil {
		return Result{}, err
	}
	zone, err := time.LoadLocation(home.Zone)
	if err != nil {
		return Result{}, err
	}
	pipe, err := pipeline.New(spec, pipeline.Home{Zone: zone, Locale: home.Locale})
	if err != nil {
		return Result{}, err
	}
	most := boundsOf(spec)
	most.zone, most.now = zone, now.In(zone)
	t, err := parse(context.Background(), b, most)
	if err != nil {
		return Result{}, err
	}
	if spec.Type == "gtfs" {
		t = gtfs.Departures(t, now, most.rows)
	}
	out, err := pipe.Run(t, now)
	if err != nil {
		return Result{}, err
	}
	return Result{Columns: out.Columns, Rows: out.Rows, FetchedAt: now, Changed: now, Version: version(out.Columns, out.Rows), Truncated: out.Truncated,
		Dropped: out.Dropped, looks: out.Looks, tongue: tongue{zone, home.Locale}}, nil
}

// Told is what may be told of a source to whoever looks after the player: nothing that is secret, and no rows.
type Told struct {
	Name      string      `json:"name"`
	Type      string      `json:"type"`
	Where     string      `json:"where"`
	Secret    string      `json:"secret,omitempty"` // its name
	Rows      int         `json:"rows"`             // that zones see
	Read      int         `json:"read"`             // that the source gave
	Columns   []string    `json:"columns,omitempty"`
	Fetched   time.Time   `json:"fetched,omitzero"`
	Changed   time.Time   `json:"changed,omitzero"`
	Next      time.Time   `json:"next,omitzero"` // when it is asked again
	Stale     bool        `json:"stale"`
	Expired   bool        `json:"expired,omitempty"`
	Truncated bool        `json:"truncated,omitempty"`
	Class     Class       `json:"class,omitempty"`
	Error     string      `json:"error,omitempty"`
	Dropped   []rows.Drop `json:"dropped,omitempty"`
	Steps     []Step      `json:"steps,omitempty"`
}

// Tell is how all sources are, by name.
func (s *Set) Tell() []Told {
	s.mu.Lock()
	workers, results, good := maps.Clone(s.workers), maps.Clone(s.results), maps.Clone(s.good)
	s.mu.Unlock()
	told := []Told{}
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		w, r := workers[name], results[name]
		l := w.src.spec.Location
		t := Told{Name: name, Type: w.src.spec.Type, Where: whereOf(l), Secret: l.SecretName(), Rows: len(r.Rows), Read: len(good[w.src.key].Rows), Columns: r.Columns,
			Fetched: r.FetchedAt, Changed: r.Changed, Stale: r.Stale, Expired: r.Expired, Truncated: r.Truncated, Class: r.Class, Error: r.Err, Dropped: r.Dropped}
		w.mu.Lock()
		t.Steps, t.Next = slices.Clone(w.steps), w.due
		w.mu.Unlock()
		told = append(told, t)
	}
	return told
}
