// Package importer finds the bundle on a stick, and hands it on.
//
//	udisks ──Came──> mount ──> Tree ──> Taker (verifies, copies)
//	   │                        ^ names only from hashes: /vitrine/stick.json names m/<sha256>.json, which names the blobs,
//	   │                          and signed public warnings, w/<sha256>.json
//	   └────Gone──> the import under way ends
//
// A stick is hostile until a signature says otherwise, and even then only its bytes are trusted, not its file system: it
// is never walked, nothing in it can lead elsewhere or make a read wait, and what is read of it has a limit in bytes and
// in time. One stick is read at a time.
package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/usb/udisks"
)

// Taker takes bundles; it verifies what it reads, and reads nothing twice. A Tree has the methods of a store's origin, but
// for the digest's type: the player's wiring wraps it,
//
//	func (o stickOrigin) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
//		return o.Tree.Blob(ctx, string(d), from)
//	}
type Taker interface {
	Take(ctx context.Context, stick udisks.Stick, tree *Tree) error
}

// Port is where sticks are plugged in: a udisks.Watcher.
type Port interface {
	Events() <-chan udisks.Event
	Mount(context.Context, udisks.Stick) (string, error)
	MountToWrite(context.Context, udisks.Stick) (string, error)
	Unmount(context.Context, udisks.Stick) error
}

// Config says where sticks come from and who takes what is on them.
type Config struct {
	Sticks Port
	Taker  Taker
	// Ended hears how it went with each stick whose turn came, once it is unmounted and may be pulled out: nil, what its Taker
	// said, or why it was not handed to the Taker. ErrNothing: nothing on it is ours. nil = nobody hears.
	Ended func(udisks.Stick, error)
	// Waiting hears how many sticks wait for their turn, when that changes; nil = nobody does.
	Waiting func(n int)
	Bytes   int64         // most that is read of one stick; 0 is 256 GiB
	Time    time.Duration // most that one import takes; 0 is four hours
	Log     *slog.Logger  // nil is slog.Default()
}

// Importer imports from sticks as they come.
type Importer struct {
	cfg   Config
	queue []udisks.Stick // those that wait, in the order they came
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Importer, error) {
	if cfg.Sticks == nil || cfg.Taker == nil {
		return nil, errors.New("an importer needs sticks and someone who takes what is on them")
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 256 << 30
	}
	if cfg.Time <= 0 {
		cfg.Time = 4 * time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Importer{cfg: cfg}, nil
}

// Run imports until ctx ends, and returns nil then. What Sticks needs to run is the caller's to run.
func (m *Importer) Run(ctx context.Context) error {
	var (
		now    udisks.Stick // being imported, while cancel is not nil
		cancel context.CancelCauseFunc
		done   = make(chan struct{})
	)
	for {
		if cancel == nil && len(m.queue) > 0 {
			var one context.Context
			one, cancel = context.WithCancelCause(ctx)
			now, m.queue = m.queue[0], m.queue[1:]
			m.waiting()
			go func() {
				defer func() { done <- struct{}{} }()
				stepBack() // its thread ends with it
				m.one(one, now)
			}()
		}
		select {
		case <-ctx.Done():
			if cancel != nil {
				<-done // what is mounted is unmounted first
				cancel(nil)
			}
			return nil
		case <-done:
			cancel(nil)
			cancel = nil
		case e := <-m.cfg.Sticks.Events():
			switch {
			case !e.Gone:
				m.queue = append(m.queue, e.Stick)
				if cancel != nil {
					m.waiting()
				}
			case cancel != nil && e.Stick == now:
				cancel(ErrGone)
			default:
				m.drop(e.Stick)
			}
		}
	}
}

// drop forgets a stick that waits.
func (m *Importer) drop(s udisks.Stick) {
	for i, q := range m.queue {
		if q == s {
			m.queue = append(m.queue[:i], m.queue[i+1:]...)
			m.waiting()
			return
		}
	}
}

func (m *Importer) waiting() {
	if m.cfg.Waiting != nil {
		m.cfg.Waiting(len(m.queue))
	}
}

// one imports one stick, and logs how it went.
func (m *Importer) one(ctx context.Context, s udisks.Stick) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.cfg.Time, fmt.Errorf("the stick is too slow: not everything was copied within %s", m.cfg.Time))
	defer cancel()
	err := m.take(ctx, s)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // why it was ended says more than what broke because of that
	}
	if m.cfg.Ended != nil {
		m.cfg.Ended(s, err)
	}
	log := m.cfg.Log.With("device", s.Device, "label", s.Label)
	switch {
	case err == nil:
		log.Info("stick imported")
	case errors.Is(err, ErrNothing):
		log.Info("stick left alone", "reason", err)
	case errors.Is(err, context.Canceled):
		log.Info("stick import stopped")
	default:
		log.Warn("stick refused", "error", err)
	}
}

// take hands a stick's tree on, and then writes onto the stick what is to go back.
func (m *Importer) take(ctx context.Context, s udisks.Stick) error {
	replies, err := m.read(ctx, s)
	if writing := m.answer(ctx, s, replies); writing != nil { // which takes nothing back of what was imported
		m.cfg.Log.Warn("nothing written back onto the stick", "device", s.Device, "error", writing)
	}
	return err
}

// read mounts a stick, hands its tree on, and unmounts it whatever happens.
func (m *Importer) read(ctx context.Context, s udisks.Stick) (replies []Reply, err error) {
	dir, err := m.cfg.Sticks.Mount(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.cfg.Sticks.Unmount(context.WithoutCancel(ctx), s)) }()
	tree, err := Open(dir, m.cfg.Bytes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	err = m.cfg.Taker.Take(ctx, s, tree)
	return tree.Replies(), err
}
