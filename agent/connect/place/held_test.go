package place_test

import (
	"testing"

	"vitrine/agent/connect/place"
)

func TestWhatHasAnsweredCanBeAskedAgainAtOnce(t *testing.T) {
	var h place.Held
	for range 20_000 {
		if err := h.Do(t.Context(), "a share", func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.Do(t.Context(), "a share", func() error { panic("foreign bytes") }); err == nil {
			t.Fatal("a panic was taken for an answer")
		}
	}
}
