package schedule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Plan is a compiled Schedule. It may be used by several goroutines; a copy of it may not be made.
type Plan struct {
	events   []*event // in the schedule's order, malformed ones too
	ladder   map[string][]*event
	defaults Defaults
	actions  []*action
	hours    *rhythm // nil: no working hours, or malformed ones
	sound    sound
	wary     bool // untrustedClock: default

	mu    sync.Mutex
	views []*view // latest first
}

// event is a compiled Event.
type event struct {
	Event
	rhythm *rhythm
	broken string // why it is left out, "" when it is not
	order  int
	robin  bool // mode: roundRobin
	issued time.Time
	grade  int   // of severity, 4 = Extreme
	lasts  int64 // of its trigger, nanoseconds; never = until it has been shown
}

// Compile prepares a schedule and reports everything in it that cannot be right. A malformed event is left out and the
// rest works; malformed working hours leave the screen on.
func Compile(s *Schedule) (*Plan, []Problem) {
	c := &compiler{rhythms: map[string]*rhythm{}, parts: map[string][]span{}, zones: map[string]string{}}
	p := &Plan{ladder: map[string][]*event{}, defaults: s.Defaults}
	switch s.UntrustedClock {
	case "", "play":
	case "default":
		p.wary = true
	default:
		c.report("/untrustedClock", fmt.Sprintf("untrustedClock %q does not work: write \"play\" or \"default\"", s.UntrustedClock))
	}
	for _, name := range sortedKeys(s.Dayparts) {
		path, before := "/dayparts/"+pointerEscape(name), len(c.problems)
		spans := compileWindows(s.Dayparts[name], path, func(path, message string) { c.report(path, message) })
		if len(c.problems) == before {
			c.parts[name] = spans
		}
	}
	if s.WorkingHours != nil {
		p.hours = c.workingHours(s.WorkingHours)
	}
	p.sound = c.sound(s.Audio)
	seen := map[string]bool{}
	for i := range s.Events {
		e := c.event(i, &s.Events[i], seen)
		p.events = append(p.events, e)
		if e.broken == "" && !e.Disabled {
			p.ladder[e.Kind] = append(p.ladder[e.Kind], e)
		}
	}
	p.actions = c.actions(s.Actions, seen)
	for kind, list := range p.ladder {
		slices.SortStableFunc(list, ranking(kind))
	}
	return p, c.problems
}

// At compiles and decides in one go, with the reasons in Why: for a single question. Who asks often keeps a Plan.
func At(s *Schedule, pl Player, st State, now time.Time) Decision {
	p, _ := Compile(s)
	return p.Explain(pl, st, now)
}

// ranking orders the events of a kind, the strongest first; overlays bottom up.
func ranking(kind string) func(a, b *event) int {
	switch kind {
	case kindEmergency, kindTakeover:
		return func(a, b *event) int {
			grade := 0
			if kind == kindEmergency {
				grade = cmp.Compare(b.grade, a.grade)
			}
			return cmp.Or(grade, b.issued.Compare(a.issued), strings.Compare(b.ID, a.ID))
		}
	case kindOverlay:
		return func(a, b *event) int { return cmp.Or(cmp.Compare(a.Priority, b.Priority), strings.Compare(a.ID, b.ID)) }
	}
	return func(a, b *event) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.order, b.order), strings.Compare(a.ID, b.ID))
	}
}

const (
	kindMain      = "main"
	kindInterrupt = "interrupt"
	kindOverlay   = "overlay"
	kindTakeover  = "takeover"
	kindEmergency = "emergency"
)

// compiler collects problems and shares rhythms between events.
type compiler struct {
	problems []Problem
	rhythms  map[string]*rhythm
	parts    map[string][]span
	zones    map[string]string // what is wrong with a zone, "" = nothing
}

func (c *compiler) report(path, message string) {
	c.problems = append(c.problems, Problem{path, message})
}

func (c *compiler) badZone(name string) string {
	if name == "" {
		return ""
	}
	wrong, known := c.zones[name]
	if !known {
		if _, err := loadZone(name); err != nil {
			wrong = fmt.Sprintf("zone %q is unknown: write an IANA name such as \"Europe/Paris\"", name)
		}
		c.zones[name] = wrong
	}
	return wrong
}

// loadZone refuses "Local", which would differ between the player and the preview.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("zone %q is not an IANA name", name)
	}
	return time.LoadLocation(name)
}

func (c *compiler) workingHours(h *WorkingHours) *rhythm {
	good := true
	refuse := func(path, message string) {
		good = false
		c.report("/workingHours"+path, message)
	}
	r := c.rhythm(timing{
		zone: h.Zone, days: h.Days, exDates: h.ExDates,
		hours: hours{h.Windows, h.WeekdayWindows, h.Dayparts},
	}, refuse)
	if !good {
		return nil
	}
	return r
}

