package schedule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Tally counts each event's plays in a sliding hour of uptime, for State.Plays and MaxPerHour. Uptime is a monotonic time of
// any beginning; steps of the wall clock do not touch it. The zero value is ready.
type Tally struct {
	plays map[string][]time.Duration // uptimes, ascending
}

const (
	slidingHour = time.Hour
	mostPlays   = 3_600 // of an event in an hour that are counted; MaxPerHour beyond that is no limit
)

// Played counts a play of an event.
func (t *Tally) Played(event string, uptime time.Duration) {
	if t.plays == nil {
		t.plays = map[string][]time.Duration{}
	}
	list := t.plays[event]
	t.plays[event] = append(list[max(0, len(list)-mostPlays+1):], uptime)
}

// Plays returns the plays in the hour up to uptime, and how long it is until one of them no longer counts: a schedule that
// uses MaxPerHour is to be asked again then. Zero = nothing to wait for.
func (t *Tally) Plays(uptime time.Duration) (plays map[string]int, wait time.Duration) {
	plays = map[string]int{}
	for event, list := range t.plays {
		old, _ := slices.BinarySearchFunc(list, uptime-slidingHour, func(at, limit time.Duration) int {
			if at <= limit {
				return -1
			}
			return 1
		})
		if list = list[old:]; len(list) == 0 {
			delete(t.plays, event)
			continue
		}
		t.plays[event] = list
		plays[event] = len(list)
		if left := list[0] + slidingHour - uptime; wait == 0 || left < wait {
			wait = left
		}
	}
	return plays, wait
}

// Save writes the plays as JSON: by event, how many milliseconds ago.
func (t *Tally) Save(uptime time.Duration) ([]byte, error) {
	t.Plays(uptime)
	ago := map[string][]int64{}
	for event, list := range t.plays {
		for _, at := range list {
			ago[event] = append(ago[event], (uptime - at).Milliseconds())
		}
	}
	return json.Marshal(ago)
}

// LoadTally reads what Save wrote. How long the player was off is not known to a monotonic clock, so that the time of saving
// counts as now: an event plays rather less than too often.
func LoadTally(text []byte, uptime time.Duration) (*Tally, error) {
	var ago map[string][]int64
	if err := json.Unmarshal(text, &ago); err != nil {
		return nil, fmt.Errorf("counters of plays per hour: %w; start without them", err)
	}
	t := &Tally{plays: map[string][]time.Duration{}}
	for _, event := range slices.Sorted(maps.Keys(ago)) {
		list := ago[event]
		slices.Sort(list)
		for _, ms := range slices.Backward(list) {
			if ms < 0 || ms > slidingHour.Milliseconds() {
				return nil, fmt.Errorf("counters of plays per hour: %q played %d ms ago, which is not within an hour; start without them", event, ms)
			}
			t.Played(event, uptime-time.Duration(ms)*time.Millisecond)
		}
	}
	return t, nil
}
