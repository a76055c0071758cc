package schedule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MainStream names the loop of a Decision among the streams of Voices; the others are the ids of its Interrupts.
const MainStream = ""

// Voices shares playing time between the main stream and the interrupts, at item boundaries. Its contract, while the
// shares stay: |played − share × elapsed| <= 2 × the longest item, for every stream at every boundary.
//
// Of the streams that are not ahead of their share, the one with the least (played + next duration) / share plays: without
// that condition a stream of 500‰ beside fifty of 10‰ plays fifty items in a row, the others being so far from theirs
// (worst-case fair weighted queueing: Bennett and Zhang, "WF²Q", 1996).
//
// The zero value is ready. What each stream is owed is kept while it is away, and survives a restart as JSON.
type Voices struct {
	owed map[string]int64 // by interrupt: share × elapsed − played, in ms × per mille; the main stream owes the sum
}

const (
	mostOwed = 1_000                      // streams that are away and remembered
	mostDebt = 24 * 60 * 60 * 1000 * 1000 // a day, in ms × per mille
)

// Pick returns the stream to play next. shares are a Decision's Interrupts, in per mille; next is the length of the next
// item of each stream that has one. When no other can play, it is the main stream.
func (v *Voices) Pick(shares map[string]int, next map[string]time.Duration) string {
	best := MainStream
	found, foundDue := false, false
	var bestShare, bestRest int64
	consider := func(id string, share, owed int64) {
		length, ok := next[id]
		if !ok || share <= 0 {
			return
		}
		// (played + next) / share orders as rest / share does: elapsed is the same for all.
		rest, due := 1000*max(length.Milliseconds(), 1)-owed, owed >= 0
		if found && (foundDue && !due || due == foundDue && rest*bestShare >= bestRest*share) {
			return
		}
		best, bestShare, bestRest, found, foundDue = id, share, rest, true, due
	}
	rest, owes := v.main(shares)
	consider(MainStream, rest, owes)
	for _, id := range slices.Sorted(maps.Keys(shares)) {
		consider(id, int64(shares[id]), v.owed[id])
	}
	return best
}

// main returns the share of the main stream and what it is owed.
func (v *Voices) main(shares map[string]int) (share, owed int64) {
	share = 1000
	for id, s := range shares {
		share -= int64(s)
		owed -= v.owed[id]
	}
	return share, owed
}

// Played counts an item, or what was played of it; shares are those that Pick had.
func (v *Voices) Played(shares map[string]int, stream string, d time.Duration) {
	if v.owed == nil {
		v.owed = map[string]int64{}
	}
	for id, share := range shares {
		v.owed[id] += int64(share) * d.Milliseconds()
		if id == stream {
			v.owed[id] -= 1000 * d.Milliseconds()
		}
		v.owed[id] = min(max(v.owed[id], -mostDebt), mostDebt)
	}
	if len(v.owed) > mostOwed {
		maps.DeleteFunc(v.owed, func(id string, _ int64) bool { _, here := shares[id]; return !here })
	}
}

// MarshalJSON writes what each interrupt is owed, in milliseconds × per mille.
func (v *Voices) MarshalJSON() ([]byte, error) { return json.Marshal(v.owed) }

// UnmarshalJSON reads what MarshalJSON wrote. More than a day owed either way was not counted by it and is refused.
func (v *Voices) UnmarshalJSON(b []byte) error {
	var owed map[string]int64
	if err := json.Unmarshal(b, &owed); err != nil {
		return fmt.Errorf("counters of share of voice: %w; start without them", err)
	}
	for id, n := range owed {
		if n > mostDebt || n < -mostDebt || len(owed) > 2*mostOwed {
			return fmt.Errorf("counters of share of voice: %q is owed %d ms·‰, more than a day; start without them", id, n)
		}
	}
	v.owed = owed
	return nil
}
