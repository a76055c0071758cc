package place

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxHeld is how many reads of one player may hang at once; each keeps a thread of the system.
const maxHeld = 32

// moment is how long a read that was called off may take to come back before it is said to hang.
const moment = time.Second

// Held are the reads that have not come back. A share whose server is gone holds whoever looks into it, in the kernel,
// where nothing but the end of the process ends it: so that a fetch leaves such a read behind at its deadline, and the same
// thing is not asked again before it has come back.
type Held struct {
	mu sync.Mutex
	at map[string]chan struct{} // closed when it has come back
}

// Do runs f until ctx ends, and not while an earlier one with the same key still runs. What f writes is only to be
// looked at when Do gives what f gave.
func (h *Held) Do(ctx context.Context, key string, f func() error) error {
	_, err := within(ctx, h, key, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

func within[T any](ctx context.Context, h *Held, key string, f func() (T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	h.await(ctx, key)
	if err := h.take(key); err != nil {
		return none, err
	}
	done := make(chan answer, 1)
	go func() {
		a := answer{}
		defer func() {
			if p := recover(); p != nil { // of a library that reads foreign bytes
				a = answer{err: fmt.Errorf("its server's answer cannot be read: %v", p)}
			}
			h.free(key) // before anybody can ask again
			done <- a
		}()
		a.got, a.err = f()
	}()
	select {
	case a := <-done:
		if a.err != nil && ctx.Err() != nil {
			return none, late(ctx)
		}
		return a.got, a.err
	case <-ctx.Done():
		return none, late(ctx)
	}
}

func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer in time; look whether its server is up, or raise refresh.timeout (%w)", ctx.Err())
	}
	return ctx.Err()
}

// await gives an earlier read that was called off, by a deadline or a new bundle, the moment that it needs to hang up.
func (h *Held) await(ctx context.Context, key string) {
	h.mu.Lock()
	back := h.at[key]
	h.mu.Unlock()
	if back == nil {
		return
	}
	enough := time.NewTimer(moment)
	defer enough.Stop()
	select {
	case <-back:
	case <-enough.C:
	case <-ctx.Done():
	}
}

func (h *Held) take(key string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.at[key] != nil:
		return errors.New("an earlier read of it still hangs; its server or share does not answer")
	case len(h.at) >= maxHeld:
		return fmt.Errorf("%d reads of other sources hang; look whether their servers and shares are there", len(h.at))
	case h.at == nil:
		h.at = map[string]chan struct{}{}
	}
	h.at[key] = make(chan struct{})
	return nil
}

func (h *Held) free(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.at[key])
	delete(h.at, key)
}
