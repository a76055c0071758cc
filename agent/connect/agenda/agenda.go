// Package agenda answers: what is in this calendar, from when to when?
//
//	.ics, CalDAV ──RRULE, EXDATE, RECURRENCE-ID, VTIMEZONE──┐
//	Exchange Online, on premises ── already expanded ───────┼──> Events ──Table──> rows: title, start, end, place …
//	Google, Domino ─────────────────────────────────────────┘
//
// A rule that repeats without end is followed within the window that is asked for, and within a bound of steps.
package agenda

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"vitrine/agent/connect/rows"
)

// Window is the stretch of time that is asked for, [From, To), and the zone of whoever asks: that of days and of times
// that name none.
type Window struct {
	From, To time.Time
	Zone     *time.Location // nil = UTC
}

// zone never gives nil.
func (w Window) zone() *time.Location {
	if w.Zone == nil {
		return time.UTC
	}
	return w.Zone
}

// holds says whether [start, end) meets the window; what takes no time does where it begins.
func (w Window) holds(start, end time.Time) bool {
	return start.Before(w.To) && (end.After(w.From) || start.Equal(end) && !start.Before(w.From))
}

// Event is one entry of a calendar, at one time.
type Event struct {
	UID        string
	Title      string
	Start, End time.Time
	AllDay     bool // Start and End are midnights of the window's zone
	Place      string
	Text       string
	Organizer  string
	Category   string
	URL        string
	Free       bool // it takes no time up for who looks for free time
	Tentative  bool
	Private    bool // its owner does not want it read by others
}

// columns are those of every calendar's table.
var columns = []string{"title", "start", "end", "allDay", "place", "text", "organizer", "category", "url", "free", "tentative", "private", "uid"}

// Table makes rows of events, in the order of their beginnings, most at most. Times are by the clock of the window's zone.
func Table(events []Event, w Window, most int) rows.Table {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Title, b.Title), cmp.Compare(a.UID, b.UID))
	})
	t := rows.Table{Columns: columns}
	if len(events) > most {
		events, t.Truncated = events[:most], true
	}
	at := func(x time.Time) rows.Value {
		return rows.Of(rows.DateTime, x.In(w.zone()).Format(time.RFC3339))
	}
	yes := func(b bool) rows.Value { return rows.Of(rows.Bool, strconv.FormatBool(b)) }
	for _, e := range events {
		link := rows.Value{Kind: rows.Null}
		if e.URL != "" {
			link = rows.Of(rows.URL, e.URL)
		}
		t.Rows = append(t.Rows, []rows.Value{rows.Of(rows.Text, e.Title), at(e.Start), at(e.End), yes(e.AllDay), rows.Of(rows.Text, e.Place),
			rows.Of(rows.Text, e.Text), rows.Of(rows.Text, e.Organizer), rows.Of(rows.Text, e.Category), link, yes(e.Free), yes(e.Tentative),
			yes(e.Private), rows.Of(rows.Text, e.UID)})
	}
	return t
}
