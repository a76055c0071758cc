package store

import "context"

// OpenWithFault is Open with a function that is called before each step that a power cut may hit.
func OpenWithFault(cfg Config, fault func(step string) error) (*Store, error) {
	return open(cfg, fault)
}

// Scrub is what Run does every ten minutes.
func (s *Store) Scrub(ctx context.Context) error { return s.scrub(ctx) }

// ScrubPace is how many bytes it reads a second, at most.
const ScrubPace = scrubPace
