// Package mailroom takes parcels: which were meant for this player, which has it had, and what of them holds?
//
//	relay ─┐                      ┌─ secret ──> vault
//	       ├─ parcel ──> Take ────┼─ settings, relay ──> kept here, done by the player
//	stick ─┘   signed, in time,   └─ update, export ──> done by the player
//	           for us, not older
//
// Where a parcel came from says nothing: only its signature, its targets, its time and its serial do. What holds, and the
// greatest serial of each subject, is one file that is replaced whole, with a copy: nobody else knows what was taken. A stolen
// key may sign the greatest serial there is; the root that takes the key away lets the count begin anew.
package mailroom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/api"
)

const (
	maxState = 4 << 20
	mostKept = 20    // outcomes
	mostSeen = 2_000 // subjects whose serial is remembered
)

// Refusals on which a caller may decide.
var (
	ErrOlder  = errors.New("this player has had a newer one")
	ErrNobody = errors.New("this player trusts no publisher yet: claim it or import a bundle first")
)

// LaterError is a fault of the way or of the disk, not of what is carried: another try may mend it.
type LaterError struct{ Err error }

// Error is the fault.
func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap is the fault.
func (e *LaterError) Unwrap() error { return e.Err }

// Blobs gives what lies beside a parcel, by its SHA-256, from a byte on.
type Blobs interface {
	Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error)
}

// vault takes sealed secrets; see secret.Vault.
type vault interface {
	Take(box []byte, publisher, name string, serial uint64, via string) (fresh bool, err error)
	Recount(publisher, name string) error
}

// doer does what parcels say. Each is done again when power went before it was noted: it must be harmless.
type doer interface {
	Settle(s parcel.Settings) error
	Reach(r parcel.Relay)
	Update(ctx context.Context, u parcel.Update, from Blobs) error
	Export(e parcel.Export, via string) error
}

// Config is what a mailroom needs.
type Config struct {
	Path      string                             // of its file
	Trust     func() *bundle.Trust               // nil = nobody yet
	Names     func() (names, groups []string)    // by which a parcel may mean this player
	Recipient string                             // of this player, for secrets
	Now       func() (certain, likely time.Time) // an instant that is surely past; now, or zero when the clock is not believed
	Vault     vault
	Do        doer
	Log       *slog.Logger
}

// Mailroom takes parcels. Its methods may be called from several goroutines.
type Mailroom struct {
	cfg   Config
	fault func(step string) error // tests only

	taking sync.Mutex // one parcel at a time
	mu     sync.Mutex
	now    state
}

// state is the file.
type state struct {
	Publisher string            `json:"publisher,omitempty"` // SHA-256 of the first root that all of this is from
	Serials   map[string]uint64 `json:"serials,omitempty"`   // greatest, by subject
	Under     map[string]int    `json:"under,omitempty"`     // the newest root when each came
	Settings  *parcel.Settings  `json:"settings,omitempty"`
	Below     *api.Settings     `json:"below,omitempty"` // what the relay's people said last
	Owed      bool              `json:"owed,omitempty"`  // the settings are not all done yet
	Relay     *Relay            `json:"relay,omitempty"`
	Outcomes  []api.Outcome     `json:"outcomes,omitempty"` // newest last
	List      string            `json:"list,omitempty"`     // state of the relay's list, all of which was looked at
}

