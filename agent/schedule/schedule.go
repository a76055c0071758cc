// Package schedule decides, from a schedule, a player, its state and an instant, what the screen shows.
//
//	Schedule ──Compile──> Plan ──At(player, state, now)──> Decision{layer, loop, overlays, next, why}
//
// It is pure: the same inputs give the same answer on the player, in the operator's command and on the relay. A Plan only
// remembers what it worked out: when each rule changes next, so that asking again is cheap.
//
// Time is counted in whole seconds. Local rules are compared with local clock time as a wall shows it, without its offset:
// a window within the gap of daylight saving does not play, an hour lived twice plays twice.
package schedule

import "time"

// Schedule is what a bundle says of when things are shown. Names are those of a bundle's YAML.
type Schedule struct {
	Events         []Event             `json:"events,omitempty"`
	Defaults       Defaults            `json:"defaults,omitzero"`
	WorkingHours   *WorkingHours       `json:"workingHours,omitempty"`
	Dayparts       map[string][]Window `json:"dayparts,omitempty"`       // named windows, which events share
	UntrustedClock string              `json:"untrustedClock,omitempty"` // "play" (the default) or "default"
	Actions        []Action            `json:"actions,omitempty"`        // what is done at a point in time
	Audio          *Audio              `json:"audio,omitempty"`          // how loud it is
}

// Window is a local time of day, start and end, "HH:MM" or "HH:MM:SS"; end <= start runs into the next day, start == end
// is 24 hours, "24:00" is allowed. Half-open: [start, end).
type Window [2]string

// WorkingHours are the hours outside of which the screen is off.
type WorkingHours struct {
	Zone           string              `json:"zone,omitempty"`
	Days           []int               `json:"days,omitempty"` // ISO weekdays, 1 = Monday to 7 = Sunday
	Windows        []Window            `json:"windows,omitempty"`
	WeekdayWindows map[string][]Window `json:"weekdayWindows,omitempty"`
	Dayparts       []string            `json:"dayparts,omitempty"`
	ExDates        []string            `json:"exDates,omitempty"`
}

// Defaults are the loops that play when no event does: the device's, else that of the first of the player's groups
// that has one, else the fleet's.
type Defaults struct {
	Device map[string][]string `json:"device,omitempty"`
	Group  map[string][]string `json:"group,omitempty"`
	Fleet  []string            `json:"fleet,omitempty"`
}

// Event is one rule of a schedule.
type Event struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind,omitempty"` // main (the default), interrupt, overlay, takeover, emergency
	Items    []string `json:"items"`
	Disabled bool     `json:"disabled,omitempty"`

	Zone           string              `json:"zone,omitempty"`           // IANA; "" = the player's
	RRule          string              `json:"rrule,omitempty"`          // RFC 5545 over local dates; COUNT, INTERVAL, or no BY part need StartDate
	Days           []int               `json:"days,omitempty"`           // ISO weekdays, instead of RRule; empty but there = only RDates
	StartDate      string              `json:"startDate,omitempty"`      // YYYY-MM-DD, inclusive
	EndDate        string              `json:"endDate,omitempty"`        // YYYY-MM-DD, inclusive
	RDates         []string            `json:"rDates,omitempty"`         // more days, also outside of StartDate to EndDate
	ExDates        []string            `json:"exDates,omitempty"`        // fewer days, stronger than all others
	Windows        []Window            `json:"windows,omitempty"`        // no Windows and no Dayparts = the whole day
	WeekdayWindows map[string][]Window `json:"weekdayWindows,omitempty"` // "1" to "7": instead of Windows and Dayparts; empty list = closed
	Dayparts       []string            `json:"dayparts,omitempty"`       // names of the schedule's dayparts, beside Windows
	NotBefore      *time.Time          `json:"notBefore,omitempty"`      // [NotBefore, NotAfter), whatever the zone
	NotAfter       *time.Time          `json:"notAfter,omitempty"`

	Target     *Target     `json:"target,omitempty"`
	When       []Condition `json:"when,omitempty"`
	Priority   int         `json:"priority,omitempty"`
	Order      *int        `json:"order,omitempty"`
	Mode       string      `json:"mode,omitempty"` // "" = block, or roundRobin
	MaxPerHour int         `json:"maxPerHour,omitempty"`
	Share      int         `json:"share,omitempty"` // per mille of playing time, interrupts only
	NeedsClock bool        `json:"needsClock,omitempty"`

	Trigger *Trigger `json:"trigger,omitempty"` // it waits for somebody to do something

	Severity  string     `json:"severity,omitempty"` // Extreme, Severe, Moderate, Minor, Unknown (CAP 1.2)
	IssuedAt  *time.Time `json:"issuedAt,omitempty"`
	Exclusive bool       `json:"exclusive,omitempty"`

	OnStart string `json:"onStart,omitempty"` // cut, finish, pause
	OnEnd   string `json:"onEnd,omitempty"`   // next, resume, restart
	MaxWait string `json:"maxWait,omitempty"` // duration, with onStart: finish; "" = 30s
	Align   bool   `json:"align,omitempty"`
	Volume  *int   `json:"volume,omitempty"` // of all sound while it has the screen, per cent; nil = the schedule's
}

