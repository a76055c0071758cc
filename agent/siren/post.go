package siren

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/bundle"
)

// Errors of Post on which a caller decides.
var (
	ErrNobody = errors.New("this player trusts no publisher yet, so that nobody's warning counts: claim it, or import a bundle, first")
	ErrPlain  = errors.New("it is a CAP message that nobody has signed, and a stick or relay may be anybody's: send it with vitrine alert send")
)

const (
	mostSeen   = 2_000 // warnings whose digests are remembered
	mostHeld   = 100   // serials that are remembered as kept back
	publishers = "publisher"
)

// posts is what the publisher's people have sent, by relay or stick.
type posts struct {
	book
	ledger
}

// ledger is what is remembered of it beside the messages. Siren.mu guards it.
type ledger struct {
	Seen   map[bundle.Digest]entry `json:"seen"` // by the warnings' digests
	Newest uint64                  `json:"newest"`
	State  string                  `json:"state,omitempty"` // of the relay's list, all of which is here
	Held   []uint64                `json:"held,omitempty"`  // serials that the relay has kept back
}

// entry is a warning that was taken.
type entry struct {
	Serial  uint64          `json:"serial"`
	Alert   string          `json:"alert"`             // id of what it shows
	Targets *bundle.Targets `json:"targets,omitempty"` // nil = everyone
}

// kept is all of it on the disk, in one piece: a power cut leaves all of a warning or nothing.
type kept struct {
	ledger
	Book *alert.Book `json:"book"`
}

func newPosts() *posts {
	return &posts{book: book{name: publishers}, ledger: ledger{Seen: map[bundle.Digest]entry{}}}
}

// recall reads what was remembered. What is damaged is forgotten: the relay hands it out again.
func (s *Siren) recall() {
	raw, ok := s.cfg.Keep.Memo(s.posts.memo())
	if !ok {
		return
	}
	k := kept{Book: &s.posts.Book}
	if err := json.Unmarshal(raw, &k); err != nil {
		s.cfg.Log.Warn("alerts forgotten", "source", publishers, "error", err)
		return
	}
	if k.Seen == nil {
		k.Seen = map[bundle.Digest]entry{}
	}
	s.posts.ledger = k.ledger
}

// meant says whether an alert of the publisher's is for this player, as it is called now.
func (s *Siren) meant(id string) bool {
	var player string
	var groups []string
	if s.cfg.Player != nil {
		player, groups = s.cfg.Player()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	meant, known := false, false
	for _, e := range s.posts.Seen {
		if e.Alert == id {
			known = true
			meant = meant || (&bundle.Warning{Targets: e.Targets}).For(player, groups)
		}
	}
	return meant || !known
}

// Post takes a signed warning from wherever it was carried; bundle.ErrExpired: too late. fresh = false without an error: it was here already. It is on
// the disk when Post returns. A *bundle.NewRootError means that newer roots may make it good.
func (s *Siren) Post(envelope []byte, by string) (w *bundle.Warning, fresh bool, err error) {
	var trust *bundle.Trust
	if s.cfg.Trust != nil {
		trust = s.cfg.Trust()
	}
	switch {
	case trust == nil:
		return nil, false, ErrNobody
	case bytes.HasPrefix(bytes.TrimLeft(envelope, "\xef\xbb\xbf \t\r\n"), []byte("<")):
		return nil, false, ErrPlain
	}
	if w, err = trust.Warning(envelope); err != nil {
		return nil, false, err
	}
	if now := s.cfg.Now(); !now.Before(w.Expires) {
		return w, false, fmt.Errorf("%w since %s", bundle.ErrExpired, w.Expires.Format(time.DateTime+" MST"))
	}
	digest := w.Digest()
	s.mu.Lock()
	_, seen := s.posts.Seen[digest]
	s.mu.Unlock()
	if seen {
		return w, false, nil
	}
	m, err := alert.Parse(bytes.NewReader(w.CAP))
	if err != nil {
		return w, false, err
	}
	return w, true, s.enter(m, w, digest, by)
}

// enter puts a warning into the book and remembers all of it.
func (s *Siren) enter(m *alert.Message, w *bundle.Warning, digest bundle.Digest, by string) error {
	p := s.posts
	s.mu.Lock() // before the book has it: an alert that is not in here is everyone's
	p.Seen[digest] = entry{Serial: w.Serial, Alert: alert.Alert{Message: m}.ID(), Targets: w.Targets}
	p.Newest = max(p.Newest, w.Serial)
	p.Held = slices.DeleteFunc(p.Held, func(n uint64) bool { return n == w.Serial })
	p.forget()
	s.mu.Unlock()
	if _, err := p.Take(m); err != nil {
		return err
	}
	s.cfg.Log.Info("alert taken", "source", publishers, "by", by, "serial", w.Serial, "identifier", m.Identifier, "sender", m.Sender,
		"type", m.Type, "status", m.Status, "faults", m.Faults)
	err := s.remember()
	s.wake() // it is shown even where it cannot be kept
	return err
}

// forget makes room: the oldest serials go. Siren.mu is held.
func (l *ledger) forget() {
	if len(l.Seen) <= mostSeen {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(l.Seen), func(a, b bundle.Digest) int { return cmp.Compare(l.Seen[a].Serial, l.Seen[b].Serial) })
	for _, d := range byAge[:len(byAge)-mostSeen] {
		delete(l.Seen, d)
	}
}

func (s *Siren) remember() error {
	s.mu.Lock()
	raw, err := json.Marshal(kept{ledger: s.posts.ledger, Book: &s.posts.Book})
	s.mu.Unlock()
	if err == nil {
		err = s.cfg.Keep.KeepMemo(s.posts.memo(), raw)
	}
	if err != nil {
		return fmt.Errorf("alerts will be forgotten at a restart: %w", err)
	}
	return nil
}

// Heard is what the relay is told: the newest serial that has come, and the state of the relay's list of which all is here.
func (s *Siren) Heard() (newest uint64, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts.Newest, s.posts.State
}

// Caught notes that all of the relay's list was gone through, which has a state: before is the newest serial that was known
// then, had are those that came with a good signature, faults what else it gave. A serial between before and the newest that did
// not come is one that the relay keeps back, or has lost; that is said until it comes.
func (s *Siren) Caught(before uint64, state string, had []uint64, faults error) error {
	s.mu.Lock()
	p := s.posts
	newest := slices.Max(append(had, before))
	for n := max(before+1, newest-min(newest, mostHeld)); before > 0 && n < newest; n++ {
		if !slices.Contains(had, n) {
			p.Held = append(p.Held, n)
		}
	}
	p.Held = slices.DeleteFunc(p.Held, func(n uint64) bool { return slices.Contains(had, n) })
	p.Held = slices.Clone(p.Held[max(0, len(p.Held)-mostHeld):])
	p.Newest, p.State = max(p.Newest, newest), state
	held := slices.Clone(p.Held)
	s.mu.Unlock()
	if len(held) > 0 {
		faults = errors.Join(faults, fmt.Errorf("the relay has kept back or lost %d signed messages, serials %v; a cancel may be among them: compare with vitrine alert list, and send what is missing again", len(held), held))
	}
	s.tell(&p.book, faults)
	return s.remember()
}
