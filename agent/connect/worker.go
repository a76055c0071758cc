package connect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"vitrine/agent/connect/gtfs"
	"vitrine/agent/connect/pipeline"
	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// worker keeps one source fresh. Only its own goroutine uses what is not said to be shared.
type worker struct {
	set   *Set
	src   source
	first Result // of the rows that were kept, shown before the source is asked
	tongue
	pipe  *pipeline.Pipeline
	wrong error // why there is no pipe: the configuration

	from     origin
	spy      *spy
	last     kept
	fault    error // of the last try
	failed   int   // tries since the last good one
	shown    Result
	next     time.Time // when the rows look different though the source does not
	ran      time.Time // when that was last worked out, by the player's clock
	changes  chan struct{}
	pictures *gallery

	mu    sync.Mutex
	steps []Step // shared: of the last fetch
	due   time.Time
}

// newWorker prepares a source: what was kept of it is ready to be shown.
func (s *Set) newWorker(src source) *worker {
	w := &worker{set: s, src: src, changes: make(chan struct{}, 1), last: s.recall(src.key)}
	zone, err := time.LoadLocation(src.home.Zone)
	if err != nil {
		zone = time.UTC
	}
	w.tongue = tongue{zone: zone, lang: src.home.Locale}
	if w.pipe, w.wrong = pipeline.New(src.spec, pipeline.Home{Zone: zone, Locale: src.home.Locale}); w.wrong != nil {
		w.wrong = classed{w.wrong, Unreadable}
	}
	w.pictures = newGallery(s.cfg.Pictures, src, s.held, func(_ string, err error) {
		s.cfg.Log.Warn("picture that a row names not fetched", "source", src.name, "error", err)
	})
	if !w.last.fetched.IsZero() {
		w.show(nil)
		w.first = w.shown
	}
	return w
}

// known says whether there is anything to see.
func (r Result) known() bool { return !r.FetchedAt.IsZero() || r.Err != "" }

// work fetches and shows until ctx ends.
func (w *worker) work(ctx context.Context) {
	defer w.watch()()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { w.pictures.run(ctx) })
	for {
		before := w.fault
		out, err := w.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if w.fault = err; err == nil {
			w.failed = 0
		} else {
			w.failed++
			w.from = nil // what a place remembers of a bad answer must not make it look unchanged
		}
		w.show(out)
		w.set.publish(w, w.shown)
		if err == nil || before == nil || before.Error() != err.Error() {
			w.set.check(w, err)
		}
		if !w.wait(ctx, w.pause()) {
			return
		}
	}
}

// watch tells of changes of a file on the player.
func (w *worker) watch() (stop func()) {
	if l := w.src.spec.Location; l.Type == "file" && w.src.spec.Type != "folder" {
		stop, err := place.Watch(l.Path, w.changes)
		if err == nil {
			return stop
		}
		w.set.cfg.Log.Warn("file not watched, only read again from time to time", "source", w.src.name, "error", err)
	}
	return func() {}
}

// pause is how long it is until the next fetch.
func (w *worker) pause() time.Duration {
	refresh := w.src.spec.Refresh
	every := max(time.Duration(refresh.Every), leastEvery)
	if refresh.Every == 0 {
		every = defaultEvery
	}
	if w.failed > 0 {
		every = min(every, 15*time.Second<<min(w.failed-1, 10))
	}
	return every + rand.N(max(time.Duration(refresh.Jitter), every/20, 1))
}

// wait waits for the next fetch; rows grow old and change their looks meanwhile. false: the source is not wanted any more.
func (w *worker) wait(ctx context.Context, pause time.Duration) bool {
	fetch := time.NewTimer(pause)
	defer fetch.Stop()
	w.mu.Lock()
	w.due = w.set.cfg.Now().Add(pause)
	w.mu.Unlock()
	var renewed <-chan struct{}
	if w.src.spec.Location.SecretName() != "" {
		renewed = w.set.cfg.Renewed()
	}
	for {
		look := time.NewTimer(w.untilAnother())
		select {
		case <-ctx.Done():
			look.Stop()
			return false
		case <-w.changes:
			look.Stop()
			return true
		case <-renewed:
			look.Stop()
			return true
		case <-fetch.C:
			look.Stop()
			return true
		case <-w.pictures.came():
			look.Stop()
		case <-look.C:
		}
		w.show(nil)
		w.set.publish(w, w.shown)
	}
}

// untilAnother is when what is shown may be another thing: by age, or by the time of day. The player's clock may be set
// meanwhile, so that it is asked each minute where it matters.
func (w *worker) untilAnother() time.Duration {
	now := w.set.cfg.Now()
	d := untilOlder(w.last.fetched, w.src.spec, now)
	if !w.next.IsZero() {
		d = min(d, time.Minute, max(w.next.Sub(now), time.Millisecond))
	}
	return d
}

