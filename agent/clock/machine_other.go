//go:build !linux

package clock

import (
	"context"
	"errors"
	"time"
)

// machine is a computer of which only the clock is known.
type machine struct{}

func (machine) Wall() time.Time { return time.Now() }

func (machine) Synchronised() (bool, error) { return false, errors.ErrUnsupported }

func (machine) Steps(context.Context, func()) error { return errors.ErrUnsupported }
