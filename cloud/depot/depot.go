// Package depot keeps what publishers push: blobs, manifests, the root chain, which manifest is each stream's newest, and public
// warnings.
//
//	PUT blobs ──> PUT manifest ──> move head ──Moved──> fleet tells the players of the stream's channels
//	 verified      by digest        signature, seq, every blob: checked
//
// It refuses what players would refuse, so that a publisher hears of it first; it is never the authority: players verify
// everything again.
package depot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// Errors on which a caller decides.
var (
	ErrOlder    = errors.New("the stream is already further")
	ErrChanged  = errors.New("somebody else has changed it meanwhile: look at it again, then repeat")
	ErrUnproven = errors.New("the bundle is not one that players would take")
	ErrNoRoot   = errors.New("the relay has no root keys yet: push root 1 first (`vitrine push` does)")
)

// MissingError names blobs that a manifest needs and that are not there.
type MissingError struct{ Digests []string }

// Error implements error.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%d blobs of the manifest are not on the relay: send them first", len(e.Digests))
}

// Blobs keeps bytes under their SHA-256. Open and Stat give fs.ErrNotExist for what is not there.
type Blobs interface {
	Put(ctx context.Context, digest string, size int64, r io.Reader) (fresh bool, err error)
	Open(digest string) (io.ReadSeekCloser, error)
	Stat(digest string) (int64, error)
	Free() (int64, error)
	// Touch notes that somebody counts on a blob; one that is not there is no error.
	Touch(digest string) error
	// Sweep removes what keep does not name and what nobody has touched since before.
	Sweep(ctx context.Context, before time.Time, keep func(digest string) bool) (blobs int, bytes int64, err error)
}

// Index keeps records with revisions: see package shelf for what it promises.
type Index interface {
	Get(key string) ([]byte, uint64, error)
	Put(key string, value []byte, want uint64) (uint64, bool, error)
	Delete(key string, want uint64) (bool, error)
	Each(prefix, after string, f func(key string, value []byte, rev uint64) bool) error
}

// watcher hears of what has moved; calls come in order and must be short.
type watcher interface {
	Moved(api.Stream)
	Followed(api.Channel)
	Unfollowed(group string)
	RootGrew(version int)
	Warned(newest uint64, state string)
	Posted(state string)
}

// Config says where a depot keeps things and who hears of changes.
type Config struct {
	Blobs     Blobs
	Manifests Blobs
	Index     Index
	Watcher   watcher
	Log       *slog.Logger
	Now       func() time.Time
}

// Depot is what publishers have pushed.
type Depot struct {
	cfg Config

	mu    sync.Mutex // held over what changes heads, channels, roots and warnings
	trust *bundle.Trust
	list  list
	post  string // state of the list of parcels; "" = none ever came
}

// New opens a depot and tells the watcher all that it holds.
func New(cfg Config) (*Depot, error) {
	d := &Depot{cfg: cfg}
	var chain [][]byte
	err := cfg.Index.Each("root/", "", func(_ string, v []byte, _ uint64) bool {
		chain = append(chain, v)
		return true
	})
	if err == nil && len(chain) > 0 {
		d.trust, err = bundle.NewTrust(chain)
		cfg.Watcher.RootGrew(len(chain))
	}
	if err == nil {
		err = errors.Join(d.tellAll(), d.loadWarnings(), d.loadParcels())
	}
	if err != nil {
		return nil, fmt.Errorf("open depot: %w", err)
	}
	return d, nil
}

func (d *Depot) tellAll() error {
	streams, err := each[api.Stream](d.cfg.Index, "stream/", "", 0)
	if err != nil {
		return err
	}
	for _, s := range streams {
		d.cfg.Watcher.Moved(s)
	}
	channels, err := each[api.Channel](d.cfg.Index, "channel/", "", 0)
	for _, c := range channels {
		d.cfg.Watcher.Followed(c)
	}
	return err
}

// each decodes the records of a kind after a key; limit 0 = all.
func each[T any](x Index, prefix, after string, limit int) (out []T, err error) {
	if after != "" {
		after = prefix + after
	}
	var bad error
	err = x.Each(prefix, after, func(key string, v []byte, _ uint64) bool {
		var t T
		if bad = json.Unmarshal(v, &t); bad != nil {
			bad = fmt.Errorf("record %s: %w", key, bad)
			return false
		}
		out = append(out, t)
		return limit == 0 || len(out) < limit
	})
	return out, errors.Join(err, bad)
}

// Blobs gives the blobs.
func (d *Depot) Blobs() Blobs { return d.cfg.Blobs }

// Manifest gives an envelope, or fs.ErrNotExist.
func (d *Depot) Manifest(digest string) ([]byte, error) {
	f, err := d.cfg.Manifests.Open(digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, bundle.MaxManifest+1))
}

// PutManifest keeps an envelope that players would take. It is immutable: its digest is its name.
func (d *Depot) PutManifest(ctx context.Context, digest string, envelope []byte) error {
	if _, err := d.verify(envelope); err != nil {
		return err
	}
	_, err := d.cfg.Manifests.Put(ctx, digest, int64(len(envelope)), bytes.NewReader(envelope))
	return err
}

func (d *Depot) verify(envelope []byte) (*bundle.Manifest, error) {
	d.mu.Lock()
	trust := d.trust
	d.mu.Unlock()
	if trust == nil {
		return nil, ErrNoRoot
	}
	m, err := trust.Manifest(envelope)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	return m, nil
}

// Root gives one envelope of the root chain, or fs.ErrNotExist.
func (d *Depot) Root(version int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trust == nil || version < 1 || version > len(d.trust.Chain()) {
		return nil, fs.ErrNotExist
	}
	return d.trust.Chain()[version-1], nil
}

// Roots gives the root chain from 1.
func (d *Depot) Roots() [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trust == nil {
		return nil
	}
	return d.trust.Chain()
}

// PutRoot appends to the root chain; putting what is there again is no error. The first is believed: whoever holds the
// administrator's token chooses whose screens these are, and players pin it themselves.
func (d *Depot) PutRoot(version int, envelope []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var chain [][]byte
	if d.trust != nil {
		chain = d.trust.Chain()
	}
	if version >= 1 && version <= len(chain) {
		if bytes.Equal(chain[version-1], envelope) {
			return nil
		}
		return fmt.Errorf("%w: another root %d is there, and a chain of keys never changes: these are another customer's keys, or a copy of them has gone its own way", ErrChanged, version)
	}
	if version != len(chain)+1 {
		return fmt.Errorf("%w: the next root is %d, not %d: push them in order", ErrUnproven, len(chain)+1, version)
	}
	trust, err := bundle.NewTrust(append(chain, envelope))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	_, ok, err := d.cfg.Index.Put(fmt.Sprintf("root/%08d", version), envelope, 0)
	if err != nil {
		return err
	}
	if !ok {
		return ErrChanged
	}
	d.trust = trust
	d.cfg.Watcher.RootGrew(version)
	d.cfg.Log.Info("root taken", "version", version, "customer", trust.Root().Customer)
	return nil
}
