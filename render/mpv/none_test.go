//go:build !mpv

package mpv_test

import (
	"errors"
	"testing"

	"vitrine/render/mpv"
)

func TestWithoutLibmpvVideoIsRefusedInASentence(t *testing.T) {
	if _, err := mpv.New(mpv.Config{}); !errors.Is(err, mpv.ErrNone) || len(err.Error()) < 40 {
		t.Errorf("got %v", err)
	}
}
