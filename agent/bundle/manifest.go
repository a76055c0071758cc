// Package bundle is the format: what a publisher signs and a player trusts, over HTTPS and on a stick alike.
//
//	folder ──Load──> Source ──Build──> Bundle (a tree or one file) ──Verify──> Manifest
//	                 errors with                 root/<n>.json
//	                 file, line, column          m/<sha256>.json
//	                                             b/<2 hex>/<sha256>
//
// A manifest pins every byte that it needs by SHA-256, so that nothing can be mixed and matched; its envelope is DSSE,
// whose raw bytes are verified before anything in them is parsed. What else is signed has the same envelope and a type of its
// own, so that none passes for another: Root, Ticket, Warning by the customer's keys, Fresh by the relay's. A Draft is what
// several people sign on several machines.
package bundle

import (
	"time"

	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// Limits of the format.
const (
	MaxManifest = 8 << 20  // bytes of a manifest's envelope
	MaxRoot     = 64 << 10 // bytes of a root's envelope
	MinSegment  = 1 << 20  // segments are powers of two from here
	MaxSegment  = 16 << 20 // to here
	MaxSegments = 2000     // of one blob
	MaxSeq      = 1<<53 - 1
)

// Payload types of an envelope; a signature over one never counts for another.
const (
	TypeManifest = "application/vnd.vitrine.manifest+json"
	TypeRoot     = "application/vnd.vitrine.root+json"
)

// Digest is the SHA-256 of some bytes, 64 lower-case hexadecimal digits.
type Digest string

// Manifest is one version of a bundle: everything a player needs to know, and the digest of everything it needs to have.
type Manifest struct {
	Format   string    `json:"format"` // "vitrine/1"
	Customer string    `json:"customer"`
	Stream   string    `json:"stream"` // the bundle's id, stable
	Seq      uint64    `json:"seq"`    // grows at every build
	Root     int       `json:"root"`   // version of the root that names the signing keys
	Issued   time.Time `json:"issued"` // UTC, whole seconds
	Expires  time.Time `json:"expires,omitzero"`
	Previous Digest    `json:"previous,omitempty"` // of the manifest that this one follows
	Agent    string    `json:"agent,omitempty"`    // lowest version of the player that may take it
	Targets  *Targets  `json:"targets,omitempty"`  // nil = every player of the customer

	Name     string                 `json:"name,omitempty"`
	Zone     string                 `json:"zone,omitempty"`   // IANA; for players that have none of their own
	Locale   string                 `json:"locale,omitempty"` // "fr", "en"
	Canvas   scene.Size             `json:"canvas"`
	Sources  map[string]SourceSpec  `json:"sources,omitempty"`
	Scenes   map[string]scene.Scene `json:"scenes"` // by item name
	Schedule schedule.Schedule      `json:"schedule"`
	Fallback []string               `json:"fallback,omitempty"`
	Tests    []Test                 `json:"tests,omitempty"`

	Files map[string]Digest `json:"files"` // bundle path -> blob
	Blobs []Blob            `json:"blobs"` // sorted by digest, no doubles
}

// Targets says which players may take a bundle at all.
type Targets struct {
	Players []string `json:"players,omitempty"`
	Groups  []string `json:"groups,omitempty"`
}

// Blob is a run of bytes under its digest.
type Blob struct {
	Digest Digest `json:"sha256"`
	Size   int64  `json:"size"`
	Type   string `json:"type"` // media type
	// Segment is the length of all segments but the last; 0 = the blob is one segment and Segments is empty.
	Segment    int64    `json:"segment,omitempty"`
	Segments   []Digest `json:"segments,omitempty"`
	Encryption string   `json:"encryption,omitempty"` // "" = none; other values are refused by players that do not know them
}

// Test is an instant with what must be on then; building a bundle runs it.
type Test struct {
	At     string          `json:"at"` // local, "2027-01-04T12:30", in the bundle's zone; or an RFC 3339 instant
	Player schedule.Player `json:"player,omitzero"`
	Expect []string        `json:"expect"` // the loop
	// What is supposed of the player then: its metrics, what has just been set off, for how long nobody has touched it, and
	// how far its clock is believed ("" = trusted).
	Metrics  map[string]any `json:"metrics,omitempty"`
	Triggers []string       `json:"triggers,omitempty"`
	Idle     scene.Duration `json:"idle,omitempty"` // 0 = it is not known
	Clock    string         `json:"clock,omitempty"`
}

// State is what the test supposes of a player's state.
func (t *Test) State(plan *schedule.Plan, p schedule.Player, now time.Time) schedule.State {
	st := schedule.State{Metrics: t.Metrics, Clock: t.Clock}
	if t.Idle > 0 {
		st.Since = map[string]time.Time{"touch.idle": now.Add(-time.Duration(t.Idle))}
	}
	st.Screen = plan.ScreenAt(p, st, now)
	for _, name := range t.Triggers {
		plan.Fire(p, &st, name, now)
	}
	return st
}