// New reads the file or its copy. Where both are damaged they are set aside: what they held comes again with the parcels that
// are still in time.
func New(cfg Config) (*Mailroom, error) {
	if cfg.Path == "" || cfg.Trust == nil || cfg.Names == nil || cfg.Now == nil || cfg.Do == nil {
		return nil, errors.New("open mailroom: something that it needs is missing")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mailroom{cfg: cfg, fault: func(string) error { return nil }}
	found, err := bundle.ReadTwice(cfg.Path, maxState, &m.now)
	if found && err != nil {
		cfg.Log.Warn("what parcels had said was not whole in both of its places", "error", err)
	}
	if !found && err != nil {
		m.now = state{}
		cfg.Log.Error("what parcels had said is lost; set aside", "file", filepath.Base(cfg.Path), "error", err)
		if err := os.Rename(cfg.Path, cfg.Path+".damaged"); err != nil {
			cfg.Log.Warn("damaged file not set aside", "error", err)
		}
	}
	return m, nil
}

// Took is what a parcel was about, and whether there was anything new in it.
type Took struct {
	Subject string
	Fresh   bool
}

// Take does what a parcel says, if it is what it must be. via is "relay" or "stick"; from gives what lies beside it. The error
// is a *bundle.NewRootError when a newer root may be what is missing.
func (m *Mailroom) Take(ctx context.Context, envelope []byte, via string, from Blobs) (Took, error) {
	trust := m.cfg.Trust()
	if trust == nil {
		return Took{}, ErrNobody
	}
	p, err := parcel.Open(trust, envelope)
	if err != nil {
		return Took{}, err
	}
	m.taking.Lock()
	defer m.taking.Unlock()
	fresh, err := m.take(ctx, p, trust, via, from)
	if err != nil {
		err = fmt.Errorf("parcel (%s %d): %w", p.Subject(), p.Serial, err)
	}
	if !errors.Is(err, bundle.ErrNotForHere) && ctx.Err() == nil && (fresh || err != nil) {
		m.note(p, via, err)
	}
	return Took{p.Subject(), fresh}, err
}

func (m *Mailroom) take(ctx context.Context, p *parcel.Parcel, trust *bundle.Trust, via string, from Blobs) (bool, error) {
	if names, groups := m.cfg.Names(); !p.For(names, groups) {
		return false, fmt.Errorf("%w: it names others than %q in groups %q", bundle.ErrNotForHere, first(names), groups)
	}
	certain, likely := m.cfg.Now()
	if likely.After(certain) {
		certain = likely
	}
	if !certain.Before(p.Expires) {
		return false, fmt.Errorf("its time was over at %s: %w; send it anew", p.Expires.Format(time.DateTime), bundle.ErrExpired)
	}
	had := m.serial(trust, p)
	switch {
	case p.Serial < had:
		return false, fmt.Errorf("serial %d was here: %w; make it anew", had, ErrOlder)
	case p.Serial == had && p.Export == nil: // a stick may fetch an export again and again
		return false, nil
	}
	return m.open(ctx, p, trust, via, from)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// open does it: what is long first, then the word that it was done; what must not be forgotten the other way round.
func (m *Mailroom) open(ctx context.Context, p *parcel.Parcel, trust *bundle.Trust, via string, from Blobs) (fresh bool, err error) {
	publisher := string(trust.Fingerprint())
	switch {
	case p.Secret != nil:
		box, ok := p.Secret.BoxFor(m.cfg.Recipient)
		if !ok {
			return false, fmt.Errorf("%w: the secret is sealed for others", bundle.ErrNotForHere)
		}
		if m.cfg.Vault == nil {
			return false, errors.New("this player has no vault: see its checks")
		}
		if m.takenBack(trust, p) {
			if err = m.cfg.Vault.Recount(publisher, p.Secret.Name); err != nil {
				return false, err
			}
		}
		if fresh, err = m.cfg.Vault.Take(box, publisher, p.Secret.Name, p.Serial, via); err != nil {
			return false, err
		}
	case p.Update != nil:
		if err := m.cfg.Do.Update(ctx, *p.Update, from); err != nil {
			return false, err
		}
		fresh = true
	case p.Export != nil:
		if err := m.cfg.Do.Export(*p.Export, via); err != nil {
			return false, err
		}
		fresh = true
	}
	err = m.change(publisher, func(s *state) {
		s.Serials[p.Subject()], s.Under[p.Subject()] = p.Serial, trust.Root().Version
		switch {
		case p.Settings != nil:
			s.Settings, s.Owed, fresh = p.Settings, true, true
		case p.Relay != nil:
			s.Relay, fresh = &Relay{Relay: *p.Relay, State: RelayTrying}, true
		}
	})
	if err != nil {
		return false, fmt.Errorf("note the parcel: %w", err)
	}
	switch {
	case p.Settings != nil:
		err = m.Settle()
	case p.Relay != nil:
		m.cfg.Do.Reach(*p.Relay)
	}
	return fresh, err
}

// ours says whether what is kept came from the publisher that the player believes. mu is held.
func (m *Mailroom) ours() bool {
	t := m.cfg.Trust()
	return t != nil && string(t.Fingerprint()) == m.now.Publisher
}

// Word is what the relay is told of parcels.
func (m *Mailroom) Word() api.Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return api.Mail{State: m.now.List, Outcomes: slices.Clone(m.now.Outcomes)}
}

// Looked notes that all of the relay's list was looked at, by the state that the relay gives it.
func (m *Mailroom) Looked(list string) error {
	return m.change("", func(s *state) { s.List = list })
}

// serial is the greatest that a parcel's subject has had and that still counts; 0 = none.
func (m *Mailroom) serial(trust *bundle.Trust, p *parcel.Parcel) uint64 {
	if m.takenBack(trust, p) {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.Publisher != string(trust.Fingerprint()) {
		return 0
	}
	return m.now.Serials[p.Subject()]
}

// takenBack says whether a root up to the parcel's has taken away a key that may have signed the serial which is remembered.
func (m *Mailroom) takenBack(trust *bundle.Trust, p *parcel.Parcel) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Publisher == string(trust.Fingerprint()) && trust.TookAway(p.Kind().Role(trust), m.now.Under[p.Subject()], p.Root)
}

// note keeps how it went with a parcel, for people.
func (m *Mailroom) note(p *parcel.Parcel, via string, fault error) {
	_, likely := m.cfg.Now()
	o := api.Outcome{Kind: string(p.Kind()), Serial: p.Serial, Via: via, At: likely.UTC().Truncate(time.Second)}
	if p.Secret != nil {
		o.Name = p.Secret.Name
	}
	if fault != nil {
		o.Error = fault.Error()
	}
	m.mu.Lock()
	n := len(m.now.Outcomes)
	same := n > 0 && alike(m.now.Outcomes[n-1], o)
	m.mu.Unlock()
	if same { // a stick that is put in again and again
		return
	}
	err := m.change("", func(s *state) {
		s.Outcomes = append(s.Outcomes, o)
		s.Outcomes = s.Outcomes[max(0, len(s.Outcomes)-mostKept):]
	})
	if err != nil {
		m.cfg.Log.Warn("outcome of a parcel not kept", "error", err)
	}
	if fault == nil {
		m.cfg.Log.Info("parcel taken", "kind", o.Kind, "name", o.Name, "serial", o.Serial, "via", via)
	} else {
		m.cfg.Log.Warn("parcel refused", "kind", o.Kind, "name", o.Name, "serial", o.Serial, "via", via, "error", fault)
	}
}

func alike(a, b api.Outcome) bool {
	a.At, b.At = time.Time{}, time.Time{}
	return a == b
}

// change replaces the file and then goes by it. What came from another publisher is forgotten.
func (m *Mailroom) change(publisher string, edit func(*state)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.now
	if publisher != "" && next.Publisher != publisher {
		next = state{Publisher: publisher, List: next.List, Below: next.Below}
	}
	next.Serials, next.Under, next.Outcomes = maps.Clone(next.Serials), maps.Clone(next.Under), slices.Clone(next.Outcomes)
	if next.Serials == nil {
		next.Serials = map[string]uint64{}
	}
	if next.Under == nil {
		next.Under = map[string]int{}
	}
	edit(&next)
	if len(next.Serials) > mostSeen {
		return fmt.Errorf("this player has had parcels about %d things, and keeps no count of more", mostSeen)
	}
	err := m.fault("write")
	if err == nil {
		err = bundle.WriteTwice(m.cfg.Path, next)
	}
	if err == nil {
		m.now = next
	}
	return err
}
