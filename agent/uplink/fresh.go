package uplink

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/store"
)

// How often a relay is asked whether what plays is the newest, and how long a player waits for its first answer.
const (
	freshEvery = time.Hour
	freshRetry = 5 * time.Minute
	freshGrace = 24 * time.Hour
	freshAhead = time.Hour     // how far a relay's clock may be ahead of one that is believed
	freshKeep  = 6 * time.Hour // how old what is on the disk may be beside what is known: the disk is spared
)

// freshness is what a relay has last said to be the newest, by stream. It outlives a restart, so that nobody can bring up an
// older word after one.
type freshness struct {
	Streams map[string]said `json:"streams,omitempty"`
	Since   time.Time       `json:"since,omitzero"` // when it was first asked for

	path string
	kept map[string]said // as the disk has it
}

// said is one word of a relay.
type said struct {
	Fresh bundle.Fresh `json:"fresh"`
	By    string       `json:"by"` // id of the key that has signed it
}

// loadFreshness reads what was kept. What is damaged is asked for anew.
func loadFreshness(path string) (*freshness, error) {
	f := &freshness{path: path, Streams: map[string]said{}, kept: map[string]said{}}
	b, err := identity.ReadPrivate(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(b, f)
	}
	if err != nil {
		return &freshness{path: f.path, Streams: map[string]said{}, kept: map[string]said{}}, fmt.Errorf("what the relay has said to be the newest is lost: %w", err)
	}
	if f.Streams == nil {
		f.Streams = map[string]said{}
	}
	for stream, s := range f.Streams {
		f.kept[stream] = s
	}
	return f, nil
}

// last is what was said of a stream; nil = nothing.
func (f *freshness) last(stream string) *bundle.Fresh {
	s, ok := f.Streams[stream]
	if !ok {
		return nil
	}
	s.Fresh.By = s.By
	return &s.Fresh
}

// take keeps a verified word, on the disk when that has a much older one.
func (f *freshness) take(w *bundle.Fresh) error {
	next := said{*w, w.By}
	f.Streams[w.Stream] = next
	was, ok := f.kept[w.Stream]
	if ok && was.By == w.By && was.Fresh.Seq == w.Seq && w.Issued.Sub(was.Fresh.Issued) < freshKeep {
		return nil
	}
	f.kept[w.Stream] = next
	return f.save()
}

func (f *freshness) save() error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return identity.WritePrivate(f.path, b)
}

// keepFresh asks now and then whether what plays is the newest, and says when nobody confirms it any more.
func (u *Uplink) keepFresh(ctx context.Context) error {
	known, err := loadFreshness(u.me.Beside("fresh.json"))
	if err != nil {
		u.log.Warn("freshness not read", "error", err)
	}
	var asked *bundle.Digest // of the bundle that was live; nil = it is time to ask
	next := time.NewTimer(freshEvery)
	defer next.Stop()
	for {
		live, changed := u.cfg.Store.Live()
		if asked == nil || *asked != live.Digest {
			asked = &live.Digest
			next.Reset(u.confirm(ctx, known, live))
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-next.C:
			asked = nil
		}
	}
}

// confirm asks the relay once, tells how it stands, and says when to ask again.
func (u *Uplink) confirm(ctx context.Context, known *freshness, live *store.Live) time.Duration {
	t, pinned := u.cfg.Store.Trust(), ed25519.PublicKey(u.me.Time[u.cfg.Base])
	if t == nil || live.Manifest == nil || !t.ExpectsFresh(pinned) {
		u.cfg.Fresh(nil)
		return freshEvery
	}
	if known.Since.IsZero() && u.believed() {
		known.Since = u.cfg.Clock.Now().UTC()
		if err := known.save(); err != nil {
			u.log.Debug("freshness not kept", "error", err)
		}
	}
	err := u.askFresh(ctx, known, t, pinned, live.Manifest.Stream)
	if ctx.Err() != nil {
		return freshEvery
	}
	u.cfg.Fresh(u.stale(known, live, err))
	if err != nil {
		return freshRetry/2 + rand.N(freshRetry)
	}
	return freshEvery + rand.N(freshEvery/4)
}

// believed says whether the player's clock can tell that something is over.
func (u *Uplink) believed() bool {
	st, _ := u.cfg.Clock.State()
	return st.Trust == clock.Trusted || st.Trust == clock.Held
}

func (u *Uplink) askFresh(ctx context.Context, known *freshness, t *bundle.Trust, pinned ed25519.PublicKey, stream string) error {
	b, err := u.client.Fresh(ctx, stream)
	if err != nil {
		return fmt.Errorf("ask the relay what is the newest: %w", err)
	}
	f, err := t.Fresh(b, pinned, known.last(stream))
	switch {
	case err != nil:
		return err
	case f.Stream != stream:
		return fmt.Errorf("the relay was asked for the newest of %q and answers for %q", stream, f.Stream)
	case u.believed() && f.Issued.After(u.cfg.Clock.Now().Add(freshAhead)):
		return fmt.Errorf("the relay says what is the newest at %s, which is to come: set its clock", f.Issued.Format(time.RFC3339))
	}
	return known.take(f)
}

// stale is the alarm: nobody confirms that what plays is the newest, or what is confirmed is not what plays. What plays, plays
// on. trouble is what has just gone wrong, nil = nothing.
func (u *Uplink) stale(known *freshness, live *store.Live, trouble error) error {
	m, now := live.Manifest, u.cfg.Clock.Now()
	why := "the relay does not answer, or something on the way holds back what is newer"
	if trouble != nil {
		why = trouble.Error()
	}
	f := known.last(m.Stream)
	switch {
	case f == nil && (known.Since.IsZero() || !u.believed() || now.Sub(known.Since) < freshGrace):
		return nil
	case f == nil:
		return fmt.Errorf("the relay has never confirmed that version %d of %q is the newest: %s. It plays on", m.Seq, m.Stream, why)
	case u.believed() && now.After(f.Expires):
		return fmt.Errorf("since %s nobody has confirmed that version %d of %q is the newest: %s. It plays on", f.Issued.Format(time.RFC3339), m.Seq, m.Stream, why)
	case f.Root < m.Root || f.Root == m.Root && f.Seq < m.Seq:
		return fmt.Errorf("the relay says that version %d of %q is the newest, and this player has had version %d: the relay was restored from a backup, or holds back what it has. Push the newest version again", f.Seq, m.Stream, m.Seq)
	case f.Root == m.Root && f.Seq == m.Seq && f.Manifest != live.Digest:
		return fmt.Errorf("the relay has other contents for version %d of %q than this player: build and push it again, so that it gets a number of its own", m.Seq, m.Stream)
	}
	return nil
}
