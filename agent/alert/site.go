package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

// Site is where a screen hangs, and what is shown there. The zero Site gets every real, public alert, for it does not
// know where it is.
type Site struct {
	Position *Point // nil = not known
	// Geocodes are the codes that the site has in the systems of its senders, all that it is to match: a system whose codes are
	// made of parts (a county within a state) needs one for each.
	Geocodes []Pair
	Locale   string // the audience's language, "fr" or "fr-FR"; "" = as the message begins
	// Least is the least severity that takes the screen, Extreme to Minor; "" = every one, Unknown too.
	Least string
	// OnlySure leaves out alerts whose area cannot be compared with the site, say in codes while only its position is known.
	// Without it they are shown: a warning too many is better than one too few.
	OnlySure   bool
	Exercises  bool     // messages of the status Exercise are shown, marked as such
	Tests      bool     // and those of the status Test
	Restricted bool     // messages of the scope Restricted are shown
	Addresses  []string // private messages to one of these are shown
}

// Alert is a message that holds at a site.
type Alert struct {
	Message *Message
	Info    *Info // the one that is shown
	Match   Match // Here or Unsure
	From    time.Time
	Until   time.Time // From <= t < Until; From is zero when it holds at once
}

// admits says whether the site takes the message at all.
func (s *Site) admits(m *Message) bool {
	switch m.Status {
	case Actual:
	case Exercise:
		if !s.Exercises {
			return false
		}
	case Test:
		if !s.Tests {
			return false
		}
	default:
		return false
	}
	switch m.Scope {
	case Public:
		return true
	case Restricted:
		return s.Restricted
	case Private:
		return slices.ContainsFunc(m.Addresses, func(a string) bool { return slices.Contains(s.Addresses, a) })
	}
	return false
}

// choose finds the info that the site shows of a message at an instant: of those that hold then and there the worst, among
// these the one in the best language, among these the first.
func (s *Site) choose(m *Message, now time.Time) (Alert, bool) {
	if !s.admits(m) {
		return Alert{}, false
	}
	var best Alert
	for k := range m.Infos {
		i := &m.Infos[k]
		a := Alert{Message: m, Info: i, From: m.from(i), Until: m.until(i)}
		if now.Before(a.From) || !now.Before(a.Until) || i.Urgency == "Past" && !i.allClear() {
			continue
		}
		if s.Least != "" && rank(i.Severity) > rank(s.Least) {
			continue
		}
		a.Match = i.match(*s)
		if a.Match == Elsewhere || a.Match == Unsure && s.OnlySure {
			continue
		}
		if best.Info == nil || s.better(i, best.Info) {
			best = a
		}
	}
	return best, best.Info != nil
}

// better says whether an info is to be shown rather than one that came before it.
func (s *Site) better(i, than *Info) bool {
	if a, b := rank(i.Severity), rank(than.Severity); a != b {
		return a < b
	}
	return s.fits(i.Language) > s.fits(than.Language)
}

// fits says how well a language suits the site: 2 the very one, 1 another kind of it, 0 not.
func (s *Site) fits(language string) int {
	norm := func(l string) string { return strings.ToLower(strings.ReplaceAll(l, "_", "-")) }
	want, have := norm(s.Locale), norm(language)
	switch {
	case want == "":
		return 0
	case want == have:
		return 2
	case primary(want) == primary(have):
		return 1
	}
	return 0
}

// primary is the first part of a language tag, in lower case.
func primary(tag string) string {
	p, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	return strings.ToLower(p)
}

// ID names the alert for a schedule: "@alert/" and sixteen hexadecimal digits of the message's name. No name of a bundle
// begins with "@".
func (a Alert) ID() string {
	m := a.Message
	sum := sha256.Sum256([]byte(m.Sender + "\n" + m.Identifier + "\n" + m.Sent.UTC().Format(time.RFC3339)))
	return "@alert/" + hex.EncodeToString(sum[:8])
}

// Event is the alert for the schedule: of the kind emergency, with the message's severity and times.
func (a Alert) Event(items ...string) schedule.Event {
	sent, until := a.Message.Sent, a.Until
	e := schedule.Event{ID: a.ID(), Kind: "emergency", Items: items, Severity: a.Info.Severity, IssuedAt: &sent, NotAfter: &until}
	if !a.From.IsZero() {
		from := a.From
		e.NotBefore = &from
	}
	return e
}
