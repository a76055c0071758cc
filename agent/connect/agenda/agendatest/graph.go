package agendatest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Graph is Microsoft Graph, version 1.0, calendarView, with the token endpoint of Microsoft Entra
// (learn.microsoft.com: "List calendarView", "Get access without a user").
type Graph struct {
	Tenant, Client, Password string
	Mailbox                  string
	Meetings                 []Meeting
	Signed                   atomic.Int32 // tokens given
	Expire                   atomic.Bool  // the next request finds its token too old
	Busy                     atomic.Bool  // requests are throttled
}

// Transport carries requests to it.
func (g *Graph) Transport() Transport {
	return Transport{"login.microsoftonline.com": http.HandlerFunc(g.login), "graph.microsoft.com": http.HandlerFunc(g.view)}
}

func (g *Graph) login(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, text string) {
		say(w, status, map[string]any{"error": code, "error_description": text})
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/"+g.Tenant+"/oauth2/v2.0/token":
		refuse(http.StatusBadRequest, "invalid_request", "AADSTS90002: Tenant not found. Check to make sure you have the correct tenant ID.")
	case r.FormValue("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case r.FormValue("client_id") != g.Client:
		refuse(http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
	case r.FormValue("client_secret") != g.Password:
		refuse(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
	case r.FormValue("scope") != "https://graph.microsoft.com/.default":
		refuse(http.StatusBadRequest, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
	default:
		say(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": fmt.Sprint("token-", g.Signed.Add(1))})
	}
}

func (g *Graph) view(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, text string) {
		say(w, status, map[string]any{"error": map[string]any{"code": code, "message": text}})
	}
	q := r.URL.Query()
	from, err1 := time.Parse(time.RFC3339, q.Get("startDateTime"))
	to, err2 := time.Parse(time.RFC3339, q.Get("endDateTime"))
	top, err3 := strconv.Atoi(q.Get("$top"))
	skip, _ := strconv.Atoi(q.Get("$skip"))
	switch {
	case bearer(r) == "":
		refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	case bearer(r) != fmt.Sprint("token-", g.Signed.Load()) || g.Expire.CompareAndSwap(true, false):
		refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case g.Busy.Load():
		w.Header().Set("Retry-After", "17")
		refuse(http.StatusTooManyRequests, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
	case r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v1.0/users/"):
		refuse(http.StatusBadRequest, "BadRequest", "Resource not found for the segment.")
	case r.URL.Path != "/v1.0/users/"+g.Mailbox+"/calendarView":
		refuse(http.StatusNotFound, "ErrorInvalidUser", "The requested user is invalid.")
	case err1 != nil || err2 != nil:
		refuse(http.StatusBadRequest, "ErrorInvalidParameter", "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.")
	case err3 != nil || top < 1 || top > 1000:
		refuse(http.StatusBadRequest, "ErrorInvalidParameter", "The value of $top is out of range.")
	default:
		g.page(w, r, from, to, skip)
	}
}

// page gives three entries at a time, so that whoever asks has to come again.
func (g *Graph) page(w http.ResponseWriter, r *http.Request, from, to time.Time, skip int) {
	var all []map[string]any
	for _, m := range g.Meetings {
		if !m.within(from, to) {
			continue
		}
		at := func(t time.Time) map[string]any {
			if !strings.Contains(r.Header.Get("Prefer"), `outlook.timezone="UTC"`) { // else that of the mailbox
				return map[string]any{"dateTime": t.Add(-8 * time.Hour).Format("2006-01-02T15:04:05.0000000"), "timeZone": "Pacific Standard Time"}
			}
			return map[string]any{"dateTime": t.UTC().Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
		}
		shows := map[bool]string{true: "free", false: "busy"}[m.Free]
		if m.Tentative {
			shows = "tentative"
		}
		all = append(all, map[string]any{"id": "AAMk" + m.ID, "iCalUId": m.ID, "subject": m.Title, "start": at(m.Start), "end": at(m.End), "isAllDay": m.AllDay,
			"isCancelled": m.Cancelled, "showAs": shows, "sensitivity": map[bool]string{true: "private", false: "normal"}[m.Private],
			"location": map[string]any{"displayName": m.Place}, "organizer": map[string]any{"emailAddress": map[string]any{"name": m.Organizer, "address": "o@example.com"}}})
	}
	end := min(skip+3, len(all))
	out := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": all[min(skip, end):end]}
	if end < len(all) {
		q := r.URL.Query()
		q.Set("$skip", strconv.Itoa(end))
		out["@odata.nextLink"] = "https://graph.microsoft.com" + r.URL.Path + "?" + q.Encode()
	}
	say(w, http.StatusOK, out)
}
