package mailroom

import (
	"errors"

	"vitrine/agent/bundle/parcel"
)

// States of a relay that a parcel has named.
const (
	RelayTrying = "trying"
	RelayTaken  = "taken"
	RelayLeft   = "left" // it did not answer in time: the one before is kept
)

// Relay is where the publisher's root says that the relay is.
type Relay struct {
	parcel.Relay
	State string `json:"state"`
	// Was is the address that the player was started with when it took this one. Whoever starts it with another one is obeyed.
	Was string `json:"was,omitempty"`
	Why string `json:"why,omitempty"` // it was left
}

// Relay is what the newest parcel about the relay says, and what became of it; nil = none came.
func (m *Mailroom) Relay() *Relay {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.Relay == nil || !m.ours() {
		return nil
	}
	r := *m.now.Relay
	return &r
}

// Reached notes that the new relay has answered, and is the player's from now on; was is the address that it was started with.
func (m *Mailroom) Reached(r parcel.Relay, was string) error {
	return m.settleRelay(r, func(now *Relay) { now.State, now.Was, now.Why = RelayTaken, was, "" })
}

// Left notes that the new relay did not answer in time.
func (m *Mailroom) Left(r parcel.Relay, why error) error {
	return m.settleRelay(r, func(now *Relay) { now.State, now.Why = RelayLeft, why.Error() })
}

var errOther = errors.New("another parcel about the relay has come meanwhile")

func (m *Mailroom) settleRelay(r parcel.Relay, edit func(*Relay)) error {
	if now := m.Relay(); now == nil || now.Relay != r {
		return errOther
	}
	return m.change("", func(s *state) {
		next := *s.Relay
		edit(&next)
		s.Relay = &next
	})
}
