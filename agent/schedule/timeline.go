package schedule

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Timeline yields the answer at from and then every change of it before to, with the instant, computed as it is asked for.
// The state stays as it is throughout, but for the screen, which actions switch: where State.Screen is "", what they last did
// before from counts. Decisions have no Why.
func (p *Plan) Timeline(pl Player, st State, from, to time.Time) iter.Seq2[time.Time, Decision] {
	return func(yield func(time.Time, Decision) bool) {
		if !from.Before(to) {
			return
		}
		switches := p.switches(pl, st)
		st.Screen = screenAt(switches, st.Screen, from)
		last := p.At(pl, st, from)
		if !yield(from, last) {
			return
		}
		for at, next := from, last.Next; ; {
			t, off, switched := nextSwitch(switches, at)
			if switched && (next == nil || !next.Before(t)) {
				st.Screen, next = "on", &t
				if off {
					st.Screen = "off"
				}
			}
			if next == nil || !next.Before(to) {
				return
			}
			at = *next
			d := p.At(pl, st, at)
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
