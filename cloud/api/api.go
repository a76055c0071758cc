// Package api is the contract between player, operator and relay: paths, wire types and a small client.
//
//	player ──enrol, session, heartbeat, manifest, blobs, proofs, screenshots──> relay <──push, channels, players── operator
//
// It imports nothing of ours. Errors are problem details (RFC 9457), bodies are JSON in UTF-8, instants are RFC 3339 UTC.
package api

import "time"

// Paths, in net/http.ServeMux patterns' form. "Who" says who may call: anyone, device (its session token) or admin (a
// person's token).
const (
	PathTime = "/v1/time" // GET, anyone: Time

	PathEnrolments = "/v1/enrolments"              // POST, anyone (signed by the new key): EnrolRequest -> Enrolment
	PathEnrolment  = "/v1/enrolments/{code}"       // GET, code = the user code, device code in Authorization, Prefer: wait: 200 Enrolled, 202 not yet, 410 expired
	PathClaim      = "/v1/enrolments/{code}/claim" // GET, POST, admin; code = the user code: Claim -> Player
	PathSession    = "/v1/session"                 // POST, device, signed (RFC 9421): Session

	PathHeartbeat  = "/v1/players/{id}/heartbeat"  // POST, device, Prefer: wait=50: Heartbeat -> 200 Desired | 204
	PathProofs     = "/v1/players/{id}/proofs"     // POST, device: Proofs -> ProofsTaken; GET, admin: Page of Play
	PathScreenshot = "/v1/players/{id}/screenshot" // PUT, device: image/jpeg, Date = when it was taken; GET, admin; POST, admin: ask for a fresh one
	PathPlayers    = "/v1/players"                 // GET, admin: Page of Player; POST, admin: Adoption -> Player
	PathPlayer     = "/v1/players/{id}"            // GET, PATCH (If-Match): Changes -> Player, DELETE, admin
	PathManifest   = "/v1/manifests/{digest}"      // GET, device or admin; PUT, admin: DSSE envelope, immutable
	PathBlob       = "/v1/blobs/sha256/{digest}"   // GET (Range), HEAD, device or admin; PUT, admin, idempotent
	PathRoots      = "/v1/roots/{version}"         // GET, device or admin; PUT, admin
	PathStreams    = "/v1/streams"                 // GET, admin: Page of Stream
	PathStream     = "/v1/streams/{stream}"        // PUT, admin (If-Match): Head: which manifest is the newest; all blobs must be there
	PathFresh      = "/v1/fresh/{stream}"          // GET, device or admin: DSSE envelope: which manifest is the newest now, signed by the relay's own key
	PathWarnings   = "/v1/warnings"                // GET, device or admin: Page of SignedWarning: ?after=SERIAL all from there on, and those still in time
	PathWarning    = "/v1/warnings/{serial}"       // PUT, admin: DSSE envelope of a public warning; a serial is given once
	PathParcels    = "/v1/parcels"                 // GET, device (its own) or admin (all): Page of SignedParcel; ?from=DIGEST goes on
	PathParcel     = "/v1/parcels/{digest}"        // PUT, admin: DSSE envelope of a parcel; blobs beside it must be there
	PathImport     = "/v1/players/{id}/import"     // POST, admin: Proofs that were carried by hand, signed by the player -> Imported
	PathChannels   = "/v1/channels"                // GET, admin: Page of Channel
	PathChannel    = "/v1/channels/{group}"        // PUT, admin (If-Match): Channel: which stream a group follows; group "*" = everyone; DELETE, admin
)

// Types of a Problem on which a program acts; all others are "about:blank".
const (
	ProblemClock   = "urn:vitrine:problem:clock"   // the signature's time is not the relay's: ask PathTime, sign again
	ProblemUnknown = "urn:vitrine:problem:unknown" // the relay does not know this device, or no longer: enrol
	ProblemMissing = "urn:vitrine:problem:missing" // blobs are missing: Problem.Missing names them
	ProblemOlder   = "urn:vitrine:problem:older"   // the stream is already further: build again
)

