package agenda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect/rows"
)

// domino asks HCL (once IBM Lotus) Domino's Access Services, the calendar service: /{mail file}/api/calendar/events. Times
// are single ones, rules followed by the server; a page has at most 50.
type domino struct{ *caller }

const dominoPage = 50

type dominoEvent struct {
	ID           string      `json:"id"`
	Summary      string      `json:"summary"`
	Location     string      `json:"location"`
	Description  string      `json:"description"`
	Start        dominoTime  `json:"start"`
	End          *dominoTime `json:"end"`
	Class        string      `json:"class"`
	Transparency string      `json:"transparency"`
	Status       string      `json:"status"`
	Categories   []string    `json:"categories"`
	Organizer    struct {
		DisplayName string `json:"displayName"`
		Email       string `json:"email"`
	} `json:"organizer"`
}

type dominoTime struct {
	Date string `json:"date"`
	Time string `json:"time"` // none = the whole day
	UTC  bool   `json:"utc"`
	TZID string `json:"tzid"`
}

// Events implements Agenda.
func (d *domino) Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error) {
	var out []Event
	var told rows.Table
	for page := range mostPages {
		u := *d.base
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + strings.Trim(d.Calendar, "/") + "/api/calendar/events"
		u.RawQuery = url.Values{"since": {w.From.UTC().Format(time.RFC3339)}, "before": {w.To.UTC().Format(time.RFC3339)},
			"count": {strconv.Itoa(dominoPage)}, "start": {strconv.Itoa(page * dominoPage)}}.Encode()
		a, err := d.basic(ctx, http.MethodGet, &u, http.Header{"Accept": {"application/json"}}, "", limit)
		if err != nil {
			return nil, nil, err
		}
		if a.status != http.StatusOK {
			var said struct{ Message string }
			_ = json.Unmarshal(a.body, &said) // what it does not say is left out
			return nil, nil, d.refusal(a, said.Message)
		}
		var got struct {
			Events []dominoEvent `json:"events"`
		}
		if err := json.Unmarshal(a.body, &got); err != nil { // a page that asks for a name answers 200 too
			return nil, nil, fmt.Errorf("%s answered what Domino's calendar service does not: look whether the service is switched on (Access Services) and takes basic authentication", d.base.Host)
		}
		for _, e := range got.Events {
			if strings.EqualFold(e.Status, "cancelled") {
				continue
			}
			ev, err := e.event(w)
			if err != nil {
				told.Drop(cut(e.Summary, 60), "%v", err)
				continue
			}
			out = append(out, ev)
		}
		if len(got.Events) < dominoPage || len(out) > mostEvents {
			break
		}
	}
	return out, told.Dropped, nil
}

func (e dominoEvent) event(w Window) (Event, error) {
	end := e.End
	if end == nil { // an anniversary, a reminder
		end = &e.Start
	}
	start, err := e.Start.at(w)
	if err != nil {
		return Event{}, err
	}
	until, err := end.at(w)
	if err != nil {
		return Event{}, err
	}
	allDay := e.Start.Time == ""
	if allDay && !until.After(start) {
		until = inZone(w.zone()).at(inZone(w.zone()).wall(start).Add(aDay))
	}
	if until.Before(start) {
		return Event{}, fmt.Errorf("it ends before it begins, %s %s", e.Start.Date, e.Start.Time)
	}
	return Event{UID: e.ID, Title: e.Summary, Start: start, End: until, AllDay: allDay, Place: e.Location, Text: e.Description,
		Organizer: firstOf(e.Organizer.DisplayName, e.Organizer.Email), Category: strings.Join(e.Categories, ", "),
		Free: e.Transparency == "transparent", Tentative: strings.EqualFold(e.Status, "tentative"), Private: e.Class == "private" || e.Class == "confidential"}, nil
}

func (t dominoTime) at(w Window) (time.Time, error) {
	clock := inZone(w.zone())
	if t.Time == "" {
		day, err := time.Parse(time.DateOnly, t.Date)
		if err != nil {
			return day, fmt.Errorf("its day is %.40q, which is not one", t.Date)
		}
		return clock.at(day), nil
	}
	wall, err := time.Parse("2006-01-02 15:04:05", t.Date+" "+t.Time)
	switch {
	case err != nil:
		return wall, fmt.Errorf("its time is %.60q, which is not one", t.Date+" "+t.Time)
	case t.UTC:
		return wall, nil
	case t.TZID != "":
		zone, err := time.LoadLocation(t.TZID)
		if err != nil || t.TZID == "Local" {
			return wall, fmt.Errorf("its time zone %.60q is not known", t.TZID)
		}
		return inZone(zone).at(wall), nil
	}
	return clock.at(wall), nil
}
