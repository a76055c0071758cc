// Package health holds the player's named checks and tells of their changes once.
//
//	store, relay, renderer, clock, disk, source:menus ──Set──> Board ──> log (changes only)
//	                                                             └──> heartbeat, status
package health

import (
	"log/slog"
	"maps"
	"sync"
)

// OK is the word for a check that is right.
const OK = "ok"

// Board is the last word of every check. Its methods may be called from several goroutines.
type Board struct {
	log *slog.Logger

	mu     sync.Mutex
	checks map[string]string
}

// New makes an empty board.
func New(log *slog.Logger) *Board {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Board{log: log, checks: map[string]string{}}
}

// Set says how a check is: nil, or what is wrong in a sentence. Only changes between right and wrong are logged.
func (b *Board) Set(name string, err error) {
	word := OK
	if err != nil {
		word = err.Error()
	}
	b.mu.Lock()
	was, known := b.checks[name]
	b.checks[name] = word
	b.mu.Unlock()
	switch {
	case word != OK && (was == OK || !known):
		b.log.Warn("check failed", "check", name, "error", word)
	case word == OK && known && was != OK:
		b.log.Info("check right again", "check", name)
	}
}

// Drop forgets a check that no longer applies.
func (b *Board) Drop(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.checks, name)
}

// Checks is the last word of every check: OK or a sentence.
func (b *Board) Checks() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.checks)
}
