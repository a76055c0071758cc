package uplink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// warnedAtOnce is the most of the relay's list that one look at it reads, pages.
const warnedAtOnce = 200

// listen goes through the relay's list of public warnings whenever it has changed.
func (u *Uplink) listen(ctx context.Context) error {
	if u.cfg.Warnings == nil {
		return nil
	}
	retry := backoff{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.warn:
		}
		for {
			err := u.listenOnce(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err == nil {
				retry = backoff{}
				u.Poke() // so that people see what stands where
				break
			}
			u.log.Warn("public warnings not fetched yet", "error", err)
			if !retry.wait(ctx, err) {
				return nil
			}
		}
	}
}

// listenOnce takes all that is new. What is not the publisher's word is told, and holds nothing else up.
func (u *Uplink) listenOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if u.cfg.Store.Trust() == nil {
		if err := u.renewRoots(ctx); err != nil {
			return err
		}
	}
	before, _ := u.cfg.Warnings.Heard()
	var had []uint64
	var faults []error
	state, cursor := "", uint64(0)
	for n := 0; ; n++ {
		page, err := u.client.Warnings(ctx, before, cursor)
		if err != nil {
			return fmt.Errorf("ask for public warnings: %w", err)
		}
		if n == 0 {
			state = page.State // that of the first page: what comes while they are read is asked for again
		}
		for _, item := range page.Items {
			serial, err := u.warning(ctx, item)
			if err != nil {
				faults = append(faults, fmt.Errorf("public warning %d of the relay: %w", item.Serial, err))
				u.log.Warn("public warning refused", "serial", item.Serial, "error", err)
			}
			if serial > 0 {
				had = append(had, serial)
			}
		}
		next, err := strconv.ParseUint(page.Next, 10, 64)
		if page.Next == "" || err != nil || next <= cursor || n == warnedAtOnce {
			break
		}
		cursor = next
	}
	return u.cfg.Warnings.Caught(before, state, had, errors.Join(faults[:min(len(faults), 5)]...))
}

// warning takes one, with newer roots if it needs them. It gives the serial that its publisher has signed, 0 = nobody has.
func (u *Uplink) warning(ctx context.Context, item api.SignedWarning) (uint64, error) {
	w, _, err := u.cfg.Warnings.Post(item.Envelope, "relay")
	var newer *bundle.NewRootError
	if t := u.cfg.Store.Trust(); err != nil && (errors.As(err, &newer) || t != nil && item.Root > t.Root().Version) {
		if rerr := u.renewRoots(ctx); rerr != nil {
			return 0, errors.Join(err, rerr)
		}
		w, _, err = u.cfg.Warnings.Post(item.Envelope, "relay")
	}
	switch {
	case w == nil:
		return 0, err
	case errors.Is(err, bundle.ErrExpired): // it was over before this player heard of it
		return w.Serial, nil
	}
	return w.Serial, err
}
