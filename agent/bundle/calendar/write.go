// Package calendar carries times between schedules and other people's calendars, as iCalendar (RFC 5545).
//
//	timeline ──> Calendar ──Write──> .ics ──> anybody's calendar
//	anybody's calendar ──> .ics ──Read──> Component ──Events──> schedule.Event, and by name what cannot be one
package calendar

import (
	"bufio"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Calendar is a list of entries to be written.
type Calendar struct {
	Name    string
	Made    time.Time // becomes each entry's DTSTAMP
	Entries []Entry
}

// Entry is one stretch of time, [Start, End) in whole seconds.
type Entry struct {
	UID         string // the same whenever the same thing is written again
	Start, End  time.Time
	Summary     string
	Description string
	Category    string
	Color       string // a CSS3 colour's name (RFC 7986, section 5.9)
	Busy        bool   // whether it takes time up for who looks for free time
}

const (
	instantForm = "20060102T150405Z"
	foldAt      = 75 // octets of a line, its end not counted (RFC 5545, section 3.1)
)

// Write writes the calendar. All times are instants in UTC, so that no reader needs to know a time zone.
func (c *Calendar) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	line := func(name, value string) { fold(out, name+":"+value) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Vitrine//vitrine timeline//EN")
	line("CALSCALE", "GREGORIAN")
	line("NAME", escape(c.Name))
	line("X-WR-CALNAME", escape(c.Name))
	for _, e := range c.Entries {
		line("BEGIN", "VEVENT")
		line("UID", escape(e.UID))
		line("DTSTAMP", c.Made.UTC().Format(instantForm))
		line("DTSTART", e.Start.UTC().Format(instantForm))
		line("DTEND", e.End.UTC().Format(instantForm))
		line("SUMMARY", escape(e.Summary))
		for _, p := range [][2]string{{"DESCRIPTION", e.Description}, {"CATEGORIES", e.Category}, {"COLOR", e.Color}} {
			if p[1] != "" {
				line(p[0], escape(p[1]))
			}
		}
		transparency := "TRANSPARENT"
		if e.Busy {
			transparency = "OPAQUE"
		}
		line("TRANSP", transparency)
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	return out.Flush()
}

// fold writes a content line, cut where it is too long but never within a character. The first fault of writing is kept by
// out until it is flushed.
func fold(out *bufio.Writer, line string) {
	room := foldAt
	for len(line) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		out.WriteString(line[:cut] + "\r\n ")
		line, room = line[cut:], foldAt-1 // the space counts
	}
	out.WriteString(line + "\r\n")
}

// escape writes a TEXT value (section 3.3.11); control characters, which none may have, are left out.
func escape(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}
