package store

import (
	"fmt"
	"time"

	"vitrine/agent/bundle"
)

// farthest is how far ahead of a believed clock a publisher's may be.
const farthest = 31 * 24 * time.Hour

// How long a root speaks for the time of a player that knows no better, and how far beyond what is sure it is believed.
const (
	rootYears = 10
	sureYears = 1
)

// believe is the time, where a clock can be believed.
func (s *Store) believe() (now time.Time, ok bool) {
	if s.cfg.Believe == nil {
		return time.Time{}, false
	}
	return s.cfg.Believe()
}

// ahead says why a manifest cannot have been issued when it says, "" when it can.
func (s *Store) ahead(t *bundle.Trust, m *bundle.Manifest) string {
	const mend = "set the clock of the machine that builds it and build it again; if none of yours did, take its key away with a new root"
	if now, ok := s.believe(); ok {
		if m.Issued.After(now.Add(farthest)) {
			return fmt.Sprintf("it says that it was made on %s, and today is %s: %s", m.Issued.Format(time.DateOnly), now.UTC().Format(time.DateOnly), mend)
		}
		return ""
	}
	root := t.Root()
	last := root.Expires
	if last.IsZero() {
		last = root.Issued.AddDate(rootYears, 0, 0)
	}
	// A root that is overdue goes on to count.
	last = later(last, later(s.Floor().Sure, bundle.AgentDate()).AddDate(sureYears, 0, 0))
	if m.Issued.After(last) {
		return fmt.Sprintf("it says that it was made on %s; this player does not know the date, and by root %d and its own programs it believes none after %s: %s",
			m.Issued.Format(time.DateOnly), root.Version, last.UTC().Format(time.DateOnly), mend)
	}
	return ""
}
