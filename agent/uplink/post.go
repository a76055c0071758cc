package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/mailroom"
	"vitrine/cloud/api"
)

const (
	mostParcels = 200 // pages of the relay's list
	longestPost = 2 * time.Hour
)

// mail is who takes parcels, and verifies them.
type mail interface {
	Word() api.Mail
	Overlay(api.Settings) api.Settings
	Take(ctx context.Context, envelope []byte, via string, from mailroom.Blobs) (mailroom.Took, error)
	Looked(list string) error
}

// post goes through the relay's list of parcels whenever it has changed.
func (u *Uplink) post(ctx context.Context) error {
	if u.cfg.Mail == nil {
		return nil
	}
	retry := backoff{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.letter:
		}
		for {
			err := u.postOnce(ctx)
			if ctx.Err() != nil {
				return nil
			}
			u.Poke() // so that people see how it went
			if err == nil {
				retry = backoff{}
				break
			}
			u.log.Warn("parcels not fetched yet", "error", err)
			if !retry.wait(ctx, err) {
				return nil
			}
		}
	}
}

// postOnce takes all that is new. What is refused is told by the mailroom, and holds nothing else up; what could not be fetched
// is tried again.
func (u *Uplink) postOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longestPost)
	defer cancel()
	if u.cfg.Store.Trust() == nil {
		if err := u.renewRoots(ctx); err != nil {
			return err
		}
	}
	var again []error
	state, cursor := "", ""
	for n := 0; ; n++ {
		page, err := u.client.Parcels(ctx, cursor)
		if err != nil {
			return fmt.Errorf("ask for parcels: %w", err)
		}
		if n == 0 {
			state = page.State // that of the first page: what comes while they are read is asked for again
		}
		for _, item := range page.Items {
			if err := u.parcel(ctx, item); err != nil {
				again = append(again, err)
			}
		}
		if page.Next == "" || page.Next == cursor || n == mostParcels {
			break
		}
		cursor = page.Next
	}
	if len(again) > 0 {
		return errors.Join(again[:min(len(again), 5)]...)
	}
	return u.cfg.Mail.Looked(state)
}

// parcel takes one, with newer roots if it needs them. An error is one that another try may mend.
func (u *Uplink) parcel(ctx context.Context, item api.SignedParcel) error {
	if t := u.cfg.Store.Trust(); t != nil && item.Root > t.Root().Version {
		if err := u.renewRoots(ctx); err != nil {
			return err
		}
	}
	_, err := u.cfg.Mail.Take(ctx, item.Envelope, "relay", carrier{u})
	var later *mailroom.LaterError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &later):
		return err
	case err != nil && !errors.Is(err, bundle.ErrNotForHere):
		u.log.Debug("parcel refused", "kind", item.Kind, "serial", item.Serial, "error", err)
	}
	return nil
}

// carrier gives what lies beside a parcel at the relay.
type carrier struct{ u *Uplink }

// Blob implements mailroom.Blobs.
func (c carrier) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := c.u.client.Blob(ctx, string(d), from, -1, -1)
	if err != nil {
		return nil, &mailroom.LaterError{Err: err}
	}
	return onTheWay{r}, nil
}

type onTheWay struct{ io.ReadCloser }

func (r onTheWay) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &mailroom.LaterError{Err: err}
	}
	return n, err
}
