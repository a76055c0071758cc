package schedule

import "time"

// Position returns where an aligned loop of items is: UTC modulo the loop's length, so that players agree without a network.
// It is for a trusted clock only, and for loops of at least one nanosecond; item is -1 when there is nothing to play.
func Position(now time.Time, lengths []time.Duration) (item int, into time.Duration) {
	var total time.Duration
	for _, d := range lengths {
		total += max(d, 0)
	}
	if total <= 0 {
		return -1, 0
	}
	into = time.Duration(now.UnixNano()) % total
	if into < 0 {
		into += total
	}
	for i, d := range lengths {
		if into < d {
			return i, into
		}
		into -= max(d, 0)
	}
	return -1, 0
}
