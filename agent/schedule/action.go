package schedule

import (
	"fmt"
	"time"
)

// Action is a point in local time at which something is done once: a reboot, the power, the volume. Its days are those of an
// Event. In a gap of daylight saving it is due at the gap's end, in a fold at the first pass.
//
// It is done only while the clock is trusted or held; what was missed until then is made up for as Late says. Its conditions
// are asked once, when it is due.
type Action struct {
	ID       string      `json:"id"`
	Do       string      `json:"do"`               // one of the Do constants
	Volume   *int        `json:"volume,omitempty"` // with do: volume, per cent, 0 to 100
	Disabled bool        `json:"disabled,omitempty"`
	Target   *Target     `json:"target,omitempty"`
	When     []Condition `json:"when,omitempty"`

	At        string   `json:"at"`             // local time of day, "HH:MM" or "HH:MM:SS"
	Late      string   `json:"late,omitempty"` // when missed while off: "skip" (the default), or how late it may be, "2h"
	Zone      string   `json:"zone,omitempty"` // IANA; "" = the player's
	RRule     string   `json:"rrule,omitempty"`
	Days      []int    `json:"days,omitempty"` // ISO weekdays
	StartDate string   `json:"startDate,omitempty"`
	EndDate   string   `json:"endDate,omitempty"`
	RDates    []string `json:"rDates,omitempty"`
	ExDates   []string `json:"exDates,omitempty"`

	unread bool // it stands for one that could not be read, and was reported
}

// What an Action does.
const (
	DoReboot     = "reboot"
	DoPowerOff   = "poweroff"
	DoScreenOn   = "screenOn"
	DoScreenOff  = "screenOff" // until a screenOn; an emergency and a takeover wake the screen
	DoVolume     = "volume"    // of all sound, until the next one
	DoScreenshot = "screenshot"
)

// Alarm is a compiled Action. It may be used by one goroutine at a time.
type Alarm struct {
	Action Action

	dates  dateSet
	zone   *zone
	second int
	late   time.Duration
}

const (
	// Grace is how late an action may be that is not to be made up for: the time between two looks at the clock.
	Grace = time.Minute
	// MostLate is the longest Late.
	MostLate = 7 * 24 * time.Hour
)

// CompileAction prepares an action for a player's zone. With problems there is no Alarm: an action that is not understood
// is not done. Paths of problems are below the action.
func CompileAction(a Action, playerZone string) (*Alarm, []Problem) {
	var problems []Problem
	refuse := func(path, message string) { problems = append(problems, Problem{path, message}) }
	alarm := &Alarm{Action: a, late: Grace}
	var ok bool
	if alarm.second, ok = parseClock(a.At); !ok || alarm.second == secondsADay {
		refuse("/at", fmt.Sprintf("%q is not a time of day: write \"00:00\" to \"23:59\"", a.At))
	}
	if a.Late != "" && a.Late != "skip" {
		d, err := time.ParseDuration(a.Late)
		if err != nil || d <= 0 || d > MostLate {
			refuse("/late", fmt.Sprintf("late %q does not work: write \"skip\", or a duration up to 168h such as \"2h\"", a.Late))
		}
		alarm.late = max(d, Grace)
	}
	name := a.Zone
	if name == "" {
		name = playerZone
	}
	place, err := loadZone(name)
	if err != nil {
		refuse("/zone", fmt.Sprintf("zone %q is unknown: write an IANA name such as \"Europe/Paris\"", name))
	}
	alarm.zone = &zone{place: place}
	t := timing{rrule: a.RRule, days: a.Days, start: a.StartDate, end: a.EndDate, rDates: a.RDates, exDates: a.ExDates}
	t.dates(&alarm.dates, refuse)
	if len(problems) > 0 {
		return nil, problems
	}
	return alarm, nil
}

// Next returns the first instant after t at which the action is due; not ok when there is none.
func (a *Alarm) Next(t time.Time) (due time.Time, ok bool) {
	after := t.Unix()
	// Of an earlier day nothing is left: clocks have shown later times already, or passed over them.
	day, _ := split(after + a.zone.at(after).offset)
	for d := a.dates.next(day); d != noDate; d = a.dates.next(d + 1) {
		if at := a.zone.instant(d.naive() + int64(a.second)); at > after {
			return time.Unix(at, 0).UTC(), true
		}
	}
	return time.Time{}, false
}

// Due returns the latest instant after last and not after now at which the action was due and is still to be done. last is
// when that was asked before, kept over a restart.
func (a *Alarm) Due(last, now time.Time) (due time.Time, ok bool) {
	from := now.Add(-a.late - time.Second)
	if last.After(from) {
		from = last
	}
	for {
		next, more := a.Next(from)
		if !more || next.After(now) {
			return due, ok
		}
		from = next
		if now.Sub(next) <= a.late {
			due, ok = next, true
		}
	}
}

// instant is the first one at which clocks show the naive time, or pass it.
func (z *zone) instant(naive int64) int64 {
	s := z.at(naive - mostJump)
	for {
		t := naive - s.offset
		if t < s.from {
			return s.from // clocks jumped over it
		}
		if t < s.to {
			return t
		}
		s = z.at(s.to)
	}
}