// Limits of bodies, bytes, and of waiting, seconds.
const (
	MaxJSON       = 1 << 20         // any JSON body
	MaxHeartbeat  = 64 << 10        // a heartbeat
	MaxScreenshot = 4 << 20         // a picture
	MaxEnvelope   = 8 << 20         // a manifest's envelope
	MaxRoot       = 64 << 10        // a root's envelope
	MaxWarning    = 2 << 20         // a public warning's envelope
	MaxFresh      = 16 << 10        // what a relay says is the newest
	MaxParcel     = 2 << 20         // a parcel's envelope
	MaxBlob       = 2000 * 16 << 20 // a blob
	MaxWait       = 55              // longest wait of a long-poll
)

// Time is the relay's clock.
type Time struct {
	Now   time.Time `json:"now"`
	Nonce string    `json:"nonce,omitempty"` // as it was asked for
	Sig   []byte    `json:"sig,omitempty"`   // over both, see Sign
	Key   []byte    `json:"key,omitempty"`   // Ed25519 public key of Sig and of what PathFresh gives; a hint, nobody believes it
}

// EnrolRequest is a new player's word: the public half of the key that never leaves it.
type EnrolRequest struct {
	Public   []byte `json:"public"` // Ed25519, 32 bytes
	Seal     string `json:"seal"`   // age X25519 recipient, for secrets meant for this player alone
	Version  string `json:"version"`
	Hostname string `json:"hostname,omitempty"`
}

// Enrolment is the relay's answer, in the shape of RFC 8628.
type Enrolment struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`        // eight characters of BCDFGHJKLMNPQRSTVWXZ, shown as XXXX-XXXX
	Verify     string `json:"verification_uri"` // page where a person enters the code
	ExpiresIn  int    `json:"expires_in"`       // seconds
	Interval   int    `json:"interval"`         // seconds between polls
}

// Claim is a person's word that a waiting player is theirs. GET shows the waiting player first.
type Claim struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups,omitempty"`
	Tags   []string `json:"tags,omitempty"`
	Zone   string   `json:"zone,omitempty"` // IANA
	// Root is the SHA-256 of the publisher's first root, from whoever claims: the player takes no other one.
	Root string `json:"root,omitempty"`
}

// Waiting is a player that nobody has claimed yet.
type Waiting struct {
	EnrolRequest
	Words   []string  `json:"words"` // four words of the key's fingerprint; the player's screen shows the same
	From    string    `json:"from"`  // address
	Expires time.Time `json:"expires"`
}

// Enrolled is what a claimed player is told.
type Enrolled struct {
	Settings Settings `json:"settings"`
	Roots    [][]byte `json:"roots"`          // envelopes of the customer's root chain from 1; empty while nobody has pushed one
	Root     string   `json:"root,omitempty"` // as the Claim says
	Time     []byte   `json:"time,omitempty"` // Ed25519 public key that signs the relay's time from now on
}

// Settings is what the relay's people decide about a player; nothing in it is trusted with what is shown.
type Settings struct {
	ID     string   `json:"id"`
	Rev    uint64   `json:"rev"`
	Name   string   `json:"name"`
	Groups []string `json:"groups,omitempty"` // best first
	Tags   []string `json:"tags,omitempty"`
	Zone   string   `json:"zone,omitempty"`
	Locale string   `json:"locale,omitempty"`
}

// Session is a bearer token of 15 to 60 minutes.
type Session struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	Player  string    `json:"player"` // its id, for a device that has lost its settings but not its key
}

// Pointer names one version of a bundle.
type Pointer struct {
	Stream   string `json:"stream"`
	Seq      uint64 `json:"seq"`
	Manifest string `json:"manifest"` // SHA-256 of the envelope
	Root     int    `json:"root"`
}