// Trigger is what an event waits for: until one of On happens it is ineligible, then it is eligible for a time.
type Trigger struct {
	On     []string `json:"on"`               // touch, key:F2 (an X key's name with its modifiers, as in key:ctrl+F2), gpio:NAME, http:NAME
	For    string   `json:"for,omitempty"`    // duration, at most 24h; "" = until its items have been shown once (main and takeover only)
	Extend bool     `json:"extend,omitempty"` // what happens again meanwhile prolongs it; otherwise that does nothing
}

// Target names the players an event is for: a device OR a group OR all of the tags. No target = everyone.
type Target struct {
	Devices []string `json:"devices,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

// Condition compares a metric with a value; an unknown metric is false.
type Condition struct {
	Metric string `json:"metric"`
	Op     string `json:"op"` // eq, ne, lt, le, gt, ge, in
	Value  any    `json:"value"`
}

// Player is who asks.
type Player struct {
	ID     string   `json:"id"`
	Groups []string `json:"groups"` // best first
	Tags   []string `json:"tags"`
	Zone   string   `json:"zone"` // IANA
}

// State is what the player knows of itself.
type State struct {
	Missing     []string       `json:"missing,omitempty"`     // items not present or not verified
	Quarantined []string       `json:"quarantined,omitempty"` // items that failed too often
	Plays       map[string]int `json:"plays,omitempty"`       // by event, in the last sliding hour
	Metrics     map[string]any `json:"metrics,omitempty"`
	Clock       string         `json:"clock,omitempty"` // trusted (the default), held, estimated, none

	Triggers map[string]time.Time `json:"triggers,omitempty"` // by event: when its trigger last counted, as Fire says
	Since    map[string]time.Time `json:"since,omitempty"`    // metrics that count the whole seconds since an instant, as touch.idle does
	Screen   string               `json:"screen,omitempty"`   // off: an action has switched it off, and none on again
}

// The layers of a Decision, strongest first.
const (
	LayerEmergency = "emergency"
	LayerTakeover  = "takeover"
	LayerOff       = "off"
	LayerScheduled = "scheduled"
	LayerDefault   = "default"
	LayerFallback  = "fallback"
)

// FallbackItem stands in a Loop for the bundle's own fallback, and failing that the player's card.
const FallbackItem = "@fallback"

// Decision is the answer.
type Decision struct {
	Screen     string            `json:"screen"` // on, off
	Layer      string            `json:"layer"`
	Events     []string          `json:"event"`
	Loop       []string          `json:"loop"`
	Overlays   []string          `json:"overlays"`
	Interrupts map[string]int    `json:"interrupts,omitempty"` // event -> per mille, scaled to at most 1000 in all
	Next       *time.Time        `json:"next,omitempty"`       // the next instant at which the answer differs if the state stays; absent = never
	Why        map[string]string `json:"why,omitempty"`        // by Explain only: for each event that does not play, the first test that it fails
}

// Problem is a rule that cannot be right. Its event is left out, unless what was meant is beyond doubt or, as for an
// emergency's severity, leaving it out is worse; a bundle with a problem is not built.
type Problem struct {
	Path    string `json:"path"`    // JSON pointer (RFC 6901) into the schedule, "/events/3/windows/0"
	Message string `json:"message"` // what is wrong and what to write instead
}
