package pipe

import "time"

// memory is what a new process has to be told so that the screen is what it was.
type memory struct {
	current  *Command // on the screen
	waiting  *Command // told, not yet on the screen
	since    time.Time
	reels    []Reel    // of current
	told     time.Time // when it told them
	overlay  *Command
	settings *Command
	screen   *Command
	volume   *Command
	picture  *Command
	held     bool // waiting was kept back until current is up again
	started  uint64
}

// take remembers a command and says whether a living process must be told now.
func (m *memory) take(c Command) bool {
	switch c.Op {
	case OpQueue:
		m.waiting = &c
		if m.held && !c.Now {
			return false
		}
		m.held = false
	case OpUpdate:
		for _, p := range []*Command{m.current, m.waiting} {
			if p != nil && p.ID == c.ID {
				p.Scene = c.Scene
			}
		}
	case OpOverlay:
		m.overlay = &c
	case OpSettings:
		m.settings = &c
	case OpScreen:
		m.screen = &c
	case OpVolume:
		m.volume = &c
	case OpPicture:
		m.picture = &c
	}
	return true
}

// replay lists what a process that has just started is told. The waiting scene follows when the current one is up: sent
// at once it would take its place.
func (m *memory) replay(now time.Time) []Command {
	var out []Command
	for _, c := range []*Command{m.settings, m.screen, m.volume, m.picture, m.overlay} {
		if c != nil {
			out = append(out, *c)
		}
	}
	m.held = false
	if m.current != nil && (m.waiting == nil || !m.waiting.Now) {
		c := *m.current
		c.Now = true
		c.Start += durationSince(m.since, now)
		c.Reels = nil
		for _, r := range m.reels {
			r.At += durationSince(m.told, now)
			c.Reels = append(c.Reels, r)
		}
		m.held = m.waiting != nil
		return append(out, c)
	}
	if m.waiting != nil {
		out = append(out, *m.waiting)
	}
	return out
}

// note learns from a report. It returns the commands that are due now, and whether the player is to hear of the report:
// it hears once that a showing has started, not again after each restart.
func (m *memory) note(r Report, now time.Time) (due []Command, tell bool) {
	switch r.Ev {
	case EvStarted:
		if m.waiting != nil && m.waiting.ID == r.ID {
			m.current, m.waiting, m.since, m.reels = m.waiting, nil, now, nil
		}
		due = m.release(r.ID)
		again := m.started == r.ID
		m.started = r.ID
		return due, !again
	case EvPulse:
		if m.current != nil && m.current.ID == r.ID {
			m.reels, m.told = r.Reels, now
		}
	case EvEnded:
		due = m.release(r.ID)
		switch {
		case m.current != nil && m.current.ID == r.ID:
			m.current = nil
		case m.waiting != nil && m.waiting.ID == r.ID:
			m.waiting = nil
		}
	}
	return due, true
}

func (m *memory) release(id uint64) []Command {
	if !m.held || m.current == nil || m.current.ID != id || m.waiting == nil {
		return nil
	}
	m.held = false
	return []Command{*m.waiting}
}
