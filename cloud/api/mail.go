package api

import "time"

// Mail is what a player knows of parcels: what a publisher has signed for it beside bundles and warnings.
type Mail struct {
	State    string    `json:"state,omitempty"`    // of the relay's list, all of which it has looked at; "" = never asked
	Outcomes []Outcome `json:"outcomes,omitempty"` // newest last, at most 20
}

// Outcome is how it went with one parcel.
type Outcome struct {
	Kind   string    `json:"kind"`           // secret, settings, relay, update, export
	Name   string    `json:"name,omitempty"` // of the secret
	Serial uint64    `json:"serial"`
	Via    string    `json:"via"` // relay, stick
	At     time.Time `json:"at"`
	Error  string    `json:"error,omitempty"` // why it was refused, in a sentence; "" = taken
}

// SignedParcel is a parcel as the relay has it. What a player believes is in the envelope alone.
type SignedParcel struct {
	Digest   string    `json:"digest"` // SHA-256 of the envelope
	Kind     string    `json:"kind"`
	Name     string    `json:"name,omitempty"` // of the secret
	Serial   uint64    `json:"serial"`
	Root     int       `json:"root"` // version of the root that it was signed under
	Players  []string  `json:"players,omitempty"`
	Groups   []string  `json:"groups,omitempty"` // with neither: everyone
	Blobs    []string  `json:"blobs,omitempty"`  // SHA-256 of what lies beside it
	Expires  time.Time `json:"expires"`
	Taken    time.Time `json:"taken"` // by the relay
	By       string    `json:"by"`    // the person who sent it
	Envelope []byte    `json:"envelope"`
}

// Parcels is a run of the relay's list of parcels that are in time, for one player or, for people, all of them.
type Parcels struct {
	Page[SignedParcel]
	State string `json:"state"` // of the whole list, as a heartbeat tells it
}

// Adoption takes in a player that never calls: what it said of itself in an export.
type Adoption struct {
	Public  []byte `json:"public"`
	Seal    *Seal  `json:"seal"` // signed by the key: whoever has it, has had the player's word
	Version string `json:"version"`
	Claim
}

// Imported says what became of plays that were carried by hand.
type Imported struct {
	Taken   int      `json:"taken"`             // that were new
	Had     int      `json:"had"`               // that were there already
	Left    int      `json:"left,omitempty"`    // that are not the player's word
	Reasons []string `json:"reasons,omitempty"` // why they were left, at most 20
}
