package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// mendAgain is when the relay is asked again for what is damaged of the bundle before: it need not have it any more.
const mendAgain = time.Hour

// fetchAll takes bundles that the relay names, the newest word first; again the live one when it was damaged; and what is
// damaged of the one before, when nothing else is wanted.
func (u *Uplink) fetchAll(ctx context.Context) error {
	var mended time.Time // when that was tried last
	again := time.NewTicker(mendAgain)
	defer again.Stop()
	for {
		live, changed := u.cfg.Store.Live()
		if live.Damaged && u.pointer() == nil {
			u.setWanted(live.Pointer())
		}
		if p := u.pointer(); p != nil {
			u.fetch(ctx, *p)
			u.Poke()
		} else if live.NoWayBack && (mended.IsZero() || time.Since(mended) >= mendAgain) {
			mended = time.Now()
			u.mendBefore(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-u.want:
		case <-changed:
		case <-again.C:
		}
	}
}

func (u *Uplink) pointer() *api.Pointer {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.wanted
}

func (u *Uplink) setWanted(p *api.Pointer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wanted = p
}

// fetch takes one bundle, however often it must try, until it is live, refused, or another one is wanted.
func (u *Uplink) fetch(ctx context.Context, p api.Pointer) {
	ctx, done := u.unlessOther(ctx, p)
	defer done()
	retry, said := backoff{}, ""
	for {
		moved, err := u.fetchOnce(ctx, p)
		var refused *store.RefusedError
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errShut): // and it waits for the next one
			continue
		case err == nil:
			u.ended(p, nil)
			return
		case errors.As(err, &refused):
			u.log.Warn("bundle refused", "stream", p.Stream, "seq", p.Seq, "reason", refused.Reason)
			u.ended(p, &api.Refusal{Pointer: p, Reason: refused.Reason, At: u.cfg.Clock.Now().UTC()})
			return
		}
		if said != err.Error() {
			said = err.Error()
			u.log.Warn("bundle not taken yet", "stream", p.Stream, "seq", p.Seq, "error", err)
		}
		u.mu.Lock()
		u.refused = &api.Refusal{Pointer: p, Reason: "not yet: " + err.Error(), At: u.cfg.Clock.Now().UTC()}
		u.mu.Unlock()
		if moved {
			retry = backoff{}
		}
		if !retry.wait(ctx, err) {
			return
		}
	}
}

// unlessOther is ctx until another word of the relay than p ends it; done ends it too.
func (u *Uplink) unlessOther(ctx context.Context, p api.Pointer) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-u.want:
				if now := u.pointer(); now != nil && *now != p {
					signal(u.want)
					cancel()
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(); <-ended }
}

