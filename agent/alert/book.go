package alert

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of a Book.
const (
	MaxMessages = 1_000
	MaxBytes    = 8 << 20 // of all messages as JSON
)

// Book knows which messages stand. What it answers depends on the set of messages that it was given, never on their order:
// a Cancel that comes first waits for its Alert, and what has no room is the oldest, for good, so that nothing comes back that
// a forgotten Cancel had ended. It looks at no clock of its own: a player that believes for an hour that it is 2099 must
// not have forgotten its alerts afterwards. It is safe for concurrent use; the zero Book is empty.
type Book struct {
	mu       sync.Mutex
	entries  []entry // newest first
	horizon  *mark   // all up to here is forgotten
	standing []entry // those alerts and updates that no later message has replaced or ended
	settled  bool    // standing is right
	changed  chan struct{}
}

// entry is a message in its place.
type entry struct {
	mark
	m    *Message
	size int
}

// mark is a message's place in the order of a Book.
type mark struct {
	Sent       time.Time `json:"sent"`
	Role       int       `json:"role"` // of two messages of one second an end goes before an update, that before an alert
	Sender     string    `json:"sender"`
	Identifier string    `json:"identifier"`
	Digest     string    `json:"digest"` // of the content: one name may have been given to two messages
}

func (a mark) compare(b mark) int {
	return cmp.Or(b.Sent.Compare(a.Sent), cmp.Compare(b.Role, a.Role), strings.Compare(a.Sender, b.Sender),
		strings.Compare(a.Identifier, b.Identifier), strings.Compare(b.Digest, a.Digest))
}

// same says whether two marks are of one name.
func (a mark) same(b mark) bool {
	return a.Sender == b.Sender && a.Identifier == b.Identifier && a.Sent.Equal(b.Sent)
}

func newEntry(m *Message) (entry, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return entry{}, fmt.Errorf("keep the message %q: %w", short(m.Identifier), err)
	}
	sum := sha256.Sum256(b.Bytes())
	role := map[Type]int{TypeUpdate: 1, TypeCancel: 2}[m.Type]
	return entry{m: m, size: b.Len(), mark: mark{Sent: m.Sent, Role: role, Sender: m.Sender, Identifier: m.Identifier, Digest: hex.EncodeToString(sum[:])}}, nil
}

// Take puts a message into the Book, which keeps it: it must not be changed any more. It says whether the Book is now
// another one; doubles, acknowledgements and messages older than all that there is room for change nothing.
func (b *Book) Take(m *Message) (bool, error) {
	if err := m.check(); err != nil {
		return false, fmt.Errorf("keep the message %q: %w", short(m.Identifier), err)
	}
	e, err := newEntry(m)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.put(e) {
		return false, nil
	}
	b.tell()
	return true, nil
}

// put finds the entry's place and makes room. mu is held.
func (b *Book) put(e entry) bool {
	if e.m.Type == TypeAck || e.m.Type == TypeError || e.m.Status == System || e.m.Status == Draft {
		return false
	}
	at, found := slices.BinarySearchFunc(b.entries, e, func(x, y entry) int { return x.compare(y.mark) })
	if found || b.horizon != nil && b.horizon.compare(e.mark) <= 0 {
		return false
	}
	b.entries = slices.Insert(b.entries, at, e)
	sum := 0
	for i := range b.entries {
		if sum += b.entries[i].size; i < MaxMessages && sum <= MaxBytes {
			continue
		}
		last := b.entries[i].mark
		b.horizon = &last
		clear(b.entries[i:])
		b.entries = b.entries[:i]
		break
	}
	return at < len(b.entries)
}

// settle finds what stands: alerts and updates that no update or cancel of the same status, sent at the same time or later,
// names in its references (3.2.1). An exercise never ends an alert. Only what is named is replaced: a sender may split one alert into
// an update for one county and a cancel for the other, both naming the first message alone. mu is held.
func (b *Book) settle() {
	if b.settled {
		return
	}
	b.settled = true
	type end struct {
		by *entry
		r  Reference
	}
	ends := map[string][]end{}
	for i := range b.entries {
		if e := &b.entries[i]; e.m.Type != TypeAlert {
			for _, r := range e.m.References {
				ends[r.Identifier] = append(ends[r.Identifier], end{e, r})
			}
		}
	}
	b.standing = nil
	seen := map[mark]bool{}
	for i := range b.entries {
		e := &b.entries[i]
		name := mark{Sent: e.Sent.UTC(), Sender: e.Sender, Identifier: e.Identifier}
		double := seen[name]
		seen[name] = true
		if e.m.Type == TypeCancel || double {
			continue
		}
		over := slices.ContainsFunc(ends[e.Identifier], func(x end) bool {
			return x.r.names(e.m) && x.by.m.Status == e.m.Status && !x.by.Sent.Before(e.Sent) && !x.by.same(e.mark)
		})
		if !over {
			b.standing = append(b.standing, *e)
		}
	}
}

// tell wakes those who wait for another Book. mu is held.
func (b *Book) tell() {
	b.settled = false
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// Changed is closed when the Book next becomes another one.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// Active lists what holds at a site at an instant, in the schedule's order: worst severity, then newest, then greatest id.
func (b *Book) Active(s Site, now time.Time) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	var list []Alert
	for _, e := range b.standing {
		if a, ok := s.choose(e.m, now); ok {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(rank(x.Info.Severity), rank(y.Info.Severity)), y.Message.Sent.Compare(x.Message.Sent), strings.Compare(y.ID(), x.ID()))
	})
	return list
}

// Next is the next instant after now at which Active may differ while the Book is the same; zero = never.
func (b *Book) Next(s Site, now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	var next time.Time
	for _, e := range b.standing {
		if !s.admits(e.m) {
			continue
		}
		for i := range e.m.Infos {
			for _, t := range []time.Time{e.m.from(&e.m.Infos[i]), e.m.until(&e.m.Infos[i])} {
				if t.After(now) && (next.IsZero() || t.Before(next)) {
					next = t
				}
			}
		}
	}
	return next
}

// saved is a Book on disk.
type saved struct {
	Horizon  *mark      `json:"horizon,omitempty"`
	Messages []*Message `json:"messages"`
}

// MarshalJSON writes the whole Book; two Books that answer alike write the same bytes.
func (b *Book) MarshalJSON() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := saved{Horizon: b.horizon, Messages: make([]*Message, len(b.entries))}
	for i, e := range b.entries {
		s.Messages[i] = e.m
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads a Book that was written and puts it in the place of this one. A message that has been damaged on the disk
// makes all of it unread: the sources bring theirs again.
func (b *Book) UnmarshalJSON(data []byte) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read the kept alerts: %w", err)
	}
	fresh := Book{horizon: s.Horizon}
	for _, m := range s.Messages {
		if m == nil {
			return errors.New("read the kept alerts: one of them is empty")
		}
		if err := m.check(); err != nil {
			return fmt.Errorf("read the kept alert %q: %w", short(m.Identifier), err)
		}
		e, err := newEntry(m)
		if err != nil {
			return err
		}
		fresh.put(e)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries, b.horizon = fresh.entries, fresh.horizon
	b.tell()
	return nil
}