// Heartbeat is a player's account of itself. Answered at once when what is desired differs from what is reported.
type Heartbeat struct {
	Boot     string            `json:"boot"` // random, new at every start
	Seq      uint64            `json:"seq"`  // from 1, within a boot
	Now      time.Time         `json:"now"`
	Version  string            `json:"version"`
	Rev      uint64            `json:"rev"`  // of the Settings it has
	Root     int               `json:"root"` // newest root version it has
	Active   *Pointer          `json:"active,omitempty"`
	Refused  *Refusal          `json:"refused,omitempty"` // the last bundle that it would not take
	Fetching *Progress         `json:"fetching,omitempty"`
	Stick    *Stick            `json:"stick,omitempty"` // the last one since its start
	Showing  *Showing          `json:"showing,omitempty"`
	Clock    string            `json:"clock"`             // trusted, held, estimated, none
	Uptime   int64             `json:"uptime"`            // seconds
	Checks   map[string]string `json:"checks,omitempty"`  // named health checks: "ok" or a sentence
	Metrics  map[string]any    `json:"metrics,omitempty"` // memory, presented, dropped, free disk …
	Plays    *PlaysHead        `json:"plays,omitempty"`   // its newest play, signed: what it has may be more than the relay has yet
	Warnings *Heard            `json:"warnings,omitempty"`
	Sources  []Source          `json:"sources,omitempty"` // of the customer's own data; at most MaxSources
	Mail     *Mail             `json:"mail,omitempty"`
	Seal     *Seal             `json:"seal,omitempty"` // what secrets for it are sealed to
}

// Source is how fresh the rows of one of the customer's own sources are on a player. The rows stay there.
type Source struct {
	Name    string    `json:"name"`
	Count   int       `json:"count"`              // rows that are shown
	Fetched time.Time `json:"fetchedAt,omitzero"` // zero = never
	Stale   bool      `json:"stale,omitempty"`
	Fault   string    `json:"fault,omitempty"` // a word: late, unreachable, refused, too long, unreadable, columns, disk
}

// MaxSources is how many sources a heartbeat names.
const MaxSources = 200

// Heard is what a player knows of public warnings.
type Heard struct {
	Newest   uint64     `json:"newest"`          // greatest serial of the publisher's that has come, by relay or stick
	State    string     `json:"state,omitempty"` // of the relay's list, all of which it has; "" = never asked
	Standing []Standing `json:"standing,omitempty"`
}

// Standing is a public warning that holds where a player's screen hangs; at most MaxStanding are told.
type Standing struct {
	Identifier string    `json:"identifier"`
	Severity   string    `json:"severity"`
	Source     string    `json:"source"` // publisher, folder, feed
	Until      time.Time `json:"until"`
}

// MaxStanding is how many standing warnings a heartbeat names.
const MaxStanding = 20

// SignedWarning is a public warning as the relay has it. What a player believes is in the envelope alone.
type SignedWarning struct {
	Serial   uint64    `json:"serial"`
	Root     int       `json:"root"` // version of the root that it was signed under
	Expires  time.Time `json:"expires"`
	Taken    time.Time `json:"taken"` // by the relay
	By       string    `json:"by"`    // the person who sent it
	Envelope []byte    `json:"envelope"`
}

// Warnings is a run of the relay's list of public warnings, by serial.
type Warnings struct {
	Page[SignedWarning]
	State  string `json:"state"`  // of the whole list; changes with each that comes
	Newest uint64 `json:"newest"` // greatest serial of the whole list
}