// mendBefore fetches what is damaged of the bundle before the live one, until the relay wants anything.
func (u *Uplink) mendBefore(ctx context.Context) {
	ctx, done := u.unlessOther(ctx, api.Pointer{})
	defer done()
	o := &origin{u: u}
	err := u.cfg.Store.MendBefore(ctx, o, func(at store.Progress) {
		if o.ready.Load() == nil {
			o.ready.Store(&ready{manifest: at.Manifest, pace: u.newPace(at.Manifest, at.Total-at.Have)})
		}
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		u.log.Warn("bundle before the live one not mended", "error", err)
	default:
		u.log.Info("bundle before the live one mended")
	}
}

// ended forgets a wish that came to its end.
func (u *Uplink) ended(p api.Pointer, r *api.Refusal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refused = r
	if u.wanted != nil && *u.wanted == p {
		u.wanted, u.fetching = nil, nil
	}
}

// fetchOnce tries once; moved says whether something right has come.
func (u *Uplink) fetchOnce(ctx context.Context, p api.Pointer) (moved bool, err error) {
	digest, err := bundle.ParseDigest(p.Manifest)
	if err != nil {
		return false, &store.RefusedError{Reason: "the relay names a manifest that cannot be: " + err.Error()}
	}
	if u.cfg.Store.Trust() == nil {
		if err := u.renewRoots(ctx); err != nil {
			return false, err
		}
	}
	o := &origin{u: u, digest: digest, root: p.Root}
	var speed speed
	_, err = u.cfg.Store.Ingest(ctx, o, func(at store.Progress) {
		if o.ready.Load() == nil {
			o.ready.Store(&ready{manifest: at.Manifest, pace: u.newPace(at.Manifest, at.Total-at.Have)})
		}
		moved = at.Fetched > 0
		idle := o.idle()
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.wanted != nil && *u.wanted == p {
			until := time.Time{}
			if u.fetching != nil {
				until = u.fetching.Until
			}
			u.fetching = &api.Progress{Pointer: p, Have: at.Have, Total: at.Total, Rate: speed.of(at.Fetched), Idle: idle && u.lame == nil, Until: until}
		}
	})
	return moved, err
}

// setHeld notes until when a download waits for its time of day; zero = it does not.
func (u *Uplink) setHeld(until time.Time) {
	u.mu.Lock()
	changed := u.fetching != nil && !u.fetching.Until.Equal(until)
	if changed {
		u.fetching.Until = until.UTC()
	}
	u.mu.Unlock()
	if changed && !until.IsZero() {
		u.log.Info("bundle waits for its time of day", "until", until)
	}
	if changed {
		u.Poke()
	}
}

// setLame notes that a download cannot take only what is free.
func (u *Uplink) setLame(err error) {
	u.mu.Lock()
	known := u.lame != nil
	u.lame = err
	u.mu.Unlock()
	if !known {
		u.log.Warn("idle mode not possible", "error", err)
	}
}

// speed is how fast bytes have come of late.
type speed struct {
	since time.Time
	bytes int64
	rate  float64
}

// of takes how many bytes have come in all, and gives bytes/s.
func (s *speed) of(bytes int64) int64 {
	if s.since.IsZero() {
		s.since, s.bytes = time.Now(), bytes
	}
	if took := time.Since(s.since); took >= time.Second {
		now := float64(bytes-s.bytes) / took.Seconds()
		if s.rate == 0 {
			s.rate = now
		}
		s.rate += (now - s.rate) * min(1, took.Seconds()/5)
		s.since, s.bytes = time.Now(), bytes
	}
	return int64(s.rate)
}

// renewRoots takes the relay's newer roots. The first chain is that of the relay which the player was enrolled at.
func (u *Uplink) renewRoots(ctx context.Context) error {
	from := 1
	if t := u.cfg.Store.Trust(); t != nil {
		from = t.Root().Version + 1
	}
	fresh, err := u.client.Roots(ctx, from)
	if err != nil {
		return fmt.Errorf("get the roots: %w", err)
	}
	if from == 1 && len(fresh) == 0 {
		return errors.New("the relay has no publisher's root yet: push a bundle to it")
	}
	if t := u.cfg.Store.Trust(); t != nil {
		fresh = append(t.Chain(), fresh...)
	}
	return u.pin(fresh)
}

// pin trusts a chain of roots, if it is that of whom the person has named who claimed this player.
func (u *Uplink) pin(chain [][]byte) error {
	if want := u.me.Root[u.cfg.Base]; want != "" && u.cfg.Store.Trust() == nil && string(bundle.DigestOf(chain[0])) != want {
		return &store.RefusedError{Reason: fmt.Sprintf("the relay gives the root of another publisher, %q, than the one that this player was claimed for: nothing of it is taken; claim the player again with the right keys, or see who has changed the relay",
			strings.Join(bundle.Words(chain[0]), " "))}
	}
	return u.cfg.Store.Pin(chain)
}

// origin is a bundle at the relay.
type origin struct {
	u      *Uplink
	digest bundle.Digest
	root   int // the newest version that it needs

	ready atomic.Pointer[ready] // nil until the first blob is asked for
}

// ready is what is known before the first blob is asked for.
type ready struct {
	manifest *bundle.Manifest // verified
	pace     *pace
}

// Roots implements store.Origin: the chain that the player has, and what is newer.
func (o *origin) Roots(ctx context.Context) ([][]byte, error) {
	t := o.u.cfg.Store.Trust()
	if t == nil || t.Root().Version >= o.root {
		return nil, nil
	}
	fresh, err := o.u.client.Roots(ctx, t.Root().Version+1)
	return append(t.Chain(), fresh...), err
}

// Manifest implements store.Origin.
func (o *origin) Manifest(ctx context.Context) ([]byte, error) {
	b, err := o.u.client.Manifest(ctx, string(o.digest))
	if err == nil && bundle.DigestOf(b) != o.digest {
		err = fmt.Errorf("the relay gives another manifest than the one it named, %s", o.digest.Short())
	}
	return b, err
}

// Streams lets several blobs come at once, where they need not keep out of others' way.
func (o *origin) Streams() int {
	if o.idle() {
		return 1
	}
	return atOnce
}

// idle says whether blobs take only what is free.
func (o *origin) idle() bool {
	r := o.ready.Load()
	return r != nil && r.pace.Idle
}

// Blob implements store.Origin.
func (o *origin) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	return o.Span(ctx, d, from, -1)
}

// Span is Blob up to a byte: what is missing between segments that are here. -1 = the end.
func (o *origin) Span(ctx context.Context, d bundle.Digest, from, to int64) (io.ReadCloser, error) {
	r := o.ready.Load()
	if r == nil {
		return nil, errors.New("a blob is asked for before its manifest was verified")
	}
	b, ok := r.manifest.Blob(d)
	if !ok {
		return nil, fmt.Errorf("the manifest names no blob %s", d.Short())
	}
	if to < 0 {
		to = b.Size
	}
	if err := r.pace.wait(ctx); err != nil {
		return nil, err
	}
	client := o.u.client
	if r.pace.Idle {
		client = o.u.bulk
	}
	body, err := client.Blob(ctx, string(d), from, to, b.Size)
	if err != nil {
		return nil, err
	}
	return &paced{ReadCloser: body, ctx: ctx, pace: r.pace}, nil
}