// look asks the source once. Good rows are kept before they are given; nil rows are those of the look before.
func (w *worker) look(ctx context.Context) (*pipeline.Rows, error) {
	if w.wrong != nil {
		return nil, w.wrong
	}
	timeout := min(time.Duration(w.src.spec.Refresh.Timeout), maxTimeout)
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var steps []Step
	defer func() {
		w.mu.Lock()
		w.steps = steps
		w.mu.Unlock()
	}()
	t, err := w.ask(ctx, func(s Step) { steps = append(steps, s) })
	if errors.Is(err, place.ErrUnchanged) && !w.last.fetched.IsZero() {
		w.last.fetched = w.set.cfg.Now().UTC()
		w.remember()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	out, err := w.pipe.Run(w.expand(t), w.set.cfg.Now())
	steps = append(steps, Step{Name: "show", Took: time.Since(begun), Rows: len(out.Rows)})
	if err != nil {
		return nil, err
	}
	begun = time.Now()
	if err := w.take(t); err != nil {
		return nil, err
	}
	steps = append(steps, Step{Name: "keep", Took: time.Since(begun)})
	return &out, nil
}

// ask opens the origin where it is not yet, and fetches once.
func (w *worker) ask(ctx context.Context, step func(Step)) (rows.Table, error) {
	if w.from == nil {
		w.spy = &spy{open: w.set.cfg.Secret}
		src := w.src
		from, err := openOrigin(errandOf{name: src.name, spec: src.spec, home: src.home, file: src.file, find: src.find, deny: w.set.cfg.Deny, held: w.set.held, secret: w.spy.secret, key: src.run})
		if err != nil {
			return rows.Table{}, w.spy.clean(err)
		}
		w.from = from
	}
	defer w.spy.forget()
	most := boundsOf(w.src.spec)
	most.zone, most.now = w.zone, w.set.cfg.Now().In(w.zone)
	t, err := w.from.fetch(ctx, most, step)
	return t, w.spy.clean(err)
}

// take makes rows the last good ones, on the disk first.
func (w *worker) take(t rows.Table) error {
	now := w.set.cfg.Now().UTC()
	k := kept{Table: t, fetched: now, changed: now, version: version(t.Columns, t.Rows)}
	if k.version == w.last.version && !w.last.fetched.IsZero() {
		k.changed = w.last.changed
		if now.Sub(w.last.fetched).Abs() < time.Hour {
			w.last = k
			w.remember()
			return nil // on the disk already, but for its age
		}
	}
	b, err := k.bytes()
	if err == nil {
		err = w.set.cfg.Keep.KeepRows(w.src.key, b)
	}
	if err != nil {
		return classed{fmt.Errorf("keep the rows: %w", err), Disk}
	}
	w.last = k
	w.remember()
	return nil
}

// remember leaves the last good rows to who comes after this worker.
func (w *worker) remember() {
	w.set.mu.Lock()
	defer w.set.mu.Unlock()
	if w.set.workers[w.src.name] == w {
		w.set.good[w.src.key] = w.last
	}
}

// show works out what zones see now: of out, or of the last good rows where out is nil.
func (w *worker) show(out *pipeline.Rows) {
	now := w.set.cfg.Now()
	r := Result{FetchedAt: w.last.fetched, Changed: w.last.changed, tongue: w.tongue}
	fault := w.fault
	switch {
	case out == nil && !w.last.fetched.IsZero() && w.pipe != nil && !w.settled(now):
		made, err := w.pipe.Run(w.expand(w.last.Table), now)
		if out = &made; err != nil { // rows of an older configuration
			out = nil
			if fault == nil {
				fault = err
			}
		}
	case out == nil:
		r.Columns, r.Rows, r.looks, r.Version, r.Truncated, r.Dropped = w.shown.Columns, w.shown.Rows, w.shown.looks, w.shown.Version, w.shown.Truncated, w.shown.Dropped
	}
	if out != nil {
		r.Columns, r.Rows, r.looks, r.Truncated, r.Dropped = out.Columns, out.Rows, out.Looks, out.Truncated, out.Dropped
		r.Version = version(r.Columns, r.Rows)
		if w.next, w.ran = out.Next, now; w.src.spec.Type == "gtfs" {
			w.next = now.Truncate(time.Minute).Add(time.Minute)
		}
	}
	if fault != nil {
		r.Err, r.Class = fault.Error(), classOf(fault)
	}
	r.pictures = w.pictures.look(r.Columns, r.Rows)
	w.shown = aged(r, w.src.spec, now)
}

// settled says whether what is shown is still what it would be worked out to be.
func (w *worker) settled(now time.Time) bool {
	return !w.ran.IsZero() && (w.next.IsZero() || now.Before(w.next) && !now.Before(w.ran))
}

// expand makes rows of what is kept in a denser form: a timetable gives other departures each minute.
func (w *worker) expand(t rows.Table) rows.Table {
	if w.src.spec.Type == "gtfs" {
		return gtfs.Departures(t, w.set.cfg.Now(), boundsOf(w.src.spec).rows)
	}
	return t
}