func (c *compiler) event(i int, source *Event, seen map[string]bool) *event {
	e := &event{Event: *source, order: 1 << 62}
	path := fmt.Sprintf("/events/%d", i)
	refuse := func(below, message string) {
		if e.broken == "" {
			e.broken = message
		}
		c.report(path+below, message)
	}
	if e.ID == "" {
		refuse("/id", "the event has no id: give it a short name of its own")
	} else if seen[e.ID] {
		refuse("/id", fmt.Sprintf("a second event has the id %q: give each its own", e.ID))
	}
	seen[e.ID] = true
	if e.Kind == "" {
		e.Kind = kindMain
	}
	c.words(e, path, refuse)
	e.rhythm = c.rhythm(timing{
		zone: e.Zone, rrule: e.RRule, days: e.Days, start: e.StartDate, end: e.EndDate, rDates: e.RDates, exDates: e.ExDates,
		hours: hours{e.Windows, e.WeekdayWindows, e.Dayparts}, after: e.NotBefore, before: e.NotAfter,
	}, refuse)
	conditions(e.When, refuse)
	if e.Trigger != nil {
		e.lasts = e.Trigger.compile(e.Kind, refuse)
	}
	return e
}

func conditions(when []Condition, refuse func(path, message string)) {
	for n := range when {
		if message := when[n].check(); message != "" {
			refuse(fmt.Sprintf("/when/%d", n), message)
		}
	}
}

// words checks the fields that are words or numbers.
func (c *compiler) words(e *event, path string, refuse func(path, message string)) {
	if !slices.Contains([]string{kindMain, kindInterrupt, kindOverlay, kindTakeover, kindEmergency}, e.Kind) {
		refuse("/kind", fmt.Sprintf("kind %q does not work: write main, interrupt, overlay, takeover or emergency", e.Kind))
	}
	if len(e.Items) == 0 {
		refuse("/items", "the event has no items: name at least one scene")
	}
	if e.robin = e.Mode == "roundRobin"; !e.robin && e.Mode != "" && e.Mode != "block" {
		refuse("/mode", fmt.Sprintf("mode %q does not work: write \"roundRobin\" or leave it out", e.Mode))
	}
	if e.MaxPerHour < 0 {
		refuse("/maxPerHour", "maxPerHour is below 0: write how often it may play in an hour, or leave it out")
	}
	switch {
	case e.Kind == kindInterrupt && e.Share <= 0:
		refuse("/share", "the interrupt has no share: write its part of playing time, 1 to 1000 per mille")
	case e.Share > 1000 || e.Share < 0:
		c.report(path+"/share", fmt.Sprintf("share %d is not 1 to 1000 per mille", e.Share))
	}
	if e.RDates != nil && e.RRule == "" && e.Days == nil && e.StartDate == "" && e.EndDate == "" {
		c.report(path+"/rDates", "rDates add nothing to an event of every day: add rrule, days or a range of dates; for single days, write days: [] beside rDates")
	}
	if e.Order != nil {
		e.order = *e.Order
	}
	if e.IssuedAt != nil {
		e.issued = *e.IssuedAt
	}
	// An emergency with a wrong word is still one: it is shown, as the least of them.
	if e.grade = slices.Index([]string{"Unknown", "Minor", "Moderate", "Severe", "Extreme"}, e.Severity); e.grade < 0 {
		e.grade = 0
		if e.Severity != "" {
			c.report(path+"/severity", fmt.Sprintf("severity %q does not work: write Extreme, Severe, Moderate, Minor or Unknown", e.Severity))
		}
	}
	words := []struct {
		name, value string
		allowed     []string
	}{{"onStart", e.OnStart, []string{"", "cut", "finish", "pause"}}, {"onEnd", e.OnEnd, []string{"", "next", "resume", "restart"}}}
	for _, w := range words {
		if !slices.Contains(w.allowed, w.value) {
			c.report(path+"/"+w.name, fmt.Sprintf("%s %q does not work: write %s", w.name, w.value, strings.Join(w.allowed[1:], ", ")))
		}
	}
	if e.Volume != nil {
		if message := badVolume("volume", *e.Volume); message != "" {
			refuse("/volume", message)
		}
	}
	if e.MaxWait != "" {
		if d, err := time.ParseDuration(e.MaxWait); err != nil || d < 0 {
			c.report(path+"/maxWait", fmt.Sprintf("maxWait %q is not a duration: write it as 30s or 2m", e.MaxWait))
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// pointerEscape makes one token of a JSON pointer (RFC 6901, section 3).
func pointerEscape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
