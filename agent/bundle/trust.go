package bundle

import "time"

// Envelope is a DSSE envelope (Dead Simple Signing Envelope, v1.0.2): signatures over the pre-authentication encoding
// of the payload's type and raw bytes.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"` // base64 in JSON
	Signatures  []Signature `json:"signatures"`
}

// Signature is one key's word.
type Signature struct {
	KeyID string `json:"keyid"` // computed: see KeyID; never believed
	Sig   []byte `json:"sig"`
}

// Root names the keys of a customer and what each may sign. root/<n>.json is signed by the threshold of n-1 and of n;
// root/1.json by its own. A player pins one when it enrols.
type Root struct {
	Format   string          `json:"format"` // "vitrine-root/1"
	Customer string          `json:"customer"`
	Version  int             `json:"version"` // from 1
	Issued   time.Time       `json:"issued"`
	Expires  time.Time       `json:"expires,omitzero"`
	Keys     map[string]Key  `json:"keys"`           // by KeyID
	Roles    map[string]Role `json:"roles"`          // root, publisher, relay, warning
	Note     string          `json:"note,omitempty"` // why this version was made, one line for people
}

// Key is a public key.
type Key struct {
	Type   string `json:"type"`   // "ed25519"
	Public []byte `json:"public"` // 32 bytes
	Name   string `json:"name,omitempty"`
}

// Role is who may sign for one purpose: at least Threshold distinct keys of the list.
type Role struct {
	Keys      []string `json:"keys"`
	Threshold int      `json:"threshold"` // at least 1
}

// The roles of a Root; RoleWarning is one more.
const (
	RoleRoot      = "root"
	RolePublisher = "publisher"
	RoleRelay     = "relay" // freshness only; its keys are online, so that they may have no other role
)
