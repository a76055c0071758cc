package connect

import (
	"cmp"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/agenda"
	"vitrine/agent/connect/rows"
)

// windowOf is the stretch of time around now whose events are rows.
func windowOf(w bundle.Window, most bounds) agenda.Window {
	before, after := cmp.Or(time.Duration(w.Before), 24*time.Hour), cmp.Or(time.Duration(w.After), 14*24*time.Hour)
	return agenda.Window{From: most.now.Add(-before), To: most.now.Add(after), Zone: most.zone}
}

// events are what an iCalendar file has around now.
func events(b []byte, w bundle.Window, most bounds) (rows.Table, error) {
	window := windowOf(w, most)
	found, dropped, err := agenda.ICal(b, window)
	if err != nil {
		return rows.Table{}, err
	}
	t := agenda.Table(found, window, most.rows)
	t.Dropped = dropped
	return t, nil
}
