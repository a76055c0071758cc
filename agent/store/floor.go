package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"vitrine/agent/bundle"
)

// Floor is what a player never goes below, whoever brings a bundle. It is kept in two places; the greater wins.
type Floor struct {
	Root    int               `json:"root"`             // version of the newest root seen
	Time    time.Time         `json:"time"`             // the latest instant that is past: the greatest of Sure and Issued, written for programs that know neither
	Sure    time.Time         `json:"sure,omitzero"`    // rests on no publisher's key
	Issued  map[int]time.Time `json:"issued,omitempty"` // rests on what publishers' keys have signed, by the root that was the newest then
	Streams map[string]Level  `json:"streams"`          // by bundle id

	Active   bundle.Digest `json:"active,omitempty"`
	Previous bundle.Digest `json:"previous,omitempty"`
}

// Level is the newest version of a stream that was ever active.
type Level struct {
	Root     int           `json:"root"`            // that the manifest names
	Under    int           `json:"under,omitempty"` // that was the newest when it was taken: whose keys have signed; 0 = Root
	Seq      uint64        `json:"seq"`
	Manifest bundle.Digest `json:"manifest"`
}

func (l Level) less(m Level) bool { return l.Root < m.Root || l.Root == m.Root && l.Seq < m.Seq }

// merge takes the greater of both, value by value.
func (f Floor) merge(g Floor) Floor {
	out := Floor{Root: max(f.Root, g.Root), Sure: later(f.sure(), g.sure()), Issued: map[int]time.Time{}, Streams: map[string]Level{},
		Active: f.Active, Previous: f.Previous}
	for _, issued := range []map[int]time.Time{f.Issued, g.Issued} {
		for root, t := range issued {
			out.Issued[root] = later(out.Issued[root], t)
		}
	}
	out.Time = out.latest()
	for _, streams := range []map[string]Level{f.Streams, g.Streams} {
		for name, l := range streams {
			if out.Streams[name].less(l) {
				out.Streams[name] = l
			}
		}
	}
	if out.Active == "" {
		out.Active, out.Previous = g.Active, g.Previous
	}
	return out
}

// sure is Sure, or all of the time of a floor that was written before the two were told apart.
func (f Floor) sure() time.Time {
	if f.Sure.IsZero() && len(f.Issued) == 0 {
		return f.Time
	}
	return f.Sure
}

