package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Step is what one version of a key chain has changed, and who has signed it.
type Step struct {
	Version int       `json:"version"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires,omitzero"`
	Note    string    `json:"note,omitempty"`
	// Signed are the keys that may change keys, of this version or the one before, and have signed it.
	Signed  []Named  `json:"signed"`
	Changes []Change `json:"changes"`
}

// Named is a key as people know it.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Change is one difference between a root and the one before it.
type Change struct {
	What string `json:"what"` // one of the constants below
	Role string `json:"role,omitempty"`
	Key  *Named `json:"key,omitempty"`  // of Added and Removed
	From int    `json:"from,omitempty"` // of Threshold
	To   int    `json:"to,omitempty"`
}

// What a Change is.
const (
	Added     = "added"     // a key has got a role
	Removed   = "removed"   // a key has lost a role
	Threshold = "threshold" // another number of keys must sign
)

// History is every step of the chain, from version 1 on.
func (t *Trust) History() []Step {
	var steps []Step
	before := &Root{}
	for i, r := range t.roots {
		e, err := parseEnvelope(t.chain[i], MaxRoot)
		if err != nil {
			break // cannot be: the chain was verified
		}
		steps = append(steps, Step{Version: r.Version, Issued: r.Issued, Expires: r.Expires, Note: r.Note,
			Signed: e.rootSigners(before, r), Changes: Differences(before, r)})
		before = r
	}
	return steps
}

// rootSigners are those root keys of two versions that have signed an envelope, in the order of their names.
func (e *Envelope) rootSigners(before, r *Root) []Named {
	known := map[string]Key{}
	var keys []ed25519.PublicKey
	for _, version := range []*Root{before, r} {
		for _, id := range version.Roles[RoleRoot].Keys {
			if _, twice := known[id]; !twice {
				keys = append(keys, version.Keys[id].Public)
			}
			known[id] = version.Keys[id]
		}
	}
	signed := []Named{}
	for id := range e.signers(keys) {
		signed = append(signed, Named{id, known[id].Name})
	}
	slices.SortFunc(signed, byName)
	return signed
}

func byName(a, b Named) int {
	return slices.Compare([]string{a.Name, a.ID}, []string{b.Name, b.ID})
}

// Differences is what a root changes of the one before it, by role: who loses it, who gets it, how many must sign. An empty
// Root stands before the first.
func Differences(before, next *Root) []Change {
	changes := []Change{}
	roles := map[string]Role{}
	maps.Copy(roles, before.Roles)
	maps.Copy(roles, next.Roles)
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		was, is := before.Roles[role], next.Roles[role]
		for _, id := range was.Keys {
			if !slices.Contains(is.Keys, id) {
				changes = append(changes, Change{What: Removed, Role: role, Key: &Named{id, before.Keys[id].Name}})
			}
		}
		for _, id := range is.Keys {
			if !slices.Contains(was.Keys, id) {
				changes = append(changes, Change{What: Added, Role: role, Key: &Named{id, next.Keys[id].Name}})
			}
		}
		if was.Threshold != is.Threshold {
			changes = append(changes, Change{What: Threshold, Role: role, From: was.Threshold, To: is.Threshold})
		}
	}
	return changes
}

// ErrRevoked is the refusal of what was signed by keys that have lost their role since.
var ErrRevoked = errors.New("the key was revoked")

// believe verifies by the newest root. What an older one would have believed is refused all the same, but said to be so: it
// is not forged, and whoever made it has to sign it again.
func (t *Trust) believe(e *Envelope, payloadType, role string) error {
	err := e.verify(payloadType, t.root, role)
	if !errors.Is(err, ErrUnsigned) {
		return err
	}
	for i := len(t.roots) - 2; i >= 0; i-- {
		then, next := t.roots[i], t.roots[i+1]
		if e.verify(payloadType, then, role) != nil {
			continue
		}
		return fmt.Errorf("it was signed as root %d allowed, and root %d of %s has taken that away from %s; have it signed again: %w, %w",
			then.Version, next.Version, next.Issued.Format(time.DateOnly), e.losers(then, next, role), ErrRevoked, err)
	}
	return err
}

// losers names who has signed and is no longer allowed to, or how many must sign now.
func (e *Envelope) losers(then, next *Root, role string) string {
	var names []string
	for _, id := range then.Roles[role].Keys {
		if !slices.Contains(next.Roles[role].Keys, id) && len(e.signers([]ed25519.PublicKey{then.Keys[id].Public})) > 0 {
			names = append(names, fmt.Sprintf("%q", then.Keys[id].Name))
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("a single key: %d must sign now", next.Roles[role].Threshold)
	}
	return "the key " + strings.Join(names, ", ")
}
