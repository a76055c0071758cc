// Package alert turns public warnings (OASIS Common Alerting Protocol 1.2; 1.1 and 1.0 too) into what a screen shows.
//
//	relay ──┐                                     site: where, which language
//	feed  ──┤                                       │
//	folder ─┼─> Parse ──> Message ──> Book ──> Active(now) ──> Alert ──> schedule.Event
//	stick ──┘   hostile bytes      any order,                        └─> scene.Scene, text only
//	                               doubles, updates, cancels
//
// What a message says is text: nothing is downloaded for it, resources are not even read. An XML signature in it is not
// verified, for CAP leaves open whose keys would count: trust is the source's (a relay that proved itself, HTTPS on the
// LAN, a folder, a signed stick), and a Book believes all that is put into it. A source that is believed less has a Book
// of its own.
//
// Section numbers are those of CAP 1.2 (OASIS Standard, 1 July 2010).
package alert

import (
	"strings"
	"time"
)

// Status says whom a message is meant for (3.2.1).
type Status string

// The statuses. Only Actual is shown, Exercise and Test where a site asks for it, the others never.
const (
	Actual   Status = "Actual"
	Exercise Status = "Exercise"
	System   Status = "System"
	Test     Status = "Test"
	Draft    Status = "Draft"
)

// Type says what a message does (3.2.1).
type Type string

// The types. Ack and Error are between machines and change nothing here.
const (
	TypeAlert  Type = "Alert"
	TypeUpdate Type = "Update"
	TypeCancel Type = "Cancel"
	TypeAck    Type = "Ack"
	TypeError  Type = "Error"
)

// Scope says who may see a message (3.2.1).
type Scope string

// The scopes. A screen is public, so that Restricted is shown only where a site asks for it, Private where it is addressed.
const (
	Public     Scope = "Public"
	Restricted Scope = "Restricted"
	Private    Scope = "Private"
)

// Message is one CAP message, an alert element (3.2.1).
type Message struct {
	Version     string      `json:"version"` // 1.0, 1.1, 1.2
	Identifier  string      `json:"identifier"`
	Sender      string      `json:"sender"`
	Sent        time.Time   `json:"sent"`
	Status      Status      `json:"status"`
	Type        Type        `json:"type"`
	Scope       Scope       `json:"scope"`
	Source      string      `json:"source,omitempty"`
	Restriction string      `json:"restriction,omitempty"`
	Addresses   []string    `json:"addresses,omitempty"`
	Codes       []string    `json:"codes,omitempty"`
	Note        string      `json:"note,omitempty"`
	References  []Reference `json:"references,omitempty"`
	Incidents   []string    `json:"incidents,omitempty"`
	Infos       []Info      `json:"infos,omitempty"`
	// Faults are the optional parts that could not be read and were left out, in words for the sender.
	Faults []string `json:"faults,omitempty"`
}

// Reference names an earlier message: sender, identifier, sent. In CAP 1.0 Sent may be missing; it then matches any.
type Reference struct {
	Sender     string    `json:"sender,omitempty"`
	Identifier string    `json:"identifier"`
	Sent       time.Time `json:"sent,omitzero"`
}

// Info is what a message says in one language of one event (3.2.2).
type Info struct {
	Language    string    `json:"language"` // RFC 3066; en-US where the message names none
	Categories  []string  `json:"categories,omitempty"`
	Event       string    `json:"event,omitempty"`
	Responses   []string  `json:"responses,omitempty"` // Shelter, Evacuate, Prepare, Execute, Avoid, Monitor, Assess, AllClear, None
	Urgency     string    `json:"urgency"`             // Immediate, Expected, Future, Past, Unknown
	Severity    string    `json:"severity"`            // Extreme, Severe, Moderate, Minor, Unknown
	Certainty   string    `json:"certainty"`           // Observed, Likely, Possible, Unlikely, Unknown
	Audience    string    `json:"audience,omitempty"`
	EventCodes  []Pair    `json:"eventCodes,omitempty"`
	Effective   time.Time `json:"effective,omitzero"`
	Onset       time.Time `json:"onset,omitzero"`
	Expires     time.Time `json:"expires,omitzero"`
	SenderName  string    `json:"senderName,omitempty"`
	Headline    string    `json:"headline,omitempty"`
	Description string    `json:"description,omitempty"`
	Instruction string    `json:"instruction,omitempty"`
	Web         string    `json:"web,omitempty"`
	Contact     string    `json:"contact,omitempty"`
	Parameters  []Pair    `json:"parameters,omitempty"`
	Areas       []Area    `json:"areas,omitempty"`
}

// Pair is a name and a value of the sender's own (valueName, value).
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Area is where an Info holds: the union of its shapes (3.2.4). Altitude and ceiling are not read: a screen has none.
type Area struct {
	Description string   `json:"description,omitempty"`
	Polygons    []Ring   `json:"polygons,omitempty"`
	Circles     []Circle `json:"circles,omitempty"`
	Geocodes    []Pair   `json:"geocodes,omitempty"`
	// Damaged says that a shape could not be read and was left out, so that the area may be larger than it looks.
	Damaged bool `json:"damaged,omitempty"`
}

// Point is a place on WGS 84, in degrees: latitude -90 to 90, longitude -180 to 180.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Ring is a closed line: at least four points, the last equal to the first.
type Ring []Point

// Circle is a place and a radius in kilometres.
type Circle struct {
	Center Point   `json:"center"`
	Radius float64 `json:"radius"`
}

const (
	fallbackLife = 24 * time.Hour      // of an info that names no end
	longestLife  = 31 * 24 * time.Hour // of any info after it was sent, so that a slip of the pen does not stay for years
)

// from is when an info begins to count: at once, unless the sender names a later instant than that of sending. Onset is
// when the danger begins; a warning is shown before it (3.2.2).
func (m *Message) from(i *Info) time.Time {
	if i.Effective.After(m.Sent) {
		return i.Effective
	}
	return time.Time{}
}

// until is when an info ends to count: its expiry, else 24 hours after it began; 31 days after sending at the latest.
func (m *Message) until(i *Info) time.Time {
	end := i.Expires
	if end.IsZero() {
		end = m.Sent.Add(fallbackLife)
		if from := m.from(i); !from.IsZero() {
			end = from.Add(fallbackLife)
		}
	}
	if last := m.Sent.Add(longestLife); end.After(last) {
		return last
	}
	return end
}

// names says whether a reference means a message.
func (r Reference) names(m *Message) bool {
	return r.Identifier == m.Identifier && (r.Sender == "" || r.Sender == m.Sender) && (r.Sent.IsZero() || r.Sent.Equal(m.Sent))
}

// rank orders severities, worst first; what is not known is last, as in the schedule.
func rank(severity string) int {
	for i, s := range severities() {
		if s == severity {
			return i
		}
	}
	return len(severities())
}

func severities() []string { return []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"} }

// allClear says whether an info tells people that the danger is over.
func (i *Info) allClear() bool {
	for _, r := range i.Responses {
		if strings.EqualFold(r, "AllClear") {
			return true
		}
	}
	return false
}