func (f Floor) latest() time.Time {
	t := f.sure()
	for _, issued := range f.Issued {
		t = later(t, issued)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// under is a floor without the time that rests on keys which the newest root has taken away. That root's own instant stands
// in for it: the root keys have signed it.
func (f Floor) under(t *bundle.Trust) Floor {
	out := f.merge(Floor{})
	if t == nil {
		return out
	}
	for root := range out.Issued {
		if revoked(t, root, t.Root().Version) {
			delete(out.Issued, root)
			out.Sure = later(out.Sure, t.Root().Issued)
		}
	}
	out.Time = out.latest()
	return out
}

// readFloor is the greater of an index's floor and the one beside it.
func (s *Store) readFloor(db *bbolt.DB) (Floor, error) {
	var inside, beside Floor
	if _, err := getRecord(db, bucketMeta, "floor", &inside); err != nil {
		return inside, fmt.Errorf("read the floor: %w", err)
	}
	b, err := readFile(s.path("floor"), 1<<20)
	if err == nil {
		b, err = unseal("floor", b)
	}
	if err == nil {
		err = json.Unmarshal(b, &beside)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("second floor not read", "error", err)
	}
	return inside.merge(beside), nil
}

// keepFloor writes what the floor is now into both of its places.
func (s *Store) keepFloor() error {
	s.flooring.Lock()
	defer s.flooring.Unlock()
	f := s.Floor()
	err := s.put(bucketMeta, "floor", f)
	s.mu.Lock()
	s.unkept = err != nil
	s.mu.Unlock()
	if err == nil {
		s.writeFloor(f)
	}
	return err
}

// writeFloor writes the second place; the first is written in the transaction that made it necessary.
func (s *Store) writeFloor(f Floor) {
	b, err := json.Marshal(f)
	if err == nil {
		err = writeFile(s.path("floor"), seal("floor", b))
	}
	if err != nil {
		s.log.Warn("second floor not written", "error", err)
	}
}

// Floor is what the player will not go below.
func (s *Store) Floor() Floor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor.under(s.trust)
}

// Time is the greater of the system's clock and the floor plus the time since Open, and whether the system's clock was
// it: a player without a hardware clock wakes in 1970 and must still tell a valid certificate from an expired one.
func (s *Store) Time() (now time.Time, held bool) {
	now = s.cfg.Now()
	if least := s.Floor().Time.Add(time.Since(s.begun)); now.Before(least) {
		return least, false
	}
	return now, true
}

// RaiseTime keeps an instant that is certainly past, say the time of an authenticated relay. What a believed clock says is
// sure; else it was counted on from the floor, and rests on what the floor rests on.
func (s *Store) RaiseTime(t time.Time) error {
	now, believed := s.believe()
	s.mu.Lock()
	f, t := s.floor.under(s.trust), t.UTC()
	if !t.After(f.Time) && !s.unkept {
		s.mu.Unlock()
		return nil
	}
	top := 0 // the root under which the latest issue was signed, where that is what the floor rests on
	for root, issued := range f.Issued {
		if issued.Equal(f.Time) && issued.After(f.Sure) {
			top = root
		}
	}
	switch {
	case !t.After(f.Time):
	case s.cfg.Believe == nil, believed && !t.After(now.Add(time.Minute)):
		f.Sure = t
	case t.After(f.Time.Add(time.Since(s.begun) + time.Minute)): // counted on from a floor that a new root has lowered meanwhile
		s.mu.Unlock()
		return nil
	case top > 0:
		f.Issued[top] = t
	default:
		f.Sure = t
	}
	s.floor = f.merge(Floor{})
	s.mu.Unlock()
	if err := s.keepFloor(); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	return nil
}

// Pin trusts a chain of roots for good. It is called once, when a player is enrolled or a person at the player has
// compared the fingerprint; afterwards only a chain with the same first root is taken, and only to extend the one here.
func (s *Store) Pin(chain [][]byte) error {
	if s.Trust() != nil {
		return s.extend(chain)
	}
	s.rooting.Lock()
	defer s.rooting.Unlock()
	if s.Trust() != nil {
		return errors.New("somebody else has just told this player whom to trust; try again")
	}
	t, err := bundle.NewTrust(chain)
	if err != nil {
		return fmt.Errorf("check the roots: %w", err)
	}
	return s.keepTrust(t, 0)
}

// words are what people compare when they compare roots.
func words(root []byte) string { return strings.Join(bundle.Words(root), " ") }

// extend takes the roots that are newer than ours.
func (s *Store) extend(chain [][]byte) error {
	s.rooting.Lock()
	defer s.rooting.Unlock()
	t := s.Trust()
	if len(chain) > 0 && bundle.DigestOf(chain[0]) != t.Fingerprint() {
		return &RefusedError{Reason: fmt.Sprintf("it comes from another publisher: its root has the fingerprint \"%s\", "+
			"this player trusts \"%s\"; enrol the player with that publisher, or ask for a bundle of your own",
			words(chain[0]), words(t.Chain()[0]))}
	}
	have := t.Root().Version
	for _, root := range chain[min(have, len(chain)):] {
		next, err := t.Extend(root)
		if err != nil {
			return &RefusedError{Reason: fmt.Sprintf("root %d is not signed as root %d asks: %v", t.Root().Version+1, t.Root().Version, err)}
		}
		t = next
	}
	if t.Root().Version == have {
		return nil
	}
	return s.keepTrust(t, have)
}

// allows says why a manifest may not follow the floor, "" when it may. A root that takes a publisher's key away starts
// the count anew (recovery from a key that signed far ahead), but only for manifests that name this root or a later one.
func (f Floor) allows(t *bundle.Trust, m *bundle.Manifest, digest bundle.Digest) string {
	l, known := f.Streams[m.Stream]
	switch {
	case !known || l.Manifest == digest:
		return ""
	case m.Root < l.Root:
		return fmt.Sprintf("it names root %d, the player has had a version of %q under root %d; build and push it again", m.Root, m.Stream, l.Root)
	case m.Seq > l.Seq || revoked(t, cmp.Or(l.Under, l.Root), m.Root):
		return ""
	case m.Seq == l.Seq:
		return fmt.Sprintf("version %d of %q is already taken with other contents; build it again, so that it gets a number of its own", m.Seq, m.Stream)
	default:
		return fmt.Sprintf("version %d of %q is older than version %d, which this player has had; to go back, build the old folder again: it gets a new number", m.Seq, m.Stream, l.Seq)
	}
}

// revoked says whether a publisher's key of root a is no longer one in root b.
func revoked(t *bundle.Trust, a, b int) bool { return t.TookAway(bundle.RolePublisher, a, b) }
