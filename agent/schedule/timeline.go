package schedule

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Timeline yields the answer at from and then every change of it before to, with the instant, computed as it is asked for.
// The state stays as it is throughout. Decisions have no Why.
func (p *Plan) Timeline(pl Player, st State, from, to time.Time) iter.Seq2[time.Time, Decision] {
	return func(yield func(time.Time, Decision) bool) {
		if !from.Before(to) {
			return
		}
		last := p.At(pl, st, from)
		if !yield(from, last) {
			return
		}
		for next := last.Next; next != nil && next.Before(to); {
			d := p.At(pl, st, *next)
			at := *next
			next = d.Next
			if d.Same(last) {
				continue
			}
			last = d
			if !yield(at, d) {
				return
			}
		}
	}
}

// Same says whether two decisions show the same; Next and Why do not count.
func (d Decision) Same(other Decision) bool {
	return d.Screen == other.Screen && d.Layer == other.Layer && slices.Equal(d.Events, other.Events) &&
		slices.Equal(d.Loop, other.Loop) && slices.Equal(d.Overlays, other.Overlays) && maps.Equal(d.Interrupts, other.Interrupts)
}
