package agent

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/mailroom"
	"vitrine/agent/update"
)

// ErrRenewed ends a player because another version of it is to run: who started it starts it again.
var ErrRenewed = fmt.Errorf("%w: in another version", ErrAgain)

// updateTrial is how long a new version of the programs has to show something, when nobody says.
const updateTrial = 3 * time.Minute

// Update implements mailroom's doer: the programs come to the disk, and the player ends to be started in the new version.
func (e errands) Update(ctx context.Context, u parcel.Update, from mailroom.Blobs) error {
	fresh, err := e.programs.Install(ctx, u, from)
	switch {
	case errors.Is(err, update.ErrSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return &mailroom.LaterError{Err: err}
	case err != nil:
		return err
	case fresh:
		e.log.Info("programs updated; the player starts again", "from", bundle.AgentVersion, "to", u.Version)
		select {
		case e.renewed <- struct{}{}:
		default:
		}
	}
	return nil
}

// renew ends the player when another version of it has come; and when this one is on trial, it blesses it with the first frame
// that is on the screen, or goes back to the one before.
func (a *Agent) renew(ctx context.Context) error {
	look, over := make(<-chan time.Time), make(<-chan time.Time)
	if a.programs.Trial() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		end := time.NewTimer(a.cfg.UpdateTrial)
		defer end.Stop()
		look, over = tick.C, end.C
		a.log.Info("this version is on trial until it shows something", "version", bundle.AgentVersion)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.renewed:
			a.renderer.Hold()
			return ErrRenewed
		case <-look:
			if p := a.playout.Status(); p.Output == "" || p.Presented == 0 {
				continue
			}
			if err := a.programs.Bless(); err != nil {
				a.log.Warn("trial of this version goes on", "error", err)
				continue
			}
			a.log.Info("this version shows something; it stays", "version", bundle.AgentVersion)
			look, over = nil, nil
		case <-over:
			why := fmt.Sprintf("it showed nothing within %s", a.cfg.UpdateTrial)
			if p := a.playout.Status(); p.Fault != "" {
				why += ": " + p.Fault
			}
			if err := a.programs.Fail(why); err != nil {
				return fmt.Errorf("%w: this version shows nothing, and going back failed: %w", ErrAgain, err)
			}
			a.log.Error("this version shows nothing; going back to the one before", "version", bundle.AgentVersion, "why", why)
			return ErrRenewed
		}
	}
}