// Refusal is a bundle that a player would not take, and why, in a sentence.
type Refusal struct {
	Pointer
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Progress is how far a download is, bytes.
type Progress struct {
	Pointer
	Have  int64     `json:"have"`
	Total int64     `json:"total"`
	Rate  int64     `json:"rate,omitempty"` // bytes/s, of late
	Idle  bool      `json:"idle,omitempty"` // it takes only what nobody else wants of the line
	Until time.Time `json:"until,omitzero"` // it waits for the player's time of day for downloads
}

// Stick is what became of the last stick that was plugged in, or is becoming of it.
type Stick struct {
	Label   string    `json:"label,omitempty"`
	State   string    `json:"state"`             // importing, taken, same, refused, gone
	Have    int64     `json:"have,omitempty"`    // bytes, while it is imported
	Total   int64     `json:"total,omitempty"`   // bytes
	Said    string    `json:"said,omitempty"`    // what the screen says, in the player's language
	Waiting int       `json:"waiting,omitempty"` // further sticks, whose turn comes
	At      time.Time `json:"at"`                // since when it is so
}

// Showing is what is on a screen.
type Showing struct {
	Scene  string    `json:"scene"`
	Layer  string    `json:"layer"`
	Events []string  `json:"events,omitempty"`
	Since  time.Time `json:"since"`
	Screen string    `json:"screen"` // on, off
}

// Desired is what the relay wants of a player; fields that agree with the heartbeat are absent.
type Desired struct {
	Settings   *Settings `json:"settings,omitempty"`
	Bundle     *Pointer  `json:"bundle,omitempty"`
	Root       int       `json:"root,omitempty"`       // newest root version, when the player's is older: fetch PathRoots up to it
	Screenshot bool      `json:"screenshot,omitempty"` // a person is looking: send one
	Mail       string    `json:"mail,omitempty"`       // state of the list of parcels, when the player has another: fetch PathParcels
	Warnings   string    `json:"warnings,omitempty"`   // state of the list of public warnings, when the player has another: fetch PathWarnings
}

// Changes are what a person changes of a player's Settings; nil = as it is.
type Changes struct {
	Name   *string   `json:"name,omitempty"`
	Groups *[]string `json:"groups,omitempty"`
	Tags   *[]string `json:"tags,omitempty"`
	Zone   *string   `json:"zone,omitempty"`
	Locale *string   `json:"locale,omitempty"`
}

// Player is the relay's view of a player.
type Player struct {
	Settings
	Public     []byte     `json:"public,omitempty"` // Ed25519
	Online     bool       `json:"online"`
	Seen       time.Time  `json:"seen,omitzero"`
	Claimed    time.Time  `json:"claimed"`
	Address    string     `json:"address,omitempty"`
	Last       *Heartbeat `json:"last,omitempty"`
	Desired    *Pointer   `json:"desired,omitempty"`
	Screenshot time.Time  `json:"screenshot,omitzero"` // when the last picture was taken
	Cut        *PlaysHead `json:"cut,omitempty"`       // signed at the last of its plays that the relay has put away
	Alarms     []string   `json:"alarms,omitempty"`    // sentences: what the relay itself noticed, such as that it knows less than the player
}

// Proof is one play: what was on the screen, from when to when, and why it left (proof of play).
type Proof struct {
	N         uint64    `json:"n"` // from 1, without gaps, within a chain: over all boots
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Stream    string    `json:"stream"`
	Bundle    uint64    `json:"bundle"` // its seq
	Scene     string    `json:"scene"`
	Event     string    `json:"event,omitempty"`
	Layer     string    `json:"layer"`
	Reason    string    `json:"reason"` // eof, time, replaced, failed
	Presented uint64    `json:"presented"`
	Dropped   uint64    `json:"dropped"`
	Clock     string    `json:"clock"`
	Chain     string    `json:"chain,omitempty"` // random, of this player's disk
	Prev      string    `json:"prev,omitempty"`  // PlayHash of record N-1; "" for the first
	Gap       *Gap      `json:"gap,omitempty"`   // this record is not a play: the player says what it has lost

	raw string // what it was read from
}

// Proofs is a run of plays of one boot; doubles are recognised by (boot, n).
type Proofs struct {
	Boot  string     `json:"boot"`
	Plays []Proof    `json:"plays"`
	Head  *PlaysHead `json:"head,omitempty"` // of the last of Plays
}

// Play is a kept Proof, with the boot that it is of.
type Play struct {
	Boot string `json:"boot"`
	Proof
	Record []byte     `json:"record"`         // as the player sent it; the fields above are read from it
	Head   *PlaysHead `json:"head,omitempty"` // if the player has signed at this record
}

// ProofsTaken says up to where plays of that boot are kept for good.
type ProofsTaken struct {
	Boot string `json:"boot"`
	N    uint64 `json:"n"`
}

// Head is a stream's newest manifest.
type Head struct {
	Seq      uint64 `json:"seq"`
	Manifest string `json:"manifest"`
	Root     int    `json:"root"`
}

// Stream is a bundle with its history.
type Stream struct {
	Name string    `json:"name"`
	Head Head      `json:"head"`
	At   time.Time `json:"at"`
}

// Channel says which stream a group of players follows.
type Channel struct {
	Group  string `json:"group"` // "*" = everyone
	Stream string `json:"stream"`
}

// Page is a run of a listing; Next is the cursor of the run after it, "" at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Problem is an error (RFC 9457).
type Problem struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // what to do next

	Missing    []string      `json:"missing,omitempty"` // with ProblemMissing: digests, at most 1,000
	RetryAfter time.Duration `json:"-"`                 // from the answer's header; 0 = not said
}

// Error makes a Problem an error.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}
