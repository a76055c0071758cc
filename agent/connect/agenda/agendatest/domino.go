package agendatest

import (
	"net/http"
	"strconv"
	"time"
)

// Domino is the calendar service of HCL Domino Access Services (its reference, "GET events").
type Domino struct {
	User, Password string
	File           string // mail/room.nsf
	Meetings       []Meeting
	Form           bool // the server asks for a name on a page of its own, and answers 200
}

// ServeHTTP implements http.Handler.
func (d *Domino) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, text string) {
		say(w, status, map[string]any{"code": status, "text": http.StatusText(status), "message": text, "type": "text"})
	}
	q := r.URL.Query()
	from, err1 := time.Parse(time.RFC3339, q.Get("since"))
	to, err2 := time.Parse(time.RFC3339, q.Get("before"))
	count, err3 := strconv.Atoi(q.Get("count"))
	start, err4 := strconv.Atoi(q.Get("start"))
	user, password, ok := r.BasicAuth()
	switch {
	case d.Form && !ok, d.Form:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body><form action=/names.nsf?Login>")) // into memory
	case !ok || user != d.User || password != d.Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="/"`)
		refuse(http.StatusUnauthorized, "You must authenticate.")
	case r.URL.Path != "/"+d.File+"/api/calendar/events":
		refuse(http.StatusNotFound, "The calendar service is not available for this database.")
	case err1 != nil || err2 != nil || err3 != nil || err4 != nil || count < 1 || count > 100:
		refuse(http.StatusBadRequest, "Invalid parameter.")
	default:
		all := []map[string]any{}
		for _, m := range d.Meetings {
			if !m.within(from, to) {
				continue
			}
			at := func(t time.Time) map[string]any {
				if m.AllDay {
					return map[string]any{"date": t.UTC().Format(time.DateOnly)}
				}
				return map[string]any{"date": t.UTC().Format(time.DateOnly), "time": t.UTC().Format(time.TimeOnly), "utc": true}
			}
			e := map[string]any{"href": "/" + d.File + "/api/calendar/events/" + m.ID, "id": m.ID, "summary": m.Title, "location": m.Place, "start": at(m.Start), "end": at(m.End),
				"class": map[bool]string{true: "private", false: "public"}[m.Private], "transparency": map[bool]string{true: "transparent", false: "opaque"}[m.Free],
				"organizer": map[string]any{"displayName": m.Organizer}}
			if m.Cancelled {
				e["status"] = "cancelled"
			}
			if m.Tentative {
				e["status"] = "tentative"
			}
			all = append(all, e)
		}
		end := min(start+count, len(all))
		say(w, http.StatusOK, map[string]any{"events": all[min(start, end):end]})
	}
}
