package connect

import (
	"cmp"
	"context"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/agenda"
	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// diary is a calendar of a service.
type diary struct {
	of     agenda.Agenda
	window bundle.Window
	held   *place.Held
	key    string
}

func (e errandOf) diary() (origin, error) {
	l := e.spec.Location
	s := agenda.Service{Type: e.spec.Type, URL: l.URL, Calendar: e.spec.Calendar, Mailbox: e.spec.Mailbox, Secret: l.SecretName()}
	var err error
	if s.CA, err = e.authority(); err != nil {
		return nil, err
	}
	of, err := agenda.Open(s, agenda.Env{Secret: e.secret})
	return &diary{of, e.spec.Window, e.held, "ask " + e.key}, err
}

func (d *diary) fetch(ctx context.Context, most bounds, step func(Step)) (rows.Table, error) {
	begun, window := time.Now(), windowOf(d.window, most)
	var t rows.Table
	err := d.held.Do(ctx, d.key, func() error {
		found, dropped, err := d.of.Events(ctx, window, most.bytes)
		if err != nil {
			return err
		}
		t = agenda.Table(found, window, most.rows)
		t.Dropped = dropped
		return nil
	})
	if err != nil {
		step(Step{Name: "ask", Took: time.Since(begun)})
		return rows.Table{}, err
	}
	step(Step{Name: "ask", Took: time.Since(begun), Rows: len(t.Rows)})
	return t, nil
}

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
